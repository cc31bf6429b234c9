package intake

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/hearthfps/hearth/pkg/clock"
	kit "github.com/hearthfps/hearth/pkg/postgres"
	"github.com/hearthfps/hearth/pkg/tenant"
	"github.com/hearthfps/hearth/pkg/testkit"
	"github.com/hearthfps/hearth/services/intake/postgres"
)

// The alarm is in the log once, and in the gauge for as long as it lasts.
func TestDriftWatch_SaysSoOnce(t *testing.T) {
	now := clock.NewManual(time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC))
	db, _ := testkit.Database(t, postgres.Migrations, testkit.WithClock(now))
	agency, err := tenant.Parse("lakeland")
	if err != nil {
		t.Fatal(err)
	}
	ctx := tenant.With(t.Context(), agency)
	log := &bytes.Buffer{}
	w := newDriftWatch(now, slog.New(slog.NewJSONHandler(log, nil)))
	gauge := func() (value float64) {
		t.Helper()
		if err := db.InTenant(ctx, func(ctx context.Context, tx *kit.Tx) error {
			n, err := w.censuses()[0].Count(ctx, tx)
			if err == nil {
				value = n[0].Number
			}
			return err
		}); err != nil {
			t.Fatal(err)
		}
		return value
	}
	links := func(prefix, arrived, level string) {
		t.Helper()
		if err := db.InTenant(ctx, func(ctx context.Context, tx *kit.Tx) error {
			if _, err := tx.ExecContext(ctx, `INSERT INTO person (person_id, version, origin, name, birth_date, sex, languages, contacts, addresses, identifiers)
				VALUES ('p', 1, 'x', '{}', '', '', '{}', '[]', '[]', '[]') ON CONFLICT DO NOTHING`); err != nil {
				return err
			}
			if _, err := tx.ExecContext(ctx, `INSERT INTO referral (referral_id, version, status, receipt_id, source, event_id, received_at, arrived_at, channel, kind, urgency, concern_codes, safety_flags, wants_feedback, household_id, priority, urgent, due_at, priority_decision, trace)
				SELECT $1 || n, 1, 'received', 'r', 's', 'e', $2::timestamptz, $2::timestamptz, 'school', 'notification', 'standard', '{}', '{}', false, 'h', 'routine', false, $2::timestamptz, '{}', '' FROM generate_series(1001, 2000) AS n`, prefix, arrived); err != nil {
				return err
			}
			_, err := tx.ExecContext(ctx, `INSERT INTO referral_person (referral_id, ref, person_id, role, basis, model, log_odds, evidence)
				SELECT $1 || n, 'p1', 'p', 'caregiver', 'linked', 'm', 25, '[{"comparison":"phone","level":"' || $2 || '","weight":1}]' FROM generate_series(1001, 2000) AS n`, prefix, level)
			return err
		}); err != nil {
			t.Fatal(err)
		}
	}
	links("a", "2025-11-20T00:00:00Z", "same")
	if got := gauge(); got != 0 {
		t.Errorf("nothing to compare with: %v", got)
	}
	links("b", "2026-11-19T00:00:00Z", "different")
	if got := gauge(); got != 0 {
		t.Errorf("looked again within the hour: %v", got)
	}
	for range 2 {
		now.Advance(driftEvery)
		if got := gauge(); got < 0.25 {
			t.Errorf("got %v", got)
		}
	}
	if n := strings.Count(log.String(), "WARN"); n != 1 || !strings.Contains(log.String(), "phone") {
		t.Errorf("said %d times: %s", n, log)
	}
}
