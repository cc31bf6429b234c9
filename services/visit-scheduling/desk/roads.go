package desk

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	kit "github.com/hearthfps/hearth/pkg/postgres"
	"github.com/hearthfps/hearth/pkg/tenant"
	"github.com/hearthfps/hearth/services/visit-scheduling/optimise"
	"github.com/hearthfps/hearth/services/visit-scheduling/optimise/matrix"
	"github.com/hearthfps/hearth/services/visit-scheduling/postgres"
	"github.com/hearthfps/hearth/services/visit-scheduling/schedule"
)

// Roads is who knows more of the roads than the estimate does. The zero value is
// nobody: no place leaves the system.
type Roads struct {
	// Name labels the times.
	Name string
	// Provider is asked about the ways of Modes while weeks are planned, rounded
	// places alone; nil is nobody.
	Provider matrix.Provider
	Modes    []schedule.Mode
	// File are times read from a file; nil is none. A provider is not asked then.
	File *matrix.Times
	// Count is told what came of the ways that were asked about; nil is nobody.
	Count func(agency tenant.AgencyID, came RoadOutcome, ways int)

	mu sync.Mutex
	of map[tenant.AgencyID]learnt
}

// RoadOutcome is what came of asking about a way.
type RoadOutcome string

// The provider told how long it takes; or that there is none, or nobody answered, for a
// failure or one shortly before. Of the latter two the estimate stands in.
const (
	RoadTold   RoadOutcome = "told"
	RoadNone   RoadOutcome = "no_way"
	RoadFailed RoadOutcome = "failed"
)

// RoadOutcomes are all there are.
func RoadOutcomes() []RoadOutcome { return []RoadOutcome{RoadTold, RoadNone, RoadFailed} }

// learnt is what the provider told an agency, as far as this process has read it.
type learnt struct {
	mark  postgres.RoadMark
	times *matrix.Times
}

const (
	// roadPlaces is the most places whose ways to each other are asked about for
	// one week. Beyond it ways are estimated.
	roadPlaces = 1500
	// roadPatience is how long asking for one week may take.
	roadPatience = 2 * time.Minute
	// roadAge is how long an answer is used.
	roadAge = 60 * 24 * time.Hour
)

// knownRoads is what the provider told the agency, whoever asked. What was
// committed since the last reading is read.
func (d *Desk) knownRoads(ctx context.Context, tx *kit.Tx) (*matrix.Times, error) {
	mark, err := d.Store.RoadMark(ctx, tx)
	if err != nil {
		return nil, err
	}
	d.Roads.mu.Lock()
	have := d.Roads.of[tx.Agency()]
	d.Roads.mu.Unlock()
	if have.times != nil && have.mark == mark {
		return have.times, nil
	}
	if have.times == nil || have.mark.Epoch != mark.Epoch || have.mark.Revision > mark.Revision {
		have = learnt{mark: postgres.RoadMark{}, times: matrix.NewTimes(d.Roads.Name, nil)}
	}
	ways, err := d.Store.RoadTimes(ctx, tx, d.Roads.Name, have.mark.Revision)
	if err != nil {
		return nil, err
	}
	have = learnt{mark, have.times.With(ways)}
	d.Roads.mu.Lock()
	defer d.Roads.mu.Unlock()
	if d.Roads.of == nil {
		d.Roads.of = map[tenant.AgencyID]learnt{}
	}
	d.Roads.of[tx.Agency()] = have
	return have.times, nil
}

// askRoads asks the provider about the ways of a problem that nobody asked about
// before, keeps the answers, and has the problem planned by them. Whatever fails,
// the estimate stands in. fetched are the households whose place was asked for just
// now: of those that could not be asked about, nothing is sent.
func (d *Desk) askRoads(ctx context.Context, s *situation, fetched map[string]postgres.TravelPoint) error {
	over, ok := s.problem.Travel.(matrix.Over)
	if d.Roads.Provider == nil || !ok {
		return nil
	}
	patient, cancel := context.WithTimeout(ctx, roadPatience)
	defer cancel()
	var told []matrix.Way
	for mode, places := range d.roadPlaces(s, fetched) {
		ways, report := matrix.Ask(patient, d.Roads.Provider, over.Times, mode, places, 0)
		told = append(told, ways...)
		if ctx.Err() != nil { // whoever planned has gone: what is missing says nothing of the provider
			report.Failed, report.Err = 0, nil
		}
		if agency, known := tenant.From(ctx); known && d.Roads.Count != nil {
			d.Roads.Count(agency, RoadTold, report.Asked-report.None)
			d.Roads.Count(agency, RoadNone, report.None)
			d.Roads.Count(agency, RoadFailed, report.Failed)
		}
		if report.Err != nil {
			d.Log.LogAttrs(ctx, slog.LevelWarn, "road times are missing, the estimate stands in", slog.String("provider", d.Roads.Name),
				slog.Int("asked", report.Asked), slog.Int("missing", report.Failed), slog.Any("error", report.Err))
		}
	}
	if len(told) == 0 {
		return ctx.Err()
	}
	return d.DB.InTenant(ctx, func(ctx context.Context, tx *kit.Tx) (err error) {
		if err := d.Store.KeepRoadTimes(ctx, tx, d.Roads.Name, told, tx.Now()); err != nil {
			return err
		}
		over.Times = over.Times.With(told)
		s.problem.Travel = over
		return nil
	})
}

// roadPlaces are the places a problem travels between, by mode.
func (d *Desk) roadPlaces(s *situation, fetched map[string]postgres.TravelPoint) map[schedule.Mode][]optimise.Place {
	unsure := map[string]bool{}
	for _, household := range s.stale {
		if _, sure := fetched[household]; !sure {
			unsure[household] = true
		}
	}
	var visited []optimise.Place
	visit := func(household string, at schedule.Location) {
		if at.Point != nil && !at.Remote && !unsure[household] {
			visited = append(visited, schedule.PlaceOf(at.Point))
		}
	}
	for _, demand := range s.problem.Demands {
		visit(s.series[demand.Series].Household, demand.At)
	}
	for i, b := range s.booked {
		visit(b.Household, s.problem.Booked[i].At)
	}
	all := map[schedule.Mode][]optimise.Place{}
	for _, a := range s.problem.Roster {
		if !slices.Contains(d.Roads.Modes, a.Mode) {
			continue
		}
		if all[a.Mode] == nil {
			all[a.Mode] = slices.Clone(visited)
		}
		if a.Base != nil {
			all[a.Mode] = append(all[a.Mode], schedule.PlaceOf(a.Base))
		}
	}
	for mode, places := range all {
		all[mode] = distinct(places)
	}
	return all
}

// distinct are the first places of a list that round to different ones, as many as
// are asked about.
func distinct(places []optimise.Place) []optimise.Place {
	seen, out := map[matrix.Spot]bool{}, places[:0]
	for _, p := range places {
		if at := matrix.SpotOf(p); !seen[at] && len(seen) < roadPlaces {
			seen[at] = true
			out = append(out, p)
		}
	}
	return out
}

// RoadWays is how many ways the provider or the file has told the agency.
func (d *Desk) RoadWays(ctx context.Context, tx *kit.Tx) (int, error) {
	switch {
	case d.Roads.File != nil:
		return d.Roads.File.Len(), nil
	case d.Roads.Provider == nil:
		return 0, nil
	}
	times, err := d.knownRoads(ctx, tx)
	return times.Len(), err
}
