// Package intake asks the intake service what only it may say: whether a person,
// or a referral's reporter, may be contacted now, and how.
package intake

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/hearthfps/hearth/pkg/fault"
	"github.com/hearthfps/hearth/services/notification/message"
)

// Question is what is asked: about a person, or about a referral's reporter.
type Question struct {
	PersonID   string `json:"person_id,omitempty"`
	ReferralID string `json:"referral_id,omitempty"`
	Purpose    string `json:"purpose"`
	Preference string `json:"channel_preference,omitempty"` // email, sms or phone
}

// Client asks intake over HTTP, as a service of the context's agency.
type Client struct {
	base   string
	client *http.Client
}

// New makes a client. base is intake's URL without a path; client adds the token
// of the context's agency.
func New(base string, client *http.Client) *Client {
	return &Client{base: strings.TrimSuffix(base, "/"), client: client}
}

// reasonCode is what a reason may look like: it goes into an event.
var reasonCode = regexp.MustCompile(`^[a-z0-9_.-]{1,64}$`)

// answerLimit bounds what is read of an answer.
const answerLimit = 64 << 10

// Decide asks for one decision. Whatever is not a clear answer, refused tokens
// included, is Unavailable: ask again later, send nothing. A person or referral
// that intake does not know is a refusal.
func (c *Client) Decide(ctx context.Context, q Question) (message.Decision, error) {
	body, err := json.Marshal(q)
	if err != nil {
		return message.Decision{}, fmt.Errorf("ask for a contact decision: %w", err)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, c.base+"/intake/v1/contact-decisions", bytes.NewReader(body))
	if err != nil {
		return message.Decision{}, unavailable(err)
	}
	r.Header.Set("Content-Type", "application/json")
	answer, err := c.client.Do(r)
	if err != nil {
		return message.Decision{}, unavailable(err)
	}
	data, err := io.ReadAll(io.LimitReader(answer.Body, answerLimit+1))
	if err := errors.Join(err, answer.Body.Close()); err != nil {
		return message.Decision{}, unavailable(err)
	}
	switch {
	case answer.StatusCode == http.StatusNotFound && code(data) != "path_not_found":
		return message.Decision{ReasonCode: "person_unknown"}, nil
	case answer.StatusCode != http.StatusOK:
		return message.Decision{}, unavailable(fmt.Errorf("intake answered %d", answer.StatusCode))
	case len(data) > answerLimit:
		return message.Decision{}, unavailable(errors.New("intake's answer is too long"))
	}
	return read(data)
}

// read takes a decision for a yes only when it says so and says how.
func read(data []byte) (message.Decision, error) {
	var wire struct {
		Allowed      *bool     `json:"allowed"`
		ReasonCode   string    `json:"reason_code"`
		ContactKind  string    `json:"contact_kind"`
		ContactValue string    `json:"contact_value"`
		Language     string    `json:"language"`
		ExpiresAt    time.Time `json:"expires_at"`
	}
	if err := json.Unmarshal(data, &wire); err != nil || wire.Allowed == nil {
		return message.Decision{}, unavailable(errors.New("intake's answer cannot be read"))
	}
	d := message.Decision{Allowed: *wire.Allowed, ReasonCode: wire.ReasonCode, Language: wire.Language}
	if !d.Allowed {
		if !reasonCode.MatchString(d.ReasonCode) {
			d.ReasonCode = "refused" // a no is a no, however it is worded
		}
		return d, nil
	}
	if wire.ContactValue == "" || wire.ContactKind == "" {
		return message.Decision{}, unavailable(errors.New("intake's answer allows a contact and names none"))
	}
	// A number to call is not one to write to: such a yes has no channel here,
	// and becomes a task for somebody who can call.
	d.Address = message.Address{Channel: wire.ContactKind, Value: wire.ContactValue}
	return d, nil
}

// code is the code of a problem, "" when data is none.
func code(data []byte) string {
	var problem struct {
		Code string `json:"code"`
	}
	if json.Unmarshal(data, &problem) != nil {
		return ""
	}
	return problem.Code
}

// unavailable is the fault of a question that got no clear answer. Its cause is
// about the connection; neither question nor answer is in it.
func unavailable(cause error) error {
	return fault.New(fault.Unavailable, "intake_unavailable", "Intake could not be asked whether this person may be contacted.").Because(cause)
}
