package visitscheduling_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	visitscheduling "github.com/hearthfps/hearth/services/visit-scheduling"
	"github.com/hearthfps/hearth/services/visit-scheduling/schedule"
)

var (
	centre = &schedule.Point{Lat: 60.98, Lon: 25.66}
	suburb = &schedule.Point{Lat: 61.02, Lon: 25.70}
)

func onDay(day, hour, minute int) time.Time {
	return time.Date(2026, 3, 2+day, hour, minute, 0, 0, time.UTC)
}

func carer(id schedule.WorkerID) schedule.Available {
	return schedule.Available{ID: id, Skills: []string{"parenting"}, Languages: []string{"fi"}, Base: centre, Shifts: days(8, 16)}
}

func wanted(id schedule.VisitID) schedule.Demand {
	return schedule.Demand{
		Visit: id, Series: schedule.SeriesID("s-" + id), Windows: days(8, 16), Minutes: 60, Workers: 1,
		Skills: []string{"parenting"}, Language: "fi", At: schedule.Location{Point: suburb}, PerDay: 1, Spacing: 2,
	}
}

// placedBy says whether a planner finds a place for d in the schedule as it would
// be with a remedy: all else is booked, and only d is asked for.
func placedBy(t *testing.T, planner schedule.Planner, s schedule.Standing, d schedule.Demand, r schedule.Remedy) bool {
	t.Helper()
	with := s.With(d, r)
	p := with.Problem
	of := map[schedule.VisitID]schedule.Demand{}
	for _, known := range p.Demands {
		of[known.Visit] = known
	}
	p.Demands = []schedule.Demand{of[d.Visit]}
	for _, x := range with.Plan.Placed {
		if known := of[x.Visit]; x.Visit != d.Visit {
			p.Booked = append(p.Booked, schedule.Booking{Visit: x.Visit, Series: known.Series, Workers: x.Slot.Workers, Span: x.Slot.Span(), At: known.At})
		}
	}
	plan, err := planner.Plan(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	return len(plan.Placed) == 1
}

func busy(id schedule.WorkerID, series schedule.SeriesID, from, to int) (all []schedule.Booking) {
	for day, span := range days(from, to) {
		all = append(all, schedule.Booking{
			Visit: schedule.VisitID(fmt.Sprint(id, day)), Series: series, Workers: []schedule.WorkerID{id}, Span: span, At: schedule.Location{Remote: true},
		})
	}
	return all
}

func TestOptimiser_SaysWhatWouldPlaceAVisit(t *testing.T) {
	for _, test := range []struct {
		name  string
		make  func(d *schedule.Demand, p *schedule.Problem)
		want  []schedule.Reason
		words string // of the easiest remedy
	}{
		{
			"nobody", func(_ *schedule.Demand, p *schedule.Problem) { p.Roster = nil },
			[]schedule.Reason{schedule.TooFewWorkers},
			"with one more worker who has parenting and speaks fi, Mon 2 Mar 08:00–16:00: Mon 2 Mar 08:00",
		},
		{
			"one for a pair", func(d *schedule.Demand, _ *schedule.Problem) { d.Workers = 2 },
			[]schedule.Reason{schedule.TooFewWorkers},
			"with one more worker who has parenting and speaks fi, Mon 2 Mar 08:20–09:20: Mon 2 Mar 08:20 with w",
		},
		{
			"skill", func(d *schedule.Demand, _ *schedule.Problem) { d.Skills = []string{"parenting", "trauma"} },
			[]schedule.Reason{schedule.SkillMissing},
			"with somebody who has trauma: Mon 2 Mar 08:20 with w",
		},
		{
			"language", func(d *schedule.Demand, _ *schedule.Problem) { d.Language = "so" },
			[]schedule.Reason{schedule.LanguageMissing},
			"with somebody who speaks so: Mon 2 Mar 08:20 with w",
		},
		{
			"excluded", func(d *schedule.Demand, _ *schedule.Problem) { d.Excluded = []schedule.WorkerID{"w"} },
			[]schedule.Reason{schedule.AllExcluded, schedule.TooFewWorkers},
			"with one more worker who has parenting and speaks fi, Mon 2 Mar 08:00–16:00: Mon 2 Mar 08:00",
		},
		{"an hour later", func(d *schedule.Demand, _ *schedule.Problem) {
			d.Windows = []schedule.Span{{From: onDay(3, 15, 30), To: onDay(3, 18, 0)}}
		}, []schedule.Reason{schedule.OutsideHours}, "with w working 50 minutes more, Thu 5 Mar 16:00–16:50: Thu 5 Mar 15:30 with w"},
		{"evening", func(d *schedule.Demand, _ *schedule.Problem) {
			d.Windows = []schedule.Span{{From: onDay(0, 19, 0), To: onDay(0, 20, 0)}}
		}, []schedule.Reason{schedule.TooFewWorkers}, "with one more worker who has parenting and speaks fi, Mon 2 Mar 19:00–20:00: Mon 2 Mar 19:00"},
		{"away", func(_ *schedule.Demand, p *schedule.Problem) {
			p.Roster[0].Away = []schedule.Span{{From: onDay(0, 0, 0), To: onDay(7, 0, 0)}}
		}, []schedule.Reason{schedule.WorkersAbsent}, "with w not away on Mon 2 Mar: Mon 2 Mar 08:20 with w"},
		{
			"booked", func(_ *schedule.Demand, p *schedule.Problem) { p.Booked = busy("w", "other", 8, 16) },
			[]schedule.Reason{schedule.TooFewWorkers},
			"with one more worker who has parenting and speaks fi, Mon 2 Mar 08:00–16:00: Mon 2 Mar 08:00",
		},
		{"never together", func(d *schedule.Demand, p *schedule.Problem) {
			early, late := carer("early"), carer("late")
			early.Shifts, late.Shifts, d.Workers = days(8, 12), days(12, 16), 2
			p.Roster = []schedule.Available{early, late}
		}, []schedule.Reason{schedule.TooFewWorkers}, ""},
		{
			"day limit", func(_ *schedule.Demand, p *schedule.Problem) { p.Booked = busy("w", "s-v", 8, 9) },
			[]schedule.Reason{schedule.DayLimit},
			"with one more visit of the family on Mon 2 Mar: Mon 2 Mar 09:20 with w",
		},
		{
			"a level", func(d *schedule.Demand, _ *schedule.Problem) {
				d.Levels = []schedule.SkillLevel{{Skill: "parenting", Level: 3}}
			},
			[]schedule.Reason{schedule.SkillMissing},
			"with somebody who has parenting at level 3: Mon 2 Mar 08:20 with w",
		},
		{
			"not as asked", func(d *schedule.Demand, _ *schedule.Problem) { d.Attributes = []string{"woman"} },
			[]schedule.Reason{schedule.AttributeAsked},
			"with somebody who is as the family asked (woman): Mon 2 Mar 08:20 with w",
		},
		{"dark", func(d *schedule.Demand, p *schedule.Problem) {
			d.Daylight, p.Dark = true, []schedule.Span{{From: onDay(0, 0, 0), To: onDay(7, 0, 0)}}
		}, []schedule.Reason{schedule.InTheDark}, "with a visit in the dark: Mon 2 Mar 08:20 with w"},
		{
			"a full week", func(_ *schedule.Demand, p *schedule.Problem) { p.Roster[0].Limits.WeekMinutes = 60 },
			[]schedule.Reason{schedule.WorkerLimits},
			"with w with more work that week than agreed: Mon 2 Mar 08:20 with w",
		},
		{"a full day", func(d *schedule.Demand, p *schedule.Problem) {
			p.Roster[0].Limits.DayVisits, p.Booked = 1, busy("w", "other", 8, 9)
		}, []schedule.Reason{schedule.WorkerLimits}, "with w with more work that day than agreed: Mon 2 Mar 09:20 with w"},
		{"a family too many", func(_ *schedule.Demand, p *schedule.Problem) {
			p.Roster[0].Limits.Families, p.Roster[0].Families = 1, []schedule.SeriesID{"other"}
		}, []schedule.Reason{schedule.WorkerLimits}, "with w with one family more than agreed: Mon 2 Mar 08:20 with w"},
		{"no break", func(d *schedule.Demand, p *schedule.Problem) {
			d.Windows = []schedule.Span{{From: onDay(0, 11, 0), To: onDay(0, 12, 0)}}
			p.Roster[0].Pauses = []schedule.Pause{{Span: schedule.Span{From: onDay(0, 11, 0), To: onDay(0, 12, 0)}, Minutes: 30}}
		}, []schedule.Reason{schedule.OutsideHours, schedule.WorkerLimits}, "with the family visited Mon 2 Mar 10:00–11:00: Mon 2 Mar 10:00 with w"},
		{
			"last of the day", func(d *schedule.Demand, _ *schedule.Problem) { d.NotLast = true },
			[]schedule.Reason{schedule.LastOfDay},
			"with a visit that is the last of a worker's day: Mon 2 Mar 08:20 with w",
		},
		{"no substitutes", func(_ *schedule.Demand, p *schedule.Problem) {
			p.Families = []schedule.Family{{Series: "s-v", Regular: []schedule.WorkerID{"x"}, Until: onDay(7, 0, 0), Substitutes: &schedule.Substitutes{}}}
		}, []schedule.Reason{schedule.FamilyRules}, "with one visit more by a substitute: Mon 2 Mar 08:20 with w"},
		{"nobody known", func(_ *schedule.Demand, p *schedule.Problem) {
			p.Families = []schedule.Family{{Series: "s-v", Regular: []schedule.WorkerID{"x"}, Until: onDay(7, 0, 0), KnownFirst: true}}
		}, []schedule.Reason{schedule.FamilyRules}, "with somebody new without one whom the family knows: Mon 2 Mar 08:20 with w"},
		{"too many people", func(_ *schedule.Demand, p *schedule.Problem) {
			p.Families = []schedule.Family{{
				Series: "s-v", Until: onDay(7, 0, 0), People: &schedule.People{Most: 1, Days: 30},
				Past: []schedule.PastVisit{{Visit: "p", At: onDay(-3, 9, 0), Workers: []schedule.WorkerID{"x"}, Took: true}},
			}}
		}, []schedule.Reason{schedule.FamilyRules}, "with one more person in the family: Mon 2 Mar 08:20 with w"},
	} {
		t.Run(test.name, func(t *testing.T) {
			d := wanted("v")
			p := schedule.Problem{Zone: time.UTC, Roster: []schedule.Available{carer("w")}, Travel: schedule.Estimate(5, 20)}
			test.make(&d, &p)
			p.Demands = []schedule.Demand{d}
			s := schedule.Standing{Problem: p}
			why, err := visitscheduling.Optimiser{Grid: 5}.Why(t.Context(), s, time.Minute, "v")
			if err != nil {
				t.Fatal(err)
			}
			left := d.Unplaced().Explained(why["v"])
			if diff := cmp.Diff(test.want, left.Reasons); diff != "" {
				t.Errorf("reasons (-want +got):\n%s", diff)
			}
			for _, r := range why["v"] {
				t.Log(r.Words(time.UTC))
				if !s.Proves(d, r) || !placedBy(t, schedule.Greedy{}, s, d, r) {
					t.Errorf("not proved: %s", r.Words(time.UTC))
				}
			}
			if len(left.Remedies) == 0 {
				t.Fatal("no remedy")
			}
			if got := left.Remedies[0].Words(time.UTC); test.words != "" && got != test.words {
				t.Errorf("got  %s\nwant %s", got, test.words)
			}
		})
	}
}

// Who has no answer is looked at another time; who was looked at has one, if only an empty one.
func TestOptimiser_WhomThereWasNoTimeForHasNoAnswer(t *testing.T) {
	d := wanted("v")
	p := schedule.Problem{Zone: time.UTC, Roster: []schedule.Available{carer("w")}, Travel: schedule.Estimate(5, 20)}
	d.Excluded = []schedule.WorkerID{"w"}
	p.Demands = []schedule.Demand{d}
	for _, test := range []struct {
		budget time.Duration
		looked bool
	}{{time.Minute, true}, {1, false}} {
		why, err := visitscheduling.Optimiser{Grid: 5}.Why(t.Context(), schedule.Standing{Problem: p}, test.budget, "v")
		if err != nil {
			t.Fatal(err)
		}
		if _, looked := why["v"]; looked != test.looked {
			t.Errorf("within %s: answered %v, want %v", test.budget, looked, test.looked)
		}
	}
}

// Each reason of weeks drawn at random is proved by both planners and by the
// checker, which share nothing with the engine that gave it.
func TestOptimiser_EveryReasonIsProved(t *testing.T) {
	o := visitscheduling.Optimiser{Budget: time.Hour, Effort: 5, Grid: 5}
	rules, silent, given := map[schedule.Rule]int{}, 0, 0
	for seed := range uint64(25) {
		p := week(t, seed, 2+int(seed%7), 20+int(seed)*2)
		if seed%2 == 0 {
			agree(rand.New(rand.NewPCG(seed, 2)), &p)
		}
		plan, err := o.Plan(t.Context(), p)
		if err != nil {
			t.Fatal(err)
		}
		s := schedule.Standing{Problem: p, Plan: plan}.Settle()
		of, open := map[schedule.VisitID]schedule.Demand{}, []schedule.VisitID{}
		for _, d := range s.Problem.Demands {
			of[d.Visit] = d
		}
		for _, u := range plan.Unplaced {
			open = append(open, u.Visit)
		}
		why, err := o.Why(t.Context(), s, time.Minute, open...)
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range open {
			if len(why[v]) == 0 {
				silent++
			}
			for i, r := range why[v] {
				for _, x := range r.Steps {
					rules[x.Rule]++
				}
				if !s.Proves(of[v], r) {
					t.Errorf("seed %d, %s: the checker is against %q", seed, v, r.Words(time.UTC))
				}
				// The simple planner takes breaks where it likes, and may have no room left.
				simple := placedBy(t, schedule.Greedy{}, s, of[v], r)
				if !simple && seed%2 == 1 {
					t.Errorf("seed %d, %s: the simple planner does not place it %q", seed, v, r.Words(time.UTC))
				}
				given++
				if (!simple || i == 0 && seed%5 == 0) && !placedBy(t, o, s, of[v], r) {
					t.Errorf("seed %d, %s: the search does not place it %q", seed, v, r.Words(time.UTC))
				}
			}
		}
	}
	t.Logf("%v, %d visits without a remedy, %d remedies", rules, silent, given)
	for _, rule := range []schedule.Rule{
		schedule.RuleHours, schedule.RuleWindow, schedule.RuleAbsent, schedule.RuleSkill, schedule.RuleLanguage, schedule.RuleDoubleBooked, schedule.RuleDayLimit,
		schedule.RuleWorkersNeeded,
	} {
		if rules[rule] == 0 {
			t.Errorf("no remedy relaxes %s: is it looked for?", rule)
		}
	}
}

func TestOptimiser_WhyEndsWithItsTime(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	d := wanted("v")
	d.Language = "so"
	s := schedule.Standing{Problem: schedule.Problem{Zone: time.UTC, Roster: []schedule.Available{carer("w")}, Demands: []schedule.Demand{d}, Travel: schedule.Estimate(5, 20)}}
	why, err := visitscheduling.Optimiser{Grid: 5}.Why(ctx, s, time.Minute, "v")
	if err != nil || len(why) != 0 {
		t.Errorf("cancelled: %v, %v", why, err)
	}
}

// BenchmarkWhy asks for each of the visits that a week far too full leaves out what
// would give it a place.
func BenchmarkWhy(b *testing.B) {
	p := week(b, 7, 100, 4000)
	plan, err := schedule.Greedy{}.Plan(b.Context(), p)
	if err != nil {
		b.Fatal(err)
	}
	var open []schedule.VisitID
	for _, u := range plan.Unplaced {
		open = append(open, u.Visit)
	}
	for b.Loop() {
		why, err := visitscheduling.Optimiser{Grid: 5}.Why(b.Context(), schedule.Standing{Problem: p, Plan: plan}, 10*time.Second, open...)
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(len(why)), "answered")
		b.ReportMetric(float64(len(open)), "asked")
	}
}
