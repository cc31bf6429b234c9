package notification_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	smtpmock "github.com/mocktools/go-smtp-mock/v2"

	"github.com/hearthfps/hearth/pkg/app/apptest"
	"github.com/hearthfps/hearth/pkg/auth"
	"github.com/hearthfps/hearth/pkg/events"
	"github.com/hearthfps/hearth/pkg/httpapi/apitest"
	kit "github.com/hearthfps/hearth/pkg/postgres"
	"github.com/hearthfps/hearth/services/notification"
	"github.com/hearthfps/hearth/services/notification/api"
	"github.com/hearthfps/hearth/services/notification/channel"
)

const (
	caseID     = "0192f49f-22b0-7c41-9d3a-5b8e6f7a0c21"
	referralID = "0192f49d-4c10-7d35-b2f4-6e8a9c0b1d11"
	visitID    = "0192f4c0-1d00-5a10-8b2c-1f2e3d4c5b01"
	parent     = "0192f49e-7f00-7b62-8d20-9a8b7c6d5e65"
	traceID    = "0af7651916cd43dd8448eb211c80319c"
	canary     = "aune.kanarialintu@example.org"
)

// contacts answers POST /intake/v1/contact-decisions as told, by whom it is about.
type contacts struct {
	mu      sync.Mutex
	answers map[string]string // person or referral id → answer; "" is 503
	asked   int
}

func (c *contacts) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var q struct {
		PersonID   string `json:"person_id"`
		ReferralID string `json:"referral_id"`
	}
	if err := json.NewDecoder(r.Body).Decode(&q); err != nil || !strings.HasPrefix(r.Header.Get("Authorization"), "Bearer ") {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.asked++
	answer := c.answers[q.PersonID+q.ReferralID]
	if answer == "" {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write([]byte(answer))
}

func (c *contacts) set(id, answer string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.answers[id] = answer
}

func (c *contacts) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.asked
}

const (
	allowed = `{"allowed":true,"reason_code":"safe_contact","contact_kind":"email","contact_value":"` + canary + `","language":"sv","expires_at":"2030-01-01T00:00:00Z"}`
	refused = `{"allowed":false,"reason_code":"domestic_violence_no_safe_contact","expires_at":"2030-01-01T00:00:00Z"}`
)

// office is the service running, with an inbox for its mail and a stand-in for intake.
type office struct {
	*apptest.Harness
	inbox  *channel.Inbox
	intake *contacts
}

func open(t *testing.T, options ...apptest.Option) office {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "inbox")
	inbox, err := channel.NewInbox(dir)
	if err != nil {
		t.Fatal(err)
	}
	intake := &contacts{answers: map[string]string{}}
	options = append([]apptest.Option{apptest.Peer("intake", intake), apptest.Settings(map[string]any{"inbox_dir": dir})}, options...)
	return office{apptest.Start(t, notification.Service(), options...), inbox, intake}
}

func (o office) letters() []channel.Letter {
	o.T.Helper()
	letters, err := o.inbox.Letters(100)
	if err != nil {
		o.T.Fatal(err)
	}
	return letters
}

// told is who got what: "subject → address", sorted.
func (o office) told() []string {
	o.T.Helper()
	out := []string{}
	for _, l := range o.letters() {
		out = append(out, l.Subject+" → "+l.To)
	}
	slices.Sort(out)
	return out
}

func (o office) register(workers ...string) {
	o.T.Helper()
	for _, w := range workers {
		o.As(auth.RoleFamilyWorker, w).Put("/notifications/v1/workers/"+w+"/contact", map[string]any{"email": w + "@lakeland.example", "language": "en"}).Want(200)
	}
}

// openCase tells of a case with worker-1 and supervisor-1, in a trace of its own.
func (o office) openCase() {
	o.T.Helper()
	opened := o.Happened("org.hearth.intake.case.opened.v1", caseID, caseID, map[string]any{
		"case_id": caseID, "referral_id": referralID, "household_id": "h-1", "program": "perhetyo", "program_version": "2026.1",
		"persons": []map[string]any{{"person_id": parent, "role": "caregiver"}}, "languages": []string{"sv"}, "safety_flags": []string{},
		"concern_codes": []string{"neglect"}, "priority": "within_10_days", "opened_by": "intake-1", "opened_at": o.Clock.Now(),
	})
	opened.TraceParent = "00-" + traceID + "-b7ad6b7169203331-01"
	o.Publish(opened)
	o.Settle() // topics have no order between them
	o.Tell("org.hearth.planning.case.assigned.v1", caseID, caseID, map[string]any{
		"case_id": caseID, "worker_id": "worker-1", "supervisor_id": "supervisor-1", "role": "lead", "assigned_by": "supervisor-1", "assigned_at": o.Clock.Now(),
	})
}

