package main

import (
	"bytes"
	"encoding/json"
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
		if l.Breaches != 0 || l.Visits != 80 || l.Total != l.Objective.Total() {
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
