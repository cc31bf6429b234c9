package notification

import (
	"context"

	"github.com/hearthfps/hearth/pkg/clock"
	"github.com/hearthfps/hearth/pkg/events"
	"github.com/hearthfps/hearth/pkg/fault"
	"github.com/hearthfps/hearth/pkg/policy"
	kit "github.com/hearthfps/hearth/pkg/postgres"
	"github.com/hearthfps/hearth/pkg/rules"
	"github.com/hearthfps/hearth/services/notification/deliver"
	"github.com/hearthfps/hearth/services/notification/message"
	"github.com/hearthfps/hearth/services/notification/postgres"
)

// consumer turns events into planned messages.
type consumer struct {
	deliver  *deliver.Deliverer
	agencies *rules.Bundle
	clock    clock.Clock
	rules    message.Delivery
}

// subscriptions are the events this service listens to, and what each leads to.
func (c consumer) subscriptions() []events.Subscription {
	return []events.Subscription{
		{Topics: []string{events.Topic("intake")}, Handlers: map[string]events.Handler{
			"org.hearth.intake.referral.received.v1":     c.referralReceived,
			"org.hearth.intake.case.opened.v1":           c.caseOpened,
			"org.hearth.intake.referral.prioritised.v1":  c.plans(message.Urgent),
			"org.hearth.intake.clock.expired.v1":         c.plans(message.ClockExpired),
			"org.hearth.intake.referral.feedback_due.v1": c.plans(message.Feedback),
		}},
		{Topics: []string{events.Topic("planning")}, Handlers: policy.CaseAccessHandlers()},
		{Topics: []string{events.Topic("planning")}, Handlers: map[string]events.Handler{
			"org.hearth.planning.case.assigned.v1":  c.caseAssigned,
			"org.hearth.planning.case.closed.v1":    c.caseClosed,
			"org.hearth.planning.plan.submitted.v1": c.plans(message.PlanSubmitted),
			"org.hearth.planning.plan.approved.v1":  c.plans(message.PlanApproved),
			"org.hearth.planning.plan.returned.v1":  c.planReturned,
		}},
		{Topics: []string{events.Topic("visit-scheduling")}, Handlers: map[string]events.Handler{
			"org.hearth.visit-scheduling.visit.scheduled.v1":       c.visitScheduled,
			"org.hearth.visit-scheduling.visit.rescheduled.v1":     both(c.visitScheduled, c.visitMoved),
			"org.hearth.visit-scheduling.visit.unplaced.v1":        c.visitUnplaced,
			"org.hearth.visit-scheduling.visit.cancelled.v1":       c.visitCancelled,
			"org.hearth.visit-scheduling.visit.checkout_missed.v1": c.plans(message.CheckoutMissed),
		}},
	}
}

// plans is the handler of an event that leads to messages and nothing else.
func (c consumer) plans(drafts func(message.Occurrence, message.Knowledge) []message.Draft) events.Handler {
	return func(ctx context.Context, tx *kit.Tx, e events.Event) error {
		o, err := occurrence(e)
		if err != nil {
			return err
		}
		k, trace, err := c.know(ctx, tx, e, o)
		if err != nil {
			return err
		}
		return c.deliver.Plan(ctx, tx, e, trace, drafts(o, k))
	}
}

// both runs two handlers of one event.
func both(first, second events.Handler) events.Handler {
	return func(ctx context.Context, tx *kit.Tx, e events.Event) error {
		if err := first(ctx, tx, e); err != nil {
			return err
		}
		return second(ctx, tx, e)
	}
}

func occurrence(e events.Event) (message.Occurrence, error) {
	o, err := message.ReadOccurrence(e.Data)
	if err != nil {
		return o, fault.New(fault.Unprocessable, "event_data", "The event's data cannot be read.").Because(err)
	}
	return o, nil
}

