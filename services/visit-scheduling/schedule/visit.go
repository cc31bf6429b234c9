package schedule

import (
	"slices"
	"time"

	"github.com/hearthfps/hearth/pkg/fault"
)

// Status is where a visit stands:
//
//	unplaced ⇄ scheduled → in_progress → completed
//	    │          │            └──────→ attempted
//	    │          └───────────────────→ attempted
//	    └──────────┴───────────────────→ cancelled
type Status string

// The states of a visit. Completed, attempted and cancelled are final.
const (
	Unplaced   Status = "unplaced"
	Scheduled  Status = "scheduled"
	InProgress Status = "in_progress"
	Completed  Status = "completed"
	Attempted  Status = "attempted"
	Cancelled  Status = "cancelled"
)

// Side says whose wish a change was.
type Side string

// The two sides of a visit.
const (
	FamilySide Side = "family"
	AgencySide Side = "agency"
)

// Slot is a time with workers: all of those a visit needs.
type Slot struct {
	StartsAt time.Time  `json:"starts_at"`
	EndsAt   time.Time  `json:"ends_at"`
	Workers  []WorkerID `json:"workers"`
	// Travel is the way there in minutes, the longest of a pair; Source is who said
	// so, see Estimated.
	Travel int    `json:"travel_minutes"`
	Source string `json:"travel_source,omitempty"`
}

// Same says whether two are one time with the same workers, in any order.
func (s Slot) Same(o Slot) bool {
	return s.StartsAt.Equal(o.StartsAt) && sameWorkers(s.Workers, o.Workers)
}

// Span is the slot's time.
func (s Slot) Span() Span { return Span{s.StartsAt, s.EndsAt} }

// CheckIn is one worker's coming and going.
type CheckIn struct {
	Worker WorkerID
	InAt   time.Time
	OutAt  time.Time // zero while they are there
}

// Closing is how a visit that did not take place ended.
type Closing struct {
	Side   Side `json:"side,omitempty"` // empty for an attempt
	Reason string
	At     time.Time
}

// Move is a change of a visit's place made by hand, and whose wish it was.
type Move struct {
	Side     Side      `json:"side"`
	Reason   string    `json:"reason_code"`
	At       time.Time `json:"at"`
	StartsAt time.Time `json:"previous_starts_at,omitzero"` // where it was; zero when it had no time
}

// Visit is one visit to a family, from planning to its end.
type Visit struct {
	ID            VisitID
	Series        SeriesID
	Case          CaseID
	Occurrence    int
	Week          Week
	Minutes       int
	Place         Place
	WorkersNeeded int
	Skills        []string
	Language      string
	Recipients    []string
	// Within is when this one visit may take place, whatever its series says; nil
	// is what the series says.
	Within *Span

	Status  Status
	Slot    *Slot // nil while unplaced
	Reasons []Reason
	// Remedies are what would give it a place, the easiest first.
	Remedies []Remedy
	// LookedAt is when those were last looked for; zero while nobody has. It is no
	// part of the version: it says whose turn it is, and nothing of the visit.
	LookedAt time.Time
	// Lost is the place a visit had before it became unplaced; nil when it never had one.
	Lost *Slot

	Moves            []Move
	CheckIns         []CheckIn // in order of coming
	CheckoutMissedAt time.Time // when the alarm was raised; zero is never
	Closing          *Closing
	ChildSeen        *ChildSeen // nil while nobody said
	Replaces         VisitID
	ReplacedBy       VisitID
	Version          int64
}

// Attendance says how far from its time a visit may be checked in to, and when
// a missing check-out alarms.
type Attendance struct {
	// Early is how long before the start a worker may check in.
	Early time.Duration
	// Late is how long after the end a worker may still check in.
	Late time.Duration
	// Grace is how long after the expected end a check-out is waited for.
	Grace time.Duration
}

// Open says whether the visit can still be placed, moved or cancelled.
func (v *Visit) Open() bool { return v.Status == Unplaced || v.Status == Scheduled }

func (v *Visit) notOpen() error {
	return fault.New(fault.Conflict, "visit_not_open", "The visit is "+string(v.Status)+"; only one that is unplaced or scheduled can be changed.")
}

func (v *Visit) event(kind string, data any) *Event {
	v.Version++
	return &Event{Type: kind, Subject: string(v.ID), Version: v.Version, Data: data}
}

