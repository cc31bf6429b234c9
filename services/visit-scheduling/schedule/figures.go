package schedule

import (
	"cmp"
	"slices"
	"time"
)

// Figures are what a scheduler weighs two schedules by.
type Figures struct {
	Placed   int `json:"placed"`
	Unplaced int `json:"unplaced"`
	// TravelMinutes is the estimated travel of all workers, from base to base.
	TravelMinutes int `json:"travel_minutes"`
	// Strangers is how many placed visits nobody the family knows comes to, of
	// those whose family knows somebody.
	Strangers int `json:"strangers"`
}

// Plus adds two parts of a schedule.
func (f Figures) Plus(o Figures) Figures {
	return Figures{f.Placed + o.Placed, f.Unplaced + o.Unplaced, f.TravelMinutes + o.TravelMinutes, f.Strangers + o.Strangers}
}

// Load is what a schedule asks of one worker.
type Load struct {
	Worker        WorkerID `json:"worker_id"`
	Visits        int      `json:"visits"`
	VisitMinutes  int      `json:"visit_minutes"`
	TravelMinutes int      `json:"travel_minutes"`
}

// Figures counts what a plan comes to, bookings included in the travel.
func (p Problem) Figures(plan Plan) Figures {
	f := Figures{Placed: len(plan.Placed), Unplaced: len(plan.Unplaced)}
	demands := map[VisitID]*Demand{}
	for i := range p.Demands {
		demands[p.Demands[i].Visit] = &p.Demands[i]
	}
	for _, x := range plan.Placed {
		d := demands[x.Visit]
		if d == nil || len(d.Known) == 0 {
			continue
		}
		if !slices.ContainsFunc(x.Slot.Workers, func(w WorkerID) bool { return slices.Contains(d.Known, w) }) {
			f.Strangers++
		}
	}
	for _, l := range p.Loads(plan) {
		f.TravelMinutes += l.TravelMinutes
	}
	return f
}

// Loads are the loads of the workers of the roster under a plan, by worker.
func (p Problem) Loads(plan Plan) []Load {
	type visit struct {
		Span
		at Location
	}
	demands := map[VisitID]*Demand{}
	for i := range p.Demands {
		demands[p.Demands[i].Visit] = &p.Demands[i]
	}
	of := map[WorkerID][]visit{}
	bookings := map[WorkerID][]Booking{}
	for _, b := range p.Booked {
		for _, w := range b.Workers {
			of[w] = append(of[w], visit{b.Span, b.At})
			bookings[w] = append(bookings[w], b)
		}
	}
	for _, x := range plan.Placed {
		if d := demands[x.Visit]; d != nil {
			for _, w := range x.Slot.Workers {
				of[w] = append(of[w], visit{x.Slot.Span(), d.At})
			}
		}
	}
	ways := newWays(p.Travel)
	loads := make([]Load, 0, len(p.Roster))
	for _, a := range p.Roster {
		l := Load{Worker: a.ID}
		mine := of[a.ID]
		slices.SortFunc(mine, func(x, y visit) int { return cmp.Or(x.From.Compare(y.From), x.To.Compare(y.To)) })
		for _, v := range mine {
			l.Visits++
			l.VisitMinutes += int(v.Length() / time.Minute)
		}
		stretches, _ := Stretches(a, bookings[a.ID])
		base := ways.point(a.Base)
		for _, s := range stretches {
			where, out := base, false
			for _, v := range mine {
				if !s.Holds(v.Span) || v.at.Remote {
					continue
				}
				there := ways.point(v.at.Point)
				l.TravelMinutes += ways.minutes(a.Mode, where, there)
				where, out = there, true
			}
			if out {
				l.TravelMinutes += ways.minutes(a.Mode, where, base)
			}
		}
		loads = append(loads, l)
	}
	return loads
}
