package postgres

import (
	"context"
	"fmt"
	"math"

	"github.com/jackc/pgx/v5"

	"github.com/hearthfps/hearth/pkg/postgres"
	"github.com/hearthfps/hearth/services/intake/referral"
)

// Told are the referrals that tell of a record: the one that does under ref, nil when
// it does no longer, and the others.
func Told(ctx context.Context, tx *postgres.Tx, id referral.PersonID, by referral.ReferralID, ref string, change bool) (one *referral.Telling, others []referral.Telling, err error) {
	var ids []string
	if err := tx.SelectContext(ctx, &ids, `SELECT DISTINCT referral_id FROM referral_person WHERE person_id = $1 ORDER BY referral_id`, id); err != nil {
		return nil, nil, fmt.Errorf("load who told: %w", err)
	}
	referrals, err := Referrals(ctx, tx, ids, change)
	if err != nil {
		return nil, nil, err
	}
	for _, rf := range referrals {
		for _, link := range rf.Persons {
			switch t := (referral.Telling{Referral: rf, Ref: link.Ref}); {
			case link.Person != id:
			case rf.ID == by && link.Ref == ref:
				one = &t
			default:
				others = append(others, t)
			}
		}
	}
	return one, others, nil
}

// PersonOf is the record a person of a referral is linked to; "" when there is none.
func PersonOf(ctx context.Context, tx *postgres.Tx, id referral.ReferralID, ref string) (referral.PersonID, error) {
	return one[referral.PersonID](ctx, tx, `SELECT person_id FROM referral_person WHERE referral_id = $1 AND ref = $2`, id, ref)
}

// SaveParted stores that a person of a referral was taken out of a record: people are
// the record and the person of their own. That the two are two is decided, for as long
// as no more is known of them.
func SaveParted(ctx context.Context, tx *postgres.Tx, r *Review, rf *referral.Referral, from *referral.Person, people *referral.People, m referral.Matcher, d ReviewDecision, pairID string) error {
	w := &writer{batch: &pgx.Batch{}}
	w.persons(people, m)
	w.referrals([]*referral.Referral{rf})
	homes := []string{}
	for _, h := range from.Households {
		homes = append(homes, string(h))
	}
	w.queue(`DELETE FROM household_member WHERE person_id = $1 AND household_id <> ALL($2)`, string(from.ID), homes)
	for _, p := range people.All() {
		if p.ID == from.ID {
			continue
		}
		w.queueChecked(exactlyOne, `UPDATE referral_person SET person_id = $3, basis = $4, model = NULL, log_odds = NULL, evidence = NULL WHERE referral_id = $1 AND ref = $2`, string(rf.ID), r.Ref, string(p.ID), referral.BasisParted)
		facts := referral.FactsHash(from, p)
		w.queue(`INSERT INTO match_candidate (pair_id, person_a, person_b, model, log_odds, probability, zone, reasons, evidence, facts_hash, origin_referral, created_at, state, decided_by, decided_at, reason_code)
			SELECT $1, least($2, $3), greatest($2, $3), model, log_odds, $4, 'link', '{}', evidence, $5, referral_id, $6, 'apart', $7, $6, $8 FROM link_sample WHERE sample_id = $9`,
			pairID, string(from.ID), string(p.ID), 1/(1+math.Exp2(-r.LogOdds)), facts[:], d.At, d.By, d.Reason, r.ID)
	}
	return w.flush(ctx, tx, []*referral.Referral{rf})
}
