package matrix_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hearthfps/hearth/services/visit-scheduling/optimise"
	"github.com/hearthfps/hearth/services/visit-scheduling/optimise/check"
	"github.com/hearthfps/hearth/services/visit-scheduling/optimise/matrix"
)

const head = "from_lat,from_lon,to_lat,to_lon,minutes,mode\n"

func TestRead_GivesWhatTheFileSaysAndFallsBack(t *testing.T) {
	file, err := matrix.Read(strings.NewReader(head + "61,25,61.1,25,17,\n61.1,25,61,25,23,car\n61,25,61.1,25,60,transit\n"))
	if err != nil {
		t.Fatal(err)
	}
	travel := matrix.Over{Times: file, Estimate: optimise.Estimate{Areas: true}}
	a, b, c := optimise.Place{Lat: 61, Lon: 25}, optimise.Place{Lat: 61.1, Lon: 25}, optimise.Place{Lat: 61.2, Lon: 25}
	got := []int{travel.Minutes(a, b), travel.Minutes(b, a), travel.MinutesBy(optimise.Transit, a, b), travel.Minutes(a, a), travel.Minutes(a, optimise.Place{Unknown: true})}
	if diff := cmp.Diff([]int{17, 23, 60, 4, 20}, got); diff != "" {
		t.Error(diff)
	}
	if got := travel.Source(optimise.Car, a, b); got != "file" || file.Len() != 3 {
		t.Errorf("by %q, %d ways", got, file.Len())
	}
	if got, want := travel.Minutes(a, c), (optimise.Estimate{}).Minutes(a, c); got != want || travel.Source(optimise.Car, a, c) != "estimate" {
		t.Errorf("a way not in the file: %d by %q, want the estimate's %d", got, travel.Source(optimise.Car, a, c), want)
	}
}

