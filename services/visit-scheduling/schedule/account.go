package schedule

import (
	"fmt"
	"strings"
	"time"
)

// Account says what a placed visit costs a schedule and why it stands where it does.
type Account struct {
	Visit VisitID
	At    Slot
	// Terms are what the schedule would save without the visit, the largest first.
	// A term may be below zero: the visit spares something.
	Terms []Term
	// Fixed visits are not moved by a planner: they begin too soon, or stand outside
	// what their plan allows.
	Fixed bool
	// Next is the cheapest other place, by other workers or on another day, while
	// everything else stays; NextTerms what it would cost more. Nil is that there is none.
	Next      *Slot
	NextTerms []Term
}

// Term is a part of a cost, in the agency's points.
type Term struct {
	// Code is travel, preference, wishes, continuity, stability, spacing, weekday,
	// overtime, fair_load, fair_travel or fair_evening.
	Code   string
	Points int64
}

// Points are the sum of terms.
func Points(terms []Term) (sum int64) {
	for _, t := range terms {
		sum += t.Points
	}
	return sum
}

var termNames = map[string]string{
	"travel": "travel", "preference": "workers the family does not know", "wishes": "wishes not met", "continuity": "new faces",
	"stability": "changes against what is known", "spacing": "days too near", "weekday": "weekdays that change", "overtime": "overtime",
	"fair_load": "uneven work", "fair_travel": "uneven travel", "fair_evening": "uneven evenings",
}

// Words say an account as a scheduler reads it, in the agency's zone:
//
//	Tue 3 Mar 09:00 with w1: 310 points (travel +310). The next best is Wed 4 Mar 13:00 with w2: 640 points more (workers the family does not know +600, travel +40).
func (a Account) Words(zone *time.Location) string {
	text := fmt.Sprintf("%s: %d points%s.", a.At.words(zone), Points(a.Terms), inTerms(a.Terms))
	switch {
	case a.Fixed:
		return text + " It is not moved by a planner: it begins soon, or stands outside what its plan allows."
	case a.Next == nil:
		return text + " No rule lets it be with others or on another day while the rest stays."
	}
	more := Points(a.NextTerms)
	if more < 0 {
		return text + fmt.Sprintf(" A better place is %s: %d points less%s.", a.Next.words(zone), -more, inTerms(a.NextTerms))
	}
	return text + fmt.Sprintf(" The next best is %s: %d points more%s.", a.Next.words(zone), more, inTerms(a.NextTerms))
}

func inTerms(terms []Term) string {
	if len(terms) == 0 {
		return ""
	}
	parts := make([]string, len(terms))
	for i, t := range terms {
		parts[i] = fmt.Sprintf("%s %+d", termNames[t.Code], t.Points)
	}
	return " (" + strings.Join(parts, ", ") + ")"
}
