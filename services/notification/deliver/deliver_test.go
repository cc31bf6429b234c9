package deliver_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	specs "github.com/hearthfps/hearth/api-specs"
	"github.com/hearthfps/hearth/pkg/clock"
	"github.com/hearthfps/hearth/pkg/events"
	"github.com/hearthfps/hearth/pkg/fault"
	"github.com/hearthfps/hearth/pkg/policy"
	kit "github.com/hearthfps/hearth/pkg/postgres"
	"github.com/hearthfps/hearth/pkg/rules"
	"github.com/hearthfps/hearth/pkg/tenant"
	"github.com/hearthfps/hearth/pkg/testkit"
	"github.com/hearthfps/hearth/pkg/timers"
	"github.com/hearthfps/hearth/services/notification/channel"
	"github.com/hearthfps/hearth/services/notification/deliver"
	"github.com/hearthfps/hearth/services/notification/intake"
	"github.com/hearthfps/hearth/services/notification/message"
	"github.com/hearthfps/hearth/services/notification/postgres"
)

// Tuesday noon in Helsinki.
var start = time.Date(2026, 11, 24, 10, 0, 0, 0, time.UTC)

const (
	trace   = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	canary  = "aune.kanarialintu@example.org"
	caseID  = "019aa7b0-11f2-7a44-8a0e-5b8c0d9e1f22"
	visitID = "019aa7b0-2222-7a44-8a0e-5b8c0d9e1f22"
)

// asker answers for intake.
type asker struct {
	mu     sync.Mutex
	answer func() (message.Decision, error)
	asked  []intake.Question
}

func (a *asker) Decide(_ context.Context, q intake.Question) (message.Decision, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.asked = append(a.asked, q)
	return a.answer()
}

func (a *asker) say(f func() (message.Decision, error)) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.answer = f
}

func (a *asker) count() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.asked)
}

func yes() (message.Decision, error) {
	return message.Decision{Allowed: true, ReasonCode: "safe_contact", Address: message.Address{Channel: "email", Value: canary}, Language: "fi"}, nil
}

func no() (message.Decision, error) {
	return message.Decision{ReasonCode: "no_safe_contact"}, nil
}

func away() (message.Decision, error) {
	return message.Decision{}, fault.New(fault.Unavailable, "intake_unavailable", "Intake could not be asked.")
}

// carrier takes messages as told.
type carrier struct {
	mu    sync.Mutex
	fail  func() error // nil: takes all
	taken []channel.Outgoing
	tries int
}

func (c *carrier) Send(_ context.Context, o channel.Outgoing) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.tries++
	if c.fail != nil {
		if err := c.fail(); err != nil {
			return err
		}
	}
	c.taken = append(c.taken, o)
	return nil
}

func (c *carrier) sent() []channel.Outgoing {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]channel.Outgoing{}, c.taken...)
}

func (c *carrier) failing(f func() error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.fail = f
}

func (c *carrier) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.tries
}

// rig is delivery at work over a database of its own.
type rig struct {
	*deliver.Deliverer
	t       testing.TB
	db      *kit.DB
	url     string
	clock   *clock.Manual
	intake  *asker
	mail    *carrier
	ctx     context.Context // of the agency
	delays  message.Delivery
	logged  *safeBuffer
	passed  chan struct{}
	stopped func()
}

type safeBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *safeBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *safeBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

func newRig(t testing.TB, start time.Time) *rig {
	t.Helper()
	r := &rig{t: t, clock: clock.NewManual(start), intake: &asker{answer: yes}, mail: &carrier{}, logged: &safeBuffer{}, passed: make(chan struct{}, 1)}
	r.db, r.url = testkit.Database(t, postgres.Migrations, testkit.WithClock(r.clock))
	agency, err := tenant.Parse("lakeland")
	must(t, err)
	r.ctx = tenant.With(t.Context(), agency)
	ruleFiles, err := fs.Sub(specs.Rules, "rules")
	must(t, err)
	bundle, err := rules.LoadBundle(ruleFiles)
	must(t, err)
	templates, err := message.LoadTemplates(message.RuleFiles())
	must(t, err)
	r.delays, _, err = message.LoadDelivery(message.RuleFiles())
	must(t, err)
	r.Deliverer = deliver.New(deliver.Config{
		DB: r.db, Clock: r.clock, Agencies: bundle, Templates: templates, Rules: r.delays, Intake: r.intake,
		Providers: map[string]channel.Provider{"email": r.mail}, NewID: uuid.NewV7, Log: slog.New(slog.NewJSONHandler(r.logged, nil)),
	})
	return r
}

