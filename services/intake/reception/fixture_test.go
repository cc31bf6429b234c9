package reception_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	specs "github.com/hearthfps/hearth/api-specs"

	"github.com/hearthfps/hearth/pkg/clock"
	"github.com/hearthfps/hearth/pkg/events"
	kit "github.com/hearthfps/hearth/pkg/postgres"
	sharedrules "github.com/hearthfps/hearth/pkg/rules"
	"github.com/hearthfps/hearth/pkg/tenant"
	"github.com/hearthfps/hearth/pkg/testkit"
	"github.com/hearthfps/hearth/services/intake/postgres"
	"github.com/hearthfps/hearth/services/intake/reception"
	"github.com/hearthfps/hearth/services/intake/referral"
	"github.com/hearthfps/hearth/services/intake/rules"
)

var noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

// desk is a reception on a database of its own, and the context of lakeland.
func desk(t testing.TB) (*reception.Reception, *kit.DB, context.Context) {
	t.Helper()
	c := clock.NewManual(noon)
	db, _ := testkit.Database(t, postgres.Migrations, testkit.WithClock(c))
	return on(t, db, c), db, as(t, "lakeland")
}

func on(t testing.TB, db *kit.DB, c clock.Clock) *reception.Reception {
	t.Helper()
	indexes, err := postgres.NewIndexes()
	if err != nil {
		t.Fatal(err)
	}
	book, err := rules.Load(rules.Files)
	if err != nil {
		t.Fatal(err)
	}
	shared, err := fs.Sub(specs.Rules, "rules")
	if err != nil {
		t.Fatal(err)
	}
	bundle, err := sharedrules.LoadBundle(shared)
	if err != nil {
		t.Fatal(err)
	}
	return &reception.Reception{
		DB: db, Clock: c, Desk: &referral.Desk{RuleBook: book, IDs: reception.UUIDs{}}, Indexes: indexes,
		Agency: func(id tenant.AgencyID) (*referral.Agency, error) {
			a, err := bundle.Agency(id)
			if err != nil {
				return nil, err
			}
			return &referral.Agency{Country: a.Country, Calendar: a.Calendar, Languages: a.Languages}, nil
		},
		Guard: func(context.Context, *kit.Tx) error { return nil },
	}
}

func as(t testing.TB, slug string) context.Context {
	t.Helper()
	a, err := tenant.Parse(slug)
	if err != nil {
		t.Fatal(err)
	}
	return tenant.With(t.Context(), a)
}

