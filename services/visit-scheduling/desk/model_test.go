package desk_test

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/hearthfps/hearth/pkg/clock"
	"github.com/hearthfps/hearth/services/visit-scheduling/schedule"
)

// model is what the schedule should be, worked out apart from it: plain sums and
// spans, and none of the code that makes and places visits but the rule of their ids,
// which is a promise to others. What it cannot know is where the planner places a
// visit that has no place; everything else it foretells.
type model struct {
	agency  string
	visits  map[schedule.VisitID]kept
	planned map[schedule.SeriesID]int // how many visits a series ever had
	active  map[string]schedule.SeriesID
	urgent  map[string]schedule.SeriesID
	version map[string]int64
	closed  map[string]bool
	away    map[string][]untouchable
	ill     map[schedule.WorkerID][]illness
}

// kept is what the model knows of a visit.
type kept struct {
	Case       string
	Series     schedule.SeriesID
	Urgent     bool
	Occurrence int
	Week       string // its Monday
	Needed     int
	Status     schedule.Status
	From, To   time.Time // zero without a place
	Workers    []schedule.WorkerID
	Side       schedule.Side
	Reason     string // why it did not take place
	ReplacedBy schedule.VisitID
	In, Out    []schedule.WorkerID
}

// untouchable is time a family is not visited in: whole days, or hours of weekdays.
type untouchable struct {
	id            schedule.ExceptionID
	first, last   clock.Date // last is zero for school, which has no end
	opens, closes int        // hours
}

type illness struct {
	id   schedule.AbsenceID
	span schedule.Span
}

func newModel(agency string) *model {
	return &model{
		agency: agency, visits: map[schedule.VisitID]kept{}, planned: map[schedule.SeriesID]int{}, active: map[string]schedule.SeriesID{},
		urgent: map[string]schedule.SeriesID{}, version: map[string]int64{}, closed: map[string]bool{},
		away: map[string][]untouchable{}, ill: map[schedule.WorkerID][]illness{},
	}
}

func dateOf(t time.Time) clock.Date { return clock.DateOf(t, time.UTC) }

func mondayOf(d clock.Date) clock.Date {
	for d.Weekday() != time.Monday {
		d = d.AddDays(-1)
	}
	return d
}

// touches says whether a time lies in what the family is not visited in.
func (u untouchable) touches(from, to time.Time) bool {
	if u.closes == 0 {
		return from.Before(u.last.AddDays(1).Start(time.UTC)) && u.first.Start(time.UTC).Before(to)
	}
	day := dateOf(from) // a visit lies in one day
	weekday := day.Weekday() != time.Saturday && day.Weekday() != time.Sunday
	return weekday && !day.Before(u.first) && from.Before(day.At(u.closes, 0, time.UTC)) && day.At(u.opens, 0, time.UTC).Before(to)
}

func overlap(v kept, s schedule.Span) bool { return v.From.Before(s.To) && s.From.Before(v.To) }

// each changes the visits that are meant.
func (m *model) each(meant func(kept) bool, change func(*kept)) (n int) {
	for id, v := range m.visits {
		if meant(v) {
			change(&v)
			m.visits[id] = v
			n++
		}
	}
	return n
}

func (v *kept) free() {
	v.Status, v.From, v.To, v.Workers = schedule.Unplaced, time.Time{}, time.Time{}, nil
}

func (v *kept) place(s schedule.Slot) {
	v.Status, v.From, v.To, v.Workers = schedule.Scheduled, s.StartsAt, s.EndsAt, slices.Clone(s.Workers)
}

func (v *kept) cancel(side schedule.Side, reason string) {
	v.free()
	v.Status, v.Side, v.Reason = schedule.Cancelled, side, reason
}

// end ends a series: what has not begun is cancelled.
func (m *model) end(id schedule.SeriesID, now time.Time, reason string) {
	m.each(func(v kept) bool {
		return v.Series == id && (v.Status == schedule.Unplaced || v.Status == schedule.Scheduled && v.From.After(now))
	}, func(v *kept) { v.cancel(schedule.AgencySide, reason) })
}

// add is one more visit of a series.
func (m *model) add(series schedule.SeriesID, v kept) schedule.VisitID {
	m.planned[series]++
	v.Series, v.Occurrence, v.Status = series, m.planned[series], schedule.Unplaced
	id := schedule.VisitIDOf(series, v.Occurrence)
	m.visits[id] = v
	return id
}

