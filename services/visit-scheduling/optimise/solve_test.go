package optimise_test

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	. "github.com/hearthfps/hearth/services/visit-scheduling/optimise"
	"github.com/hearthfps/hearth/services/visit-scheduling/optimise/check"
	"github.com/hearthfps/hearth/services/visit-scheduling/optimise/familyvisits"
)

func solve(t interface {
	Helper()
	Fatal(...any)
}, p Problem, opt Options,
) Solution {
	t.Helper()
	s, err := Solve(context.Background(), p, opt)
	if err != nil {
		t.Fatal(err)
	}
	if bad := check.Schedule(p, s); bad != nil {
		t.Fatal(bad)
	}
	if diff := cmp.Diff(check.Cost(p, s), s.Objective); diff != "" {
		t.Fatal("the objective (-checker's +answer's):", diff)
	}
	return s
}

func TestSolve_NoAnswerBreaksAHardRule(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := drawProblem(t)
		solve(t, p, Options{Seed: rapid.Uint64().Draw(t, "seed"), WorkUnits: 60})
	})
}

func TestSolve_IsNeverWorseThanItsStart(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := drawProblem(t)
		a := solve(t, p, Options{Seed: 1, WorkUnits: int64(rapid.IntRange(1, 60).Draw(t, "units"))})
		b := solve(t, p, Options{Seed: 2, WorkUnits: 1, Start: &a})
		if b.Objective.Total() > a.Objective.Total() {
			t.Fatalf("start cost %+v, answer %+v", a.Objective, b.Objective)
		}
	})
}

func TestSolve_SameSeedAndWorkGiveTheSameBytes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := drawProblem(t)
		opt := Options{Seed: rapid.Uint64().Draw(t, "seed"), WorkUnits: 80}
		a, errA := json.Marshal(solve(t, p, opt))
		b, errB := json.Marshal(solve(t, p, opt))
		if errA != nil || errB != nil {
			t.Fatal(errA, errB)
		}
		if diff := cmp.Diff(string(a), string(b)); diff != "" {
			t.Fatal(diff)
		}
	})
}

// After any number of steps taken and taken back, the sums are what the schedule
// costs.
func TestSearch_KeepsItsSums(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := drawProblem(t)
		p.Weights, p.Evening = DefaultWeights(), 600
		p.Weights.FairLoad, p.Weights.FairTravel, p.Weights.FairEvening = 5, 3, 40
		kept, anew := CostsOfSearch(&p, rapid.Uint64().Draw(t, "seed"), 100)
		if diff := cmp.Diff(anew, kept); diff != "" {
			t.Fatal("counted anew and kept:", diff)
		}
	})
}

// How many searches are made at once does not change what they find.
func TestSolve_ThreadsDoNotChangeTheAnswer(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := drawProblem(t)
		opt := Options{Seed: rapid.Uint64().Draw(t, "seed"), WorkUnits: 40, Searches: 3, Threads: 1}
		if rapid.Bool().Draw(t, "searches not said") {
			opt.Searches = 0
		}
		a := solve(t, p, opt)
		opt.Threads = rapid.IntRange(2, 4).Draw(t, "threads")
		if diff := cmp.Diff(a, solve(t, p, opt)); diff != "" {
			t.Fatal(diff)
		}
		opt.Searches, opt.Threads = 1, 1
		if one := solve(t, p, opt); one.Objective.Total() < a.Objective.Total() {
			t.Fatalf("the best of three costs %d, the first of them %d", a.Objective.Total(), one.Objective.Total())
		}
	})
}

// A deadline that is over leaves a valid schedule, and the reasons say that
// nobody looked.
func TestSolve_PastItsDeadlineLooksForNoReasons(t *testing.T) {
	p := Problem{Visits: []Visit{visitAt("v", 60, hours(0, 8, 16))}}
	s := solve(t, p, Options{Deadline: time.Now().Add(-time.Second)})
	if diff := cmp.Diff([]Unplaced{{"v", []Reason{{Rules: []Rule{RuleStopped}}}}}, s.Unplaced); diff != "" {
		t.Error(diff)
	}
}

// cancelAt is a context that is cancelled when its nth question is asked.
type cancelAt struct {
	context.Context
	left atomic.Int64
}

func (c *cancelAt) Err() error {
	if c.left.Add(-1) < 0 {
		return context.Canceled
	}
	return nil
}

