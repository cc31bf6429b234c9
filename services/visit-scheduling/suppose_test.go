package visitscheduling_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	visitscheduling "github.com/hearthfps/hearth/services/visit-scheduling"
	"github.com/hearthfps/hearth/services/visit-scheduling/schedule"
)

// Somebody away for a week has their visits with another who is able and free, at the
// time they had, and the difference says so in words.
func TestEngine_SaysWhatASickWorkerWouldChange(t *testing.T) {
	s := schedule.Standing{Problem: schedule.Problem{
		Zone: time.UTC, Roster: []schedule.Available{carer("anna"), carer("bea")}, Travel: schedule.Estimate(5, 20),
		Demands: []schedule.Demand{wanted("v1"), wanted("v2"), wanted("v3")},
	}}
	for i, by := range []schedule.WorkerID{"anna", "anna", "bea"} {
		slot := schedule.Slot{StartsAt: onDay(i, 9, 0), EndsAt: onDay(i, 10, 0), Workers: []schedule.WorkerID{by}}
		s.Problem.Demands[i].Lost = &slot
		s.Plan.Placed = append(s.Plan.Placed, schedule.Placement{Visit: s.Problem.Demands[i].Visit, Slot: slot})
	}
	would, was, _ := s.Supposed([]schedule.Supposition{{Kind: schedule.SupposeAway, Worker: "anna", Span: &schedule.Span{From: onDay(0, 0, 0), To: onDay(7, 0, 0)}}})
	found, err := visitscheduling.Optimiser{Grid: 5}.Improve(t.Context(), would, 200*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	if bad := would.Problem.Check(found); bad != nil {
		t.Fatalf("breaks %v", bad)
	}
	var got []string
	for _, c := range was.Difference(found) {
		got = append(got, fmt.Sprint(c.Visit, " ", c.Words(time.UTC)))
	}
	want := []string{
		"v1 moved from Mon 2 Mar 09:00 with anna to Mon 2 Mar 09:00 with bea",
		"v2 moved from Tue 3 Mar 09:00 with anna to Tue 3 Mar 09:00 with bea",
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%q, want %q", got, want)
	}
}

// Whatever is supposed, the plan found for it keeps every rule, nothing that still
// stands loses its place, and what was given is as it was.
func TestEngine_WhateverIsSupposedBreaksNoRule(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 7))
	for seed := range uint64(32) {
		p := week(t, seed, 3+int(seed%5), 10+int(seed))
		p.Families = nil
		plan, err := schedule.Greedy{}.Plan(t.Context(), p)
		if err != nil {
			t.Fatal(err)
		}
		s := schedule.Standing{Problem: p, Plan: plan}.Settle()
		s.Plan = s.Made(nil)
		kinds := []schedule.SupposedKind{
			schedule.SupposeAway, schedule.SupposeAway, schedule.SupposeThere, schedule.SupposeAbler, schedule.SupposeWorker,
			schedule.SupposeVisit, schedule.SupposeLess, schedule.SupposeAlso, schedule.SupposeAnyone,
		}
		from := onDay(r.IntN(5), r.IntN(20), r.IntN(60))
		x := schedule.Supposition{
			Kind: kinds[int(seed)%len(kinds)], Worker: p.Roster[r.IntN(len(p.Roster))].ID, Visit: p.Demands[r.IntN(len(p.Demands))].Visit,
			Span: &schedule.Span{From: from, To: from.Add(time.Duration(1+r.IntN(60)) * time.Hour)}, Skills: []string{"trauma"}, Languages: []string{"so"},
		}
		before, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		would, was, _ := s.Supposed([]schedule.Supposition{x})
		found, err := visitscheduling.Optimiser{Grid: 5}.Improve(t.Context(), would, 50*time.Millisecond)
		if err != nil {
			t.Fatalf("seed %d, %+v: %v", seed, x, err)
		}
		if bad := would.Problem.Check(found); bad != nil {
			t.Errorf("seed %d, %+v: breaks %v", seed, x, bad)
		}
		placed := map[schedule.VisitID]bool{}
		for _, y := range found.Placed {
			placed[y.Visit] = true
		}
		for _, y := range would.Plan.Placed {
			if !placed[y.Visit] {
				t.Errorf("seed %d, %+v: %s loses its place", seed, x, y.Visit)
			}
		}
		for _, c := range was.Difference(found) {
			if c.Words(time.UTC) == "" || c.Kind == schedule.ChangeMoved && c.From == nil {
				t.Errorf("seed %d, %+v: %+v", seed, x, c)
			}
		}
		if after, err := json.Marshal(s); err != nil || string(after) != string(before) {
			t.Errorf("seed %d, %+v: what was given is changed (%v)", seed, x, err)
		}
	}
}
