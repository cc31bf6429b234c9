package schedule

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/teambition/rrule-go"
)

// Bounds of a calendar that is read for busy times.
const (
	// BusyBytes is the longest calendar that is read.
	BusyBytes = 1 << 20
	// BusyMost is how many busy times a calendar may come to.
	BusyMost = 2000
	// busyEvents is how many events and free/busy parts are looked at.
	busyEvents = 5000
)

// ErrBusy marks a calendar that cannot be read; the text says where and why.
var ErrBusy = errors.New("unreadable calendar")

func badBusy(line int, format string, args ...any) error {
	return fmt.Errorf("%w: line %d: %s", ErrBusy, line, fmt.Sprintf(format, args...))
}

// ParseBusy reads the busy times of an iCalendar file (RFC 5545) that overlap
// within: VFREEBUSY as it says, VEVENT with its repetitions (RRULE, RDATE, EXDATE,
// RECURRENCE-ID), those that are cancelled or transparent left out. Times without a
// zone, and whole days, are those of zone. The result is ordered and inside within,
// and times that touch are one.
// Of the file nothing but times is kept.
//
// It fails with ErrBusy for what is no calendar, is longer than BusyBytes, or comes
// to more than BusyMost times.
func ParseBusy(data []byte, zone *time.Location, within Span) ([]Span, error) {
	if len(data) > BusyBytes {
		return nil, fmt.Errorf("%w: more than %d bytes", ErrBusy, BusyBytes)
	}
	p := busyReader{zone: zone, within: within, moved: map[string]map[int64]bool{}}
	if err := p.read(unfold(data)); err != nil {
		return nil, err
	}
	var spans []Span
	for _, e := range p.events {
		found, err := e.spans(p, BusyMost-len(spans))
		if err != nil {
			return nil, err
		}
		spans = append(spans, found...)
	}
	spans = append(spans, p.busy...)
	if len(spans) > BusyMost {
		return nil, fmt.Errorf("%w: more than %d busy times", ErrBusy, BusyMost)
	}
	spans = merge(spans)
	for i, s := range spans {
		if s.From.Before(within.From) {
			spans[i].From = within.From.UTC()
		}
		if s.To.After(within.To) {
			spans[i].To = within.To.UTC()
		}
	}
	return spans, nil
}

// busyLine is a content line, unfolded, with the number it begins on.
type busyLine struct {
	n      int
	name   string
	params map[string]string
	value  string
}

// unfold joins folded lines (RFC 5545, 3.1) and takes them apart. Lines that are
// no content lines are left out.
func unfold(data []byte) []busyLine {
	var lines []busyLine
	var text []byte
	start := 0
	flush := func() {
		if l, ok := contentLine(string(text)); ok {
			l.n = start
			lines = append(lines, l)
		}
	}
	for i, raw := range bytes.Split(data, []byte("\n")) {
		raw = bytes.TrimSuffix(raw, []byte("\r"))
		if len(raw) > 0 && (raw[0] == ' ' || raw[0] == '\t') {
			text = append(text, raw[1:]...)
			continue
		}
		if text != nil {
			flush()
		}
		text, start = append([]byte{}, raw...), i+1
	}
	flush()
	return lines
}

func contentLine(text string) (l busyLine, ok bool) {
	quoted, colon := false, -1
	for i := 0; i < len(text) && colon < 0; i++ {
		switch text[i] {
		case '"':
			quoted = !quoted
		case ':':
			if !quoted {
				colon = i
			}
		}
	}
	if colon <= 0 {
		return l, false
	}
	parts := strings.Split(text[:colon], ";")
	l = busyLine{name: strings.ToUpper(parts[0]), value: strings.TrimSpace(text[colon+1:]), params: map[string]string{}}
	for _, p := range parts[1:] {
		key, value, _ := strings.Cut(p, "=")
		l.params[strings.ToUpper(key)] = strings.Trim(value, `"`)
	}
	return l, true
}

type busyReader struct {
	zone   *time.Location
	within Span
	events []busyEvent
	busy   []Span
	// moved are the repetitions that an event of their own stands for, by UID and
	// time.
	moved map[string]map[int64]bool
}

type busyEvent struct {
	n           int
	uid         string
	start, end  time.Time
	duration    time.Duration
	wholeDay    bool
	rule        string
	extra, skip []time.Time
	gone        bool
	isOverride  bool
}

