package desk

import (
	"context"
	"maps"
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

// wanted is what a situation is read for.
type wanted struct {
	// weeks are those workers' hours are taken from, span the time bookings are.
	weeks []schedule.Week
	span  schedule.Span
	// notBefore is the first moment a visit may start at.
	notBefore time.Time
	// visits are to be placed, from where they are or from nowhere.
	visits []schedule.Visit
	// series are those of visits that are not in the database yet.
	series map[schedule.SeriesID]schedule.Series
	roster []schedule.Worker
	// busy are whose bookings are read, beside those of the visits' series; nil is
	// everybody's.
	busy []schedule.WorkerID
	// leaving are visits whose bookings do not count: they change too.
	leaving map[schedule.VisitID]bool
}

// weekOf is what a single week is read for.
func weekOf(week schedule.Week, cal *clock.Calendar, notBefore time.Time) wanted {
	return wanted{weeks: []schedule.Week{week}, span: week.Span(cal.Zone()), notBefore: notBefore}
}

// situate reads what placing visits takes: the workers, what is booked (the visits
// themselves apart), who knows whom, who is excluded, and where households are.
func (d *Desk) situate(ctx context.Context, tx *kit.Tx, cal *clock.Calendar, want wanted) (situation, error) {
	s := situation{visits: map[schedule.VisitID]schedule.Visit{}, wondered: map[string]bool{}}
	var err error
	if s.series, err = d.Store.SeriesOf(ctx, tx, want.visits); err != nil {
		return s, err
	}
	maps.Copy(s.series, want.series)
	cases, households := []schedule.CaseID{}, []string{}
	ids := []schedule.SeriesID{}
	for _, series := range s.series {
		ids, cases, households = append(ids, series.ID), append(cases, series.Case), append(households, series.Household)
	}
	if want.busy == nil {
		ids = nil
	}
	booked, err := d.booked(ctx, tx, cal, want, ids)
	if err != nil {
		return s, err
	}
	asked := map[schedule.VisitID]bool{}
	for _, v := range want.visits {
		asked[v.ID] = true
	}
	booked = slices.DeleteFunc(booked, func(b postgres.Booked) bool { return asked[b.Visit] || want.leaving[b.Visit] })
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

	travel, traffic, err := d.travel(ctx, tx)
	if err != nil {
		return s, err
	}
	s.problem = schedule.Problem{Zone: cal.Zone(), Travel: travel, Traffic: traffic, Now: tx.Now()}
	if err := d.roster(ctx, tx, cal, want, &s.problem); err != nil {
		return s, err
	}
	weighing := d.weigh(tx, cal, want, &s.problem)
	here := maps.Clone(asked)
	for _, b := range booked {
		here[b.Visit] = true
	}
	if s.problem.Families, err = d.families(ctx, tx, cal, want, s.series, here); err != nil {
		return s, err
	}
	for _, b := range booked {
		s.wonder(tx.Now(), d.Settings.PointAge, b.Place, b.Household, points)
		s.problem.Booked = append(s.problem.Booked, schedule.Booking{
			Visit: b.Visit, Series: b.Series, Workers: b.Workers, Span: b.Span, At: locate(b.Place, b.Household, points),
		})
	}
	for _, v := range want.visits {
		series := s.series[v.Series]
		windows, why := series.WindowsOf(v, want.notBefore, cal)
		s.visits[v.ID] = v
		lost := v.Lost
		if v.Slot != nil {
			lost = v.Slot
		}
		s.problem.Demands = append(s.problem.Demands, schedule.Demand{
			Visit: v.ID, Series: v.Series, Windows: windows, NoWindow: why, Minutes: v.Minutes, Workers: v.WorkersNeeded,
			Skills: v.Skills, Language: v.Language, At: locate(v.Place, series.Household, points),
			PerDay: series.Pattern.PerDay(), Spacing: max(1, 7/series.Pattern.TimesAWeek),
			Known: known(series, acquainted[v.Case]), Excluded: excluded[v.Case], Lost: lost,
			Levels: series.Pattern.Levels, Attributes: series.Pattern.Attributes(true), Wishes: series.Pattern.Attributes(false),
			Daylight: weighing.NeedsDaylight(series.Pattern.Asks, v.WorkersNeeded, v.Place), NotLast: series.Pattern.NotLast,
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
