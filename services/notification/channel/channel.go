// Package channel carries finished messages to where they go: a mail server, an
// SMS gateway, a webhook, or a folder that stands in for all of them while
// developing.
//
// Guarantees:
//
//  1. No error of a provider repeats an address or a text: what a server
//     answers may hold both, so only its code is kept.
//  2. A message tried again is sent with the same Message-ID, so that a receiver
//     can tell a repeat.
//  3. Every send ends within the provider's time limit.
package channel

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"
)

// Timeout is how long one send may take.
const Timeout = 20 * time.Second

// Outgoing is a finished message on its way. It holds an address and is never stored.
type Outgoing struct {
	ID       string // stable over tries
	Agency   string
	To       string
	Language string
	Subject  string
	Body     string
	At       time.Time
}

// LogValue keeps address and text out of logs.
func (o Outgoing) LogValue() slog.Value { return slog.StringValue(o.ID) }

// String keeps address and text out of formatted text.
func (o Outgoing) String() string { return "message " + o.ID }

// Provider carries messages of one kind.
type Provider interface {
	// Send hands the message over. nil means it was taken; *Error what did not work.
	Send(ctx context.Context, o Outgoing) error
}

// Error says why a provider did not take a message, in codes alone.
type Error struct {
	Code      string // snake_case, for logs and metrics
	Permanent bool   // trying again would end the same
}

// Error is the code.
func (e *Error) Error() string { return "message not taken: " + e.Code }

// Permanent tells whether trying again would end the same.
func Permanent(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.Permanent
}

// Code is the provider's code in err, "send_failed" when there is none.
func Code(err error) string {
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return "send_failed"
}

// interrupted turns a failure whose text may hold an address into one that does not.
func interrupted(ctx context.Context, what string) *Error {
	if ctx.Err() != nil {
		return &Error{Code: what + "_timeout"}
	}
	return &Error{Code: what + "_unreachable"}
}

// status classifies an HTTP answer: 408, 425, 429 and 5xx may pass later.
func status(what string, code int) error {
	if code >= 200 && code < 300 {
		return nil
	}
	later := code == 408 || code == 425 || code == 429 || code >= 500
	return &Error{Code: fmt.Sprintf("%s_%d", what, code), Permanent: !later}
}
