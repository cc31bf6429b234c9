package postgres_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	kit "github.com/hearthfps/hearth/pkg/postgres"
	"github.com/hearthfps/hearth/pkg/testkit"
	"github.com/hearthfps/hearth/services/intake/identity"
	"github.com/hearthfps/hearth/services/intake/postgres"
	"github.com/hearthfps/hearth/services/intake/referral"
)

// pairUp gives a person a second record, a question about the two that was decided
// once, and another that waits.
func pairUp(ctx context.Context, tx *kit.Tx, person referral.PersonID) error {
	second := "zz-" + string(person)
	for _, sql := range []string{
		`INSERT INTO person (person_id, version, origin, name, birth_date, sex, languages, contacts, addresses, identifiers) SELECT $2, 1, $1, '{}', '', '', '{}', '[]', '[]', '[]'`,
		`INSERT INTO match_candidate (pair_id, person_a, person_b, model, log_odds, probability, zone, reasons, evidence, facts_hash, created_at) VALUES ('pair-1', $1, $2, 'm', 1, 0.5, 'ask', '{}', '[]', 'x', now())`,
		`INSERT INTO pair_decision (decision_id, pair_id, decision, reason_code, note, decided_by, decided_at) SELECT 'd-1', pair_id, 'cannot_tell', 'other', '', 'w', now() FROM match_candidate WHERE person_a = $1 AND person_b = $2`,
		`INSERT INTO person_identity (record_id, identity_id, base) VALUES ($1, $1, 0), ($2, $1, 0)`,
	} {
		if _, err := tx.ExecContext(ctx, sql, string(person), second); err != nil {
			return err
		}
	}
	return nil
}

// ledger drives the store through merges, edits and unmerges of a few records.
type ledger struct {
	t   testing.TB
	db  *kit.DB
	ctx context.Context
	ids []referral.PersonID
	n   int
	now time.Time
	// edges are the merges that hold.
	edges map[identity.MergeID][2]referral.PersonID
}

func newLedger(t testing.TB, db *kit.DB, records int) *ledger {
	l := &ledger{t: t, db: db, ctx: as(t, "lakeland"), now: noon, edges: map[identity.MergeID][2]referral.PersonID{}}
	for i := range records {
		l.ids = append(l.ids, referral.PersonID(fmt.Sprintf("%s-r%02d", t.Name(), i)))
	}
	l.in(func(ctx context.Context, tx *kit.Tx) error {
		for i, id := range l.ids {
			if _, err := tx.ExecContext(ctx, `INSERT INTO person (person_id, version, origin, name, birth_date, sex, languages, contacts, addresses, identifiers)
				VALUES ($1, 1, 'x', $2, '1990-02-03', '', '{fi}', $3, '[]', '[]')`,
				string(id), fmt.Sprintf(`{"given":["Given%d"],"family":"Koski"}`, i), fmt.Sprintf(`[{"kind":"email","value":"own%d@example.org","safe":"unknown"}]`, i)); err != nil {
				return err
			}
		}
		return nil
	})
	return l
}

func (l *ledger) in(fn func(ctx context.Context, tx *kit.Tx) error) {
	l.t.Helper()
	if err := l.db.InTenant(l.ctx, fn); err != nil {
		l.t.Fatal(err)
	}
}

func (l *ledger) load(id referral.PersonID) (i *identity.Identity) {
	l.t.Helper()
	l.in(func(ctx context.Context, tx *kit.Tx) (err error) {
		i, err = postgres.Identity(ctx, tx, id, false)
		return err
	})
	return i
}

// state is all of a person but the version, as bytes.
func (l *ledger) state(id referral.PersonID) string {
	p := l.load(id).Person()
	p.Version = 0
	b, err := json.Marshal(p)
	if err != nil {
		l.t.Fatal(err)
	}
	return string(b)
}

func (l *ledger) merge(a, b referral.PersonID) {
	l.t.Helper()
	l.n++
	l.now = l.now.Add(time.Minute)
	m := identity.Merge{ID: identity.MergeID(fmt.Sprintf("%s-m%04d", l.t.Name(), l.n)), A: min(a, b), B: max(a, b), Decision: identity.Decision{By: "officer", At: l.now, Reason: "mistake"}}
	l.in(func(ctx context.Context, tx *kit.Tx) error {
		i, err := postgres.Identity(ctx, tx, a, true)
		if err != nil {
			return err
		}
		j, err := postgres.Identity(ctx, tx, b, true)
		if err != nil {
			return err
		}
		m.Despite = identity.Between(i, j)
		one, err := i.Join(j, m)
		if err != nil {
			return err
		}
		return postgres.SaveMerge(ctx, tx, m, one)
	})
	l.edges[m.ID] = [2]referral.PersonID{a, b}
}

