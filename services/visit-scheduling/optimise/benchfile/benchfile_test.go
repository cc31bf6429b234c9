package benchfile_test

import (
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hearthfps/hearth/services/visit-scheduling/optimise/benchfile"
)

const solomon = `T1

VEHICLE
NUMBER     CAPACITY
  2         10

CUSTOMER
CUST NO.  XCOORD.   YCOORD.    DEMAND   READY TIME  DUE DATE   SERVICE   TIME

    0      0         0          0          0       100          0
    1      1         1          5          3        50         10
`

func TestReadSolomon(t *testing.T) {
	got, err := benchfile.ReadSolomon(strings.NewReader(solomon))
	if err != nil {
		t.Fatal(err)
	}
	want := &benchfile.Solomon{Name: "T1", Vehicles: 2, Capacity: 10, Nodes: []benchfile.SolomonNode{
		{Due: 100}, {X: 1, Y: 1, Demand: 5, Ready: 3, Due: 50, Service: 10},
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("file (-want +got):\n%s", diff)
	}
	if d := got.Distance(0, 1); d != 14 {
		t.Errorf("distance %d tenths: the root of 2 is cut to 14", d)
	}
	if d := got.Length([][]int32{{1}}); math.Abs(d-2*math.Sqrt2) > 1e-12 {
		t.Errorf("length %v there and back, want %v", d, 2*math.Sqrt2)
	}
	// as other sources write the same file
	for name, text := range map[string]string{
		"line ends of DOS":     strings.ReplaceAll(solomon, "\n", "\r\n"),
		"a byte order mark":    "\ufeff" + solomon,
		"titles in lower case": strings.ToLower(strings.Replace(solomon, "T1", "", 1)),
		"decimals":             strings.Replace(solomon, "100          0", "100.00       0.0", 1),
		"blank lines":          strings.ReplaceAll(solomon, "\n\n", "\n \n\t\n"),
	} {
		if name == "titles in lower case" {
			text = "T1\n" + text
		}
		other, err := benchfile.ReadSolomon(strings.NewReader(text))
		if err != nil {
			t.Errorf("%s: %v", name, err)
		} else if diff := cmp.Diff(want, other); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	for name, change := range map[string][3]string{
		"a customer skipped": {"\n    1 ", "\n    2 ", "line 11: customer number \"2\", want 1"},
		"a column missing":   {"50         10\n", "50\n", "line 11: a customer has 7 columns, not 6"},
		"not a number":       {"     5 ", "     x ", "line 11: demand: \"x\""},
		"no vehicles":        {"  2         10", "  0         10", "0 vehicles"},
		"no section":         {"VEHICLE", "CARS", "line 3"},
		"a negative demand":  {"     5 ", "    -5 ", "line 11: demand: \"-5\""},
		"a window in words":  {"        50 ", "      noon ", "line 11: due date: \"noon\""},
	} {
		text := strings.Replace(solomon, change[0], change[1], 1)
		if text == solomon {
			t.Fatalf("%s: nothing was changed", name)
		}
		if _, err := benchfile.ReadSolomon(strings.NewReader(text)); err == nil || !strings.Contains(err.Error(), change[2]) {
			t.Errorf("%s: error %v, want one that says %q", name, err, change[2])
		}
	}
}

func TestReadSolution(t *testing.T) {
	routes, cost, err := benchfile.ReadSolution(strings.NewReader("Route #1: 1 2\nRoute #2: 3\nCost 12.5\n"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([][]int32{{1, 2}, {3}}, routes); diff != "" || cost != 12.5 {
		t.Errorf("cost %v, routes %s", cost, diff)
	}
	for _, bad := range []string{"Route 1", "Route #1: x", "Cost", "Cost x", "Route #1: 1", "Cost -1"} {
		if _, _, err := benchfile.ReadSolution(strings.NewReader(bad)); err == nil {
			t.Errorf("%q: no error", bad)
		}
	}
}

const homeCare = `{"patients": [{"id": "p", "time_window": [5, 9], "required_caregivers": [{"service": "s"}, {"service": "s", "duration": 4}],
 "synchronization": {"type": "sequential", "distance": [1, 2]}}],
 "services": [{"id": "s", "default_duration": 7}], "caregivers": [{"id": "c", "abilities": ["s"]}], "distances": [[0, 1.5], [1.5, 0]]}`

func TestReadHomeCare(t *testing.T) {
	h, err := benchfile.ReadHomeCare(strings.NewReader(homeCare))
	if err != nil {
		t.Fatal(err)
	}
	if a, b := h.Duration(0, 0), h.Duration(0, 1); a != 7 || b != 4 {
		t.Errorf("durations %v and %v, want the default 7 and the given 4", a, b)
	}
	broken := strings.Replace(homeCare, `"default_duration": 7`, `"default_duration": "long"`, 1)
	if _, err := benchfile.ReadHomeCare(strings.NewReader(broken)); err == nil || !strings.Contains(err.Error(), "line 3") || !strings.Contains(err.Error(), "default_duration") {
		t.Errorf("a duration in words: error %v, want one that names line 3 and default_duration", err)
	}
	for name, change := range map[string][2]string{
		"not JSON":            {`{"patients"`, `{"patients`},
		"a row missing":       {`, [1.5, 0]]`, `]`},
		"a short row":         {`[1.5, 0]]`, `[1.5]]`},
		"a negative distance": {`[[0, 1.5]`, `[[0, -1.5]`},
		"no sync of two":      {`"synchronization"`, `"sync"`},
		"an unknown sync":     {`sequential`, `parallel`},
		"a gap inside out":    {`[1, 2]`, `[2, 1]`},
		"a window inside out": {`[5, 9]`, `[9, 5]`},
		"an unknown service":  {`{"service": "s"}`, `{"service": "t"}`},
		"nobody able":         {`"abilities": ["s"]`, `"abilities": []`},
	} {
		text := strings.Replace(homeCare, change[0], change[1], 1)
		if text == homeCare {
			t.Fatalf("%s: nothing was changed", name)
		}
		if _, err := benchfile.ReadHomeCare(strings.NewReader(text)); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestReadBest(t *testing.T) {
	got, err := benchfile.ReadBest(strings.NewReader("instance,distance,cost\na,1,2.5\n"), "cost")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]float64{"a": 2.5}, got); diff != "" {
		t.Error(diff)
	}
	for _, bad := range []string{"", "instance,distance\na,1\n", "instance,cost\na,x\n"} {
		if _, err := benchfile.ReadBest(strings.NewReader(bad), "cost"); err == nil {
			t.Errorf("%q: no error", bad)
		}
	}
}

func FuzzReadSolomon(f *testing.F) {
	f.Add(solomon)
	f.Fuzz(func(t *testing.T, text string) {
		s, err := benchfile.ReadSolomon(strings.NewReader(text))
		if err != nil {
			return
		}
		for i := range s.Nodes {
			if d := s.Distance(0, i); d < 0 {
				t.Fatalf("distance to %d is %d", i, d)
			}
		}
	})
}

func FuzzReadSolution(f *testing.F) {
	f.Add("Route #1: 1 2\nRoute #2: 3\nCost 12.5\n")
	f.Fuzz(func(t *testing.T, text string) {
		_, cost, err := benchfile.ReadSolution(strings.NewReader(text))
		if err == nil && !(cost > 0) {
			t.Fatalf("cost %v without an error", cost)
		}
	})
}

func FuzzReadBest(f *testing.F) {
	f.Add("instance,distance,cost\na,1,2.5\n", "cost")
	f.Fuzz(func(t *testing.T, text, column string) {
		best, err := benchfile.ReadBest(strings.NewReader(text), column)
		if err == nil && best == nil {
			t.Fatal("no table and no error")
		}
	})
}

func FuzzReadHomeCare(f *testing.F) {
	f.Add(homeCare)
	f.Fuzz(func(t *testing.T, text string) {
		h, err := benchfile.ReadHomeCare(strings.NewReader(text))
		if err != nil {
			return
		}
		for p, v := range h.Patients {
			for k := range v.Required {
				if h.Duration(p, k) < 0 {
					t.Fatalf("patient %d: negative duration", p)
				}
			}
		}
	})
}
