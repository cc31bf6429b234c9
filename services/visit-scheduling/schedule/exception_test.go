package schedule_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hearthfps/hearth/pkg/clock"
	"github.com/hearthfps/hearth/services/visit-scheduling/schedule"
)

func TestSeries_ExceptionsAreTakenOutOfItsWindows(t *testing.T) {
	zone, err := time.LoadLocation("Europe/Helsinki")
	if err != nil {
		t.Fatal(err)
	}
	cal, err := clock.NewCalendar("test", zone, clock.Spec{WorkingDays: []clock.Weekday{"mon", "tue", "wed", "thu", "fri"}})
	if err != nil {
		t.Fatal(err)
	}
	// The week of the change to summer time: Sunday the 29th has 23 hours.
	week := schedule.Week{Monday: clock.NewDate(2026, 3, 23)}
	day := func(n int) clock.Date { return week.Monday.AddDays(n) }
	school := schedule.Exception{Kind: schedule.AtSchool, From: day(-30), Weekdays: []clock.Weekday{"mon", "wed"}, Hours: &schedule.DayHours{From: 9 * 60, To: 13 * 60}}
	for name, test := range map[string]struct {
		exceptions []schedule.Exception
		change     func(*schedule.Series)
		want       []string
		why        schedule.Reason
	}{
		"none":                        {nil, nil, []string{"Mon 08-15", "Wed 08-15", "Sun 08-15"}, ""},
		"school leaves the afternoon": {[]schedule.Exception{school}, nil, []string{"Mon 13-15", "Wed 13-15", "Sun 08-15"}, ""},
		"school is nothing to a visit without the child": {
			[]schedule.Exception{school},
			func(s *schedule.Series) { s.Pattern.WithoutChild = true },
			[]string{"Mon 08-15", "Wed 08-15", "Sun 08-15"},
			"",
		},
		"nor to an urgent one": {
			[]schedule.Exception{school},
			func(s *schedule.Series) { s.Kind = schedule.Urgent },
			[]string{"Mon 08-15", "Wed 08-15", "Sun 08-15"},
			"",
		},
		"school that is over": {
			[]schedule.Exception{{Kind: schedule.AtSchool, From: day(-30), To: day(0), Weekdays: school.Weekdays, Hours: school.Hours}},
			nil,
			[]string{"Mon 13-15", "Wed 08-15", "Sun 08-15"},
			"",
		},
		"a single date": {[]schedule.Exception{{Kind: schedule.FamilyAway, From: day(6), To: day(6)}}, nil, []string{"Mon 08-15", "Wed 08-15"}, ""},
		"part of a day": {
			[]schedule.Exception{{Kind: schedule.FamilyAway, From: day(6), To: day(6), Hours: &schedule.DayHours{From: 10 * 60, To: 11 * 60}}},
			nil,
			[]string{"Mon 08-15", "Wed 08-15", "Sun 08-10", "Sun 11-15"},
			"",
		},
		"what is left is too short for a visit": {
			[]schedule.Exception{{Kind: schedule.FamilyAway, From: day(0), To: day(0), Hours: &schedule.DayHours{From: 9 * 60, To: 14*60 + 30}}},
			nil,
			[]string{"Wed 08-15", "Sun 08-15"},
			"",
		},
		"a holiday of the family": {[]schedule.Exception{{Kind: schedule.FamilyAway, From: day(-2), To: day(9)}}, nil, nil, schedule.FamilyNotFree},
	} {
		s := schedule.Series{
			Kind: schedule.OfPlan, StartsOn: day(-70), EndsOn: day(70), Exceptions: test.exceptions,
			Pattern: schedule.Pattern{TimesAWeek: 1, Minutes: 75, Workers: 1, Earliest: 8 * 60, Latest: 15 * 60, Weekdays: []clock.Weekday{"mon", "wed", "sun"}},
		}
		if test.change != nil {
			test.change(&s)
		}
		windows, why := s.Windows(week, week.Span(zone).From, cal)
		var got []string
		for _, w := range windows {
			got = append(got, w.From.In(zone).Format("Mon 15")+w.To.In(zone).Format("-15"))
			if s.Excepted(w, cal) {
				t.Errorf("%s: a window lies in an exception", name)
			}
		}
		if diff := cmp.Diff(test.want, got); diff != "" || why != test.why {
			t.Errorf("%s: why %q, windows (-want +got):\n%s", name, why, diff)
		}
	}
}

func TestException_SaysWhatIsWrong(t *testing.T) {
	first := clock.NewDate(2026, 3, 2)
	for name, test := range map[string]struct {
		e    schedule.Exception
		want []string
	}{
		"school":               {schedule.Exception{Kind: schedule.AtSchool, From: first, Weekdays: []clock.Weekday{"mon"}, Hours: &schedule.DayHours{From: 480, To: 840}}, nil},
		"a date":               {schedule.Exception{Kind: schedule.FamilyAway, From: first, To: first}, nil},
		"400 days":             {schedule.Exception{Kind: schedule.FamilyAway, From: first, To: first.AddDays(399)}, nil},
		"too long":             {schedule.Exception{Kind: schedule.FamilyAway, From: first, To: first.AddDays(400)}, []string{"/to_on too_long"}},
		"turned round":         {schedule.Exception{Kind: schedule.FamilyAway, From: first, To: first.AddDays(-1)}, []string{"/to_on order"}},
		"without end":          {schedule.Exception{Kind: schedule.FamilyAway, From: first}, []string{"/to_on required"}},
		"school without hours": {schedule.Exception{Kind: schedule.AtSchool, From: first}, []string{"/from required", "/weekdays required"}},
		"over midnight":        {schedule.Exception{Kind: schedule.FamilyAway, From: first, To: first, Hours: &schedule.DayHours{From: 1400, To: 60}}, []string{"/to order"}},
		"another day of the week": {
			schedule.Exception{Kind: schedule.FamilyAway, From: first, To: first, Weekdays: []clock.Weekday{"moonday"}}, []string{"/weekdays unknown"},
		},
		"nothing": {schedule.Exception{}, []string{"/kind unknown", "/from_on required"}},
	} {
		var got []string
		for _, f := range test.e.Validate() {
			got = append(got, f.Pointer+" "+f.Code)
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}