// run starts senders and timers; they end with the test, or with stopped.
func (r *rig) run() {
	r.t.Helper()
	engine, err := timers.New(timers.Config{Service: "notification", DB: r.db, Handlers: map[string]timers.Handler{deliver.TimerKind: r.Due, "lookout": r.lookout}, Log: slog.New(slog.DiscardHandler)})
	must(r.t, err)
	ctx, cancel := context.WithCancel(r.t.Context())
	var wait sync.WaitGroup
	wait.Go(func() {
		if err := r.Run(ctx); err != nil {
			r.t.Error(err)
		}
	})
	wait.Go(func() {
		if err := engine.Run(ctx); err != nil {
			r.t.Error(err)
		}
	})
	r.stopped = sync.OnceFunc(func() {
		cancel()
		wait.Wait()
	})
	r.t.Cleanup(r.stopped)
}

// polled waits until the timers that are due now have been looked at: one set
// after them, with the latest time, has fired.
func (r *rig) polled() {
	r.t.Helper()
	r.in(func(ctx context.Context, tx *kit.Tx) error {
		return timers.Set(ctx, tx, timers.Draft{Kind: "lookout", ID: "lookout", Subject: "lookout", DueAt: r.clock.Now(), Data: struct{}{}})
	})
	select {
	case <-r.passed:
	case <-time.After(15 * time.Second):
		r.t.Fatal("the timers are not looked at")
	}
}