// Schedule gives the visit a place, or another one. Conflict when it is not
// open, Unprocessable when the slot has not the workers the visit needs.
func (v *Visit) Schedule(slot Slot) (*Event, error) {
	if !v.Open() {
		return nil, v.notOpen()
	}
	if len(slot.Workers) != v.WorkersNeeded || (len(slot.Workers) == 2 && slot.Workers[0] == slot.Workers[1]) {
		return nil, fault.New(fault.Unprocessable, string(RuleWorkersNeeded), RuleWorkersNeeded.Sentence())
	}
	previous := v.Slot
	if previous == nil {
		previous = v.Lost
	}
	v.Status, v.Slot, v.Lost, v.Reasons, v.Remedies, v.LookedAt = Scheduled, &slot, nil, nil, nil, time.Time{}
	data := VisitScheduledData{
		Visit: v.ID, Series: v.Series, Case: v.Case, StartsAt: slot.StartsAt, EndsAt: slot.EndsAt,
		Workers: slot.Workers, Place: v.Place, Recipients: v.Recipients,
	}
	if previous == nil {
		return v.event("visit.scheduled", data), nil
	}
	return v.event("visit.rescheduled", VisitRescheduledData{data, previous.StartsAt, previous.Workers}), nil
}

// MoveTo is Schedule by hand: it keeps whose wish it was, and why.
func (v *Visit) MoveTo(slot Slot, side Side, reason string, at time.Time) (*Event, error) {
	move := Move{Side: side, Reason: reason, At: at}
	if v.Slot != nil {
		move.StartsAt = v.Slot.StartsAt
	}
	event, err := v.Schedule(slot)
	if err == nil {
		v.Moves = append(v.Moves, move)
	}
	return event, err
}

// Release takes the visit from its workers, all of them: it is unplaced until
// planned again. Nothing is told yet; the planner's answer is.
func (v *Visit) Release() error {
	if v.Status != Scheduled {
		return v.notOpen()
	}
	v.Status, v.Lost, v.Slot, v.Reasons, v.Remedies, v.LookedAt = Unplaced, v.Slot, nil, []Reason{TakenFromWorker}, nil, time.Time{}
	v.Version++
	return nil
}

// Leave records why the planner found no place. It returns nil when the reasons
// are not new, in whatever order; that, and remedies that are new, make a new
// version and tell nobody.
func (v *Visit) Leave(why Leftover) (*Event, error) {
	if v.Status != Unplaced {
		return nil, v.notOpen()
	}
	told := slices.Equal(slices.Sorted(slices.Values(v.Reasons)), slices.Sorted(slices.Values(why.Reasons)))
	known := slices.Equal(v.Reasons, why.Reasons) && slices.EqualFunc(v.Remedies, why.Remedies, Remedy.equal)
	v.Reasons, v.Remedies, v.LookedAt = why.Reasons, why.Remedies, why.LookedAt
	if told {
		if !known {
			v.Version++
		}
		return nil, nil
	}
	data := VisitUnplacedData{Visit: v.ID, Series: v.Series, Case: v.Case, WeekOf: v.Week.Monday, Reasons: why.Reasons}
	if v.Lost != nil {
		data.LostStartsAt = &v.Lost.StartsAt
	}
	return v.event("visit.unplaced", data), nil
}

// Cancel ends an open visit without it having taken place.
func (v *Visit) Cancel(side Side, reason string, at time.Time) (*Event, error) {
	if !v.Open() {
		return nil, v.notOpen()
	}
	if v.Slot != nil {
		v.Lost = v.Slot
	}
	v.Status, v.Slot, v.Reasons, v.Remedies, v.LookedAt = Cancelled, nil, nil, nil, time.Time{}
	v.Closing = &Closing{Side: side, Reason: reason, At: at}
	return v.event("visit.cancelled", VisitCancelledData{v.ID, v.Series, v.Case, side, reason}), nil
}

// mine is Forbidden unless worker is one of the visit's.
func (v *Visit) mine(worker WorkerID) error {
	if v.Slot == nil {
		return fault.New(fault.Conflict, "visit_not_scheduled", "The visit is "+string(v.Status)+" and has no time.")
	}
	if !slices.Contains(v.Slot.Workers, worker) {
		return fault.New(fault.Forbidden, "not_your_visit", "Only a worker of this visit can do that.")
	}
	return nil
}

func (v *Visit) checkIn(worker WorkerID) *CheckIn {
	for i := range v.CheckIns {
		if v.CheckIns[i].Worker == worker {
			return &v.CheckIns[i]
		}
	}
	return nil
}

