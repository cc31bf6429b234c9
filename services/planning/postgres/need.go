package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/hearthfps/hearth/pkg/postgres"
	"github.com/hearthfps/hearth/services/planning/casefile"
	"github.com/hearthfps/hearth/services/planning/goals"
)

const putNeed = `
INSERT INTO need (case_id, instrument, domain, level, strength, assessment_id, instrument_version, assessed_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
ON CONFLICT (agency_id, case_id, instrument, domain) DO UPDATE
SET level = excluded.level, strength = excluded.strength, assessment_id = excluded.assessment_id,
    instrument_version = excluded.instrument_version, assessed_at = excluded.assessed_at
WHERE need.assessed_at <= excluded.assessed_at`

// PutNeed stores what an assessment said of a domain, unless a later assessment
// by the same instrument has been heard of. The case may not have been opened yet.
func PutNeed(ctx context.Context, tx *postgres.Tx, id casefile.CaseID, n goals.Need) error {
	_, err := tx.ExecContext(ctx, putNeed, id, n.Instrument, n.Domain, n.Level, n.Strength, n.AssessmentID, n.InstrumentVersion, n.At)
	if err != nil {
		return fmt.Errorf("store need: %w", err)
	}
	return nil
}

const selectNeeds = `
SELECT instrument, domain, level, strength, assessment_id, instrument_version, assessed_at
FROM need WHERE case_id = $1 ORDER BY instrument, domain`

// Needs returns what is known of a case's needs and strengths.
func Needs(ctx context.Context, tx *postgres.Tx, id casefile.CaseID) ([]goals.Need, error) {
	var rows []struct {
		Instrument        string    `db:"instrument"`
		Domain            string    `db:"domain"`
		Level             string    `db:"level"`
		Strength          bool      `db:"strength"`
		AssessmentID      string    `db:"assessment_id"`
		InstrumentVersion string    `db:"instrument_version"`
		AssessedAt        time.Time `db:"assessed_at"`
	}
	if err := tx.SelectContext(ctx, &rows, selectNeeds, id); err != nil {
		return nil, fmt.Errorf("read needs: %w", err)
	}
	out := make([]goals.Need, len(rows))
	for i, r := range rows {
		out[i] = goals.Need{
			Domain: r.Domain, Level: r.Level, Strength: r.Strength, AssessmentID: r.AssessmentID,
			Instrument: r.Instrument, InstrumentVersion: r.InstrumentVersion, At: r.AssessedAt.UTC(),
		}
	}
	return out, nil
}
