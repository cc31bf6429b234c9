package clock

import (
	"fmt"
	"time"
)

// Deadline is a length of time as statutes and programs give it, in exactly one
// unit:
//
//	hours         elapsed hours, whatever the clocks on the wall do: 24 hours
//	days          calendar days; ends with the nth day after the day it starts
//	working_days  ends with the nth working day after the day it starts
//	months        ends with the day of the same number n months on, or with the
//	              month's last day when it has none (Finnish act 150/1930, 3 §)
type Deadline struct {
	Hours       int `yaml:"hours,omitempty" json:"hours,omitempty"`
	Days        int `yaml:"days,omitempty" json:"days,omitempty"`
	WorkingDays int `yaml:"working_days,omitempty" json:"working_days,omitempty"`
	Months      int `yaml:"months,omitempty" json:"months,omitempty"`
}

// Validate says what is wrong with a deadline read from a file.
func (d Deadline) Validate() error {
	units := 0
	for _, n := range []int{d.Hours, d.Days, d.WorkingDays, d.Months} {
		if n < 0 {
			return fmt.Errorf("a deadline does not lie in the past")
		}
		if n > 0 {
			units++
		}
	}
	if units != 1 {
		return fmt.Errorf("a deadline has exactly one of hours, days, working_days, months, and it is more than 0")
	}
	if d.Hours > 24*366*20 || d.Days > 366*20 || d.WorkingDays > 366*20 || d.Months > 12*20 {
		return fmt.Errorf("a deadline is at most 20 years")
	}
	return nil
}

// IsZero says whether no deadline is set.
func (d Deadline) IsZero() bool { return d == Deadline{} }

// From is the last moment in time when the deadline starts at t, in UTC. The day
// of t is not counted, save by hours. The zero Deadline is t itself.
func (d Deadline) From(t time.Time, cal *Calendar) time.Time {
	switch {
	case d.Hours > 0:
		return t.UTC().Add(time.Duration(d.Hours) * time.Hour)
	case d.Days > 0:
		return cal.Today(t).AddDays(d.Days).End(cal.Zone())
	case d.WorkingDays > 0:
		return cal.AddWorkingDays(t, d.WorkingDays)
	case d.Months > 0:
		return cal.Today(t).AddMonths(d.Months).End(cal.Zone())
	}
	return t.UTC()
}

// String is for people: "7 working days".
func (d Deadline) String() string {
	for _, u := range []struct {
		n    int
		unit string
	}{{d.Hours, "hour"}, {d.Days, "day"}, {d.WorkingDays, "working day"}, {d.Months, "month"}} {
		switch {
		case u.n == 1:
			return "1 " + u.unit
		case u.n > 1:
			return fmt.Sprintf("%d %ss", u.n, u.unit)
		}
	}
	return "no deadline"
}
