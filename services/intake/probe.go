package intake

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/hearthfps/hearth/pkg/app"
)

// verdict is what intake answers to an event, as far as the probe looks.
type verdict struct {
	Status     string `json:"status"`
	ReceiptID  string `json:"receipt_id"`
	ReferralID string `json:"referral_id"`
}

// Probe sends a referral in and gets its receipt out: accepted once, a duplicate
// when it is sent again, to be read under its receipt, and withdrawn at the end,
// so that nobody is asked to screen it. It names nobody. What stays is a withdrawn
// referral from the prober's source.
func Probe(ctx context.Context, p *app.Prober) error {
	id := p.NewID()
	submitted := event(p, id, "submitted", map[string]any{
		"external_id": id, "received_at": p.Clock.Now().UTC().Format(time.RFC3339), "channel": "other_agency",
		"kind": "contact_with_family", "urgency": "low", "persons": []any{map[string]any{"ref": "1", "role": "other_adult"}},
	})
	var first, again verdict
	if err := p.Ask(ctx, http.MethodPost, "/events", submitted, &first, http.StatusAccepted, http.StatusOK); err != nil {
		return err
	}
	if err := p.Ask(ctx, http.MethodPost, "/events", submitted, &again, http.StatusOK); err != nil {
		return err
	}
	if again.Status != "duplicate" || again.ReceiptID != first.ReceiptID || first.ReceiptID == "" {
		return fmt.Errorf("the same event again was %s with receipt %s, want duplicate with receipt %s", again.Status, again.ReceiptID, first.ReceiptID)
	}
	withdrawn := event(p, p.NewID(), "withdrawn", map[string]any{
		"withdraws": map[string]any{"source": p.Source, "id": id}, "reason": "a probe of the deployment",
	})
	if err := p.Ask(ctx, http.MethodPost, "/events", withdrawn, nil, http.StatusAccepted, http.StatusOK); err != nil {
		return err
	}
	var receipt struct {
		EventID        string `json:"event_id"`
		ReferralStatus string `json:"referral_status"`
	}
	if err := p.Ask(ctx, http.MethodGet, "/receipts/"+first.ReceiptID, nil, &receipt, http.StatusOK); err != nil {
		return err
	}
	if receipt.EventID != id || receipt.ReferralStatus != "withdrawn" {
		return fmt.Errorf("the receipt is of event %s, %s, want %s, withdrawn", receipt.EventID, receipt.ReferralStatus, id)
	}
	return nil
}

func event(p *app.Prober, id, kind string, data map[string]any) map[string]any {
	return map[string]any{
		"specversion": "1.0", "id": id, "source": p.Source, "type": "org.hearth.referral." + kind + ".v1",
		"time": p.Clock.Now().UTC().Format(time.RFC3339), "datacontenttype": "application/json", "data": data,
	}
}
