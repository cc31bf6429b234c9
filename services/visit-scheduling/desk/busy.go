package desk

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/hearthfps/hearth/pkg/fault"
	kit "github.com/hearthfps/hearth/pkg/postgres"
	"github.com/hearthfps/hearth/services/visit-scheduling/schedule"
)

const (
	// Busy is the reason of absences that come from another calendar.
	Busy = "busy"
	// busyAhead is how far ahead another calendar blocks time.
	busyAhead = 26 * 7 * 24 * time.Hour
)

// ImportBusy makes the busy times of a calendar absences of a worker, in the place
// of those that were imported before. It says how many there are and until when
// the calendar was read. Unprocessable (calendar_unreadable) says what is wrong with it.
func (d *Desk) ImportBusy(ctx context.Context, tx *kit.Tx, id schedule.WorkerID, calendar []byte) (n int, until time.Time, err error) {
	cal, err := d.Calendar(tx.Agency())
	if err != nil {
		return 0, until, err
	}
	within := schedule.Span{From: cal.Today(tx.Now()).Start(cal.Zone()), To: tx.Now().Add(busyAhead)}
	spans, err := schedule.ParseBusy(calendar, cal.Zone(), within)
	if errors.Is(err, schedule.ErrBusy) {
		detail := strings.TrimPrefix(err.Error(), schedule.ErrBusy.Error()+": ")
		return 0, until, fault.New(fault.Unprocessable, "calendar_unreadable", "The calendar cannot be read: "+detail+".")
	}
	if err != nil {
		return 0, until, err
	}
	w, err := d.Store.Worker(ctx, tx, id, true)
	if err != nil {
		return 0, until, err
	}
	absences := slices.DeleteFunc(slices.Clone(w.Absences), func(a schedule.Absence) bool { return a.Reason == Busy })
	for _, s := range spans {
		absences = append(absences, schedule.Absence{Span: s, Reason: Busy})
	}
	if absences == nil {
		absences = []schedule.Absence{}
	}
	_, _, err = d.PutWorker(ctx, tx, w, absences, func(int64) error { return nil })
	return len(spans), within.To, err
}
