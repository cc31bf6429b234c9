package clock_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/hearthfps/hearth/pkg/clock"
)

func days(n int) *int { return &n }

var weekdays = []clock.Weekday{"mon", "tue", "wed", "thu", "fri"}

// finland is the calendar the Finnish golden cases are counted in. The shipped
// rule file is checked against the same dates in package rules.
func finland(t testing.TB) *clock.Calendar {
	return calendar(t, "Europe/Helsinki", clock.Spec{WorkingDays: weekdays, Holidays: []clock.Rule{
		{Name: "New Year's Day", Month: 1, Day: 1},
		{Name: "Epiphany", Month: 1, Day: 6},
		{Name: "Good Friday", Easter: days(-2)},
		{Name: "Easter Sunday", Easter: days(0)},
		{Name: "Easter Monday", Easter: days(1)},
		{Name: "May Day", Month: 5, Day: 1},
		{Name: "Ascension Day", Easter: days(39)},
		{Name: "Midsummer Eve", Month: 6, Day: 19, Weekday: "fri"},
		{Name: "Midsummer Day", Month: 6, Day: 20, Weekday: "sat"},
		{Name: "All Saints' Day", Month: 10, Day: 31, Weekday: "sat"},
		{Name: "Independence Day", Month: 12, Day: 6},
		{Name: "Christmas Eve", Month: 12, Day: 24},
		{Name: "Christmas Day", Month: 12, Day: 25},
		{Name: "Second Day of Christmas", Month: 12, Day: 26},
	}})
}

func unitedStates(t testing.TB, zone string) *clock.Calendar {
	return calendar(t, zone, clock.Spec{WorkingDays: weekdays, Observed: "nearest_weekday", Holidays: []clock.Rule{
		{Name: "New Year's Day", Month: 1, Day: 1},
		{Name: "Memorial Day", Month: 5, Weekday: "mon", Nth: -1},
		{Name: "Juneteenth", Month: 6, Day: 19, FirstYear: 2021},
		{Name: "Independence Day", Month: 7, Day: 4},
		{Name: "Thanksgiving Day", Month: 11, Weekday: "thu", Nth: 4},
		{Name: "Christmas Day", Month: 12, Day: 25},
	}})
}

