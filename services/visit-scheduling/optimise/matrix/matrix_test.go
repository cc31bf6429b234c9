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
	table, err := matrix.Read(strings.NewReader(head+"61,25,61.1,25,17,\n61.1,25,61,25,23,\n61,25,61.1,25,60,transit\n"), optimise.Estimate{})
	if err != nil {
		t.Fatal(err)
	}
	a, b, c := optimise.Place{Lat: 61, Lon: 25}, optimise.Place{Lat: 61.1, Lon: 25}, optimise.Place{Lat: 61.2, Lon: 25}
	got := []int{table.Minutes(a, b), table.Minutes(b, a), table.MinutesBy(optimise.Transit, a, b), table.Minutes(a, a)}
	if diff := cmp.Diff([]int{17, 23, 60, 0}, got); diff != "" {
		t.Error(diff)
	}
	if table.Missing() != 0 {
		t.Errorf("%d missing", table.Missing())
	}
	if got, want := table.Minutes(a, c), (optimise.Estimate{}).Minutes(a, c); got != want || table.Missing() != 1 {
		t.Errorf("a way not in the file: %d, want %d; %d missing", got, want, table.Missing())
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
		if _, err := matrix.Read(strings.NewReader(test.file), optimise.Estimate{}); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%q: got %v, want %q", test.file, err, test.want)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add(head + "61,25,61.1,25,17,\n")
	f.Fuzz(func(t *testing.T, file string) {
		table, err := matrix.Read(strings.NewReader(file), optimise.Estimate{})
		if err == nil && table.Minutes(optimise.Place{Lat: 61, Lon: 25}, optimise.Place{Lat: 61.1, Lon: 25}) < 0 {
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

func TestCache_AsksOnceInBlocksAndRounded(t *testing.T) {
	r := &roads{}
	c := &matrix.Cache{Provider: r, Fallback: optimise.Estimate{}, Side: 2, StopMinutes: 4}
	all := places(3)
	report := c.Fill(t.Context(), optimise.Car, all)
	// the block of the last place with itself holds no way
	if want := (matrix.Report{Asked: 6, Blocks: 3}); report != want {
		t.Errorf("%+v, want %+v", report, want)
	}
	if !strings.Contains(r.asked[0], "{61 25 false}") {
		t.Errorf("asked for %s, not rounded", r.asked[0])
	}
	if a, b := c.Minutes(all[0], all[1]), c.Minutes(all[1], all[0]); a != 14 || b != 34 || c.Missing() != 0 {
		t.Errorf("there %d, back %d, missing %d", a, b, c.Missing())
	}
	if again := c.Fill(t.Context(), optimise.Car, all); again.Asked != 0 {
		t.Errorf("asked twice: %+v", again)
	}
	c.Forget(all[0])
	if got, want := c.Minutes(all[0], all[1]), (optimise.Estimate{}).Minutes(all[0], all[1]); got != want || c.Missing() != 1 {
		t.Errorf("forgotten: %d, want the fallback's %d", got, want)
	}
	if again := c.Fill(t.Context(), optimise.Car, all); again.Asked != 4 {
		t.Errorf("after forgetting one: %+v", again)
	}
}

func TestCache_FallsBackAndSaysSo(t *testing.T) {
	all := places(3)
	estimate := optimise.Estimate{}
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	for _, test := range []struct {
		name   string
		cache  *matrix.Cache
		ctx    context.Context
		want   int
		failed bool
	}{
		{"nobody to ask", &matrix.Cache{}, t.Context(), 6, false},
		{"a provider that fails", &matrix.Cache{Provider: &roads{fail: true}}, t.Context(), 6, true},
		{"an answer of another size", &matrix.Cache{Provider: &roads{odd: true}}, t.Context(), 6, true},
		{"cancelled", &matrix.Cache{Provider: &roads{}}, cancelled, 6, true},
	} {
		c := test.cache
		c.Fallback = estimate
		r := c.Fill(test.ctx, optimise.Car, all)
		if r.FellBack != test.want || (r.Err != nil) != test.failed {
			t.Errorf("%s: %+v", test.name, r)
		}
		if got, want := c.Minutes(all[0], all[1]), estimate.Minutes(all[0], all[1]); got != want {
			t.Errorf("%s: %d minutes, want %d", test.name, got, want)
		}
	}
	// no road to the last of these
	c := &matrix.Cache{Provider: &roads{}, Fallback: estimate}
	if r := c.Fill(t.Context(), optimise.Car, []optimise.Place{{Lat: 61, Lon: 25}, {Lat: 63, Lon: 25}}); r.FellBack != 1 || r.Err != nil {
		t.Errorf("no road one way: %+v", r)
	}
	c = &matrix.Cache{Provider: &roads{}, Fallback: estimate, Side: 1, MostBlocks: 2}
	c.Fill(t.Context(), optimise.Car, all)
	for _, a := range all {
		for _, b := range all {
			c.Minutes(a, b)
		}
	}
	if c.Missing() != 4 {
		t.Errorf("two of six blocks are kept, %d ways missing", c.Missing())
	}
}

// The search plans by the times of a file, longer one way than the other.
func TestTable_IsWhatTheSearchPlansBy(t *testing.T) {
	table, err := matrix.Read(strings.NewReader(head+"61,25,61.1,25,17,\n61.1,25,61,25,23,\n"), optimise.Estimate{})
	if err != nil {
		t.Fatal(err)
	}
	base, family := &optimise.Place{Lat: 61, Lon: 25}, &optimise.Place{Lat: 61.1, Lon: 25}
	p := optimise.Problem{
		Travel:  table,
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
