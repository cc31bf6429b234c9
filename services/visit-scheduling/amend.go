package visitscheduling

import (
	"errors"
	"fmt"
	"slices"

	"github.com/hearthfps/hearth/services/visit-scheduling/optimise"
	"github.com/hearthfps/hearth/services/visit-scheduling/schedule"
)

// errAnew says that a change is more than a board can be amended by.
var errAnew = errors.New("the board is to be laid out anew")

// Amend implements schedule.Board.
func (b *board) Amend(gone []schedule.VisitID, now schedule.Standing) error {
	for _, f := range now.Problem.Families {
		if _, known := b.t.regular[f.Series]; !known {
			return errAnew // rules nobody laid out
		}
	}
	change := amendment{names: map[schedule.VisitID][]string{}, was: map[string]schedule.Demand{}}
	for _, id := range gone {
		if b.t.held[id] != nil || b.shorts(id, now) {
			return errAnew // a family less, for one of its workers
		}
		change.take(b, id)
	}
	for _, booked := range now.Problem.Booked {
		if was := b.t.held[booked.Visit]; was != nil && !slices.Equal(was, booked.Workers) || b.shorts(booked.Visit, now) {
			return errAnew
		}
		change.take(b, booked.Visit)
		if err := change.book(b, booked); err != nil {
			return err
		}
	}
	demands := map[schedule.VisitID]schedule.Demand{}
	for _, d := range now.Problem.Demands {
		demands[d.Visit] = d
	}
	for _, p := range now.Plan.Placed {
		if b.t.held[p.Visit] != nil || b.shorts(p.Visit, now) {
			return errAnew
		}
		change.take(b, p.Visit)
		v := b.t.demand(demands[p.Visit])
		change.Place = append(change.Place, optimise.Placing{Visit: v, At: *b.t.assignment(p.Slot)})
		change.names[p.Visit] = []string{v.ID}
	}
	if err := b.laid.Amend(change.Amendment); err != nil {
		for _, names := range change.names {
			for _, name := range names {
				delete(b.t.demands, name)
			}
		}
		for name, d := range change.was {
			b.t.demands[name] = d
		}
		return fmt.Errorf("amend the board: %w", err)
	}
	change.keep(b, now)
	return nil
}

// amendment is an amendment of a board under way.
type amendment struct {
	optimise.Amendment
	taken []schedule.VisitID
	names map[schedule.VisitID][]string
	was   map[string]schedule.Demand // demands that were taken out
}

// take takes a visit off the board, if it is on it.
func (c *amendment) take(b *board, id schedule.VisitID) {
	c.taken = append(c.taken, id)
	c.Take = append(c.Take, b.names[id]...)
	for _, name := range b.names[id] {
		if d, ours := b.t.demands[name]; ours {
			c.was[name] = d
			delete(b.t.demands, name)
		}
	}
}

// book puts a booking on the board, in the stretches of its workers.
func (c *amendment) book(b *board, booked schedule.Booking) error {
	counted := false
	for _, w := range booked.Workers {
		a, known := b.roster[w]
		if !known {
			continue // nobody of the board's
		}
		if _, inside := schedule.Stretches(a, []schedule.Booking{booked}); len(inside) == 0 {
			return errAnew // it takes its time from the worker's hours
		}
		v := b.t.booking(booked, w)
		if !counted && b.t.turn(booked, w) {
			counted, v.Series = true, string(booked.Series)
		} else if a.Limits.Families > 0 && b.t.held[booked.Visit] == nil {
			return errAnew // one of the worker's families by now
		}
		c.Place = append(c.Place, optimise.Placing{Visit: v, At: *v.Published})
		c.names[booked.Visit] = append(c.names[booked.Visit], v.ID)
	}
	return nil
}

// keep makes what the board knows of its schedule what it is now.
func (c *amendment) keep(b *board, now schedule.Standing) {
	off := map[schedule.VisitID]bool{}
	for _, id := range c.taken {
		off[id] = true
		delete(b.names, id)
	}
	for id, names := range c.names {
		b.names[id] = names
	}
	b.aside = slices.DeleteFunc(b.aside, func(x schedule.Booking) bool { return off[x.Visit] })
	p := &b.s.Problem
	p.Booked = append(slices.DeleteFunc(slices.Clone(p.Booked), func(x schedule.Booking) bool { return off[x.Visit] }), now.Problem.Booked...)
	p.Demands = append(slices.DeleteFunc(slices.Clone(p.Demands), func(d schedule.Demand) bool { return off[d.Visit] }), now.Problem.Demands...)
	b.s.Plan.Placed = append(slices.DeleteFunc(slices.Clone(b.s.Plan.Placed), func(x schedule.Placement) bool { return off[x.Visit] }), now.Plan.Placed...)
}
