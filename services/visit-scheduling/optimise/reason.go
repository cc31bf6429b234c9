package optimise

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
)

// Rule is something that keeps a visit from being placed.
type Rule string

// The rules that are relaxed, one by one and then in pairs, to find what would
// place a visit.
const (
	RuleSkill      Rule = "skill"          // a worker without the skill or its level
	RuleLanguage   Rule = "language"       // a worker without the language
	RuleAttribute  Rule = "attribute"      // a worker without an attribute the family asked for
	RuleTeam       Rule = "team_skill"     // a team without a skill or language it must have between them
	RuleExclusion  Rule = "exclusion"      // an excluded worker
	RuleWindow     Rule = "window"         // an hour before and after each window
	RuleDark       Rule = "dark"           // in the dark
	RulePerDay     Rule = "per_day"        // one more visit of the series that day
	RulePattern    Rule = "pattern"        // one more that week, or on two days running
	RuleWorkers    Rule = "workers"        // one more worker in the family
	RuleKnown      Rule = "known"          // somebody new without one the family knows
	RuleSubstitute Rule = "substitute"     // a substitute once more
	RuleCaseload   Rule = "caseload"       // one more family for a worker
	RuleLast       Rule = "last"           // as the last visit of a worker's day
	RuleLimit      Rule = "limit"          // more minutes or visits a day or week than the worker's limit
	RuleShift      Rule = "shift"          // an hour before and after each shift
	RuleAbsence    Rule = "absence"        // an absent worker
	RuleBreak      Rule = "break"          // a worker's break
	RuleBooked     Rule = "booked"         // the time of visits that are not locked
	RuleTogether   Rule = "together"       // parts that begin apart, or not after the gap there must be
	RuleLocked     Rule = "locked"         // the visit is locked where no rule lets it be
	RuleStopped    Rule = "stopped"        // the time was over before this was looked into, or so many others were
	RuleNoWorkers  Rule = "too_few_people" // even with all of the above relaxed there is no team
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
// RuleLocked, RuleStopped and RuleNoWorkers. A RuleStopped after others says that
// there may be more.
type Reason struct {
	Rules []Rule
	Proof *Assignment
	// Breaks are those of the proof's tours, where they then are: breaks float.
	Breaks []BreakTaken `json:",omitempty"`
}

// relaxed is a state in which some rules are relaxed for everyone.
type relaxed struct {
	rules  []Rule
	finder *finder
}

// local are the rules that are relaxed for one visit.
var local = []Rule{
	RuleSkill, RuleLanguage, RuleAttribute, RuleTeam, RuleExclusion, RuleWindow, RuleDark, RulePerDay, RulePattern, RuleWorkers, RuleKnown,
	RuleSubstitute, RuleCaseload, RuleLast, RuleLimit,
}

// Why says of the visits named, or of all that have no place in a valid schedule of
// p when none is, what would give them one, until ctx ends; in the order of the
// problem. It returns ErrProblem for an unsound problem.
func Why(ctx context.Context, p Problem, s Solution, visits ...string) ([]Unplaced, error) {
	if err := p.Validate(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrProblem, err)
	}
	out := Solution{Placed: s.Placed}
	newPlan(&p).explain(func() bool { return ctx.Err() != nil }, &out, visits...)
	return out.Unplaced, nil
}

// Of a large week only so many unplaced visits are looked into, the dearest first:
// reasonPlaces over the number of visits, and no fewer than reasonsLeast.
const (
	reasonPlaces = 2_000_000
	reasonsLeast = 20
)

