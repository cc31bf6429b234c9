package optimise

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// drawDay is a day's problem of three workers, one of whom works on, with breaks,
// remote visits, teams that come together or one after the other, and families who
// know somebody. Its schedule is half made.
func drawDay(t *rapid.T) *search {
	between := func(lo, hi int, what string) int { return rapid.IntRange(lo, hi).Draw(t, what) }
	place := func() *Place {
		return &Place{Lat: 61 + float64(between(0, 40, "lat"))/400, Lon: 25 + float64(between(0, 40, "lon"))/200}
	}
	p := Problem{Weights: DefaultWeights()}
	p.Weights.Stranger, p.Weights.NewFace = 60, 30
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
	for v := range between(8, 40, "visits") {
		x := Visit{ID: fmt.Sprint("v", v), Minutes: 10 + 10*between(0, 4, "minutes"), Series: fmt.Sprint("f", v/2)}
		if between(0, 2, "remote") > 0 {
			x.Place = place()
		}
		from := 480 + 60*between(0, 5, "from")
		to := from + 30*between(0, 12, "open") + x.Minutes
		x.Windows = []Window{{from, to}}
		if shut := between(0, 3, "shut"); shut > 0 { // and once more
			x.Windows = append(x.Windows, Window{to + 8*shut, to + 8*shut + 40 + x.Minutes})
		}
		if known := between(0, 3, "known"); known > 0 {
			for i := range known {
				x.Preferred = append(x.Preferred, fmt.Sprint("w", i))
			}
		}
		switch between(0, 8, "team") {
		case 0:
			x.Roles = []Role{{}, {}}
		case 1:
			x.Roles = []Role{{}, {}, {}}
		case 2:
			x.Roles, x.Gap = []Role{{}, {}}, &Gap{Min: 10, Max: 90}
		}
		p.Visits = append(p.Visits, x)
	}
	if err := p.Validate(); err != nil {
		t.Fatal(err)
	}
	x := newSearch(newState(newPlan(&p)), 1, 0)
	x.construct(func() bool { return false })
	return x
}

// Going through a tour once finds what looking before each of its stops does.
func TestScan_FindsWhatLookFindsBeforeEachStop(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x := drawDay(t)
		c := x.plan
		slow := *c
		slow.units = nil // as where the ways differ there and back
		for v := range c.visits {
			one := &c.visits[v]
			for tour := range c.tours {
				window, meets := one.opens(&c.tours[tour])
				if !meets {
					continue
				}
				got := x.spotsIn(one, int32(tour), one.windows[window:], nil)
				x.plan = &slow
				want := x.spotsIn(one, int32(tour), one.windows[window:], nil)
				x.plan = c
				if diff := cmp.Diff(want, got, cmp.AllowUnexported(spot{})); diff != "" {
					t.Fatalf("%s in tour %d:\n%s", c.p.Visits[min(v, len(c.given.Visits)-1)].ID, tour, diff)
				}
			}
		}
	})
}

// A remote visit that need not wait for the way after it may even reach its later
// window.
func TestScan_ARemoteVisitMayReachItsLaterWindow(t *testing.T) {
	base, far := &Place{Lat: 61, Lon: 25}, &Place{Lat: 61.1, Lon: 25}
	p := Problem{
		Workers: []Worker{{ID: "w", Start: base, End: base, Shifts: []Window{{480, 960}}}},
		Visits: []Visit{
			{ID: "there", Minutes: 30, Place: far, Windows: []Window{{560, 670}}},
			{ID: "remote", Minutes: 30, Windows: []Window{{480, 540}, {600, 640}}},
			{ID: "asked", Minutes: 30, Place: far, Windows: []Window{{550, 600}}},
		},
	}
	x := newSearch(newState(newPlan(&p)), 1, 0)
	for v := range int32(2) {
		c, ok := x.finder.best(v, nil, anyPrice)
		if !ok {
			t.Fatalf("%s has no place", p.Visits[v].ID)
		}
		x.put(v, c.spots[:1], c.starts[:])
		x.accept()
	}
	if late := x.tours[0].stops[0].latest; late != 510 {
		t.Fatalf("the remote visit begins by %d; the case shows nothing", late)
	}
	asked := &x.visits[2]
	found := x.spotsIn(asked, 0, asked.windows, nil)
	if len(found) == 0 || found[0].index != 0 {
		t.Errorf("found %+v, want a place before the remote visit too", found)
	}
}

