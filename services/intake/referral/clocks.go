package referral

import (
	"fmt"
	"slices"
	"time"

	"github.com/hearthfps/hearth/pkg/clock"
)

// What a clock may wait for.
const (
	MetTaken             = "taken"              // a worker took the referral up
	MetScreened          = "screened"           // the screening decision was made
	MetFirstContact      = "first_contact"      // the family was seen: a visit began, or a safety decision was made
	MetAssessmentStarted = "assessment_started" // the case's first assessment was worked on
	MetAssessmentDone    = "assessment_done"    // every assessment due was completed
)

// Milestones are all that a clock may wait for.
var Milestones = []string{MetTaken, MetScreened, MetFirstContact, MetAssessmentStarted, MetAssessmentDone}

// ClockState is where a clock stands.
type ClockState string

// The states of a clock. An expired clock stays expired; MetAt says when what it
// waited for was done after all.
const (
	ClockRunning ClockState = "running"
	ClockMet     ClockState = "met"
	ClockExpired ClockState = "expired"
	ClockStopped ClockState = "stopped" // no longer called for: withdrawn, screened out, other priority
)

// ClockRules are a version of the agency's statutory and own time limits.
type ClockRules struct {
	Version, Hash string
	Rules         []ClockRule
}

// ClockRule runs a clock on every referral its condition holds for.
type ClockRule struct {
	Code   string
	When   Condition
	Within clock.Deadline
	MetBy  string
	// FromArrival runs it from when the event came to the agency, and not from
	// when its sender received it.
	FromArrival bool
}

// ResponseClock is a time limit that runs on a referral.
type ResponseClock struct {
	ID          ClockID
	Code        string
	MetBy       string
	State       ClockState
	StartedAt   time.Time
	DueAt       time.Time
	MetAt       time.Time
	ExpiredAt   time.Time
	RuleVersion string

	changed bool
}

// Changed says whether the clock is to be stored.
func (c *ResponseClock) Changed() bool { return c.changed }

// ClockVariables are what a clock rule may speak of: the priority's variables,
// and priority and urgent.
func ClockVariables(rf *Referral, country string, now time.Time) map[string]any {
	variables := PriorityVariables(&rf.Content, country, now)
	variables["priority"], variables["urgent"] = string(rf.Priority.Priority), rf.Priority.Urgent
	return variables
}

// runClocks brings the clocks to what the rules call for now: starts those that
// are missing, moves those whose limit changed, stops those no longer called
// for. After the screening decision no new one starts.
func (d *Desk) runClocks(rf *Referral, a *Agency, now time.Time) error {
	if rf.Status == Withdrawn {
		rf.stopClocks(func(*ResponseClock) bool { return true })
		return nil
	}
	if rf.Status != Received {
		return nil
	}
	rules, err := d.Rules(a, now)
	if err != nil {
		return err
	}
	variables := ClockVariables(rf, a.Country, now)
	called := map[string]bool{}
	for _, rule := range rules.Clocks.Rules {
		holds, err := rule.When.True(variables)
		if err != nil {
			return fmt.Errorf("clock rule %s: %w", rule.Code, err)
		}
		if !holds {
			continue
		}
		called[rule.Code] = true
		start := rf.start()
		if rule.FromArrival {
			start = rf.ArrivedAt
		}
		rf.runClock(rule, rules.Clocks.Version, start, rule.Within.From(start, a.Calendar), d.IDs)
	}
	rf.stopClocks(func(c *ResponseClock) bool { return !called[c.Code] })
	return nil
}

func (rf *Referral) runClock(rule ClockRule, version string, start, due time.Time, ids IDs) {
	i := slices.IndexFunc(rf.Clocks, func(c *ResponseClock) bool { return c.Code == rule.Code && c.State != ClockStopped })
	if i >= 0 {
		c := rf.Clocks[i]
		if c.State == ClockRunning && !c.DueAt.Equal(due) {
			c.DueAt, c.RuleVersion, c.changed = due, version, true
			rf.sayClock(TypeClockStarted, c)
		}
		return
	}
	c := &ResponseClock{ID: ids.Clock(), Code: rule.Code, MetBy: rule.MetBy, State: ClockRunning, StartedAt: start, DueAt: due, RuleVersion: version, changed: true}
	if rule.MetBy == MetTaken && rf.TakenBy != "" {
		c.State, c.MetAt = ClockMet, rf.TakenAt
	}
	rf.Clocks = append(rf.Clocks, c)
	if c.State == ClockRunning {
		rf.sayClock(TypeClockStarted, c)
	}
}

func (rf *Referral) stopClocks(which func(*ResponseClock) bool) {
	for _, c := range rf.Clocks {
		if c.State == ClockRunning && which(c) {
			c.State, c.changed = ClockStopped, true
		}
	}
}

// meet records that what clocks waited for was done.
func (rf *Referral) meet(milestone string, at time.Time) {
	for _, c := range rf.Clocks {
		if c.MetBy != milestone || !c.MetAt.IsZero() || c.State == ClockStopped {
			continue
		}
		c.MetAt, c.changed = at, true
		if c.State == ClockRunning && !at.After(c.DueAt) {
			c.State = ClockMet
		} else if c.State == ClockRunning {
			c.State, c.ExpiredAt = ClockExpired, c.DueAt
		}
		rf.sayClock(TypeClockMet, c)
		rf.note(at, "clock_met", "clock", map[string]string{"clock": c.Code})
	}
}

// Reach records a milestone another service told of.
func (rf *Referral) Reach(milestone string, at time.Time) {
	if slices.ContainsFunc(rf.Clocks, func(c *ResponseClock) bool {
		return c.MetBy == milestone && c.MetAt.IsZero() && c.State != ClockStopped
	}) {
		rf.change()
		rf.meet(milestone, at)
	}
}

// Expire lets a clock run out, when it is due and still runs. It says whether it did.
func (rf *Referral) Expire(id ClockID, now time.Time) bool {
	i := slices.IndexFunc(rf.Clocks, func(c *ResponseClock) bool { return c.ID == id })
	if i < 0 || rf.Clocks[i].State != ClockRunning || now.Before(rf.Clocks[i].DueAt) {
		return false
	}
	c := rf.Clocks[i]
	rf.change()
	c.State, c.ExpiredAt, c.changed = ClockExpired, now, true
	rf.sayClock(TypeClockExpired, c)
	rf.note(now, "clock_expired", "clock", map[string]string{"clock": c.Code})
	return true
}

func (rf *Referral) sayClock(kind string, c *ResponseClock) {
	data := ClockChanged{ID: c.ID, Clock: c.Code, Referral: rf.ID, Case: rf.Case, DueAt: c.DueAt}
	if kind == TypeClockMet {
		data.MetAt = &c.MetAt
	}
	rf.say(kind, string(c.ID), data)
}