func TestSolve_CancelledAtAnyMomentIsValid(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := drawProblem(t)
		ctx := &cancelAt{Context: context.Background()}
		ctx.left.Store(int64(rapid.IntRange(0, 40).Draw(t, "questions")))
		s, err := Solve(ctx, p, Options{Seed: 1, WorkUnits: 200})
		if err != nil {
			t.Fatal(err)
		}
		if bad := check.Schedule(p, s); bad != nil {
			t.Fatal(bad)
		}
	})
}

// Each reason is proved: in the problem with just those rules relaxed, the
// schedule with the visit at the proof's place is valid.
func TestSolve_EveryReasonIsProved(t *testing.T) {
	proved := map[Rule]int{}
	rapid.Check(t, func(t *rapid.T) {
		p := drawProblem(t)
		s := solve(t, p, Options{Seed: 3, WorkUnits: 40})
		prove(t, p, s, proved)
	})
	for _, r := range []Rule{RuleSkill, RuleLanguage, RuleExclusion, RuleWindow, RuleLimit, RuleShift, RuleAbsence, RuleBooked} {
		if proved[r] == 0 {
			t.Errorf("no case of rule %s was drawn", r)
		}
	}
}

// prove counts the rules that the reasons of what is left out are proved for, and
// those proofs that are of teams.
func prove(t rapid.TB, p Problem, s Solution, proved map[Rule]int) (teams int) {
	t.Helper()
	for _, u := range s.Unplaced {
		if len(u.Reasons) == 0 {
			t.Fatalf("visit %s is left out and nothing says why", u.Visit)
		}
		for _, r := range u.Reasons {
			if r.Proof == nil {
				continue
			}
			q, placed := relaxed(p, s, u.Visit, r)
			if bad := check.Schedule(q, placed); bad != nil {
				t.Fatalf("visit %s, reason %v: %v", u.Visit, r, bad)
			}
			for _, x := range r.Rules {
				proved[x]++
			}
			if len(r.Proof.Workers) > 1 {
				teams++
			}
		}
	}
	return teams
}

// relaxed loosens exactly what a reason names and adds the proof.
func relaxed(p Problem, s Solution, visit string, r Reason) (Problem, Solution) {
	p.Workers, p.Visits, p.Families = slices.Clone(p.Workers), slices.Clone(p.Visits), slices.Clone(p.Families)
	v := &p.Visits[slices.IndexFunc(p.Visits, func(x Visit) bool { return x.ID == visit })]
	v.Roles = slices.Clone(v.Roles)
	family := &Family{}
	if i := slices.IndexFunc(p.Families, func(f Family) bool { return f.Series == v.Series }); i >= 0 {
		family = &p.Families[i]
	}
	keep := func(Placement) bool { return true }
	for _, rule := range r.Rules {
		switch rule {
		case RuleSkill:
			for k := range v.Roles {
				v.Roles[k].Skills, v.Roles[k].Levels = nil, nil
			}
		case RuleLanguage:
			for k := range v.Roles {
				v.Roles[k].Languages = nil
			}
		case RuleAttribute:
			for k := range v.Roles {
				v.Roles[k].Attributes = nil
			}
		case RuleTeam:
			v.TeamSkills, v.TeamLanguages = nil, nil
		case RuleExclusion:
			v.Excluded = nil
		case RuleWindow:
			v.Windows = slices.Clone(v.Windows)
			for i := range v.Windows {
				v.Windows[i].From -= SlackMinutes
				v.Windows[i].To += SlackMinutes
			}
		case RuleDark:
			v.Daylight = false
		case RulePerDay:
			for i := range p.Visits {
				if p.Visits[i].Series == v.Series {
					p.Visits[i].PerDay = 0
				}
			}
		case RulePattern:
			family.PerWeek, family.NotRunning = 0, false
		case RuleWorkers:
			family.MaxWorkers = 0
		case RuleKnown:
			family.KnownFirst = false
		case RuleSubstitute:
			family.Substitutes = nil
		case RuleCaseload:
			for i := range p.Workers {
				p.Workers[i].Caseload = 0
			}
		case RuleLast:
			v.NotLast = false
		case RuleLimit:
			for i := range p.Workers {
				w := &p.Workers[i]
				w.MaxDayMinutes, w.MaxWeekMinutes, w.MaxDayVisits, w.MaxWeekVisits = 0, 0, 0, 0
			}
		case RuleShift:
			for i := range p.Workers {
				p.Workers[i].Breaks = due(p.Workers[i])
				p.Workers[i].Shifts = slices.Clone(p.Workers[i].Shifts)
				for k := range p.Workers[i].Shifts {
					p.Workers[i].Shifts[k].From -= SlackMinutes
					p.Workers[i].Shifts[k].To += SlackMinutes
				}
			}
		case RuleAbsence:
			for i := range p.Workers {
				p.Workers[i].Breaks = due(p.Workers[i])
				p.Workers[i].Absences = nil
			}
		case RuleBreak:
			for i := range p.Workers {
				p.Workers[i].Breaks = nil
			}
		case RuleBooked:
			keep = func(x Placement) bool {
				return p.Visits[slices.IndexFunc(p.Visits, func(v Visit) bool { return v.ID == x.Visit })].Locked
			}
		}
	}
	out := Solution{}
	for _, x := range s.Placed {
		if keep(x) {
			out.Placed = append(out.Placed, x)
		}
	}
	out.Placed = append(out.Placed, Placement{visit, *r.Proof})
	out.Breaks = moved(p, s.Breaks, r.Breaks)
	in := map[string]bool{}
	for _, x := range out.Placed {
		in[x.Visit] = true
	}
	for _, v := range p.Visits {
		if !in[v.ID] {
			out.Unplaced = append(out.Unplaced, Unplaced{Visit: v.ID})
		}
	}
	return p, out
}