// imported is what an import answered: verdicts by line, in order.
func imported(t testing.TB, ctx context.Context, r *reception.Reception, stream []byte) []referral.Verdict {
	t.Helper()
	var verdicts []referral.Verdict
	last := 0
	err := r.Import(ctx, bytes.NewReader(stream), func() {}, func(line int, v referral.Verdict) error {
		if line <= last {
			t.Errorf("line %d answered after line %d", line, last)
		}
		last = line
		verdicts = append(verdicts, v)
		return nil
	}, func() error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	return verdicts
}

func count(verdicts []referral.Verdict) map[referral.VerdictStatus]int {
	n := map[referral.VerdictStatus]int{}
	for _, v := range verdicts {
		n[v.Status]++
	}
	return n
}

// books is all the tables say, ids of our own aside: what re-sends must not change
// and what any order of arrival must come to.
func books(t testing.TB, ctx context.Context, db *kit.DB) []string {
	t.Helper()
	var rows []string
	for _, q := range []string{
		`SELECT 'referral ' || r.source || ' ' || r.event_id || ' ' || r.status || ' ' || r.urgency || ' ' || r.priority || ' ' || r.due_at::text || ' ' || r.wants_feedback::text || ' ' || coalesce(r.document, e.document)
			FROM referral r JOIN inbound_event e ON e.source = r.source AND e.event_id = r.event_id ORDER BY 1`,
		`SELECT 'event ' || source || ' ' || event_id || ' ' || status || ' ' || coalesce(problems, '') FROM inbound_event ORDER BY 1`,
		`SELECT 'clock ' || r.event_id || ' ' || c.clock || ' ' || c.state || ' ' || c.due_at::text FROM response_clock c JOIN referral r USING (agency_id, referral_id) WHERE c.state <> 'stopped' ORDER BY 1`,
	} {
		rows = append(rows, column(t, ctx, db, q)...)
	}
	return rows
}

func column(t testing.TB, ctx context.Context, db *kit.DB, query string, args ...any) []string {
	t.Helper()
	var rows []string
	if err := db.InTenant(ctx, func(ctx context.Context, tx *kit.Tx) error {
		rows = nil
		return tx.SelectContext(ctx, &rows, query, args...)
	}); err != nil {
		t.Fatal(err)
	}
	return rows
}

func total(t testing.TB, ctx context.Context, db *kit.DB, table string) string {
	t.Helper()
	return column(t, ctx, db, `SELECT count(*)::text FROM `+table)[0]
}

func submission(id string) string {
	return fmt.Sprintf(`{"specversion":"1.0","id":%q,"source":"/systems/school/one","type":"org.hearth.referral.submitted.v1",
	 "time":"2026-11-02T08:00:00Z","datacontenttype":"application/json","subject":"S-1","data":{
	 "external_id":"S-1","received_at":"2026-11-20T08:00:00Z","channel":"school","kind":"notification","narrative":"Hungry on several mornings.",
	 "concerns":[{"code":"neglect","subjects":["p2"]}],"requested_program":"perhetyo","urgency":"standard","safety_flags":[],
	 "reporter":{"anonymous":false,"name":{"given":["Canary"],"family":"Reporter"},"role":"teacher","mandated":true,"organisation":"School","contacts":[{"kind":"email","value":"canary@example.org"}],"wants_feedback":true},
	 "persons":[{"ref":"p1","role":"caregiver","name":{"given":["Ada"],"family":"Koski"},"birth_date":"1990-02-03","sex":"female","languages":["fi"],"contacts":[{"kind":"phone","value":"+358401234567","safe":"yes"}],"addresses":[{"lines":["Katu 1"],"city":"Oulu","postal_code":"90100","country":"FI","confidential":false}]},
	            {"ref":"p2","role":"child","name":{"given":["Bo"],"family":"Koski"},"birth_date":"2018-05-01","sex":"male","languages":["fi"]}],
	 "relationships":[{"from":"p1","to":"p2","type":"parent_of"}],"household":{"members":["p1","p2"]}}}`, id)
}

func correction(id, of, changes string) string {
	return fmt.Sprintf(`{"specversion":"1.0","id":%q,"source":"/systems/school/one","type":"org.hearth.referral.corrected.v1","time":"2026-11-02T09:00:00Z","data":{"corrects":{"source":"/systems/school/one","id":%q},"changes":%s}}`, id, of, changes)
}

func withdrawal(id, of string) string {
	return fmt.Sprintf(`{"specversion":"1.0","id":%q,"source":"/systems/school/one","type":"org.hearth.referral.withdrawn.v1","time":"2026-11-02T10:00:00Z","data":{"withdraws":{"source":"/systems/school/one","id":%q},"reason":"sent in error"}}`, id, of)
}

// ndjson puts events on one line each.
func ndjson(events ...string) []byte {
	var b bytes.Buffer
	for _, e := range events {
		if json.Valid([]byte(e)) {
			if err := json.Compact(&b, []byte(e)); err != nil {
				panic(err)
			}
		} else {
			b.WriteString(e)
		}
		b.WriteByte('\n')
	}
	return b.Bytes()
}

func week(t testing.TB, name string) []byte {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for ; dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		b, err := os.ReadFile(filepath.Join(dir, "..", "shared", "data", "referrals", "week", name))
		if err == nil {
			return b
		}
	}
	t.Skipf("shared/data/referrals/week/%s is not beside the project", name)
	return nil
}

// message is an event as it lies in the topic.
func message(n int, structured string) events.Message {
	return events.Message{Topic: reception.Topic, Offset: int64(n), Value: []byte(structured), Headers: []events.Header{{Key: "content-type", Value: []byte("application/cloudevents+json")}}}
}

func reversed(stream []byte) []string {
	lines := strings.Split(strings.TrimSpace(string(stream)), "\n")
	slices.Reverse(lines)
	return lines
}
