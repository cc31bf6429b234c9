// Package rules reads intake's own rule files: response priority, response
// clocks and screening reasons. The version in force on the day decides.
package rules

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"sync"

	"github.com/hearthfps/hearth/pkg/clock"
	"github.com/hearthfps/hearth/pkg/rules"
	"github.com/hearthfps/hearth/services/intake/referral"
)

// Files are the rule files that ship with intake.
//
//go:embed priority clocks screening
var Files embed.FS

// The names of the rules.
const (
	priorityName  = "response_priority"
	clocksName    = "response_clocks"
	screeningName = "screening_reasons"
)

type priorityFile struct {
	rules.Header `yaml:",inline"`
	Levels       map[referral.Priority]referral.PriorityLevel `yaml:"levels"`
	Rules        []priorityRule                               `yaml:"rules"`
	Reasons      []referral.OverrideReason                    `yaml:"reasons"`
}

type priorityRule struct {
	Code     string            `yaml:"code"`
	Why      string            `yaml:"why,omitempty"`
	When     string            `yaml:"when"`
	Priority referral.Priority `yaml:"priority"`

	condition *rules.Condition
}

type clockFile struct {
	rules.Header `yaml:",inline"`
	Clocks       []clockRule `yaml:"clocks"`
}

type clockRule struct {
	Code   string         `yaml:"code"`
	Why    string         `yaml:"why,omitempty"`
	When   string         `yaml:"when"`
	Within clock.Deadline `yaml:"within"`
	MetBy  string         `yaml:"met_by"`
	From   string         `yaml:"from,omitempty"` // received (when empty) or arrived

	condition *rules.Condition
}

type screeningFile struct {
	rules.Header `yaml:",inline"`
	Reasons      []referral.ScreeningReason `yaml:"reasons"`
}

// Book holds every version of intake's rules. It may be used from many goroutines.
type Book struct {
	priority  *rules.Library[priorityFile]
	clocks    *rules.Library[clockFile]
	screening *rules.Library[screeningFile]

	mu    sync.Mutex
	byDay map[clock.Date]referral.Rules
}

func variables(more map[string]rules.Type) map[string]rules.Type {
	all := map[string]rules.Type{
		"channel": rules.Text, "kind": rules.Text, "urgency": rules.Text, "requested_program": rules.Text, "country": rules.Text,
		"concerns": rules.TextList, "safety_flags": rules.TextList, "children": rules.Number, "youngest_age": rules.Number,
	}
	for name, t := range more {
		all[name] = t
	}
	return all
}

// Load reads the files and compiles every condition.
func Load(files fs.FS) (*Book, error) {
	forPriority, err := rules.NewLanguage(variables(nil))
	if err != nil {
		return nil, err
	}
	forClocks, err := rules.NewLanguage(variables(map[string]rules.Type{"priority": rules.Text, "urgent": rules.Truth}))
	if err != nil {
		return nil, err
	}
	b := &Book{byDay: map[clock.Date]referral.Rules{}}
	var errs [3]error
	b.priority, errs[0] = rules.LoadLibrary(files, "priority", func(f *priorityFile) error { return f.prepare(forPriority) })
	b.clocks, errs[1] = rules.LoadLibrary(files, "clocks", func(f *clockFile) error { return f.prepare(forClocks) })
	b.screening, errs[2] = rules.LoadLibrary(files, "screening", (*screeningFile).prepare)
	return b, errors.Join(errs[:]...)
}

func (f *priorityFile) prepare(l *rules.Language) (err error) {
	for _, p := range referral.Priorities {
		level, ok := f.Levels[p]
		if !ok {
			return fmt.Errorf("levels: %s is missing", p)
		}
		if err := level.Within.Validate(); err != nil {
			return fmt.Errorf("levels: %s: %w", p, err)
		}
	}
	if len(f.Levels) != len(referral.Priorities) {
		return fmt.Errorf("levels: only %v", referral.Priorities)
	}
	for i := range f.Rules {
		r := &f.Rules[i]
		if !slices.Contains(referral.Priorities, r.Priority) {
			return fmt.Errorf("rule %s: priority: one of %v", r.Code, referral.Priorities)
		}
		if r.condition, err = l.Condition(r.When); err != nil {
			return fmt.Errorf("rule %s: when: %w", r.Code, err)
		}
	}
	if n := len(f.Rules); n == 0 || f.Rules[n-1].When != "true" {
		return errors.New(`rules: the last one must hold always (when: "true"), so that every referral has a priority`)
	}
	if len(f.Reasons) == 0 {
		return errors.New("reasons: name the reasons an override may give")
	}
	return unique(f.Rules, func(r priorityRule) string { return r.Code })
}