// due are the breaks that lie in the hours a worker works.
func due(w Worker) []Break {
	var out []Break
	for _, b := range w.Breaks {
		in := false
		for _, s := range w.Shifts {
			in = in || (s.From <= b.From && b.To <= s.To)
		}
		for _, a := range w.Absences {
			in = in && (a.To <= b.From || b.To <= a.From)
		}
		if in {
			out = append(out, b)
		}
	}
	return out
}

// moved puts breaks where they are said to be now: those of the same worker whose
// break it is give way.
func moved(p Problem, all, now []BreakTaken) []BreakTaken {
	var out []BreakTaken
	for _, x := range all {
		w := p.Workers[slices.IndexFunc(p.Workers, func(w Worker) bool { return w.ID == x.Worker })]
		i := slices.IndexFunc(w.Breaks, func(b Break) bool { return b.From <= x.Start && x.Start < b.To })
		if i < 0 {
			continue // relaxed
		}
		for _, y := range now {
			if y.Worker == x.Worker && w.Breaks[i].From <= y.Start && y.Start < w.Breaks[i].To {
				x = y
			}
		}
		out = append(out, x)
	}
	return out
}

func TestSolve_PrefersWhatTheWeightsSay(t *testing.T) {
	here, there := &Place{Lat: 61, Lon: 25}, &Place{Lat: 61.05, Lon: 25.05}
	day := []Window{{480, 960}}
	worker := func(id string, at *Place) Worker { return Worker{ID: id, Start: at, End: at, Shifts: day} }
	visit := func(id string) Visit { return Visit{ID: id, Place: here, Minutes: 60, Windows: day} }
	for _, test := range []struct {
		name  string
		visit func() Visit
		want  []string
	}{
		{"the nearest", func() Visit { return visit("v") }, []string{"near"}},
		{"the one the family knows", func() Visit {
			v := visit("v")
			v.Preferred = []string{"far"}
			return v
		}, []string{"far"}},
		{"the one published", func() Visit {
			v := visit("v")
			v.Published = &Assignment{Workers: []string{"far"}, Starts: []int{600}}
			return v
		}, []string{"far"}},
		{"never the excluded", func() Visit {
			v := visit("v")
			v.Excluded = []string{"near"}
			return v
		}, []string{"far"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := solve(t, Problem{Visits: []Visit{test.visit()}, Workers: []Worker{worker("near", here), worker("far", there)}}, Options{Seed: 1, WorkUnits: 20})
			if len(s.Placed) != 1 {
				t.Fatalf("unplaced: %v", s.Unplaced)
			}
			if diff := cmp.Diff(test.want, s.Placed[0].Workers); diff != "" {
				t.Error(diff)
			}
			if v := test.visit(); v.Published != nil && s.Placed[0].Starts[0] != v.Published.Starts[0] {
				t.Errorf("starts at %d, published %d", s.Placed[0].Starts[0], v.Published.Starts[0])
			}
		})
	}
}

