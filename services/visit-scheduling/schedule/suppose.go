package schedule

import (
	"fmt"
	"slices"

	"github.com/hearthfps/hearth/pkg/fault"
)

// SupposedKind is what is only thought of.
type SupposedKind string

// What can be supposed.
const (
	SupposeAway   SupposedKind = "worker_away"   // Worker is away in Span
	SupposeThere  SupposedKind = "worker_there"  // Worker works in Span too
	SupposeAbler  SupposedKind = "worker_abler"  // Worker has Skills and speaks Languages too
	SupposeWorker SupposedKind = "worker_more"   // one more worker like Worker
	SupposeVisit  SupposedKind = "visit_more"    // one more visit like Visit
	SupposeLess   SupposedKind = "visit_dropped" // Visit does not take place
)

// SupposedMost is how many things are supposed at once.
const SupposedMost = 20

// Supposition is one change that is only thought of, to see what it would do.
type Supposition struct {
	Kind      SupposedKind `json:"kind"`
	Worker    WorkerID     `json:"worker_id,omitempty"`
	Visit     VisitID      `json:"visit_id,omitempty"`
	Span      *Span        `json:"span,omitempty"`
	Skills    []string     `json:"skills,omitempty"`
	Languages []string     `json:"languages,omitempty"`
}

// validate lists what is missing of a supposition, under a pointer into the body.
func (x Supposition) validate(at string) []fault.Field {
	var faults []fault.Field
	need := func(missing bool, name, detail string) {
		if missing {
			faults = append(faults, fault.Field{Pointer: at + "/" + name, Code: "required", Detail: detail})
		}
	}
	ofWorker := x.Kind != SupposeVisit && x.Kind != SupposeLess
	need(ofWorker && x.Worker == "", "worker_id", "Say which worker.")
	need(!ofWorker && x.Visit == "", "visit_id", "Say which visit.")
	if x.Kind == SupposeAway || x.Kind == SupposeThere {
		need(x.Span == nil || !x.Span.From.Before(x.Span.To), "from", "Say from when to when, in this order.")
	}
	need(x.Kind == SupposeAbler && len(x.Skills)+len(x.Languages) == 0, "skills", "Say which skills or languages.")
	return faults
}

// supposed marks what is made up.
const supposed = ":what-if:"

// Supposed is the standing schedule as it would be: who is away has lost their
// visits, which are to be placed again, and what is more or less is there or gone.
// Bookings stay. was is s with the visits that are made up among those to be placed,
// so that its Difference to a plan is that to what people know; like says what they
// are like.
func (s Standing) Supposed(all []Supposition) (would, was Standing, like map[VisitID]VisitID) {
	like = map[VisitID]VisitID{}
	p := s.Problem
	p.Roster, p.Demands = slices.Clone(p.Roster), slices.Clone(p.Demands)
	dropped := map[VisitID]bool{}
	for i, x := range all {
		at := slices.IndexFunc(p.Roster, func(a Available) bool { return a.ID == x.Worker })
		switch x.Kind {
		case SupposeVisit, SupposeLess:
			at = slices.IndexFunc(p.Demands, func(d Demand) bool { return d.Visit == x.Visit })
		}
		if at < 0 {
			continue // not of these weeks, or not to be moved
		}
		switch x.Kind {
		case SupposeAway:
			a := &p.Roster[at]
			a.Away = append(slices.Clone(a.Away), *x.Span)
		case SupposeThere:
			a := &p.Roster[at]
			a.Shifts, a.Away = merge(append(slices.Clone(a.Shifts), *x.Span)), subtract(a.Away, []Span{*x.Span})
		case SupposeAbler:
			a := &p.Roster[at]
			a.Skills, a.Languages = append(slices.Clone(a.Skills), x.Skills...), append(slices.Clone(a.Languages), x.Languages...)
		case SupposeWorker:
			a := p.Roster[at]
			a.ID, a.Away, a.Families = WorkerID(fmt.Sprintf("%s%s%d", x.Worker, supposed, i+1)), nil, nil
			p.Roster = append(p.Roster, a)
		case SupposeVisit:
			d := p.Demands[at]
			d.Visit, d.Lost = VisitID(fmt.Sprintf("%s%s%d", x.Visit, supposed, i+1)), nil
			like[d.Visit] = x.Visit
			p.Demands = append(p.Demands, d)
		case SupposeLess:
			dropped[x.Visit] = true
		}
	}
	p.Demands = slices.DeleteFunc(p.Demands, func(d Demand) bool { return dropped[d.Visit] })
	would.Problem, was = p, s
	was.Problem.Demands = slices.Clone(s.Problem.Demands)
	for _, d := range p.Demands {
		if _, made := like[d.Visit]; made {
			was.Problem.Demands = append(was.Problem.Demands, d)
		}
	}
	away := func(x Placement) bool {
		return slices.ContainsFunc(all, func(sup Supposition) bool {
			return sup.Kind == SupposeAway && slices.Contains(x.Slot.Workers, sup.Worker) && sup.Span.Overlaps(x.Slot.Span())
		})
	}
	for _, x := range s.Plan.Placed {
		if !dropped[x.Visit] && !away(x) {
			would.Plan.Placed = append(would.Plan.Placed, x)
		}
	}
	would.Plan = would.Made(nil)
	return would, was, like
}
