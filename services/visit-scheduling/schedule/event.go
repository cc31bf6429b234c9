package schedule

import (
	"time"

	"github.com/hearthfps/hearth/pkg/clock"
)

// EventPrefix and EventSuffix stand around an Event's Type in the catalogue.
const (
	EventPrefix = "org.hearth.visit-scheduling."
	EventSuffix = ".v1"
)

// Event is what a change tells the other services: ids, codes and times.
type Event struct {
	Type    string // "visit.scheduled"
	Subject string // the visit or series
	Version int64  // of the subject after the change
	Data    any    // one of the Data types below
}

// Data of the events, as their schemas say (api-specs/events).
type (
	SeriesCreatedData struct {
		Series      SeriesID `json:"series_id"`
		Case        CaseID   `json:"case_id"`
		Plan        PlanID   `json:"plan_id"`
		PlanVersion int64    `json:"plan_version"`
		Visits      int      `json:"visits"`
	}
	SeriesEndedData struct {
		Series SeriesID `json:"series_id"`
		Case   CaseID   `json:"case_id"`
		Reason string   `json:"reason_code"`
	}
	VisitScheduledData struct {
		Visit      VisitID    `json:"visit_id"`
		Series     SeriesID   `json:"series_id"`
		Case       CaseID     `json:"case_id"`
		StartsAt   time.Time  `json:"starts_at"`
		EndsAt     time.Time  `json:"ends_at"`
		Workers    []WorkerID `json:"workers"`
		Place      Place      `json:"place"`
		Recipients []string   `json:"recipients"`
	}
	VisitRescheduledData struct {
		VisitScheduledData
		PreviousStartsAt time.Time  `json:"previous_starts_at"`
		PreviousWorkers  []WorkerID `json:"previous_workers"`
	}
	VisitUnplacedData struct {
		Visit   VisitID    `json:"visit_id"`
		Series  SeriesID   `json:"series_id"`
		Case    CaseID     `json:"case_id"`
		WeekOf  clock.Date `json:"week_of"`
		Reasons []Reason   `json:"reasons"`
		// LostStartsAt is the time the visit had; nil when it never had one.
		LostStartsAt *time.Time `json:"lost_starts_at,omitempty"`
	}
	VisitCancelledData struct {
		Visit  VisitID  `json:"visit_id"`
		Series SeriesID `json:"series_id"`
		Case   CaseID   `json:"case_id"`
		Side   Side     `json:"side"`
		Reason string   `json:"reason_code"`
	}
	VisitCheckedInData struct {
		Visit  VisitID   `json:"visit_id"`
		Case   CaseID    `json:"case_id"`
		Worker WorkerID  `json:"worker_id"`
		At     time.Time `json:"at"`
	}
	VisitCompletedData struct {
		Visit     VisitID    `json:"visit_id"`
		Case      CaseID     `json:"case_id"`
		Workers   []WorkerID `json:"workers"`
		StartedAt time.Time  `json:"started_at"`
		EndedAt   time.Time  `json:"ended_at"`
	}
	VisitAttemptedData struct {
		Visit  VisitID  `json:"visit_id"`
		Case   CaseID   `json:"case_id"`
		Worker WorkerID `json:"worker_id"`
		Reason string   `json:"reason_code"`
	}
	VisitCheckoutMissedData struct {
		Visit      VisitID    `json:"visit_id"`
		Case       CaseID     `json:"case_id"`
		Workers    []WorkerID `json:"workers"`
		ExpectedAt time.Time  `json:"expected_at"`
	}
)
