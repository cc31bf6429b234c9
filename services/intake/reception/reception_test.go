package reception_test

import (
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hearthfps/hearth/pkg/tenant"
	"github.com/hearthfps/hearth/services/intake/reception"
	"github.com/hearthfps/hearth/services/intake/referral"
)

func TestImport_WeekComesToSixHundredReferralsAndAgainToNothing(t *testing.T) {
	r, db, ctx := desk(t)
	stream := week(t, "events.ndjson")
	first := count(imported(t, ctx, r, stream))
	t.Logf("first: %v", first)
	if got := total(t, ctx, db, "referral"); got != "600" {
		t.Errorf("%s referrals, want 600", got)
	}
	if n := first[referral.VerdictRefused]; n > 0 {
		t.Errorf("%d refused", n)
	}
	if waiting := column(t, ctx, db, `SELECT event_id FROM inbound_event WHERE status = 'waiting'`); len(waiting) > 0 {
		t.Errorf("still waiting: %v", waiting)
	}
	before, said := books(t, ctx, db), total(t, ctx, db, "outbox")
	again := count(imported(t, ctx, r, stream))
	if again[referral.VerdictAccepted]+again[referral.VerdictWaiting]+again[referral.VerdictRefused] != 0 || again[referral.VerdictConflict] != first[referral.VerdictConflict] {
		t.Errorf("again: %v", again)
	}
	if diff := cmp.Diff(before, books(t, ctx, db)); diff != "" || said != total(t, ctx, db, "outbox") {
		t.Errorf("the whole file again changed something:\n%s", diff)
	}
}

func TestTopic_WeekInAnotherOrderComesToTheSame(t *testing.T) {
	r, db, ctx := desk(t)
	stream := week(t, "events.ndjson")
	take := r.FromTopic(everything(t))
	for i, line := range reversed(stream) {
		if err := take(t.Context(), message(i, line)); err != nil {
			t.Fatalf("message %d: %v", i, err)
		}
	}
	if got := total(t, ctx, db, "referral"); got != "600" {
		t.Errorf("%s referrals, want 600", got)
	}
	if waiting := column(t, ctx, db, `SELECT event_id FROM inbound_event WHERE status = 'waiting'`); len(waiting) > 0 {
		t.Errorf("still waiting: %v", waiting)
	}
}

func everything(t testing.TB) func(string) (tenant.AgencyID, bool) {
	a, err := tenant.Parse("lakeland")
	if err != nil {
		t.Fatal(err)
	}
	return func(source string) (tenant.AgencyID, bool) { return a, strings.HasPrefix(source, "/systems/") }
}

func TestImport_EveryBadLineIsRefusedAndLeavesNothing(t *testing.T) {
	r, db, ctx := desk(t)
	bad := week(t, "bad.ndjson")
	verdicts := imported(t, ctx, r, bad)
	want := len(strings.Split(strings.TrimSpace(string(bad)), "\n"))
	if n := count(verdicts)[referral.VerdictRefused]; n != want {
		t.Errorf("%d of %d refused", n, want)
	}
	for i, v := range verdicts {
		if len(v.Problems) == 0 {
			t.Errorf("line %d: refused without a reason", i+1)
		}
	}
	if got := total(t, ctx, db, "inbound_event"); got != "0" {
		t.Errorf("%s events kept", got)
	}
}

func TestImport_ABadLineSpoilsNoNeighbour(t *testing.T) {
	r, db, ctx := desk(t)
	long := `{"x":"` + strings.Repeat("a", referral.MaxEvent+10) + `"}`
	stream := ndjson(submission("a"), "", `{"broken`, correction("c", "a", `{"urgency":"high"}`), long, submission("b"), "[]", submission("a"), withdrawal("w", "never"))
	var got []string
	lines := []int{}
	err := r.Import(ctx, strings.NewReader(string(stream)), func() {}, func(line int, v referral.Verdict) error {
		got, lines = append(got, string(v.Status)), append(lines, line)
		return nil
	}, func() error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"accepted", "refused", "accepted", "refused", "accepted", "refused", "duplicate", "waiting"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]int{1, 3, 4, 5, 6, 7, 8, 9}, lines); diff != "" {
		t.Error(diff)
	}
	if got := total(t, ctx, db, "referral"); got != "2" {
		t.Errorf("%s referrals", got)
	}
}

