package play

import (
	"context"
	"fmt"
	"net/http"
	"time"
)

// Referral is what an intake worker sees of a referral in a list.
type Referral struct {
	ReferralID       string    `json:"referral_id"`
	Status           string    `json:"status"`
	Urgency          string    `json:"urgency"`
	Urgent           bool      `json:"urgent"`
	Priority         string    `json:"priority"`
	RequestedProgram string    `json:"requested_program"`
	ConcernCodes     []string  `json:"concern_codes"`
	SafetyFlags      []string  `json:"safety_flags"`
	CaseID           string    `json:"case_id"`
	TakenBy          string    `json:"taken_by"`
	ReceivedAt       time.Time `json:"received_at"`
}

// Screening is what an intake worker decides about a referral.
type Screening struct {
	Decision     string `json:"decision"`
	ReasonCode   string `json:"reason_code"`
	Program      string `json:"program,omitempty"`
	RedirectedTo string `json:"redirected_to,omitempty"`
}

// Screen takes a referral up and decides about it. It returns the case that opens, or "" when none does.
func (c *Cast) Screen(ctx context.Context, referralID string, s Screening) (caseID string, err error) {
	worker := c.As("intake_worker", pick(c.IntakeWorkers, referralID))
	path := "/intake/v1/referrals/" + referralID
	if err := c.change(ctx, worker, path, ":take", nil, nil, "take"); err != nil {
		return "", fmt.Errorf("take referral %s: %w", referralID, err)
	}
	var after struct {
		CaseID string `json:"case_id"`
	}
	if err := c.change(ctx, worker, path, ":screen", s, &after, "screen"); err != nil {
		return "", fmt.Errorf("screen referral %s: %w", referralID, err)
	}
	return after.CaseID, nil
}

// change does verb to the thing at path as it is now: it reads the version,
// changes that version, and reads again when somebody else was quicker.
func (c *Cast) change(ctx context.Context, p *Person, path, verb string, body, out any, step string) error {
	for {
		etag, err := p.Get(ctx, path, nil)
		if err != nil {
			return err
		}
		_, err = p.Post(ctx, path+verb, body, out, IfMatch(etag), Key("play", step, path, etag))
		if !Refused(err, http.StatusPreconditionFailed) {
			return err
		}
	}
}

// await reads path until done says so. It is how a person waits for what the
// other services learn by events.
func await[T any](ctx context.Context, p *Person, path string, done func(T) bool) (T, error) {
	for {
		var got T
		_, err := p.Get(ctx, path, &got)
		switch {
		case err == nil && done(got):
			return got, nil
		case err != nil && !Refused(err, http.StatusNotFound) && !Refused(err, http.StatusForbidden):
			return got, err
		}
		select {
		case <-ctx.Done():
			if err == nil {
				err = fmt.Errorf("%s is still not as expected: %+v", path, got)
			}
			return got, fmt.Errorf("%w; last: %w", ctx.Err(), err)
		case <-time.After(50 * time.Millisecond):
		}
	}
}
