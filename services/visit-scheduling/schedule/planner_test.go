package schedule

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/hearthfps/hearth/services/visit-scheduling/optimise"
)

var utc = time.UTC

// monday is 2026-03-02, a week without holidays.
var monday = time.Date(2026, 3, 2, 0, 0, 0, 0, utc)

// at is hour:minute of the nth day from monday.
func at(day, hour, minute int) time.Time {
	return monday.AddDate(0, 0, day).Add(time.Duration(hour)*time.Hour + time.Duration(minute)*time.Minute)
}

func fiveDays(from, to int) (spans []Span) {
	for day := range 5 {
		spans = append(spans, Span{at(day, from, 0), at(day, to, 0)})
	}
	return spans
}

var (
	centre = &Point{60.98, 25.66}
	suburb = &Point{61.02, 25.70}
	far    = &Point{61.50, 27.20}
)

func worker(id string) Available {
	return Available{ID: WorkerID(id), Skills: []string{"parenting"}, Languages: []string{"fi"}, Base: centre, Shifts: fiveDays(8, 16)}
}

func demand(id string) Demand {
	return Demand{
		Visit: VisitID(id), Series: SeriesID("s-" + id), Windows: fiveDays(8, 16), Minutes: 60, Workers: 1,
		Skills: []string{"parenting"}, Language: "fi", At: Location{Point: suburb}, PerDay: 1, Spacing: 2,
	}
}

func problem(roster []Available, demands ...Demand) Problem {
	return Problem{Zone: utc, Roster: roster, Demands: demands, Travel: Estimate(5, 20)}
}

func planned(t *testing.T, p Problem) Plan {
	t.Helper()
	plan, err := Greedy{}.Plan(context.Background(), p)
	if err != nil {
		t.Fatal(err)
	}
	if found := p.Check(plan); found != nil {
		t.Fatalf("plan breaks %v", found)
	}
	return plan
}

func TestGreedy_LeavesWhatHasNoPlace(t *testing.T) {
	holiday, over, nobody := demand("a"), demand("b"), demand("c")
	holiday.Windows, holiday.NoWindow = nil, Holiday
	over.Windows = nil
	nobody.Language = "so"
	plan := planned(t, problem([]Available{worker("w")}, holiday, over, nobody))
	want := map[VisitID][]Reason{"a": {Holiday}, "b": {WeekOver}, "c": {NoPlace}}
	got := map[VisitID][]Reason{}
	for _, u := range plan.Unplaced {
		got[u.Visit] = u.Reasons
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("unplaced (-want +got):\n%s", diff)
	}
}

func TestGreedy_SendsWhoTheFamilyKnows(t *testing.T) {
	d := demand("v")
	d.Known = []WorkerID{"z"}
	plan := planned(t, problem([]Available{worker("a"), worker("z")}, d))
	if diff := cmp.Diff([]WorkerID{"z"}, plan.Placed[0].Slot.Workers); diff != "" {
		t.Error(diff)
	}
}

func TestGreedy_SpacesVisitsOfAFamilyOverTheWeek(t *testing.T) {
	a, b := demand("v1"), demand("v2")
	a.Series, b.Series = "s", "s"
	plan := planned(t, problem([]Available{worker("w")}, a, b))
	apart := plan.Placed[1].Slot.StartsAt.Sub(plan.Placed[0].Slot.StartsAt).Abs()
	if apart < 40*time.Hour {
		t.Errorf("visits lie %v apart; want two days", apart)
	}
}

func TestGreedy_MovesALostVisitLeast(t *testing.T) {
	d := demand("v")
	d.Lost = &Slot{StartsAt: at(2, 10, 7), EndsAt: at(2, 11, 7), Workers: []WorkerID{"ill"}}
	plan := planned(t, problem([]Available{worker("w")}, d))
	if got := plan.Placed[0].Slot.StartsAt; !got.Equal(at(2, 10, 7)) {
		t.Errorf("placed again at %v; want the time it had", got)
	}
}

func TestGreedy_APairSharesItsSkills(t *testing.T) {
	a, b, d := worker("a"), worker("b"), demand("v")
	a.Skills, a.Languages = []string{"trauma"}, []string{"so"}
	d.Workers, d.Skills, d.Language = 2, []string{"parenting", "trauma"}, "so"
	plan := planned(t, problem([]Available{a, b, worker("c")}, d))
	if len(plan.Placed) != 1 {
		t.Fatalf("unplaced: %v", plan.Unplaced)
	}
}