func (o office) visit(kind string, starts time.Time, more map[string]any) events.Event {
	o.T.Helper()
	data := map[string]any{
		"visit_id": visitID, "series_id": "s-1", "case_id": caseID, "starts_at": starts, "ends_at": starts.Add(90 * time.Minute),
		"workers": []string{"worker-1"}, "place": "home", "recipients": []string{parent},
	}
	for k, v := range more {
		data[k] = v
	}
	return o.Happened("org.hearth.visit-scheduling.visit."+kind+".v1", visitID, caseID, data)
}

func (o office) waitTold(want ...string) {
	o.T.Helper()
	slices.Sort(want)
	o.Wait(fmt.Sprintf("%q", want), func() bool { return len(o.told()) >= len(want) })
	o.Settle()
	if diff := cmp.Diff(want, o.told()); diff != "" {
		o.T.Errorf("told (-want +got):\n%s", diff)
	}
}

func TestEvents_BecomeMessagesOnce(t *testing.T) {
	o := open(t)
	o.register("worker-1", "supervisor-1")
	o.openCase()
	now := o.Clock.Now()
	for _, e := range []events.Event{
		o.Happened("org.hearth.intake.referral.prioritised.v1", referralID, referralID, map[string]any{
			"referral_id": referralID, "priority": "immediate", "rule_name": "r", "rule_version": "1", "overridden": false, "urgent": true, "due_at": now,
		}),
		o.Happened("org.hearth.intake.referral.prioritised.v1", "r-2", "r-2", map[string]any{
			"referral_id": "r-2", "priority": "routine", "rule_name": "r", "rule_version": "1", "overridden": false, "urgent": false, "due_at": now,
		}),
		o.Happened("org.hearth.intake.clock.expired.v1", "clock-1", referralID, map[string]any{"clock_id": "clock-1", "clock": "take_up", "referral_id": referralID, "due_at": now}),
		o.Happened("org.hearth.intake.clock.expired.v1", "clock-2", caseID, map[string]any{"clock_id": "clock-2", "clock": "fi_assessment_start", "referral_id": referralID, "case_id": caseID, "due_at": now}),
		o.Happened("org.hearth.planning.plan.submitted.v1", "p-1", caseID, map[string]any{"plan_id": "p-1", "version": 1, "case_id": caseID, "author": "worker-1", "supervisor_id": "supervisor-1"}),
		o.Happened("org.hearth.planning.plan.returned.v1", "p-1", caseID, map[string]any{"plan_id": "p-1", "version": 1, "case_id": caseID, "reason_code": "goals_unclear", "returned_by": "supervisor-1"}),
		o.Happened("org.hearth.visit-scheduling.visit.checkout_missed.v1", visitID, caseID, map[string]any{"visit_id": visitID, "case_id": caseID, "workers": []string{"worker-1"}, "expected_at": now}),
	} {
		o.Settle() // the supervisor and worker must be known first: they come on another topic
		o.Publish(e, e)
	}
	want := []string{
		"Urgent referral waits for you → duty@lakeland.example",
		"A deadline has passed → duty@lakeland.example",
		"A deadline has passed → supervisor-1@lakeland.example",
		"You have a new assignment → worker-1@lakeland.example",
		"A plan waits for your decision → supervisor-1@lakeland.example",
		"A plan has been returned to you → worker-1@lakeland.example",
		"A check-out is missing → worker-1@lakeland.example",
		"A check-out is missing → supervisor-1@lakeland.example",
	}
	o.waitTold(want...)
	if got := o.WaitEvents("org.hearth.notification.message.sent.v1", len(want)); len(got) != len(want) {
		t.Errorf("%d events for %d messages", len(got), len(want))
	}
	page := apitest.Read[api.MessagePage](o.As(auth.RoleSupervisor, "supervisor-1").Get("/notifications/v1/messages").Want(200))
	if len(page.Items) != len(want) {
		t.Errorf("listed %d messages, want %d", len(page.Items), len(want))
	}
}