// know gathers what earlier events said: the case's supervisor, and the trace of
// the family's story ("" starts at the event's own).
func (c consumer) know(ctx context.Context, tx *kit.Tx, e events.Event, o message.Occurrence) (message.Knowledge, string, error) {
	agency, err := c.agencies.Agency(tx.Agency())
	if err != nil {
		return message.Knowledge{}, "", err
	}
	k := message.Knowledge{Now: c.clock.Now(), Zone: agency.Calendar.Zone(), Rules: c.rules}
	trace := e.TraceParent
	if o.CaseID == "" {
		story, err := postgres.ReferralTrace(ctx, tx, o.ReferralID)
		if story != "" {
			trace = story
		}
		return k, trace, err
	}
	file, err := postgres.Case(ctx, tx, o.CaseID)
	if err != nil {
		return k, "", err
	}
	if file.Trace != "" {
		trace = file.Trace
	}
	k.Supervisor = file.SupervisorID
	if k.Supervisor != "" {
		_, err := postgres.WorkerContact(ctx, tx, k.Supervisor)
		if err != nil && fault.KindOf(err) != fault.NotFound {
			return k, "", err
		}
		excluded, failed := postgres.Excluded(ctx, tx, o.CaseID, k.Supervisor)
		if failed != nil {
			return k, "", failed
		}
		k.Reachable = err == nil && !excluded
	}
	return k, trace, nil
}

func (c consumer) referralReceived(ctx context.Context, tx *kit.Tx, e events.Event) error {
	o, err := occurrence(e)
	if err != nil {
		return err
	}
	return postgres.OpenReferral(ctx, tx, o.ReferralID, e.TraceParent)
}

func (c consumer) caseOpened(ctx context.Context, tx *kit.Tx, e events.Event) error {
	o, err := occurrence(e)
	if err != nil {
		return err
	}
	return postgres.OpenCase(ctx, tx, o.CaseID, e.TraceParent)
}

func (c consumer) caseAssigned(ctx context.Context, tx *kit.Tx, e events.Event) error {
	o, err := occurrence(e)
	if err != nil {
		return err
	}
	if o.SupervisorID != "" {
		if err := postgres.SetSupervisor(ctx, tx, o.CaseID, o.SupervisorID); err != nil {
			return err
		}
	}
	return c.plans(message.Assigned)(ctx, tx, e)
}

func (c consumer) caseClosed(ctx context.Context, tx *kit.Tx, e events.Event) error {
	o, err := occurrence(e)
	if err != nil {
		return err
	}
	if err := postgres.CloseCase(ctx, tx, o.CaseID); err != nil {
		return err
	}
	return c.deliver.CancelCase(ctx, tx, o.CaseID, message.ReasonCaseClosed)
}

func (c consumer) planReturned(ctx context.Context, tx *kit.Tx, e events.Event) error {
	o, err := occurrence(e)
	if err != nil {
		return err
	}
	assigned, err := postgres.AssignedWorkers(ctx, tx, o.CaseID)
	if err != nil {
		return err
	}
	return c.plans(func(o message.Occurrence, k message.Knowledge) []message.Draft {
		return message.PlanReturned(o, assigned, k)
	})(ctx, tx, e)
}

// visitScheduled plans the reminders of a visit anew: those of its earlier time are ended.
func (c consumer) visitScheduled(ctx context.Context, tx *kit.Tx, e events.Event) error {
	o, err := occurrence(e)
	if err != nil {
		return err
	}
	if err := c.deliver.CancelReminders(ctx, tx, o.VisitID, message.ReasonRescheduled); err != nil {
		return err
	}
	return c.plans(message.VisitReminders)(ctx, tx, e)
}

// visitMoved tells of a visit's change. Whom it was taken from because they may not
// know of the case any more hears nothing of it.
func (c consumer) visitMoved(ctx context.Context, tx *kit.Tx, e events.Event) error {
	o, err := occurrence(e)
	if err != nil {
		return err
	}
	var gone []string
	for _, w := range o.TakenFrom() {
		excluded, err := postgres.Excluded(ctx, tx, o.CaseID, w)
		if err != nil {
			return err
		}
		if !excluded {
			gone = append(gone, w)
		}
	}
	return c.plans(func(o message.Occurrence, k message.Knowledge) []message.Draft { return message.VisitMoved(o, gone, k) })(ctx, tx, e)
}

// visitUnplaced ends the reminders of a visit that has no time now, and tells who
// has to see to it.
func (c consumer) visitUnplaced(ctx context.Context, tx *kit.Tx, e events.Event) error {
	o, err := occurrence(e)
	if err != nil {
		return err
	}
	if err := c.deliver.CancelReminders(ctx, tx, o.VisitID, message.ReasonVisitOff); err != nil {
		return err
	}
	return c.plans(message.VisitUnplaced)(ctx, tx, e)
}

func (c consumer) visitCancelled(ctx context.Context, tx *kit.Tx, e events.Event) error {
	o, err := occurrence(e)
	if err != nil {
		return err
	}
	return c.deliver.CancelReminders(ctx, tx, o.VisitID, message.ReasonVisitOff)
}