func TestGreedy_StopsWhenCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := (Greedy{}).Plan(ctx, problem([]Available{worker("w")}, demand("v"))); err == nil {
		t.Error("a cancelled run gave a plan")
	}
}

// drawProblem makes an agency's week with everything in it: pairs, remote
// visits, unknown places, absences, bookings inside and outside hours.
func drawProblem(t *rapid.T) Problem {
	points := []*Point{nil, centre, suburb, far, {60.95, 25.60}, {61.00, 25.90}}
	skills, languages := []string{"parenting", "trauma", "infant"}, []string{"fi", "sv", "so"}
	p := Problem{Zone: utc, Travel: Estimate(5, 20)}
	some := func(all []string, label string) []string {
		return rapid.SliceOfNDistinct(rapid.SampledFrom(all), 0, len(all), rapid.ID[string]).Draw(t, label)
	}
	spans := func(n int, label string) []Span {
		var all []Span
		for range rapid.IntRange(0, n).Draw(t, label) {
			from := at(rapid.IntRange(0, 4).Draw(t, "day"), 6, 0).Add(time.Duration(rapid.IntRange(0, 700).Draw(t, "minute")) * time.Minute)
			all = append(all, Span{from, from.Add(time.Duration(rapid.IntRange(10, 400).Draw(t, "length")) * time.Minute)})
		}
		return all
	}
	places := func() Location {
		return Location{Point: rapid.SampledFrom(points).Draw(t, "point"), Remote: rapid.IntRange(0, 4).Draw(t, "remote") == 0}
	}
	for i := range rapid.IntRange(0, 6).Draw(t, "workers") {
		a := Available{
			ID: WorkerID(fmt.Sprint("w", i)), Skills: some(skills, "has"), Languages: some(languages, "speaks"),
			Base: rapid.SampledFrom(points).Draw(t, "base"), Away: spans(2, "away"),
		}
		a.Shifts = fiveDays(rapid.IntRange(6, 9).Draw(t, "from"), rapid.IntRange(11, 20).Draw(t, "to"))
		drawTerms(t, &a, some)
		p.Roster = append(p.Roster, a)
		var taken []Span
		for _, s := range spans(4, "booked") {
			if len(subtract([]Span{s}, taken)) == 1 && subtract([]Span{s}, taken)[0] == s {
				taken = append(taken, s)
				p.Booked = append(p.Booked, Booking{
					Visit: VisitID(fmt.Sprint("b", len(p.Booked))), Series: SeriesID(fmt.Sprint("s", rapid.IntRange(0, 5).Draw(t, "series"))),
					Workers: []WorkerID{a.ID}, Span: s, At: places(),
				})
			}
		}
	}
	for i := range rapid.IntRange(0, 14).Draw(t, "demands") {
		series := rapid.IntRange(0, 5).Draw(t, "series")
		d := Demand{
			Visit: VisitID(fmt.Sprint("v", i)), Series: SeriesID(fmt.Sprint("s", series)),
			Minutes: rapid.SampledFrom([]int{15, 45, 60, 90}).Draw(t, "minutes"), Workers: rapid.IntRange(1, 2).Draw(t, "needs"),
			At: places(), PerDay: series % 3, Spacing: rapid.IntRange(0, 3).Draw(t, "spacing"), NoWindow: WeekOver,
		}
		for _, w := range spans(4, "windows") {
			if w.Length() >= time.Duration(d.Minutes)*time.Minute && w.To.Before(w.From.Truncate(24*time.Hour).Add(24*time.Hour)) {
				d.Windows = append(d.Windows, w)
			}
		}
		if rapid.Bool().Draw(t, "skilled") {
			d.Skills = some(skills, "asks")
		}
		if rapid.Bool().Draw(t, "spoken") {
			d.Language = rapid.SampledFrom(languages).Draw(t, "language")
		}
		drawAsks(t, &d, some)
		for _, a := range p.Roster {
			switch rapid.IntRange(0, 5).Draw(t, "relation") {
			case 0:
				d.Excluded = append(d.Excluded, a.ID)
			case 1:
				d.Known = append(d.Known, a.ID)
			}
		}
		p.Demands = append(p.Demands, d)
	}
	drawFamilies(t, &p)
	p.Traffic = rapid.SampledFrom([][]optimise.Traffic{nil, rushHours(50), {{Bands: []optimise.Speed{{From: 0, Percent: 100}, {From: 600, Percent: 30}, {From: 800, Percent: 80}}}}}).Draw(t, "traffic")
	return p
}

