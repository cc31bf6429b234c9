package desk_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/hearthfps/hearth/pkg/clock"
	"github.com/hearthfps/hearth/pkg/fault"
	kit "github.com/hearthfps/hearth/pkg/postgres"
	"github.com/hearthfps/hearth/pkg/tenant"
	"github.com/hearthfps/hearth/services/visit-scheduling/desk"
	"github.com/hearthfps/hearth/services/visit-scheduling/postgres"
	"github.com/hearthfps/hearth/services/visit-scheduling/schedule"
)

// Whatever happens in whatever order, over the real tables, the schedule is what the
// model foretells, visit by visit: every series adds up, ids stay, no visit is lost,
// doubled or made single, nobody is in two places, nothing that is over comes back,
// what is refused changes nothing, and each visit's last event says how it stands.
func TestDesk_ScheduleStaysWhole(t *testing.T) {
	o := open(t)
	run := 0
	rapid.Check(t, func(r *rapid.T) {
		run++
		agency, err := tenant.Parse(fmt.Sprint("agency-", run))
		if err != nil {
			r.Fatal(err)
		}
		o.ctx = tenant.With(t.Context(), agency)
		o.clock.Set(at(0, 6, 0))
		o.hire(staff...)
		w := &whole{o: o, m: newModel(agency.String())}
		for i, c := range families[:2] { // a schedule to begin with: one family has pairs
			w.send(r, plan(c, 1, 2, 1+i), 2, 1+i)
		}
		w.plan(r)
		r.Repeat(map[string]func(*rapid.T){
			"approve": w.approve, "an older version": w.approveOld, "plan": w.plan, "plan again": w.plan, "close": w.close, "fall ill": w.fallIll, "be covered": w.cover,
			"recover": w.recover, "leave the family": w.leave, "move": w.move, "cancel": w.cancel, "visit": w.visit, "find nobody": w.attempt,
			"offer": w.offer, "take a place": w.take, "except": w.except, "no longer except": w.unexcept, "days pass": w.pass,
			"plan anew": w.planAnew, "accept": w.accept,
			"": w.check,
		})
	})
}

var (
	staff    = []schedule.WorkerID{"w1", "w2", "w3"}
	families = []string{"c1", "c2", "c3"}
)

// whole does things to a schedule and to the model of it.
type whole struct {
	o         *office
	m         *model
	offers    []schedule.UrgentOffer
	proposals []schedule.JobID
	ran       bool // the planner has, since the last check
}

// do runs fn in a transaction and says whether it was done. A rule may refuse;
// nothing may break.
func (w *whole) do(r *rapid.T, fn func(ctx context.Context, tx *kit.Tx) error) bool {
	return w.allowed(r, w.o.DB.InTenant(w.o.ctx, fn))
}

func (w *whole) allowed(r *rapid.T, err error) bool {
	if err == nil {
		return true
	}
	switch fault.KindOf(err) {
	case fault.Conflict, fault.Unprocessable, fault.Forbidden, fault.NotFound:
		return false
	}
	r.Fatal(err)
	return false
}

func (w *whole) all() (visits []schedule.Visit) {
	w.o.in(func(ctx context.Context, tx *kit.Tx) (err error) {
		visits, err = w.o.Store.VisitList(ctx, tx, postgres.VisitPage{Limit: 1000, Seen: "true"})
		return err
	})
	return visits
}

// pick is a visit: mostly one to come.
func (w *whole) pick(r *rapid.T) schedule.Visit {
	visits := w.all()
	if rapid.IntRange(0, 3).Draw(r, "any") > 0 {
		visits = slices.DeleteFunc(visits, func(v schedule.Visit) bool { return !v.Open() })
	}
	if len(visits) == 0 {
		r.Skip("no visit")
	}
	return visits[rapid.IntRange(0, min(len(visits)-1, 7)).Draw(r, "visit")]
}

func (w *whole) now() time.Time { return w.o.clock.Now() }

func family(r *rapid.T) string {
	// Mostly those that are known from the start.
	return families[min(rapid.IntRange(0, 4).Draw(r, "family")%len(families), 2)]
}

func worker(r *rapid.T) schedule.WorkerID { return rapid.SampledFrom(staff).Draw(r, "worker") }

func (w *whole) approve(r *rapid.T) {
	c, times, workers := family(r), rapid.IntRange(1, 3).Draw(r, "times"), rapid.IntRange(1, 2).Draw(r, "workers")
	p := plan(c, w.m.version[c]+1, times, workers)
	p.StartsOn = dateOf(w.now()).AddDays(rapid.IntRange(0, 3).Draw(r, "starts in"))
	p.EndsOn = p.StartsOn.AddDays(rapid.IntRange(6, 16).Draw(r, "days"))
	w.send(r, p, times, workers)
}

