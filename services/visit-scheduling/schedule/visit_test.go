package schedule

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hearthfps/hearth/pkg/fault"
)

var attendance = Attendance{Early: time.Hour, Late: 12 * time.Hour, Grace: 30 * time.Minute}

// pairVisit is a visit of two workers on Tuesday from 10 to 11.
func pairVisit() Visit {
	return Visit{
		ID: "v", Series: "s", Case: "c", Minutes: 60, WorkersNeeded: 2, Status: Scheduled, Version: 3, Recipients: []string{"p"},
		Slot: &Slot{StartsAt: at(1, 10, 0), EndsAt: at(1, 11, 0), Workers: []WorkerID{"a", "b"}},
	}
}

func TestVisit_IsCompletedWhenBothHaveLeft(t *testing.T) {
	v := pairVisit()
	for _, step := range []struct {
		do   func() (*Event, error)
		want string // event
	}{
		{func() (*Event, error) { return v.CheckIn("a", at(1, 9, 55), attendance) }, "visit.checked_in"},
		{func() (*Event, error) { return v.CheckIn("a", at(1, 9, 56), attendance) }, ""},
		{func() (*Event, error) { return v.CheckOut("a", at(1, 10, 5)) }, ""}, // b never came: still open
		{func() (*Event, error) { return v.CheckIn("b", at(1, 10, 10), attendance) }, "visit.checked_in"},
		{func() (*Event, error) { return v.CheckOut("a", at(1, 10, 20)) }, ""},
		{func() (*Event, error) { return v.CheckOut("b", at(1, 11, 2)) }, "visit.completed"},
		{func() (*Event, error) { return v.CheckOut("b", at(1, 11, 3)) }, ""},
	} {
		event, err := step.do()
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		if event != nil {
			got = event.Type
		}
		if got != step.want {
			t.Fatalf("event %q, want %q (status %s)", got, step.want, v.Status)
		}
		if event != nil && event.Type == "visit.completed" {
			want := VisitCompletedData{"v", "c", []WorkerID{"a", "b"}, at(1, 9, 55), at(1, 11, 2)}
			if diff := cmp.Diff(want, event.Data); diff != "" {
				t.Error(diff)
			}
		}
	}
}

func TestVisit_AttendanceIsForItsWorkersAtItsTime(t *testing.T) {
	for _, test := range []struct {
		name string
		do   func(v *Visit) error
		want string
	}{
		{"a stranger", func(v *Visit) error { _, err := v.CheckIn("x", at(1, 10, 0), attendance); return err }, "not_your_visit"},
		{"too early", func(v *Visit) error { _, err := v.CheckIn("a", at(1, 8, 59), attendance); return err }, "too_early"},
		{"too late", func(v *Visit) error { _, err := v.CheckIn("a", at(1, 23, 1), attendance); return err }, "too_late"},
		{"out before in", func(v *Visit) error { _, err := v.CheckOut("a", at(1, 10, 0)); return err }, "not_checked_in"},
		{"attempt before the day", func(v *Visit) error { _, err := v.Attempt("a", "x", at(0, 10, 0), attendance); return err }, "too_early"},
		{"no time yet", func(v *Visit) error {
			v.Status, v.Slot = Unplaced, nil
			_, err := v.CheckIn("a", at(1, 10, 0), attendance)
			return err
		}, "visit_not_scheduled"},
		{"cancel under way", func(v *Visit) error {
			v.Status = InProgress
			_, err := v.Cancel(FamilySide, "x", at(1, 10, 0))
			return err
		}, "visit_not_open"},
		{"move when done", func(v *Visit) error { v.Status = Completed; _, err := v.Schedule(*v.Slot); return err }, "visit_not_open"},
	} {
		t.Run(test.name, func(t *testing.T) {
			v := pairVisit()
			if err := test.do(&v); !fault.Is(err, test.want) {
				t.Errorf("got %v, want %s", err, test.want)
			}
		})
	}
}

func TestVisit_MissedCheckoutAlarmsOnceAndALateOneStillCompletes(t *testing.T) {
	v := pairVisit()
	v.WorkersNeeded, v.Slot.Workers = 1, []WorkerID{"a"}
	if v.MissCheckout(at(1, 12, 0)) != nil {
		t.Fatal("alarmed for a visit nobody came to")
	}
	if _, err := v.CheckIn("a", at(1, 10, 20), attendance); err != nil {
		t.Fatal(err)
	}
	alarm := v.MissCheckout(at(1, 11, 50))
	want := &Event{
		Type: "visit.checkout_missed", Subject: "v", Version: 5,
		Data: VisitCheckoutMissedData{"v", "c", []WorkerID{"a"}, at(1, 11, 20)},
	} // began 20 minutes late
	if diff := cmp.Diff(want, alarm); diff != "" {
		t.Errorf("alarm (-want +got):\n%s", diff)
	}
	if v.MissCheckout(at(1, 13, 0)) != nil {
		t.Error("alarmed twice")
	}
	done, err := v.CheckOut("a", at(1, 14, 0))
	if err != nil || done == nil || v.Status != Completed {
		t.Errorf("late check-out: event %v, error %v, status %s", done, err, v.Status)
	}
}

func TestVisit_PlacedAgainSaysWhereItWas(t *testing.T) {
	v := pairVisit()
	if err := v.Release(); err != nil {
		t.Fatal(err)
	}
	if _, err := v.Leave(Leftover{Reasons: []Reason{WorkersAbsent}}); err != nil {
		t.Fatal(err)
	}
	if again, err := v.Leave(Leftover{Reasons: []Reason{WorkersAbsent}}); again != nil || err != nil {
		t.Errorf("the same reason again told %v, %v", again, err)
	}
	event, err := v.Schedule(Slot{StartsAt: at(2, 10, 0), EndsAt: at(2, 11, 0), Workers: []WorkerID{"b", "d"}})
	if err != nil {
		t.Fatal(err)
	}
	moved, ok := event.Data.(VisitRescheduledData)
	if !ok || !moved.PreviousStartsAt.Equal(at(1, 10, 0)) {
		t.Errorf("told %+v; want a rescheduled visit that was on Tuesday", event)
	}
}
