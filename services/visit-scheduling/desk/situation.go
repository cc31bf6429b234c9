package desk

import (
	"context"
	"slices"
	"time"

	"github.com/hearthfps/hearth/pkg/clock"
	kit "github.com/hearthfps/hearth/pkg/postgres"
	"github.com/hearthfps/hearth/services/visit-scheduling/postgres"
	"github.com/hearthfps/hearth/services/visit-scheduling/schedule"
)

// situation is a week as it stands in the database.
type situation struct {
	problem schedule.Problem
	visits  map[schedule.VisitID]schedule.Visit
	series  map[schedule.SeriesID]schedule.Series
	// booked are the places and households of problem.Booked.
	booked []postgres.Booked
	// stale are households whose travel point intake should be asked for.
	stale    []string
	wondered map[string]bool // the same, as a set
}

// situate reads what planning visits in a week takes: the given workers, what is
// booked in span (of those named in busy and of the visits' series; of everybody
// when busy is nil), who knows whom, who is excluded, and where households are. No visit is
// to start before notBefore.
func (d *Desk) situate(ctx context.Context, tx *kit.Tx, cal *clock.Calendar, week schedule.Week, span schedule.Span, notBefore time.Time, visits []schedule.Visit, roster []schedule.Worker, busy []schedule.WorkerID) (situation, error) {
	s := situation{visits: map[schedule.VisitID]schedule.Visit{}, wondered: map[string]bool{}}
	var err error
	if s.series, err = d.Store.SeriesOf(ctx, tx, visits); err != nil {
		return s, err
	}
	cases, households := []schedule.CaseID{}, []string{}
	ids := []schedule.SeriesID{}
	for _, series := range s.series {
		ids, cases, households = append(ids, series.ID), append(cases, series.Case), append(households, series.Household)
	}
	if busy == nil {
		ids = nil
	}
	booked, err := d.Store.BookedIn(ctx, tx, span, busy, ids)
	if err != nil {
		return s, err
	}
	s.booked = booked
	for _, b := range booked {
		households = append(households, b.Household)
	}
	points, err := d.Store.TravelPoints(ctx, tx, households)
	if err != nil {
		return s, err
	}
	acquainted, err := d.Store.Acquainted(ctx, tx, cases)
	if err != nil {
		return s, err
	}
	excluded, err := d.Store.Excluded(ctx, tx, cases)
	if err != nil {
		return s, err
	}

	s.problem = schedule.Problem{Zone: cal.Zone(), Travel: d.Settings.Travel}
	for _, w := range roster {
		s.problem.Roster = append(s.problem.Roster, schedule.Available{
			ID: w.ID, Skills: w.Skills, Languages: w.Languages, Base: w.Base, Shifts: w.Shifts(week, cal), Away: w.Away(),
		})
	}
	for _, b := range booked {
		s.wonder(tx.Now(), d.Settings.PointAge, b.Place, b.Household, points)
		s.problem.Booked = append(s.problem.Booked, schedule.Booking{
			Visit: b.Visit, Series: b.Series, Workers: b.Workers, Span: b.Span, At: locate(b.Place, b.Household, points),
		})
	}
	for _, v := range visits {
		series := s.series[v.Series]
		windows, why := series.Windows(v.Week, notBefore, cal)
		s.visits[v.ID] = v
		s.problem.Demands = append(s.problem.Demands, schedule.Demand{
			Visit: v.ID, Series: v.Series, Windows: windows, NoWindow: why, Minutes: v.Minutes, Workers: v.WorkersNeeded,
			Skills: v.Skills, Language: v.Language, At: locate(v.Place, series.Household, points),
			PerDay: series.Pattern.PerDay(), Spacing: max(1, 7/series.Pattern.TimesAWeek),
			Known: known(series, acquainted[v.Case]), Excluded: excluded[v.Case], Lost: v.Lost,
		})
		s.wonder(tx.Now(), d.Settings.PointAge, v.Place, series.Household, points)
	}
	return s, nil
}

// known are the workers a family knows: those assigned, then those it has met.
func known(series schedule.Series, met []schedule.WorkerID) []schedule.WorkerID {
	all := slices.Clone(series.Workers)
	for _, w := range met {
		if !slices.Contains(all, w) {
			all = append(all, w)
		}
	}
	return all
}

// wonder notes a household whose point is not known, or was asked for too long ago.
func (s *situation) wonder(now time.Time, age time.Duration, place schedule.Place, household string, points map[string]postgres.TravelPoint) {
	point, kept := points[household]
	if place != schedule.Home || household == "" || (kept && now.Sub(point.FetchedAt) < age) || s.wondered[household] {
		return
	}
	s.wondered[household] = true
	s.stale = append(s.stale, household)
}

// relocate gives demands and bookings the points that were fetched for their households.
func (s *situation) relocate(points map[string]postgres.TravelPoint) {
	for i := range s.problem.Demands {
		v := s.visits[s.problem.Demands[i].Visit]
		household := s.series[v.Series].Household
		if _, fetched := points[household]; fetched {
			s.problem.Demands[i].At = locate(v.Place, household, points)
		}
	}
	for i, b := range s.booked {
		if _, fetched := points[b.Household]; fetched {
			s.problem.Booked[i].At = locate(b.Place, b.Household, points)
		}
	}
}