func (f *clockFile) prepare(l *rules.Language) (err error) {
	for i := range f.Clocks {
		c := &f.Clocks[i]
		if err := c.Within.Validate(); err != nil {
			return fmt.Errorf("clock %s: within: %w", c.Code, err)
		}
		if !slices.Contains(referral.Milestones, c.MetBy) {
			return fmt.Errorf("clock %s: met_by: one of %v", c.Code, referral.Milestones)
		}
		if !slices.Contains([]string{"", "received", "arrived"}, c.From) {
			return fmt.Errorf("clock %s: from: received or arrived", c.Code)
		}
		if c.condition, err = l.Condition(c.When); err != nil {
			return fmt.Errorf("clock %s: when: %w", c.Code, err)
		}
	}
	return unique(f.Clocks, func(c clockRule) string { return c.Code })
}

func (f *screeningFile) prepare() error {
	for _, r := range f.Reasons {
		if !slices.Contains([]referral.Status{referral.ScreenedIn, referral.ScreenedOut, referral.Redirected}, referral.Status(r.Decision)) {
			return fmt.Errorf("reason %s: decision: screened_in, screened_out or redirected", r.Code)
		}
	}
	return unique(f.Reasons, func(r referral.ScreeningReason) string { return string(r.Decision) + "/" + r.Code })
}

func unique[T any](list []T, code func(T) string) error {
	seen := map[string]bool{}
	for _, x := range list {
		c := code(x)
		if c == "" || seen[c] {
			return fmt.Errorf("%q: every code is there once and not empty", c)
		}
		seen[c] = true
	}
	return nil
}

// InForce are the rules of a day.
func (b *Book) InForce(day clock.Date) (referral.Rules, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if r, ok := b.byDay[day]; ok {
		return r, nil
	}
	r, err := b.choose(day)
	if err == nil {
		if len(b.byDay) > 1000 {
			clear(b.byDay)
		}
		b.byDay[day] = r
	}
	return r, err
}

func (b *Book) choose(day clock.Date) (referral.Rules, error) {
	p, err := b.priority.InForce(priorityName, day)
	if err != nil {
		return referral.Rules{}, err
	}
	c, err := b.clocks.InForce(clocksName, day)
	if err != nil {
		return referral.Rules{}, err
	}
	s, err := b.screening.InForce(screeningName, day)
	if err != nil {
		return referral.Rules{}, err
	}
	r := referral.Rules{
		Priorities: &referral.PriorityRules{Version: p.Ref.Version, Hash: p.Ref.Hash, Levels: p.Rules.Levels, Reasons: p.Rules.Reasons},
		Clocks:     &referral.ClockRules{Version: c.Ref.Version, Hash: c.Ref.Hash},
		Screening:  &referral.ScreeningRules{Version: s.Ref.Version, Hash: s.Ref.Hash, Reasons: s.Rules.Reasons},
	}
	for _, rule := range p.Rules.Rules {
		r.Priorities.Rules = append(r.Priorities.Rules, referral.PriorityRule{Code: rule.Code, When: rule.condition, Priority: rule.Priority})
	}
	for _, rule := range c.Rules.Clocks {
		r.Clocks.Rules = append(r.Clocks.Rules, referral.ClockRule{Code: rule.Code, When: rule.condition, Within: rule.Within, MetBy: rule.MetBy, FromArrival: rule.From == "arrived"})
	}
	return r, nil
}

// ClockCodes are the codes of all clocks, of every version.
func (b *Book) ClockCodes() []string {
	var codes []string
	for _, version := range b.clocks.Versions(clocksName) {
		for _, c := range version.Rules.Clocks {
			codes = append(codes, c.Code)
		}
	}
	slices.Sort(codes)
	return slices.Compact(codes)
}