// explain fills in the unplaced visits of a schedule with their reasons, as far as
// time and the number looked into allow; of those named, if any are, all.
func (c *plan) explain(over func() bool, out *Solution, visits ...string) {
	named := map[string]bool{}
	for _, v := range visits {
		named[v] = true
	}
	in := map[string]bool{}
	for _, p := range out.Placed {
		in[p.Visit] = true
	}
	var left []int32
	for i := range c.given.Visits {
		if id := c.given.Visits[i].ID; !in[id] && (len(named) == 0 || named[id]) {
			left = append(left, int32(i))
		}
	}
	dearest := slices.DeleteFunc(slices.Clone(left), func(v int32) bool { return c.visits[v].locked })
	slices.SortStableFunc(dearest, func(a, b int32) int { return -cmp.Compare(c.visits[a].leaveOut, c.visits[b].leaveOut) })
	if len(named) == 0 {
		dearest = dearest[:min(len(dearest), max(reasonsLeast, reasonPlaces/max(1, len(c.visits))))]
	}
	looked := map[int32]bool{}
	for _, v := range dearest {
		looked[v] = true
	}
	out.Unplaced = nil
	var grounds []relaxed
	for _, v := range left {
		u := Unplaced{Visit: c.given.Visits[v].ID}
		switch {
		case c.visits[v].locked:
			u.Reasons = []Reason{{Rules: []Rule{RuleLocked}}}
		case !looked[v] || over():
			u.Reasons = []Reason{{Rules: []Rule{RuleStopped}}}
		default:
			if grounds == nil {
				grounds = c.grounds(out, over)
			}
			u.Reasons = c.reasons(v, grounds, over)
		}
		out.Unplaced = append(out.Unplaced, u)
	}
}

// grounds are the schedule as it is, and with each of the rules relaxed that
// concern the workers' time.
func (c *plan) grounds(sol *Solution, over func() bool) []relaxed {
	placed := sol.Placed
	make := func(rules []Rule, change func(*Problem), keep func(Placement) bool) relaxed {
		if over() {
			return relaxed{rules: rules}
		}
		p := *c.given
		if change != nil {
			p.Workers = slices.Clone(p.Workers)
			change(&p)
		}
		q := newPlanWith(&p, c)
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
		if s.breach > 0 {
			return relaxed{rules: rules}
		}
		return relaxed{rules, newFinder(s)}
	}
	return []relaxed{
		make(nil, nil, nil),
		make([]Rule{RuleShift}, func(p *Problem) {
			for i := range p.Workers {
				w := &p.Workers[i]
				w.Breaks = dueBreaks(w) // a longer shift makes no new ones due
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
				p.Workers[i].Breaks = dueBreaks(&p.Workers[i])
				p.Workers[i].Absences = nil
			}
		}, nil),
		make([]Rule{RuleBreak}, func(p *Problem) {
			for i := range p.Workers {
				p.Workers[i].Breaks = nil
			}
		}, nil),
		make([]Rule{RuleBooked}, nil, func(x Placement) bool { return c.visits[c.visit[x.Visit]].locked }),
	}
}

// reasons finds the smallest sets of rules that, relaxed, place visit v, as far
// as time allows.
func (c *plan) reasons(v int32, grounds []relaxed, over func() bool) []Reason {
	var out []Reason
	try := func(g relaxed, rules ...Rule) {
		if !over() {
			out = g.try(v, rules, out)
		}
	}
	// one rule
	for _, a := range local {
		try(grounds[0], a)
	}
	for _, g := range grounds[1:] {
		try(g)
	}
	// two
	if len(out) == 0 {
		for i, a := range local {
			for _, b := range local[i+1:] {
				try(grounds[0], a, b)
			}
		}
		for _, g := range grounds[1:] {
			for _, a := range local {
				try(g, a)
			}
		}
	}
	// all of the visit's own rules, on each ground
	for _, g := range grounds {
		if len(out) == 0 {
			try(g, local...)
		}
	}
	switch {
	case over():
		out = append(out, Reason{Rules: []Rule{RuleStopped}})
	case len(out) == 0:
		out = []Reason{{Rules: []Rule{RuleNoWorkers}}}
	}
	return out
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
	found, ok := f.best(v, nil, restOut)
	if !ok {
		return out
	}
	k := f.visits[v].roles
	before := f.cost
	f.put(v, found.spots[:k], found.starts[:])
	breach := f.breach
	if pv := &f.visits[v]; pv.series >= 0 && pv.free&freeSubstitute != 0 {
		breach -= f.running(pv.series)
	}
	stands := !f.broken && breach == 0
	a, breaks := f.assignment(v), f.breaks(f.where[v*maxRoles:v*maxRoles+k])
	f.revert(before)
	if !stands {
		return out
	}
	return append(out, Reason{Rules: append(slices.Clone(g.rules), rules...), Proof: &a, Breaks: breaks})
}

