package postgres_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/hearthfps/hearth/pkg/clock"
	"github.com/hearthfps/hearth/pkg/fault"
	kit "github.com/hearthfps/hearth/pkg/postgres"
	"github.com/hearthfps/hearth/pkg/tenant"
	"github.com/hearthfps/hearth/pkg/testkit"
	"github.com/hearthfps/hearth/services/intake/postgres"
	"github.com/hearthfps/hearth/services/intake/referral"
	"github.com/hearthfps/hearth/services/intake/rules"
)

var noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

func TestTenancy(t *testing.T) {
	db, _ := testkit.Database(t, postgres.Migrations)
	testkit.ProveTenancy(t, db)
}

type ids struct{ n int }

func (i *ids) next(kind string) string         { i.n++; return fmt.Sprintf("%s-%d", kind, i.n) }
func (i *ids) person() string                  { i.n++; return fmt.Sprintf("00000000-0000-7000-8000-%012d", i.n) }
func (i *ids) Receipt() referral.ReceiptID     { return referral.ReceiptID(i.next("receipt")) }
func (i *ids) Referral() referral.ReferralID   { return referral.ReferralID(i.next("referral")) }
func (i *ids) Person() referral.PersonID       { return referral.PersonID(i.person()) }
func (i *ids) Household() referral.HouseholdID { return referral.HouseholdID(i.next("household")) }
func (i *ids) Case() referral.CaseID           { return referral.CaseID(i.next("case")) }
func (i *ids) Clock() referral.ClockID         { return referral.ClockID(i.next("clock")) }

func as(t testing.TB, slug string) context.Context {
	t.Helper()
	a, err := tenant.Parse(slug)
	if err != nil {
		t.Fatal(err)
	}
	return tenant.With(t.Context(), a)
}

const line = `{"specversion":"1.0","id":"a","source":"/systems/one","type":"org.hearth.referral.submitted.v1","data":{"external_id":"1","received_at":"2026-11-20T08:00:00Z","channel":"school","kind":"notification",
"reporter":{"name":{"family":"Teller"}},"persons":[{"ref":"p1","role":"caregiver","name":{"given":["Ada"],"family":"Koski"},"birth_date":"1990-02-03"}],"household":{"members":["p1"]}}}`

// take stores one event as an agency's, with its own ids, and gives its referral.
func take(t testing.TB, db *kit.DB, ctx context.Context, raw string) *referral.Referral {
	t.Helper()
	e, faults := referral.ParseEvent([]byte(raw), noon)
	if faults != nil {
		t.Fatal(faults)
	}
	book, err := rules.Load(rules.Files)
	if err != nil {
		t.Fatal(err)
	}
	calendar, err := clock.NewCalendar("fi", time.UTC, clock.Spec{WorkingDays: []clock.Weekday{"mon", "tue", "wed", "thu", "fri"}})
	if err != nil {
		t.Fatal(err)
	}
	made := &ids{}
	indexes, err := postgres.NewIndexes()
	if err != nil {
		t.Fatal(err)
	}
	desk := &referral.Desk{RuleBook: book, IDs: made}
	var rf *referral.Referral
	if err := db.InTenant(ctx, func(ctx context.Context, tx *kit.Tx) error {
		b, err := postgres.LoadBook(ctx, tx, []referral.Event{e}, indexes)
		if err != nil {
			return err
		}
		if _, err := desk.Receive(b, e, "", &referral.Agency{Country: "FI", Calendar: calendar}, noon); err != nil {
			return err
		}
		for _, r := range b.Referrals {
			rf = r
		}
		return postgres.SaveBook(ctx, tx, b, []postgres.Arrival{{Event: e, Via: "http"}}, noon, func() string { return made.next("quarantine") })
	}); err != nil {
		t.Fatal(err)
	}
	return rf
}

