package tenant

import (
	"database/sql/driver"
	"encoding/json"
	"fmt"
	"log/slog"

	"github.com/hearthfps/hearth/pkg/fault"
)

// MaxLength is the longest an agency's slug may be, that of a DNS label.
const MaxLength = 63

// AgencyID is an agency's slug, for example "lakeland": lower-case letters,
// digits and inner hyphens, 1 to 63 characters. The zero value is no agency.
type AgencyID struct{ slug string }

// Parse reads a slug. It fails with Invalid (agency_malformed) for anything else.
func Parse(s string) (AgencyID, error) {
	if !wellFormed(s) {
		return AgencyID{}, fault.New(fault.Invalid, "agency_malformed",
			"An agency is named by 1 to 63 lower-case letters, digits and inner hyphens, for example lakeland.")
	}
	return AgencyID{slug: s}, nil
}

func wellFormed(s string) bool {
	if s == "" || len(s) > MaxLength || s[0] == '-' || s[len(s)-1] == '-' {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
			return false
		}
	}
	return true
}

// String is the slug, "" for no agency.
func (a AgencyID) String() string { return a.slug }

// IsZero says whether this is no agency.
func (a AgencyID) IsZero() bool { return a.slug == "" }

// LogValue shows the slug in logs.
func (a AgencyID) LogValue() slog.Value { return slog.StringValue(a.slug) }

// MarshalText gives the slug.
func (a AgencyID) MarshalText() ([]byte, error) { return []byte(a.slug), nil }

// UnmarshalText reads a slug, as Parse does; empty text is refused.
func (a *AgencyID) UnmarshalText(text []byte) error {
	parsed, err := Parse(string(text))
	if err != nil {
		return err
	}
	*a = parsed
	return nil
}

// MarshalJSON gives the slug as a JSON string.
func (a AgencyID) MarshalJSON() ([]byte, error) { return json.Marshal(a.slug) }

// UnmarshalJSON reads a JSON string, as Parse does.
func (a *AgencyID) UnmarshalJSON(data []byte) error {
	var s string
	if err := json.Unmarshal(data, &s); err != nil {
		return fmt.Errorf("read agency: %w", err)
	}
	return a.UnmarshalText([]byte(s))
}

// Value gives the slug to a database; no agency is an error, so that no row is
// written without its tenant.
func (a AgencyID) Value() (driver.Value, error) {
	if a.IsZero() {
		return nil, fault.New(fault.Internal, "agency_missing", "A row cannot be written without its agency.")
	}
	return a.slug, nil
}

// Scan reads a text column.
func (a *AgencyID) Scan(src any) error {
	switch v := src.(type) {
	case string:
		return a.UnmarshalText([]byte(v))
	case []byte:
		return a.UnmarshalText(v)
	default:
		return fmt.Errorf("read agency: a %T is not text", src)
	}
}