func TestVisit_IsRemindedOfInItsTraceAndSurvivesARestart(t *testing.T) {
	o := open(t)
	o.intake.set(parent, allowed)
	o.register("worker-1", "supervisor-1")
	o.openCase()
	o.waitTold("You have a new assignment → worker-1@lakeland.example")
	starts := o.Clock.Now().Add(96 * time.Hour)
	scheduled := o.visit("scheduled", starts, nil)
	o.Publish(scheduled, scheduled)
	o.Settle()
	// Moved by two hours: the reminder moves with it.
	o.Publish(o.visit("rescheduled", starts.Add(2*time.Hour), map[string]any{"previous_starts_at": starts, "previous_workers": []string{"supervisor-1"}}))
	changed := []string{
		"You have a new assignment → worker-1@lakeland.example", "A visit of yours has changed → worker-1@lakeland.example",
		"A visit is no longer yours → supervisor-1@lakeland.example", "Ditt möte har ändrats → " + canary,
	}
	o.waitTold(slices.Clone(changed)...)
	asked := o.intake.count()
	o.Restart()
	o.Advance(72*time.Hour + time.Minute) // a minute past the first time's reminder
	o.Settle()
	if o.intake.count() != asked {
		t.Error("reminded of the time the visit no longer has")
	}
	o.Advance(2 * time.Hour)
	o.waitTold(append(changed, "Påminnelse om ditt möte → "+canary)...)
	var reminder events.Event
	o.Wait("the reminder's event", func() bool {
		for _, e := range o.Events() {
			if strings.Contains(string(e.Data), "visit_reminder") {
				reminder = e
				return true
			}
		}
		return false
	})
	if !strings.Contains(reminder.TraceParent, traceID) || reminder.Key != caseID || reminder.Cause == "" {
		t.Errorf("the reminder's event is %+v", reminder)
	}
	if strings.Contains(o.Logs(), "kanarialintu") {
		t.Error("the log holds a family's address")
	}
	for _, e := range o.Events() {
		if strings.Contains(string(e.Data), "kanarialintu") {
			t.Errorf("an event holds a family's address: %s", e.Data)
		}
	}
	messages := o.As(auth.RoleSupervisor, "supervisor-1").Get("/notifications/v1/messages?template=visit_reminder").Want(200)
	if strings.Contains(string(messages.Body), "kanarialintu") {
		t.Error("the list of messages holds a family's address")
	}
	states := map[api.MessageState]int{}
	for _, m := range apitest.Read[api.MessagePage](messages).Items {
		states[m.State]++
	}
	if diff := cmp.Diff(map[api.MessageState]int{"sent": 1, "cancelled": 1}, states); diff != "" {
		t.Errorf("reminders (-want +got):\n%s", diff)
	}
}

func TestVisit_CancelledOrOfAClosedCaseIsNotRemindedOf(t *testing.T) {
	o := open(t)
	o.intake.set(parent, allowed)
	o.register("worker-1")
	o.openCase()
	o.waitTold("You have a new assignment → worker-1@lakeland.example")
	starts := o.Clock.Now().Add(96 * time.Hour)
	o.Publish(o.visit("scheduled", starts, nil))
	o.Publish(o.Happened("org.hearth.visit-scheduling.visit.cancelled.v1", visitID, caseID, map[string]any{
		"visit_id": visitID, "series_id": "s-1", "case_id": caseID, "side": "family", "reason_code": "family_ill",
	}))
	o.Publish(o.visit("scheduled", starts.Add(24*time.Hour), map[string]any{"visit_id": "visit-2"}))
	o.Settle()
	o.Tell("org.hearth.planning.case.closed.v1", caseID, caseID, map[string]any{"case_id": caseID, "reason_code": "goals_met", "closed_by": "supervisor-1", "closed_at": o.Clock.Now()})
	o.Settle()
	o.Advance(120 * time.Hour)
	o.Settle()
	supervisor := o.As(auth.RoleSupervisor, "supervisor-1")
	page := apitest.Read[api.MessagePage](supervisor.Get("/notifications/v1/messages?state=cancelled").Want(200))
	if len(page.Items) != 2 || o.intake.count() != 0 {
		t.Errorf("%d reminders were cancelled, intake was asked %d times", len(page.Items), o.intake.count())
	}
	if tasks := apitest.Read[api.TaskPage](supervisor.Get("/notifications/v1/tasks").Want(200)); len(tasks.Items) != 0 {
		t.Errorf("cancelled reminders made tasks: %+v", tasks.Items)
	}
}