// CheckIn records that worker has come. Again is no change. Forbidden when the
// visit is not theirs, Conflict when it is over or it is too early or too late.
func (v *Visit) CheckIn(worker WorkerID, at time.Time, a Attendance) (*Event, error) {
	if err := v.mine(worker); err != nil {
		return nil, err
	}
	if v.checkIn(worker) != nil {
		return nil, nil
	}
	switch {
	case v.Status != Scheduled && v.Status != InProgress:
		return nil, fault.New(fault.Conflict, "visit_over", "The visit is "+string(v.Status)+".")
	case at.Before(v.Slot.StartsAt.Add(-a.Early)):
		return nil, fault.New(fault.Conflict, "too_early", "The visit is later; check in when you are there, or reschedule it first.")
	case at.After(v.Slot.EndsAt.Add(a.Late)):
		return nil, fault.New(fault.Conflict, "too_late", "The visit's time is long over; record an attempt or cancel it.")
	}
	v.Status = InProgress
	v.CheckIns = append(v.CheckIns, CheckIn{Worker: worker, InAt: at})
	return v.event("visit.checked_in", VisitCheckedInData{v.ID, v.Case, worker, at}), nil
}

// ExpectedOut is when the last check-out is expected: the planned end, or later
// by as much as the visit began late.
func (v *Visit) ExpectedOut() time.Time {
	out := v.Slot.EndsAt
	for _, c := range v.CheckIns {
		if end := c.InAt.Add(v.Slot.Span().Length()); end.After(out) {
			out = end
		}
	}
	return out
}

// CheckOut records that worker has left. When every worker of the visit has come
// and left it is completed; the event says so. Again is no change. A check-out
// after the alarm counts like any other.
func (v *Visit) CheckOut(worker WorkerID, at time.Time) (*Event, error) {
	if err := v.mine(worker); err != nil {
		return nil, err
	}
	in := v.checkIn(worker)
	switch {
	case in == nil:
		return nil, fault.New(fault.Conflict, "not_checked_in", "Check in before checking out.")
	case !in.OutAt.IsZero():
		return nil, nil
	case v.Status != InProgress:
		return nil, fault.New(fault.Conflict, "visit_over", "The visit is "+string(v.Status)+".")
	}
	in.OutAt = at
	if v.there(true) != nil || len(v.CheckIns) < v.WorkersNeeded {
		v.Version++
		return nil, nil
	}
	started, ended := v.CheckIns[0].InAt, at
	for _, c := range v.CheckIns {
		if c.InAt.Before(started) {
			started = c.InAt
		}
	}
	v.Status = Completed
	return v.event("visit.completed", VisitCompletedData{v.ID, v.Case, v.Slot.Workers, started, ended}), nil
}

// there are the workers who have checked in and not out; with first, one is enough.
func (v *Visit) there(first bool) []WorkerID {
	var there []WorkerID
	for _, c := range v.CheckIns {
		if c.OutAt.IsZero() {
			there = append(there, c.Worker)
			if first {
				break
			}
		}
	}
	return there
}

// MissCheckout raises the alarm, once, when workers who came have not left. nil
// when there is nothing to alarm about.
func (v *Visit) MissCheckout(at time.Time) *Event {
	there := v.there(false)
	if v.Status != InProgress || there == nil || !v.CheckoutMissedAt.IsZero() {
		return nil
	}
	v.CheckoutMissedAt = at
	return v.event("visit.checkout_missed", VisitCheckoutMissedData{v.ID, v.Case, there, v.ExpectedOut()})
}

// Attempt records that worker was there and the visit did not come about, before
// or after checking in. It is not a completed visit and never counts as one.
func (v *Visit) Attempt(worker WorkerID, reason string, at time.Time, a Attendance) (*Event, error) {
	if err := v.mine(worker); err != nil {
		return nil, err
	}
	switch {
	case v.Status != Scheduled && v.Status != InProgress:
		return nil, fault.New(fault.Conflict, "visit_over", "The visit is "+string(v.Status)+".")
	case at.Before(v.Slot.StartsAt.Add(-a.Early)):
		return nil, fault.New(fault.Conflict, "too_early", "The visit is later; record an attempt when you were there, or cancel it.")
	}
	for i := range v.CheckIns {
		if v.CheckIns[i].OutAt.IsZero() {
			v.CheckIns[i].OutAt = at
		}
	}
	v.Status = Attempted
	v.Closing = &Closing{Reason: reason, At: at}
	return v.event("visit.attempted", VisitAttemptedData{v.ID, v.Case, worker, reason}), nil
}
