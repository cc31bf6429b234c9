package planning

import (
	"context"
	"errors"
	"time"

	"github.com/hearthfps/hearth/pkg/events"
	"github.com/hearthfps/hearth/pkg/fault"
	"github.com/hearthfps/hearth/pkg/policy"
	"github.com/hearthfps/hearth/pkg/postgres"
	"github.com/hearthfps/hearth/services/planning/announce"
	"github.com/hearthfps/hearth/services/planning/casefile"
	"github.com/hearthfps/hearth/services/planning/goals"
	store "github.com/hearthfps/hearth/services/planning/postgres"
)

// sources are the services whose events make a family's timeline.
var sources = []string{"intake", "assessment", "planning", "visit-scheduling", "resource-directory", "notification"}

// subscriptions are what planning takes in: every event for the timeline, and
// those that change a case.
func subscriptions() []events.Subscription {
	topics := make([]string, len(sources))
	for i, s := range sources {
		topics[i] = events.Topic(s)
	}
	return []events.Subscription{
		{Topics: topics, Fallback: keepTimeline},
		{Topics: []string{events.Topic("intake"), events.Topic("assessment")}, Handlers: map[string]events.Handler{
			"org.hearth.intake.case.opened.v1":              caseOpened,
			"org.hearth.intake.referral.screened.v1":        referralScreened,
			"org.hearth.assessment.assessment.completed.v1": assessmentCompleted,
			"org.hearth.assessment.safety.decided.v1":       safetyDecided,
		}},
	}
}

// keepTimeline makes an entry of every event that belongs in a family's file.
func keepTimeline(ctx context.Context, tx *postgres.Tx, e events.Event) error {
	entry, ok, err := casefile.NewTimelineEntry(e.ID, e.Type, e.Subject, e.Key, e.Time, e.Data)
	if err != nil {
		return fault.New(fault.Unprocessable, "event_data", "The data of a "+e.Type+" event cannot be read.").Because(err)
	}
	if !ok {
		return nil
	}
	return store.InsertTimelineEntry(ctx, tx, entry)
}

// caseOpened begins a case file.
func caseOpened(ctx context.Context, tx *postgres.Tx, e events.Event) error {
	var opened struct {
		CaseID         casefile.CaseID   `json:"case_id"`
		ReferralID     string            `json:"referral_id"`
		HouseholdID    string            `json:"household_id"`
		Program        string            `json:"program"`
		ProgramVersion string            `json:"program_version"`
		Persons        []casefile.Person `json:"persons"`
		Languages      []string          `json:"languages"`
		SafetyFlags    []string          `json:"safety_flags"`
		ConcernCodes   []string          `json:"concern_codes"`
		Priority       string            `json:"priority"`
		OpenedBy       string            `json:"opened_by"`
		OpenedAt       time.Time         `json:"opened_at"`
		Excluded       []struct {
			WorkerID   string `json:"worker_id"`
			ReasonCode string `json:"reason_code"`
			ExcludedBy string `json:"excluded_by"`
		} `json:"excluded"`
	}
	if err := e.Decode(&opened); err != nil {
		return err
	}
	c := &casefile.Case{
		ID: opened.CaseID, ReferralID: opened.ReferralID, HouseholdID: opened.HouseholdID, Program: opened.Program, ProgramVersion: opened.ProgramVersion,
		Priority: opened.Priority, Persons: append([]casefile.Person{}, opened.Persons...), Languages: append([]string{}, opened.Languages...),
		SafetyFlags: append([]string{}, opened.SafetyFlags...), ConcernCodes: append([]string{}, opened.ConcernCodes...),
		OpenedBy: opened.OpenedBy, OpenedAt: opened.OpenedAt, Status: casefile.Open, Version: 1, Trace: e.TraceParent,
	}
	if err := store.InsertCase(ctx, tx, c); err != nil {
		return err
	}
	for _, x := range opened.Excluded {
		if err := keepOut(ctx, tx, c, store.Exclusion{CaseID: c.ID, WorkerID: x.WorkerID, ReasonCode: x.ReasonCode, ExcludedBy: x.ExcludedBy, ExcludedAt: opened.OpenedAt}); err != nil {
			return err
		}
	}
	return nil
}

// keepOut excludes a worker, who was kept from the referral, from the case it opened.
func keepOut(ctx context.Context, tx *postgres.Tx, c *casefile.Case, e store.Exclusion) error {
	if _, err := c.Exclude(e.WorkerID, e.ExcludedBy, e.ExcludedAt); err != nil {
		return err
	}
	if err := store.InsertExclusion(ctx, tx, e); err != nil {
		return err
	}
	if err := store.SaveCase(ctx, tx, c); err != nil {
		return err
	}
	if err := policy.ExcludeWorker(ctx, tx, string(c.ID), e.WorkerID); err != nil {
		return err
	}
	return announce.Excluded(ctx, tx, c, e.WorkerID, nil)
}

// referralScreened links a further referral about a family to its case.
func referralScreened(ctx context.Context, tx *postgres.Tx, e events.Event) error {
	var screened struct {
		ReferralID string          `json:"referral_id"`
		CaseID     casefile.CaseID `json:"case_id"`
	}
	if err := e.Decode(&screened); err != nil {
		return err
	}
	if screened.CaseID == "" {
		return nil
	}
	return store.LinkReferral(ctx, tx, screened.CaseID, screened.ReferralID)
}

// assessmentCompleted keeps what the assessment said of each domain.
func assessmentCompleted(ctx context.Context, tx *postgres.Tx, e events.Event) error {
	var completed struct {
		AssessmentID      string          `json:"assessment_id"`
		CaseID            casefile.CaseID `json:"case_id"`
		Instrument        string          `json:"instrument"`
		InstrumentVersion string          `json:"instrument_version"`
		CompletedAt       time.Time       `json:"completed_at"`
		Needs             []struct {
			Domain string `json:"domain"`
			Level  string `json:"level"`
		} `json:"needs"`
		Strengths []string `json:"strengths"`
	}
	if err := e.Decode(&completed); err != nil {
		return err
	}
	strong := map[string]bool{}
	for _, d := range completed.Strengths {
		strong[d] = true
	}
	for _, n := range completed.Needs {
		err := store.PutNeed(ctx, tx, completed.CaseID, goals.Need{
			Domain: n.Domain, Level: n.Level, Strength: strong[n.Domain],
			AssessmentID: completed.AssessmentID, Instrument: completed.Instrument, InstrumentVersion: completed.InstrumentVersion, At: completed.CompletedAt,
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// safetyDecided takes in a safety decision, of a case that may not have been
// heard of yet.
func safetyDecided(ctx context.Context, tx *postgres.Tx, e events.Event) error {
	var decided struct {
		AssessmentID string          `json:"assessment_id"`
		CaseID       casefile.CaseID `json:"case_id"`
		Decision     string          `json:"decision"`
	}
	if err := e.Decode(&decided); err != nil {
		return err
	}
	c, err := store.LockCase(ctx, tx, decided.CaseID)
	if f, ok := fault.As(err); ok && f.Kind == fault.NotFound {
		before, err := store.Safety(ctx, tx, decided.CaseID)
		return errors.Join(err, store.PutSafety(ctx, tx, decided.CaseID, before.Decided(decided.Decision, decided.AssessmentID)))
	}
	if err != nil {
		return err
	}
	c.Safety = c.Safety.Decided(decided.Decision, decided.AssessmentID)
	c.Version++
	if err := store.SaveCase(ctx, tx, c); err != nil {
		return err
	}
	return store.PutSafety(ctx, tx, c.ID, c.Safety)
}