func (w *whole) send(r *rapid.T, p desk.ApprovedPlan, times, workers int) {
	if w.do(r, func(ctx context.Context, tx *kit.Tx) error { return w.o.Approve(ctx, tx, p, w.now(), "") }) {
		w.m.approve(string(p.Case), p.PlanID, p.Version, p.StartsOn, p.EndsOn, times, workers, w.now())
	}
}

// approveOld is a version that is known, or older, arriving late.
func (w *whole) approveOld(r *rapid.T) {
	c := family(r)
	if w.m.version[c] == 0 {
		r.Skip("no plan")
	}
	p := plan(c, rapid.Int64Range(1, w.m.version[c]).Draw(r, "version"), 3, 2)
	w.send(r, p, 3, 2)
}

func (w *whole) plan(r *rapid.T) {
	for weeks := rapid.IntRange(1, 6).Draw(r, "weeks"); weeks > 0; weeks-- {
		if _, err := w.o.PlanNext(w.o.ctx, "planner"); err != nil {
			r.Fatal(err)
		}
	}
	w.ran = true
}

func (w *whole) close(r *rapid.T) {
	if rapid.IntRange(0, 5).Draw(r, "really") > 0 {
		r.Skip("not yet")
	}
	c := family(r)
	if w.do(r, func(ctx context.Context, tx *kit.Tx) error { return w.o.CloseCase(ctx, tx, schedule.CaseID(c)) }) {
		w.m.closed[c] = true
		w.m.end(w.m.active[c], w.now(), schedule.CaseClosed)
		w.m.end(w.m.urgent[c], w.now(), schedule.CaseClosed)
	}
}

func (w *whole) absence(r *rapid.T) (schedule.WorkerID, schedule.Span) {
	from := dateOf(w.now()).AddDays(rapid.IntRange(0, 9).Draw(r, "in days")).Start(time.UTC)
	return worker(r), schedule.Span{From: from, To: from.Add(time.Duration(rapid.IntRange(1, 4).Draw(r, "halves")) * 12 * time.Hour)}
}

func (w *whole) fallIll(r *rapid.T) {
	id, span := w.absence(r)
	var stored schedule.Absence
	taken := 0
	if !w.do(r, func(ctx context.Context, tx *kit.Tx) (err error) {
		stored, taken, err = w.o.AddAbsence(ctx, tx, id, schedule.Absence{Span: span, Reason: "sick"})
		return err
	}) {
		return
	}
	w.m.ill[id] = append(w.m.ill[id], illness{stored.ID, span})
	if n := w.m.lose(id, span); n != taken {
		r.Fatalf("took %d visits from %s, want %d", taken, id, n)
	}
}

// lose takes from a worker the visits of a time.
func (m *model) lose(id schedule.WorkerID, span schedule.Span) int {
	return m.each(func(v kept) bool {
		return v.Status == schedule.Scheduled && slices.Contains(v.Workers, id) && overlap(v, span)
	}, (*kept).free)
}

func (w *whole) cover(r *rapid.T) {
	if rapid.Bool().Draw(r, "rather not") {
		r.Skip("not now")
	}
	id, span := w.absence(r)
	var cover schedule.Cover
	var stored schedule.Absence
	request := schedule.CoverRequest{Worker: id, Span: span, Reason: "sick", MaxMoved: rapid.IntRange(0, 3).Draw(r, "most moved")}
	err := w.o.CoverAbsence(w.o.ctx, request, everything, func(c schedule.Cover) (stale []desk.Stale, err error) {
		cover = c
		return stale, w.o.DB.InTenant(w.o.ctx, func(ctx context.Context, tx *kit.Tx) error {
			stored, stale, err = w.o.AddCoveredAbsence(ctx, tx, c)
			return err
		})
	})
	if !w.allowed(r, err) {
		return
	}
	if len(cover.Moved) > request.MaxMoved {
		r.Fatalf("moved %d of others, %d allowed", len(cover.Moved), request.MaxMoved)
	}
	w.m.ill[id] = append(w.m.ill[id], illness{stored.ID, span})
	for _, c := range slices.Concat(cover.Covered, cover.Moved) {
		w.m.put(c.Visit, *c.To)
	}
	w.m.lose(id, span)
}

