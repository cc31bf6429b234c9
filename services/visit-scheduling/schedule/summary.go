package schedule

import (
	"cmp"
	"maps"
	"slices"
	"time"
)

// Missed is by how much a rule is missed: in how many cases, and by how much in all.
type Missed struct {
	Code, Says string
	Cases, Gap int
}

// Group is what the visits of a month came to for one worker, team or program, or for
// all.
type Group struct {
	Month, Key string // Key is empty for visits that nobody has, or all of a month
	Cases      int
	Tally
	missed map[string]*Missed
}

// Missed lists the rules that are missed, by code.
func (g Group) Missed() []Missed {
	all := make([]Missed, 0, len(g.missed))
	for _, code := range slices.Sorted(maps.Keys(g.missed)) {
		all = append(all, *g.missed[code])
	}
	return all
}

// Summary adds cases up by group. The zero value is ready.
type Summary struct {
	groups map[[2]string]*Group
}

// Add adds a case's visits of a month. keys says which groups a visit is of: a pair's
// visit is both workers', and counts with each. What the case as a whole misses counts
// with every group that had a visit of it.
func (s *Summary) Add(month string, visits []Visit, keys func(Visit) []string, m Measure, now time.Time, zone *time.Location) error {
	findings, err := m.Judge(TallyOf(visits, now, zone))
	if err != nil {
		return err
	}
	of := map[string][]Visit{}
	for _, v := range visits {
		for _, key := range keys(v) {
			of[key] = append(of[key], v)
		}
	}
	if s.groups == nil {
		s.groups = map[[2]string]*Group{}
	}
	for key, part := range of {
		at := [2]string{month, key}
		g := s.groups[at]
		if g == nil {
			g = &Group{Month: month, Key: key, missed: map[string]*Missed{}}
			s.groups[at] = g
		}
		g.Cases++
		g.plus(TallyOf(part, now, zone))
		for _, f := range findings {
			if f.Gap == 0 {
				continue
			}
			if g.missed[f.Code] == nil {
				g.missed[f.Code] = &Missed{Code: f.Code, Says: m.Says(f.Code)}
			}
			g.missed[f.Code].Cases++
			g.missed[f.Code].Gap += f.Gap
		}
	}
	return nil
}

// plus adds another tally; of visits in a row it keeps the longer.
func (t *Tally) plus(o Tally) {
	t.Due, t.Completed, t.CompletedHome, t.SeenAlone = t.Due+o.Due, t.Completed+o.Completed, t.CompletedHome+o.CompletedHome, t.SeenAlone+o.SeenAlone
	t.Attempted, t.Cancelled, t.ElsewhereInARow = t.Attempted+o.Attempted, t.Cancelled+o.Cancelled, max(t.ElsewhereInARow, o.ElsewhereInARow)
}

// Groups lists the groups by month and key.
func (s *Summary) Groups() []Group {
	all := make([]Group, 0, len(s.groups))
	for _, g := range s.groups {
		all = append(all, *g)
	}
	slices.SortFunc(all, func(a, b Group) int { return cmp.Or(cmp.Compare(a.Month, b.Month), cmp.Compare(a.Key, b.Key)) })
	return all
}

// Whose are the workers a visit is counted with: those who have it, or had it before it
// was cancelled or lost them; nobody is one without a name.
func Whose(v Visit) []WorkerID {
	switch {
	case v.Slot != nil:
		return v.Slot.Workers
	case v.Lost != nil:
		return v.Lost.Workers
	}
	return []WorkerID{""}
}
