package optimise

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// All that cannot stand is named at once, each with the rule it is against.
func TestStands_NamesAllThatCannotStand(t *testing.T) {
	remote := func(id string) Visit { return Visit{ID: id, Minutes: 60, Windows: []Window{{480, 960}}} }
	p := Problem{
		Workers: []Worker{
			{ID: "a", Shifts: []Window{{480, 960}}, Skills: []string{"trauma"}},
			{ID: "b", Shifts: []Window{{480, 960}}, MaxDayVisits: 1},
		},
		Visits: []Visit{remote("stands"), remote("overlaps"), remote("outside"), remote("able"), remote("one"), remote("two"), remote("last"), remote("crowd")},
	}
	p.Visits[3].Roles = []Role{{Skills: []string{"trauma"}}}
	p.Visits[6].NotLast = true
	p.Visits[7].Roles = make([]Role, 2)
	at := func(id string, start int, worker string) Placement {
		return Placement{id, Assignment{[]string{worker}, []int{start}}}
	}
	given := Solution{Placed: []Placement{
		at("stands", 480, "a"), at("overlaps", 500, "a"), at("outside", 900+30, "a"), at("able", 600, "b"), at("one", 700, "b"), at("two", 800, "b"),
		at("last", 800, "a"), at("crowd", 600, "a"),
	}}
	want := Conflicts{
		{"overlaps", RuleBooked}, {"outside", RuleShift}, {"able", RuleSkill}, {"two", RuleLimit}, {"crowd", RuleNoWorkers}, {"last", RuleLast},
	}
	_, laid := NewBoard(p, given)
	for name, err := range map[string]error{"stands": Stands(p, given), "a board": laid} {
		var got Conflicts
		if !errors.As(err, &got) {
			t.Fatalf("%s: %v", name, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		var one Conflict
		if !errors.As(err, &one) || one != want[0] {
			t.Errorf("%s: the first is %v", name, one)
		}
	}
	given.Placed = []Placement{given.Placed[0], given.Placed[4]}
	if err := Stands(p, given); err != nil {
		t.Errorf("without them: %v", err)
	}
}
