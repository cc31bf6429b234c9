package optimise

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
)

// Rule is something that keeps a visit from being placed.
type Rule string

// The rules that are relaxed, one by one and then in pairs, to find what would
// place a visit.
const (
	RuleSkill     Rule = "skill"          // a worker without the skill
	RuleLanguage  Rule = "language"       // a worker without the language
	RuleTeam      Rule = "team_skill"     // a team without a skill or language it must have between them
	RuleExclusion Rule = "exclusion"      // an excluded worker
	RuleWindow    Rule = "window"         // an hour before and after each window
	RulePerDay    Rule = "per_day"        // one more visit of the series that day
	RuleLimit     Rule = "limit"          // more minutes a day or week than the worker's limit
	RuleShift     Rule = "shift"          // an hour before and after each shift
	RuleAbsence   Rule = "absence"        // an absent worker
	RuleBooked    Rule = "booked"         // the time of visits that are not locked
	RuleLocked    Rule = "locked"         // the visit is locked where no rule lets it be
	RuleStopped   Rule = "stopped"        // the search was cancelled before this was looked into
	RuleNoWorkers Rule = "too_few_people" // even with all of the above relaxed there is no team
)

// SlackMinutes is by how much windows and shifts are widened in a relaxation.
const SlackMinutes = 60

// Unplaced is a visit left out, with what would place it.
type Unplaced struct {
	Visit   string
	Reasons []Reason
}

// Reason is a smallest set of rules that, relaxed, lets the visit be placed while
// everything else stays to the minute where it is. Proof is the place that was found; it is absent for
// RuleLocked, RuleStopped and RuleNoWorkers.
type Reason struct {
	Rules []Rule
	Proof *Assignment
}

// String says the reason as a scheduler reads it.
func (r Reason) String() string {
	words := make([]string, len(r.Rules))
	for i, x := range r.Rules {
		words[i] = string(x)
	}
	s := strings.Join(words, " and ")
	if r.Proof == nil {
		return s
	}
	s = fmt.Sprintf("without %s: %s at day %d %02d:%02d", s, strings.Join(r.Proof.Workers, ", "),
		floorDiv(r.Proof.Starts[0], DayMinutes), floorDiv(r.Proof.Starts[0]%DayMinutes, 60), r.Proof.Starts[0]%60)
	return s
}

// relaxed is a state in which some rules are relaxed for everyone.
type relaxed struct {
	rules  []Rule
	finder *finder
}

var local = []Rule{RuleSkill, RuleLanguage, RuleTeam, RuleExclusion, RuleWindow, RulePerDay, RuleLimit}

// explain fills in the unplaced visits of a schedule with their reasons.
func (c *plan) explain(ctx context.Context, out *Solution) {
	in := map[string]bool{}
	for _, p := range out.Placed {
		in[p.Visit] = true
	}
	out.Unplaced = nil
	var grounds []relaxed
	for i := range c.p.Visits {
		v := &c.p.Visits[i]
		if in[v.ID] {
			continue
		}
		u := Unplaced{Visit: v.ID}
		switch {
		case v.Locked:
			u.Reasons = []Reason{{Rules: []Rule{RuleLocked}}}
		case ctx.Err() != nil:
			u.Reasons = []Reason{{Rules: []Rule{RuleStopped}}}
		default:
			if grounds == nil {
				grounds = c.grounds(out.Placed)
			}
			u.Reasons = c.reasons(int32(i), grounds)
		}
		out.Unplaced = append(out.Unplaced, u)
	}
}

// grounds are the schedule as it is, and with each of the rules relaxed that
// concern the workers' time.
func (c *plan) grounds(placed []Placement) []relaxed {
	make := func(rules []Rule, change func(*Problem), keep func(Placement) bool) relaxed {
		p := *c.p
		if change != nil {
			p.Workers = slices.Clone(p.Workers)
			change(&p)
		}
		q := newPlanWith(&p, c.minutes)
		s := newState(q)
		s.pin = true
		list := placed
		if keep != nil {
			list = nil
			for _, x := range placed {
				if keep(x) {
					list = append(list, x)
				}
			}
		}
		s.load(list)
		// Without an absence two stretches may become one, whose minutes count to
		// another day: if the schedule cannot stand there, nothing is proved there.
		for _, x := range list {
			if !s.placed(q.visit[x.Visit]) {
				return relaxed{rules: rules}
			}
		}
		return relaxed{rules, newFinder(s)}
	}
	return []relaxed{
		make(nil, nil, nil),
		make([]Rule{RuleShift}, func(p *Problem) {
			for i := range p.Workers {
				w := &p.Workers[i]
				shifts := slices.Clone(w.Shifts)
				for k := range shifts {
					shifts[k].From -= SlackMinutes
					shifts[k].To += SlackMinutes
				}
				w.Shifts = shifts
			}
		}, nil),
		make([]Rule{RuleAbsence}, func(p *Problem) {
			for i := range p.Workers {
				p.Workers[i].Absences = nil
			}
		}, nil),
		make([]Rule{RuleBooked}, nil, func(x Placement) bool { return c.visits[c.visit[x.Visit]].locked }),
	}
}

