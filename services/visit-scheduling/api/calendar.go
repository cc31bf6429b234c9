package api

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/hearthfps/hearth/pkg/policy"
	kit "github.com/hearthfps/hearth/pkg/postgres"
	"github.com/hearthfps/hearth/services/visit-scheduling/postgres"
	"github.com/hearthfps/hearth/services/visit-scheduling/schedule"
)

const (
	// calendarPast is how far back a calendar goes.
	calendarPast = 4 * 7 * 24 * time.Hour
	// calendarMost bounds a calendar: more than anybody visits in the time it covers.
	calendarMost = 2000
)

// GetWorkerCalendar answers a worker's visits as a calendar.
func (s Server) GetWorkerCalendar(ctx context.Context, r GetWorkerCalendarRequestObject) (GetWorkerCalendarResponseObject, error) {
	id := schedule.WorkerID(r.WorkerId)
	var visits []schedule.Visit
	var now time.Time
	err := s.Desk.DB.InTenant(ctx, func(ctx context.Context, tx *kit.Tx) error {
		if err := s.Access.Engine.CheckRead(ctx, tx, policy.Write, policy.Resource{Type: "worker", ID: string(id)}); err != nil {
			return err
		}
		if _, err := s.Desk.Store.Worker(ctx, tx, id, false); err != nil {
			return err
		}
		now = tx.Now()
		seen, args, err := s.Access.listVisits(ctx, tx)
		if err != nil {
			return err
		}
		visits, err = s.Desk.Store.VisitList(ctx, tx, postgres.VisitPage{
			Worker: id, Day: schedule.Span{From: now.Add(-calendarPast), To: now.AddDate(2, 0, 0)}, Limit: calendarMost, Seen: seen, Args: args,
		})
		return err
	})
	if err != nil {
		return nil, err
	}
	text := calendar(visits, now, ownID, func(schedule.Visit) string { return neutral })
	return GetWorkerCalendar200TextcalendarResponse{Body: strings.NewReader(text), ContentLength: int64(len(text))}, nil
}

// neutral is what an entry is called that tells nothing.
const neutral = "Appointment"

// ownID is an entry's id for who may know of the visit.
func ownID(v schedule.VisitID) string { return string(v) }

// titledByTeam names the workers of a team whom an entry is of.
func titledByTeam(team []schedule.Worker) func(schedule.Visit) string {
	members := map[schedule.WorkerID]bool{}
	for _, w := range team {
		members[w.ID] = true
	}
	return func(v schedule.Visit) string {
		var names []string
		for _, w := range v.Slot.Workers {
			if members[w] {
				names = append(names, string(w))
			}
		}
		return neutral + ": " + strings.Join(names, "\\, ")
	}
}

// calendar writes visits as iCalendar (RFC 5545). A visit keeps its UID and
// counts its changes in SEQUENCE, so that a moved one moves in the reader's
// calendar too. Nothing in it tells whom the workers visit, or where.
func calendar(visits []schedule.Visit, now time.Time, uid func(schedule.VisitID) string, title func(schedule.Visit) string) string {
	var b strings.Builder
	line := func(parts ...string) { b.WriteString(strings.Join(parts, "") + "\r\n") }
	utc := func(t time.Time) string { return t.UTC().Format("20060102T150405Z") }
	line("BEGIN:VCALENDAR")
	line("VERSION:2.0")
	line("PRODID:-//Hearth//visit-scheduling//EN")
	line("METHOD:PUBLISH")
	for _, v := range visits {
		status := "CONFIRMED"
		if v.Status == schedule.Attempted {
			status = "CANCELLED"
		}
		line("BEGIN:VEVENT")
		line("UID:", uid(v.ID))
		line("DTSTAMP:", utc(now))
		line("DTSTART:", utc(v.Slot.StartsAt))
		line("DTEND:", utc(v.Slot.EndsAt))
		line("SEQUENCE:", strconv.FormatInt(v.Version, 10))
		line("STATUS:", status)
		line("SUMMARY:", title(v))
		line("CLASS:PRIVATE")
		line("END:VEVENT")
	}
	line("END:VCALENDAR")
	return b.String()
}

// GetTeamCalendar answers the visits of a team's workers as a calendar.
func (s Server) GetTeamCalendar(ctx context.Context, r GetTeamCalendarRequestObject) (GetTeamCalendarResponseObject, error) {
	var visits []schedule.Visit
	var now time.Time
	var team []schedule.Worker
	err := s.Desk.DB.InTenant(ctx, func(ctx context.Context, tx *kit.Tx) (err error) {
		if _, err := s.Access.readWorker(ctx, tx, ""); err != nil {
			return err
		}
		now = tx.Now()
		if team, err = s.Desk.Store.TeamOf(ctx, tx, r.Team, now); err != nil {
			return err
		}
		seen, args, err := s.Access.listVisits(ctx, tx)
		if err != nil {
			return err
		}
		visits, err = s.Desk.Store.VisitList(ctx, tx, postgres.VisitPage{
			Team: r.Team, Day: schedule.Span{From: now.Add(-calendarPast), To: now.AddDate(0, 6, 0)}, Limit: teamMost, Seen: seen, Args: args,
		})
		return err
	})
	if err != nil {
		return nil, err
	}
	text := calendar(visits, now, ownID, titledByTeam(team))
	return GetTeamCalendar200TextcalendarResponse{Body: strings.NewReader(text), ContentLength: int64(len(text))}, nil
}

// teamMost bounds a team's calendar.
const teamMost = 20_000
