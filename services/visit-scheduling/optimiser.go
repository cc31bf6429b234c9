package visitscheduling

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/hearthfps/hearth/pkg/fault"
	"github.com/hearthfps/hearth/services/visit-scheduling/optimise"
	"github.com/hearthfps/hearth/services/visit-scheduling/schedule"
)

// Optimiser plans with the search of package optimise, from the simple planner's
// plan on: its answer never places fewer visits.
type Optimiser struct {
	// Budget is how long one plan may be searched for.
	Budget time.Duration
	// Effort is how often, for each visit to be placed, visits are taken out and
	// put back; few visits count as leastSearched. A search that ends by its effort is
	// the same on every machine.
	Effort int64
	// Grid is what starts are rounded up to, in minutes, where there is room.
	Grid int
	// Log hears which visits the search had to leave out of a schedule; nil is nobody.
	Log *slog.Logger
}

// leastSearched is for how many visits a search is made at least: one that is left
// may need the breaks and visits of a day put in another order.
const leastSearched = 20

// Plan implements schedule.Planner. A panic of the search is an error: one week
// that it cannot bear must not end the planning of all others.
func (o Optimiser) Plan(ctx context.Context, problem schedule.Problem) (plan schedule.Plan, err error) {
	defer func() {
		if v := recover(); v != nil {
			plan, err = schedule.Plan{}, fault.New(fault.Internal, "search_panicked", "The search broke off.").Because(fmt.Errorf("%T at\n%s", v, debug.Stack()))
		}
	}()
	simple, err := schedule.Greedy{}.Plan(ctx, problem)
	if err != nil || len(problem.Demands) == 0 {
		return simple, err
	}
	t := newTranslation(problem)
	found, err := optimise.Solve(ctx, t.problem, optimise.Options{
		Seed: 1, WorkUnits: o.Effort * int64(max(len(problem.Demands), leastSearched)), Start: t.solution(simple), Unexplained: true,
		// The budget is of the machine's time, whatever the agency's clock says.
		Deadline: time.Now().Add(o.Budget),
	})
	if ctx.Err() != nil {
		return schedule.Plan{}, ctx.Err()
	}
	if errors.Is(err, optimise.ErrProblem) {
		return schedule.Plan{}, fmt.Errorf("translate problem: %w", err)
	}
	if err != nil {
		return schedule.Plan{}, err
	}
	if plan, err = complete(ctx, problem, problem.Fitting(t.plan(found).Placed)); err != nil {
		return schedule.Plan{}, err
	}
	if plan = problem.Round(plan, o.Grid); len(plan.Placed) < len(simple.Placed) || problem.Check(plan) != nil {
		return simple, nil
	}
	return plan, nil
}

// complete places what still can be, and says why the rest cannot.
func complete(ctx context.Context, problem schedule.Problem, placed []schedule.Placement) (schedule.Plan, error) {
	demands, taken := map[schedule.VisitID]schedule.Demand{}, map[schedule.VisitID]bool{}
	for _, d := range problem.Demands {
		demands[d.Visit] = d
	}
	rest := problem
	rest.Booked, rest.Demands = slices.Clone(problem.Booked), nil
	for _, p := range placed {
		d := demands[p.Visit]
		taken[p.Visit] = true
		rest.Booked = append(rest.Booked, schedule.Booking{Visit: p.Visit, Series: d.Series, Workers: p.Slot.Workers, Span: p.Slot.Span(), At: d.At})
	}
	for _, d := range problem.Demands {
		if !taken[d.Visit] {
			rest.Demands = append(rest.Demands, d)
		}
	}
	more, err := schedule.Greedy{}.Plan(ctx, rest)
	if err != nil {
		return schedule.Plan{}, err
	}
	return schedule.Plan{Placed: append(slices.Clone(placed), more.Placed...), Unplaced: more.Unplaced}, nil
}

// translation is a problem in the words of package optimise. Travel is the same
// there and here.
type translation struct {
	origin  time.Time
	problem optimise.Problem
	demands map[string]schedule.Demand
	wish    int                                       // points
	regular map[schedule.SeriesID][]schedule.WorkerID // the families' own
	outside map[schedule.VisitID]bool                 // bookings that break their family's rules
	// held are bookings, with their workers, that count for the caseload of one of
	// them as a family held, not as a visit.
	held map[schedule.VisitID][]schedule.WorkerID
}

func place(p *schedule.Point) *optimise.Place {
	at := schedule.PlaceOf(p)
	return &at
}

