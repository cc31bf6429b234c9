package rules

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/hearthfps/hearth/pkg/clock"
	"github.com/hearthfps/hearth/pkg/rules"
	"github.com/hearthfps/hearth/services/visit-scheduling/schedule"
)

// everyProgram is the name of the visit rules of programs that have none of their own.
const everyProgram = "visits"

type visitsFile struct {
	rules.Header `yaml:",inline"`
	Rules        []visitRule `yaml:"rules"`

	ready []schedule.CoverageRule
}

type visitRule struct {
	Code    string  `yaml:"code"`
	Says    string  `yaml:"says"`
	Applies string  `yaml:"applies"`
	Counts  string  `yaml:"counts"`
	Of      string  `yaml:"of"`
	Share   float64 `yaml:"share"`
	Least   int     `yaml:"least"`
	Most    *int    `yaml:"most"`
}

// Coverage is what a program's visits are measured by in the month that begins on a
// day: its own rules in force then, else those of every program. A month before all
// versions is measured by the first.
func (b *Book) Coverage(program string, on clock.Date) schedule.Measure {
	for _, name := range []string{program, everyProgram} {
		if f, err := b.coverage.InForce(name, on); err == nil {
			return schedule.Measure{Ref: f.Ref, Rules: f.Rules.ready}
		}
	}
	first := b.coverage.Versions(everyProgram)[0]
	return schedule.Measure{Ref: first.Ref, Rules: first.Rules.ready}
}

// loadCoverage reads the files of visits/.
func (b *Book) loadCoverage(files fs.FS) (err error) {
	known := map[string]rules.Type{}
	for variable := range (schedule.Tally{}).Values() {
		known[variable] = rules.Number
	}
	language, err := rules.NewLanguage(known)
	if err != nil {
		return err
	}
	b.coverage, err = rules.LoadLibrary(files, "visits", func(f *visitsFile) error {
		for i, r := range f.Rules {
			ready, err := r.ready(language, known)
			if err != nil {
				return fmt.Errorf("rules[%d] (%s): %w", i, r.Code, err)
			}
			f.ready = append(f.ready, ready)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("visit rules: %w", err)
	}
	if len(b.coverage.Versions(everyProgram)) == 0 {
		return fmt.Errorf("visit rules: no file of visits/ is named %q, for programs that have none of their own", everyProgram)
	}
	return nil
}

// ready checks a rule and compiles its condition.
func (r visitRule) ready(language *rules.Language, known map[string]rules.Type) (schedule.CoverageRule, error) {
	condition, err := language.Condition(r.Applies)
	if err != nil {
		return schedule.CoverageRule{}, err
	}
	_, counted := known[r.Counts]
	_, of := known[r.Of]
	switch {
	case r.Code == "" || r.Says == "":
		err = errors.New("code and says are not empty")
	case !counted || (r.Of != "" && !of):
		err = errors.New("counts and of name one of the counts")
	case r.Of != "" && (r.Share <= 0 || r.Share > 1):
		err = errors.New("share is more than 0 and at most 1")
	case r.Of == "" && r.Most == nil && r.Least < 1:
		err = errors.New("say of and share, least, or most")
	}
	return schedule.CoverageRule{
		Code: r.Code, Says: r.Says, Applies: condition.True, Counts: r.Counts, Of: r.Of, Share: r.Share, Least: r.Least, Most: r.Most,
	}, err
}
