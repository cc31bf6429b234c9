package chance

import (
	"math"
	"math/bits"
	"slices"
	"testing"
)

// The table is what repeated squaring in integers gives: each squaring of a
// number in [1,2) yields one more bit of its logarithm.
func TestLogs_AreTheBinaryLogarithms(t *testing.T) {
	for i, got := range logs[:256] {
		m, want := uint64(256+i)<<55, uint64(0)
		for range 34 {
			hi, _ := bits.Mul64(m, m)
			want <<= 1
			if hi>>63 == 1 {
				want |= 1
				m = hi
			} else {
				m = hi << 1
			}
		}
		if want = (want + 2) >> 2; got > want+1 || got+1 < want {
			t.Errorf("log2(1+%d/256): %d, by squaring %d", i, got, want)
		}
	}
	if logs[256] != 1<<32 {
		t.Errorf("log2(2) is %d", logs[256])
	}
}

func TestSource_Exp_IsTheLogarithmOfAUnitDraw(t *testing.T) {
	r, twin := New(7, 0), New(7, 0)
	sum := 0.0
	const n = 200_000
	for range n {
		got := r.Exp()
		want := -math.Log(float64(twin.Next()|1) / (1 << 64))
		if math.Abs(got-want) > 5e-6 {
			t.Fatalf("%v, by math.Log %v", got, want)
		}
		sum += got
	}
	if mean := sum / n; mean < 0.99 || mean > 1.01 {
		t.Errorf("mean %v, want 1", mean)
	}
}

func TestCool_IsGeometric(t *testing.T) {
	for _, c := range []struct{ hot, cold float64 }{{400, 10}, {1, 0.001}, {60, 60}, {33.3, 1.7}} {
		last := math.Inf(1)
		for i := range 1001 {
			p := float64(i) / 1000
			got, want := Cool(c.hot, c.cold, p), c.hot*math.Pow(c.cold/c.hot, p)
			if math.Abs(got-want) > 1e-5*want {
				t.Fatalf("%v to %v at %v: %v, want %v", c.hot, c.cold, p, got, want)
			}
			if got > last {
				t.Fatalf("%v to %v at %v: warmer than before", c.hot, c.cold, p)
			}
			last = got
		}
	}
}

// These numbers stand for every machine and every release: schedules are
// promised to be the same for a seed.
func TestSource_IsTheSameForever(t *testing.T) {
	r := New(1, 2)
	got := []uint64{r.Next(), uint64(r.Intn(1000)), math.Float64bits(r.Unit()), math.Float64bits(r.Exp()), math.Float64bits(Cool(400, 10, 0.37))}
	want := []uint64{0x709a6a60356a16e5, 0x122, 0x3fdd8c34de8dd0ec, 0x3fe4b77b55a00000, 0x40598a81a748fd8f}
	if !slices.Equal(got, want) {
		t.Errorf("%#x, want %#x", got, want)
	}
}

func TestSource_Shuffle_KeepsAll(t *testing.T) {
	a := []int32{0, 1, 2, 3, 4, 5, 6, 7}
	New(3, 0).Shuffle(a)
	b := slices.Clone(a)
	slices.Sort(b)
	if slices.IsSorted(a) || !slices.Equal(b, []int32{0, 1, 2, 3, 4, 5, 6, 7}) {
		t.Error(a)
	}
}

func BenchmarkSource_Exp(b *testing.B) {
	r, sum := New(1, 0), 0.0
	for b.Loop() {
		sum += r.Exp()
	}
	b.ReportMetric(sum/float64(b.N), "mean")
}
