package postgres

import (
	"crypto/sha256"
	"encoding/binary"
	"math"
	"time"

	"github.com/hearthfps/hearth/services/intake/referral"
)

const insertSamplesSQL = `INSERT INTO link_sample (sample_id, referral_id, ref, person_id, model, log_odds, evidence, share, sampled_at)
	SELECT sample_id, referral_id, ref, person_id, model, log_odds, evidence, $8, $9
	FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::real[], $7::text[]) AS u (sample_id, referral_id, ref, person_id, model, log_odds, evidence)
	ON CONFLICT DO NOTHING`

// samples draws a share of the links just made by a score, to be judged by somebody
// who is not told that they were made.
func (w *writer) samples(changed []*referral.Referral, share float64, now time.Time, newID func() string) {
	var s struct {
		id, referral, ref, person, model, evidence []string
		odds                                       []float32
	}
	for _, rf := range changed {
		for _, l := range rf.Persons {
			if l.Score == nil || l.Basis != referral.BasisLinked || !drawn(rf.ID, l.Ref, share) {
				continue
			}
			s.id, s.referral, s.ref, s.person = append(s.id, newID()), append(s.referral, string(rf.ID)), append(s.ref, l.Ref), append(s.person, string(l.Person))
			s.model, s.evidence, s.odds = append(s.model, l.Score.Model), append(s.evidence, text(l.Score.Evidence)), append(s.odds, float32(l.Score.LogOdds))
		}
	}
	if len(s.id) > 0 {
		w.queue(insertSamplesSQL, s.id, s.referral, s.ref, s.person, s.model, s.odds, s.evidence, share, now)
	}
}

// drawn says whether a link is in the sample: by the digits of a hash of the
// referral's id, which is random, and of nothing that is known of anybody.
func drawn(id referral.ReferralID, ref string, share float64) bool {
	sum := sha256.Sum256([]byte(string(id) + "\x00" + ref))
	return float64(binary.BigEndian.Uint64(sum[:])) < share*math.MaxUint64
}