func TestRefusal_BecomesATaskForThoseWhoMayKnowOfTheCase(t *testing.T) {
	o := open(t)
	o.intake.set(parent, refused)
	o.register("worker-1", "supervisor-1")
	o.openCase()
	o.waitTold("You have a new assignment → worker-1@lakeland.example")
	o.Publish(o.visit("scheduled", o.Clock.Now().Add(5*time.Hour), nil))
	withheld := o.WaitEvent("org.hearth.notification.message.withheld.v1", "")
	var data struct {
		TaskID string `json:"task_id"`
		Reason string `json:"reason_code"`
	}
	if err := withheld.Decode(&data); err != nil || data.Reason != "domestic_violence_no_safe_contact" {
		t.Errorf("withheld: %s (%v)", withheld.Data, err)
	}
	path := "/notifications/v1/tasks/" + data.TaskID
	// Working on another case gives nothing of this one.
	o.Tell("org.hearth.planning.case.assigned.v1", "another-case", "another-case", map[string]any{
		"case_id": "another-case", "worker_id": "worker-2", "supervisor_id": "supervisor-2", "role": "lead", "assigned_by": "supervisor-1", "assigned_at": o.Clock.Now(),
	})
	o.Settle()
	for _, stranger := range []*apitest.Client{o.As(auth.RoleFamilyWorker, "worker-2"), o.Client(auth.Principal{Agency: apptest.Northshore(t), Roles: []string{auth.RoleSupervisor}, WorkerID: "supervisor-1"})} {
		stranger.Get(path).Want(404)
		stranger.Post(path+":complete", map[string]string{"outcome_code": "not_needed"}, apitest.IfMatch(`"1"`)).Want(404)
		if page := apitest.Read[api.TaskPage](stranger.Get("/notifications/v1/tasks?case_id=" + caseID).Want(200)); len(page.Items) != 0 {
			t.Errorf("a stranger lists %d tasks", len(page.Items))
		}
		if page := apitest.Read[api.MessagePage](stranger.Get("/notifications/v1/messages?case_id=" + caseID).Want(200)); len(page.Items) != 0 {
			t.Errorf("a stranger lists %d messages", len(page.Items))
		}
	}
	worker := o.As(auth.RoleFamilyWorker, "worker-1")
	if page := apitest.Read[api.TaskPage](worker.Get("/notifications/v1/tasks?case_id=" + caseID).Want(200)); len(page.Items) != 1 {
		t.Errorf("the case's worker lists %d tasks", len(page.Items))
	}
	etag := worker.Get(path).Want(200).ETag()
	worker.Post(path+":complete", map[string]string{"outcome_code": "reached_otherwise"}).WantProblem(428, "if_match_missing")
	worker.Post(path+":complete", map[string]string{"outcome_code": "forgot"}, apitest.IfMatch(etag)).WantProblem(400, "invalid_request")
	done := worker.Post(path+":complete", map[string]string{"outcome_code": "reached_otherwise"}, apitest.IfMatch(etag), apitest.Key("k1")).Want(200)
	if again := worker.Post(path+":complete", map[string]string{"outcome_code": "reached_otherwise"}, apitest.IfMatch(etag), apitest.Key("k1")).Want(200); string(again.Body) != string(done.Body) {
		t.Errorf("the same request again: got %s, want %s", again.Body, done.Body)
	}
	worker.Post(path+":complete", map[string]string{"outcome_code": "not_needed"}, apitest.IfMatch(etag)).WantProblem(412, "version_changed")
	if page := apitest.Read[api.TaskPage](worker.Get("/notifications/v1/tasks").Want(200)); len(page.Items) != 0 {
		t.Errorf("%d tasks are open still", len(page.Items))
	}
	if slices.ContainsFunc(o.told(), func(s string) bool { return strings.Contains(s, "Påminnelse") }) {
		t.Error("a refused reminder was sent")
	}
	worker.Get("/notifications/v1/messages").Want(200)
	o.InTenant(func(ctx context.Context, tx *kit.Tx) error {
		var seen []string
		err := tx.SelectContext(ctx, &seen, `SELECT DISTINCT resource_type FROM audit WHERE actor = 'worker-1' AND action = 'list' ORDER BY 1`)
		if diff := cmp.Diff([]string{"message", "task"}, seen); diff != "" {
			t.Errorf("lists that left an audit row: %s", diff)
		}
		return err
	})
}

func TestReporter_HearsBackByTheirOwnContact(t *testing.T) {
	o := open(t)
	o.intake.set(referralID, allowed)
	o.Tell("org.hearth.intake.referral.feedback_due.v1", referralID, referralID, map[string]any{"referral_id": referralID, "status": "screened_in"})
	o.waitTold("Tack för ditt meddelande → " + canary)
}

