package desk

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/hearthfps/hearth/pkg/clock"
	kit "github.com/hearthfps/hearth/pkg/postgres"
	"github.com/hearthfps/hearth/services/visit-scheduling/postgres"
	"github.com/hearthfps/hearth/services/visit-scheduling/schedule"
)

// whole is the time of all weeks wanted, and of the span.
func (w wanted) whole(cal *clock.Calendar) schedule.Span {
	all := w.span
	for _, week := range w.weeks {
		of := week.Span(cal.Zone())
		if of.From.Before(all.From) {
			all.From = of.From
		}
		if all.To.Before(of.To) {
			all.To = of.To
		}
	}
	return all
}

// booked reads what is booked in the span wanted, and in the rest of the weeks for
// workers with whom limits of a week were agreed.
func (d *Desk) booked(ctx context.Context, tx *kit.Tx, cal *clock.Calendar, want wanted, series []schedule.SeriesID) ([]postgres.Booked, error) {
	booked, err := d.Store.BookedIn(ctx, tx, want.span, want.busy, series)
	if err != nil {
		return nil, err
	}
	var weekly []schedule.WorkerID
	for _, w := range want.roster {
		if w.Bounds().Weekly() && (want.busy == nil || slices.Contains(want.busy, w.ID)) {
			weekly = append(weekly, w.ID)
		}
	}
	whole := want.whole(cal)
	if weekly == nil || whole == want.span {
		return booked, nil
	}
	more, err := d.Store.BookedIn(ctx, tx, whole, weekly, nil)
	if err != nil {
		return nil, err
	}
	known := map[schedule.VisitID]bool{}
	for _, b := range booked {
		known[b.Visit] = true
	}
	for _, b := range more {
		if !known[b.Visit] {
			booked = append(booked, b)
		}
	}
	return booked, nil
}

// roster puts the workers into a problem, with the families assigned to those who
// may have so many.
func (d *Desk) roster(ctx context.Context, tx *kit.Tx, cal *clock.Calendar, want wanted, p *schedule.Problem) error {
	var bounded []schedule.WorkerID
	for _, w := range want.roster {
		if w.Bounds().Families > 0 {
			bounded = append(bounded, w.ID)
		}
	}
	families := map[schedule.WorkerID][]schedule.SeriesID{}
	if bounded != nil {
		var err error
		if families, err = d.Store.FamiliesOf(ctx, tx, bounded); err != nil {
			return err
		}
	}
	for _, w := range want.roster {
		a := w.Available(want.weeks, cal)
		a.Families = families[w.ID]
		p.Roster = append(p.Roster, a)
	}
	return nil
}

// weigh puts what the agency weighs, and its nights, into a problem.
func (d *Desk) weigh(tx *kit.Tx, cal *clock.Calendar, want wanted, p *schedule.Problem) schedule.Weighing {
	w := d.weighing(tx)
	p.Weights, p.Wish, p.Dark = w.Weights, w.Wish, w.Dark(want.whole(cal), cal)
	return w
}

// weighing is what the agency of a transaction weighs.
func (d *Desk) weighing(tx *kit.Tx) schedule.Weighing {
	if d.Weighing == nil {
		return schedule.Weighing{}
	}
	return d.Weighing(tx.Agency())
}

// recently is how far back each visit of a family is looked at: further than the
// visit before any in a problem lies, with a family that is visited.
const recently = 28 * 24 * time.Hour

// families are the rules of series that look at all their visits, with the visits
// that are not in the problem.
func (d *Desk) families(
	ctx context.Context, tx *kit.Tx, cal *clock.Calendar, want wanted, series map[schedule.SeriesID]schedule.Series, here map[schedule.VisitID]bool,
) ([]schedule.Family, error) {
	var cases []schedule.CaseID
	whole := want.whole(cal)
	from, recent := whole.From, whole.From.Add(-recently)
	for _, s := range series {
		if s.Kind == schedule.Urgent || !s.Pattern.Together() {
			continue
		}
		cases = append(cases, s.Case)
		if since := whole.To.Add(-s.Pattern.Since()); since.Before(from) {
			from = since
		}
		if p := s.Pattern.People; p != nil && whole.To.AddDate(0, 0, -p.Days).Before(recent) {
			recent = whole.To.AddDate(0, 0, -p.Days)
		}
	}
	if cases == nil {
		return nil, nil
	}
	visits, err := d.Store.PastVisits(ctx, tx, cases, from, recent)
	if err != nil {
		return nil, err
	}
	var all []schedule.Family
	for _, s := range series {
		if f, ruled := schedule.FamilyOf(s, visits[s.Case], whole.To, here); ruled {
			all = append(all, f)
		}
	}
	slices.SortFunc(all, func(a, b schedule.Family) int { return cmp.Compare(a.Series, b.Series) })
	return all, nil
}
