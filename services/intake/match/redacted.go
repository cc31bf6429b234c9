package match

import "log/slog"

// redacted stands for a person in a log.
const redacted = "[redacted]"

// LogValue keeps the person out of logs; the record's id is shown.
func (p Person) LogValue() slog.Value {
	return slog.GroupValue(slog.String("id", p.ID), slog.String("person", redacted))
}

// LogValue keeps the name out of logs.
func (Name) LogValue() slog.Value { return slog.StringValue(redacted) }

// LogValue keeps the address out of logs.
func (Address) LogValue() slog.Value { return slog.StringValue(redacted) }

// LogValue keeps the contact out of logs.
func (Contact) LogValue() slog.Value { return slog.StringValue(redacted) }

// LogValue keeps the number out of logs.
func (Identifier) LogValue() slog.Value { return slog.StringValue(redacted) }
