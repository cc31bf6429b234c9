// Package deliver brings planned messages to their recipients.
//
// A message waits in its row; a durable timer says when it is due. The timer
// claims it (counts the try and sets itself to come again when the claim runs
// out) and hands it to a sender, which asks intake where it must, sends outside
// any transaction, and records what happened. If the process dies between the
// provider's yes and the record, the timer comes again and the message is sent
// once more under the same Message-ID: at least once, and once more at most for
// each such death.
package deliver

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/hearthfps/hearth/pkg/clock"
	"github.com/hearthfps/hearth/pkg/events"
	"github.com/hearthfps/hearth/pkg/fault"
	kit "github.com/hearthfps/hearth/pkg/postgres"
	"github.com/hearthfps/hearth/pkg/rules"
	"github.com/hearthfps/hearth/pkg/tenant"
	"github.com/hearthfps/hearth/pkg/timers"
	"github.com/hearthfps/hearth/services/notification/channel"
	"github.com/hearthfps/hearth/services/notification/intake"
	"github.com/hearthfps/hearth/services/notification/message"
	"github.com/hearthfps/hearth/services/notification/postgres"
)

// TimerKind is the kind of the timer that brings a message up for sending; its id is the message's.
const TimerKind = "deliver"

// Asker asks intake whether somebody may be contacted now.
type Asker interface {
	Decide(ctx context.Context, q intake.Question) (message.Decision, error)
}

// Config is what delivery is made of. Every field is needed.
type Config struct {
	DB        *kit.DB
	Clock     clock.Clock
	Agencies  *rules.Bundle
	Templates *message.Templates
	Rules     message.Delivery
	Intake    Asker
	Providers map[string]channel.Provider // by kind of address: email, sms, webhook
	NewID     func() (uuid.UUID, error)
	Log       *slog.Logger
}

// Deliverer plans, brings up and sends messages. Make one with New, and run it.
type Deliverer struct {
	Config
	jobs chan job

	mu       sync.Mutex
	inFlight map[message.MessageID]bool // being sent by this process
}

// job is one claimed try.
type job struct {
	agency tenant.AgencyID
	id     message.MessageID
	claim  int64
	until  time.Time // by the clock of the deliverer
	trace  string
}

// queue bounds the tries that wait in memory; one that finds no room comes again when its claim runs out.
const queue = 1024

// New makes a deliverer.
func New(c Config) *Deliverer {
	return &Deliverer{Config: c, jobs: make(chan job, queue), inFlight: map[message.MessageID]bool{}}
}

// Plan stores the messages an event calls for, each once, and sets the timers
// that bring them up. trace is the family's story, "" when none is known.
func (d *Deliverer) Plan(ctx context.Context, tx *kit.Tx, e events.Event, trace string, drafts []message.Draft) error {
	agency, err := d.Agencies.Agency(tx.Agency())
	if err != nil {
		return err
	}
	for _, draft := range drafts {
		recipients := []string{draft.Recipient}
		if draft.Audience == message.DutyTeam {
			recipients = dutyEntries(agency.DutyTeam)
		}
		for _, recipient := range recipients {
			if err := d.plan(ctx, tx, e, trace, draft, recipient); err != nil {
				return err
			}
		}
	}
	return nil
}

