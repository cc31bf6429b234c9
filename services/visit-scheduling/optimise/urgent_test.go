package optimise_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	. "github.com/hearthfps/hearth/services/visit-scheduling/optimise"
	"github.com/hearthfps/hearth/services/visit-scheduling/optimise/check"
)

// Each offer, taken with the moves it names and nothing else, is a valid
// schedule that costs what the offer says.
func TestBoard_EveryOfferIsValidAndSaysAllItMoves(t *testing.T) {
	offered := 0
	rapid.Check(t, func(t *rapid.T) {
		p := drawProblem(t)
		if len(p.Visits) == 0 {
			return
		}
		urgent := p.Visits[len(p.Visits)-1]
		p.Visits = p.Visits[:len(p.Visits)-1]
		urgent.Locked, urgent.Published = false, nil
		s := solve(t, p, Options{Seed: 1, WorkUnits: 40})
		b, err := NewBoard(p, s)
		if err != nil {
			t.Fatal(err)
		}
		offers, err := b.Insert(urgent)
		if err != nil {
			t.Fatal(err)
		}
		again, err := b.Insert(urgent)
		if err != nil || len(again) != len(offers) {
			t.Fatalf("asked twice: %d offers, then %d (%v)", len(offers), len(again), err)
		}
		if !slices.IsSortedFunc(offers, func(a, b Offer) int { return int(a.Points - b.Points) }) {
			t.Fatal("offers are not ranked")
		}
		for _, o := range offers {
			q := p
			q.Visits = append(slices.Clone(p.Visits), urgent)
			out := Solution{Unplaced: s.Unplaced, Breaks: moved(p, s.Breaks, o.Breaks)}
			for _, x := range s.Placed {
				for _, m := range o.Moves {
					if m.Visit == x.Visit {
						x.Assignment = m.To
					}
				}
				out.Placed = append(out.Placed, x)
			}
			out.Placed = append(out.Placed, Placement{urgent.ID, o.Assignment})
			if bad := check.Schedule(q, out); bad != nil {
				t.Fatalf("offer %+v: %v", o, bad)
			}
			offered++
		}
	})
	if offered == 0 {
		t.Error("no case with an offer was drawn")
	}
}

func TestBoard_FindsAPlaceWhereverThereIsOne(t *testing.T) {
	day := []Window{{480, 960}}
	here := &Place{Lat: 61, Lon: 25}
	p := Problem{
		Workers: []Worker{{ID: "a", Start: here, End: here, Shifts: day}, {ID: "b", Start: here, End: here, Shifts: day}},
		Visits:  []Visit{{ID: "long", Place: here, Minutes: 300, Windows: day}},
	}
	b, err := NewBoard(p, solve(t, p, Options{Seed: 1, WorkUnits: 10}))
	if err != nil {
		t.Fatal(err)
	}
	none := []Move(nil)
	to := func(worker string, start int) []Move {
		return []Move{{"long", Assignment{[]string{"a"}, []int{480}}, Assignment{[]string{worker}, []int{start}}}}
	}
	for _, test := range []struct {
		minutes int
		window  Window
		want    [][]Move // of each offer, the cheapest first
	}{
		{180, Window{0, 1440}, [][]Move{none, none}},
		{181, Window{0, 1440}, [][]Move{none, to("b", 480)}},
		{480, Window{0, 1440}, [][]Move{none, to("b", 480)}},
		{481, Window{0, 1440}, nil},
		{60, Window{480, 540}, [][]Move{none, to("a", 540)}},
	} {
		offers, err := b.Insert(Visit{ID: "urgent", Place: here, Minutes: test.minutes, Windows: []Window{test.window}})
		if err != nil {
			t.Fatal(err)
		}
		var got [][]Move
		for _, o := range offers {
			got = append(got, o.Moves)
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%d minutes in %v: what the offers move (-want +got):\n%s", test.minutes, test.window, diff)
		}
	}
}
