package postgres

import (
	"context"
	"fmt"

	"github.com/hearthfps/hearth/pkg/fault"
	"github.com/hearthfps/hearth/pkg/postgres"
	"github.com/hearthfps/hearth/services/intake/referral"
)

// Told is a record parted by who told of it: the person as the one referral tells of
// them under ref, and the record as the others do. It fails with NotFound
// (match_review_not_found) when the referral is the only one: nothing was linked then.
func Told(ctx context.Context, tx *postgres.Tx, id referral.PersonID, by referral.ReferralID, ref string) (one, others *referral.Person, err error) {
	var ids []string
	if err := tx.SelectContext(ctx, &ids, `SELECT DISTINCT referral_id FROM referral_person WHERE person_id = $1`, id); err != nil {
		return nil, nil, fmt.Errorf("load who told: %w", err)
	}
	referrals, err := Referrals(ctx, tx, ids, false)
	if err != nil {
		return nil, nil, err
	}
	var first, rest []referral.ReportedPerson
	var firstIn, restIn []referral.ReferralID
	for _, rf := range referrals {
		for _, link := range rf.Persons {
			said := rf.Content.Person(link.Ref)
			switch {
			case link.Person != id || said == nil:
			case rf.ID == by && link.Ref == ref:
				first, firstIn = append(first, *said), append(firstIn, rf.ID)
			default:
				rest, restIn = append(rest, *said), append(restIn, rf.ID)
			}
		}
	}
	one, others = referral.Retold(id, first, firstIn), referral.Retold(id, rest, restIn)
	if one == nil || others == nil {
		return nil, nil, fault.Missing("match_review")
	}
	return one, others, nil
}