func newTranslation(p schedule.Problem) *translation {
	t := &translation{demands: map[string]schedule.Demand{}, held: map[schedule.VisitID][]schedule.WorkerID{}}
	t.problem.Travel, t.origin = p.Travel, origin(p)
	t.problem.Traffic = traffic(p.Traffic, t.origin)
	t.families(p)
	t.problem.Weights, t.wish = p.Weights, p.Wish
	if !p.Now.IsZero() {
		t.problem.Now = max(t.down(p.Now), -aYear) // notice counts no further
	}
	bookings := map[schedule.WorkerID][]schedule.Booking{}
	for _, b := range p.Booked {
		for _, id := range b.Workers {
			bookings[id] = append(bookings[id], b)
		}
	}
	burdens := p.Burdens()
	counted, crowd := map[schedule.VisitID]bool{}, newCrowd(p)
	for _, a := range p.Roster {
		stretches, inside := schedule.Stretches(a, bookings[a.ID])
		w := t.worker(a, bookings[a.ID], stretches, burdens[a.ID])
		seen := map[schedule.VisitID]bool{}
		for _, b := range inside {
			v := t.booking(b, a.ID)
			if !counted[b.Visit] && t.turn(b, a.ID) { // a pair's visit is one of the day
				counted[b.Visit] = true
				if crowd.counts(b) {
					v.Series, seen[b.Visit] = string(b.Series), true
				}
			}
			t.problem.Visits = append(t.problem.Visits, v)
		}
		for _, b := range bookings[a.ID] {
			if !seen[b.Visit] { // it is one of their families all the same
				w.Families = append(w.Families, string(b.Series))
				if a.Limits.Families > 0 {
					t.held[b.Visit] = b.Workers
				}
			}
		}
		t.problem.Workers = append(t.problem.Workers, w)
	}
	for _, d := range p.Demands {
		if len(d.Windows) == 0 {
			continue // no time is no window there
		}
		t.problem.Visits = append(t.problem.Visits, t.demand(d))
	}
	for _, s := range p.Dark {
		t.problem.Dark = append(t.problem.Dark, optimise.Window{From: t.down(s.From), To: t.up(s.To)})
	}
	return t
}

// crowd counts what is booked of a series on a day, up to what a day holds of it. By
// hand a family may be given more; what is beyond is nobody's to mend, and a day that
// is full is full.
type crowd struct {
	zone   *time.Location
	holds  map[schedule.SeriesID]int
	booked map[crowdedDay]int
}

type crowdedDay struct {
	series schedule.SeriesID
	day    string
}

func newCrowd(p schedule.Problem) crowd {
	c := crowd{p.Zone, map[schedule.SeriesID]int{}, map[crowdedDay]int{}}
	for _, d := range p.Demands {
		if d.PerDay > 0 {
			c.holds[d.Series] = d.PerDay
		}
	}
	return c
}

// counts takes a booking in, and is false where its day is full.
func (c crowd) counts(b schedule.Booking) bool {
	if c.full(b.Series, b.Span.From) {
		return false
	}
	c.booked[c.on(b.Series, b.Span.From)]++
	return true
}

func (c crowd) full(series schedule.SeriesID, at time.Time) bool {
	most := c.holds[series]
	return most > 0 && c.booked[c.on(series, at)] >= most
}

func (c crowd) on(series schedule.SeriesID, at time.Time) crowdedDay {
	return crowdedDay{series, at.In(c.zone).Format(time.DateOnly)}
}

// bookedBy parts the id of a booked visit from its worker's.
const bookedBy = "#"

// visitOf is the visit that a name of the search stands for.
func visitOf(name string) schedule.VisitID {
	id, _, _ := strings.Cut(name, bookedBy)
	return schedule.VisitID(id)
}

// booking is one worker's part of what is booked in the words of the search.
func (t *translation) booking(b schedule.Booking, by schedule.WorkerID) optimise.Visit {
	v := t.visit(string(b.Visit)+bookedBy+string(by), b.At, t.up(b.Span.To)-t.down(b.Span.From), []schedule.Span{b.Span})
	v.Locked = true
	v.Published = &optimise.Assignment{Workers: []string{string(by)}, Starts: []int{v.Windows[0].From}}
	return v
}

// traffic counts days from the origin, where schedule counts from Monday.
func traffic(all []optimise.Traffic, origin time.Time) []optimise.Traffic {
	out := slices.Clone(all)
	for i := range out {
		out[i].Days = nil
		for _, d := range all[i].Days {
			out[i].Days = append(out[i].Days, (d-(int(origin.Weekday())+6)%7+7)%7)
		}
	}
	return out
}

