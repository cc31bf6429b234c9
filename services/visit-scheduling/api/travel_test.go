package api_test

import (
	"context"
	"strings"
	"testing"

	"github.com/hearthfps/hearth/pkg/httpapi/apitest"
	kit "github.com/hearthfps/hearth/pkg/postgres"
	"github.com/hearthfps/hearth/services/visit-scheduling/api"
	"github.com/hearthfps/hearth/services/visit-scheduling/optimise"
	"github.com/hearthfps/hearth/services/visit-scheduling/schedule"
)

func TestTravelEstimate_SaysWhatItIsAndWhatItRestsOn(t *testing.T) {
	a := start(t)
	scheduler := a.as("scheduler", "s-1")
	read := func() api.TravelEstimate {
		t.Helper()
		return apitest.Read[api.TravelEstimate](scheduler.Get("/visits/v1/travel-estimate").Want(200))
	}
	e := read()
	if e.Label != "estimate" || e.FittedAt != nil || e.StopMinutes != 5 || e.UnknownMinutes != 20 || len(e.Modes) != 4 || !strings.Contains(e.Words, "No recorded ways") {
		t.Errorf("at first %+v", e)
	}
	for _, m := range e.Modes {
		if m.Calibrated || m.Ways != 0 || m.ResidualMinutes != nil || len(m.Bands) != 4 || m.Bands[0].Percent != 100 || m.Bands[3].UpToKm != nil {
			t.Errorf("at first %+v", m)
		}
	}
	a.tx(func(ctx context.Context, tx *kit.Tx) error {
		return a.desk.Store.KeepTravelFit(ctx, tx, schedule.TravelFit{FittedAt: tx.Now(), Since: tx.Now().AddDate(0, -6, 0), Modes: []schedule.ModeFit{
			{Mode: optimise.Car, Ways: 80, Used: true, Percent: []int{130, 110, 90, 100}, Seen: []int{40, 30, 10, 0}, Residual: 2, Before: 7, Traffic: []optimise.Traffic{
				{Days: []int{0, 4}, Bands: []optimise.Speed{{From: 0, Percent: 120}, {From: 420, Percent: 60}}},
			}},
			{Mode: optimise.Foot, Ways: 8, Percent: []int{90, 90, 90, 90}, Seen: []int{8, 0, 0, 0}, Residual: 1, Before: 1},
		}})
	})
	e = read()
	car, foot := e.Modes[0], e.Modes[3]
	if e.FittedAt == nil || car.Mode != "car" || !car.Calibrated || car.Ways != 80 || *car.ResidualMinutes != 2 || *car.ResidualBeforeMinutes != 7 || car.Bands[0].Percent != 130 || car.Bands[1].Ways != 30 {
		t.Errorf("by car %+v", car)
	}
	if car.Hours == nil || len(*car.Hours) != 2 || (*car.Hours)[0].Percent != 100 || (*car.Hours)[1].From != "07:00" || (*car.Hours)[1].Percent != 60 || (*car.Hours)[1].Weekdays[1] != "fri" {
		t.Errorf("by car, by the hour %+v", car.Hours)
	}
	if foot.Hours != nil || foot.Mode != "foot" || foot.Calibrated || foot.Ways != 8 || foot.Bands[0].Percent != 100 || foot.StopMinutes != 0 {
		t.Errorf("on foot, from eight ways %+v", foot)
	}
	// Another agency has its own, and who does not plan sees none.
	if e := apitest.Read[api.TravelEstimate](a.in("elsewhere", "scheduler", "s-1").Get("/visits/v1/travel-estimate").Want(200)); e.FittedAt != nil {
		t.Errorf("elsewhere %+v", e)
	}
	a.as("auditor", "x-1").Get("/visits/v1/travel-estimate").Want(403)
}
