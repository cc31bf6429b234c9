package desk

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/hearthfps/hearth/pkg/clock"
	"github.com/hearthfps/hearth/pkg/fault"
	kit "github.com/hearthfps/hearth/pkg/postgres"
	"github.com/hearthfps/hearth/pkg/tenant"
	"github.com/hearthfps/hearth/services/visit-scheduling/postgres"
	"github.com/hearthfps/hearth/services/visit-scheduling/schedule"
)

// offerLasts is how long the places of an urgent visit may be taken.
const offerLasts = 15 * time.Minute

// grid is what starts are rounded up to, in minutes, where there is room.
const grid = 5

// urgentCase is a case an urgent visit is asked for, with what is known of it here.
type urgentCase struct {
	file   postgres.Case
	series schedule.Series
	demand schedule.Demand
}

// urgentID stands for the visit that is asked about, before it has an id.
const urgentID = schedule.VisitID("urgent")

// AllowUrgent decides what an asker may do: make a visit for a case, and move
// another family's.
type AllowUrgent struct {
	Case func(context.Context, *kit.Tx, schedule.CaseID) error
	Move func(context.Context, *kit.Tx, schedule.Visit) error
}

// Places looks where an urgent visit could go: up to three places, the best first,
// each as it stands against the database now. A place that moves a visit the asker
// may not move is left out. Without a place, why says what would give one. Nothing is kept.
//
// Unprocessable (urgent_invalid) says what is wrong with the request, Conflict
// (case_closed) that the case is.
func (d *Desk) Places(ctx context.Context, r schedule.UrgentRequest, allow AllowUrgent) (schedule.UrgentOffer, schedule.Leftover, error) {
	now := d.Clock.Now()
	r.Within.From = later(r.Within.From, now.Add(d.Settings.UrgentLead)).Truncate(time.Minute)
	if faults := r.Validate(now); faults != nil {
		return schedule.UrgentOffer{}, schedule.Leftover{}, fault.New(fault.Unprocessable, "urgent_invalid", "No visit can be made like this.", faults...)
	}
	var about urgentCase
	var missing []string
	var use *sheet
	var upToDate bool
	err := d.DB.ReadInTenant(ctx, func(ctx context.Context, tx *kit.Tx) error {
		if err := allow.Case(ctx, tx, r.Case); err != nil {
			return err
		}
		cal, err := d.Calendar(tx.Agency())
		if err != nil {
			return err
		}
		if about, missing, err = d.urgentCase(ctx, tx, r, cal); err != nil {
			return err
		}
		use, upToDate, err = d.usable(ctx, tx, cal)
		return err
	})
	if err != nil {
		return schedule.UrgentOffer{}, schedule.Leftover{}, err
	}
	points, err := d.fetchPoints(ctx, missing)
	if err != nil {
		return schedule.UrgentOffer{}, schedule.Leftover{}, err
	}
	if len(points) > 0 {
		about.demand.At = locate(r.Place, about.file.Household, points)
	}
	if r.Recipients == nil {
		r.Recipients = about.series.Recipients
	}
	agency, _ := tenant.From(ctx)
	if use != nil && !upToDate {
		if d.boards.putOff(agency) {
			d.DB.Signal(wakeBoards)
		} else {
			use = nil
		}
	}
	for {
		anew := use == nil
		if anew {
			if use, err = d.layOut(ctx); err != nil {
				return schedule.UrgentOffer{}, schedule.Leftover{}, err
			}
		}
		offer := schedule.UrgentOffer{Request: r}
		why, outdated, err := d.places(ctx, use, about, &offer, allow)
		if err != nil || !outdated || anew || upToDate {
			return offer, why, err
		}
		use = nil // the board was behind in what matters here
	}
}

