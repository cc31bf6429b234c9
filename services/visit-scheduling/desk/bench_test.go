package desk_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/hearthfps/hearth/pkg/clock"
	"github.com/hearthfps/hearth/services/visit-scheduling/schedule"
)

// BenchmarkPlanning_WholeWeek plans one week of 5,000 families with two visits
// each over the real tables: read, plan, check, write with bookings and events.
func BenchmarkPlanning_WholeWeek(b *testing.B) {
	const families, workers = 5000, 250
	for b.Loop() {
		b.StopTimer()
		o := open(b)
		var staff []schedule.WorkerID
		for i := range workers {
			staff = append(staff, schedule.WorkerID(fmt.Sprintf("w%03d", i)))
		}
		o.hire(staff...)
		for i := range families {
			p := plan(fmt.Sprintf("c%04d", i), 1, 2, 1)
			p.EndsOn, p.Pattern.Minutes = clock.NewDate(2026, 3, 8), 30
			p.Workers = staff[i%workers : i%workers+1]
			o.approve(p)
		}
		b.StartTimer()
		began := time.Now()
		o.settle()
		b.ReportMetric(time.Since(began).Seconds(), "s/week")
		b.StopTimer()
		placed := 0
		for i := range families {
			if i%500 == 0 {
				placed += o.balanced(fmt.Sprintf("c%04d", i)).Scheduled
			}
		}
		b.ReportMetric(float64(placed)/20*100, "%placed")
		b.StartTimer()
	}
}
