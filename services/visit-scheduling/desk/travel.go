package desk

import (
	"context"
	"time"

	"github.com/hearthfps/hearth/pkg/clock"
	kit "github.com/hearthfps/hearth/pkg/postgres"
	"github.com/hearthfps/hearth/pkg/timers"
	"github.com/hearthfps/hearth/services/visit-scheduling/optimise"
	"github.com/hearthfps/hearth/services/visit-scheduling/optimise/matrix"
	"github.com/hearthfps/hearth/services/visit-scheduling/schedule"
)

const (
	// recordedFor is how far back visits count for how long ways take: roads and
	// seasons change.
	recordedFor = 180 * 24 * time.Hour
	// recordedMost is the most comings and goings that are looked at, the newest.
	recordedMost = 200_000
)

// setTravelFit sets the agency's next look at recorded ways: two in the morning,
// before the planning of the day.
func (d *Desk) setTravelFit(ctx context.Context, tx *kit.Tx, cal *clock.Calendar) error {
	return setNightly(ctx, tx, cal, TravelTimer, 2)
}

// FitTravel fits the estimate of travel to the ways that were recorded, keeps the
// numbers, drops road times that are old or of places nobody has any more, and sets
// the next night's timer. Places are read and not kept.
func (d *Desk) FitTravel(ctx context.Context, tx *kit.Tx, _ timers.Timer) error {
	cal, err := d.Calendar(tx.Agency())
	if err != nil {
		return err
	}
	since := tx.Now().Add(-recordedFor)
	attended, err := d.Store.Attended(ctx, tx, schedule.Span{From: since, To: tx.Now()}, recordedMost)
	if err != nil {
		return err
	}
	fit := schedule.FitTravel(d.Settings.Travel, attended, cal.Zone(), since, tx.Now())
	if err := d.Store.KeepTravelFit(ctx, tx, fit); err != nil {
		return err
	}
	if err := d.Store.ForgetRoadTimes(ctx, tx, tx.Now().Add(-roadAge)); err != nil {
		return err
	}
	return d.setTravelFit(ctx, tx, cal)
}

// travel is what ways are planned by: what a provider or a file told, and else the
// estimate, as far as recorded ways correct it; and when it takes longer.
func (d *Desk) travel(ctx context.Context, tx *kit.Tx) (schedule.Travel, []optimise.Traffic, error) {
	fit, err := d.Store.TravelFit(ctx, tx)
	if err != nil {
		return nil, nil, err
	}
	estimate := fit.Apply(d.Settings.Travel)
	switch {
	case d.Roads.File != nil:
		return matrix.Over{Times: d.Roads.File, Estimate: estimate}, fit.Traffic(), nil
	case d.Roads.Provider != nil:
		told, err := d.knownRoads(ctx, tx)
		return matrix.Over{Times: told, Estimate: estimate}, fit.Traffic(), err
	}
	return estimate, fit.Traffic(), nil
}
