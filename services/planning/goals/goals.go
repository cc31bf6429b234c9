// Package goals drafts a plan's goals from assessed needs by a versioned rule
// file: one goal a domain that needs help, the greatest need first. It is pure;
// every draft says which rules and which assessment it came from.
package goals

import (
	_ "embed"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/hearthfps/hearth/pkg/rules"
)

//go:embed draft_goals-1.0.0.yaml
var shipped []byte

// Shipped reads the rules that come with Hearth.
func Shipped() (*Rules, error) { return Parse(shipped) }

// domains in the order of plans, when needs are equal.
var domains = []string{"safety", "health", "emotional_behavioural", "education", "parenting", "household_needs", "relationships", "supports"}

// Rules is one version of the rule file.
type Rules struct {
	Ref rules.Ref

	byDomain map[string]domain
}

type file struct {
	rules.Header `yaml:",inline"`
	Domains      []domain `yaml:"domains"`
}

type domain struct {
	Domain string    `yaml:"domain"`
	Some   *template `yaml:"some"`
	High   *template `yaml:"high"`
}

type template struct {
	Statement     string   `yaml:"statement"`
	Interventions []string `yaml:"interventions"`
	ResourceNeeds []string `yaml:"resource_needs"`
}

// Need is what an assessment said of one domain. Level is none, some or high.
type Need struct {
	Domain            string
	Level             string
	Strength          bool
	AssessmentID      string
	Instrument        string
	InstrumentVersion string
	At                time.Time
}

// Draft is a goal to start from.
type Draft struct {
	Need          Need
	Statement     string
	Interventions []string
	ResourceNeeds []string
}

var code = regexp.MustCompile(`^[a-z][a-z0-9_]{0,62}$`)

// Parse reads a rule file. Every domain has both levels; the error says which
// is wrong.
func Parse(src []byte) (*Rules, error) {
	f, ref, err := rules.Parse[file]("draft goals", src)
	if err != nil {
		return nil, err
	}
	r := &Rules{Ref: ref, byDomain: map[string]domain{}}
	for _, d := range f.Domains {
		if !slices.Contains(domains, d.Domain) {
			return nil, fmt.Errorf("draft goals: %q is none of %v", d.Domain, domains)
		}
		if _, twice := r.byDomain[d.Domain]; twice {
			return nil, fmt.Errorf("draft goals: domain %s is there twice", d.Domain)
		}
		for level, t := range map[string]*template{"some": d.Some, "high": d.High} {
			if t == nil || strings.TrimSpace(t.Statement) == "" || len(t.Interventions) == 0 {
				return nil, fmt.Errorf("draft goals: domain %s, %s: a statement and interventions are required", d.Domain, level)
			}
			for _, n := range t.ResourceNeeds {
				if !code.MatchString(n) {
					return nil, fmt.Errorf("draft goals: domain %s, %s: %q is not a code", d.Domain, level, n)
				}
			}
		}
		r.byDomain[d.Domain] = d
	}
	for _, name := range domains {
		if _, ok := r.byDomain[name]; !ok {
			return nil, fmt.Errorf("draft goals: domain %s is missing", name)
		}
	}
	return r, nil
}

var rank = map[string]int{"none": 0, "some": 1, "high": 2}

// Draft returns the goals to start from and the domains to build on. Of several
// needs in a domain the greatest counts, and of equal ones the newest. A domain
// is a strength when everything known of it is.
func (r *Rules) Draft(needs []Need) (drafts []Draft, strengths []string) {
	greatest := map[string]Need{}
	strong := map[string]bool{}
	for _, n := range needs {
		g, known := greatest[n.Domain]
		if !known || rank[n.Level] > rank[g.Level] || (n.Level == g.Level && n.At.After(g.At)) {
			greatest[n.Domain] = n
		}
		was, seen := strong[n.Domain]
		strong[n.Domain] = n.Strength && (!seen || was)
	}
	for _, level := range []string{"high", "some"} {
		for _, name := range domains {
			n, known := greatest[name]
			if !known || n.Level != level {
				continue
			}
			t := r.byDomain[name].Some
			if level == "high" {
				t = r.byDomain[name].High
			}
			drafts = append(drafts, Draft{Need: n, Statement: t.Statement, Interventions: slices.Clone(t.Interventions), ResourceNeeds: slices.Clone(t.ResourceNeeds)})
		}
	}
	for _, name := range domains {
		if strong[name] {
			strengths = append(strengths, name)
		}
	}
	return drafts, strengths
}
