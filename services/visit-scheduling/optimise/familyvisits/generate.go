// Package familyvisits generates FamilyVisits-1, made-up weeks of an agency: no
// public set has weekly patterns, pairs, continuity and locks together. The same
// size and seed give the same problem on every machine of one architecture.
package familyvisits

import (
	"fmt"
	"math"

	"github.com/hearthfps/hearth/services/visit-scheduling/optimise"
)

// source is wyrand's simpler cousin splitmix64.
type source struct{ s uint64 }

func (r *source) next() uint64 {
	r.s += 0x9e3779b97f4a7c15
	z := r.s
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

func (r *source) intn(n int) int { return int(r.next() >> 11 % uint64(n)) }

func (r *source) chance(percent int) bool { return r.intn(100) < percent }

const (
	perWorker = 50 // visits a worker and week: 10 a day, short ones
	days      = 5
)

var (
	skills    = []string{"parenting", "infant", "trauma", "substance_use"}
	languages = []string{"fi", "sv", "so", "ar", "ru"}
)

// Generate makes a week with that many visits: a worker for every 50 of them who
// lives where the families are, families seen one to three times in towns over a
// region, 15 % pairs, windows of half a day to a day on any or one of five days,
// skills and languages of unequal frequency that at least three workers have, two
// workers near by whom the family knows, a tenth of the workers absent some day.
// Visits and travel fill about four fifths of the paid time. Nothing is published
// or locked; see Publish. Best values known are in best.csv, each with the seed
// and the work units that make it.
func Generate(visits int, seed uint64) optimise.Problem {
	r := &source{seed}
	// towns of different sizes on a region that grows with the agency
	side := 0.12 * math.Sqrt(float64(visits)/500+1)
	type town struct{ lat, lon, spread float64 }
	var towns []town
	for range 1 + visits/400 {
		towns = append(towns, town{61 + float64(side*r.unit()), 25 + float64(2*side*r.unit()), 0.01 + float64(0.02*r.unit())})
	}
	in := func(t town) *optimise.Place {
		return &optimise.Place{Lat: t.lat + float64(t.spread*(r.unit()+r.unit()-1)), Lon: t.lon + float64(2*t.spread*(r.unit()+r.unit()-1))}
	}
	var p optimise.Problem
	workers := max(2, visits/perWorker)
	for i := range workers {
		// Agencies hire where their families live: each town gets its share.
		rest := 1 - (float64(i)+0.5)/float64(workers)
		t := min(int(float64(len(towns))*(1-math.Sqrt(rest))), len(towns)-1)
		p.Workers = append(p.Workers, worker(r, i, in(towns[t])))
	}
	for k := 0; len(p.Visits) < visits; k++ {
		family(r, k, in(towns[min(r.intn(len(towns)), r.intn(len(towns)))]), visits, &p)
	}
	return p
}

func (r *source) unit() float64 { return float64(r.next()>>11) / (1 << 53) }

func worker(r *source, i int, home *optimise.Place) optimise.Worker {
	w := optimise.Worker{
		ID: fmt.Sprintf("w%05d", i), Start: home, End: home, MaxDayMinutes: 480, MaxWeekMinutes: 2250,
		Skills: []string{skills[0]}, Languages: []string{languages[0]},
	}
	for k, s := range skills[1:] {
		if i%len(skills) == k || r.chance(30) {
			w.Skills = append(w.Skills, s)
		}
	}
	for k, l := range languages[1:] {
		if i%12 == k || r.chance(8) {
			w.Languages = append(w.Languages, l)
		}
	}
	late := r.chance(25)
	for d := range days {
		from := 480
		if late && d%2 == 0 {
			from = 720
		}
		w.Shifts = append(w.Shifts, optimise.Window{From: d*optimise.DayMinutes + from, To: d*optimise.DayMinutes + from + 480})
	}
	if r.chance(10) {
		d := r.intn(days)
		w.Absences = append(w.Absences, optimise.Window{From: d * optimise.DayMinutes, To: (d + 1) * optimise.DayMinutes})
	}
	return w
}

// family adds one family's visits of the week.
func family(r *source, k int, home *optimise.Place, most int, p *optimise.Problem) {
	count := 1 + r.intn(3)
	pair := r.chance(15)
	role := optimise.Role{Skills: []string{skills[0]}}
	if r.chance(40) {
		role.Skills = []string{skills[1+r.intn(len(skills)-1)]}
	}
	language := optimise.Role{Skills: role.Skills, Languages: []string{languages[0]}}
	if r.chance(8) {
		language.Languages = []string{languages[1+r.intn(len(languages)-1)]}
	}
	if !staffed(language, p.Workers) {
		language = optimise.Role{Skills: []string{skills[0]}, Languages: []string{languages[0]}}
	}
	var excluded, known []string
	if r.chance(5) {
		excluded = append(excluded, p.Workers[r.intn(len(p.Workers))].ID)
	}
	for i := 0; len(known) < 2 && i < 60; i++ {
		// someone able who lives within some kilometres
		w := p.Workers[r.intn(len(p.Workers))]
		if able(language, w) && math.Abs(w.Start.Lat-home.Lat)+math.Abs(w.Start.Lon-home.Lon)/2 < 0.08 && !contains(excluded, w.ID) {
			known = append(known, w.ID)
		}
	}
	first := r.intn(days)
	for i := 0; i < count && len(p.Visits) < most; i++ {
		v := optimise.Visit{
			ID: fmt.Sprintf("v%05d-%d", k, i), Series: fmt.Sprintf("f%05d", k), Place: home,
			Minutes: 15 + 5*r.intn(3), Roles: []optimise.Role{language}, PerDay: 1, Spacing: 5 / count,
			Excluded: excluded, Preferred: known, Priority: r.intn(3),
		}
		if pair {
			v.Roles = append(v.Roles, optimise.Role{Skills: []string{skills[0]}})
		}
		if r.chance(7) {
			v.Place = nil
		}
		kind := r.intn(4)
		for d := range days {
			from := d * optimise.DayMinutes
			switch kind {
			case 0: // after school
				v.Windows = append(v.Windows, optimise.Window{From: from + 840, To: from + 1020})
			case 1: // mornings
				v.Windows = append(v.Windows, optimise.Window{From: from + 480, To: from + 720})
			default:
				v.Windows = append(v.Windows, optimise.Window{From: from + 480, To: from + 1080})
			}
		}
		if r.chance(10) { // one day only, another for each visit
			d := (first + i*(days/count)) % days
			v.Windows = v.Windows[d : d+1]
		}
		p.Visits = append(p.Visits, v)
	}
}

// staffed reports whether the agency has enough workers for a family's needs to
// have taken it on: three, so that one may be away and one excluded.
func staffed(role optimise.Role, workers []optimise.Worker) bool {
	n := 0
	for _, w := range workers {
		if able(role, w) {
			if n++; n == min(3, len(workers)) {
				return true
			}
		}
	}
	return false
}

func able(role optimise.Role, w optimise.Worker) bool {
	for _, s := range role.Skills {
		if !contains(w.Skills, s) {
			return false
		}
	}
	for _, l := range role.Languages {
		if !contains(w.Languages, l) {
			return false
		}
	}
	return true
}

func contains(all []string, one string) bool {
	for _, x := range all {
		if x == one {
			return true
		}
	}
	return false
}

// Publish makes a schedule the published one and locks a share of its visits.
func Publish(p *optimise.Problem, s optimise.Solution, lockedPercent int, seed uint64) {
	r := &source{seed}
	at := map[string]optimise.Assignment{}
	for _, x := range s.Placed {
		at[x.Visit] = x.Assignment
	}
	for i := range p.Visits {
		v := &p.Visits[i]
		a, ok := at[v.ID]
		if !ok {
			continue
		}
		v.Published, v.Locked = &a, r.chance(lockedPercent)
	}
}
