package desk

import (
	"cmp"
	"context"
	"maps"
	"slices"

	"github.com/hearthfps/hearth/pkg/clock"
	kit "github.com/hearthfps/hearth/pkg/postgres"
	"github.com/hearthfps/hearth/services/visit-scheduling/schedule"
)

// shift is one visit's change of place, as it was worked out from a version of it.
type shift struct {
	visit   schedule.VisitID
	version int64
	to      schedule.Slot
}

// Stale is a visit whose change no longer fits, and why.
type Stale struct {
	Visit schedule.VisitID
	Why   string // changed, or the rule it would break now
}

// Changed is why a visit that is not as it was cannot be changed.
const Changed = "changed"

// shift gives visits their new places, all or none: workers are locked, then
// visits; every visit is still the version that was meant, and every rule holds
// with what is booked now. Otherwise nothing is written and stale says what is
// in the way. why is kept with visits that had a place.
func (d *Desk) shift(ctx context.Context, tx *kit.Tx, cal *clock.Calendar, shifts []shift, why string) (changed []schedule.Visit, stale []Stale, err error) {
	byVisit := map[schedule.VisitID]shift{}
	var workers []schedule.WorkerID
	for _, s := range shifts {
		byVisit[s.visit] = s
		workers = append(workers, s.to.Workers...)
	}
	slices.Sort(workers)
	workers = slices.Compact(workers)
	roster, err := d.Store.LockWorkers(ctx, tx, workers, tx.Now())
	if err != nil {
		return nil, nil, err
	}
	current, err := d.Store.LockVisits(ctx, tx, slices.Sorted(maps.Keys(byVisit)))
	if err != nil {
		return nil, nil, err
	}
	seen := map[schedule.VisitID]bool{}
	for _, v := range current {
		seen[v.ID] = true
		begun := v.Slot != nil && !v.Slot.StartsAt.After(tx.Now())
		if v.Version != byVisit[v.ID].version || !v.Open() || begun {
			stale = append(stale, Stale{v.ID, Changed})
		}
	}
	for _, s := range shifts {
		if !seen[s.visit] {
			stale = append(stale, Stale{s.visit, Changed})
		}
	}
	if stale != nil {
		return nil, stale, nil
	}
	byWeek := map[schedule.Week][]schedule.Visit{}
	for _, v := range current {
		week := schedule.WeekOf(cal.Today(byVisit[v.ID].to.StartsAt))
		byWeek[week] = append(byWeek[week], v)
	}
	var all []told
	for _, week := range slices.SortedFunc(maps.Keys(byWeek), func(a, b schedule.Week) int { return a.Monday.Compare(b.Monday) }) {
		want := weekOf(week, cal, tx.Now())
		want.visits, want.roster, want.busy, want.leaving = byWeek[week], roster, workers, seen
		now, err := d.situate(ctx, tx, cal, want)
		if err != nil {
			return nil, nil, err
		}
		var plan schedule.Plan
		for _, v := range byWeek[week] {
			plan.Placed = append(plan.Placed, schedule.Placement{Visit: v.ID, Slot: byVisit[v.ID].to})
		}
		for _, found := range now.problem.Check(plan) {
			stale = append(stale, Stale{found.Visit, string(found.Rule)})
		}
		if stale != nil {
			return nil, stale, nil
		}
		for _, p := range now.problem.Round(plan, 1).Placed { // whole minutes stay; the ways are worked out
			v := now.visits[p.Visit]
			var event *schedule.Event
			if v.Slot != nil {
				event, err = v.MoveTo(p.Slot, schedule.AgencySide, why, tx.Now())
			} else {
				event, err = v.Schedule(p.Slot)
			}
			if err != nil {
				return nil, nil, err
			}
			changed, all = append(changed, v), append(all, told{event, v.Case, now.series[v.Series].Trace})
		}
	}
	slices.SortFunc(changed, func(a, b schedule.Visit) int { return cmp.Compare(a.ID, b.ID) }) // one order of locks
	if err := d.Store.SaveVisits(ctx, tx, changed...); err != nil {
		return nil, nil, err
	}
	return changed, nil, publish(ctx, tx, all...)
}
