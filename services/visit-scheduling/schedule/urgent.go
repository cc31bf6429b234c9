package schedule

import (
	"fmt"
	"time"

	"github.com/hearthfps/hearth/pkg/clock"
	"github.com/hearthfps/hearth/pkg/fault"
)

// UrgentMost is how far ahead an urgent visit may be asked for.
const UrgentMost = 24 * time.Hour

// UrgentRequest asks for a visit that no plan holds: a crisis.
type UrgentRequest struct {
	Case       CaseID   `json:"case_id"`
	Minutes    int      `json:"minutes"`
	Workers    int      `json:"workers"`
	Place      Place    `json:"place"`
	Skills     []string `json:"skills"`
	Language   string   `json:"language,omitempty"`
	Within     Span     `json:"within"`
	Recipients []string `json:"recipients"`
}

// Validate lists what is wrong with a request, with pointers into its body.
func (r UrgentRequest) Validate(now time.Time) []fault.Field {
	var faults []fault.Field
	bad := func(pointer, code, detail string) {
		faults = append(faults, fault.Field{Pointer: pointer, Code: code, Detail: detail})
	}
	switch {
	case r.Within.To.Before(now):
		bad("/done_by", "in_the_past", "The visit is to take place in time that has not passed.")
	case r.Within.To.After(now.Add(UrgentMost)):
		bad("/done_by", "too_late", "An urgent visit takes place within 24 hours; a later one belongs into the plan.")
	case r.Within.Length() < time.Duration(r.Minutes)*time.Minute:
		bad("/done_by", "too_short", fmt.Sprintf("The visit takes %d minutes; there are fewer between not_before and done_by.", r.Minutes))
	}
	return faults
}

// UrgentSeriesOf is the series of a case's urgent visits, with none in it.
// household and recipients are the case's.
func UrgentSeriesOf(agency string, r UrgentRequest, household string, cal *clock.Calendar) Series {
	plan := PlanID("urgent:" + string(r.Case))
	return Series{
		ID: SeriesIDOf(agency, plan, 0), Kind: Urgent, Case: r.Case, Household: household, PlanID: plan,
		StartsOn: cal.Today(r.Within.From), EndsOn: cal.Today(r.Within.To), Recipients: r.Recipients,
		Pattern: Pattern{
			TimesAWeek: 1, Minutes: r.Minutes, Workers: r.Workers, Place: r.Place, Skills: r.Skills, Language: r.Language,
			Earliest: 0, Latest: 24*60 - 1, Weekdays: []clock.Weekday{"mon", "tue", "wed", "thu", "fri", "sat", "sun"},
		},
		Status: SeriesActive, Version: 1,
	}
}

// AddUrgent is one more urgent visit of the series, unplaced. Its number in the
// series, and so its id, is the next one.
func (s *Series) AddUrgent(r UrgentRequest, cal *clock.Calendar) Visit {
	v := s.next(WeekOf(cal.Today(r.Within.From)))
	v.Minutes, v.WorkersNeeded, v.Place, v.Skills, v.Language, v.Recipients = r.Minutes, r.Workers, r.Place, r.Skills, r.Language, r.Recipients
	within := r.Within
	v.Within = &within
	if last := cal.Today(r.Within.To); s.EndsOn.Before(last) {
		s.EndsOn = last
	}
	s.Version++
	return v
}

// UrgentOffer is what was offered for a request, and what became of it.
type UrgentOffer struct {
	ID        string
	Request   UrgentRequest
	Places    []OfferedPlace
	By        string
	ExpiresAt time.Time
	// Visit is the visit that was booked, and Taken which of Places (from 1); empty
	// and 0 while none was.
	Visit VisitID
	Taken int
}

// OfferedPlace is one place of an offer, the best first.
type OfferedPlace struct {
	Slot Slot `json:"slot"`
	// Known is whether the family knows one of the workers.
	Known bool          `json:"known"`
	Moves []OfferedMove `json:"moves"`
}

// OfferedMove is another family's visit that stands elsewhere when a place is taken.
type OfferedMove struct {
	Visit   VisitID `json:"visit"`
	Case    CaseID  `json:"case"`
	Version int64   `json:"version"`
	From    Slot    `json:"from"`
	To      Slot    `json:"to"`
	// Recipients is how many caregivers are told.
	Recipients int `json:"recipients"`
}

// Told are the workers who hear of a place being taken: those of the visit, and
// those who get, keep at another time, or lose one that moves.
func (p OfferedPlace) Told() []WorkerID {
	var all []WorkerID
	seen := map[WorkerID]bool{}
	add := func(s Slot) {
		for _, w := range s.Workers {
			if !seen[w] {
				seen[w] = true
				all = append(all, w)
			}
		}
	}
	add(p.Slot)
	for _, m := range p.Moves {
		add(m.From)
		add(m.To)
	}
	return all
}

// Words say a place as a scheduler reads it.
func (p OfferedPlace) Words(asked time.Time, zone *time.Location) string {
	who := "new to the family"
	if p.Known {
		who = "known to the family"
	}
	wait := p.Slot.StartsAt.Sub(asked).Round(time.Minute)
	text := fmt.Sprintf("%s, %s, %d min on the way, in %d h %02d min", p.Slot.words(zone), who, p.Slot.Travel, int(wait.Hours()), int(wait.Minutes())%60)
	switch len(p.Moves) {
	case 0:
		return text + "; nothing moves"
	case 1:
		return text + "; one visit moves"
	}
	return fmt.Sprintf("%s; %d visits move", text, len(p.Moves))
}
