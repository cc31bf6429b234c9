package schedule

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// slotAt is an hour on a day, with workers.
func slotAt(day, hour int, workers ...WorkerID) Slot {
	return Slot{StartsAt: at(day, hour, 0), EndsAt: at(day, hour+1, 0), Workers: workers}
}

func TestDifference_NamesEachChangeInWords(t *testing.T) {
	pair := demand("given")
	pair.Workers = 2
	s := Standing{Problem: problem([]Available{worker("anna"), worker("bea"), worker("carl")},
		demand("moved"), pair, demand("lost"), demand("same"), demand("turned"), demand("first"))}
	s.Plan.Placed = []Placement{
		{"moved", slotAt(1, 10, "anna")},
		{"given", slotAt(2, 15, "anna", "bea")},
		{"lost", slotAt(1, 12, "carl")},
		{"same", slotAt(0, 9, "carl")},
		{"turned", slotAt(0, 10, "carl", "bea")},
	}
	after := Plan{
		Placed: []Placement{
			{"moved", slotAt(2, 10, "anna")},
			{"given", slotAt(2, 14, "carl", "bea")},
			{"same", slotAt(0, 9, "carl")},
			{"turned", slotAt(0, 10, "bea", "carl")},
			{"first", slotAt(4, 8, "bea")},
		},
		Unplaced: []Leftover{{Visit: "lost", Reasons: []Reason{FullyBooked, SkillMissing}}},
	}
	type told struct {
		Visit VisitID
		Kind  ChangeKind
		Words string
	}
	var got []told
	for _, c := range s.Difference(after) {
		if c.Series != SeriesID("s-"+c.Visit) {
			t.Errorf("%s is of series %s", c.Visit, c.Series)
		}
		got = append(got, told{c.Visit, c.Kind, c.Words(utc)})
	}
	want := []told{
		{"moved", ChangeMoved, "moved from Tue 3 Mar 10:00 with anna to Wed 4 Mar 10:00 with anna"},
		{"given", ChangeMoved, "moved from Wed 4 Mar 15:00 with anna and bea to Wed 4 Mar 14:00 with carl and bea"},
		{"first", ChangePlaced, "placed on Fri 6 Mar 08:00 with bea"},
		{"lost", ChangeOpen, "no place: fully booked, skill missing"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestJobCounts_TellWhatADifferenceDoesToEachWorker(t *testing.T) {
	none := Location{Remote: true}
	a, b, c := demand("a"), demand("b"), demand("c")
	a.At, b.At, c.At = none, none, none
	s := Standing{Problem: problem([]Available{worker("anna"), worker("bea"), worker("carl")}, a, b, c)}
	s.Plan.Placed = []Placement{{"a", slotAt(0, 9, "anna")}, {"b", slotAt(0, 9, "bea")}, {"c", slotAt(0, 9, "carl")}}
	best := Plan{Placed: []Placement{{"a", slotAt(1, 9, "bea")}, {"b", slotAt(0, 9, "bea")}, {"c", slotAt(2, 9, "carl")}}}
	got := JobCounts{}.With(s, s, best)
	want := []LoadChange{
		{"anna", Load{"anna", 1, 60, 0}, Load{"anna", 0, 0, 0}},
		{"bea", Load{"bea", 1, 60, 0}, Load{"bea", 2, 120, 0}},
	}
	if diff := cmp.Diff(want, got.Loads); diff != "" || got.Moved != 2 {
		t.Errorf("moved %d, loads (-want +got):\n%s", got.Moved, diff)
	}
}

// From one plan to another and back is the same difference turned round.
func TestDifference_IsTheSameBackwards(t *testing.T) {
	moved := 0
	rapid.Check(t, func(t *rapid.T) {
		p := drawProblem(t)
		plan := func(p Problem) Plan {
			plan, err := Greedy{}.Plan(context.Background(), p)
			if err != nil {
				t.Fatal(err)
			}
			return plan
		}
		a := plan(p)
		other := p
		if len(p.Roster) > 0 { // planned without one of them, much comes out otherwise
			out := rapid.IntRange(0, len(p.Roster)-1).Draw(t, "without")
			other.Roster = append(p.Roster[:out:out], p.Roster[out+1:]...)
		}
		b := plan(other)
		there := map[VisitID]Change{}
		for _, c := range (Standing{p, a}).Difference(b) {
			there[c.Visit] = c
		}
		had := map[VisitID]bool{}
		for _, x := range a.Placed {
			had[x.Visit] = true
		}
		for _, c := range (Standing{p, b}).Difference(a) {
			d, changed := there[c.Visit]
			delete(there, c.Visit)
			switch {
			case c.Kind == ChangeMoved:
				moved++
				if diff := cmp.Diff([]*Slot{c.To, c.From}, []*Slot{d.From, d.To}); diff != "" {
					t.Fatalf("%s (-backwards turned round +there):\n%s", c.Visit, diff)
				}
			case c.Kind == ChangePlaced && (!changed || d.Kind != ChangeOpen):
				t.Fatalf("%s is placed on the way back and %q on the way there", c.Visit, d.Kind)
			case c.Kind == ChangeOpen && (had[c.Visit] || changed && d.Kind == ChangeMoved):
				t.Fatalf("%s is left without a place by a plan that has one", c.Visit)
			}
		}
		for _, d := range there {
			t.Fatalf("%s is %s there and the same backwards", d.Visit, d.Kind)
		}
		for _, c := range (Standing{p, a}).Difference(a) {
			if c.Kind != ChangeOpen {
				t.Fatalf("a plan differs from itself: %+v", c)
			}
		}
	})
	if moved == 0 {
		t.Error("no two plans that were drawn differ")
	}
}