// reasons finds the smallest sets of rules that, relaxed, place visit v.
func (c *plan) reasons(v int32, grounds []relaxed) []Reason {
	var sets [][]Rule
	for _, a := range local {
		sets = append(sets, []Rule{a})
	}
	var pairs [][]Rule
	for i, a := range local {
		for _, b := range local[i+1:] {
			pairs = append(pairs, []Rule{a, b})
		}
	}
	// one rule
	var out []Reason
	for _, set := range sets {
		out = grounds[0].try(v, set, out)
	}
	for _, g := range grounds[1:] {
		out = g.try(v, nil, out)
	}
	if len(out) > 0 {
		return out
	}
	// two
	for _, set := range pairs {
		out = grounds[0].try(v, set, out)
	}
	for _, g := range grounds[1:] {
		for _, set := range sets {
			out = g.try(v, set, out)
		}
	}
	if len(out) > 0 {
		return out
	}
	// all of the visit's own rules, on each ground
	for _, g := range grounds {
		if out = g.try(v, local, out); len(out) > 0 {
			return out
		}
	}
	return []Reason{{Rules: []Rule{RuleNoWorkers}}}
}

// try places visit v with its rules relaxed, and takes it back.
func (g relaxed) try(v int32, rules []Rule, out []Reason) []Reason {
	f := g.finder
	if f == nil {
		return out
	}
	old := f.visits[v]
	oldWorkers := f.workers
	defer func() { f.visits[v], f.workers = old, oldWorkers }()
	if !f.relax(v, rules) {
		return out
	}
	// Optional visits may cost more than leaving them out: any place will do.
	found, ok := f.best(v, nil, math.MaxInt64/4)
	if !ok {
		return out
	}
	a := &Assignment{}
	for k := range f.visits[v].roles {
		t := found.spots[k].tour
		a.Workers = append(a.Workers, f.p.Workers[f.plan.tours[t].worker].ID)
		a.Starts = append(a.Starts, int(found.starts[k]))
	}
	return append(out, Reason{Rules: append(slices.Clone(g.rules), rules...), Proof: a})
}

// relax changes visit v as the rules say. It reports false when a rule does not
// concern the visit, so that relaxing it proves nothing.
func (f *finder) relax(v int32, rules []Rule) bool {
	pv := &f.visits[v]
	visit := f.p.Visits[v]
	visit.Roles = slices.Clone(visit.Roles)
	all := len(rules) == len(local)
	for _, r := range rules {
		matters := true
		switch r {
		case RuleSkill:
			matters = false
			for k := range visit.Roles {
				matters = matters || len(visit.Roles[k].Skills) > 0
				visit.Roles[k].Skills = nil
			}
		case RuleLanguage:
			matters = false
			for k := range visit.Roles {
				matters = matters || len(visit.Roles[k].Languages) > 0
				visit.Roles[k].Languages = nil
			}
		case RuleTeam:
			matters = pv.team
			pv.team = false
		case RuleExclusion:
			matters = len(visit.Excluded) > 0
			visit.Excluded = nil
		case RuleWindow:
			wide := slices.Clone(pv.windows)
			for i := range wide {
				wide[i].From -= SlackMinutes
				wide[i].To += SlackMinutes
			}
			pv.windows = wide
		case RulePerDay:
			matters = pv.series >= 0 && f.series[pv.series].perDay < math.MaxInt32
			pv.series = -1
		case RuleLimit:
			f.workers = slices.Clone(f.workers)
			for i := range f.workers {
				f.workers[i].maxDay, f.workers[i].maxWeek = math.MaxInt32, math.MaxInt32
			}
		}
		if !matters && !all {
			return false
		}
	}
	for k := range pv.able {
		role := Role{}
		if len(visit.Roles) > 0 {
			role = visit.Roles[k]
		}
		var able []int32
		for i, w := range f.p.Workers {
			if !slices.Contains(visit.Excluded, w.ID) && within(role.Skills, w.Skills) && within(role.Languages, w.Languages) {
				able = append(able, int32(i))
			}
		}
		if k == 0 {
			pv.able = slices.Clone(pv.able)
		}
		pv.able[k] = able
	}
	return true
}
