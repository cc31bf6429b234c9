package schedule

import (
	"fmt"
	"slices"
	"time"

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
	SupposeAlso   SupposedKind = "visit_also"    // Visit may be in Span too
	SupposeAnyone SupposedKind = "visit_anyone"  // Visit asks no skill, language or attribute of its workers
)

// ofVisit says whether it is a visit that something is supposed of.
func (k SupposedKind) ofVisit() bool {
	return k == SupposeVisit || k == SupposeLess || k == SupposeAlso || k == SupposeAnyone
}

const (
	// SupposedMost is how many things are supposed at once.
	SupposedMost = 20
	// supposedHours is how long hours are that a visit may be in too: any week, and an hour when clocks change.
	supposedHours = 7*24*time.Hour + time.Hour
)

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
	need(!x.Kind.ofVisit() && x.Worker == "", "worker_id", "Say which worker.")
	need(x.Kind.ofVisit() && x.Visit == "", "visit_id", "Say which visit.")
	if x.Kind == SupposeAway || x.Kind == SupposeThere || x.Kind == SupposeAlso {
		need(x.Span == nil || !x.Span.From.Before(x.Span.To), "from", "Say from when to when, in this order.")
	}
	if x.Kind == SupposeAlso && x.Span != nil && x.Span.Length() > supposedHours {
		faults = append(faults, fault.Field{Pointer: at + "/to", Code: "range", Detail: "A visit is of one week: say at most seven days."})
	}
	need(x.Kind == SupposeAbler && len(x.Skills)+len(x.Languages) == 0, "skills", "Say which skills or languages.")
	return faults
}

// supposed marks what is made up.
const supposed = ":what-if:"

// Supposed is the standing schedule as it would be: who is away has lost their
// visits, which are to be placed again, as has whoever a rule is against now, and what
// is more or less is there or gone. Bookings stay: who is away goes to theirs all the
// same. was is s with the visits that are made up among those to be placed,
// so that its Difference to a plan is that to what people know; like says what they
// are like.
func (s Standing) Supposed(all []Supposition) (would, was Standing, like map[VisitID]VisitID) {
	like = map[VisitID]VisitID{}
	p := s.Problem
	p.Roster, p.Demands = slices.Clone(p.Roster), slices.Clone(p.Demands)
	dropped := map[VisitID]bool{}
	for i, x := range all {
		at := slices.IndexFunc(p.Roster, func(a Available) bool { return a.ID == x.Worker })
		if x.Kind.ofVisit() {
			at = slices.IndexFunc(p.Demands, func(d Demand) bool { return d.Visit == x.Visit })
		}
		if at < 0 {
			continue // not of these weeks, or not to be moved
		}
		switch x.Kind {
		case SupposeAway:
			a := &p.Roster[at]
			a.Away = append(slices.Clone(a.Away), p.without(*a, *x.Span)...)
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
		case SupposeAlso:
			d := &p.Demands[at]
			d.Windows = append(slices.Clone(d.Windows), fitting(daily(*x.Span, p.Zone), d.Minutes)...)
		case SupposeAnyone:
			d := &p.Demands[at]
			d.Skills, d.Levels, d.Language, d.Attributes = nil, nil, "", nil
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
	for { // such as a visit that is over too late to be home before the absence
		would.Plan = would.Made(nil)
		against, stood := would.Problem.Check(would.Plan), len(would.Plan.Placed)
		would.Plan.Placed = slices.DeleteFunc(would.Plan.Placed, func(x Placement) bool {
			return slices.ContainsFunc(against, func(v Violation) bool { return v.Visit == x.Visit })
		})
		if len(would.Plan.Placed) == stood {
			return would, was, like
		}
	}
}

// without is an absence less the time for what is booked of the worker, from their base
// and back.
func (p Problem) without(a Available, away Span) []Span {
	left, ways, paces := []Span{away}, newWays(p.Travel), newPaces(p)
	base := ways.point(a.Base)
	for _, b := range p.Booked {
		if !slices.Contains(b.Workers, a.ID) {
			continue
		}
		out := b.Span
		if !b.At.Remote {
			at := ways.point(b.At.Point)
			out = Span{paces.leave(a.Mode, out.From, ways.minutes(a.Mode, base, at)), paces.arrive(a.Mode, out.To, ways.minutes(a.Mode, at, base))}
		}
		left = subtract(left, []Span{out})
	}
	return left
}
