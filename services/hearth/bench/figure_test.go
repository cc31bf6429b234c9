package bench

import (
	"math"
	"os"
	"testing"
	"time"

	"github.com/hearthfps/hearth/pkg/postgres/launch"
)

func TestBeside_IsTheMedianOfTheRatiosOfRounds(t *testing.T) {
	f := beside("x", "", "1/s", []Round{{Measured: 50, Limit: 100, MeasuredCPU: 2, LimitCPU: 1}, {Measured: 90, Limit: 100}, {Measured: 10, Limit: 40}}, 0.5)
	if f.Ratio != 0.5 || f.Measured != 50 || f.Limit != 100 || f.CPURatio != 0.5 {
		t.Errorf("got %+v", f)
	}
	if f.Met == nil || !*f.Met {
		t.Errorf("a ratio of the aim does not meet it: %+v", f)
	}
	if f := beside("x", "", "1/s", []Round{{Measured: 49, Limit: 100}}, 0.5); *f.Met {
		t.Errorf("0.49 meets 0.5: %+v", f)
	}
}

func TestAtMost_WithoutAnAimIsNeitherMetNorMissed(t *testing.T) {
	if f := atMost("x", "", "ms", 7, 0); f.Met != nil {
		t.Errorf("got %+v", f)
	}
	if f := atMost("x", "", "ms", 251, 250); *f.Met {
		t.Errorf("251 is at most 250: %+v", f)
	}
}

func TestMedianAndQuantile(t *testing.T) {
	for _, c := range []struct {
		of   []float64
		want float64
	}{{nil, 0}, {[]float64{3}, 3}, {[]float64{9, 1, 4}, 4}, {[]float64{4, 1, 9, 2}, 3}} {
		if got := median(c.of); got != c.want {
			t.Errorf("median(%v) = %v, want %v", c.of, got, c.want)
		}
	}
	var d []time.Duration
	for i := range 100 {
		d = append(d, time.Duration(100-i))
	}
	for q, want := range map[float64]time.Duration{0: 1, 0.5: 51, 0.99: 100, 1: 100} {
		if got := quantile(d, q); got != want {
			t.Errorf("quantile(%v) = %d, want %d", q, got, want)
		}
	}
}

func TestCPUTime_CountsWhatThisProcessUses(t *testing.T) {
	if _, err := os.Stat("/proc/self/stat"); err != nil {
		t.Skip("this system has no /proc")
	}
	before := launch.CPUTime(-1)
	x := 1.0
	for launch.CPUTime(-1)-before < 50*time.Millisecond { // ends only if what is burnt is counted
		for range 1_000_000 {
			x = math.Sqrt(x + 1)
		}
	}
	if x < 1 {
		t.Error(x)
	}
}