// rushHours are mornings of working days at so many per cent of the speed by car.
func rushHours(percent int) []optimise.Traffic {
	return []optimise.Traffic{{Days: []int{0, 1, 2, 3, 4}, Bands: []optimise.Speed{{From: 0, Percent: 100}, {From: 7 * 60, Percent: percent}, {From: 9 * 60, Percent: 100}}}}
}

func TestGreedy_BreaksNoRuleAndRepeatsItself(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := drawProblem(t)
		first, err := Greedy{}.Plan(context.Background(), p)
		if err != nil {
			t.Fatal(err)
		}
		if found := p.Check(first); found != nil {
			t.Fatalf("plan breaks %v", found)
		}
		rand.Shuffle(len(p.Roster), func(i, j int) { p.Roster[i], p.Roster[j] = p.Roster[j], p.Roster[i] })
		rand.Shuffle(len(p.Demands), func(i, j int) { p.Demands[i], p.Demands[j] = p.Demands[j], p.Demands[i] })
		again, err := Greedy{}.Plan(context.Background(), p)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(first, again); diff != "" {
			t.Fatalf("the same problem in another order has another plan:\n%s", diff)
		}
	})
}

func TestRound_BreaksNoRuleAndMovesLittle(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := drawProblem(t)
		plan, err := Greedy{}.Plan(context.Background(), p)
		if err != nil {
			t.Fatal(err)
		}
		rounded := p.Round(plan, 15)
		if found := p.Check(rounded); found != nil {
			t.Fatalf("rounding breaks %v", found)
		}
		for i, placed := range rounded.Placed {
			if by := placed.Slot.StartsAt.Sub(plan.Placed[i].Slot.StartsAt); placed.Visit != plan.Placed[i].Visit || by < 0 || by >= 15*time.Minute {
				t.Fatalf("%s moved by %v", placed.Visit, by)
			}
		}
	})
}

func TestRound_TellsFamiliesRoundTimes(t *testing.T) {
	p := problem([]Available{worker("w")}, demand("v"))
	plan := Plan{Placed: []Placement{{"v", Slot{StartsAt: at(1, 10, 3), EndsAt: at(1, 11, 3), Workers: []WorkerID{"w"}}}}}
	if got := p.Round(plan, 15).Placed[0].Slot.StartsAt; !got.Equal(at(1, 10, 15)) {
		t.Errorf("starts at %v, want 10:15", got)
	}
	if !plan.Placed[0].Slot.StartsAt.Equal(at(1, 10, 3)) {
		t.Error("the plan that was given has changed")
	}
}