// places asks one sheet and checks what it answers. outdated says that something
// did not stand, or may not, on a sheet that is behind.
func (d *Desk) places(ctx context.Context, s *sheet, about urgentCase, offer *schedule.UrgentOffer, allow AllowUrgent) (why schedule.Leftover, outdated bool, err error) {
	var openings []schedule.Opening
	err = d.ask(ctx, s, func(b schedule.Board) (err error) {
		if openings, err = b.Openings(about.demand); err != nil || len(openings) > 0 {
			return err
		}
		remedies, err := b.Why(ctx, about.demand)
		why = about.demand.Unplaced().Explained(remedies)
		return err
	})
	if err != nil || len(openings) == 0 {
		return why, err == nil, err
	}
	err = d.DB.ReadInTenant(ctx, func(ctx context.Context, tx *kit.Tx) error {
		now, err := d.around(ctx, tx, about.demand, openings)
		if err != nil {
			return err
		}
		offer.Places, outdated = nil, false
		for _, o := range openings {
			place, standing, ok, err := offered(now, o, tx.Now().Add(d.Settings.Notice), func(v schedule.Visit) error { return allow.Move(ctx, tx, v) })
			if err != nil {
				return err
			}
			outdated = outdated || !standing
			if ok {
				place.Known = slices.ContainsFunc(place.Slot.Workers, func(w schedule.WorkerID) bool { return slices.Contains(about.demand.Known, w) })
				offer.Places = append(offer.Places, place)
			}
		}
		return nil
	})
	return why, outdated, err
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// urgentCase reads what placing the visit takes. missing is the household whose
// travel point nobody has asked for yet.
func (d *Desk) urgentCase(ctx context.Context, tx *kit.Tx, r schedule.UrgentRequest, cal *clock.Calendar) (about urgentCase, missing []string, err error) {
	if about.file, err = d.Store.CaseOf(ctx, tx, r.Case); err != nil {
		return about, nil, err
	}
	if about.file.ClosedAt != nil {
		return about, nil, fault.New(fault.Conflict, "case_closed", "The case is closed; open it again in planning first.")
	}
	plan, err := d.Store.SeriesOfCase(ctx, tx, r.Case, schedule.OfPlan)
	if err != nil && !fault.Is(err, "series_not_found") {
		return about, nil, err
	}
	about.series = plan
	cases := []schedule.CaseID{r.Case}
	acquainted, err := d.Store.Acquainted(ctx, tx, cases)
	if err != nil {
		return about, nil, err
	}
	excluded, err := d.Store.Excluded(ctx, tx, cases)
	if err != nil {
		return about, nil, err
	}
	points, err := d.Store.TravelPoints(ctx, tx, []string{about.file.Household})
	if err != nil {
		return about, nil, err
	}
	if _, asked := points[about.file.Household]; !asked && r.Place == schedule.Home && about.file.Household != "" {
		missing = []string{about.file.Household}
	}
	visit := schedule.Visit{Minutes: r.Minutes, Within: &r.Within}
	windows, why := schedule.Series{}.WindowsOf(visit, r.Within.From, cal)
	about.demand = schedule.Demand{
		Visit: urgentID, Windows: windows, NoWindow: why, Minutes: r.Minutes, Workers: r.Workers, Skills: r.Skills, Language: r.Language,
		At: locate(r.Place, about.file.Household, points), Known: known(plan, acquainted[r.Case]), Excluded: excluded[r.Case],
		Daylight: d.weighing(tx).NeedsDaylight(schedule.Asks{}, r.Workers, r.Place),
	}
	return about, missing, nil
}

// KeepOffer keeps places that were found, so that one of them can be taken.
func (d *Desk) KeepOffer(ctx context.Context, tx *kit.Tx, offer schedule.UrgentOffer, by string) (schedule.UrgentOffer, error) {
	offer.ID, offer.By, offer.ExpiresAt = d.NewID(), by, tx.Now().Add(offerLasts)
	return offer, d.Store.KeepOffer(ctx, tx, offer)
}

// around reads the days of a visit for the workers of its openings, and the visits
// these would move.
func (d *Desk) around(ctx context.Context, tx *kit.Tx, demand schedule.Demand, openings []schedule.Opening) (situation, error) {
	var moving []schedule.VisitID
	var workers []schedule.WorkerID
	for _, o := range openings {
		workers = append(workers, o.Slot.Workers...)
		for _, m := range o.Moves {
			moving, workers = append(moving, m.Visit), append(workers, m.Slot.Workers...)
		}
	}
	slices.Sort(workers)
	workers = slices.Compact(workers)
	slices.Sort(moving)
	cal, err := d.Calendar(tx.Agency())
	if err != nil {
		return situation{}, err
	}
	first, last := cal.Today(demand.Windows[0].From), cal.Today(demand.Windows[len(demand.Windows)-1].To)
	want := wanted{
		span:      schedule.Span{From: first.Start(cal.Zone()), To: last.AddDays(1).Start(cal.Zone())},
		notBefore: tx.Now(), busy: workers, weeks: []schedule.Week{schedule.WeekOf(first)},
	}
	if next := schedule.WeekOf(last); next != want.weeks[0] {
		want.weeks = append(want.weeks, next)
	}
	if want.visits, err = d.Store.VisitsOf(ctx, tx, slices.Compact(moving)); err != nil {
		return situation{}, err
	}
	if want.roster, err = d.Store.WorkersOf(ctx, tx, workers, tx.Now()); err != nil {
		return situation{}, err
	}
	now, err := d.situate(ctx, tx, cal, want)
	now.problem.Demands = append(now.problem.Demands, demand)
	return now, err
}

// offered makes an opening a place to be offered: not when it does not stand any
// more or moves what begins before notBefore, and not when it moves what the asker
// may not schedule.
func offered(now situation, o schedule.Opening, notBefore time.Time, allow Allow) (place schedule.OfferedPlace, standing, ok bool, err error) {
	problem, plan := now.problem, schedule.Plan{Placed: []schedule.Placement{{Visit: urgentID, Slot: o.Slot}}}
	plan.Placed = append(plan.Placed, o.Moves...)
	problem.Booked = slices.Clone(problem.Booked)
	problem.Demands = nil
	for _, demand := range now.problem.Demands {
		if slices.ContainsFunc(plan.Placed, func(p schedule.Placement) bool { return p.Visit == demand.Visit }) {
			problem.Demands = append(problem.Demands, demand)
		} else if v := now.visits[demand.Visit]; v.Slot != nil { // another opening would move it
			problem.Booked = append(problem.Booked, schedule.Booking{
				Visit: v.ID, Series: v.Series, Workers: v.Slot.Workers, Span: v.Slot.Span(), At: demand.At,
			})
		}
	}
	if len(problem.Demands) < len(plan.Placed) || problem.Check(plan) != nil {
		return place, false, false, nil
	}
	for _, p := range problem.Round(plan, grid).Placed {
		if p.Visit == urgentID {
			place.Slot = p.Slot
			continue
		}
		v := now.visits[p.Visit]
		if v.Status != schedule.Scheduled || v.Slot == nil || v.Slot.StartsAt.Before(notBefore) || p.Slot.StartsAt.Before(notBefore) {
			return place, false, false, nil
		}
		if err := allow(v); fault.KindOf(err) == fault.NotFound || fault.KindOf(err) == fault.Forbidden {
			return place, true, false, nil
		} else if err != nil {
			return place, true, false, err
		}
		place.Moves = append(place.Moves, schedule.OfferedMove{
			Visit: v.ID, Case: v.Case, Version: v.Version, From: *v.Slot, To: p.Slot, Recipients: len(v.Recipients),
		})
	}
	return place, true, true, nil
}

// UrgentVisit is why visits move for an urgent one.
const UrgentVisit = "urgent_visit"

// TakeOffer books a place of an offer: the urgent visit and all it moves, checked
// again. Taking the same place again gives the same visit. Conflict
// (offer_taken, offer_expired, offer_stale) says why it cannot be taken any more.
func (d *Desk) TakeOffer(ctx context.Context, tx *kit.Tx, id string, place int, allow func(schedule.UrgentOffer) error) (schedule.Visit, []schedule.Visit, error) {
	var none schedule.Visit
	offer, err := d.Store.Offer(ctx, tx, id)
	if err != nil {
		return none, nil, err
	}
	if err := allow(offer); err != nil {
		return none, nil, err
	}
	switch {
	case offer.Taken == place:
		v, err := d.Store.Visit(ctx, tx, offer.Visit, false)
		return v, nil, err
	case offer.Taken != 0:
		return none, nil, fault.New(fault.Conflict, "offer_taken", "Another place of this offer was taken.")
	case place < 1 || place > len(offer.Places):
		return none, nil, fault.New(fault.Unprocessable, "place_unknown", "The offer has no such place.",
			fault.Field{Pointer: "/place", Code: "unknown", Detail: fmt.Sprintf("The offer has %d places, counted from 1.", len(offer.Places))})
	case !tx.Now().Before(offer.ExpiresAt):
		return none, nil, fault.New(fault.Conflict, "offer_expired", "The offer has expired. Ask for places again.")
	}
	cal, err := d.Calendar(tx.Agency())
	if err != nil {
		return none, nil, err
	}
	taken := offer.Places[place-1]
	workers := slices.Clone(taken.Slot.Workers)
	for _, m := range taken.Moves {
		workers = append(workers, m.To.Workers...)
	}
	if _, err := d.Store.LockWorkers(ctx, tx, workers, tx.Now()); err != nil { // workers are locked before series
		return none, nil, err
	}
	visit, err := d.addUrgent(ctx, tx, offer.Request, cal)
	if err != nil {
		return none, nil, err
	}
	shifts := []shift{{visit.ID, visit.Version, taken.Slot}}
	for _, m := range taken.Moves {
		shifts = append(shifts, shift{m.Visit, m.Version, m.To})
	}
	changed, stale, err := d.shift(ctx, tx, cal, shifts, UrgentVisit)
	if err != nil {
		return none, nil, err
	}
	if stale != nil {
		return none, nil, staleFault("offer_stale", "The schedule has changed since the places were offered. Ask for places again.", stale)
	}
	if err := d.Store.TakeOffer(ctx, tx, id, place, visit.ID); err != nil {
		return none, nil, err
	}
	at := slices.IndexFunc(changed, func(v schedule.Visit) bool { return v.ID == visit.ID })
	booked := changed[at]
	return booked, slices.Delete(changed, at, at+1), nil
}

// addUrgent adds a visit to the case's urgent series, which it makes when there is none.
func (d *Desk) addUrgent(ctx context.Context, tx *kit.Tx, r schedule.UrgentRequest, cal *clock.Calendar) (schedule.Visit, error) {
	file, err := d.Store.OpenCase(ctx, tx, postgres.Case{ID: r.Case}) // locked: one urgent series a case
	if err != nil {
		return schedule.Visit{}, err
	}
	if file.ClosedAt != nil {
		return schedule.Visit{}, fault.New(fault.Conflict, "case_closed", "The case is closed; open it again in planning first.")
	}
	series, err := d.Store.ActiveSeries(ctx, tx, r.Case, schedule.Urgent)
	fresh := fault.Is(err, "series_not_found")
	if err != nil && !fresh {
		return schedule.Visit{}, err
	}
	if fresh {
		series = schedule.UrgentSeriesOf(tx.Agency().String(), r, file.Household, cal)
	}
	visit := series.AddUrgent(r, cal)
	if fresh {
		err = d.Store.InsertSeries(ctx, tx, series)
	} else {
		err = d.Store.SaveSeries(ctx, tx, series)
	}
	if err != nil {
		return schedule.Visit{}, err
	}
	return visit, d.Store.InsertVisits(ctx, tx, []schedule.Visit{visit})
}

// staleFault says what is in the way of a change that was worked out before.
func staleFault(code, detail string, stale []Stale) error {
	var fields []fault.Field
	for _, s := range stale {
		sentence := "This visit has changed since."
		if s.Why != Changed {
			sentence = schedule.Rule(s.Why).Sentence()
		}
		fields = append(fields, fault.Field{Pointer: "visits/" + string(s.Visit), Code: s.Why, Detail: sentence})
	}
	return fault.New(fault.Conflict, code, detail, fields...)
}
