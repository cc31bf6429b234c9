package message

import (
	"log/slog"

	"github.com/hearthfps/hearth/pkg/fault"
)

// Contact is how a worker, or a member of the duty team, is reached at work.
type Contact struct {
	WorkerID string
	Email    string
	Phone    string // E.164
	Language string
	Prefers  string // email, sms or ""
	Version  int64
}

// LogValue keeps the address out of logs.
func (c Contact) LogValue() slog.Value { return slog.StringValue("[redacted]") }

// Check says what is wrong with a contact.
func (c Contact) Check() error {
	var fields []fault.Field
	if c.Email == "" && c.Phone == "" {
		fields = append(fields, fault.Field{Pointer: "", Code: "required", Detail: "Give an email, a phone or both."})
	}
	if c.Prefers == "sms" && c.Phone == "" {
		fields = append(fields, fault.Field{Pointer: "/prefers", Code: "no_phone", Detail: "There is no phone to send an SMS to."})
	}
	if c.Prefers == "email" && c.Email == "" {
		fields = append(fields, fault.Field{Pointer: "/prefers", Code: "no_email", Detail: "There is no email to send to."})
	}
	if len(fields) > 0 {
		return fault.New(fault.Unprocessable, "contact_incomplete", "The contact cannot be used as it is.", fields...)
	}
	return nil
}

// Address is where one message goes, for the time of its send.
type Address struct {
	Channel string // email, sms or webhook
	Value   string
}

// LogValue keeps the address out of logs.
func (a Address) LogValue() slog.Value { return slog.StringValue("[redacted]") }

// String keeps the address out of formatted text.
func (a Address) String() string { return a.Channel + ":[redacted]" }

// Addresses lists where the contact can be reached, the preferred first.
func (c Contact) Addresses() []Address {
	var out []Address
	if c.Email != "" {
		out = append(out, Address{"email", c.Email})
	}
	if c.Phone != "" {
		out = append(out, Address{"sms", c.Phone})
	}
	if c.Prefers == "sms" && len(out) == 2 {
		out[0], out[1] = out[1], out[0]
	}
	return out
}

// Decision is intake's answer to: may this person be contacted for this, now?
// It is used for one try and never kept.
type Decision struct {
	Allowed    bool
	ReasonCode string
	Address    Address
	Language   string
}

// LogValue keeps the address out of logs.
func (d Decision) LogValue() slog.Value {
	return slog.GroupValue(slog.Bool("allowed", d.Allowed), slog.String("reason_code", d.ReasonCode))
}
