package api

import (
	"cmp"
	"context"
	"math"

	kit "github.com/hearthfps/hearth/pkg/postgres"
	"github.com/hearthfps/hearth/services/visit-scheduling/optimise"
	"github.com/hearthfps/hearth/services/visit-scheduling/schedule"
)

// sourceOf is who said how long the way to a slot is.
func sourceOf(s schedule.Slot) TravelSource {
	return TravelSource(cmp.Or(s.Source, schedule.Estimated))
}

// GetTravelEstimate answers what travel is planned by.
func (s Server) GetTravelEstimate(ctx context.Context, _ GetTravelEstimateRequestObject) (GetTravelEstimateResponseObject, error) {
	var fit schedule.TravelFit
	told := 0
	err := s.Desk.DB.InTenant(ctx, func(ctx context.Context, tx *kit.Tx) error {
		err := s.Access.schedule(ctx, tx)
		if err != nil {
			return err
		}
		if told, err = s.Desk.RoadWays(ctx, tx); err != nil {
			return err
		}
		fit, err = s.Desk.Store.TravelFit(ctx, tx)
		return err
	})
	if err != nil {
		return nil, err
	}
	base := s.Desk.Settings.Travel
	answer := GetTravelEstimate200JSONResponse{
		Label: TravelEstimateLabelEstimate, Words: fit.Words(), Detour: optimise.Detour, StopMinutes: base.Stop(optimise.Car),
		UnknownMinutes: base.Unknown(), LeastWays: schedule.LeastWays, FittedAt: orNil(fit.FittedAt), Since: orNil(fit.Since),
	}
	if name := s.Desk.Roads.Name; name != "" {
		answer.Provider, answer.ProviderWays = ptr(TravelSource(name)), &told
	}
	for _, mode := range schedule.Modes() {
		answer.Modes = append(answer.Modes, viewModeFit(base, fit.Of(mode)))
	}
	return answer, nil
}

func viewModeFit(base optimise.Estimate, f schedule.ModeFit) TravelModeEstimate {
	shown := TravelModeEstimate{Mode: TravelMode(schedule.ModeName(f.Mode)), Ways: f.Ways, Calibrated: f.Used, StopMinutes: base.Stop(f.Mode)}
	if f.Ways > 0 {
		shown.ResidualMinutes, shown.ResidualBeforeMinutes = ptr(f.Residual), ptr(f.Before)
	}
	for k, b := range optimise.Bands(f.Mode) {
		band := TravelBand{KmPerHour: float32(b.Speed), Percent: 100}
		if b.UpToKm < math.MaxFloat64 {
			band.UpToKm = ptr(float32(b.UpToKm))
		}
		if f.Used && k < len(f.Percent) {
			band.Percent = f.Percent[k]
		}
		if k < len(f.Seen) {
			band.Ways = f.Seen[k]
		}
		shown.Bands = append(shown.Bands, band)
	}
	var hours []TravelHours
	for _, t := range (schedule.TravelFit{Modes: []schedule.ModeFit{f}}).Traffic() {
		days := each(t.Days, func(d int) Weekday { return []Weekday{"mon", "tue", "wed", "thu", "fri", "sat", "sun"}[d] })
		for _, b := range t.Bands {
			hours = append(hours, TravelHours{Weekdays: days, From: schedule.TimeOfDay(b.From).String(), Percent: b.Percent})
		}
	}
	if hours != nil {
		shown.Hours = &hours
	}
	return shown
}
