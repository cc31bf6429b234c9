package api

import (
	"time"

	"github.com/hearthfps/hearth/pkg/clock"
	"github.com/hearthfps/hearth/pkg/httpapi"
	"github.com/hearthfps/hearth/services/visit-scheduling/schedule"
	openapi_types "github.com/oapi-codegen/runtime/types"
)

// What the domain has, as the API shows it.

func ptr[T any](v T) *T { return &v }

// orNil is nil for the zero value, which the API leaves out.
func orNil[T comparable](v T) *T {
	var zero T
	if v == zero {
		return nil
	}
	return &v
}

// each converts every item; the result is never nil.
func each[T, S any](items []T, convert func(T) S) []S {
	all := make([]S, len(items))
	for i, item := range items {
		all[i] = convert(item)
	}
	return all
}

func text[S, T ~string](s S) T { return T(s) }

func viewDate(d clock.Date) openapi_types.Date {
	return openapi_types.Date{Time: time.Date(d.Year, d.Month, d.Day, 0, 0, 0, 0, time.UTC)}
}

func dateOf(d openapi_types.Date) clock.Date { return clock.DateOf(d.Time, time.UTC) }

func viewVisit(v schedule.Visit) Visit {
	shown := Visit{
		VisitId: ID(v.ID), SeriesId: ID(v.Series), CaseId: ID(v.Case), Occurrence: v.Occurrence, WeekOf: viewDate(v.Week.Monday),
		Status: VisitStatus(v.Status), Minutes: v.Minutes, Place: Place(v.Place), WorkersNeeded: v.WorkersNeeded,
		Skills: each(v.Skills, text[string, Code]), Language: orNil(Language(v.Language)),
		Workers: []WorkerRef{}, Reasons: each(v.Reasons, text[schedule.Reason, UnplacedReason]),
		CheckIns: each(v.CheckIns, func(c schedule.CheckIn) CheckIn {
			return CheckIn{WorkerId: WorkerRef(c.Worker), InAt: c.InAt, OutAt: orNil(c.OutAt)}
		}),
		CheckoutMissedAt: orNil(v.CheckoutMissedAt), Replaces: orNil(ID(v.Replaces)), ReplacedBy: orNil(ID(v.ReplacedBy)), Version: v.Version,
	}
	if v.Slot != nil {
		shown.StartsAt, shown.EndsAt = ptr(v.Slot.StartsAt), ptr(v.Slot.EndsAt)
		shown.Workers = each(v.Slot.Workers, text[schedule.WorkerID, WorkerRef])
		shown.TravelMinutes, shown.TravelSource = ptr(v.Slot.Travel), ptr(sourceOf(*v.Slot))
	}
	if len(v.Moves) > 0 {
		shown.Moves = ptr(each(v.Moves, func(m schedule.Move) Move {
			return Move{Side: Side(m.Side), ReasonCode: m.Reason, At: m.At, PreviousStartsAt: orNil(m.StartsAt)}
		}))
	}
	if v.ChildSeen != nil {
		shown.ChildSeenAlone = &ChildSeen{Seen: v.ChildSeen.Alone, ReasonCode: orNil(Code(v.ChildSeen.Reason))}
	}
	if v.Closing != nil {
		shown.Closed = &struct {
			At         time.Time `json:"at"`
			ReasonCode Code      `json:"reason_code"`
			Side       *Side     `json:"side,omitempty"`
		}{v.Closing.At, v.Closing.Reason, orNil(Side(v.Closing.Side))}
	}
	return shown
}

// answerVisit is the answer of every operation on one visit.
func answerVisit(v schedule.Visit) VisitJSONResponse {
	return VisitJSONResponse{Body: viewVisit(v), Headers: VisitResponseHeaders{ETag: ptr(httpapi.ETag(v.Version))}}
}

func viewSeries(s schedule.Series, l schedule.Ledger) Series {
	p := s.Pattern
	shown := Series{
		SeriesId: ID(s.ID), Kind: ptr(SeriesKind(s.Kind)), CaseId: ID(s.Case), PlanId: ID(s.PlanID), PlanVersion: s.PlanVersion, Status: SeriesStatus(s.Status),
		EndReasonCode: orNil(s.EndReason), StartsOn: viewDate(s.StartsOn), EndsOn: viewDate(s.EndsOn), Version: s.Version,
		Ledger: Ledger{Planned: l.Planned, Scheduled: l.Scheduled, Unplaced: l.Unplaced, Completed: l.Completed, Attempted: l.Attempted, Cancelled: l.Cancelled},
		Pattern: VisitPattern{
			TimesAWeek: p.TimesAWeek, Minutes: p.Minutes, Workers: p.Workers, Place: Place(p.Place), Skills: each(p.Skills, text[string, Code]),
			Language: orNil(Language(p.Language)), Earliest: p.Earliest.String(), Latest: p.Latest.String(),
			Weekdays: each(p.Weekdays, text[clock.Weekday, Weekday]), WithoutChild: orNil(p.WithoutChild),
		},
	}
	showAsks(&shown.Pattern, p.Asks)
	return shown
}

func viewAbsence(a schedule.Absence) Absence {
	return Absence{Id: ID(a.ID), From: a.From, To: a.To, ReasonCode: a.Reason}
}

// viewWorker shows a worker; their base and terms only to who plans with them.
func viewWorker(w schedule.Worker, withBase bool) Worker {
	shown := Worker{
		WorkerId: WorkerRef(w.ID), Team: orNil(Code(w.Team)), Skills: each(w.Skills, text[string, Code]), Languages: each(w.Languages, text[string, Language]),
		Absences: each(w.Absences, viewAbsence), Version: w.Version,
		WeeklyHours: each(w.Hours, func(h schedule.Hours) WorkingHours {
			return WorkingHours{Weekday: Weekday(h.Weekday), From: h.From.String(), To: h.To.String()}
		}),
	}
	if withBase {
		showTerms(&shown, w.Terms)
	}
	if withBase && w.Base != nil {
		shown.Base = &Point{Lat: w.Base.Lat, Lon: w.Base.Lon}
	}
	return shown
}

// instant is a time as it is stored: in UTC, to the microsecond.
func instant(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }

func absenceOf(a AbsenceWrite) schedule.Absence {
	return schedule.Absence{Span: schedule.Span{From: instant(a.From), To: instant(a.To)}, Reason: string(a.ReasonCode)}
}

// workerOf reads a worker as sent; absences is nil when none were sent.
func workerOf(id WorkerRef, body WorkerWrite) (w schedule.Worker, absences []schedule.Absence, err error) {
	w = schedule.Worker{
		ID: schedule.WorkerID(id), Team: given[Code, string](body.Team), Skills: each(body.Skills, text[Code, string]), Languages: each(body.Languages, text[Language, string]),
	}
	if body.Base != nil {
		w.Base = &schedule.Point{Lat: body.Base.Lat, Lon: body.Base.Lon}
	}
	for _, h := range body.WeeklyHours {
		hours := schedule.Hours{Weekday: clock.Weekday(h.Weekday)}
		if hours.From, err = schedule.ParseTimeOfDay(h.From); err != nil {
			return w, nil, err
		}
		if hours.To, err = schedule.ParseTimeOfDay(h.To); err != nil {
			return w, nil, err
		}
		w.Hours = append(w.Hours, hours)
	}
	if w.Terms, err = termsOf(body); err != nil {
		return w, nil, err
	}
	if body.Absences != nil {
		absences = each(*body.Absences, absenceOf)
	}
	return w, absences, nil
}
