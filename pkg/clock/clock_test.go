package clock_test

import (
	"sync"
	"testing"
	"time"

	"github.com/hearthfps/hearth/pkg/clock"
)

func TestGuarantee2_AdjustableNeverGoesBack(t *testing.T) {
	base := clock.NewManual(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC))
	c := clock.NewAdjustable(base, -time.Hour)
	if got, want := c.Now(), base.Now(); !got.Equal(want) {
		t.Fatalf("a negative start is taken as 0: got %v, want %v", got, want)
	}
	var wg sync.WaitGroup
	for range 100 {
		wg.Go(func() {
			before := c.Now()
			c.Advance(time.Minute)
			c.Advance(-time.Hour)
			if after := c.Now(); !after.After(before) {
				t.Errorf("went from %v to %v", before, after)
			}
		})
	}
	wg.Wait()
	if got, want := c.Offset(), 100*time.Minute; got != want {
		t.Errorf("offset: got %v, want %v", got, want)
	}
	if got, want := clock.NewAdjustable(base, c.Offset()).Now(), c.Now(); !got.Equal(want) {
		t.Errorf("a restart: got %v, want %v", got, want)
	}
}

func TestManual_StandsStillUntilMoved(t *testing.T) {
	start := time.Date(2026, 3, 1, 12, 0, 0, 123456789, time.FixedZone("", 7200))
	c := clock.NewManual(start)
	if got, want := c.Now(), time.Date(2026, 3, 1, 10, 0, 0, 123456000, time.UTC); got != want {
		t.Errorf("got %v, want %v in UTC cut to microseconds", got, want)
	}
	if got, want := c.Advance(time.Hour), c.Now(); got != want {
		t.Errorf("got %v, want %v", got, want)
	}
	c.Set(start.Add(-time.Hour))
	if !c.Now().Before(start) {
		t.Error("a test may set it back")
	}
}

func TestSystem_IsNowInUTC(t *testing.T) {
	before := time.Now().Truncate(time.Microsecond)
	got := clock.System().Now()
	if got.Before(before) || got.After(time.Now()) || got.Location() != time.UTC || got.Nanosecond()%1000 != 0 {
		t.Errorf("got %v", got)
	}
}
