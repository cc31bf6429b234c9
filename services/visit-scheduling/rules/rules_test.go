package rules_test

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/hearthfps/hearth/pkg/clock"
	"github.com/hearthfps/hearth/services/visit-scheduling/rules"
	"github.com/hearthfps/hearth/services/visit-scheduling/schedule"
)

var march = clock.NewDate(2026, 3, 1)

func TestBook_TheShippedFilesAreReadAndMeasure(t *testing.T) {
	book, err := rules.Load(rules.Files())
	if err != nil {
		t.Fatal(err)
	}
	if !book.Automatic.Allowed || book.Automatic.MostMoved != 0 || book.PublishingRule.Hash == "" {
		t.Errorf("%+v", book)
	}
	for name, test := range map[string]struct {
		tally schedule.Tally
		gaps  map[string]int
	}{
		"nothing was due":       {schedule.Tally{}, map[string]int{}},
		"all is well":           {schedule.Tally{Due: 4, Completed: 4, CompletedHome: 2, SeenAlone: 1, ElsewhereInARow: 2}, map[string]int{"visits_held": 0, "half_at_home": 0, "not_elsewhere_in_a_row": 0, "child_seen_alone": 0}},
		"everything is missed":  {schedule.Tally{Due: 5, Completed: 3, ElsewhereInARow: 3}, map[string]int{"visits_held": 2, "half_at_home": 2, "not_elsewhere_in_a_row": 1, "child_seen_alone": 1}},
		"none of them was held": {schedule.Tally{Due: 2, Attempted: 2}, map[string]int{"visits_held": 2}},
	} {
		findings, err := book.Coverage("", march).Judge(test.tally)
		if err != nil {
			t.Fatal(err)
		}
		if len(findings) != len(test.gaps) {
			t.Errorf("%s: %+v", name, findings)
		}
		for _, f := range findings {
			if want, known := test.gaps[f.Code]; !known || f.Gap != want {
				t.Errorf("%s: %+v, want a gap of %d", name, f, want)
			}
		}
	}
}

func TestBook_ABadFileIsRefusedWithWhatToMend(t *testing.T) {
	const head = "name: x\nversion: \"1\"\neffective_from: 2026-01-01\n"
	good := head + "automatic: {allowed: true, most_moved: 0, frozen: 48h}\n"
	for want, files := range map[string]fstest.MapFS{
		"frozen":            {"publishing.yaml": {Data: []byte(head + "automatic: {allowed: true, most_moved: 0, frozen: soon}\n")}},
		"most_moved":        {"publishing.yaml": {Data: []byte(head + "automatic: {allowed: true, most_moved: -1, frozen: 48h}\n")}},
		"visit rules":       {"publishing.yaml": {Data: []byte(good)}},
		"name one of the":   {"publishing.yaml": {Data: []byte(good)}, "visits/visits.yaml": {Data: []byte(head + "rules: [{code: a, says: b, applies: 'true', counts: smiles, least: 1}]\n")}},
		"share":             {"publishing.yaml": {Data: []byte(good)}, "visits/visits.yaml": {Data: []byte(head + "rules: [{code: a, says: b, applies: 'true', counts: completed, of: due}]\n")}},
		"least, or most":    {"publishing.yaml": {Data: []byte(good)}, "visits/visits.yaml": {Data: []byte(head + "rules: [{code: a, says: b, applies: 'true', counts: completed}]\n")}},
		"condition \"due\"": {"publishing.yaml": {Data: []byte(good)}, "visits/visits.yaml": {Data: []byte(head + "rules: [{code: a, says: b, applies: due, counts: completed, least: 1}]\n")}},
	} {
		if _, err := rules.Load(files); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want an error about %q, got %v", want, err)
		}
	}
}
