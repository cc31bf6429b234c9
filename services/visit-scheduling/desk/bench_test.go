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

// BenchmarkCover_Day works out who goes in the stead of each worker in turn who
// falls ill on a published day of 500 visits, 90 workers, against the store.
func BenchmarkCover_Day(b *testing.B) {
	const families, workers = 500, 90
	o := open(b)
	var staff []schedule.WorkerID
	for i := range workers {
		staff = append(staff, schedule.WorkerID(fmt.Sprintf("w%03d", i)))
	}
	o.points.of = func(household string) (lat, lon float64) {
		var n int
		fmt.Sscanf(household, "house-of-c%d", &n)
		return 60.9 + float64(n%23)*0.006, 25.5 + float64(n%29)*0.008
	}
	o.hire(staff...)
	for i := range families {
		p := plan(fmt.Sprintf("c%04d", i), 1, 1, 1+i%7/6) // every seventh by two
		p.EndsOn, p.Pattern.Minutes, p.Pattern.Weekdays = clock.NewDate(2026, 3, 8), 30+i%3*15, []clock.Weekday{"tue"}
		p.Workers = staff[i%workers : i%workers+1]
		o.approve(p)
	}
	o.settle()
	var lost, moved, open, n int
	var slowest time.Duration
	for b.Loop() {
		r := ill(-1)
		r.Worker = staff[n%workers]
		n++
		began := time.Now()
		cover, err := o.Cover(o.ctx, r, everything)
		if err != nil {
			b.Fatal(err)
		}
		slowest = max(slowest, time.Since(began))
		lost, moved, open = lost+len(cover.Covered)+len(cover.Open), moved+len(cover.Moved), open+len(cover.Open)
	}
	scheduled := 0
	for i := range families {
		scheduled += o.balanced(fmt.Sprintf("c%04d", i)).Scheduled
	}
	b.ReportMetric(float64(scheduled), "visits")
	b.ReportMetric(float64(lost)/float64(n), "uncovered/op")
	b.ReportMetric(float64(moved)/float64(max(lost, 1)), "moved/uncovered")
	b.ReportMetric(float64(open)/float64(max(lost, 1))*100, "%open")
	b.ReportMetric(slowest.Seconds()*1000, "slowest-ms")
}
