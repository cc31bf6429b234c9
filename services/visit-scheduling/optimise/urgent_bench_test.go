package optimise_test

import (
	"fmt"
	"testing"

	. "github.com/hearthfps/hearth/services/visit-scheduling/optimise"
	"github.com/hearthfps/hearth/services/visit-scheduling/optimise/familyvisits"
)

// BenchmarkBoard_Insert asks for places of an urgent visit within 24 hours in a
// generated week of 10,000 visits.
func BenchmarkBoard_Insert(b *testing.B) {
	p := familyvisits.Generate(10_000, 1)
	board, err := NewBoard(p, solve(b, p, Options{Seed: 1, WorkUnits: 1}))
	if err != nil {
		b.Fatal(err)
	}
	for _, workers := range []int{1, 2} {
		b.Run(fmt.Sprint(workers, " workers"), func(b *testing.B) {
			offers := 0
			for i := 0; b.Loop(); i++ {
				like := p.Visits[i*37%len(p.Visits)]
				day := i % 5 * DayMinutes
				v := Visit{ID: "urgent", Place: like.Place, Minutes: 60, Priority: 2, Windows: []Window{{day + 480, day + 1200}}}
				for range workers {
					v.Roles = append(v.Roles, Role{Skills: []string{"parenting"}})
				}
				found, err := board.Insert(v)
				if err != nil {
					b.Fatal(err)
				}
				offers += len(found)
			}
			b.ReportMetric(float64(offers)/float64(b.N), "offers/op")
		})
	}
}
