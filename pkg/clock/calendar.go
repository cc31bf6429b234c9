package clock

import (
	"fmt"
	"slices"
	"sync"
	"time"
)

// Spec is a working-day calendar as a rule file states it.
type Spec struct {
	// WorkingDays are the days of the week that are worked.
	WorkingDays []Weekday `yaml:"working_days" json:"working_days"`
	// Holidays are days not worked whatever weekday they fall on.
	Holidays []Rule `yaml:"holidays" json:"holidays"`
	// Observed says what happens to a holiday on a weekend: "" nothing;
	// "nearest_weekday" it is also observed on the Friday before a Saturday or
	// the Monday after a Sunday (5 U.S.C. 6103(b) and Executive Order 11582).
	Observed string `yaml:"observed,omitempty" json:"observed,omitempty"`
}

// Calendar knows which days are worked in one zone. Make one with NewCalendar.
// It may be used from many goroutines.
type Calendar struct {
	name   string
	zone   *time.Location
	spec   Spec
	worked [7]bool

	mu    sync.Mutex
	years map[int]map[Date]string
}

// maxHolidays keeps AddWorkingDays finite: a year always has days left to work.
const maxHolidays = 150

// NewCalendar checks spec and makes a calendar of it. The error says what to mend.
func NewCalendar(name string, zone *time.Location, spec Spec) (*Calendar, error) {
	c := &Calendar{name: name, zone: zone, spec: spec, years: map[int]map[Date]string{}}
	if zone == nil {
		return nil, fmt.Errorf("calendar %q: needs a time zone", name)
	}
	if len(spec.WorkingDays) == 0 {
		return nil, fmt.Errorf("calendar %q: working_days names at least one weekday", name)
	}
	for _, code := range spec.WorkingDays {
		day, ok := code.Time()
		if !ok {
			return nil, fmt.Errorf("calendar %q: working_days: %q is none of mon tue wed thu fri sat sun", name, code)
		}
		c.worked[day] = true
	}
	if spec.Observed != "" && spec.Observed != "nearest_weekday" {
		return nil, fmt.Errorf("calendar %q: observed is empty or nearest_weekday", name)
	}
	recurring := 0
	for _, rule := range spec.Holidays {
		if err := rule.validate(); err != nil {
			return nil, fmt.Errorf("calendar %q: %w", name, err)
		}
		if rule.Date == nil {
			recurring++
		}
	}
	if recurring > maxHolidays {
		return nil, fmt.Errorf("calendar %q: at most %d holidays a year", name, maxHolidays)
	}
	c.spec.WorkingDays = slices.Clone(spec.WorkingDays)
	c.spec.Holidays = slices.Clone(spec.Holidays)
	return c, nil
}

// Name is what the calendar is called in the agency's file.
func (c *Calendar) Name() string { return c.name }

// Zone is where the calendar's days begin and end.
func (c *Calendar) Zone() *time.Location { return c.zone }

// Today is the day it is at t in the calendar's zone.
func (c *Calendar) Today(t time.Time) Date { return DateOf(t, c.zone) }

// Holiday is the name of the holiday on d; ok is false when d is none.
func (c *Calendar) Holiday(d Date) (name string, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	days := c.years[d.Year]
	if days == nil {
		days = c.holidays(d.Year)
		c.years[d.Year] = days
	}
	name, ok = days[d]
	return name, ok
}

// holidays lists the days of one year that are not worked, by date. The years
// beside it count too: New Year's Day on a Saturday is observed on 31 December.
func (c *Calendar) holidays(year int) map[Date]string {
	days := map[Date]string{}
	put := func(d Date, name string) {
		if d.Year != year {
			return
		}
		if _, taken := days[d]; !taken {
			days[d] = name
		}
	}
	for y := year - 1; y <= year+1; y++ {
		for _, rule := range c.spec.Holidays {
			day, ok := rule.in(y)
			if !ok {
				continue
			}
			put(day, rule.Name)
			if c.spec.Observed == "" {
				continue
			}
			switch day.Weekday() {
			case time.Saturday:
				put(day.AddDays(-1), rule.Name+" (observed)")
			case time.Sunday:
				put(day.AddDays(1), rule.Name+" (observed)")
			}
		}
	}
	return days
}

// IsWorkingDay says whether d is a weekday that is worked and no holiday.
func (c *Calendar) IsWorkingDay(d Date) bool {
	if !c.worked[d.Weekday()] {
		return false
	}
	_, holiday := c.Holiday(d)
	return !holiday
}

// NextWorkingDay is the first working day that is not before d.
func (c *Calendar) NextWorkingDay(d Date) Date {
	for !c.IsWorkingDay(d) {
		d = d.AddDays(1)
	}
	return d
}

// WorkingDay is the nth working day after d, d not counted. With n below 1 it is d.
func (c *Calendar) WorkingDay(d Date, n int) Date {
	for ; n > 0; n-- {
		d = c.NextWorkingDay(d.AddDays(1))
	}
	return d
}

// AddWorkingDays is the end (the last microsecond, in UTC) of the nth working
// day after the day of t, which is not counted.
func (c *Calendar) AddWorkingDays(t time.Time, n int) time.Time {
	return c.WorkingDay(c.Today(t), n).End(c.zone)
}

// WorkingDaysBetween counts the working days after from, up to and including to.
func (c *Calendar) WorkingDaysBetween(from, to Date) int {
	n := 0
	for d := from.AddDays(1); !d.After(to); d = d.AddDays(1) {
		if c.IsWorkingDay(d) {
			n++
		}
	}
	return n
}