// relax changes visit v as the rules say. It reports false when a rule does not
// concern the visit, so that relaxing it proves nothing.
func (f *finder) relax(v int32, rules []Rule) bool {
	pv := &f.visits[v]
	visit := f.p.Visits[v]
	visit.Roles = slices.Clone(visit.Roles)
	all := len(rules) == len(local)
	for _, r := range rules {
		if !f.relaxOne(r, pv, &visit) && !all {
			return false
		}
	}
	pv.windows = f.windowsOf(&visit)
	pv.able = slices.Clone(pv.able)
	for k := range pv.able {
		pv.able[k] = f.ableFor(&visit, int32(k), pv.series, pv.free&freeKnown == 0)
	}
	return true
}

// relaxOne relaxes one rule, and says whether it concerns the visit.
func (f *finder) relaxOne(r Rule, pv *pVisit, visit *Visit) bool {
	matters := false
	var x *pSeries
	if pv.series >= 0 {
		x = &f.series[pv.series]
	}
	switch r {
	case RuleSkill, RuleLanguage, RuleAttribute:
		for k := range visit.Roles {
			role := &visit.Roles[k]
			switch r {
			case RuleSkill:
				matters = matters || len(role.Skills)+len(role.Levels) > 0
				role.Skills, role.Levels = nil, nil
			case RuleLanguage:
				matters = matters || len(role.Languages) > 0
				role.Languages = nil
			default:
				matters = matters || len(role.Attributes) > 0
				role.Attributes = nil
			}
		}
	case RuleTeam:
		matters = len(visit.TeamSkills)+len(visit.TeamLanguages) > 0
		pv.free |= freeTeam
	case RuleExclusion:
		matters = len(visit.Excluded) > 0
		visit.Excluded = nil
	case RuleWindow:
		matters = len(visit.Windows) > 0
		visit.Windows = slices.Clone(visit.Windows)
		for i := range visit.Windows {
			visit.Windows[i].From -= SlackMinutes
			visit.Windows[i].To += SlackMinutes
		}
	case RuleDark:
		matters = visit.Daylight && len(f.p.Dark) > 0
		visit.Daylight = false
	case RulePerDay:
		matters = x != nil && x.perDay < math.MaxInt32
		pv.free |= freePerDay
	case RulePattern:
		matters = x != nil && (x.perWeek < math.MaxInt32 || x.notRunning)
		pv.free |= freePattern
	case RuleWorkers:
		matters = x != nil && x.maxFaces < math.MaxInt
		pv.free |= freeFaces
	case RuleKnown:
		matters = x != nil && x.knownFirst
		pv.free |= freeKnown
	case RuleSubstitute:
		matters = x != nil && x.subs
		pv.free |= freeSubstitute
	case RuleCaseload:
		matters = x != nil && slices.ContainsFunc(f.workers, func(w pWorker) bool { return w.caseload < math.MaxInt32 })
		pv.free |= freeCaseload
	case RuleLast:
		matters = pv.notLast
		pv.notLast = false
	case RuleLimit:
		matters = true
		f.workers = slices.Clone(f.workers)
		for i := range f.workers {
			w := &f.workers[i]
			w.maxDay, w.maxWeek, w.maxDayVisits, w.maxWeekVisits = math.MaxInt32, math.MaxInt32, math.MaxInt32, math.MaxInt32
		}
	}
	return matters
}
