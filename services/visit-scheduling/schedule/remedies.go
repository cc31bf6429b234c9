package schedule

import (
	"slices"
	"time"
)

// Remedies derives remedies in one standing schedule.
type Remedies struct {
	standing Standing
	of       map[WorkerID][]int // index of Booked, or of Placed after them
	series   map[SeriesID][]int
	demands  map[VisitID]Demand
	roster   map[WorkerID]Available
}

// RemediesIn reads a standing schedule in which every rule is kept.
func RemediesIn(s Standing) Remedies {
	r := Remedies{s, map[WorkerID][]int{}, map[SeriesID][]int{}, map[VisitID]Demand{}, map[WorkerID]Available{}}
	for _, d := range s.Problem.Demands {
		r.demands[d.Visit] = d
	}
	for _, a := range s.Problem.Roster {
		r.roster[a.ID] = a
	}
	add := func(i int, series SeriesID, workers []WorkerID) {
		r.series[series] = append(r.series[series], i)
		for _, w := range workers {
			r.of[w] = append(r.of[w], i)
		}
	}
	for i, b := range s.Problem.Booked {
		add(i, b.Series, b.Workers)
	}
	for i, p := range s.Plan.Placed {
		add(len(s.Problem.Booked)+i, r.demands[p.Visit].Series, p.Slot.Workers)
	}
	return r
}

// around is the part of the schedule that a visit of a series at a place concerns:
// its workers' days, those of who comes with them to other families, and the
// family's other visits.
func (r Remedies) around(d Demand, workers []WorkerID) Standing {
	out := Standing{Problem: r.standing.Problem}
	out.Problem.Roster, out.Problem.Booked, out.Problem.Demands, out.Problem.Families = nil, nil, nil, nil
	for _, f := range r.standing.Problem.Families {
		if f.Series == d.Series {
			out.Problem.Families = append(out.Problem.Families, f)
		}
	}
	here := map[WorkerID]bool{}
	hire := func(w WorkerID) (added bool) {
		a, known := r.roster[w]
		if !known || here[w] {
			return false
		}
		here[w] = true
		out.Problem.Roster = append(out.Problem.Roster, a)
		return true
	}
	at := slices.Clone(r.series[d.Series])
	for _, w := range workers {
		hire(w)
		at = append(at, r.of[w]...)
	}
	slices.Sort(at)
	booked := r.standing.Problem.Booked
	mine := map[int]bool{}
	var partners []WorkerID
	for _, i := range slices.Compact(at) {
		mine[i] = true
		if i < len(booked) {
			out.Problem.Booked = append(out.Problem.Booked, booked[i])
			continue
		}
		p := r.standing.Plan.Placed[i-len(booked)]
		other := r.demands[p.Visit]
		switch {
		case p.Visit == d.Visit:
		case !slices.ContainsFunc(p.Slot.Workers, func(w WorkerID) bool { return slices.Contains(workers, w) }):
			// A visit of the family's, by others: what matters is its day.
			out.Problem.Booked = append(out.Problem.Booked, Booking{Visit: p.Visit, Series: other.Series, Workers: p.Slot.Workers, Span: p.Slot.Span(), At: other.At})
		default:
			out.Problem.Demands, out.Plan.Placed = append(out.Problem.Demands, other), append(out.Plan.Placed, p)
			for _, w := range p.Slot.Workers {
				if hire(w) {
					partners = append(partners, w)
				}
			}
		}
	}
	// Who is spared a visit may have a longer way to the next: partners' other
	// visits are looked at as far as their ways are concerned.
	for _, w := range partners {
		for _, i := range r.of[w] {
			switch {
			case mine[i]:
			case i < len(booked):
				mine[i] = true
				out.Problem.Booked = append(out.Problem.Booked, booked[i])
			default:
				p := r.standing.Plan.Placed[i-len(booked)]
				id := p.Visit + "#" + VisitID(w)
				p.Slot.Workers = []WorkerID{w}
				out.Problem.Demands = append(out.Problem.Demands, Demand{
					Visit: id, Series: r.demands[p.Visit].Series, Windows: []Span{p.Slot.Span()}, Minutes: int(p.Slot.Span().Length() / time.Minute), Workers: 1, At: r.demands[p.Visit].At,
				})
				out.Plan.Placed = append(out.Plan.Placed, Placement{id, p.Slot})
			}
		}
	}
	return out
}

// At derives what would let d stand at a place, rule by rule; false when that
// cannot be had by relaxing rules, or takes too many.
func (r Remedies) At(d Demand, place Slot) (Remedy, bool) {
	out, ok := r.around(d, place.Workers).relaxed(d, Remedy{Place: place})
	if ok && out.relaxes(RuleDoubleBooked) { // who gives way may leave their family's rules broken
		ok = r.standing.Proves(d, out)
	}
	return out, ok
}

// More is the remedy of workers to be found, one who comes with somebody who is
// free, or all of them. It fails while the family has its visits of every day.
func (r Remedies) More(d Demand) (Remedy, bool) {
	if d.Workers > 1 {
		if out, ok := r.partner(d); ok {
			return out, true
		}
	}
	for _, window := range d.Windows {
		if window.Length() < time.Duration(d.Minutes)*time.Minute {
			continue
		}
		place := Slot{StartsAt: window.From.UTC(), EndsAt: window.From.Add(time.Duration(d.Minutes) * time.Minute).UTC()}
		there := Span{window.From.UTC(), window.To.UTC()}
		if out, ok := r.around(d, nil).relaxed(d, Remedy{Place: place, Steps: []Step{d.found(d.Workers, there)}}); ok {
			return out, true
		}
	}
	return Remedy{}, false
}

// partner is one worker to be found for a pair with somebody who is free.
func (r Remedies) partner(d Demand) (Remedy, bool) {
	one := r.standing.Problem
	one.Booked = slices.Clone(one.Booked)
	for _, p := range r.standing.Plan.Placed {
		other := r.demands[p.Visit]
		one.Booked = append(one.Booked, Booking{Visit: p.Visit, Series: other.Series, Workers: p.Slot.Workers, Span: p.Slot.Span(), At: other.At})
	}
	half := d
	half.Workers, half.Skills, half.Levels, half.Language = 1, nil, nil, ""
	at, ok := newGreedy(one).best(&half)
	if !ok {
		return Remedy{}, false
	}
	start := time.Unix(at.start*60, 0).UTC()
	place := Slot{StartsAt: start, EndsAt: start.Add(time.Duration(d.Minutes) * time.Minute), Workers: []WorkerID{at.openings[0].worker.ID}}
	there := place.Span()
	return r.around(d, place.Workers).relaxed(d, Remedy{Place: place, Steps: []Step{d.found(d.Workers-1, there)}})
}

// found is the step of workers who are all that d asks for.
func (d *Demand) found(more int, there Span) Step {
	return Step{Rule: RuleWorkersNeeded, More: more, Skills: d.Skills, Levels: d.Levels, Attributes: d.Attributes, Language: d.Language, Span: &there}
}