func (p *busyReader) read(lines []busyLine) error {
	var open []string
	var event busyEvent
	looked := 0
	for _, l := range lines {
		in := ""
		if len(open) > 0 {
			in = open[len(open)-1]
		}
		switch {
		case l.name == "BEGIN":
			open = append(open, strings.ToUpper(l.value))
			if len(open) > 10 {
				return badBusy(l.n, "parts stand more than ten deep in each other")
			}
			if open[0] != "VCALENDAR" {
				return badBusy(l.n, "a calendar begins with BEGIN:VCALENDAR")
			}
			if open[len(open)-1] == "VEVENT" || open[len(open)-1] == "VFREEBUSY" {
				if looked++; looked > busyEvents {
					return badBusy(l.n, "more than %d events", busyEvents)
				}
				event = busyEvent{n: l.n}
			}
		case l.name == "END":
			if in != strings.ToUpper(l.value) {
				return badBusy(l.n, "an END without its BEGIN")
			}
			open = open[:len(open)-1]
			if in == "VEVENT" {
				if err := p.keep(event); err != nil {
					return err
				}
			}
		case in == "VEVENT":
			if err := p.property(&event, l); err != nil {
				return err
			}
		case in == "VFREEBUSY" && l.name == "FREEBUSY":
			if err := p.freebusy(l); err != nil {
				return err
			}
		}
	}
	if looked == 0 && len(open) == 0 && len(lines) == 0 {
		return fmt.Errorf("%w: this is no iCalendar file", ErrBusy)
	}
	if len(open) > 0 {
		return fmt.Errorf("%w: %s does not end", ErrBusy, open[len(open)-1])
	}
	return nil
}

func (p *busyReader) property(e *busyEvent, l busyLine) (err error) {
	switch l.name {
	case "UID":
		e.uid = l.value
	case "DTSTART":
		e.start, err = p.time(l, l.value)
		e.wholeDay = l.params["VALUE"] == "DATE" || len(l.value) == 8
	case "DTEND":
		e.end, err = p.time(l, l.value)
	case "DURATION":
		if e.duration, err = isoDuration(l.value); err != nil {
			return badBusy(l.n, "%v", err)
		}
	case "RRULE":
		e.rule = l.value
	case "RDATE", "EXDATE":
		for _, text := range strings.Split(l.value, ",") {
			at, err := p.time(l, strings.Split(text, "/")[0])
			if err != nil {
				return err
			}
			if l.name == "RDATE" {
				e.extra = append(e.extra, at)
			} else {
				e.skip = append(e.skip, at)
			}
		}
	case "RECURRENCE-ID":
		at, err := p.time(l, l.value)
		if err != nil {
			return err
		}
		e.isOverride = true
		e.extra = []time.Time{at}
	case "STATUS":
		e.gone = e.gone || strings.EqualFold(l.value, "CANCELLED")
	case "TRANSP":
		e.gone = e.gone || strings.EqualFold(l.value, "TRANSPARENT")
	}
	return err
}

// keep keeps a whole event.
func (p *busyReader) keep(e busyEvent) error {
	if e.start.IsZero() {
		return badBusy(e.n, "an event has no DTSTART")
	}
	if e.isOverride {
		if p.moved[e.uid] == nil {
			p.moved[e.uid] = map[int64]bool{}
		}
		p.moved[e.uid][e.extra[0].Unix()] = true
		e.extra, e.rule = nil, ""
	}
	switch {
	case !e.end.IsZero():
		e.duration = e.end.Sub(e.start)
	case e.duration == 0 && e.wholeDay:
		e.duration = 24 * time.Hour
	}
	if e.duration < 0 || e.duration > MaxAbsence {
		return badBusy(e.n, "an event ends after it starts, within 400 days")
	}
	if !e.gone {
		p.events = append(p.events, e)
	}
	return nil
}

func (p *busyReader) freebusy(l busyLine) error {
	if t := strings.ToUpper(l.params["FBTYPE"]); t == "FREE" {
		return nil
	}
	for _, text := range strings.Split(l.value, ",") {
		first, second, ok := strings.Cut(text, "/")
		if !ok {
			return badBusy(l.n, "a period is written start/end or start/duration")
		}
		from, err := p.time(l, first)
		if err != nil {
			return err
		}
		var to time.Time
		if strings.HasPrefix(second, "P") {
			d, err := isoDuration(second)
			if err != nil {
				return badBusy(l.n, "%v", err)
			}
			to = from.Add(d)
		} else if to, err = p.time(l, second); err != nil {
			return err
		}
		if !from.Before(to) || to.Sub(from) > MaxAbsence {
			return badBusy(l.n, "a period ends after it starts, within 400 days")
		}
		if s := (Span{from.UTC(), to.UTC()}); s.Overlaps(p.within) {
			if len(p.busy) >= BusyMost {
				return fmt.Errorf("%w: more than %d busy times", ErrBusy, BusyMost)
			}
			p.busy = append(p.busy, s)
		}
	}
	return nil
}

