package deliver

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"github.com/hearthfps/hearth/pkg/events"
	"github.com/hearthfps/hearth/pkg/fault"
	kit "github.com/hearthfps/hearth/pkg/postgres"
	"github.com/hearthfps/hearth/pkg/rules"
	"github.com/hearthfps/hearth/pkg/tenant"
	"github.com/hearthfps/hearth/services/notification/channel"
	"github.com/hearthfps/hearth/services/notification/intake"
	"github.com/hearthfps/hearth/services/notification/message"
	"github.com/hearthfps/hearth/services/notification/postgres"
)

const scopeName = "github.com/hearthfps/hearth/services/notification/deliver"

// senders is how many messages are sent side by side.
const senders = 4

// Run sends claimed messages until ctx ends, and finishes those being sent. What
// waits in memory then comes again when its claim runs out.
func (d *Deliverer) Run(ctx context.Context) error {
	var wait sync.WaitGroup
	for range senders {
		wait.Go(func() {
			for {
				select {
				case <-ctx.Done():
					return
				case j := <-d.jobs:
					d.try(context.WithoutCancel(ctx), j)
				}
			}
		})
	}
	wait.Wait()
	return nil
}

// try sees one claimed try through to its record.
func (d *Deliverer) try(ctx context.Context, j job) {
	defer d.land(j.id)
	ctx, cancel := context.WithTimeout(ctx, d.Rules.Claim)
	defer cancel()
	ctx = tenant.With(events.WithTraceParent(ctx, j.trace), j.agency)
	ctx, span := otel.Tracer(scopeName).Start(ctx, "deliver message", trace.WithSpanKind(trace.SpanKindProducer))
	defer span.End()

	var m message.Message
	err := d.DB.InTenant(ctx, func(ctx context.Context, tx *kit.Tx) (err error) {
		m, err = postgres.Message(ctx, tx, j.id)
		return err
	})
	if err != nil {
		d.Log.LogAttrs(ctx, slog.LevelWarn, "cannot read a claimed message; it comes again later", slog.String("message_id", string(j.id)), slog.Any("error", err))
		return
	}
	if m.State != message.Pending || m.Claims != j.claim || !d.Clock.Now().Before(j.until) {
		return // somebody else's try by now
	}
	what := d.send(ctx, m)
	span.SetAttributes(attribute.String("hearth.template", m.Template), attribute.String("hearth.audience", string(m.Audience)), attribute.String("hearth.outcome", what.name))
	if what.cause != nil {
		d.Log.LogAttrs(ctx, slog.LevelWarn, "message not sent", slog.String("message_id", string(m.ID)), slog.String("template", m.Template),
			slog.String("outcome", what.name), slog.Any("error", what.cause))
	}
	d.record(ctx, j, what)
}

// outcome is what a try came to: how the message changes by it.
type outcome struct {
	name  string
	apply func(m message.Message, now time.Time) (message.Message, error)
	cause error // for logs; without addresses
}

func withhold(reason string, cause error) outcome {
	return outcome{"withheld", func(m message.Message, now time.Time) (message.Message, error) { return m.Withhold(reason, now) }, cause}
}

func (d *Deliverer) askAgain(cause error) outcome {
	return outcome{"ask_again", func(m message.Message, now time.Time) (message.Message, error) { return m.AskAgain(now, d.Rules) }, cause}
}

// send decides where the message goes, makes its text and hands it over. Nothing
// it learns of addresses outlives it.
func (d *Deliverer) send(ctx context.Context, m message.Message) outcome {
	agency, err := d.Agencies.Agency(tenantOf(ctx))
	if err != nil {
		return d.askAgain(err)
	}
	to, language, refused := d.resolve(ctx, m, agency)
	if refused != nil {
		return *refused
	}
	text, err := d.Templates.Render(m, d.Templates.Language(append([]string{language}, agency.Languages...)...), agency.NeutralName, agency.Calendar.Zone())
	switch {
	case errors.Is(err, message.ErrNotNeutral):
		return withhold(message.ReasonNotNeutral, err)
	case err != nil:
		return withhold("text_unfinished", err)
	}
	err = d.Providers[to.Channel].Send(ctx, channel.Outgoing{
		ID: string(m.ID), Agency: agency.ID.String(), To: to.Value, Language: text.Language, Subject: text.Subject, Body: text.Body, At: d.Clock.Now(),
	})
	switch {
	case err == nil:
		return outcome{"sent", func(m message.Message, now time.Time) (message.Message, error) {
			return m.Sent(to.Channel, text.Language, now)
		}, nil}
	case channel.Permanent(err):
		return outcome{"rejected", func(m message.Message, now time.Time) (message.Message, error) {
			return m.Fail(to.Channel, message.ReasonRejected, now)
		}, err}
	default:
		return outcome{"retry", func(m message.Message, now time.Time) (message.Message, error) {
			return m.Retry(to.Channel, now, d.Rules)
		}, err}
	}
}

