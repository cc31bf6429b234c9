package main

import (
	"bytes"
	"encoding/json"
	"os"
	"slices"
	"testing"
)

func TestBill_NamesTheModulesOfAProgram(t *testing.T) {
	self, err := os.Executable() // this test is a Go program too
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := run([]string{"-version", "1.2.3", self}, &out); err != nil {
		t.Fatal(err)
	}
	var d document
	if err := json.Unmarshal(out.Bytes(), &d); err != nil {
		t.Fatal(err)
	}
	if d.Format != "CycloneDX" || d.Spec != "1.6" {
		t.Errorf("it is %s %s, want CycloneDX 1.6", d.Format, d.Spec)
	}
	if !slices.ContainsFunc(d.Components, func(c component) bool { return c.Name == "std" && c.PURL != "" }) {
		t.Error("the standard library is not among the components")
	}
	if len(d.Dependencies) != 1 || len(d.Dependencies[0].DependsOn) != len(d.Components) {
		t.Errorf("the program depends on %v, want all %d components", d.Dependencies, len(d.Components))
	}
	for _, c := range d.Components {
		if c.Type != "library" || c.Name == "" || c.Ref == "" {
			t.Errorf("component %+v is not whole", c)
		}
	}
}

func TestRun_RefusesWhatIsNoGoProgram(t *testing.T) {
	if err := run([]string{"main_test.go"}, &bytes.Buffer{}); err == nil {
		t.Error("a text file has a bill of materials")
	}
}
