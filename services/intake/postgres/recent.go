package postgres

import (
	"context"
	"fmt"
	"sync"

	"github.com/hearthfps/hearth/pkg/postgres"
	"github.com/hearthfps/hearth/pkg/tenant"
	"github.com/hearthfps/hearth/services/intake/index"
	"github.com/hearthfps/hearth/services/intake/referral"
)

// MadeKnown is somebody made known lately: by which referral, and what they were found
// by when they were. It says nothing of who they are.
type MadeKnown struct {
	ID     referral.PersonID
	Origin referral.ReferralID
	Keys   []int64
}

// recent keeps who this process made known last, so that the sweep need not read them
// and work their keys out again. It is a help and no more: who is not in it is read.
type recent struct {
	mu         sync.Mutex
	young, old map[recentKey]MadeKnown
}

type recentKey struct {
	agency  tenant.AgencyID
	version int64 // of the index whose keys they are
	person  referral.PersonID
}

// mostRecent bounds half of what is kept: some seconds of as much as a process takes in.
const mostRecent = 30_000

func (r *recent) add(agency tenant.AgencyID, by *index.Index, people *referral.People) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.young == nil || len(r.young) >= mostRecent {
		r.old, r.young = r.young, make(map[recentKey]MadeKnown, 1024)
	}
	people.New(func(p *referral.Person) {
		r.young[recentKey{agency, by.Version, p.ID}] = MadeKnown{p.ID, p.Origin, p.FoundBy(by)}
	})
}

func (r *recent) get(k recentKey) (MadeKnown, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	m, ok := r.young[k]
	if !ok {
		m, ok = r.old[k]
	}
	return m, ok
}

const idsBetweenSQL = `SELECT p.person_id FROM person p WHERE p.person_id > $1 AND p.person_id < $2 ORDER BY p.person_id LIMIT $3`

// MadeKnownBetween are who was made known, numbered after from and before to, at most
// limit, with what by finds them by.
func (x *Indexes) MadeKnownBetween(ctx context.Context, tx *postgres.Tx, by *index.Index, from, to string, limit int) ([]MadeKnown, error) {
	var ids []string
	if err := tx.SelectContext(ctx, &ids, idsBetweenSQL, from, to, limit); err != nil {
		return nil, fmt.Errorf("read who was made known: %w", err)
	}
	all := make([]MadeKnown, len(ids))
	var unknown []string
	at := map[referral.PersonID]int{}
	for i, id := range ids {
		known, ok := x.recent.get(recentKey{tx.Agency(), by.Version, referral.PersonID(id)})
		if all[i] = known; !ok {
			unknown = append(unknown, id)
			at[referral.PersonID(id)] = i
		}
	}
	if len(unknown) == 0 {
		return all, nil
	}
	read, err := persons(ctx, tx, unknown, false)
	if err != nil {
		return nil, err
	}
	for _, p := range read {
		all[at[p.ID]] = MadeKnown{p.ID, p.Origin, p.FoundBy(by)}
	}
	return all, nil
}

// Persons loads persons by id.
func Persons(ctx context.Context, tx *postgres.Tx, ids []referral.PersonID) (map[referral.PersonID]*referral.Person, error) {
	texts := make([]string, len(ids))
	for i, id := range ids {
		texts[i] = string(id)
	}
	read, err := persons(ctx, tx, texts, false)
	if err != nil {
		return nil, err
	}
	all := make(map[referral.PersonID]*referral.Person, len(read))
	for _, p := range read {
		all[p.ID] = p
	}
	return all, nil
}
