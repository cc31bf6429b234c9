package message

import (
	"fmt"
	"time"

	"github.com/hearthfps/hearth/pkg/fault"
)

// MessageID identifies a message: a UUIDv7. It is also the stable part of the
// mail's Message-ID.
type MessageID string

// Audience is whom a message is for.
type Audience string

// The audiences. Family and reporter are outside the agency: see guarantee 2.
const (
	DutyTeam   Audience = "duty_team"
	Worker     Audience = "worker"
	Supervisor Audience = "supervisor"
	Family     Audience = "family"
	Reporter   Audience = "reporter"
)

// Outside tells whether the audience is outside the agency.
func (a Audience) Outside() bool { return a == Family || a == Reporter }

// State is where a message stands. Pending is the only one that is not final.
type State string

// The states of a message.
const (
	Pending   State = "pending"
	Sent      State = "sent"
	Failed    State = "failed"
	Withheld  State = "withheld"
	Cancelled State = "cancelled"
)

// Reasons this service itself gives; intake gives its own for refusals.
const (
	ReasonNoContact     = "no_contact"           // nobody registered how to reach them
	ReasonExcluded      = "recipient_excluded"   // they may no longer know of the case
	ReasonNoChannel     = "no_channel"           // no provider for the kind of contact
	ReasonNoAllowedTime = "no_allowed_time"      // no hour left that is not night
	ReasonNotNeutral    = "text_not_neutral"     // the finished text would give the agency away
	ReasonRejected      = "rejected_by_provider" // for good
	ReasonExhausted     = "attempts_exhausted"
	ReasonExpired       = "expired"
	ReasonRescheduled   = "visit_rescheduled"
	ReasonVisitOff      = "visit_cancelled"
	ReasonCaseClosed    = "case_closed"
)

// Message is one thing to tell one recipient. It holds ids, codes and times; the
// text is made at sending, and the address is never part of it.
type Message struct {
	ID              MessageID
	DedupeKey       string
	Template        string
	TemplateVersion string
	Audience        Audience
	Recipient       string // worker id, person id, referral id (its reporter), or duty team entry
	AboutEvent      string
	CaseID          string
	ReferralID      string
	VisitID         string
	Variables       map[string]string // by the template's declaration: ids, codes, RFC 3339 times
	State           State
	ReasonCode      string
	Channel         string
	Language        string
	Claims          int64 // how often a try was begun; fences late records
	Attempts        int   // tries at a provider that are known to have failed or passed
	Asks            int   // times intake could not be asked
	DueAt           time.Time
	ExpiresAt       time.Time
	CreatedAt       time.Time
	EndedAt         time.Time
	Trace           string // traceparent of the family's story
	Correlation     string // id of the event that began the chain
	Version         int64
}

// Claim begins a try: until the returned time nobody else may begin one. It
// returns a Conflict when the message is not pending.
func (m Message) Claim(now time.Time, rules Delivery) (Message, time.Time, error) {
	if err := m.mustBePending(); err != nil {
		return m, time.Time{}, err
	}
	m.Claims++
	m.Version++
	return m, now.Add(rules.Claim), nil
}

// Sent records that a provider took the message.
func (m Message) Sent(channel, language string, now time.Time) (Message, error) {
	if err := m.mustBePending(); err != nil {
		return m, err
	}
	m.Attempts++
	m.Channel, m.Language = channel, language
	return m.end(Sent, "", now), nil
}

// Retry records that a provider did not take the message this time: it is due
// again later, or has failed when the tries or its time are used up.
func (m Message) Retry(channel string, now time.Time, rules Delivery) (Message, error) {
	if err := m.mustBePending(); err != nil {
		return m, err
	}
	m.Attempts++
	m.Channel = channel
	if m.Attempts > len(rules.RetryAfter) {
		return m.end(Failed, ReasonExhausted, now), nil
	}
	return m.again(now.Add(rules.RetryAfter[m.Attempts-1]), now), nil
}

// AskAgain records that intake could not be asked: nothing is sent, and it is
// asked again later, until the message's time is over.
func (m Message) AskAgain(now time.Time, rules Delivery) (Message, error) {
	if err := m.mustBePending(); err != nil {
		return m, err
	}
	wait := rules.AskAgainAfter[min(m.Asks, len(rules.AskAgainAfter)-1)]
	m.Asks++
	return m.again(now.Add(wait), now), nil
}

// Postpone moves a message to a later time without counting a try.
func (m Message) Postpone(to, now time.Time) (Message, error) {
	if err := m.mustBePending(); err != nil {
		return m, err
	}
	return m.again(to, now), nil
}

// again makes the message due at to, or ends it when it expires before.
func (m Message) again(to, now time.Time) Message {
	if !to.Before(m.ExpiresAt) {
		return m.end(Failed, ReasonExpired, now)
	}
	m.DueAt = to
	m.Version++
	return m
}

// Withhold ends a message that must not, or cannot, be sent.
func (m Message) Withhold(reason string, now time.Time) (Message, error) {
	if err := m.mustBePending(); err != nil {
		return m, err
	}
	return m.end(Withheld, reason, now), nil
}

// Fail ends a message that a provider refused for good.
func (m Message) Fail(channel, reason string, now time.Time) (Message, error) {
	if err := m.mustBePending(); err != nil {
		return m, err
	}
	m.Attempts++
	m.Channel = channel
	return m.end(Failed, reason, now), nil
}

// Expire ends a message whose time is over.
func (m Message) Expire(now time.Time) (Message, error) {
	if err := m.mustBePending(); err != nil {
		return m, err
	}
	return m.end(Failed, ReasonExpired, now), nil
}

// Cancel ends a message that is no longer wanted. It makes no task.
func (m Message) Cancel(reason string, now time.Time) (Message, error) {
	if err := m.mustBePending(); err != nil {
		return m, err
	}
	return m.end(Cancelled, reason, now), nil
}

func (m Message) end(s State, reason string, now time.Time) Message {
	m.State, m.ReasonCode, m.EndedAt = s, reason, now
	m.Version++
	return m
}

func (m Message) mustBePending() error {
	if m.State == Pending {
		return nil
	}
	return fault.New(fault.Conflict, "message_ended", fmt.Sprintf("The message is %s already.", m.State))
}

// NeedsTask tells whether a person must see to what the message was for.
func (m Message) NeedsTask() bool { return m.State == Withheld || m.State == Failed }
