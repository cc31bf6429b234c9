package clock

import (
	"fmt"
	"time"
)

// Rule says on which day of each year a holiday falls. Exactly one way is used:
//
//	date: 2026-12-28                    that day, once
//	month: 12, day: 25                  that day every year
//	easter: -2                          days from Easter Sunday (Good Friday)
//	month: 11, weekday: thu, nth: 4     the fourth Thursday of November; nth -1 is the last
//	month: 6, day: 20, weekday: sat     the first Saturday on or after 20 June
type Rule struct {
	Name    string  `yaml:"name" json:"name"`
	Date    *Date   `yaml:"date,omitempty" json:"date,omitempty"`
	Month   int     `yaml:"month,omitempty" json:"month,omitempty"`
	Day     int     `yaml:"day,omitempty" json:"day,omitempty"`
	Easter  *int    `yaml:"easter,omitempty" json:"easter,omitempty"`
	Weekday Weekday `yaml:"weekday,omitempty" json:"weekday,omitempty"`
	Nth     int     `yaml:"nth,omitempty" json:"nth,omitempty"`
	// FirstYear is the first year the holiday exists; 0 is always.
	FirstYear int `yaml:"first_year,omitempty" json:"first_year,omitempty"`
	// LastYear is the last year the holiday exists; 0 is for ever.
	LastYear int `yaml:"last_year,omitempty" json:"last_year,omitempty"`
}

// Weekday is mon, tue, wed, thu, fri, sat or sun; "" is none.
type Weekday string

var weekdays = map[Weekday]time.Weekday{
	"mon": time.Monday, "tue": time.Tuesday, "wed": time.Wednesday, "thu": time.Thursday,
	"fri": time.Friday, "sat": time.Saturday, "sun": time.Sunday,
}

// Time is the weekday as package time knows it; ok is false for no such day.
func (w Weekday) Time() (day time.Weekday, ok bool) {
	day, ok = weekdays[w]
	return day, ok
}

// WeekdayOf is the code of d.
func WeekdayOf(d time.Weekday) Weekday {
	return Weekday([...]string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}[d])
}

// validate says what is wrong with the rule, for whoever writes the file.
func (r Rule) validate() error {
	_, known := r.Weekday.Time()
	switch {
	case r.Name == "":
		return fmt.Errorf("a holiday needs a name")
	case r.Weekday != "" && !known:
		return fmt.Errorf("holiday %q: weekday %q is none of mon tue wed thu fri sat sun", r.Name, r.Weekday)
	case r.Date != nil:
		if r.Month != 0 || r.Day != 0 || r.Easter != nil || r.Weekday != "" || r.Nth != 0 {
			return fmt.Errorf("holiday %q: date stands alone", r.Name)
		}
		return nil
	case r.Easter != nil:
		if r.Month != 0 || r.Day != 0 || r.Weekday != "" || r.Nth != 0 {
			return fmt.Errorf("holiday %q: easter stands alone", r.Name)
		}
		if *r.Easter < -90 || *r.Easter > 90 {
			return fmt.Errorf("holiday %q: easter is days from Easter Sunday, -90 to 90", r.Name)
		}
		return nil
	case r.Month < 1 || r.Month > 12:
		return fmt.Errorf("holiday %q: needs a date, easter, or a month from 1 to 12", r.Name)
	case r.Nth != 0:
		if r.Day != 0 || r.Weekday == "" || r.Nth < -1 || r.Nth > 4 {
			return fmt.Errorf("holiday %q: nth is 1 to 4, or -1 for the last, goes with month and weekday, and without day", r.Name)
		}
		return nil
	}
	if longest := NewDate(2024, time.Month(r.Month)+1, 0).Day; r.Day < 1 || r.Day > longest {
		return fmt.Errorf("holiday %q: month %d has days 1 to %d", r.Name, r.Month, longest)
	}
	return nil
}

// in is the day the holiday falls on in year; ok is false when it has none.
func (r Rule) in(year int) (day Date, ok bool) {
	if year < r.FirstYear || (r.LastYear != 0 && year > r.LastYear) {
		return Date{}, false
	}
	switch {
	case r.Date != nil:
		return *r.Date, r.Date.Year == year
	case r.Easter != nil:
		return Easter(year).AddDays(*r.Easter), true
	}
	weekday, byWeekday := r.Weekday.Time()
	switch {
	case r.Nth > 0:
		return onOrAfter(NewDate(year, time.Month(r.Month), 1), weekday).AddDays(7 * (r.Nth - 1)), true
	case r.Nth < 0:
		return onOrAfter(NewDate(year, time.Month(r.Month)+1, 1).AddDays(-7), weekday), true
	}
	day = NewDate(year, time.Month(r.Month), r.Day)
	if day.Day != r.Day { // 29 February in a year without one
		return Date{}, false
	}
	if byWeekday {
		day = onOrAfter(day, weekday)
	}
	return day, true
}

// onOrAfter is the first such weekday that is not before d.
func onOrAfter(d Date, weekday time.Weekday) Date {
	return d.AddDays((int(weekday) - int(d.Weekday()) + 7) % 7)
}

// Easter is Easter Sunday of the Gregorian calendar in the given year, 1583 or
// later. The algorithm is the one J. Meeus prints in Astronomical Algorithms
// (1991), chapter 8, after S. Butcher (1876): it holds for every year without
// exception or table.
func Easter(year int) Date {
	a := year % 19
	b, c := year/100, year%100
	d, e := b/4, b%4
	f := (b + 8) / 25
	g := (b - f + 1) / 3
	h := (19*a + b - d - g + 15) % 30
	i, k := c/4, c%4
	l := (32 + 2*e + 2*i - h - k) % 7
	m := (a + 11*h + 22*l) / 451
	n := h + l - 7*m + 114
	return Date{year, time.Month(n / 31), n%31 + 1}
}