// approve makes a plan of an hour a visit, on weekdays from eight to four: in each
// week its share of what is left of the week, less what the family had.
func (m *model) approve(c string, plan schedule.PlanID, version int64, first, last clock.Date, times, workers int, now time.Time) {
	if m.closed[c] || version <= m.version[c] {
		return
	}
	m.version[c] = version
	if old, is := m.active[c]; is {
		m.end(old, now, schedule.PlanSuperseded)
	}
	had := map[string]int{}
	for _, v := range m.visits {
		begun := v.Status == schedule.InProgress || v.Status == schedule.Completed || v.Status == schedule.Attempted ||
			v.Status == schedule.Scheduled && !v.From.After(now)
		if v.Case == c && !v.Urgent && v.ReplacedBy == "" && begun {
			had[v.Week]++
		}
	}
	series := schedule.SeriesIDOf(m.agency, plan, version)
	m.active[c], m.planned[series] = series, 0
	for monday := mondayOf(first); !monday.After(last); monday = monday.AddDays(7) {
		left := 0
		for i := range 5 {
			day := monday.AddDays(i)
			if !day.Before(first) && !day.After(last) && !day.At(15, 0, time.UTC).Before(now) {
				left++
			}
		}
		share := times * left / 5
		if times*left%5 > 0 {
			share++
		}
		for range share - had[monday.String()] {
			m.add(series, kept{Case: c, Week: monday.String(), Needed: workers})
		}
	}
}

// actual is the schedule in the words of the model.
func (m *model) actual(all []schedule.Visit, reasons map[schedule.VisitID]schedule.Reason) map[schedule.VisitID]kept {
	found := map[schedule.VisitID]kept{}
	for _, v := range all {
		k := kept{
			Case: string(v.Case), Series: v.Series, Urgent: v.Within != nil, Occurrence: v.Occurrence, Week: v.Week.Monday.String(), Needed: v.WorkersNeeded,
			Status: v.Status, ReplacedBy: v.ReplacedBy,
		}
		if v.Slot != nil {
			k.From, k.To, k.Workers = v.Slot.StartsAt, v.Slot.EndsAt, v.Slot.Workers
		}
		if v.Closing != nil {
			k.Side, k.Reason = v.Closing.Side, v.Closing.Reason
		}
		for _, c := range v.CheckIns {
			k.In = append(k.In, c.Worker)
			if !c.OutAt.IsZero() {
				k.Out = append(k.Out, c.Worker)
			}
		}
		if v.Status == schedule.Unplaced && len(v.Reasons) > 0 {
			reasons[v.ID] = v.Reasons[0]
		}
		found[v.ID] = k
	}
	return found
}

// placedByPlanner takes over where the planner has placed visits that had no place.
func (m *model) placedByPlanner(found map[schedule.VisitID]kept) {
	for id, was := range m.visits {
		is := found[id]
		if was.Status == schedule.Unplaced && is.Status == schedule.Scheduled {
			was.place(schedule.Slot{StartsAt: is.From, EndsAt: is.To, Workers: is.Workers})
			m.visits[id] = was
		}
	}
}

// faults are what must never be, whatever happened: said of visits as they are.
func (m *model) faults(found map[schedule.VisitID]kept, now time.Time) (faults []string) {
	say := func(format string, args ...any) { faults = append(faults, fmt.Sprintf(format, args...)) }
	ids := slices.Sorted(maps.Keys(found))
	type stay struct {
		visit schedule.VisitID
		schedule.Span
	}
	stays := map[schedule.WorkerID][]stay{}
	for _, id := range ids {
		v := found[id]
		team := slices.Compact(slices.Sorted(slices.Values(v.Workers)))
		if placed := !v.From.IsZero(); placed && (len(v.Workers) != v.Needed || len(team) != v.Needed) || !placed && len(team) > 0 {
			say("%s needs %d and has %v", id, v.Needed, v.Workers)
		}
		for _, w := range team {
			stays[w] = append(stays[w], stay{id, schedule.Span{From: v.From, To: v.To}})
		}
		if v.Status != schedule.Scheduled || !v.From.After(now) {
			continue
		}
		for _, u := range m.away[v.Case] {
			if !v.Urgent && u.touches(v.From, v.To) {
				say("%s stands at %s, when the family is not to be visited", id, v.From)
			}
		}
		for _, w := range team {
			for _, i := range m.ill[w] {
				if overlap(v, i.span) {
					say("%s stands at %s with %s, who is away", id, v.From, w)
				}
			}
		}
	}
	for w, all := range stays {
		slices.SortFunc(all, func(a, b stay) int { return cmp.Or(a.From.Compare(b.From), cmp.Compare(a.visit, b.visit)) })
		for i := range all[:len(all)-1] {
			if all[i+1].From.Before(all[i].To) {
				say("%s is at %s and at %s at %s", w, all[i].visit, all[i+1].visit, all[i+1].From)
			}
		}
	}
	return faults
}

// ledger is the sum of a series as the model has it.
func (m *model) ledger(id schedule.SeriesID) schedule.Ledger {
	l := schedule.Ledger{Planned: m.planned[id]}
	for _, v := range m.visits {
		if v.Series != id {
			continue
		}
		switch v.Status {
		case schedule.Unplaced:
			l.Unplaced++
		case schedule.Scheduled, schedule.InProgress:
			l.Scheduled++
		case schedule.Completed:
			l.Completed++
		case schedule.Attempted:
			l.Attempted++
		case schedule.Cancelled:
			l.Cancelled++
		}
	}
	return l
}