// A plan with one thing made wrong must be found wrong: the checker can fail.
func TestCheck_FindsEachFault(t *testing.T) {
	slot := func(day, hour int, workers ...WorkerID) Slot {
		return Slot{StartsAt: at(day, hour, 0), EndsAt: at(day, hour+1, 0), Workers: workers}
	}
	for _, test := range []struct {
		want   Rule
		change func(p *Problem, s *Slot)
	}{
		{RuleUnknownWorker, func(p *Problem, s *Slot) {
			s.Workers, p.Demands[0].Skills, p.Demands[0].Language = []WorkerID{"nobody"}, nil, ""
		}},
		{RuleWorkersNeeded, func(_ *Problem, s *Slot) { s.Workers = []WorkerID{"w", "x"} }},
		{RuleWorkersNeeded, func(p *Problem, s *Slot) {
			p.Demands[0].Workers, p.Demands[0].At.Remote, s.Workers = 2, true, []WorkerID{"w", "w"}
		}},
		{RuleWindow, func(p *Problem, _ *Slot) { p.Demands[0].Windows = fiveDays(12, 16) }},
		{RuleWindow, func(_ *Problem, s *Slot) { s.EndsAt = s.EndsAt.Add(time.Minute) }},
		{RuleSkill, func(p *Problem, _ *Slot) { p.Demands[0].Skills = []string{"trauma"} }},
		{RuleLanguage, func(p *Problem, _ *Slot) { p.Demands[0].Language = "sv" }},
		{RuleExcluded, func(p *Problem, _ *Slot) { p.Demands[0].Excluded = []WorkerID{"w"} }},
		{RuleHours, func(p *Problem, _ *Slot) { p.Roster[0].Shifts = fiveDays(12, 16) }},
		{RuleAbsent, func(p *Problem, _ *Slot) { p.Roster[0].Away = []Span{{at(1, 10, 30), at(1, 11, 30)}} }},
		{RuleDoubleBooked, func(p *Problem, _ *Slot) {
			p.Booked = []Booking{{Visit: "b", Workers: []WorkerID{"w"}, Span: Span{at(1, 10, 59), at(1, 12, 0)}}}
		}},
		{RuleTravel, func(p *Problem, _ *Slot) {
			p.Booked = []Booking{{Visit: "b", Workers: []WorkerID{"w"}, Span: Span{at(1, 11, 1), at(1, 12, 0)}, At: Location{Point: centre}}}
		}},
		{RuleTravel, func(p *Problem, _ *Slot) {
			p.Booked = []Booking{{Visit: "b", Workers: []WorkerID{"w"}, Span: Span{at(1, 9, 0), at(1, 9, 59)}, At: Location{Point: centre}}}
		}},
		{RuleTravel, func(p *Problem, _ *Slot) { p.Roster[0].Shifts = []Span{{at(1, 9, 59), at(1, 16, 0)}} }},
		{RuleTravel, func(p *Problem, _ *Slot) { p.Roster[0].Shifts = []Span{{at(1, 8, 0), at(1, 11, 5)}} }},
		{RuleDayLimit, func(p *Problem, _ *Slot) {
			p.Booked = []Booking{{Visit: "b", Series: "s-v", Workers: []WorkerID{"x"}, Span: Span{at(1, 14, 0), at(1, 15, 0)}}}
		}},
	} {
		t.Run(string(test.want), func(t *testing.T) {
			p, s := problem([]Available{worker("w"), worker("x")}, demand("v")), slot(1, 10, "w")
			if found := p.Check(Plan{Placed: []Placement{{"v", s}}}); found != nil {
				t.Fatalf("a good plan breaks %v", found)
			}
			test.change(&p, &s)
			got := p.Check(Plan{Placed: []Placement{{"v", s}}})
			if diff := cmp.Diff([]Violation{{"v", test.want}}, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestCheck_AccountsForEachVisitOnce(t *testing.T) {
	p := problem([]Available{worker("w")}, demand("v"))
	slot := Slot{StartsAt: at(1, 10, 0), EndsAt: at(1, 11, 0), Workers: []WorkerID{"w"}}
	for _, test := range []struct {
		name string
		plan Plan
		want Violation
	}{
		{"lost", Plan{}, Violation{"v", RuleLost}},
		{"no reason", Plan{Unplaced: []Leftover{{Visit: "v"}}}, Violation{"v", RuleLost}},
		{"both", Plan{Placed: []Placement{{"v", slot}}, Unplaced: []Leftover{{Visit: "v", Reasons: []Reason{FullyBooked}}}}, Violation{"v", RulePlacedTwice}},
		{"stranger", Plan{Placed: []Placement{{"v", slot}, {"u", slot}}}, Violation{"u", RuleUnknownVisit}},
	} {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff([]Violation{test.want}, p.Check(test.plan)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestEstimate_AllowsForTheUnknownAndStopsAtEveryDoor(t *testing.T) {
	e, none := Estimate(5, 20), Estimate(0, 0)
	at := func(e optimise.Estimate, mode Mode, from, to *Point) int {
		return e.MinutesBy(mode, PlaceOf(from), PlaceOf(to))
	}
	for _, test := range []struct {
		name      string
		got, want int
	}{
		{"unknown", at(e, "", nil, centre), 20},
		{"to an unknown place", at(e, "", centre, nil), 20},
		{"both unknown", at(e, "", nil, nil), 20},
		{"door to door of one area", at(e, "", centre, centre), 5},
		{"the same by bus: a wait", at(e, optimise.Transit, centre, centre), 10},
		{"the same on foot", at(e, optimise.Foot, centre, centre), 0},
		{"no allowance", at(none, "", nil, centre), 0},
		{"no stop", at(none, "", centre, centre), 0},
		// Lahti to Helsinki, 98.6 km great-circle: 133.1 km by the factor, of which
		// 2/20 + 8/35 + 20/55 + 103.1/75 h = 124.01 min, rounded up, and the stop.
		{"Lahti to Helsinki", at(e, "", &Point{60.9827, 25.6612}, &Point{60.1699, 24.9384}), 130},
	} {
		if test.got != test.want {
			t.Errorf("%s: %d minutes, want %d", test.name, test.got, test.want)
		}
	}
}

func TestEstimate_FurtherIsNeverFaster(t *testing.T) {
	percent := rapid.SliceOfN(rapid.IntRange(50, 300), 4, 4)
	rapid.Check(t, func(t *rapid.T) {
		e := Estimate(5, 20)
		if rapid.Bool().Draw(t, "calibrated") {
			e.Percent = map[Mode][]int{optimise.Car: percent.Draw(t, "percent")}
		}
		lat, a, b := rapid.Float64Range(-80, 80).Draw(t, "lat"), rapid.Float64Range(0, 1).Draw(t, "a"), rapid.Float64Range(0, 1).Draw(t, "b")
		from := PlaceOf(&Point{lat, 10})
		near, distant := e.Minutes(from, PlaceOf(&Point{lat, 10 + min(a, b)})), e.Minutes(from, PlaceOf(&Point{lat, 10 + max(a, b)}))
		if near > distant {
			t.Fatalf("%d min to the nearer, %d to the further", near, distant)
		}
	})
}

// week is a generated agency: visits with pairs, skills and languages over a
// region of 60 postal areas.
func week(workers, visits int) Problem {
	r := rand.New(rand.NewPCG(1, 2))
	var areas []*Point
	for range 60 {
		areas = append(areas, &Point{60.8 + r.Float64()*0.4, 25.3 + r.Float64()*0.8})
	}
	skills, languages := []string{"parenting", "trauma", "infant", "respite"}, []string{"fi", "sv", "so", "ar", "en"}
	p := Problem{Zone: utc, Travel: Estimate(5, 20)}
	for i := range workers {
		a := Available{ID: WorkerID(fmt.Sprintf("w%04d", i)), Base: areas[r.IntN(len(areas))], Shifts: fiveDays(8, 20), Languages: []string{"fi"}}
		for _, s := range skills {
			if r.Float64() < 0.6 {
				a.Skills = append(a.Skills, s)
			}
		}
		for _, l := range languages[1:] {
			if r.Float64() < 0.25 {
				a.Languages = append(a.Languages, l)
			}
		}
		p.Roster = append(p.Roster, a)
	}
	for i := range visits {
		d := Demand{
			Visit: VisitID(fmt.Sprintf("v%05d", i)), Series: SeriesID(fmt.Sprintf("s%05d", i/2)), Windows: fiveDays(8, 20), Minutes: 30 + 15*r.IntN(3),
			Workers: 1, Skills: []string{skills[r.IntN(len(skills))]}, Language: languages[min(r.IntN(12), 4)%5], At: Location{Point: areas[r.IntN(len(areas))]},
			PerDay: 1, Spacing: 2, Known: []WorkerID{p.Roster[r.IntN(workers)].ID},
		}
		if r.Float64() < 0.15 {
			d.Workers = 2
		}
		p.Demands = append(p.Demands, d)
	}
	return p
}

func BenchmarkGreedy_WeekOf(b *testing.B) {
	for _, size := range []struct{ workers, visits int }{{20, 1000}, {200, 10000}} {
		b.Run(fmt.Sprint(size.visits), func(b *testing.B) {
			p := week(size.workers, size.visits)
			var plan Plan
			for b.Loop() {
				var err error
				if plan, err = (Greedy{}).Plan(context.Background(), p); err != nil {
					b.Fatal(err)
				}
			}
			if found := p.Check(plan); found != nil {
				b.Fatalf("breaks %d rules, first %v", len(found), found[0])
			}
			b.ReportMetric(float64(len(plan.Placed)), "placed")
		})
	}
}