// demand is a visit to be placed in the words of the search.
func (t *translation) demand(d schedule.Demand) optimise.Visit {
	t.demands[string(d.Visit)] = d
	v := t.visit(string(d.Visit), d.At, d.Minutes, d.Windows)
	v.Series, v.PerDay, v.Spacing = string(d.Series), d.PerDay, d.Spacing
	v.Excluded, v.Preferred = names(d.Excluded), names(d.Known)
	v.Daylight, v.NotLast = d.Daylight, d.NotLast
	for _, wish := range d.Wishes {
		v.Wishes = append(v.Wishes, optimise.Wish{Attribute: wish, Points: t.wish})
	}
	if d.Workers == 1 {
		v.Roles = []optimise.Role{{Skills: d.Skills, Levels: levels(d.Levels), Attributes: d.Attributes}}
		if d.Language != "" {
			v.Roles[0].Languages = []string{d.Language}
		}
	} else {
		v.NeverAlone = true
		for range d.Workers {
			v.Roles = append(v.Roles, optimise.Role{Attributes: d.Attributes})
		}
		v.TeamSkills = slices.Clone(d.Skills)
		for _, l := range d.Levels {
			v.TeamSkills = append(v.TeamSkills, atLeast(l.Skill, l.Level))
		}
		if d.Language != "" {
			v.TeamLanguages = []string{d.Language}
		}
	}
	if d.Lost != nil && len(d.Lost.Workers) == d.Workers {
		v.Published = t.assignment(*d.Lost)
	}
	return v
}

// origin is the midnight of a Monday of the agency before everything in the
// problem, so that weeks are the same there and here.
func origin(p schedule.Problem) time.Time {
	var first time.Time
	earlier := func(t time.Time) {
		if first.IsZero() || t.Before(first) {
			first = t
		}
	}
	for _, a := range p.Roster {
		for _, s := range a.Shifts {
			earlier(s.From)
		}
	}
	for _, b := range p.Booked {
		earlier(b.Span.From)
	}
	for _, d := range p.Demands {
		for _, s := range d.Windows {
			earlier(s.From)
		}
	}
	first = first.In(p.Zone)
	y, m, d := first.Date()
	return time.Date(y, m, d-(int(first.Weekday())+6)%7, 0, 0, 0, 0, p.Zone)
}

func (t *translation) down(at time.Time) int {
	since := at.Sub(t.origin)
	return int(since.Truncate(time.Minute)/time.Minute) - boolInt(since < 0 && since%time.Minute != 0)
}

func (t *translation) up(at time.Time) int {
	return t.down(at) + boolInt(at.Sub(t.origin)%time.Minute != 0)
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

func (t *translation) time(minute int) time.Time {
	return t.origin.Add(time.Duration(minute) * time.Minute).UTC()
}

func (t *translation) visit(id string, at schedule.Location, minutes int, windows []schedule.Span) optimise.Visit {
	v := optimise.Visit{ID: id, Minutes: minutes}
	if !at.Remote {
		v.Place = place(at.Point)
	}
	for _, s := range windows {
		from, to := t.up(s.From), t.down(s.To)
		if minutes > to-from { // a booking that does not lie on whole minutes
			from, to = t.down(s.From), t.up(s.To)
		}
		v.Windows = append(v.Windows, optimise.Window{From: from, To: to})
	}
	return v
}

func (t *translation) assignment(slot schedule.Slot) *optimise.Assignment {
	a := &optimise.Assignment{Workers: names(slot.Workers)}
	for range slot.Workers {
		a.Starts = append(a.Starts, t.down(slot.StartsAt))
	}
	return a
}

// solution is a plan in the words of the search.
func (t *translation) solution(plan schedule.Plan) *optimise.Solution {
	s := &optimise.Solution{}
	for _, p := range plan.Placed {
		s.Placed = append(s.Placed, optimise.Placement{Visit: string(p.Visit), Assignment: *t.assignment(p.Slot)})
	}
	return s
}

// plan is what the search found, in the words of the problem.
func (t *translation) plan(s optimise.Solution) schedule.Plan {
	var plan schedule.Plan
	for _, p := range s.Placed {
		d, ours := t.demands[p.Visit]
		if !ours {
			continue // a booking
		}
		plan.Placed = append(plan.Placed, schedule.Placement{Visit: d.Visit, Slot: t.slot(p.Assignment, d)})
	}
	return plan
}

// slot is an assignment of d in the words of the problem.
func (t *translation) slot(a optimise.Assignment, d schedule.Demand) schedule.Slot {
	start := t.time(a.Starts[0])
	slot := schedule.Slot{StartsAt: start, EndsAt: start.Add(time.Duration(d.Minutes) * time.Minute)}
	for _, w := range a.Workers {
		slot.Workers = append(slot.Workers, schedule.WorkerID(w))
	}
	// The one the family knows best comes first.
	slices.SortStableFunc(slot.Workers, func(a, b schedule.WorkerID) int { return rank(d.Known, a) - rank(d.Known, b) })
	return slot
}

func rank(known []schedule.WorkerID, w schedule.WorkerID) int {
	if i := slices.Index(known, w); i >= 0 {
		return i
	}
	return len(known)
}

func names(ids []schedule.WorkerID) []string {
	all := make([]string, len(ids))
	for i, id := range ids {
		all[i] = string(id)
	}
	return all
}
