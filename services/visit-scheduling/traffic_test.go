package visitscheduling

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hearthfps/hearth/services/visit-scheduling/optimise"
)

// A working week's hours stay those of its days, whatever day the search counts from.
func TestTraffic_KeepsItsDaysWhateverTheOrigin(t *testing.T) {
	all := []optimise.Traffic{{Days: []int{0, 2, 6}, Bands: []optimise.Speed{{From: 420, Percent: 50}}}, {Bands: []optimise.Speed{{From: 0, Percent: 90}}}}
	for origin, want := range map[time.Time][]int{
		time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC): {0, 2, 6}, // a Monday
		time.Date(2026, 3, 4, 0, 0, 0, 0, time.UTC): {5, 0, 4}, // Wednesday
		time.Date(2026, 3, 8, 0, 0, 0, 0, time.UTC): {1, 3, 0}, // Sunday
	} {
		got := traffic(all, origin)
		if diff := cmp.Diff(want, got[0].Days); diff != "" || got[1].Days != nil {
			t.Errorf("from %s (-want +got):\n%s", origin.Weekday(), diff)
		}
	}
	if all[0].Days[1] != 2 {
		t.Error("what was given has changed")
	}
}
