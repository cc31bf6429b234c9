package fault

import (
	"errors"
	"strings"
	"time"
)

// Kind is what sort of failure this is, from the point of view of whoever asked.
// The zero Kind is Internal: what nobody classified is ours to mend.
type Kind uint8

const (
	Internal             Kind = iota // a defect or a broken part of ours
	Invalid                          // the request cannot be read: syntax, types, missing parts
	Unauthenticated                  // nobody known is asking
	Forbidden                        // the asker may not do this
	NotFound                         // it does not exist, or its existence is not the asker's to know
	Conflict                         // the state of the thing does not allow it
	PreconditionFailed               // the version changed since the asker saw it
	TooLarge                         // more bytes than are taken
	UnsupportedMedia                 // a content type that is not taken
	Unprocessable                    // readable, and against a rule
	PreconditionRequired             // the asker must say which version is meant
	RateLimited                      // too many requests; RetryAfter says when to come back
	Unavailable                      // a part this depends on is away; the same request may work later
)

var kindNames = [...]string{
	Internal: "internal", Invalid: "invalid", Unauthenticated: "unauthenticated", Forbidden: "forbidden",
	NotFound: "not_found", Conflict: "conflict", PreconditionFailed: "precondition_failed", TooLarge: "too_large",
	UnsupportedMedia: "unsupported_media", Unprocessable: "unprocessable", PreconditionRequired: "precondition_required",
	RateLimited: "rate_limited", Unavailable: "unavailable",
}

// String is the kind's stable snake_case name, for logs and metrics.
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return kindNames[Internal]
}

// Field is one fault in a request: where, what, and a code for programs.
type Field struct {
	// Pointer is an RFC 6901 pointer into the request body ("" is the whole
	// body), or query/<name>, header/<name>, path/<name>.
	Pointer string `json:"pointer"`
	// Code is stable snake_case: "required", "unknown_field", "pattern".
	Code string `json:"code"`
	// Detail is a sentence for a person. It does not repeat the value sent,
	// which may be about a family.
	Detail string `json:"detail"`
}

// Error is a classified failure. Make one with New; find one with As.
type Error struct {
	Kind Kind
	// Code is stable snake_case, for programs.
	Code string
	// Detail is a sentence for a person: what is wrong and what to do. It
	// holds no personal data, because it is logged and answered.
	Detail string
	Fields []Field
	// RetryAfter is how long to wait before trying again; 0 says nothing.
	RetryAfter time.Duration

	cause error
}

// New makes a fault without a cause.
func New(kind Kind, code, detail string, fields ...Field) *Error {
	return &Error{Kind: kind, Code: code, Detail: detail, Fields: fields}
}

// Missing is the NotFound of a thing of the given snake_case type ("plan"), with
// the code <type>_not_found. What is missing and what the asker may not know of
// are worded by it alone: any difference between the two would tell that it exists.
func Missing(what string) *Error {
	return New(NotFound, what+"_not_found", "There is no such "+strings.ReplaceAll(what, "_", " ")+", or it is not yours to know of.")
}

// Because returns a copy of e that carries cause for logs. The cause is found by
// errors.Is and errors.As and is never shown to whoever asked.
func (e *Error) Because(cause error) *Error {
	with := *e
	with.cause = cause
	return &with
}

// After returns a copy of e that asks its reader to wait d before trying again.
func (e *Error) After(d time.Duration) *Error {
	with := *e
	with.RetryAfter = d
	return &with
}

// Error is for logs: code, detail and cause. Fields are left out: their pointers
// may hold keys that the asker chose.
func (e *Error) Error() string {
	s := e.Code + ": " + e.Detail
	if e.cause != nil {
		s += ": " + e.cause.Error()
	}
	return s
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.cause }

// As finds the outermost fault in err's chain.
func As(err error) (*Error, bool) {
	var e *Error
	ok := errors.As(err, &e)
	return e, ok
}

// Is says whether the outermost fault of err has the given code.
func Is(err error, code string) bool {
	e, ok := As(err)
	return ok && e.Code == code
}

// KindOf classifies any error: a fault's own kind, Unavailable for connection,
// deadline and cancellation failures, else Internal. KindOf(nil) is Internal.
func KindOf(err error) Kind {
	if e, ok := As(err); ok {
		return e.Kind
	}
	if interrupted(err) {
		return Unavailable
	}
	return Internal
}
