package visitscheduling

import (
	"testing"
	"time"

	"github.com/hearthfps/hearth/services/visit-scheduling/optimise"
	"github.com/hearthfps/hearth/services/visit-scheduling/schedule"
)

// fuller is a day on which a worker has two visits and may have one.
func fuller() schedule.Problem {
	at := func(hour int) time.Time { return time.Date(2026, 3, 3, hour, 0, 0, 0, time.UTC) }
	p := schedule.Problem{Zone: time.UTC, Travel: schedule.Estimate(5, 20)}
	p.Roster = []schedule.Available{{ID: "w", Shifts: []schedule.Span{{From: at(8), To: at(16)}}, Limits: schedule.Limits{DayVisits: 1, WeekMinutes: 60, Families: 1}}}
	for i, hour := range []int{9, 11} {
		p.Booked = append(p.Booked, schedule.Booking{
			Visit: schedule.VisitID([]string{"b1", "b2"}[i]), Series: schedule.SeriesID([]string{"s1", "s2"}[i]), Workers: []schedule.WorkerID{"w"},
			Span: schedule.Span{From: at(hour), To: at(hour + 1)}, At: schedule.Location{Remote: true},
		})
	}
	return p
}

// What is booked stays on the search's table though more is booked than was agreed
// since: its time is not given away.
func TestTranslation_KeepsWhatIsBookedBeyondWhatWasAgreed(t *testing.T) {
	for name, change := range map[string]func(*schedule.Problem){
		"limits": func(*schedule.Problem) {},
		"people": func(p *schedule.Problem) {
			p.Booked[1].Series = "s1"
			p.Booked[1].Workers, p.Roster = []schedule.WorkerID{"x"}, append(p.Roster, schedule.Available{ID: "x", Shifts: p.Roster[0].Shifts})
			p.Families = []schedule.Family{{Series: "s1", People: &schedule.People{Most: 1, Days: 30}}}
		},
		"substitutes": func(p *schedule.Problem) {
			p.Booked[1].Series = "s1"
			p.Families = []schedule.Family{{Series: "s1", Regular: []schedule.WorkerID{"x"}, Substitutes: &schedule.Substitutes{Most: 1, NeverRunning: true}}}
		},
		"running": func(p *schedule.Problem) {
			p.Booked[1].Series = "s1"
			p.Booked[1].Span = schedule.Span{From: p.Booked[1].Span.From.AddDate(0, 0, 1), To: p.Booked[1].Span.To.AddDate(0, 0, 1)}
			p.Roster[0].Shifts = append(p.Roster[0].Shifts, schedule.Span{From: p.Roster[0].Shifts[0].From.AddDate(0, 0, 1), To: p.Roster[0].Shifts[0].To.AddDate(0, 0, 1)})
			p.Families = []schedule.Family{{Series: "s1", Regular: []schedule.WorkerID{"x"}, Substitutes: &schedule.Substitutes{Most: 9, NeverRunning: true}}}
		},
		"strangers": func(p *schedule.Problem) {
			p.Families = []schedule.Family{{Series: "s1", Regular: []schedule.WorkerID{"x"}, KnownFirst: true}}
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := fuller()
			change(&p)
			found, err := optimise.Solve(t.Context(), newTranslation(p).problem, optimise.Options{Seed: 1, WorkUnits: 10})
			if err != nil {
				t.Fatal(err)
			}
			if len(found.Placed) != 2 {
				t.Errorf("%d of 2 bookings stand in the search: %+v", len(found.Placed), found.Unplaced)
			}
		})
	}
}