func (l *ledger) unmerge(id identity.MergeID, of referral.PersonID) {
	l.t.Helper()
	l.now = l.now.Add(time.Minute)
	l.in(func(ctx context.Context, tx *kit.Tx) error {
		i, err := postgres.Identity(ctx, tx, of, true)
		if err != nil {
			return err
		}
		a, b, m, err := i.Cut(id, identity.Decision{By: "officer", At: l.now, Reason: "mistake"})
		if err != nil {
			return err
		}
		return postgres.SaveUnmerge(ctx, tx, m, a, b)
	})
	delete(l.edges, id)
}

// edit gives a record another telephone, as a referral would.
func (l *ledger) edit(id referral.PersonID, phone string) {
	l.t.Helper()
	l.in(func(ctx context.Context, tx *kit.Tx) error {
		_, err := tx.ExecContext(ctx, `UPDATE person SET version = version + 1, contacts = $2 WHERE person_id = $1`, string(id), fmt.Sprintf(`[{"kind":"phone","value":%q,"safe":"unknown"}]`, phone))
		return err
	})
}

// settle settles contact rules with one record's own.
func (l *ledger) settle(id referral.PersonID) {
	l.t.Helper()
	l.now = l.now.Add(time.Minute)
	p := l.load(id).Record(id).Person
	p.ContactRules = &referral.ContactRules{Contacts: []referral.ContactRule{}, SetBy: "w", SetAt: l.now}
	l.in(func(ctx context.Context, tx *kit.Tx) error { return postgres.SaveContactRules(ctx, tx, p) })
}

func (l *ledger) pick(x int) identity.MergeID {
	var all []identity.MergeID
	for id := range l.edges {
		all = append(all, id)
	}
	slices.Sort(all)
	return all[x%len(all)]
}

// run does a chain of steps, each drawn by next, and checks against edges alone.
func (l *ledger) run(steps int, next func() uint32) {
	l.t.Helper()
	alone := map[referral.PersonID]string{} // what each would be had it never been merged
	for _, id := range l.ids {
		alone[id] = l.state(id)
	}
	single := func(id referral.PersonID) {
		l.t.Helper()
		p := l.load(id).Only(id).Person()
		p.Version = 0
		b, err := json.Marshal(p)
		if err != nil {
			l.t.Fatal(err)
		}
		alone[id] = string(b)
	}
	version := map[referral.PersonID]int64{}
	for step := range steps {
		x := next()
		a, b := l.ids[int(x>>8)%len(l.ids)], l.ids[int(x>>16)%len(l.ids)]
		switch x % 6 {
		case 0, 1, 2:
			if l.load(a).Record(b) == nil {
				l.merge(a, b)
			}
		case 3:
			if len(l.edges) > 0 {
				id := l.pick(int(x >> 4))
				l.unmerge(id, l.edges[id][x%2])
			}
		case 4:
			l.edit(a, fmt.Sprintf("+3584%07d", x>>4%100))
			single(a)
		case 5:
			l.settle(a)
			single(a)
		}
		v := l.load(a)
		if want := identity.Component(a, l.merges()); !slices.Equal(want, v.Members()) {
			l.t.Fatalf("step %d: %s is of %v, want %v", step, a, v.Members(), want)
		}
		if v.Version() < version[a] {
			l.t.Fatalf("step %d: version of %s went down from %d to %d", step, a, version[a], v.Version())
		}
		version[a] = v.Version()
	}
	for len(l.edges) > 0 {
		id := l.pick(int(next()))
		l.unmerge(id, l.edges[id][0])
	}
	for _, id := range l.ids {
		if diff := cmp.Diff(alone[id], l.state(id)); diff != "" {
			l.t.Fatalf("%s did not come back: %s", id, diff)
		}
	}
}

func (l *ledger) merges() []identity.Merge {
	var all []identity.Merge
	for id, e := range l.edges {
		all = append(all, identity.Merge{ID: id, A: min(e[0], e[1]), B: max(e[0], e[1])})
	}
	return all
}

// A thousand steps in the database, always the same ones.
func TestIdentity_AThousandStepsComeBack(t *testing.T) {
	db, _ := testkit.Database(t, postgres.Migrations)
	random := rand.New(rand.NewPCG(3, 1000))
	newLedger(t, db, 8).run(1000, random.Uint32)
}

// Shorter chains, other ones each time; the seed of one that fails is told.
func TestIdentity_AnyChainComesBack(t *testing.T) {
	db, _ := testkit.Database(t, postgres.Migrations)
	for range 4 {
		seed := rand.Uint64()
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 0))
			newLedger(t, db, 2+random.IntN(5)).run(200, random.Uint32)
		})
	}
}
