package main

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"math"
	"os"
	"path/filepath"
	"testing"
)

func TestRun_PrintsThreeValidSchedules(t *testing.T) {
	var out bytes.Buffer
	if err := run([]string{"--visits", "80", "--work", "60", "--locked", "50"}, &out); err != nil {
		t.Fatal(err)
	}
	dec := json.NewDecoder(&out)
	var runs []line
	for dec.More() {
		var l line
		if err := dec.Decode(&l); err != nil {
			t.Fatal(err)
		}
		runs = append(runs, l)
	}
	if len(runs) != 3 {
		t.Fatalf("%d lines, want first, search and published", len(runs))
	}
	for _, l := range runs {
		if l.Breaches == nil || *l.Breaches != 0 || l.Visits != 80 || l.Total != l.Objective.Total() || l.Without != l.Total-l.Objective.Unplaced {
			t.Errorf("line %+v", l)
		}
	}
	if runs[1].Total > runs[0].Total {
		t.Errorf("the search made %d of %d", runs[1].Total, runs[0].Total)
	}
	if err := run([]string{"--visits", "x"}, &out); err == nil {
		t.Error("no error for --visits x")
	}
}

func TestRun_TracesTheWayAndDrawsTheGrowth(t *testing.T) {
	var out bytes.Buffer
	svg := filepath.Join(t.TempDir(), "growth.svg")
	if err := run([]string{"--visits", "20,60", "--seconds", "0.2", "--run", "first,search", "--trace", "--svg", svg}, &out); err != nil {
		t.Fatal(err)
	}
	dec := json.NewDecoder(&out)
	ended, last := 0, int64(math.MaxInt64)
	for dec.More() {
		var l line
		if err := dec.Decode(&l); err != nil {
			t.Fatal(err)
		}
		if l.Breaches != nil {
			if ended++; l.Run == "search" && l.Total > last {
				t.Errorf("the best on the way cost %d, the answer %d", last, l.Total)
			}
			last = math.MaxInt64
			continue
		}
		if l.Total > last || l.Done <= 0 {
			t.Errorf("%d, then at %v of the search %d", last, l.Done, l.Total)
		}
		last = l.Total
	}
	if ended != 4 {
		t.Errorf("%d runs ended, want 4", ended)
	}
	drawn, err := os.ReadFile(svg)
	if err != nil {
		t.Fatal(err)
	}
	if err := xml.Unmarshal(drawn, new(struct{})); err != nil || bytes.Count(drawn, []byte("<circle")) != 8 {
		t.Errorf("%v: %s", err, drawn)
	}
}