func (d *Deliverer) plan(ctx context.Context, tx *kit.Tx, e events.Event, trace string, draft message.Draft, recipient string) error {
	id, err := d.NewID()
	if err != nil {
		return fmt.Errorf("name message: %w", err)
	}
	now := d.Clock.Now()
	m := message.Message{
		ID: message.MessageID(id.String()), DedupeKey: message.DedupeKey(e.ID, draft.Template, recipient),
		Template: draft.Template, TemplateVersion: d.Templates.Version, Audience: draft.Audience, Recipient: recipient,
		AboutEvent: e.ID, CaseID: draft.CaseID, ReferralID: draft.ReferralID, VisitID: draft.VisitID, Variables: draft.Variables,
		State: message.Pending, DueAt: draft.DueAt, ExpiresAt: draft.ExpiresAt, CreatedAt: now, Trace: trace, Correlation: e.Correlation, Version: 1,
	}
	if draft.NoTime {
		if m, err = m.Withhold(message.ReasonNoAllowedTime, now); err != nil {
			return err
		}
	}
	stored, err := postgres.InsertMessage(ctx, tx, m)
	if err != nil || !stored {
		return err
	}
	if m.State != message.Pending {
		return d.finish(ctx, tx, m)
	}
	return d.setTimer(ctx, tx, m, m.DueAt)
}

// CancelReminders ends the reminders of a visit that have not gone.
func (d *Deliverer) CancelReminders(ctx context.Context, tx *kit.Tx, visitID, reason string) error {
	for _, template := range []string{"visit_reminder", "visit_moved"} { // what a family is told of a visit's time
		pending, err := postgres.LockPendingOfVisit(ctx, tx, visitID, template)
		if err != nil {
			return err
		}
		if err := d.cancel(ctx, tx, pending, reason); err != nil {
			return err
		}
	}
	return nil
}

// CancelCase ends the reminders of a case's visits that have not gone.
func (d *Deliverer) CancelCase(ctx context.Context, tx *kit.Tx, caseID, reason string) error {
	pending, err := postgres.LockPendingOfCase(ctx, tx, caseID, "visit_reminder")
	if err != nil {
		return err
	}
	return d.cancel(ctx, tx, pending, reason)
}

func (d *Deliverer) cancel(ctx context.Context, tx *kit.Tx, pending []message.Message, reason string) error {
	for _, m := range pending {
		m, err := m.Cancel(reason, d.Clock.Now())
		if err != nil {
			return err
		}
		if err := postgres.UpdateMessage(ctx, tx, m); err != nil {
			return err
		}
		if err := timers.Cancel(ctx, tx, TimerKind, string(m.ID)); err != nil {
			return err
		}
	}
	return nil
}

func (d *Deliverer) setTimer(ctx context.Context, tx *kit.Tx, m message.Message, at time.Time) error {
	return timers.Set(ctx, tx, timers.Draft{Kind: TimerKind, ID: string(m.ID), DueAt: at, Subject: string(m.ID), Data: struct{}{}, Trace: m.Trace})
}

// Due is the timer's handler: it claims the message and hands it to a sender.
func (d *Deliverer) Due(ctx context.Context, tx *kit.Tx, t timers.Timer) error {
	m, err := postgres.LockMessage(ctx, tx, message.MessageID(t.ID))
	if fault.KindOf(err) == fault.NotFound {
		return nil
	}
	if err != nil || m.State != message.Pending {
		return err
	}
	now := d.Clock.Now()
	if !now.Before(m.ExpiresAt) {
		if m, err = m.Expire(now); err != nil {
			return err
		}
		return d.save(ctx, tx, m)
	}
	if later, err := d.waitForDay(tx, m, now); err != nil {
		return err
	} else if !later.IsZero() {
		return d.postpone(ctx, tx, m, later, now)
	}
	if d.flying(m.ID) {
		// Still being sent by this process; a clock that was moved forward brought the timer early.
		return d.setTimer(ctx, tx, m, now.Add(d.Rules.Claim))
	}
	m, until, err := m.Claim(now, d.Rules)
	if err != nil {
		return err
	}
	if err := postgres.UpdateMessage(ctx, tx, m); err != nil {
		return err
	}
	if err := d.setTimer(ctx, tx, m, until); err != nil {
		return err
	}
	j := job{agency: tx.Agency(), id: m.ID, claim: m.Claims, until: until, trace: events.TraceParent(ctx)}
	tx.AfterCommit(func() {
		d.takeOff(j.id)
		select {
		case d.jobs <- j:
		default:
			d.land(j.id)
			d.Log.LogAttrs(ctx, slog.LevelWarn, "too many messages wait; one comes again later", slog.String("message_id", string(j.id)))
		}
	})
	return nil
}