// resolve finds where a message goes now. refused is what to do when it goes nowhere.
func (d *Deliverer) resolve(ctx context.Context, m message.Message, agency *rules.Agency) (to message.Address, language string, refused *outcome) {
	give := func(o outcome) (message.Address, string, *outcome) { return message.Address{}, "", &o }
	var candidates []message.Address
	switch m.Audience {
	case message.Family, message.Reporter:
		spec, _ := d.Templates.Spec(m.Template)
		q := intake.Question{Purpose: spec.Purpose}
		if m.Audience == message.Family {
			q.PersonID = m.Recipient
		} else {
			q.ReferralID = m.Recipient
		}
		decision, err := d.Intake.Decide(ctx, q)
		if err != nil {
			return give(d.askAgain(err))
		}
		if !decision.Allowed {
			return give(withhold(decision.ReasonCode, nil))
		}
		candidates, language = []message.Address{decision.Address}, decision.Language
	case message.DutyTeam:
		candidates = dutyAddress(agency.DutyTeam, m.Recipient)
	default:
		contact, excluded, err := d.contact(ctx, m)
		if fault.KindOf(err) == fault.NotFound {
			return give(withhold(message.ReasonNoContact, nil))
		}
		if err != nil {
			return give(d.askAgain(err))
		}
		if excluded {
			return give(withhold(message.ReasonExcluded, nil))
		}
		candidates, language = contact.Addresses(), contact.Language
	}
	for _, address := range candidates {
		if d.Providers[address.Channel] != nil {
			return address, language, nil
		}
	}
	if len(candidates) == 0 {
		return give(withhold(message.ReasonNoContact, nil))
	}
	return give(withhold(message.ReasonNoChannel, nil))
}

// contact is how a message's worker is reached, and whether they have been
// excluded from its case since it was planned.
func (d *Deliverer) contact(ctx context.Context, m message.Message) (c message.Contact, excluded bool, err error) {
	err = d.DB.InTenant(ctx, func(ctx context.Context, tx *kit.Tx) (err error) {
		if excluded, err = postgres.Excluded(ctx, tx, m.CaseID, m.Recipient); err != nil {
			return err
		}
		c, err = postgres.WorkerContact(ctx, tx, m.Recipient)
		return err
	})
	return c, excluded, err
}

// dutyAddress is the entry of the agency's file that a message was planned for;
// none when the file has lost it since.
func dutyAddress(c rules.Contact, recipient string) []message.Address {
	for name, value := range map[string]string{"email": c.Email, "sms": c.SMS, "webhook": c.Webhook} {
		if recipient == "duty_team."+name && value != "" {
			return []message.Address{{Channel: name, Value: value}}
		}
	}
	return nil
}

// record writes what a try came to, trying itself again while the claim lasts:
// a send that is not recorded is made again.
func (d *Deliverer) record(ctx context.Context, j job, what outcome) {
	for wait := 50 * time.Millisecond; ; wait = min(2*wait, 5*time.Second) {
		err := d.DB.InTenant(ctx, func(ctx context.Context, tx *kit.Tx) error {
			m, err := postgres.LockMessage(ctx, tx, j.id)
			if err != nil {
				return err
			}
			if m.State != message.Pending || m.Claims != j.claim {
				return nil // ended, or claimed anew, meanwhile
			}
			m, err = what.apply(m, d.Clock.Now())
			if err != nil {
				return err
			}
			return d.save(ctx, tx, m)
		})
		if err == nil {
			return
		}
		d.Log.LogAttrs(ctx, slog.LevelWarn, "cannot record a message's outcome", slog.String("message_id", string(j.id)), slog.String("outcome", what.name), slog.Any("error", err))
		if !fault.Transient(err) {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
	}
}

func tenantOf(ctx context.Context) tenant.AgencyID {
	agency, _ := tenant.From(ctx)
	return agency
}