func (r *rig) lookout(_ context.Context, tx *kit.Tx, _ timers.Timer) error {
	tx.AfterCommit(func() { r.passed <- struct{}{} })
	return nil
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (r *rig) in(fn func(ctx context.Context, tx *kit.Tx) error) {
	r.t.Helper()
	must(r.t, r.db.InTenant(r.ctx, fn))
}

func event(id string) events.Event {
	return events.Event{ID: id, Type: "org.hearth.visit-scheduling.visit.scheduled.v1", Key: caseID, Correlation: "the-referral-event", TraceParent: trace}
}

// reminder plans a reminder of a visit that starts after the given time.
func (r *rig) reminder(eventID string, in time.Duration) {
	r.t.Helper()
	r.in(func(ctx context.Context, tx *kit.Tx) error {
		zone, err := time.LoadLocation("Europe/Helsinki")
		if err != nil {
			return err
		}
		k := message.Knowledge{Now: r.clock.Now(), Zone: zone, Rules: r.delays}
		o := message.Occurrence{CaseID: caseID, VisitID: visitID, StartsAt: r.clock.Now().Add(in), Recipients: []string{"person-1"}}
		return r.Plan(ctx, tx, event(eventID), trace, message.VisitReminders(o, k))
	})
}

// assignment plans a message to a worker.
func (r *rig) assignment(eventID, worker string) {
	r.t.Helper()
	r.in(func(ctx context.Context, tx *kit.Tx) error {
		k := message.Knowledge{Now: r.clock.Now(), Zone: time.UTC, Rules: r.delays}
		return r.Plan(ctx, tx, event(eventID), trace, message.Assigned(message.Occurrence{CaseID: caseID, WorkerID: worker, Role: "lead"}, k))
	})
}

func (r *rig) register(worker string) {
	r.t.Helper()
	r.in(func(ctx context.Context, tx *kit.Tx) error {
		return postgres.PutWorkerContact(ctx, tx, message.Contact{WorkerID: worker, Email: worker + "@lakeland.example", Language: "sv", Version: 1})
	})
}

func (r *rig) messages() (list []message.Message) {
	r.t.Helper()
	r.in(func(ctx context.Context, tx *kit.Tx) (err error) {
		list, err = postgres.Messages(ctx, tx, postgres.Filter{Limit: 100})
		return err
	})
	return list
}

func (r *rig) tasks() (list []message.Task) {
	r.t.Helper()
	r.in(func(ctx context.Context, tx *kit.Tx) (err error) {
		list, err = postgres.Tasks(ctx, tx, postgres.Filter{Limit: 100})
		return err
	})
	return list
}

// published lists the waiting events: type and data.
func (r *rig) published() (out []string) {
	r.t.Helper()
	r.in(func(ctx context.Context, tx *kit.Tx) error {
		rows, err := tx.QueryxContext(ctx, `SELECT type, key, cause, correlation, traceparent, data FROM outbox ORDER BY seq`)
		if err != nil {
			return err
		}
		defer func() { must(r.t, rows.Close()) }()
		for rows.Next() {
			var kind, key, cause, correlation, traceparent, data string
			if err := rows.Scan(&kind, &key, &cause, &correlation, &traceparent, &data); err != nil {
				return err
			}
			if key != caseID || cause == "" || correlation != "the-referral-event" || !strings.Contains(traceparent, "0af7651916cd43dd8448eb211c80319c") {
				r.t.Errorf("%s: key %s, cause %s, correlation %s, trace %s", kind, key, cause, correlation, traceparent)
			}
			var fields map[string]string
			if err := json.Unmarshal([]byte(data), &fields); err != nil {
				return err
			}
			short := strings.TrimSuffix(strings.TrimPrefix(kind, "org.hearth.notification.message."), ".v1")
			out = append(out, strings.TrimRight(short+" "+fields["template"]+" "+fields["reason_code"], " "))
		}
		return rows.Err()
	})
	return out
}

// await waits until cond holds.
func (r *rig) await(what string, cond func() bool) {
	r.t.Helper()
	deadline := time.Now().Add(15 * time.Second)
	for !cond() {
		if time.Now().After(deadline) {
			r.t.Fatalf("waited for %s; messages %+v", what, r.messages())
		}
		time.Sleep(10 * time.Millisecond)
	}
}

func (r *rig) awaitState(want message.State) message.Message {
	r.t.Helper()
	r.await(string(want), func() bool { return r.messages()[0].State == want })
	return r.messages()[0]
}

// waiting says that the only message is pending, has been claimed n times and is due again later.
func (r *rig) waiting(n int64) func() bool {
	return func() bool {
		m := r.messages()[0]
		return m.State == message.Pending && m.Claims == n && m.DueAt.After(r.clock.Now())
	}
}

func TestReminder_GoesADayBeforeInTheFamilysLanguage(t *testing.T) {
	r := newRig(t, start)
	r.run()
	r.reminder("e1", 72*time.Hour)
	r.reminder("e1", 72*time.Hour) // the same event again
	r.clock.Advance(48*time.Hour - time.Minute)
	r.polled()
	if r.intake.count() != 0 || r.mail.count() != 0 {
		t.Fatal("reminded too early")
	}
	r.clock.Advance(time.Minute)
	m := r.awaitState(message.Sent)
	sent := r.mail.sent()
	if len(sent) != 1 || sent[0].To != canary || sent[0].ID != string(m.ID) || sent[0].Language != "fi" || !strings.Contains(sent[0].Body, "perjantaina 27.11.2026 klo 12.00") || !strings.Contains(sent[0].Body, "Lakeland") {
		t.Errorf("sent %#v", sent)
	}
	if diff := cmp.Diff([]intake.Question{{PersonID: "person-1", Purpose: "visit_reminder"}}, r.intake.asked); diff != "" {
		t.Errorf("asked intake (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"sent visit_reminder"}, r.published()); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
	if len(r.messages()) != 1 || len(r.tasks()) != 0 {
		t.Errorf("%d messages, %d tasks", len(r.messages()), len(r.tasks()))
	}
}

func TestReminder_RefusedIsWithheldWithATask(t *testing.T) {
	r := newRig(t, start)
	r.intake.say(no)
	r.run()
	r.reminder("e1", 2*time.Hour)
	m := r.awaitState(message.Withheld)
	tasks := r.tasks()
	if m.ReasonCode != "no_safe_contact" || r.mail.count() != 0 || len(tasks) != 1 || tasks[0].MessageID != m.ID || tasks[0].CaseID != caseID {
		t.Errorf("got %+v, %d tries, tasks %+v", m, r.mail.count(), tasks)
	}
	if diff := cmp.Diff([]string{"withheld visit_reminder no_safe_contact"}, r.published()); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}

func TestReminder_WhileIntakeIsAwayNothingIsSent(t *testing.T) {
	r := newRig(t, start)
	r.intake.say(away)
	r.run()
	r.reminder("e1", 2*time.Hour)
	for i := range int64(3) {
		r.await("another question", r.waiting(i+1))
		r.clock.Set(r.messages()[0].DueAt)
	}
	r.intake.say(yes)
	r.await("the send", func() bool {
		m := r.messages()[0]
		if m.State == message.Pending && m.DueAt.After(r.clock.Now()) {
			r.clock.Set(m.DueAt)
		}
		return m.State == message.Sent
	})
	if got := r.messages()[0]; r.mail.count() != 1 || got.Attempts != 1 || got.Asks < 3 {
		t.Errorf("tried %d times, message %+v", r.mail.count(), got)
	}
}

func TestReminder_IntakeAwayUntilTheVisitEndsAsATask(t *testing.T) {
	r := newRig(t, start)
	r.intake.say(away)
	r.run()
	r.reminder("e1", 90*time.Minute)
	r.await("the first question", r.waiting(1))
	r.clock.Advance(90 * time.Minute)
	m := r.awaitState(message.Failed)
	if m.ReasonCode != message.ReasonExpired || r.mail.count() != 0 || len(r.tasks()) != 1 {
		t.Errorf("got %+v, %d tries, %d tasks", m, r.mail.count(), len(r.tasks()))
	}
}

func TestReminder_NotAtNightWhenItComesLate(t *testing.T) {
	r := newRig(t, start)
	r.reminder("e1", 30*time.Hour) // due at 16:00 UTC, 18:00 in Helsinki
	r.clock.Advance(9 * time.Hour) // nothing ran until 21:00 in Helsinki
	r.run()
	morning := time.Date(2026, 11, 25, 6, 0, 0, 0, time.UTC)
	r.await("postponement to the morning", func() bool { return r.messages()[0].DueAt.Equal(morning) })
	if r.intake.count() != 0 {
		t.Error("asked for an address at night")
	}
	r.clock.Set(morning)
	r.awaitState(message.Sent)
}

func TestReminder_OfAVisitMadeAtNightForTheMorningIsATask(t *testing.T) {
	r := newRig(t, time.Date(2026, 11, 24, 22, 0, 0, 0, time.UTC)) // midnight in Helsinki
	r.run()
	r.reminder("e1", 8*time.Hour+30*time.Minute) // 08:30
	m := r.messages()[0]
	if m.State != message.Withheld || m.ReasonCode != message.ReasonNoAllowedTime || len(r.tasks()) != 1 {
		t.Errorf("got %+v, %d tasks", m, len(r.tasks()))
	}
}

func TestReminder_CancelledOrMovedDoesNotGo(t *testing.T) {
	r := newRig(t, start)
	r.run()
	r.reminder("e1", 48*time.Hour)
	r.in(func(ctx context.Context, tx *kit.Tx) error {
		return r.CancelReminders(ctx, tx, visitID, message.ReasonRescheduled)
	})
	r.reminder("e2", 49*time.Hour)
	r.clock.Advance(25 * time.Hour)
	r.await("the reminder of the new time", func() bool { return r.mail.count() == 1 })
	r.await("its record", func() bool { return r.messages()[0].State == message.Sent })
	states := map[string]message.State{}
	for _, m := range r.messages() {
		states[m.AboutEvent] = m.State
	}
	if diff := cmp.Diff(map[string]message.State{"e1": message.Cancelled, "e2": message.Sent}, states); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if len(r.tasks()) != 0 {
		t.Error("a cancelled reminder made a task")
	}
}

func TestDelivery_RetriesThenFailsWithATask(t *testing.T) {
	r := newRig(t, start)
	r.mail.failing(func() error { return &channel.Error{Code: "smtp_451"} })
	r.register("worker-1")
	r.run()
	r.assignment("e1", "worker-1")
	for i := range r.delays.RetryAfter {
		r.await("another try", r.waiting(int64(i+1)))
		r.clock.Set(r.messages()[0].DueAt)
	}
	m := r.awaitState(message.Failed)
	if m.ReasonCode != message.ReasonExhausted || m.Attempts != len(r.delays.RetryAfter)+1 || r.mail.count() != m.Attempts || len(r.tasks()) != 1 {
		t.Errorf("got %+v after %d tries", m, r.mail.count())
	}
	if diff := cmp.Diff([]string{"failed assignment attempts_exhausted"}, r.published()); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}

func TestDelivery_AProvidersNoForGoodIsNotRepeated(t *testing.T) {
	r := newRig(t, start)
	r.mail.failing(func() error { return &channel.Error{Code: "smtp_550", Permanent: true} })
	r.register("worker-1")
	r.run()
	r.assignment("e1", "worker-1")
	m := r.awaitState(message.Failed)
	if m.ReasonCode != message.ReasonRejected || r.mail.count() != 1 || len(r.tasks()) != 1 {
		t.Errorf("got %+v after %d tries", m, r.mail.count())
	}
}

func TestDelivery_AWorkerWithoutAContactIsATask(t *testing.T) {
	r := newRig(t, start)
	r.run()
	r.assignment("e1", "nobody")
	if m := r.awaitState(message.Withheld); m.ReasonCode != message.ReasonNoContact {
		t.Errorf("got %+v", m)
	}
	r.in(func(ctx context.Context, tx *kit.Tx) error {
		return postgres.PutWorkerContact(ctx, tx, message.Contact{WorkerID: "sms-only", Phone: "+358401234567", Language: "fi", Version: 1})
	})
	r.assignment("e2", "sms-only")
	if m := r.awaitState(message.Withheld); m.ReasonCode != message.ReasonNoChannel {
		t.Errorf("no provider for SMS: got %+v", m)
	}
}

func TestDelivery_NothingGoesToWhoWasExcludedSince(t *testing.T) {
	r := newRig(t, start)
	r.run()
	r.register("worker-1")
	r.in(func(ctx context.Context, tx *kit.Tx) error { return policy.ExcludeWorker(ctx, tx, caseID, "worker-1") })
	r.assignment("e1", "worker-1")
	m := r.awaitState(message.Withheld)
	if m.ReasonCode != message.ReasonExcluded || r.mail.count() != 0 || len(r.tasks()) != 1 {
		t.Errorf("%s, %d tries, %d tasks", m.ReasonCode, r.mail.count(), len(r.tasks()))
	}
}

func TestDelivery_WorkersGetTheirLanguageAndTheDutyTeamItsEntry(t *testing.T) {
	r := newRig(t, start)
	r.register("worker-1")
	r.run()
	r.assignment("e1", "worker-1")
	r.awaitState(message.Sent)
	r.in(func(ctx context.Context, tx *kit.Tx) error {
		k := message.Knowledge{Now: r.clock.Now(), Zone: time.UTC, Rules: r.delays}
		return r.Plan(ctx, tx, event("e2"), trace, message.Urgent(message.Occurrence{Urgent: true, ReferralID: caseID, Priority: "immediate", DueAt: start}, k))
	})
	r.awaitState(message.Sent)
	sent := r.mail.sent()
	if len(sent) != 2 || sent[0].To != "worker-1@lakeland.example" || sent[0].Language != "sv" || !strings.Contains(sent[0].Body, "ansvarig arbetstagare") ||
		sent[1].To != "duty@lakeland.example" || sent[1].Language != "en" {
		t.Errorf("sent %#v", sent)
	}
	if m := r.messages()[0]; m.Recipient != "duty_team.email" {
		t.Errorf("the duty team is kept as %s", m.Recipient)
	}
}

// A process that dies after the provider's yes and before its record: another
// comes up, sends once more under the same id, and records it.
func TestDelivery_ADeathBetweenSendAndRecordSendsOnceMoreUnderTheSameID(t *testing.T) {
	r := newRig(t, start)
	r.register("worker-1")
	r.assignment("e1", "worker-1")
	// The first process: its timer claims the message, and it dies with the send
	// done and no record made.
	var claimed message.Message
	r.in(func(ctx context.Context, tx *kit.Tx) error {
		m, err := postgres.LockMessage(ctx, tx, r.onlyMessage(ctx, tx))
		if err != nil {
			return err
		}
		return r.Due(ctx, tx, timers.Timer{Kind: deliver.TimerKind, ID: string(m.ID)})
	})
	claimed = r.messages()[0]
	must(t, r.mail.Send(t.Context(), channel.Outgoing{ID: string(claimed.ID)}))

	// The second: a deliverer of its own over the same database.
	next := *r
	next.Deliverer = deliver.New(r.Config)
	next.run()
	r.polled()
	if r.mail.count() != 1 {
		t.Fatal("sent again while the claim held")
	}
	r.clock.Advance(r.delays.Claim)
	r.awaitState(message.Sent)
	sent := r.mail.sent()
	if len(sent) != 2 || sent[0].ID != sent[1].ID {
		t.Errorf("sent %v", sent)
	}
	if got := r.messages()[0]; got.Claims != 2 || len(r.published()) != 1 {
		t.Errorf("claimed %d times, published %v", got.Claims, r.published())
	}
}

func (r *rig) onlyMessage(ctx context.Context, tx *kit.Tx) message.MessageID {
	r.t.Helper()
	list, err := postgres.Messages(ctx, tx, postgres.Filter{Limit: 2})
	must(r.t, err)
	if len(list) != 1 {
		r.t.Fatalf("there are %d messages", len(list))
	}
	return list[0].ID
}

// A family's address is nowhere after the send: not in any row of any table, and not in the log.
func TestDelivery_AnAddressIsNowhereAfterTheSend(t *testing.T) {
	r := newRig(t, start)
	fails := 2
	r.mail.failing(func() error {
		if fails--; fails >= 0 {
			return errors.Join(&channel.Error{Code: "smtp_451"})
		}
		return nil
	})
	r.run()
	r.reminder("e1", 5*time.Hour)
	for i := range int64(2) {
		r.await("another try", r.waiting(i+1))
		r.clock.Set(r.messages()[0].DueAt)
	}
	r.awaitState(message.Sent)
	if r.mail.sent()[0].To != canary {
		t.Fatal("the canary was not the address")
	}
	r.stopped()
	if !strings.Contains(r.logged.String(), "message not sent") {
		t.Error("the log does not tell of the failed tries: this test looks at nothing")
	}
	if strings.Contains(r.logged.String(), "kanarialintu") {
		t.Errorf("logged: %s", r.logged.String())
	}
	r.in(func(ctx context.Context, tx *kit.Tx) error {
		var tables []string
		if err := tx.SelectContext(ctx, &tables, `SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND relname NOT LIKE 'hearth%' ORDER BY 1`); err != nil {
			return err
		}
		rows := 0
		for _, table := range tables {
			var found []string
			if err := tx.SelectContext(ctx, &found, fmt.Sprintf(`SELECT t::text FROM %q t`, table)); err != nil {
				return err
			}
			rows += len(found)
			for _, row := range found {
				if strings.Contains(row, "kanarialintu") {
					t.Errorf("%s keeps the address: %s", table, row)
				}
			}
		}
		if rows == 0 {
			t.Error("no row was looked at")
		}
		return nil
	})
}