// waitForDay is when a message outside the agency may go, zero when it may go now.
func (d *Deliverer) waitForDay(tx *kit.Tx, m message.Message, now time.Time) (time.Time, error) {
	if !m.Audience.Outside() {
		return time.Time{}, nil
	}
	agency, err := d.Agencies.Agency(tx.Agency())
	if err != nil {
		return time.Time{}, err
	}
	zone := agency.Calendar.Zone()
	if d.Rules.Allowed(now, zone) {
		return time.Time{}, nil
	}
	return d.Rules.NextAllowed(now, zone), nil
}

func (d *Deliverer) postpone(ctx context.Context, tx *kit.Tx, m message.Message, to, now time.Time) (err error) {
	if to.Before(m.ExpiresAt) {
		m, err = m.Postpone(to, now)
	} else {
		m, err = m.Withhold(message.ReasonNoAllowedTime, now)
	}
	if err != nil {
		return err
	}
	return d.save(ctx, tx, m)
}

// save stores a changed message: its timer when it is still to go, or its end.
func (d *Deliverer) save(ctx context.Context, tx *kit.Tx, m message.Message) error {
	if err := postgres.UpdateMessage(ctx, tx, m); err != nil {
		return err
	}
	if m.State == message.Pending {
		return d.setTimer(ctx, tx, m, m.DueAt)
	}
	return errors.Join(timers.Cancel(ctx, tx, TimerKind, string(m.ID)), d.finish(ctx, tx, m))
}

// finish says what became of a message, and makes the task of one that did not go.
func (d *Deliverer) finish(ctx context.Context, tx *kit.Tx, m message.Message) error {
	if m.State == message.Cancelled {
		return nil
	}
	data := map[string]string{"message_id": string(m.ID), "template": m.Template, "audience": string(m.Audience)}
	for name, value := range map[string]string{"case_id": m.CaseID, "referral_id": m.ReferralID} {
		if value != "" {
			data[name] = value
		}
	}
	if m.State != message.Withheld {
		data["about_event"] = m.AboutEvent
		if m.Channel != "" { // "" when no provider was tried
			data["channel"] = m.Channel
		}
	}
	if m.State != message.Sent {
		data["reason_code"] = m.ReasonCode
	}
	if m.NeedsTask() {
		id, err := d.NewID()
		if err != nil {
			return fmt.Errorf("name task: %w", err)
		}
		task := message.NewTask(message.TaskID(id.String()), m, d.Clock.Now())
		if err := postgres.InsertTask(ctx, tx, task); err != nil {
			return err
		}
		data["task_id"] = string(task.ID)
	}
	key := m.CaseID
	if key == "" {
		key = m.ReferralID
	}
	return events.Publish(events.WithCause(ctx, m.AboutEvent, m.Correlation), tx, events.Draft{
		Type: "org.hearth.notification.message." + string(m.State) + ".v1", Subject: string(m.ID), Key: key, Version: m.Version, Data: data, Trace: m.Trace,
	})
}

func (d *Deliverer) flying(id message.MessageID) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.inFlight[id]
}

func (d *Deliverer) takeOff(id message.MessageID) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.inFlight[id] = true
}

func (d *Deliverer) land(id message.MessageID) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.inFlight, id)
}

// dutyEntries are the ways the duty team is told: all that the agency's file names.
func dutyEntries(c rules.Contact) []string {
	var entries []string
	for _, e := range []struct{ name, value string }{{"email", c.Email}, {"sms", c.SMS}, {"webhook", c.Webhook}} {
		if e.value != "" {
			entries = append(entries, "duty_team."+e.name)
		}
	}
	return entries
}