// put gives one visit a place.
func (m *model) put(id schedule.VisitID, slot schedule.Slot) {
	v := m.visits[id]
	v.place(slot)
	m.visits[id] = v
}

func (w *whole) recover(r *rapid.T) {
	id := worker(r)
	if len(w.m.ill[id]) == 0 {
		r.Skip("not ill")
	}
	if w.do(r, func(ctx context.Context, tx *kit.Tx) error { return w.o.RemoveAbsence(ctx, tx, id, w.m.ill[id][0].id) }) {
		w.m.ill[id] = w.m.ill[id][1:]
	}
}

func (w *whole) leave(r *rapid.T) {
	id, c := worker(r), family(r)
	if w.do(r, func(ctx context.Context, tx *kit.Tx) error { return w.o.Unassigned(ctx, tx, schedule.CaseID(c), id) }) {
		w.m.each(func(v kept) bool {
			return v.Case == c && v.Status == schedule.Scheduled && slices.Contains(v.Workers, id) && v.From.After(w.now())
		}, (*kept).free)
	}
}

func (w *whole) move(r *rapid.T) {
	v := w.pick(r)
	starts := dateOf(w.now()).AddDays(rapid.IntRange(0, 8).Draw(r, "in days")).At(rapid.IntRange(9, 15).Draw(r, "hour"), 0, time.UTC)
	team := rapid.SliceOfNDistinct(rapid.SampledFrom(staff), v.WorkersNeeded, v.WorkersNeeded, rapid.ID[schedule.WorkerID]).Draw(r, "team")
	if rapid.IntRange(0, 7).Draw(r, "a wrong number") == 0 {
		team = team[:len(team)-1]
	}
	if w.do(r, func(ctx context.Context, tx *kit.Tx) error {
		_, err := w.o.Reschedule(ctx, tx, v.ID, desk.MoveRequest{StartsAt: starts, Workers: team, Side: schedule.FamilySide, Reason: "x"}, yes)
		return err
	}) {
		w.m.put(v.ID, schedule.Slot{StartsAt: starts, EndsAt: starts.Add(time.Hour), Workers: team})
	}
}

func (w *whole) cancel(r *rapid.T) {
	v, replace := w.pick(r), rapid.Bool().Draw(r, "replace")
	side := rapid.SampledFrom([]schedule.Side{schedule.FamilySide, schedule.AgencySide}).Draw(r, "side")
	reason := rapid.SampledFrom([]string{"illness", "weather"}).Draw(r, "reason")
	var after schedule.Visit
	if w.do(r, func(ctx context.Context, tx *kit.Tx) (err error) {
		after, err = w.o.Cancel(ctx, tx, v.ID, side, reason, replace, yes)
		return err
	}) {
		k := w.m.visits[v.ID]
		k.cancel(side, reason)
		w.m.visits[v.ID] = k
		w.replaced(r, v.ID, after.ReplacedBy, replace)
	}
}

// replaced is one more visit in the stead of another, in its week or a later one.
func (w *whole) replaced(r *rapid.T, old, by schedule.VisitID, asked bool) {
	if !asked {
		return
	}
	k := w.m.visits[old]
	fresh := w.o.visit(by)
	if fresh.Week.Monday.String() < k.Week || fresh.Replaces != old {
		r.Fatalf("%s of week %s is replaced by one of week %s", old, k.Week, fresh.Week)
	}
	k.ReplacedBy = w.m.add(k.Series, kept{Case: k.Case, Week: fresh.Week.Monday.String(), Needed: k.Needed})
	w.m.visits[old] = k
}

func (w *whole) visit(r *rapid.T) {
	v := w.pick(r)
	if v.Slot == nil {
		r.Skip("no time")
	}
	if w.now().Before(v.Slot.StartsAt) {
		if v.Slot.StartsAt.Sub(w.now()) > 3*24*time.Hour {
			r.Skip("too far")
		}
		w.o.clock.Set(v.Slot.StartsAt)
	}
	for _, id := range v.Slot.Workers {
		if w.do(r, func(ctx context.Context, tx *kit.Tx) error { _, err := w.o.CheckIn(ctx, tx, v.ID, id, yes); return err }) {
			k := w.m.visits[v.ID]
			if !slices.Contains(k.In, id) {
				k.In = append(k.In, id)
				k.Status = schedule.InProgress
			}
			w.m.visits[v.ID] = k
		}
	}
	for _, id := range v.Slot.Workers[:rapid.IntRange(0, len(v.Slot.Workers)).Draw(r, "leave")] {
		if w.do(r, func(ctx context.Context, tx *kit.Tx) error {
			_, err := w.o.CheckOut(ctx, tx, v.ID, id, nil, yes)
			return err
		}) {
			k := w.m.visits[v.ID]
			if !slices.Contains(k.Out, id) {
				k.Out = append(k.Out, id)
			}
			if len(k.Out) == k.Needed && k.Status == schedule.InProgress {
				k.Status = schedule.Completed
			}
			w.m.visits[v.ID] = k
		}
	}
}