func TestSolve_RefusesAnUnsoundProblem(t *testing.T) {
	good := func() Problem {
		return Problem{Workers: []Worker{{ID: "w"}}, Visits: []Visit{{ID: "v", Minutes: 10}}}
	}
	for name, spoil := range map[string]func(*Problem){
		"two of one id":      func(p *Problem) { p.Visits = append(p.Visits, p.Visits[0]) },
		"no length":          func(p *Problem) { p.Visits[0].Minutes = 0 },
		"empty window":       func(p *Problem) { p.Visits[0].Windows = []Window{{5, 5}} },
		"locked nowhere":     func(p *Problem) { p.Visits[0].Locked = true },
		"five workers":       func(p *Problem) { p.Visits[0].Roles = make([]Role, 5) },
		"gap of less than 0": func(p *Problem) { p.Visits[0].Gap = &Gap{-1, 3} },
		"place on no earth":  func(p *Problem) { p.Workers[0].Start = &Place{Lat: 91, Lon: 0} },
		"alone":              func(p *Problem) { p.Visits[0].NeverAlone = true },
		"alone in turn": func(p *Problem) {
			p.Visits[0].NeverAlone, p.Visits[0].Roles, p.Visits[0].Gap = true, make([]Role, 2), &Gap{0, 5}
		},
		"break too long":    func(p *Problem) { p.Workers[0].Breaks = []Break{{Window{600, 620}, 21}} },
		"breaks at once":    func(p *Problem) { p.Workers[0].Breaks = []Break{{Window{600, 700}, 20}, {Window{690, 800}, 20}} },
		"no such mode":      func(p *Problem) { p.Workers[0].Mode = "rocket" },
		"limit below 0":     func(p *Problem) { p.Workers[0].MaxDayVisits = -1 },
		"two days overtime": func(p *Problem) { p.Workers[0].OvertimeMinutes = 2 * DayMinutes },
		"two families":      func(p *Problem) { p.Families = []Family{{Series: "f"}, {Series: "f"}} },
		"nobody's family":   func(p *Problem) { p.Families = []Family{{}} },
		"no regular worker": func(p *Problem) { p.Families = []Family{{Series: "f", Substitutes: &Substitutes{Most: 4}}} },
		"fewer than none":   func(p *Problem) { p.Families = []Family{{Series: "f", MaxWorkers: -1}} },
		"a wish for pay":    func(p *Problem) { p.Visits[0].Wishes = []Wish{{"x", -1}} },
		"standing traffic":  func(p *Problem) { p.Traffic = []Traffic{{Bands: []Speed{{0, 0}}}} },
		"no traffic":        func(p *Problem) { p.Traffic = []Traffic{{}} },
		"an eighth day":     func(p *Problem) { p.Traffic = []Traffic{{Days: []int{7}, Bands: []Speed{{0, 100}}}} },
		"backwards night":   func(p *Problem) { p.Dark = []Window{{900, 600}} },
		"no evening":        func(p *Problem) { p.Evening = 1441 },
		"weight below 0":    func(p *Problem) { p.Weights.FairLoad = -1 },
		"weight too large":  func(p *Problem) { p.Weights.TravelMinute = 1 << 30 },
		"now in the past":   func(p *Problem) { p.Now = -1 << 30 },
		"published ages off": func(p *Problem) {
			p.Visits[0].Published = &Assignment{Workers: []string{"w"}, Starts: []int{1 << 30}}
		},
	} {
		p := good()
		if _, err := Solve(context.Background(), p, Options{WorkUnits: 1}); err != nil {
			t.Fatalf("the good problem is refused: %v", err)
		}
		spoil(&p)
		if _, err := Solve(context.Background(), p, Options{WorkUnits: 1}); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// A schedule stays valid when a worker comes in or a window widens, so with it as
// the start the answer is never worse.
func TestSolve_MoreFreedomIsNeverWorse(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := drawProblem(t)
		a := solve(t, p, Options{Seed: 1, WorkUnits: 30})
		if rapid.Bool().Draw(t, "another worker") {
			p.Workers = append(slices.Clone(p.Workers), Worker{ID: "new", Skills: []string{"trauma"}, Shifts: []Window{{480, 960}}})
		} else {
			p.Visits = slices.Clone(p.Visits)
			for i := range p.Visits {
				v := &p.Visits[i]
				v.Windows = slices.Clone(v.Windows)
				for k := range v.Windows {
					v.Windows[k].To += rapid.IntRange(0, 120).Draw(t, "wider")
				}
			}
		}
		b := solve(t, p, Options{Seed: 2, WorkUnits: 30, Start: &a})
		if lockedOut(p, a) != lockedOut(p, b) {
			return // a locked visit that can stand now goes before any cost
		}
		if b.Objective.Total() > a.Objective.Total() {
			t.Fatalf("cost %d, with more freedom %d", a.Objective.Total(), b.Objective.Total())
		}
	})
}

