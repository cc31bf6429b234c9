package clock

import (
	"database/sql/driver"
	"fmt"
	"time"
	_ "time/tzdata" // zones must load in an image that has no zone files
)

// Date is a day in the calendar, in no zone. The zero Date is no day.
type Date struct {
	Year  int
	Month time.Month
	Day   int
}

// NewDate makes a date and normalises it as time.Date does: 31 February is 3 March.
func NewDate(year int, month time.Month, day int) Date {
	return DateOf(time.Date(year, month, day, 12, 0, 0, 0, time.UTC), time.UTC)
}

// DateOf is the day it is at t in loc.
func DateOf(t time.Time, loc *time.Location) Date {
	year, month, day := t.In(loc).Date()
	return Date{year, month, day}
}

// ParseDate reads YYYY-MM-DD.
func ParseDate(s string) (Date, error) {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		return Date{}, fmt.Errorf("a date is written YYYY-MM-DD, and names a day that exists")
	}
	return DateOf(t, time.UTC), nil
}

// noon is a moment safely inside the day, for counting in UTC.
func (d Date) noon() time.Time { return time.Date(d.Year, d.Month, d.Day, 12, 0, 0, 0, time.UTC) }

// IsZero says whether d is no day.
func (d Date) IsZero() bool { return d == Date{} }

// String writes YYYY-MM-DD, and "" for the zero Date.
func (d Date) String() string {
	if d.IsZero() {
		return ""
	}
	return d.noon().Format(time.DateOnly)
}

// Weekday is the day of the week.
func (d Date) Weekday() time.Weekday { return d.noon().Weekday() }

// AddDays is n days later (earlier when negative).
func (d Date) AddDays(n int) Date { return DateOf(d.noon().AddDate(0, 0, n), time.UTC) }

// AddMonths is the day with the same number n months later, or the last day of
// that month when it has no such day.
func (d Date) AddMonths(n int) Date {
	first := NewDate(d.Year, d.Month+time.Month(n), 1)
	last := NewDate(first.Year, first.Month+1, 0)
	return Date{first.Year, first.Month, min(d.Day, last.Day)}
}

// DaysUntil is how many days later e is; negative when it is earlier.
func (d Date) DaysUntil(e Date) int { return int(e.noon().Sub(d.noon()) / (24 * time.Hour)) }

// Before says whether d is an earlier day than e.
func (d Date) Before(e Date) bool { return d.Compare(e) < 0 }

// After says whether d is a later day than e.
func (d Date) After(e Date) bool { return d.Compare(e) > 0 }

// Compare is -1, 0 or +1 as d is before, the same as, or after e.
func (d Date) Compare(e Date) int { return d.noon().Compare(e.noon()) }

// At is the moment the clock on the wall in loc shows hour:minute that day. A
// time skipped when clocks go forward is the moment as if they had not; a time
// that comes twice is the first.
func (d Date) At(hour, minute int, loc *time.Location) time.Time {
	t := time.Date(d.Year, d.Month, d.Day, hour, minute, 0, 0, loc)
	if t.Hour() != hour || t.Minute() != minute { // skipped: keep the offset of the day before
		_, offset := t.AddDate(0, 0, -1).Zone()
		t = time.Date(d.Year, d.Month, d.Day, hour, minute, 0, 0, time.UTC).Add(-time.Duration(offset) * time.Second)
		return t.UTC()
	}
	if earlier := t.Add(-time.Hour); earlier.Hour() == hour && earlier.Minute() == minute {
		t = earlier
	}
	return t.UTC()
}

// Start is the first moment of the day in loc, which is not midnight where
// clocks go forward at midnight.
func (d Date) Start(loc *time.Location) time.Time {
	return d.At(0, 0, loc)
}

// End is the last microsecond of the day in loc: an instant that PostgreSQL can
// store and that still has the day's own date.
func (d Date) End(loc *time.Location) time.Time {
	return d.AddDays(1).Start(loc).Add(-time.Microsecond)
}

// MarshalText writes YYYY-MM-DD.
func (d Date) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads YYYY-MM-DD; an empty text is the zero Date.
func (d *Date) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*d = Date{}
		return nil
	}
	parsed, err := ParseDate(string(text))
	if err != nil {
		return err
	}
	*d = parsed
	return nil
}

// Value stores the date; the zero Date is NULL.
func (d Date) Value() (driver.Value, error) {
	if d.IsZero() {
		return nil, nil
	}
	return d.String(), nil
}

// Scan reads a date column; NULL is the zero Date.
func (d *Date) Scan(src any) error {
	switch v := src.(type) {
	case nil:
		*d = Date{}
		return nil
	case time.Time:
		*d = DateOf(v, v.Location())
		return nil
	case string:
		return d.UnmarshalText([]byte(v))
	case []byte:
		return d.UnmarshalText(v)
	}
	return fmt.Errorf("cannot read a date from %T", src)
}