func (w *whole) attempt(r *rapid.T) {
	v, id, replace := w.pick(r), worker(r), rapid.Bool().Draw(r, "replace")
	if v.Slot != nil && v.Slot.StartsAt.Sub(w.now()) < 3*24*time.Hour && w.now().Before(v.Slot.StartsAt) {
		id = v.Slot.Workers[0]
		w.o.clock.Set(v.Slot.StartsAt)
	}
	var after schedule.Visit
	if w.do(r, func(ctx context.Context, tx *kit.Tx) (err error) {
		after, err = w.o.Attempt(ctx, tx, v.ID, id, "no_one_home", replace, yes)
		return err
	}) {
		k := w.m.visits[v.ID]
		k.Status, k.Reason, k.Out = schedule.Attempted, "no_one_home", k.In
		w.m.visits[v.ID] = k
		w.replaced(r, v.ID, after.ReplacedBy, replace)
	}
}

func (w *whole) offer(r *rapid.T) {
	ask := crisis(family(r), w.now(), w.now().Add(24*time.Hour))
	ask.Workers = rapid.IntRange(1, 2).Draw(r, "workers")
	offer, _, err := w.o.offer(ask)
	if w.allowed(r, err) && len(offer.Places) > 0 {
		w.offers = append(w.offers, offer)
	}
}

func (w *whole) take(r *rapid.T) {
	if len(w.offers) == 0 {
		r.Skip("no offer")
	}
	n := max(len(w.offers)-1-rapid.IntRange(0, 4).Draw(r, "offer")/3, 0) // mostly the last one
	offer := w.offers[n]
	place := rapid.IntRange(1, len(offer.Places)).Draw(r, "place")
	v, moved, err := w.o.take(offer.ID, place)
	if !w.allowed(r, err) {
		return
	}
	if offer.Taken == place {
		if v.ID != offer.Visit || moved != nil {
			r.Fatalf("a place taken twice is %s and %s", offer.Visit, v.ID)
		}
		return
	}
	c, taken := string(offer.Request.Case), offer.Places[place-1]
	if series, is := w.m.urgent[c]; is && series != v.Series {
		r.Fatalf("family %s has two urgent series", c)
	}
	w.m.urgent[c] = v.Series
	id := w.m.add(v.Series, kept{Case: c, Urgent: true, Week: mondayOf(dateOf(offer.Request.Within.From)).String(), Needed: offer.Request.Workers})
	if id != v.ID {
		r.Fatalf("the urgent visit is %s, want %s", v.ID, id)
	}
	w.m.put(id, taken.Slot)
	for _, move := range taken.Moves {
		w.m.put(move.Visit, move.To)
	}
	w.offers[n].Taken, w.offers[n].Visit = place, v.ID
}

func (w *whole) except(r *rapid.T) {
	c, first := family(r), dateOf(w.now()).AddDays(rapid.IntRange(0, 8).Draw(r, "in days"))
	e := schedule.Exception{Kind: schedule.FamilyAway, From: first, To: first.AddDays(rapid.IntRange(0, 6).Draw(r, "days"))}
	u := untouchable{first: e.From, last: e.To}
	if rapid.Bool().Draw(r, "school") {
		u = untouchable{first: first, opens: rapid.IntRange(8, 10).Draw(r, "opens"), closes: rapid.IntRange(11, 14).Draw(r, "closes")}
		e = schedule.Exception{
			Kind: schedule.AtSchool, From: first, Weekdays: []clock.Weekday{"mon", "tue", "wed", "thu", "fri"},
			Hours: &schedule.DayHours{From: schedule.TimeOfDay(u.opens * 60), To: schedule.TimeOfDay(u.closes * 60)},
		}
	}
	freed := 0
	if !w.do(r, func(ctx context.Context, tx *kit.Tx) (err error) {
		e, freed, err = w.o.AddException(ctx, tx, schedule.CaseID(c), e, "scheduler-1")
		return err
	}) {
		return
	}
	if slices.ContainsFunc(w.m.away[c], func(known untouchable) bool { return known.id == e.ID }) {
		return // it was there
	}
	u.id = e.ID
	w.m.away[c] = append(w.m.away[c], u)
	n := w.m.each(func(v kept) bool {
		return v.Case == c && !v.Urgent && v.Status == schedule.Scheduled && v.From.After(w.now()) && u.touches(v.From, v.To)
	}, (*kept).free)
	if n != freed {
		r.Fatalf("freed %d visits, want %d", freed, n)
	}
}

