package optimise_test

import (
	"errors"
	"testing"

	. "github.com/hearthfps/hearth/services/visit-scheduling/optimise"
)

func TestPrice_IsWhatTheSearchSaysAndRefusesWhatBreaksARule(t *testing.T) {
	w := atHome("w", hours(0, 8, 16))
	w.Breaks = []Break{{hours(0, 11, 13), 30}}
	p := Problem{Workers: []Worker{w}, Visits: []Visit{visitAt("a", 60, hours(0, 8, 16)), visitAt("b", 60, hours(0, 8, 16))}}
	p.Visits[0].Published = &Assignment{Workers: []string{"gone"}, Starts: []int{600}}
	s := solve(t, p, Options{Seed: 1, WorkUnits: 100})
	got, err := Price(p, s)
	if err != nil || got != s.Objective {
		t.Errorf("%+v, %v; the search says %+v", got, err, s.Objective)
	}
	s.Placed = s.Placed[:1]
	less, err := Price(p, s)
	if err != nil || less.Unplaced != int64(DefaultWeights().Unplaced) {
		t.Errorf("with one left out: %+v, %v", less, err)
	}
	s.Placed[0].Starts = []int{0}
	if _, err := Price(p, s); !errors.Is(err, ErrInvalid) {
		t.Errorf("at midnight: %v", err)
	}
	p.Visits[0].Minutes = 0
	if _, err := Price(p, s); !errors.Is(err, ErrProblem) {
		t.Errorf("no problem: %v", err)
	}
}
