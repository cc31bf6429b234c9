package schedule

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func helsinkiZone(t testing.TB) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation("Europe/Helsinki")
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

// march is the month that matters.
func march(t testing.TB) Span {
	zone := helsinkiZone(t)
	return Span{time.Date(2026, 3, 1, 0, 0, 0, 0, zone), time.Date(2026, 4, 1, 0, 0, 0, 0, zone)}
}

func ics(lines ...string) []byte {
	return []byte("BEGIN:VCALENDAR\r\nVERSION:2.0\r\n" + strings.Join(lines, "\r\n") + "\r\nEND:VCALENDAR\r\n")
}

func TestParseBusy_ReadsWhatBlocksTime(t *testing.T) {
	for name, test := range map[string]struct {
		lines []string
		want  []string // in UTC
	}{
		"a meeting in UTC": {[]string{"BEGIN:VEVENT", "UID:1", "DTSTART:20260303T080000Z", "DTEND:20260303T093000Z", "SUMMARY:Secret", "END:VEVENT"}, []string{"03 08:00-09:30"}},
		"with a zone, folded": {
			[]string{"BEGIN:VEVENT", "DTSTART;TZID=Europe/", " Helsinki:20260303T100000", "DURATION:PT45M", "END:VEVENT"},
			[]string{"03 08:00-08:45"},
		},
		"a whole day, without a zone": {[]string{"BEGIN:VEVENT", "DTSTART;VALUE=DATE:20260304", "END:VEVENT"}, []string{"03 22:00-22:00"}},
		"weekly over the change to summer time, one left out, one moved": {
			[]string{
				"BEGIN:VEVENT", "UID:w", "DTSTART;TZID=Europe/Helsinki:20260309T090000", "DTEND;TZID=Europe/Helsinki:20260309T100000",
				"RRULE:FREQ=WEEKLY;COUNT=5", "EXDATE;TZID=Europe/Helsinki:20260316T090000", "END:VEVENT",
				"BEGIN:VEVENT", "UID:w", "RECURRENCE-ID;TZID=Europe/Helsinki:20260323T090000", "DTSTART;TZID=Europe/Helsinki:20260324T150000",
				"DTEND;TZID=Europe/Helsinki:20260324T160000", "END:VEVENT",
			},
			[]string{"09 07:00-08:00", "24 13:00-14:00", "30 06:00-07:00"},
		},
		"a repetition that was cancelled": {
			[]string{
				"BEGIN:VEVENT", "UID:w", "DTSTART:20260309T090000Z", "DTEND:20260309T100000Z", "RRULE:FREQ=DAILY;COUNT=2", "END:VEVENT",
				"BEGIN:VEVENT", "UID:w", "RECURRENCE-ID:20260310T090000Z", "DTSTART:20260310T090000Z", "STATUS:CANCELLED", "END:VEVENT",
			},
			[]string{"09 09:00-10:00"},
		},
		"what is cancelled, transparent or over blocks nothing": {
			[]string{
				"BEGIN:VEVENT", "DTSTART:20260303T080000Z", "DTEND:20260303T090000Z", "STATUS:CANCELLED", "END:VEVENT",
				"BEGIN:VEVENT", "DTSTART:20260303T080000Z", "DTEND:20260303T090000Z", "TRANSP:TRANSPARENT", "END:VEVENT",
				"BEGIN:VEVENT", "DTSTART:20260203T080000Z", "DTEND:20260203T090000Z", "END:VEVENT",
				"BEGIN:VEVENT", "DTSTART:20260303T080000Z", "END:VEVENT",
			}, nil,
		},
		"free and busy": {
			[]string{"BEGIN:VFREEBUSY", "FREEBUSY;FBTYPE=BUSY:20260305T080000Z/PT1H,20260305T090000Z/20260305T100000Z", "FREEBUSY;FBTYPE=FREE:20260306T080000Z/PT1H", "END:VFREEBUSY"},
			[]string{"05 08:00-10:00"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			spans, err := ParseBusy(ics(test.lines...), helsinkiZone(t), march(t))
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, s := range spans {
				got = append(got, s.From.UTC().Format("02 15:04-")+s.To.UTC().Format("15:04"))
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("busy (-want +got):\n%s", diff)
			}
		})
	}
}

func TestParseBusy_RefusesWhatItCannotRead(t *testing.T) {
	for name, data := range map[string][]byte{
		"nothing":            {},
		"a letter":           []byte("Dear scheduler,\nI am busy."),
		"no start":           ics("BEGIN:VEVENT", "DTEND:20260303T080000Z", "END:VEVENT"),
		"ends before":        ics("BEGIN:VEVENT", "DTSTART:20260303T080000Z", "DTEND:20260303T070000Z", "END:VEVENT"),
		"an unknown zone":    ics("BEGIN:VEVENT", "DTSTART;TZID=Romance Standard Time:20260303T080000", "END:VEVENT"),
		"no time":            ics("BEGIN:VEVENT", "DTSTART:tomorrow", "END:VEVENT"),
		"a rule of its own":  ics("BEGIN:VEVENT", "DTSTART:20260303T080000Z", "DURATION:PT1H", "RRULE:FREQ=SOMETIMES", "END:VEVENT"),
		"every second":       ics("BEGIN:VEVENT", "DTSTART:20260303T080000Z", "DURATION:PT1H", "RRULE:FREQ=SECONDLY", "END:VEVENT"),
		"unended":            []byte("BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\n"),
		"too many times":     ics("BEGIN:VFREEBUSY", "FREEBUSY:"+strings.TrimSuffix(strings.Repeat("20260303T080000Z/PT1H,", BusyMost+1), ","), "END:VFREEBUSY"),
		"a year of duration": ics("BEGIN:VEVENT", "DTSTART:20260303T080000Z", "DURATION:P9999W", "END:VEVENT"),
		"too long":           make([]byte, BusyBytes+1),
	} {
		if spans, err := ParseBusy(data, helsinkiZone(t), march(t)); !errors.Is(err, ErrBusy) {
			t.Errorf("%s: %v, %v", name, spans, err)
		}
	}
}

// Whatever is sent, reading ends, and what comes of it is ordered, apart and within bounds.
func FuzzParseBusy(f *testing.F) {
	f.Add(ics("BEGIN:VEVENT", "DTSTART:20260303T080000Z", "DURATION:PT1H", "RRULE:FREQ=DAILY;BYDAY=MO,TU;UNTIL=20270101T000000Z", "EXDATE:20260304T080000Z", "END:VEVENT"))
	f.Add(ics("BEGIN:VFREEBUSY", "FREEBUSY:20260305T080000Z/PT1H", "END:VFREEBUSY"))
	f.Add([]byte("BEGIN:VCALENDAR\n BEGIN\nEND:VCALENDAR"))
	zone, within := helsinkiZone(f), march(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		spans, err := ParseBusy(data, zone, within)
		if err != nil && !errors.Is(err, ErrBusy) {
			t.Errorf("%v is no ErrBusy", err)
		}
		for i, s := range spans {
			if !s.From.Before(s.To) || !s.Overlaps(within) || i > 0 && !spans[i-1].To.Before(s.From) {
				t.Errorf("span %d: %v", i, s)
			}
		}
	})
}
