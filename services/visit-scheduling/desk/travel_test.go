package desk_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	kit "github.com/hearthfps/hearth/pkg/postgres"
	"github.com/hearthfps/hearth/services/visit-scheduling/desk"
	"github.com/hearthfps/hearth/services/visit-scheduling/optimise"
	"github.com/hearthfps/hearth/services/visit-scheduling/schedule"
)

// recorded is an office whose workers went from one family to another each day of
// four weeks, each way taking percent of the estimate.
func recorded(t *testing.T, workers, percent int) *office {
	o := open(t)
	o.points.of = func(household string) (lat, lon float64) {
		if strings.HasSuffix(household, "a") {
			return 61.0, 25.5
		}
		return 61.2, 25.9
	}
	estimate := o.Settings.Travel
	way := estimate.Minutes(optimise.Place{Lat: 61.0, Lon: 25.5}, optimise.Place{Lat: 61.2, Lon: 25.9})
	took := time.Duration(estimate.Stop(optimise.Car)+(way-estimate.Stop(optimise.Car))*percent/100) * time.Minute
	for w := range workers {
		id := schedule.WorkerID(fmt.Sprintf("w%d", w))
		o.hire(id)
		for k, side := range []string{"a", "b"} {
			c := fmt.Sprintf("case-%d-%s", w, side)
			o.approve(plan(c, 1, 5, 1))
			all := o.visits(c)
			for i := range all {
				v := &all[i]
				start := v.Week.Monday.AddDays(i%5).At(9, 0, time.UTC).Add(time.Duration(k) * (time.Hour + took))
				if _, err := v.Schedule(schedule.Slot{StartsAt: start, EndsAt: start.Add(time.Hour), Workers: []schedule.WorkerID{id}}); err != nil {
					t.Fatal(err)
				}
				v.Status = schedule.Completed
				v.CheckIns = []schedule.CheckIn{{Worker: id, InAt: start, OutAt: start.Add(time.Hour)}}
			}
			o.in(func(ctx context.Context, tx *kit.Tx) error { return o.Store.SaveVisits(ctx, tx, all...) })
		}
	}
	o.approve(plan("case-new-a", 1, 1, 1)) // asks for the points of both places
	o.approve(plan("case-new-b", 1, 1, 1))
	o.settle()
	o.clock.Set(at(29, 2, 0))
	return o
}

// nightly is when the agency's look at recorded ways is due.
func (o *office) nightly() (due time.Time) {
	o.t.Helper()
	o.in(func(ctx context.Context, tx *kit.Tx) error {
		return tx.GetContext(ctx, &due, `SELECT due_at FROM timer WHERE kind = $1 AND timer_id = 'lakeland'`, desk.TravelTimer)
	})
	return due.UTC()
}

func (o *office) fit() (f schedule.TravelFit) {
	o.t.Helper()
	o.in(func(ctx context.Context, tx *kit.Tx) error { return o.FitTravel(ctx, tx, timer()) })
	o.in(func(ctx context.Context, tx *kit.Tx) (err error) {
		f, err = o.Store.TravelFit(ctx, tx)
		return err
	})
	return f
}

// wayTo plans a visit in the week that begins so many days on, and says how long
// the way to it is, for a worker who comes from the base.
func (o *office) wayTo(caseID string, week int) int {
	o.t.Helper()
	p := plan(caseID, 1, 1, 1)
	p.StartsOn, p.EndsOn = day(week), day(week+6)
	o.approve(p)
	o.settle()
	for _, v := range o.visits(caseID) {
		if v.Slot != nil {
			if v.Slot.Source != schedule.Estimated {
				o.t.Errorf("the way is by %q", v.Slot.Source)
			}
			return v.Slot.Travel
		}
	}
	o.t.Fatalf("no visit of %s has a place", caseID)
	return 0
}

func TestTravel_RecordedWaysCorrectWhatIsPlanned(t *testing.T) {
	o := recorded(t, 3, 200)
	if got, want := o.nightly(), at(1, 2, 0); !got.Equal(want) {
		t.Errorf("looked at for the first time %v, want %v", got, want)
	}
	before := o.wayTo("case-before-b", 35)
	f := o.fit()
	car := f.Of(optimise.Car)
	if car.Ways != 60 || !car.Used || car.Residual > 5 || car.Before < 20 || !f.FittedAt.Equal(at(29, 2, 0)) {
		t.Errorf("fitted %+v", f)
	}
	if got, want := o.nightly(), at(30, 2, 0); !got.Equal(want) {
		t.Errorf("looked at again %v, want %v", got, want)
	}
	if after := o.wayTo("case-after-b", 42); after < before*3/2 {
		t.Errorf("the way there is planned with %d minutes, before %d; it takes twice as long", after, before)
	}
}

func TestTravel_TooFewRecordedWaysChangeNothing(t *testing.T) {
	o := recorded(t, 2, 200)
	before := o.wayTo("case-before-b", 35)
	if f := o.fit(); f.Of(optimise.Car).Ways != 40 || f.Of(optimise.Car).Used || !strings.Contains(f.Words(), "too few") {
		t.Errorf("fitted %+v: %s", f, f.Words())
	}
	if after := o.wayTo("case-after-b", 42); after != before {
		t.Errorf("%d minutes, before %d", after, before)
	}
}

func TestTravel_SlowHoursArePlanned(t *testing.T) {
	o := recorded(t, 1, 100)
	before := o.wayTo("case-before-b", 35)
	o.in(func(ctx context.Context, tx *kit.Tx) error {
		return o.Store.KeepTravelFit(ctx, tx, schedule.TravelFit{FittedAt: tx.Now(), Since: tx.Now().AddDate(0, -6, 0), Modes: []schedule.ModeFit{{
			Ways: 200, Used: true, Percent: []int{100, 100, 100, 100}, Seen: []int{50, 50, 50, 50},
			Traffic: []optimise.Traffic{{Days: []int{0, 1, 2, 3, 4}, Bands: []optimise.Speed{{From: 0, Percent: 50}}}},
		}}})
	})
	if after := o.wayTo("case-after-b", 42); after < 2*before-1 || after > 2*before+1 {
		t.Errorf("%d minutes at half the speed, before %d", after, before)
	}
}
