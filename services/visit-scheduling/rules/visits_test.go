package rules_test

import (
	"io/fs"
	"testing"

	"github.com/google/go-cmp/cmp"

	specs "github.com/hearthfps/hearth/api-specs"
	"github.com/hearthfps/hearth/pkg/clock"
	kit "github.com/hearthfps/hearth/pkg/rules"
	"github.com/hearthfps/hearth/services/visit-scheduling/rules"
	"github.com/hearthfps/hearth/services/visit-scheduling/schedule"
)

func TestCoverage_EachProgramIsMeasuredByItsOwnRules(t *testing.T) {
	book, err := rules.Load(rules.Files())
	if err != nil {
		t.Fatal(err)
	}
	// Eight visits of nine, all in the community one after the other, the child seen alone at three.
	tally := schedule.Tally{Due: 9, Completed: 8, SeenAlone: 3, ElsewhereInARow: 8}
	for program, want := range map[string]struct {
		rule string
		gaps map[string]int
	}{
		"":                    {"visits", map[string]int{"visits_held": 1, "half_at_home": 4, "not_elsewhere_in_a_row": 6, "child_seen_alone": 0}},
		"wraparound":          {"visits", map[string]int{"visits_held": 1, "half_at_home": 4, "not_elsewhere_in_a_row": 6, "child_seen_alone": 0}},
		"crisis_intervention": {"crisis_intervention", map[string]int{"visits_held": 1, "child_seen_alone_often": 1}},
		"homebuilders":        {"homebuilders", map[string]int{"visits_held": 1, "most_at_home": 6, "not_elsewhere_in_a_row": 7, "child_seen_alone": 0}},
	} {
		measure := book.Coverage(program, march)
		findings, err := measure.Judge(tally)
		if err != nil {
			t.Fatal(err)
		}
		gaps := map[string]int{}
		for _, f := range findings {
			gaps[f.Code] = f.Gap
			if measure.Says(f.Code) == "" {
				t.Errorf("%q: %s says nothing", program, f.Code)
			}
		}
		if diff := cmp.Diff(want.gaps, gaps); diff != "" || measure.Ref.Name != want.rule || len(measure.Ref.Hash) != 64 {
			t.Errorf("%q is measured by %+v (-want +got):\n%s", program, measure.Ref, diff)
		}
	}
	if early := book.Coverage("crisis_intervention", clock.NewDate(2020, 1, 1)); early.Ref.Name != "visits" {
		t.Errorf("a month before all versions is measured by %+v", early.Ref)
	}
}

// A file that is named after no program would measure nothing.
func TestCoverage_RulesAreOfProgramsThereAre(t *testing.T) {
	shipped, err := fs.Sub(specs.Rules, "rules")
	if err != nil {
		t.Fatal(err)
	}
	programs, err := kit.LoadLibrary[kit.Program](shipped, "programs", nil)
	if err != nil {
		t.Fatal(err)
	}
	files, err := fs.ReadDir(rules.Files(), "visits")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		name := f.Name()[:len(f.Name())-len(".yaml")]
		if name != "visits" && len(programs.Versions(name)) == 0 {
			t.Errorf("%s: there is no such program", f.Name())
		}
	}
}