func calendar(t testing.TB, zone string, spec clock.Spec) *clock.Calendar {
	t.Helper()
	loc, err := time.LoadLocation(zone)
	if err != nil {
		t.Fatal(err)
	}
	c, err := clock.NewCalendar("test", loc, spec)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func at(t testing.TB, cal *clock.Calendar, wall string) time.Time {
	t.Helper()
	got, err := time.ParseInLocation("2006-01-02 15:04", wall, cal.Zone())
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func date(t testing.TB, s string) clock.Date {
	t.Helper()
	d, err := clock.ParseDate(s)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// The assessment of the need for services starts by the seventh working day
// after the contact (Finnish Child Welfare Act 417/2007, 26 §; Social Welfare
// Act 1301/2014, 36 §) and is done within three months of it.
func TestGuarantee4_FinnishPair(t *testing.T) {
	cal := finland(t)
	start, done := clock.Deadline{WorkingDays: 7}, clock.Deadline{Months: 3}
	for _, tc := range []struct{ name, contact, wantStart, wantDone string }{
		{"a Tuesday: Thursday of the week after", "2026-02-03 09:00", "2026-02-12", "2026-05-03"},
		{"Good Friday and Easter Monday lie between", "2026-03-31 15:30", "2026-04-13", "2026-06-30"},
		{"the last minute of the day is the same day", "2026-03-31 23:59", "2026-04-13", "2026-06-30"},
		{"a Saturday is no working day", "2026-02-07 11:00", "2026-02-17", "2026-05-07"},
		{"a Sunday, the night clocks go forward", "2026-03-29 02:30", "2026-04-09", "2026-06-29"},
		{"30 November: three months end on the last of February", "2026-11-30 08:00", "2026-12-09", "2027-02-28"},
		{"over Christmas and Epiphany", "2026-12-22 12:00", "2027-01-05", "2027-03-22"},
		{"Midsummer Eve is not worked", "2026-06-17 10:00", "2026-06-29", "2026-09-17"},
	} {
		contact := at(t, cal, tc.contact)
		got := [2]string{cal.Today(start.From(contact, cal)).String(), cal.Today(done.From(contact, cal)).String()}
		if diff := cmp.Diff([2]string{tc.wantStart, tc.wantDone}, got); diff != "" {
			t.Errorf("%s:\n%s", tc.name, diff)
		}
	}
}

func TestGuarantee3_DeadlineIsTheLastMomentOfTheDay(t *testing.T) {
	cal := finland(t)
	for _, tc := range []struct {
		name     string
		contact  string
		deadline clock.Deadline
		want     string
	}{
		{"summer time in force at the end", "2026-03-24 10:00", clock.Deadline{Days: 7}, "2026-03-31T20:59:59.999999Z"},
		{"the day clocks go forward has 23 hours", "2026-03-28 10:00", clock.Deadline{Days: 1}, "2026-03-29T20:59:59.999999Z"},
		{"the day clocks go back has 25", "2026-10-24 10:00", clock.Deadline{Days: 1}, "2026-10-25T21:59:59.999999Z"},
		{"winter", "2026-01-30 10:00", clock.Deadline{Months: 1}, "2026-02-28T21:59:59.999999Z"},
		{"leap year", "2028-01-31 10:00", clock.Deadline{Months: 1}, "2028-02-29T21:59:59.999999Z"},
		{"no deadline", "2026-01-30 10:00", clock.Deadline{}, "2026-01-30T08:00:00Z"},
	} {
		got := tc.deadline.From(at(t, cal, tc.contact), cal).Format(time.RFC3339Nano)
		if got != tc.want {
			t.Errorf("%s: got %s, want %s", tc.name, got, tc.want)
		}
	}
}

// Response times as US states set them: 24 hours, 72 hours, 10 days.
func TestDeadline_UnitedStates(t *testing.T) {
	cal := unitedStates(t, "America/Chicago")
	for _, tc := range []struct {
		name     string
		report   string
		deadline clock.Deadline
		want     string
	}{
		{"24 hours are elapsed hours over the lost hour", "2026-03-07 18:00", clock.Deadline{Hours: 24}, "2026-03-08T19:00:00-05:00"},
		{"24 hours over the doubled hour", "2026-10-31 18:00", clock.Deadline{Hours: 24}, "2026-11-01T17:00:00-06:00"},
		{"72 hours run on over a weekend and a holiday", "2026-07-02 16:30", clock.Deadline{Hours: 72}, "2026-07-05T16:30:00-05:00"},
		{"10 days over a month's end", "2026-02-24 23:10", clock.Deadline{Days: 10}, "2026-03-06T23:59:59.999999-06:00"},
		{"10 working days over Thanksgiving", "2026-11-20 09:00", clock.Deadline{WorkingDays: 10}, "2026-12-07T23:59:59.999999-06:00"},
	} {
		got := tc.deadline.From(at(t, cal, tc.report), cal).In(cal.Zone()).Format(time.RFC3339Nano)
		if got != tc.want {
			t.Errorf("%s: got %s, want %s", tc.name, got, tc.want)
		}
	}
}

func TestCalendar_ObservedHolidays(t *testing.T) {
	cal := unitedStates(t, "America/New_York")
	for day, want := range map[string]string{
		"2026-07-03": "Independence Day (observed)", // the 4th is a Saturday
		"2026-07-06": "",
		"2027-07-05": "Independence Day (observed)", // the 4th is a Sunday
		"2021-12-31": "New Year's Day (observed)",   // 1 January 2022 is a Saturday
		"2020-06-19": "",                            // before it was a holiday
		"2026-06-19": "Juneteenth",
		"2026-05-25": "Memorial Day",
		"2026-11-26": "Thanksgiving Day",
	} {
		got, _ := cal.Holiday(date(t, day))
		if got != want {
			t.Errorf("%s: got %q, want %q", day, got, want)
		}
		if worked := cal.IsWorkingDay(date(t, day)); worked != (want == "") {
			t.Errorf("%s: working day %v", day, worked)
		}
	}
}

func TestGuarantee5_Easter(t *testing.T) {
	for _, want := range []string{ // published dates; 1818 is the earliest possible, 1943 and 2038 the latest
		"1583-04-10", "1700-04-11", "1818-03-22", "1900-04-15", "1943-04-25", "1954-04-18", "1981-04-19", "2000-04-23",
		"2008-03-23", "2019-04-21", "2024-03-31", "2025-04-20", "2026-04-05", "2027-03-28", "2028-04-16", "2038-04-25", "2049-04-18", "2076-04-19",
	} {
		if got := clock.Easter(date(t, want).Year).String(); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	for year := 1583; year < 8000; year++ {
		d := clock.Easter(year)
		if d.Weekday() != time.Sunday || d.Before(clock.NewDate(year, 3, 22)) || d.After(clock.NewDate(year, 4, 25)) {
			t.Fatalf("%d: %v is no day Easter can fall on", year, d)
		}
	}
}

func TestCalendar_FinnishMovableDays(t *testing.T) {
	cal := finland(t)
	for day, want := range map[string]string{
		"2026-05-14": "Ascension Day", "2026-06-19": "Midsummer Eve", "2026-06-20": "Midsummer Day",
		"2026-10-31": "All Saints' Day", "2025-11-01": "All Saints' Day", "2026-04-03": "Good Friday", "2026-04-06": "Easter Monday",
	} {
		if got, _ := cal.Holiday(date(t, day)); got != want {
			t.Errorf("%s: got %q, want %q", day, got, want)
		}
	}
}

func TestCalendar_CountsAgreeWithEachOther(t *testing.T) {
	cal := finland(t)
	rapid.Check(t, func(t *rapid.T) {
		from := clock.NewDate(rapid.IntRange(1990, 2060).Draw(t, "year"), time.January, rapid.IntRange(1, 366).Draw(t, "day"))
		n := rapid.IntRange(1, 60).Draw(t, "n")
		to := cal.WorkingDay(from, n)
		if !cal.IsWorkingDay(to) {
			t.Fatalf("%v is not worked", to)
		}
		if got := cal.WorkingDaysBetween(from, to); got != n {
			t.Fatalf("from %v to %v: got %d working days, want %d", from, to, got, n)
		}
		end := cal.AddWorkingDays(from.At(rapid.IntRange(0, 23).Draw(t, "hour"), 0, cal.Zone()), n)
		if got := cal.Today(end); got != to {
			t.Fatalf("got %v, want %v", got, to)
		}
		if next := end.Add(time.Microsecond); cal.Today(next) != to.AddDays(1) {
			t.Fatalf("%v is not the end of %v", end, to)
		}
	})
}

func TestNewCalendar_SaysWhatToMend(t *testing.T) {
	for _, tc := range []struct {
		name string
		spec clock.Spec
		want string
	}{
		{"no days", clock.Spec{}, `calendar "x": working_days names at least one weekday`},
		{"bad weekday", clock.Spec{WorkingDays: []clock.Weekday{"monday"}}, `calendar "x": working_days: "monday" is none of mon tue wed thu fri sat sun`},
		{"observed", clock.Spec{WorkingDays: weekdays, Observed: "next"}, `calendar "x": observed is empty or nearest_weekday`},
		{"no rule", clock.Spec{WorkingDays: weekdays, Holidays: []clock.Rule{{Name: "A"}}}, `calendar "x": holiday "A": needs a date, easter, or a month from 1 to 12`},
		{"no name", clock.Spec{WorkingDays: weekdays, Holidays: []clock.Rule{{Month: 1, Day: 1}}}, `calendar "x": a holiday needs a name`},
		{"30 February", clock.Spec{WorkingDays: weekdays, Holidays: []clock.Rule{{Name: "A", Month: 2, Day: 30}}}, `calendar "x": holiday "A": month 2 has days 1 to 29`},
		{"two ways", clock.Spec{WorkingDays: weekdays, Holidays: []clock.Rule{{Name: "A", Easter: days(1), Month: 2}}}, `calendar "x": holiday "A": easter stands alone`},
	} {
		_, err := clock.NewCalendar("x", time.UTC, tc.spec)
		if err == nil || err.Error() != tc.want {
			t.Errorf("%s: got %v, want %s", tc.name, err, tc.want)
		}
	}
}

func TestDeadline_Validate(t *testing.T) {
	for _, tc := range []struct {
		d    clock.Deadline
		ok   bool
		text string
	}{
		{clock.Deadline{Hours: 24}, true, "24 hours"},
		{clock.Deadline{WorkingDays: 1}, true, "1 working day"},
		{clock.Deadline{Months: 3}, true, "3 months"},
		{clock.Deadline{}, false, "no deadline"},
		{clock.Deadline{Hours: 1, Days: 1}, false, "1 hour"},
		{clock.Deadline{Days: -1}, false, "no deadline"},
		{clock.Deadline{Days: 1 << 40}, false, "1099511627776 days"},
	} {
		if err := tc.d.Validate(); (err == nil) != tc.ok {
			t.Errorf("%+v: got %v", tc.d, err)
		}
		if got := tc.d.String(); got != tc.text {
			t.Errorf("%+v: got %q, want %q", tc.d, got, tc.text)
		}
	}
}