// A tour changed stop by stop is the same as one laid out anew.
func TestTours_ChangedStopByStopAreAsLaidOutAnew(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x := drawDay(t)
		for range 40 {
			v := int32(rapid.IntRange(0, len(x.given.Visits)-1).Draw(t, "visit"))
			if before := x.cost; x.placed(v) {
				x.take(v)
			} else if c, ok := x.finder.best(v, nil, anyPrice); ok {
				x.put(v, c.spots[:x.visits[v].roles], c.starts[:])
				if x.broken {
					x.revert(before)
				}
			}
			x.accept()
			for i := range x.tours {
				now := x.tours[i]
				now.stops = slices.Clone(now.stops)
				for k := range x.tours[i].stops {
					one := &x.tours[i].stops[k]
					one.done, one.latest, one.leg, one.ride = -1, -1, -1, -1
				}
				cost := x.cost
				x.resync(int32(i))
				if diff := cmp.Diff(x.tours[i], now, cmp.AllowUnexported(tour{}, stop{})); diff != "" {
					t.Fatalf("tour %d:\n%s", i, diff)
				}
				if diff := cmp.Diff(x.cost, cost); diff != "" {
					t.Fatalf("tour %d costs:\n%s", i, diff)
				}
			}
		}
	})
}

// Of all teams that could make a visit, the one found is the cheapest, whatever was
// not looked at.
func TestTeam_IsTheCheapestOfAll(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x := drawDay(t)
		for v := range int32(len(x.given.Visits)) {
			pv := &x.visits[v]
			if pv.roles == 1 {
				continue
			}
			before := x.cost
			if x.placed(v) {
				x.take(v)
			}
			limit := int64(rapid.SampledFrom([]int{100, 400, 5000}).Draw(t, "limit"))
			want := choice{points: limit}
			x.allTeams(v, nil, 0, &want)
			got, ok := x.finder.best(v, nil, limit)
			if ok != (want.points < limit) || ok && got.points != want.points {
				t.Errorf("%s: found %v %d, there is one of %d", x.p.Visits[v].ID, ok, got.points, want.points)
			}
			x.revert(before)
		}
	})
}

// allTeams tries every team with those chosen first.
func (x *search) allTeams(v int32, chosen []spot, points int64, out *choice) {
	pv, k := &x.visits[v], int32(len(chosen))
	if k == pv.roles {
		x.settle(v, chosen, points, out)
		return
	}
	for t := range int32(len(x.tours)) {
		window, meets := pv.opens(&x.plan.tours[t])
		price, may := x.sendCost(pv, k, t, anyPrice)
		if !meets || !may {
			continue
		}
		for _, sp := range x.spotsIn(pv, t, pv.windows[window:], nil) {
			if !x.sameWorker(chosen, sp) && x.withinLimits(t, pv.minutes+sp.way) {
				sp.points = price + int64(sp.legs)*int64(x.w.TravelMinute)
				x.allTeams(v, append(slices.Clone(chosen), sp), points+sp.points, out)
			}
		}
	}
}

// Where a stranger is looked for only if one is worth it, nothing cheaper is missed.
func TestCandidates_MissNoneThatIsCheaper(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x := drawDay(t)
		for v := range int32(len(x.given.Visits)) {
			before := x.cost
			if x.placed(v) {
				x.take(v)
			}
			pv := &x.visits[v]
			in := &scope{from: x.strangerCost(pv)}
			var others []int32
			in.more = func() []int32 { return others }
			for w := range x.workers {
				familiar := slices.Contains(pv.known, int32(w)) || pv.series >= 0 &&
					slices.ContainsFunc(x.faces[pv.series], func(f face) bool { return f.worker == int32(w) })
				if familiar {
					in.tours = append(in.tours, x.workers[w].tours...)
				} else {
					others = append(others, x.workers[w].tours...)
				}
			}
			limit := int64(rapid.SampledFrom([]int{50, 150, 5000}).Draw(t, "limit"))
			want, can := x.finder.best(v, nil, limit)
			got, ok := x.finder.best(v, in, limit)
			if can != ok || can && want.points != got.points {
				t.Errorf("%s: found %v %d, there is %v %d", x.p.Visits[v].ID, ok, got.points, can, want.points)
			}
			x.revert(before)
		}
	})
}
