package desk

import (
	"context"
	"log/slog"
	"slices"
	"time"

	kit "github.com/hearthfps/hearth/pkg/postgres"
	"github.com/hearthfps/hearth/services/visit-scheduling/schedule"
)

// whyBudget is how long may be looked for what would give a week's visits that
// have no place one.
const whyBudget = 10 * time.Second

// tellWhy records why a plan leaves visits out, after its places are written:
// nobody waits for reasons. What is known without looking is told first; what is not
// is looked for later while another week waits for its places. A planner that dies
// meanwhile has its week planned again by another.
func (d *Desk) tellWhy(ctx context.Context, s situation, plan schedule.Plan) (later bool, err error) {
	var known, open []schedule.Leftover
	for _, u := range plan.Unplaced {
		if u.Wanting() {
			open = append(open, u)
		} else {
			known = append(known, u)
		}
	}
	if err := d.writeLeft(ctx, s, known); err != nil || open == nil {
		return false, err
	}
	err = d.DB.ReadInTenant(ctx, func(ctx context.Context, tx *kit.Tx) error {
		later, err = d.Store.PlacesWait(ctx, tx, tx.Now())
		return err
	})
	if err != nil || later {
		return later, err
	}
	standing := schedule.Standing{Problem: s.problem, Plan: schedule.Plan{Placed: plan.Placed, Unplaced: open}}
	left := d.explained(ctx, standing, s.visits)
	return false, d.writeLeft(ctx, s, standing.Kept(left, s.visits))
}

// explained are the visits that a plan leaves out with what would give them a
// place, as far as there is time: those that nobody has looked at first, then those
// looked at longest ago, so that each has its turn. That it could not be found out
// holds nothing up.
func (d *Desk) explained(ctx context.Context, s schedule.Standing, visits map[schedule.VisitID]schedule.Visit) []schedule.Leftover {
	left := slices.Clone(s.Plan.Unplaced)
	var open []schedule.VisitID
	for _, u := range left {
		if u.Wanting() {
			open = append(open, u.Visit)
		}
	}
	if open == nil {
		return left
	}
	slices.SortStableFunc(open, func(a, b schedule.VisitID) int { return visits[a].LookedAt.Compare(visits[b].LookedAt) })
	now := d.Clock.Now()
	why, err := d.Engine.Why(ctx, s, whyBudget, open...)
	if err != nil {
		d.Log.LogAttrs(ctx, slog.LevelError, "find out why visits have no place", slog.Any("error", err))
		return left
	}
	for i, u := range left {
		if remedies, looked := why[u.Visit]; looked {
			left[i] = u.Explained(remedies)
			left[i].LookedAt = now
		}
	}
	return left
}

// writeLeft stores why visits have no place, piece by piece.
func (d *Desk) writeLeft(ctx context.Context, s situation, all []schedule.Leftover) error {
	for left := range slices.Chunk(all, chunk) {
		err := d.DB.InTenant(ctx, func(ctx context.Context, tx *kit.Tx) error { return d.writeUnplaced(ctx, tx, s, left) })
		if err != nil {
			return err
		}
	}
	return nil
}

// writeUnplaced records why visits have no place. A visit that changed meanwhile
// is left alone: whoever changed it wished for its week.
func (d *Desk) writeUnplaced(ctx context.Context, tx *kit.Tx, s situation, left []schedule.Leftover) error {
	why := map[schedule.VisitID]schedule.Leftover{}
	var ids []schedule.VisitID
	for _, l := range left {
		ids, why[l.Visit] = append(ids, l.Visit), l
	}
	current, err := d.Store.LockVisits(ctx, tx, ids)
	if err != nil {
		return err
	}
	var changed []schedule.Visit
	var all []told
	for _, v := range current {
		if v.Status != schedule.Unplaced || v.Version != s.visits[v.ID].Version {
			continue
		}
		looked := v.LookedAt
		event, err := v.Leave(why[v.ID])
		if err != nil {
			return err
		}
		if v.Version != s.visits[v.ID].Version || !v.LookedAt.Equal(looked) {
			changed = append(changed, v)
		}
		if event != nil {
			all = append(all, told{event, v.Case, s.series[v.Series].Trace})
		}
	}
	if err := d.Store.SaveVisits(ctx, tx, changed...); err != nil {
		return err
	}
	return publish(ctx, tx, all...)
}