// lockedOut counts the locked visits that a schedule leaves out.
func lockedOut(p Problem, s Solution) int {
	locked := map[string]bool{}
	for _, v := range p.Visits {
		locked[v.ID] = v.Locked
	}
	n := 0
	for _, u := range s.Unplaced {
		if locked[u.Visit] {
			n++
		}
	}
	return n
}

// Tolerance of an unguided search: with more to choose from and the same seed and
// work it may end a little elsewhere.
const freedomTolerance = 2 // per cent of the cost

// Even from nothing, another worker or wider windows leave no more visits out, and
// cost no more beyond the tolerance.
func TestSolve_MoreFreedomFromNothingIsNoWorseBeyondTheTolerance(t *testing.T) {
	for seed := range uint64(5) {
		p := familyvisits.Generate(100, seed)
		opt := Options{Seed: seed, WorkUnits: 2000}
		a := solve(t, p, opt)
		staffed := p
		staffed.Workers = append(slices.Clone(p.Workers), p.Workers[0])
		staffed.Workers[len(p.Workers)].ID = "new"
		wide := p
		wide.Visits = slices.Clone(p.Visits)
		for i := range wide.Visits {
			v := &wide.Visits[i]
			v.Windows = slices.Clone(v.Windows)
			for k := range v.Windows {
				v.Windows[k].From -= 30
				v.Windows[k].To += 30
			}
		}
		for name, q := range map[string]Problem{"another worker": staffed, "wider windows": wide} {
			b := solve(t, q, opt)
			if b.Objective.Unplaced > a.Objective.Unplaced || 100*b.Objective.Total() > (100+freedomTolerance)*a.Objective.Total() {
				t.Errorf("seed %d, %s: %+v, before %+v", seed, name, b.Objective, a.Objective)
			}
		}
	}
}

// Whatever a problem says, it is refused or solved by a valid schedule at the
// price the checker finds.
func FuzzSolve(f *testing.F) {
	p := familyvisits.Generate(6, 1)
	p.Workers[0].Breaks = []Break{{Window{600, 800}, 30}}
	p.Workers[0].OvertimeMinutes, p.Workers[0].Caseload, p.Workers[0].Mode = 60, 2, Transit
	p.Families = []Family{{Series: p.Visits[0].Series, Met: []string{"w00001"}, Regular: []string{"w00001"}, MaxWorkers: 2, KnownFirst: true, Substitutes: &Substitutes{Most: 2, NeverRunning: true}}}
	p.Traffic, p.Dark = []Traffic{{Bands: []Speed{{480, 60}}}}, []Window{{0, 500}}
	p.Visits[0].Daylight, p.Visits[1].NotLast, p.Visits[2].Wishes = true, true, []Wish{{"x", 50}}
	for _, s := range []Problem{p, familyvisits.Generate(3, 2)} {
		data, err := json.Marshal(s)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data, uint64(1))
	}
	f.Fuzz(func(t *testing.T, data []byte, seed uint64) {
		var p Problem
		if json.Unmarshal(data, &p) != nil || len(p.Visits) > 12 || len(p.Workers) > 6 {
			t.Skip()
		}
		s, err := Solve(context.Background(), p, Options{Seed: seed, WorkUnits: 30})
		if errors.Is(err, ErrProblem) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		if bad := check.Schedule(p, s); bad != nil {
			t.Fatal(bad)
		}
		if diff := cmp.Diff(check.Cost(p, s), s.Objective); diff != "" {
			t.Fatal(diff)
		}
	})
}
