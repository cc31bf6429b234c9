// Package desk is the scheduler's desk: what happens to workers, series and
// visits when a plan is approved, a worker falls ill or somebody asks, each in one
// transaction with its events, and the planning of weeks behind it.
//
// What it promises:
//
//  1. A change, its bookings, its events and its timers are committed together or
//     not at all.
//  2. No transaction is open while intake is asked or a planner thinks: a week is
//     read, planned outside any transaction, and written only as far as it still
//     fits what is there then.
//  3. Planning is wished for in the transaction of what makes it due, and the wish
//     stays in the database until a plan is written: a planner that dies is
//     followed by another.
//  4. Nothing a planner answers is written unless schedule's checker finds no
//     fault in it.
package desk

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/hearthfps/hearth/pkg/clock"
	"github.com/hearthfps/hearth/pkg/events"
	kit "github.com/hearthfps/hearth/pkg/postgres"
	"github.com/hearthfps/hearth/pkg/rules"
	"github.com/hearthfps/hearth/pkg/tenant"
	"github.com/hearthfps/hearth/pkg/timers"
	"github.com/hearthfps/hearth/services/visit-scheduling/optimise"
	"github.com/hearthfps/hearth/services/visit-scheduling/postgres"
	"github.com/hearthfps/hearth/services/visit-scheduling/schedule"
)

// Settings are the agency-wide numbers of scheduling.
type Settings struct {
	Attendance schedule.Attendance
	// Horizon is how many weeks are planned, this one included.
	Horizon int
	// Notice is how far ahead a visit is placed at least.
	Notice time.Duration
	// UrgentLead is how soon an urgent visit may start.
	UrgentLead time.Duration
	// Travel estimates how long ways take; recorded ways correct it.
	Travel optimise.Estimate
	// PointAge is how long a travel point is used before intake is asked again.
	PointAge time.Duration
	// Lease is how long after a planner's death another takes its week over. A
	// living planner renews it.
	Lease time.Duration
}

// Publishing are the limits in force, and the rule file they come from.
type Publishing struct {
	Limits schedule.AutomaticLimits
	Rule   rules.Ref
}

// Points asks for a household's travel point.
type Points interface {
	// TravelPoint answers Known false for a household without one or that keeps
	// it to itself. An error means nobody knows now; it is asked again later.
	TravelPoint(ctx context.Context, household string) (postgres.TravelPoint, error)
}

// Desk does the work. Make one value and use it from everywhere.
type Desk struct {
	DB      *kit.DB
	Store   postgres.Store
	Planner schedule.Planner
	// Fallback plans when Planner fails or breaks a rule; nil leaves the week for later.
	Fallback schedule.Planner
	// Engine answers where an urgent visit could go, and betters whole weeks.
	Engine   schedule.Engine
	Points   Points
	Settings Settings
	// Roads is who is asked how long ways take before they are estimated.
	Roads Roads
	// Publishing is what planning jobs may publish by themselves.
	Publishing Publishing
	// Coverage is what the visits of a program are measured by in the month that begins
	// on a day.
	Coverage func(program string, month clock.Date) schedule.Measure
	// Weighing is what an agency weighs against what; nil weighs as the planner does.
	Weighing func(tenant.AgencyID) schedule.Weighing
	// WeightsRule is the file that says so.
	WeightsRule rules.Ref
	// Calendar gives an agency's calendar, and so its zone.
	Calendar func(tenant.AgencyID) (*clock.Calendar, error)
	// Agencies lists who is planned for.
	Agencies func() []tenant.AgencyID
	Clock    clock.Clock
	NewID    func() string
	// Random is where the secrets of calendar feeds come from; nil is crypto/rand.
	Random io.Reader
	Log    *slog.Logger

	boards boards
}

// Kinds of the desk's timers.
const (
	CheckoutTimer = "visit-checkout" // id: the visit
	DailyTimer    = "daily-planning" // id: the agency
	TravelTimer   = "travel-fit"     // id: the agency
)

// jobsKept is how long a planning job is kept after its end.
const jobsKept = 30 * 24 * time.Hour

// wake is the signal that planning was wished for.
const wake = "planning"

// told is an event with the case whose story it is part of.
type told struct {
	event *schedule.Event
	id    schedule.CaseID
	trace string
}