// Every store method, asked by another agency for what is lakeland's by its ids,
// finds nothing and changes nothing. Both agencies may hold the same ids.
func TestStore_NothingAcrossAgencies(t *testing.T) {
	db, _ := testkit.Database(t, postgres.Migrations)
	lake, shore := as(t, "lakeland"), as(t, "northshore")
	rf := take(t, db, lake, line)
	person := rf.Persons[0].Person
	in := func(ctx context.Context, fn func(ctx context.Context, tx *kit.Tx) error) error {
		return db.InTenant(ctx, fn)
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(in(lake, func(ctx context.Context, tx *kit.Tx) error {
		if err := postgres.SaveGrant(ctx, tx, postgres.Grant{Kind: postgres.GrantAddress, Record: string(person), Worker: "w", ReasonCode: "x", Until: noon.AddDate(1, 0, 0), GrantedBy: "o", GrantedAt: noon}); err != nil {
			return err
		}
		if _, err := postgres.NoteAssessment(ctx, tx, "case-1", "s-1", false); err != nil {
			return err
		}
		if err := postgres.Exclude(ctx, tx, rf.ID, "kin", "relative", "boss", noon); err != nil {
			return err
		}
		if err := pairUp(ctx, tx, person); err != nil {
			return err
		}
		return postgres.SaveRefused(ctx, tx, "q-1", "topic/0/1", referral.EventRef{}, []byte("x"), []fault.Field{{Code: "not_json"}}, noon)
	}))

	notFound := map[string]func(ctx context.Context, tx *kit.Tx) error{
		"Referral": func(ctx context.Context, tx *kit.Tx) error {
			_, err := postgres.Referral(ctx, tx, rf.ID, true)
			return err
		},
		"Reporter": func(ctx context.Context, tx *kit.Tx) error { _, err := postgres.Reporter(ctx, tx, rf.ID); return err },
		"GetReceipt": func(ctx context.Context, tx *kit.Tx) error {
			_, err := postgres.GetReceipt(ctx, tx, rf.Receipt)
			return err
		},
		"Person": func(ctx context.Context, tx *kit.Tx) error {
			_, _, err := postgres.Person(ctx, tx, person, true)
			return err
		},
		"Identity": func(ctx context.Context, tx *kit.Tx) error {
			_, err := postgres.Identity(ctx, tx, person, true)
			return err
		},
		"GetReview": func(ctx context.Context, tx *kit.Tx) error {
			_, err := postgres.GetReview(ctx, tx, "pair-1", true)
			return err
		},
		"GetHousehold": func(ctx context.Context, tx *kit.Tx) error {
			_, err := postgres.GetHousehold(ctx, tx, rf.Household)
			return err
		},
		"DropGrant": func(ctx context.Context, tx *kit.Tx) error {
			return postgres.DropGrant(ctx, tx, postgres.GrantAddress, string(person), "w")
		},
	}
	for name, ask := range notFound {
		if err := in(shore, ask); fault.KindOf(err) != fault.NotFound {
			t.Errorf("%s across agencies: %v", name, err)
		}
		if err := in(lake, ask); name != "DropGrant" && err != nil {
			t.Errorf("%s in its own: %v", name, err)
		}
	}
	must(in(lake, func(ctx context.Context, tx *kit.Tx) error {
		return postgres.SaveGrant(ctx, tx, postgres.Grant{Kind: postgres.GrantAddress, Record: string(person), Worker: "w", ReasonCode: "x", Until: noon.AddDate(1, 0, 0), GrantedBy: "o", GrantedAt: noon})
	}))

	empty := map[string]func(ctx context.Context, tx *kit.Tx) (int, error){
		"ListReferrals": func(ctx context.Context, tx *kit.Tx) (int, error) {
			r, err := postgres.ListReferrals(ctx, tx, postgres.ReferralFilter{}, 10)
			return len(r), err
		},
		"ListClocks": func(ctx context.Context, tx *kit.Tx) (int, error) {
			r, err := postgres.ListClocks(ctx, tx, postgres.ClockFilter{}, 10)
			return len(r), err
		},
		"ListReceipts": func(ctx context.Context, tx *kit.Tx) (int, error) {
			r, err := postgres.ListReceipts(ctx, tx, postgres.ReceiptFilter{}, 10)
			return len(r), err
		},
		"ListQuarantine": func(ctx context.Context, tx *kit.Tx) (int, error) {
			r, err := postgres.ListQuarantine(ctx, tx, "", "", 10)
			return len(r), err
		},
		"Members": func(ctx context.Context, tx *kit.Tx) (int, error) {
			r, err := postgres.HouseholdMembers(ctx, tx, rf.Household)
			return len(r), err
		},
		"Referrals": func(ctx context.Context, tx *kit.Tx) (int, error) {
			r, err := postgres.Referrals(ctx, tx, []string{string(rf.ID)}, false)
			return len(r), err
		},
		"ReferralOfClock": func(ctx context.Context, tx *kit.Tx) (int, error) {
			r, err := postgres.ReferralOfClock(ctx, tx, rf.Clocks[0].ID)
			return len(r), err
		},
		"Granted": func(ctx context.Context, tx *kit.Tx) (int, error) {
			ok, err := postgres.Granted(ctx, tx, postgres.GrantAddress, string(person), "w", noon)
			if ok {
				return 1, err
			}
			return 0, err
		},
		"RelatedReferrals": func(ctx context.Context, tx *kit.Tx) (int, error) {
			r, err := postgres.RelatedReferrals(ctx, tx, &referral.Referral{ID: "another", Household: rf.Household}, "w")
			return len(r), err
		},
		"ExcludedFrom": func(ctx context.Context, tx *kit.Tx) (int, error) {
			excluded, err := postgres.ExcludedFrom(ctx, tx, []string{string(rf.ID)}, "kin")
			if excluded {
				return 1, err
			}
			return 0, err
		},
		"ListReviews": func(ctx context.Context, tx *kit.Tx) (int, error) {
			r, err := postgres.ListReviews(ctx, tx, postgres.ReviewFilter{}, 10)
			return len(r), err
		},
		"ReviewDecisions": func(ctx context.Context, tx *kit.Tx) (int, error) {
			r, err := postgres.ReviewDecisions(ctx, tx, "pair-1")
			return len(r), err
		},
		"IdentitiesOf": func(ctx context.Context, tx *kit.Tx) (int, error) {
			r, err := postgres.IdentitiesOf(ctx, tx, []referral.PersonID{person})
			return len(r), err
		},
	}
	for name, ask := range empty {
		for agency, want := range map[string]bool{"northshore": false, "lakeland": true} {
			var n int
			must(in(as(t, agency), func(ctx context.Context, tx *kit.Tx) (err error) { n, err = ask(ctx, tx); return err }))
			if (n > 0) != want {
				t.Errorf("%s as %s: %d rows", name, agency, n)
			}
		}
	}

	// Only its own agency takes an exclusion back.
	for _, agency := range []string{"northshore", "lakeland"} {
		must(in(as(t, agency), func(ctx context.Context, tx *kit.Tx) error {
			return postgres.LiftExclusion(ctx, tx, rf.ID, "kin", "boss", noon)
		}))
		var excluded bool
		must(in(lake, func(ctx context.Context, tx *kit.Tx) (err error) {
			excluded, err = postgres.ExcludedFrom(ctx, tx, []string{string(rf.ID)}, "kin")
			return err
		}))
		if excluded != (agency == "northshore") {
			t.Errorf("after %s took it back: excluded %t", agency, excluded)
		}
	}

	// Another agency takes the same event in as its own, and matches nobody of lakeland's.
	other := take(t, db, shore, line)
	if other.ID != rf.ID || other.Persons[0].Basis != "new" {
		t.Errorf("northshore's own referral: %s, %s", other.ID, other.Persons[0].Basis)
	}
	must(in(shore, func(ctx context.Context, tx *kit.Tx) error {
		loaded, err := postgres.Referral(ctx, tx, other.ID, true)
		if err != nil {
			return err
		}
		if err := loaded.Take("w-shore", noon); err != nil {
			return err
		}
		return postgres.SaveReferral(ctx, tx, loaded)
	}))
	must(in(lake, func(ctx context.Context, tx *kit.Tx) error {
		mine, err := postgres.Referral(ctx, tx, rf.ID, false)
		if err == nil && mine.TakenBy != "" {
			t.Errorf("northshore's change is seen in lakeland: taken by %s", mine.TakenBy)
		}
		return err
	}))
}

func TestLoadBook_FindsPersonsByKeyNotByScan(t *testing.T) {
	db, _ := testkit.Database(t, postgres.Migrations)
	lake := as(t, "lakeland")
	take(t, db, lake, line)
	var plan []string
	if err := db.InTenant(lake, func(ctx context.Context, tx *kit.Tx) error {
		if _, err := tx.ExecContext(ctx, "SET LOCAL enable_seqscan = off"); err != nil {
			return err
		}
		return tx.SelectContext(ctx, &plan, `EXPLAIN SELECT p.person_id FROM unnest('{1,2}'::bigint[]) AS q (key) CROSS JOIN LATERAL (SELECT k.person FROM person_index k WHERE k.generation = 1 AND k.key = q.key ORDER BY k.person DESC LIMIT 32) AS k JOIN person p ON p.person_id = k.person::text`)
	}); err != nil {
		t.Fatal(err)
	}
	text := strings.Join(plan, "\n")
	if strings.Contains(text, "Seq Scan") || !strings.Contains(text, "(key = q.key)") {
		t.Errorf("persons are not found by an index:\n%s", text)
	}
}