func TestRead_NamesWhatIsWrong(t *testing.T) {
	for _, test := range []struct{ file, want string }{
		{"", "header"},
		{"from_lat,from_lon,to_lat,minutes\n", `"to_lon" is missing`},
		{"from_lat,from_lon,to_lat,to_lon,seconds\n", `"seconds" is not known`},
		{head + "61,25,61.1,25,17,\n91,25,61.1,25,17,\n", `line 3: from_lat: "91"`},
		{head + "61,x,61.1,25,17,\n", `line 2: from_lon: "x"`},
		{head + "61,25,NaN,25,17,\n", `line 2: to_lat: "NaN"`},
		{head + "61,25,61.1,25,-1,\n", `line 2: minutes: "-1"`},
		{head + "61,25,61.1,25,17,rocket\n", `line 2: mode: no way of travelling is called "rocket"`},
		{head + "61,25,61.1,25,17,\n61,25,61.1,25,18,\n", "line 3: the same way"},
		{head + "61,25,61.1\n", "line 2"},
	} {
		if _, err := matrix.Read(strings.NewReader(test.file)); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%q: got %v, want %q", test.file, err, test.want)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add(head + "61,25,61.1,25,17,\n")
	f.Fuzz(func(t *testing.T, file string) {
		times, err := matrix.Read(strings.NewReader(file))
		if err == nil && (matrix.Over{Times: times}).Minutes(optimise.Place{Lat: 61, Lon: 25}, optimise.Place{Lat: 61.1, Lon: 25}) < 0 {
			t.Error("a way of less than nothing")
		}
	})
}

// roads is a provider whose ways are longer one way than the other.
type roads struct {
	asked []string
	fail  bool
	odd   bool
}

func (r *roads) Block(_ context.Context, mode optimise.Mode, from, to []optimise.Place) ([][]int, error) {
	r.asked = append(r.asked, fmt.Sprint(mode, len(from), "x", len(to), " ", from[0]))
	if r.fail {
		return nil, errors.New("the roads are closed")
	}
	out := make([][]int, len(from))
	for i, a := range from {
		for _, b := range to {
			m := 10
			if a.Lat > b.Lat {
				m = 30
			}
			if b.Lat > 62 {
				m = -1
			}
			out[i] = append(out[i], m)
		}
	}
	if r.odd {
		out = out[1:]
	}
	return out, nil
}

func places(n int) (out []optimise.Place) {
	for i := range n {
		out = append(out, optimise.Place{Lat: 61 + float64(i)/100 + 0.00012, Lon: 25.00049})
	}
	return out
}

func TestAsk_AsksOnceInBlocksAndRounded(t *testing.T) {
	r := &roads{}
	all := append(places(3), optimise.Place{Unknown: true}, optimise.Place{Lat: 61.0001, Lon: 25.0004}) // the last as good as the first
	ways, report := matrix.Ask(t.Context(), r, nil, optimise.Car, all, 2)
	// the block of the last place with itself holds no way
	if want := (matrix.Report{Asked: 6, Blocks: 3}); report != want || len(ways) != 6 {
		t.Errorf("%+v, want %+v; %d ways", report, want, len(ways))
	}
	if !strings.Contains(r.asked[0], "{61 25 false}") {
		t.Errorf("asked for %s, not rounded", r.asked[0])
	}
	known := matrix.NewTimes("osrm", ways)
	travel := matrix.Over{Times: known, Estimate: optimise.Estimate{StopMinutes: 4}}
	if a, b := travel.Minutes(all[0], all[1]), travel.Minutes(all[1], all[0]); a != 14 || b != 34 || travel.Source(optimise.Car, all[1], all[0]) != "osrm" {
		t.Errorf("there %d, back %d by %q", a, b, travel.Source(optimise.Car, all[1], all[0]))
	}
	if got, want := travel.MinutesBy(optimise.Foot, all[0], all[1]), (optimise.Estimate{}).MinutesBy(optimise.Foot, all[0], all[1]); got != want {
		t.Errorf("on foot, which nobody was asked about: %d, want the estimate's %d", got, want)
	}
	if got, want := travel.Minutes(all[0], all[4]), travel.Estimate.Minutes(all[0], all[4]); got != want || travel.Source(optimise.Car, all[0], all[4]) != "estimate" {
		t.Errorf("within one spot: %d, want the estimate's %d", got, want)
	}
	if _, again := matrix.Ask(t.Context(), r, known, optimise.Car, all, 2); again != (matrix.Report{}) {
		t.Errorf("asked twice: %+v", again)
	}
	// One more place: only what is about it, and what was known stays as it was.
	r.asked = nil
	more, one := matrix.Ask(t.Context(), r, known, optimise.Car, append(all, optimise.Place{Lat: 61.5, Lon: 25}), 2)
	if want := (matrix.Report{Asked: 6, Blocks: 3}); one != want {
		t.Errorf("one place more: %+v, want %+v: %v", one, want, r.asked)
	}
	if both := known.With(more); known.Len() != 6 || both.Len() != 12 {
		t.Errorf("%d ways known, %d then", known.Len(), both.Len())
	}
}

func TestAsk_LosesABlockThatFailsAndSaysSo(t *testing.T) {
	all := places(3)
	estimate := optimise.Estimate{}
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	for _, test := range []struct {
		name     string
		provider matrix.Provider
		ctx      context.Context
	}{
		{"a provider that fails", &roads{fail: true}, t.Context()},
		{"an answer of another size", &roads{odd: true}, t.Context()},
		{"cancelled", &roads{}, cancelled},
	} {
		ways, r := matrix.Ask(test.ctx, test.provider, nil, optimise.Car, all, 0)
		if r.Failed != 6 || r.Err == nil || len(ways) != 0 {
			t.Errorf("%s: %+v", test.name, r)
		}
		travel := matrix.Over{Times: matrix.NewTimes("osrm", ways), Estimate: estimate}
		if got, want := travel.Minutes(all[0], all[1]), estimate.Minutes(all[0], all[1]); got != want || travel.Source(optimise.Car, all[0], all[1]) != "estimate" {
			t.Errorf("%s: %d minutes, want %d", test.name, got, want)
		}
	}
	// no road to the last of these: asked about once, and the estimate's for good
	far := []optimise.Place{{Lat: 61, Lon: 25}, {Lat: 63, Lon: 25}}
	ways, r := matrix.Ask(t.Context(), &roads{}, nil, optimise.Car, far, 0)
	known := matrix.NewTimes("osrm", ways)
	if r.None != 1 || r.Err != nil || !known.Asked(optimise.Car, matrix.SpotOf(far[0]), matrix.SpotOf(far[1])) {
		t.Errorf("no road one way: %+v", r)
	}
	travel := matrix.Over{Times: known}
	if travel.Source(optimise.Car, far[0], far[1]) != "estimate" || travel.Source(optimise.Car, far[1], far[0]) != "osrm" {
		t.Error("no road one way, and it is the provider's")
	}
}

// The search plans by the times of a file, longer one way than the other.
func TestOver_IsWhatTheSearchPlansBy(t *testing.T) {
	file, err := matrix.Read(strings.NewReader(head + "61,25,61.1,25,17,\n61.1,25,61,25,23,\n"))
	if err != nil {
		t.Fatal(err)
	}
	base, family := &optimise.Place{Lat: 61, Lon: 25}, &optimise.Place{Lat: 61.1, Lon: 25}
	p := optimise.Problem{
		Travel:  matrix.Over{Times: file},
		Workers: []optimise.Worker{{ID: "w", Start: base, End: base, Shifts: []optimise.Window{{From: 480, To: 580}}}},
		Visits:  []optimise.Visit{{ID: "v", Place: family, Minutes: 60, Windows: []optimise.Window{{From: 0, To: 1440}}}},
	}
	s, err := optimise.Solve(t.Context(), p, optimise.Options{Seed: 1, WorkUnits: 10})
	if err != nil {
		t.Fatal(err)
	}
	if bad := check.Schedule(p, s); bad != nil {
		t.Fatal(bad)
	}
	if len(s.Placed) != 1 || s.Placed[0].Starts[0] != 497 || s.Objective.Travel != 400 {
		t.Errorf("%+v", s)
	}
}
