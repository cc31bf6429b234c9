package schedule

import (
	"time"

	"github.com/hearthfps/hearth/pkg/clock"
	"github.com/hearthfps/hearth/services/visit-scheduling/optimise"
)

// Weighing is what an agency weighs against what, and how it keeps its workers
// safe. The zero value weighs as the search does by itself and knows no night.
type Weighing struct {
	Weights optimise.Weights
	// Wish is what each worker costs who is not as a family wished.
	Wish int
	// LoneByDaylight lets one worker alone visit by daylight only, remote visits apart.
	LoneByDaylight bool
	// Place is where the sun rises and sets; nil lets it be dark from DarkFrom to
	// DarkTo, which is in the morning.
	Place            *Point
	DarkFrom, DarkTo TimeOfDay
}

// Dark is when it is dark in a span, from sunset to sunrise.
func (w Weighing) Dark(span Span, cal *clock.Calendar) []Span {
	zone := cal.Zone()
	first := cal.Today(span.From)
	last := cal.Today(span.To)
	days := first.DaysUntil(last) + 1
	var dark []Span
	if w.Place == nil {
		if w.DarkFrom == w.DarkTo {
			return nil
		}
		for i := -1; i < days; i++ {
			day := first.AddDays(i)
			dark = append(dark, Span{w.DarkFrom.on(day, zone), w.DarkTo.on(day.AddDays(1), zone)})
		}
		return dark
	}
	origin := first.Start(zone)
	for _, s := range optimise.DarkAt(PlaceOf(w.Place), origin, days) {
		dark = append(dark, Span{origin.Add(time.Duration(s.From) * time.Minute), origin.Add(time.Duration(s.To) * time.Minute)})
	}
	return dark
}

// NeedsDaylight says whether a visit of a series must lie in daylight.
func (w Weighing) NeedsDaylight(a Asks, workers int, place Place) bool {
	return a.Daylight || w.LoneByDaylight && workers == 1 && place != Remote && place != Office
}