func TestMail_GoesBySMTP(t *testing.T) {
	server := smtpmock.New(smtpmock.ConfigurationAttr{})
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Stop(); err != nil {
			t.Error(err)
		}
	})
	o := open(t, apptest.Settings(map[string]any{"smtp": map[string]any{"host": "127.0.0.1", "port": server.PortNumber(), "tls": "none", "from": "Lakeland <post@lakeland.example>"}}))
	o.Tell("org.hearth.intake.clock.expired.v1", "clock-1", referralID, map[string]any{"clock_id": "clock-1", "clock": "take_up", "referral_id": referralID, "due_at": o.Clock.Now()})
	sent := o.WaitEvent("org.hearth.notification.message.sent.v1", "")
	messages, err := server.WaitForMessages(1, 5*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	if text := messages[0].MsgRequest(); !strings.Contains(text, "Message-ID: <"+sent.Subject+"@lakeland.example>") || !strings.Contains(text, "taking the referral up") {
		t.Errorf("sent %s", text)
	}
}

func TestWorkerContact_WhoMayRegisterAndHow(t *testing.T) {
	o := open(t)
	path := "/notifications/v1/workers/worker-1/contact"
	own := o.As(auth.RoleFamilyWorker, "worker-1")
	own.Get(path).WantProblem(404, "contact_not_found")
	first := own.Put(path, map[string]any{"email": "worker-1@lakeland.example", "language": "fi"}).Want(200)
	again := own.Put(path, map[string]any{"email": "worker-1@lakeland.example", "language": "fi"}).Want(200)
	if first.ETag() != again.ETag() {
		t.Errorf("the same contact again became version %s after %s", again.ETag(), first.ETag())
	}
	own.Put(path, map[string]any{"phone": "+358401234567", "language": "fi"}).WantProblem(428, "if_match_missing")
	second := own.Put(path, map[string]any{"phone": "+358401234567", "language": "fi"}, apitest.IfMatch(first.ETag())).Want(200)
	own.Put(path, map[string]any{"phone": "+358409999999", "language": "fi"}, apitest.IfMatch(first.ETag())).WantProblem(412, "version_changed")
	if got := apitest.Read[api.WorkerContact](own.Get(path).Want(200)); got.Email != nil || *got.Phone != "+358401234567" || second.ETag() != `"2"` {
		t.Errorf("got %+v, %s", got, second.ETag())
	}
	o.As(auth.RoleFamilyWorker, "worker-2").Put(path, map[string]any{"email": "x@example.org", "language": "fi"}, apitest.IfMatch(second.ETag())).WantProblem(403, "not_allowed")
	own.Put(path, map[string]any{"language": "fi"}, apitest.IfMatch(second.ETag())).WantProblem(422, "contact_incomplete")
	own.Put(path, map[string]any{"email": "a@example.org", "language": "fi", "prefers": "sms"}, apitest.IfMatch(second.ETag())).WantProblem(422, "contact_incomplete")
	own.Put(path, map[string]any{"phone": "040 1234567", "language": "fi"}).WantProblem(400, "invalid_request")
	o.Client(auth.Principal{Agency: apptest.Northshore(t), Roles: []string{auth.RoleSupervisor}, WorkerID: "supervisor-1"}).Get(path).WantProblem(404, "contact_not_found")
	if templates := apitest.Read[api.Templates](own.Get("/notifications/v1/templates").Want(200)); len(templates.Items) != 13 || templates.Hash == "" {
		t.Errorf("got %+v", templates)
	}
}

func TestMessages_ArePaged(t *testing.T) {
	o := open(t)
	o.register("worker-1", "supervisor-1")
	o.openCase()
	for i := range 5 {
		o.Tell("org.hearth.planning.plan.submitted.v1", fmt.Sprint("p-", i), caseID, map[string]any{"plan_id": fmt.Sprint("p-", i), "version": 1, "case_id": caseID, "author": "worker-1", "supervisor_id": "supervisor-1"})
	}
	o.WaitEvents("org.hearth.notification.message.sent.v1", 6)
	boss := o.As(auth.RoleSupervisor, "supervisor-1")
	seen := map[string]bool{}
	query, pages := "?limit=4", 0
	for query != "" {
		page := apitest.Read[api.MessagePage](boss.Get("/notifications/v1/messages" + query).Want(200))
		for _, m := range page.Items {
			seen[m.MessageId.String()] = true
			boss.Get("/notifications/v1/messages/" + m.MessageId.String()).Want(200)
		}
		query = ""
		if page.NextCursor != nil {
			query = "?limit=4&cursor=" + *page.NextCursor
		}
		pages++
	}
	if len(seen) != 6 || pages != 2 {
		t.Errorf("%d messages on %d pages, want 6 on 2", len(seen), pages)
	}
	boss.Get("/notifications/v1/messages?cursor=x").WantProblem(400, "cursor_malformed")
	boss.Get("/notifications/v1/messages/"+caseID).WantProblem(404, "message_not_found")
}