func TestReceive_AmendmentsInAnyOrderComeToTheSame(t *testing.T) {
	events := []string{
		submission("a"), correction("c1", "a", `{"urgency":"high","reporter":{"wants_feedback":false}}`), correction("c2", "c1", `{"narrative":"Corrected."}`),
		correction("c3", "a", `{"persons":[{"ref":"p1","role":"caregiver","name":{"given":["Ada"],"family":"Koskinen"},"birth_date":"1990-02-03"},{"ref":"p3","role":"child","name":{"given":["Cy"],"family":"Koskinen"}}],"concerns":[],"relationships":[],"household":{"members":["p1","p3"]}}`),
		submission("b"), withdrawal("w1", "b"), withdrawal("w2", "w1"), withdrawal("w3", "c2"), correction("bad", "a", `{"household":{"members":["p9"]}}`),
	}
	var want []string
	for shift := range events {
		r, db, ctx := desk(t)
		order := append(append([]string{}, events[shift:]...), events[:shift]...)
		if shift%2 == 1 {
			order = reversed(ndjson(order...))
		}
		imported(t, ctx, r, ndjson(append(order, order...)...))
		got := books(t, ctx, db)
		if want == nil {
			want = got
			if !strings.Contains(strings.Join(got, "\n"), "Koskinen") || len(got) < 11 {
				t.Fatalf("the events came to nothing:\n%s", strings.Join(got, "\n"))
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("order %d (-want +got):\n%s", shift, diff)
		}
	}
}

func TestReceive_OneAtATimeAndAtOnceComeToTheSame(t *testing.T) {
	r, db, ctx := desk(t)
	for _, e := range []string{correction("c2", "c1", `{"urgency":"low"}`), correction("c1", "a", `{"urgency":"high"}`), withdrawal("w", "a"), submission("a")} {
		if _, err := r.Receive(ctx, reception.ViaHTTP, []reception.Reading{r.Read(ctx, []byte(e))}); err != nil {
			t.Fatal(err)
		}
	}
	want := books(t, ctx, db)
	at, db2, ctx2 := desk(t)
	imported(t, ctx2, at, ndjson(submission("a"), correction("c1", "a", `{"urgency":"high"}`), correction("c2", "c1", `{"urgency":"low"}`), withdrawal("w", "a")))
	if diff := cmp.Diff(want, books(t, ctx2, db2)); diff != "" {
		t.Error(diff)
	}
}

// Submissions, corrections and re-sends meet in many transactions at once: none is
// lost, none waits for what is there, none is taken in twice.
func TestReceive_ManyAtOnceLoseNothing(t *testing.T) {
	r, db, ctx := desk(t)
	var all []string
	for _, id := range []string{"a", "b", "c", "d", "e", "f"} {
		all = append(all, submission(id), correction("c1"+id, id, `{"urgency":"high"}`), correction("c2"+id, "c1"+id, `{"narrative":"N"}`), withdrawal("w"+id, "c2"+id))
	}
	done := make(chan error)
	for worker := range 6 {
		go func() {
			for i := range all {
				e := all[(i*(worker*2+1)+worker*5)%len(all)]
				if _, err := r.Receive(ctx, reception.ViaHTTP, []reception.Reading{r.Read(ctx, []byte(e))}); err != nil {
					done <- err
					return
				}
			}
			done <- nil
		}()
	}
	for range 6 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	imported(t, ctx, r, ndjson(all...)) // whatever the strides left out
	if got := column(t, ctx, db, `SELECT event_id || ' ' || status FROM inbound_event WHERE status NOT IN ('applied', 'withdrawn')`); len(got) > 0 {
		t.Errorf("not applied: %v", got)
	}
	if got := total(t, ctx, db, "referral"); got != "6" {
		t.Errorf("%s referrals, want 6", got)
	}
	if got := total(t, ctx, db, "person"); got != "2" {
		t.Errorf("%s persons, want the same 2 in all", got)
	}
	if got := column(t, ctx, db, `SELECT DISTINCT urgency FROM referral`); cmp.Diff([]string{"high"}, got) != "" {
		t.Errorf("urgency %v", got)
	}
}

func TestTopic_KeepsWhatItRefusesOnceAndGoesOn(t *testing.T) {
	r, db, ctx := desk(t)
	take := r.FromTopic(everything(t))
	bad := strings.Replace(submission("a"), `"specversion":"1.0"`, `"specversion":"0.3"`, 1)
	for range 2 { // at least once
		if err := take(t.Context(), message(7, bad)); err != nil {
			t.Fatal(err)
		}
	}
	if err := take(t.Context(), message(8, submission("b"))); err != nil {
		t.Fatal(err)
	}
	got := column(t, ctx, db, `SELECT reason || ' ' || event_id || ' ' || origin || ' ' || problems FROM quarantined_event`)
	want := []string{`refused a referrals.inbound.v1/0/7 [{"pointer":"/specversion","code":"unsupported","detail":"specversion must be 1.0"}]`}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	nobody := strings.Replace(submission("c"), "/systems/school/one", "/elsewhere", 1)
	if err := take(context.Background(), message(9, nobody)); err == nil {
		t.Error("a message of no agency was taken in")
	}
}

func TestReceive_NoPersonalDataInEventsOfOurs(t *testing.T) {
	r, db, ctx := desk(t)
	imported(t, ctx, r, ndjson(submission("a"), correction("c", "a", `{"narrative":"Canary two"}`), withdrawal("w", "a")))
	said := strings.Join(column(t, ctx, db, `SELECT type || ' ' || subject || ' ' || key || ' ' || data FROM outbox`), "\n") +
		strings.Join(column(t, ctx, db, `SELECT subject || data FROM timer`), "\n")
	for _, canary := range []string{"Canary", "canary@example.org", "Koski", "Katu", "+358401234567", "1990-02-03", "Hungry"} {
		if strings.Contains(said, canary) {
			t.Errorf("%q is in an event: %s", canary, said)
		}
	}
	if !strings.Contains(said, "referral.received.v1") || !strings.Contains(said, "referral.withdrawn.v1") {
		t.Errorf("not all was said:\n%s", said)
	}
	for _, table := range []string{"inbound_event", "referral", "person", "referral_history"} {
		for _, row := range column(t, ctx, db, `SELECT x::text FROM `+table+` x`) {
			if strings.Contains(row, "canary@example.org") || strings.Contains(row, "Reporter") {
				t.Errorf("the reporter is in %s", table)
			}
		}
	}
}

func FuzzImport(f *testing.F) {
	r, db, ctx := desk(f)
	f.Add([]byte(ndjson(submission("a"), correction("c", "a", `{"urgency":"high"}`), "[]", "null")))
	f.Add([]byte("{}\n\n\n{"))
	f.Add([]byte(strings.Repeat("x", 70000) + "\n" + submission("a")))
	f.Fuzz(func(t *testing.T, in []byte) {
		lines := 0
		for _, line := range strings.Split(string(in), "\n") {
			if strings.TrimSpace(line) != "" {
				lines++
			}
		}
		answered := 0
		if err := r.Import(ctx, strings.NewReader(string(in)), func() {}, func(int, referral.Verdict) error { answered++; return nil }, func() error { return nil }); err != nil {
			t.Fatal(err)
		}
		if answered != lines {
			t.Fatalf("%d lines, %d verdicts", lines, answered)
		}
	})
	_ = db
}