// publish hands events to the outbox; nil events are none.
func publish(ctx context.Context, tx *kit.Tx, all ...told) error {
	drafts := make([]events.Draft, 0, len(all))
	for _, t := range all {
		if t.event != nil {
			drafts = append(drafts, events.Draft{
				Type: schedule.EventPrefix + t.event.Type + schedule.EventSuffix, Subject: t.event.Subject, Key: string(t.id),
				Version: t.event.Version, Data: t.event.Data, Trace: t.trace,
			})
		}
	}
	return events.Publish(ctx, tx, drafts...)
}

// thisWeek is the week it is in the agency.
func (d *Desk) thisWeek(tx *kit.Tx, cal *clock.Calendar) schedule.Week {
	return schedule.WeekOf(cal.Today(tx.Now()))
}

// wishForAll is wishFor with the agency's own calendar.
func (d *Desk) wishForAll(ctx context.Context, tx *kit.Tx) error {
	cal, err := d.Calendar(tx.Agency())
	if err != nil {
		return err
	}
	return d.wishFor(ctx, tx, cal)
}

// wishFor asks for the planning of what is unplaced from this week to the
// horizon, and wakes the planner after the commit.
func (d *Desk) wishFor(ctx context.Context, tx *kit.Tx, cal *clock.Calendar) error {
	first := d.thisWeek(tx, cal)
	return d.wishForWeeks(ctx, tx, first, first.Next(d.Settings.Horizon-1))
}

func (d *Desk) wishForWeeks(ctx context.Context, tx *kit.Tx, first, last schedule.Week) error {
	if err := d.Store.RequestPlanning(ctx, tx, first, last); err != nil {
		return err
	}
	tx.AfterCommit(func() { d.DB.Signal(wake) })
	return nil
}

// setDaily sets the agency's next daily planning: three in the morning, when the
// horizon moves on and what is unplaced is tried again; and before it the look at
// recorded ways.
func (d *Desk) setDaily(ctx context.Context, tx *kit.Tx, cal *clock.Calendar) error {
	if err := d.setTravelFit(ctx, tx, cal); err != nil {
		return err
	}
	return setNightly(ctx, tx, cal, DailyTimer, 3)
}

// setNightly sets the agency's timer of a kind for the next time it is so many
// hours after midnight there.
func setNightly(ctx context.Context, tx *kit.Tx, cal *clock.Calendar, kind string, hour int) error {
	due := cal.Today(tx.Now()).At(hour, 0, cal.Zone())
	if !due.After(tx.Now()) {
		due = cal.Today(tx.Now()).AddDays(1).At(hour, 0, cal.Zone())
	}
	agency := tx.Agency().String()
	return timers.Set(ctx, tx, timers.Draft{Kind: kind, ID: agency, DueAt: due, Subject: agency, Data: struct{}{}})
}

// Daily tries what is unplaced again, as far as the horizon reaches today, and
// sets the next day's timer.
func (d *Desk) Daily(ctx context.Context, tx *kit.Tx, _ timers.Timer) error {
	cal, err := d.Calendar(tx.Agency())
	if err != nil {
		return err
	}
	first, any, err := d.Store.OldestUnplaced(ctx, tx)
	if err != nil {
		return err
	}
	if any {
		if err := d.wishForWeeks(ctx, tx, first, d.thisWeek(tx, cal).Next(d.Settings.Horizon-1)); err != nil {
			return err
		}
	}
	if err := d.Store.ForgetFeeds(ctx, tx, tx.Now()); err != nil {
		return err
	}
	if err := d.Store.ForgetJobs(ctx, tx, tx.Now().Add(-jobsKept)); err != nil {
		return err
	}
	if err := d.Store.Forget(ctx, tx, tx.Now().Add(-24*time.Hour)); err != nil {
		return err
	}
	return d.setDaily(ctx, tx, cal)
}

// release takes visits from their workers and stores them.
func (d *Desk) release(ctx context.Context, tx *kit.Tx, visits []schedule.Visit) error {
	for i := range visits {
		if err := visits[i].Release(); err != nil {
			return fmt.Errorf("release visit: %w", err)
		}
	}
	return d.Store.SaveVisits(ctx, tx, visits...)
}
