package intake_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/hearthfps/hearth/pkg/app/apptest"
	"github.com/hearthfps/hearth/pkg/auth"
	"github.com/hearthfps/hearth/services/intake"
)

func TestProbe_SendsAReferralInAndGetsItsReceiptOut(t *testing.T) {
	h := apptest.Start(t, intake.Service())
	for range 2 { // again, and nothing is in its way
		said, err := h.Probe(auth.Principal{Roles: []string{"referrer"}, Source: "/hearth"})
		if err != nil {
			t.Fatalf("probe: %v\n%s", err, said)
		}
		if !strings.Contains(said, "intake works") {
			t.Errorf("it said %q", said)
		}
	}
	var referrals struct {
		Items []struct {
			Status string `json:"status"`
		} `json:"items"`
	}
	h.As("intake_worker", "intake-1").Get("/intake/v1/referrals").Want(http.StatusOK).Into(&referrals)
	if len(referrals.Items) != 2 {
		t.Fatalf("%d referrals stayed, want 2", len(referrals.Items))
	}
	for _, r := range referrals.Items {
		if r.Status != "withdrawn" {
			t.Errorf("a referral of the probe is %s: somebody would be asked to screen it", r.Status)
		}
	}
}

func TestProbe_FailsForWhoMayNotSend(t *testing.T) {
	h := apptest.Start(t, intake.Service())
	if said, err := h.Probe(auth.Principal{Roles: []string{"family_worker"}, WorkerID: "worker-1"}); err == nil || !strings.Contains(err.Error(), "403") {
		t.Errorf("probe: %v, want 403\n%s", err, said)
	}
}