// time reads DATE-TIME (UTC, with TZID or floating) and DATE.
func (p *busyReader) time(l busyLine, value string) (time.Time, error) {
	zone := p.zone
	if id := strings.TrimPrefix(l.params["TZID"], "/"); id != "" {
		known, err := time.LoadLocation(id)
		if err != nil || id == "Local" {
			return time.Time{}, badBusy(l.n, "its TZID is no zone of the IANA database, such as Europe/Helsinki")
		}
		zone = known
	}
	for _, layout := range []struct {
		text string
		zone *time.Location
	}{{"20060102T150405Z", time.UTC}, {"20060102T150405", zone}, {"20060102", zone}} {
		if at, err := time.ParseInLocation(layout.text, value, layout.zone); err == nil {
			if at.Year() < 1970 || at.Year() > 2200 {
				break
			}
			return at, nil
		}
	}
	return time.Time{}, badBusy(l.n, "%s is no time", l.name)
}

// isoDuration reads a duration of RFC 5545, 3.3.6: P1W, P1DT2H30M.
func isoDuration(text string) (time.Duration, error) {
	bad := fmt.Errorf("a duration is written like PT1H30M, P2D or P1W")
	rest, ok := strings.CutPrefix(strings.TrimPrefix(text, "+"), "P")
	if !ok || rest == "" {
		return 0, bad
	}
	units := map[byte]time.Duration{'W': 7 * 24 * time.Hour, 'D': 24 * time.Hour, 'H': time.Hour, 'M': time.Minute, 'S': time.Second}
	var total time.Duration
	digits := ""
	for i := range len(rest) {
		c := rest[i]
		switch {
		case c == 'T':
		case c >= '0' && c <= '9' && len(digits) < 6:
			digits += string(c)
		default:
			unit, known := units[c]
			n, err := strconv.Atoi(digits)
			if !known || err != nil {
				return 0, bad
			}
			if total += time.Duration(n) * unit; total > MaxAbsence {
				return 0, errors.New("a duration is at most 400 days")
			}
			digits = ""
		}
	}
	if digits != "" {
		return 0, bad
	}
	return total, nil
}

// occurrences is how many repetitions are counted before an event is given up: one
// that begins decades before the time that matters, or repeats every second.
const occurrences = 50_000

// spans are the event's times that overlap the time that matters, at most limit.
func (e busyEvent) spans(p busyReader, limit int) ([]Span, error) {
	length := e.duration
	if length == 0 {
		return nil, nil // an instant blocks nothing
	}
	skip := map[int64]bool{}
	for _, at := range e.skip {
		skip[at.Unix()] = true
	}
	var spans []Span
	add := func(at time.Time) bool {
		s := Span{at.UTC(), at.Add(length).UTC()}
		moved := !e.isOverride && p.moved[e.uid][at.Unix()]
		if s.Overlaps(p.within) && !skip[at.Unix()] && !moved {
			spans = append(spans, s)
		}
		return len(spans) <= limit
	}
	if e.rule == "" {
		add(e.start)
	} else {
		option, err := rrule.StrToROption(e.rule)
		if err != nil {
			return nil, badBusy(e.n, "the RRULE of an event cannot be read")
		}
		if option.Freq > rrule.DAILY {
			return nil, badBusy(e.n, "an event repeats at most daily")
		}
		option.Dtstart = e.start
		rule, err := rrule.NewRRule(*option)
		if err != nil {
			return nil, badBusy(e.n, "the RRULE of an event cannot be read")
		}
		next := rule.Iterator()
		for n := 0; ; n++ {
			at, ok := next()
			if !ok || at.After(p.within.To) {
				break
			}
			if n >= occurrences {
				return nil, badBusy(e.n, "an event repeats too often")
			}
			if !add(at) {
				break
			}
		}
	}
	for _, at := range e.extra {
		if !add(at) {
			break
		}
	}
	if len(spans) > limit {
		return nil, fmt.Errorf("%w: more than %d busy times", ErrBusy, BusyMost)
	}
	return spans, nil
}