func (w *whole) unexcept(r *rapid.T) {
	c := family(r)
	if len(w.m.away[c]) == 0 {
		r.Skip("none")
	}
	if w.do(r, func(ctx context.Context, tx *kit.Tx) error {
		return w.o.RemoveException(ctx, tx, schedule.CaseID(c), w.m.away[c][0].id)
	}) {
		w.m.away[c] = w.m.away[c][1:]
	}
}

func (w *whole) pass(r *rapid.T) {
	w.o.clock.Set(dateOf(w.now()).AddDays(rapid.IntRange(1, 8).Draw(r, "days")).At(3, 0, time.UTC))
	w.do(r, func(ctx context.Context, tx *kit.Tx) error { return w.o.Daily(ctx, tx, timer()) })
}

// planAnew asks for a week and has it searched; what is found is accepted later, or never.
func (w *whole) planAnew(r *rapid.T) {
	if rapid.IntRange(0, 2).Draw(r, "really") > 0 {
		r.Skip("not now")
	}
	week := schedule.Week{Monday: mondayOf(dateOf(w.now())).AddDays(7 * rapid.IntRange(0, 1).Draw(r, "week"))}
	job := w.o.ask(schedule.JobRequest{First: week, Weeks: 1, BudgetSeconds: 1, FrozenHours: rapid.SampledFrom([]int{0, 24}).Draw(r, "frozen")})
	if done := w.o.work(job.ID); done.Status == schedule.JobProposed {
		w.proposals = append(w.proposals, job.ID)
	}
}

func (w *whole) accept(r *rapid.T) {
	if len(w.proposals) == 0 {
		r.Skip("no proposal")
	}
	n := rapid.IntRange(0, len(w.proposals)-1).Draw(r, "proposal")
	changes := w.o.changes(w.proposals[n])
	if _, err := w.o.accept(w.proposals[n]); !w.allowed(r, err) {
		return // stale
	}
	for _, c := range changes {
		if c.To != nil && !c.Published {
			w.m.put(c.Visit, *c.To)
		}
	}
	w.proposals = slices.Delete(w.proposals, n, n+1)
}

func (w *whole) check(r *rapid.T) {
	found := w.m.actual(w.all(), map[schedule.VisitID]schedule.Reason{})
	if w.ran {
		w.m.placedByPlanner(found)
		w.ran = false
	}
	if diff := cmp.Diff(w.m.visits, found); diff != "" {
		r.Fatalf("the schedule is not what it should be (-want +got):\n%s", diff)
	}
	for _, f := range w.m.faults(found, w.now()) {
		r.Error(f)
	}
	w.o.in(func(ctx context.Context, tx *kit.Tx) error {
		all, err := w.o.Store.SeriesList(ctx, tx, postgres.SeriesPage{Limit: 1000, Seen: "true"})
		if err != nil {
			return err
		}
		ledgers, err := w.o.Store.Ledgers(ctx, tx, all)
		if err != nil {
			return err
		}
		want := map[schedule.SeriesID]schedule.Ledger{}
		for id := range w.m.planned {
			want[id] = w.m.ledger(id)
			if !want[id].Balances() {
				r.Errorf("%s does not add up: %+v", id, want[id])
			}
		}
		if diff := cmp.Diff(want, maps.Clone(ledgers)); diff != "" {
			r.Errorf("ledgers (-want +got):\n%s", diff)
		}
		var untold []string
		err = tx.SelectContext(ctx, &untold, `
			SELECT 'last told ' || told.type || ' and is ' || v.status || ': ' || v.visit_id
			FROM visit v JOIN LATERAL (SELECT split_part(type, '.', 5) AS type FROM outbox WHERE subject = v.visit_id ORDER BY seq DESC LIMIT 1) told ON true
			WHERE NOT (told.type = v.status OR told.type = 'rescheduled' AND v.status = 'scheduled' OR told.type = 'checked_in' AND v.status = 'in_progress'
				OR v.reasons = '["taken_from_worker"]')`)
		for _, b := range untold {
			r.Error(b)
		}
		return err
	})
	if r.Failed() {
		r.Fatal("see above")
	}
}
