package main

import (
	"bytes"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const file = `T1

VEHICLE
NUMBER     CAPACITY
  2         10

CUSTOMER
CUST NO.  XCOORD.   YCOORD.    DEMAND   READY TIME  DUE DATE   SERVICE   TIME

    0      0         0          0          0       100          0
    1      3         4          5          0        50         10
    2      6         8          5          0        50         10
`

func TestRun_PrintsOneLineAFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "T1.txt")
	for name, text := range map[string]string{"T1.txt": file, "T1.sol": "Route #1: 1 2\nCost 16.0\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var out bytes.Buffer
	if err := run([]string{"--work", "50", "--seed", "7", path}, &out); err != nil {
		t.Fatal(err)
	}
	var l line
	if err := json.Unmarshal(out.Bytes(), &l); err != nil {
		t.Fatal(err)
	}
	if l.File != "T1" || l.Seed != 7 || l.Cost != 20 || !l.Feasible || l.Vehicles != 1 || l.Iterations != 50 || l.Gap == nil || *l.Gap != 25 {
		t.Errorf("line %s", out.Bytes())
	}
	for _, args := range [][]string{{}, {filepath.Join(dir, "none.txt")}, {"--format", "other", path}, {"--seconds", "0", path}, {"--best", filepath.Join(dir, "none.csv"), path}} {
		if err := run(args, &out); err == nil {
			t.Errorf("%v: no error", args)
		}
	}
}

func TestRun_ComparesInTheKindOfTheTable(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "R1_2_1.txt")
	table := "instance,vehicles,distance\nR1_2_1,2,19.5\n"
	for name, text := range map[string]string{"R1_2_1.txt": strings.Replace(file, "6         8 ", "6         7 ", 1), "best_known.csv": table} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var out bytes.Buffer
	if err := run([]string{"--work", "50", path}, &out); err != nil {
		t.Fatal(err)
	}
	var l line
	if err := json.Unmarshal(out.Bytes(), &l); err != nil {
		t.Fatal(err)
	}
	// legs of 5, √18 = 4.24 and √85 = 9.22
	want := 5 + math.Sqrt(18) + math.Sqrt(85)
	if l.Cost != 18.4 || math.Abs(l.Distance-want) > 1e-9 || l.BestVehicles == nil || *l.BestVehicles != 2 || math.Abs(*l.Gap-100*(want/19.5-1)) > 1e-9 {
		t.Errorf("line %s, want cost 18.4 and a gap of distance %v to 19.5", out.Bytes(), want)
	}
	out.Reset()
	if err := run([]string{"--work", "50", "--table", path}, &out); err != nil {
		t.Fatal(err)
	}
	if text := out.String(); !strings.Contains(text, "R1, Gehring-Homberger") || !strings.Contains(text, "1, 2") {
		t.Errorf("table without the class or the vehicles:\n%s", text)
	}
}

func TestRun_TableSetsPublishedFiguresBesideOurs(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "RC101.txt")
	if err := os.WriteFile(path, []byte(file), 0o600); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := run([]string{"--work", "50", "--table", path}, &out); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"RC1 ", "PyVRP 0.13", "VROOM"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
}
