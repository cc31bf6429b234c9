package directory

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/hearthfps/hearth/pkg/fault"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func requested(t interface{ Fatal(...any) }) Referral {
	r, err := Request("r", "c", Service{ID: "s", Name: "Parent group", Status: StatusActive}, "parenting", "worker-1", noon)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestRequest_OnlyAnActiveServiceTakesReferrals(t *testing.T) {
	for _, status := range []string{"inactive", "defunct", "temporarily closed"} {
		_, err := Request("r", "c", Service{ID: "s", Status: status}, "parenting", "worker-1", noon)
		if fault.KindOf(err) != fault.Conflict {
			t.Errorf("%s: got %v, want a conflict", status, err)
		}
	}
}

func TestReferral_WhichMoveIsAllowedFromWhichState(t *testing.T) {
	moves := map[string]func(Referral) (Referral, error){
		"accept":   func(r Referral) (Referral, error) { return r.Accept(noon) },
		"decline":  func(r Referral) (Referral, error) { return r.Decline("no_capacity", noon) },
		"complete": func(r Referral) (Referral, error) { return r.Complete("need_met", noon) },
		"withdraw": func(r Referral) (Referral, error) { return r.Withdraw("need_changed", noon) },
	}
	allowed := map[State]map[string]State{
		Requested: {"accept": Accepted, "decline": Declined, "withdraw": Withdrawn},
		Accepted:  {"complete": Completed, "withdraw": Withdrawn},
	}
	for _, from := range []State{Requested, Accepted, Declined, Completed, Withdrawn} {
		for name, move := range moves {
			r := requested(t)
			r.State = from
			got, err := move(r)
			want, ok := allowed[from][name]
			switch {
			case ok && (err != nil || got.State != want || got.Version != r.Version+1):
				t.Errorf("%s from %s: got %s v%d (%v), want %s", name, from, got.State, got.Version, err, want)
			case !ok && (fault.KindOf(err) != fault.Conflict || got.State != from || got.Version != r.Version):
				t.Errorf("%s from %s: got %s (%v), want a conflict and no change", name, from, got.State, err)
			}
		}
	}
}

func TestReferral_UnknownCodesAreRefusedAndPointedAt(t *testing.T) {
	_, decline := requested(t).Decline("did_not_like_them", noon)
	_, withdraw := requested(t).Withdraw("", noon)
	accepted, _ := requested(t).Accept(noon)
	_, complete := accepted.Complete("success", noon)
	for pointer, err := range map[string]error{"/reason_code": decline, "/outcome_code": complete} {
		e, ok := fault.As(err)
		if !ok || e.Kind != fault.Invalid || len(e.Fields) != 1 || e.Fields[0].Pointer != pointer {
			t.Errorf("%s: got %v", pointer, err)
		}
	}
	if fault.KindOf(withdraw) != fault.Invalid {
		t.Errorf("withdraw without a reason: got %v", withdraw)
	}
}

// Whatever is tried in whatever order, a final state stays, the version counts
// exactly the moves that happened, and the ending is told once.
func TestReferral_AnyOrderOfMovesKeepsItsInvariants(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := requested(t)
		now, moved := noon, int64(1)
		for range rapid.IntRange(0, 12).Draw(t, "moves") {
			now = now.Add(time.Minute)
			before := r
			var err error
			switch rapid.SampledFrom([]string{"accept", "decline", "complete", "withdraw"}).Draw(t, "move") {
			case "accept":
				r, err = r.Accept(now)
			case "decline":
				r, err = r.Decline(rapid.SampledFrom(append(declineReasons, "x")).Draw(t, "reason"), now)
			case "complete":
				r, err = r.Complete(rapid.SampledFrom(append(outcomes, "x")).Draw(t, "outcome"), now)
			case "withdraw":
				r, err = r.Withdraw(rapid.SampledFrom(append(withdrawReasons, "x")).Draw(t, "reason"), now)
			}
			if err != nil {
				if r != before {
					t.Fatalf("a refused move changed %+v to %+v", before, r)
				}
				continue
			}
			moved++
			if before.State.Final() {
				t.Fatalf("left the final state %s for %s", before.State, r.State)
			}
		}
		if r.Version != moved {
			t.Fatalf("version %d after %d moves", r.Version, moved)
		}
		if r.State.Final() != !r.EndedAt.IsZero() {
			t.Fatalf("%s ended at %v", r.State, r.EndedAt)
		}
		if (r.OutcomeCode != "") != (r.State == Completed) {
			t.Fatalf("%s with outcome %q", r.State, r.OutcomeCode)
		}
		if (r.ReasonCode != "") != (r.State == Declined || r.State == Withdrawn) {
			t.Fatalf("%s with reason %q", r.State, r.ReasonCode)
		}
	})
}
