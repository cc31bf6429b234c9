// Package rules reads the rule files of visit scheduling: what a planner may
// publish without a person, what visits are measured by, and what an agency weighs
// against what.
package rules

import (
	"embed"
	"fmt"
	"io/fs"
	"time"

	"github.com/hearthfps/hearth/pkg/rules"
	"github.com/hearthfps/hearth/services/visit-scheduling/schedule"
)

//go:embed *.yaml
var embedded embed.FS

// Files are the rule files that ship with the service.
func Files() fs.FS { return embedded }

// Book is every rule file, read.
type Book struct {
	// Automatic is what a planning job may publish by itself, by PublishingRule.
	Automatic      schedule.AutomaticLimits
	PublishingRule rules.Ref
	// Coverage is what visits are measured by, by CoverageRule.
	Coverage     []schedule.CoverageRule
	CoverageRule rules.Ref
	// WeightsRule is the file of Weighing.
	WeightsRule rules.Ref
	weighing    map[string]schedule.Weighing // by agency; "" is the default
}

type visitsFile struct {
	rules.Header `yaml:",inline"`
	Rules        []struct {
		Code    string  `yaml:"code"`
		Says    string  `yaml:"says"`
		Applies string  `yaml:"applies"`
		Counts  string  `yaml:"counts"`
		Of      string  `yaml:"of"`
		Share   float64 `yaml:"share"`
		Least   int     `yaml:"least"`
		Most    *int    `yaml:"most"`
	} `yaml:"rules"`
}

// loadCoverage reads visits.yaml.
func (b *Book) loadCoverage(files fs.FS) error {
	const name = "visits.yaml"
	data, err := fs.ReadFile(files, name)
	if err != nil {
		return fmt.Errorf("read visit rules: %w", err)
	}
	f, ref, err := rules.Parse[visitsFile](name, data)
	if err != nil {
		return err
	}
	known := map[string]rules.Type{}
	for variable := range (schedule.Tally{}).Values() {
		known[variable] = rules.Number
	}
	language, err := rules.NewLanguage(known)
	if err != nil {
		return err
	}
	for i, r := range f.Rules {
		bad := func(why string) error { return fmt.Errorf("%s: rules[%d] (%s): %s", name, i, r.Code, why) }
		condition, err := language.Condition(r.Applies)
		if err != nil {
			return bad(err.Error())
		}
		_, counted := known[r.Counts]
		_, of := known[r.Of]
		switch {
		case r.Code == "" || r.Says == "":
			return bad("code and says are not empty")
		case !counted || (r.Of != "" && !of):
			return bad("counts and of name one of the counts")
		case r.Of != "" && (r.Share <= 0 || r.Share > 1):
			return bad("share is more than 0 and at most 1")
		case r.Of == "" && r.Most == nil && r.Least < 1:
			return bad("say of and share, least, or most")
		}
		b.Coverage = append(b.Coverage, schedule.CoverageRule{
			Code: r.Code, Says: r.Says, Applies: condition.True, Counts: r.Counts, Of: r.Of, Share: r.Share, Least: r.Least, Most: r.Most,
		})
	}
	b.CoverageRule = ref
	return nil
}

type publishingFile struct {
	rules.Header `yaml:",inline"`
	Automatic    struct {
		Allowed   bool   `yaml:"allowed"`
		MostMoved int    `yaml:"most_moved"`
		Frozen    string `yaml:"frozen"`
	} `yaml:"automatic"`
}

// Load reads the book. It fails with the file, and what to mend.
func Load(files fs.FS) (*Book, error) {
	b := &Book{}
	const name = "publishing.yaml"
	data, err := fs.ReadFile(files, name)
	if err != nil {
		return nil, fmt.Errorf("read publishing rules: %w", err)
	}
	f, ref, err := rules.Parse[publishingFile](name, data)
	if err != nil {
		return nil, err
	}
	frozen, err := time.ParseDuration(f.Automatic.Frozen)
	if err != nil || frozen < 0 {
		return nil, fmt.Errorf("%s: automatic: frozen: %q is not a duration such as 48h", name, f.Automatic.Frozen)
	}
	if f.Automatic.MostMoved < 0 {
		return nil, fmt.Errorf("%s: automatic: most_moved: 0 or more", name)
	}
	b.PublishingRule = ref
	b.Automatic = schedule.AutomaticLimits{Allowed: f.Automatic.Allowed, MostMoved: f.Automatic.MostMoved, Frozen: frozen}
	if err := b.loadCoverage(files); err != nil {
		return nil, err
	}
	return b, b.loadWeights(files)
}
