package rules_test

import (
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/hearthfps/hearth/pkg/clock"
	"github.com/hearthfps/hearth/services/visit-scheduling/optimise"
	"github.com/hearthfps/hearth/services/visit-scheduling/rules"
	"github.com/hearthfps/hearth/services/visit-scheduling/schedule"
)

func TestWeights_AnAgencyHasItsOwnOverTheDefault(t *testing.T) {
	book, err := rules.Load(rules.Files())
	if err != nil {
		t.Fatal(err)
	}
	standard, north := book.Weighing("somewhere"), book.Weighing("northshore")
	if standard.Weights != optimise.DefaultWeights() || standard.Wish != 300 || standard.LoneByDaylight || standard.Place != nil {
		t.Errorf("by default %+v; want what the search weighs by itself", standard)
	}
	if !north.LoneByDaylight || north.Place == nil || north.Weights != standard.Weights || book.WeightsRule.Hash == "" {
		t.Errorf("northshore %+v", north)
	}
}

func TestWeights_ABadFileIsRefusedWithWhatToMend(t *testing.T) {
	shipped := func(name string) []byte {
		f, err := rules.Files().Open(name)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		data := make([]byte, 1<<16)
		n, err := f.Read(data)
		if err != nil {
			t.Fatal(err)
		}
		return data[:n]
	}
	good := string(shipped("weights.yaml"))
	for want, bad := range map[string]string{
		"wish is missing":       strings.Replace(good, "    wish: 300", "    # wish: 300", 1),
		`no "whish"`:            good + "  westside: {points: {whish: 3}}\n",
		"westside: points":      good + "  westside: {points: {stranger: -1}}\n",
		"lone_after_dark":       strings.Replace(good, "    lone_after_dark: true", "    # nothing", 1),
		"safety: dark: to":      strings.Replace(good, `to: "08:00"`, `to: "8"`, 1),
		"lat -90 to 90":         good + "  westside: {safety: {place: {lat: 91, lon: 0}}}\n",
		"notice":                good + "  westside: {points: {notice_days: 4000}}\n",
		"nobody_needs_this_key": good + "nobody_needs_this_key: 1\n",
	} {
		files := fstest.MapFS{"publishing.yaml": {Data: shipped("publishing.yaml")}, "visits/visits.yaml": {Data: shipped("visits/visits.yaml")}, "weights.yaml": {Data: []byte(bad)}}
		if _, err := rules.Load(files); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want an error about %q, got %v", want, err)
		}
	}
}

func TestWeighing_DarkIsFromSunsetToSunriseOrAsStated(t *testing.T) {
	zone, err := time.LoadLocation("Europe/Helsinki")
	if err != nil {
		t.Fatal(err)
	}
	cal, err := clock.NewCalendar("test", zone, clock.Spec{WorkingDays: []clock.Weekday{"mon"}})
	if err != nil {
		t.Fatal(err)
	}
	at := func(day, hour, minute int) time.Time { return time.Date(2026, 12, day, hour, minute, 0, 0, zone) }
	week := schedule.Span{From: at(14, 0, 0), To: at(21, 0, 0)}
	dark := func(w schedule.Weighing, from, to time.Time) bool {
		for _, s := range w.Dark(week, cal) {
			if s.Overlaps(schedule.Span{From: from, To: to}) {
				return true
			}
		}
		return false
	}
	lahti := schedule.Weighing{Place: &schedule.Point{Lat: 60.98, Lon: 25.66}}
	stated := schedule.Weighing{DarkFrom: 18 * 60, DarkTo: 8 * 60}
	for _, test := range []struct {
		name     string
		w        schedule.Weighing
		from, to time.Time
		want     bool
	}{
		// In Lahti the sun rises at 9:28 and sets at 15:06 in that week.
		{"noon", lahti, at(16, 10, 0), at(16, 14, 30), false},
		{"before sunrise", lahti, at(16, 8, 0), at(16, 9, 0), true},
		{"after sunset", lahti, at(20, 15, 30), at(20, 16, 0), true},
		{"the first night", lahti, at(14, 0, 0), at(14, 1, 0), true},
		{"stated: the day", stated, at(16, 8, 0), at(16, 18, 0), false},
		{"stated: the evening", stated, at(16, 17, 59), at(16, 18, 1), true},
		{"stated: the first morning", stated, at(14, 7, 0), at(14, 7, 30), true},
		{"nothing known", schedule.Weighing{}, at(14, 0, 0), at(20, 0, 0), false},
	} {
		if got := dark(test.w, test.from, test.to); got != test.want {
			t.Errorf("%s: dark %v, want %v", test.name, got, test.want)
		}
	}
}
