package desk

import (
	"context"
	"errors"
	"time"

	"github.com/hearthfps/hearth/pkg/fault"
	kit "github.com/hearthfps/hearth/pkg/postgres"
	"github.com/hearthfps/hearth/services/visit-scheduling/schedule"
)

// explainBudget is how long may be looked for why a visit stands where it does.
const explainBudget = 5 * time.Second

// Explain says what a visit costs its week and why it stands where it does. Conflict
// (visit_not_scheduled) when it has no place, Unavailable (explanation_late) when
// the week is too large to say so in time.
func (d *Desk) Explain(ctx context.Context, id schedule.VisitID, allow func(context.Context, *kit.Tx, schedule.Visit) error) (schedule.Account, error) {
	var v schedule.Visit
	var standing schedule.Standing
	err := d.DB.InTenant(ctx, func(ctx context.Context, tx *kit.Tx) (err error) {
		if v, err = d.Store.Visit(ctx, tx, id, false); err != nil {
			return err
		}
		if err := allow(ctx, tx, v); err != nil {
			return err
		}
		if v.Slot == nil {
			return fault.New(fault.Conflict, "visit_not_scheduled", "The visit is "+string(v.Status)+" and has no place; if it is unplaced, its remedies say what would give it one.")
		}
		cal, err := d.Calendar(tx.Agency())
		if err != nil {
			return err
		}
		week := schedule.WeekOf(cal.Today(v.Slot.StartsAt))
		standing, err = d.standing(ctx, tx, cal, week.Span(cal.Zone()), tx.Now().Add(d.Settings.Notice))
		return err
	})
	if err != nil {
		return schedule.Account{}, err
	}
	account, err := d.Engine.Explain(ctx, standing, id, explainBudget)
	if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
		return account, fault.New(fault.Unavailable, "explanation_late", "There was not enough time to say why. Ask again later.")
	}
	account.At = *v.Slot
	return account, err
}
