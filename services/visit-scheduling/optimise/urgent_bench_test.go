package optimise_test

import (
	"fmt"
	"runtime"
	"slices"
	"testing"
	"time"

	. "github.com/hearthfps/hearth/services/visit-scheduling/optimise"
	"github.com/hearthfps/hearth/services/visit-scheduling/optimise/familyvisits"
)

// BenchmarkBoard_Insert asks for places of an urgent visit within 24 hours in a
// published week of 10,000 visits, 30 % of them locked: families new to the
// agency, some kilometres from one it knows.
func BenchmarkBoard_Insert(b *testing.B) {
	p := familyvisits.Generate(10_000, 1)
	week := solve(b, p, Options{Seed: 1, WorkUnits: 60_000})
	familyvisits.Publish(&p, week, 30, 1)
	board, err := NewBoard(p, week)
	if err != nil {
		b.Fatal(err)
	}
	for _, workers := range []int{1, 2} {
		b.Run(fmt.Sprint(workers, " workers"), func(b *testing.B) {
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			b.ReportAllocs()
			offers, three, moves := 0, 0, 0
			var times []time.Duration
			for i := 0; b.Loop(); i++ {
				like := p.Visits[i*37%len(p.Visits)]
				day := i % 5 * DayMinutes
				v := Visit{ID: "urgent", Minutes: 60, Priority: 2, Windows: []Window{{day + 480, day + 1200}}}
				if like.Place != nil {
					v.Place = &Place{Lat: like.Place.Lat + 0.01, Lon: like.Place.Lon - 0.01}
				}
				for range workers {
					v.Roles = append(v.Roles, Role{Skills: []string{"parenting"}})
				}
				began := threadTime()
				found, err := board.Insert(v)
				times = append(times, threadTime()-began)
				if err != nil {
					b.Fatal(err)
				}
				offers += len(found)
				if len(found) == 3 {
					three++
				}
				for _, o := range found {
					moves += len(o.Moves)
				}
			}
			slices.Sort(times)
			at := func(share float64) float64 { return times[int(share*float64(len(times)-1))].Seconds() * 1000 }
			b.ReportMetric(at(0.5), "p50-cpu-ms")
			b.ReportMetric(at(0.99), "p99-cpu-ms")
			b.ReportMetric(float64(offers)/float64(b.N), "offers/op")
			b.ReportMetric(100*float64(three)/float64(b.N), "three-%")
			b.ReportMetric(float64(moves)/float64(max(1, offers)), "moves/offer")
		})
	}
}
