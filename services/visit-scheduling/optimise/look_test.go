package optimise

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// Going through a tour once finds what looking before each of its stops does.
func TestScan_FindsWhatLookFindsBeforeEachStop(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		between := func(lo, hi int, what string) int { return rapid.IntRange(lo, hi).Draw(t, what) }
		place := func() *Place {
			return &Place{Lat: 61 + float64(between(0, 40, "lat"))/400, Lon: 25 + float64(between(0, 40, "lon"))/200}
		}
		var p Problem
		for w := range 3 {
			x := Worker{ID: fmt.Sprint("w", w), MaxDayMinutes: 400, Breaks: []Break{{Window{600, 800}, 30}}}
			if w > 0 {
				x.Start, x.End = place(), place()
			}
			x.Shifts = []Window{{480, 960}}
			if w == 2 { // one who works on
				x.OvertimeMinutes = 60
			}
			p.Workers = append(p.Workers, x)
		}
		for v := range between(6, 30, "visits") {
			x := Visit{ID: fmt.Sprint("v", v), Minutes: 15 + 15*between(0, 4, "minutes")}
			if between(0, 5, "remote") > 0 {
				x.Place = place()
			}
			from := 480 + 60*between(0, 5, "from")
			x.Windows = []Window{{from, from + 60 + x.Minutes}}
			if between(0, 2, "again") == 0 {
				x.Windows = append(x.Windows, Window{from + 200, from + 300 + x.Minutes})
			}
			if between(0, 6, "pair") == 0 {
				x.Roles = []Role{{}, {}}
			}
			p.Visits = append(p.Visits, x)
		}
		if err := p.Validate(); err != nil {
			t.Fatal(err)
		}
		c := newPlan(&p)
		slow := *c
		slow.units = nil // as where the ways differ there and back
		s := newState(c)
		x := newSearch(s, 1, 0)
		x.construct(func() bool { return false })
		for v := range c.visits {
			one := &c.visits[v]
			for tour := range c.tours {
				window, meets := one.opens(&c.tours[tour])
				if !meets {
					continue
				}
				got := s.spotsIn(one, int32(tour), one.windows[window:], nil)
				s.plan = &slow
				want := s.spotsIn(one, int32(tour), one.windows[window:], nil)
				s.plan = c
				if diff := cmp.Diff(want, got, cmp.AllowUnexported(spot{})); diff != "" {
					t.Fatalf("%s in tour %d:\n%s", c.p.Visits[min(v, len(p.Visits)-1)].ID, tour, diff)
				}
			}
		}
	})
}
