package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
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
