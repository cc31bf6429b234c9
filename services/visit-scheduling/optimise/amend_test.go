package optimise_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	. "github.com/hearthfps/hearth/services/visit-scheduling/optimise"
	"github.com/hearthfps/hearth/services/visit-scheduling/optimise/check"
	"github.com/hearthfps/hearth/services/visit-scheduling/optimise/familyvisits"
)

// amended is what a problem and its schedule are after an amendment.
func amended(p Problem, s Solution, a Amendment) (Problem, Solution) {
	gone := func(id string) bool { return slices.Contains(a.Take, id) }
	p.Visits = slices.DeleteFunc(slices.Clone(p.Visits), func(v Visit) bool { return gone(v.ID) })
	s.Placed = slices.DeleteFunc(slices.Clone(s.Placed), func(x Placement) bool { return gone(x.Visit) })
	for _, x := range a.Place {
		p.Visits = append(p.Visits, x.Visit)
		s.Placed = append(s.Placed, Placement{x.Visit.ID, x.At})
	}
	return p, s
}

// drawAmendment takes some visits out, moves some a little or to other workers,
// and adds one.
func drawAmendment(t *rapid.T, p Problem, s Solution, added Visit) Amendment {
	var a Amendment
	var workers []string
	for _, w := range p.Workers {
		workers = append(workers, w.ID)
	}
	at := map[string]Assignment{}
	for _, x := range s.Placed {
		at[x.Visit] = x.Assignment
	}
	somewhere := func(v Visit, like Assignment) (Assignment, bool) {
		var out Assignment
		if len(workers) == 0 {
			return out, false
		}
		by := rapid.IntRange(-60, 60).Draw(t, "by minutes")
		for k := range max(1, len(v.Roles)) {
			switch {
			case k < len(like.Workers):
				out.Workers, out.Starts = append(out.Workers, like.Workers[k]), append(out.Starts, like.Starts[k]+by)
			case len(v.Windows) > 0:
				out.Workers, out.Starts = append(out.Workers, workers[k%len(workers)]), append(out.Starts, v.Windows[0].From+max(by, 0))
			}
			if n := len(out.Workers); n > 0 && rapid.IntRange(0, 2).Draw(t, "another worker") == 0 {
				out.Workers[n-1] = rapid.SampledFrom(workers).Draw(t, "worker")
			}
		}
		return out, true
	}
	for _, v := range p.Visits {
		switch rapid.IntRange(0, 7).Draw(t, "what becomes of it") {
		case 0:
			a.Take = append(a.Take, v.ID)
		case 1:
			if like, placed := at[v.ID]; placed {
				if to, ok := somewhere(v, like); ok {
					v.Locked = false
					a.Take, a.Place = append(a.Take, v.ID), append(a.Place, Placing{v, to})
				}
			}
		}
	}
	if to, ok := somewhere(added, Assignment{}); ok && rapid.Bool().Draw(t, "one more") {
		a.Place = append(a.Place, Placing{added, to})
	}
	return a
}

// However a board is amended, it answers as one laid out anew; what it refuses
// breaks a rule, and leaves it as it was.
func TestBoard_AmendedAnswersAsOneLaidAnew(t *testing.T) {
	taken, refused, offered := 0, map[Rule]int{}, 0
	rapid.Check(t, func(t *rapid.T) {
		p := drawProblem(t)
		var kept []Visit // those that come later
		for len(p.Visits) > 3 && len(kept) < 3 {
			v := p.Visits[len(p.Visits)-1]
			v.Locked = false
			kept, p.Visits = append(kept, v), p.Visits[:len(p.Visits)-1]
		}
		if len(kept) == 0 {
			return
		}
		urgent := kept[0]
		s := solve(t, p, Options{Seed: 1, WorkUnits: 40})
		b, err := NewBoard(p, s)
		if err != nil {
			t.Fatal(err)
		}
		for i := range 6 {
			added := kept[i%len(kept)]
			added.ID = fmt.Sprint("added", i)
			var a Amendment
			// an offer of the board, or anything
			if offers, err := b.Insert(added); err == nil && len(offers) > 0 && rapid.Bool().Draw(t, "accept") {
				o := offers[rapid.IntRange(0, len(offers)-1).Draw(t, "which")]
				a.Place = append(a.Place, Placing{added, o.Assignment})
				for _, m := range o.Moves {
					v := p.Visits[slices.IndexFunc(p.Visits, func(v Visit) bool { return v.ID == m.Visit })]
					a.Take, a.Place = append(a.Take, m.Visit), append(a.Place, Placing{v, m.To})
				}
				if err := b.Accept(added, o); err != nil {
					t.Fatalf("offer %d, %+v: %v", i, o, err)
				}
				p, s = amended(p, s, a)
				taken++
			} else {
				a = drawAmendment(t, p, s, added)
				q, r := amended(p, s, a)
				err := b.Amend(a)
				var c Conflict
				switch {
				case err == nil:
					p, s = q, r
					taken++
				case errors.As(err, &c):
					if _, anew := NewBoard(q, r); anew == nil {
						t.Fatalf("refused (%v), and laid anew it stands: %+v", err, a)
					}
					refused[c.Rule]++
				}
			}
			anew, err := NewBoard(p, s)
			if err != nil {
				if odd(p) {
					return // laid by order of time, it goes through what cannot be
				}
				t.Fatalf("laid anew: %v", err)
			}
			got, errGot := b.Insert(urgent)
			want, errWant := anew.Insert(urgent)
			if (errGot == nil) != (errWant == nil) {
				t.Fatal(errGot, errWant)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Fatalf("laid anew and amended by %+v:\n%s", a, diff)
			}
			offered += len(got)
		}
	})
	t.Logf("%d amendments, %d offers, refused by %v", taken, offered, refused)
	if taken == 0 || offered == 0 || len(refused) == 0 {
		t.Error("nothing was amended, no offer compared, or nothing refused")
	}
}

func odd(p Problem) bool { _, is := p.Travel.(oddTravel); return is || len(p.Traffic) > 0 }

// Each rule keeps a visit from where it is to stand, and is named.
func TestBoard_RefusesByTheRuleBroken(t *testing.T) {
	base := func() Problem {
		return Problem{
			Workers: []Worker{atHome("a", hours(0, 8, 16), hours(1, 8, 16)), atHome("b", hours(0, 8, 16), hours(1, 8, 16))},
			Visits:  []Visit{visitAt("there", 60, hours(0, 8, 16))},
		}
	}
	fresh := func(change func(*Visit)) Visit {
		v := visitAt("v", 60, hours(0, 8, 16), hours(1, 8, 16))
		change(&v)
		return v
	}
	at := func(start int, workers ...string) Assignment {
		out := Assignment{Workers: workers}
		for range workers {
			out.Starts = append(out.Starts, start)
		}
		return out
	}
	family := func(f Family) func(*Problem) {
		return func(p *Problem) {
			f.Series = "f"
			p.Families, p.Visits[0].Series = []Family{f}, "f"
		}
	}
	ofFamily := func(v *Visit) { v.Series = "f" }
	for name, x := range map[string]struct {
		rules func(*Problem)
		visit Visit
		at    Assignment
		want  Rule
	}{
		"a skill":       {visit: fresh(func(v *Visit) { v.Roles = []Role{{Skills: []string{"trauma"}}} }), at: at(600, "a"), want: RuleSkill},
		"a language":    {visit: fresh(func(v *Visit) { v.Roles = []Role{{Languages: []string{"so"}}} }), at: at(600, "a"), want: RuleLanguage},
		"an attribute":  {visit: fresh(func(v *Visit) { v.Roles = []Role{{Attributes: []string{"x"}}} }), at: at(600, "a"), want: RuleAttribute},
		"an exclusion":  {visit: fresh(func(v *Visit) { v.Excluded = []string{"a"} }), at: at(600, "a"), want: RuleExclusion},
		"a team":        {visit: fresh(func(v *Visit) { v.Roles, v.TeamSkills = make([]Role, 2), []string{"trauma"} }), at: at(600, "a", "b"), want: RuleTeam},
		"a window":      {visit: fresh(func(v *Visit) { v.Windows = v.Windows[:1] }), at: at(DayMinutes+600, "a"), want: RuleWindow},
		"the dark":      {rules: func(p *Problem) { p.Dark = []Window{hours(0, 9, 12)} }, visit: fresh(func(v *Visit) { v.Daylight = true }), at: at(600, "a"), want: RuleDark},
		"a shift":       {visit: fresh(func(v *Visit) { v.Windows[0].To += 300 }), at: at(16*60-30, "a"), want: RuleShift},
		"an absence":    {rules: func(p *Problem) { p.Workers[0].Absences = []Window{hours(1, 0, 24)} }, visit: fresh(func(*Visit) {}), at: at(DayMinutes+600, "a"), want: RuleAbsence},
		"other visits":  {visit: fresh(func(*Visit) {}), at: at(500, "a"), want: RuleBooked},
		"a limit":       {rules: func(p *Problem) { p.Workers[0].MaxDayMinutes = 100 }, visit: fresh(func(*Visit) {}), at: at(600, "a"), want: RuleLimit},
		"visits a week": {rules: func(p *Problem) { p.Workers[0].MaxWeekVisits = 1 }, visit: fresh(func(*Visit) {}), at: at(DayMinutes+600, "a"), want: RuleLimit},
		"apart":         {visit: fresh(func(v *Visit) { v.Roles = make([]Role, 2) }), at: Assignment{[]string{"a", "b"}, []int{600, 610}}, want: RuleTogether},
		"the last":      {visit: fresh(func(v *Visit) { v.NotLast = true }), at: at(600, "a"), want: RuleLast},
		"a lock":        {visit: fresh(func(v *Visit) { v.Locked, v.Published = true, &Assignment{[]string{"a"}, []int{601}} }), at: at(600, "a"), want: RuleLocked},
		"per day":       {rules: family(Family{}), visit: fresh(func(v *Visit) { ofFamily(v); v.PerDay = 1 }), at: at(600, "a"), want: RulePerDay},
		"per week":      {rules: family(Family{PerWeek: 1}), visit: fresh(ofFamily), at: at(DayMinutes+600, "a"), want: RulePattern},
		"workers":       {rules: family(Family{MaxWorkers: 1}), visit: fresh(ofFamily), at: at(DayMinutes+600, "b"), want: RuleWorkers},
		"known":         {rules: family(Family{Met: []string{"a"}, KnownFirst: true}), visit: fresh(ofFamily), at: at(DayMinutes+600, "b"), want: RuleKnown},
		"substitutes":   {rules: family(Family{Regular: []string{"a"}, Substitutes: &Substitutes{}}), visit: fresh(ofFamily), at: at(DayMinutes+600, "b"), want: RuleSubstitute},
		"running":       {rules: family(Family{Regular: []string{"a"}, Substitutes: &Substitutes{Most: 4, NeverRunning: true, LastWas: true}}), visit: fresh(func(v *Visit) { ofFamily(v); v.Windows = []Window{hours(-1, 8, 16)} }), at: at(-DayMinutes+600, "b"), want: RuleSubstitute},
		"caseload":      {rules: func(p *Problem) { p.Workers[0].Caseload, p.Workers[0].Families = 1, []string{"g"} }, visit: fresh(ofFamily), at: at(600, "a"), want: RuleCaseload},
	} {
		t.Run(name, func(t *testing.T) {
			p := base()
			if x.rules != nil {
				x.rules(&p)
			}
			if name == "running" {
				p.Workers[1].Shifts = append([]Window{hours(-1, 8, 16)}, p.Workers[1].Shifts...)
			}
			s := Solution{Placed: []Placement{{"there", at(500, "a")}}}
			b, err := NewBoard(p, s)
			if err != nil {
				t.Fatal(err)
			}
			var got Conflict
			if err := b.Place(x.visit, x.at); !errors.As(err, &got) || got.Rule != x.want {
				t.Fatalf("%v, want %s", err, x.want)
			}
			// nothing of it stays
			if err := b.Place(fresh(func(v *Visit) { v.ID = "w" }), at(DayMinutes+600, "b")); x.want != RuleSubstitute && err != nil {
				t.Errorf("a visit that breaks nothing afterwards: %v", err)
			}
		})
	}
}

// A move goes through what would break a rule if each step were looked at.
func TestBoard_AmendsAllAtOnceOrNothing(t *testing.T) {
	p := Problem{Workers: []Worker{atHome("a", hours(0, 8, 16))}, Visits: []Visit{visitAt("risky", 60, hours(0, 8, 16)), visitAt("last", 60, hours(0, 8, 16))}}
	p.Visits[0].NotLast = true
	s := Solution{Placed: []Placement{{"risky", Assignment{[]string{"a"}, []int{600}}}, {"last", Assignment{[]string{"a"}, []int{700}}}}}
	b, err := NewBoard(p, s)
	if err != nil {
		t.Fatal(err)
	}
	to := func(start int) Amendment {
		return Amendment{Take: []string{"last"}, Place: []Placing{{p.Visits[1], Assignment{[]string{"a"}, []int{start}}}}}
	}
	if err := b.Take("last"); !errors.Is(err, Conflict{"risky", RuleLast}) {
		t.Errorf("take the last: %v", err)
	}
	if err := b.Amend(to(800)); err != nil {
		t.Error("move the last later:", err)
	}
	if err := b.Amend(to(500)); !errors.Is(err, Conflict{"risky", RuleLast}) {
		t.Errorf("move the last before the risky one: %v", err)
	}
	for name, a := range map[string]Amendment{
		"nobody":      {Take: []string{"nobody"}},
		"twice":       {Take: []string{"last", "last"}},
		"there":       {Place: []Placing{{p.Visits[1], s.Placed[1].Assignment}}},
		"two of one":  {Place: []Placing{{visitAt("x", 10, hours(0, 8, 16)), s.Placed[1].Assignment}, {visitAt("x", 10, hours(0, 8, 16)), s.Placed[1].Assignment}}},
		"no worker":   {Place: []Placing{{visitAt("x", 10, hours(0, 8, 16)), Assignment{[]string{"z"}, []int{500}}}}},
		"no length":   {Place: []Placing{{visitAt("x", 0, hours(0, 8, 16)), Assignment{[]string{"a"}, []int{500}}}}},
		"half a pair": {Place: []Placing{{Visit{ID: "x", Minutes: 10, Roles: make([]Role, 2)}, Assignment{[]string{"a"}, []int{500}}}}},
	} {
		if err := b.Amend(a); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if err := b.Amend(Amendment{Take: []string{"last", "risky"}}); err != nil {
		t.Error("take both:", err)
	}
}

// BenchmarkBoard_Amend accepts the best place of an urgent visit of a new family
// in a published week of 10,000, and takes it out again.
func BenchmarkBoard_Amend(b *testing.B) {
	p := familyvisits.Generate(10_000, 1)
	week := solve(b, p, Options{Seed: 1, WorkUnits: 20_000})
	familyvisits.Publish(&p, week, 30, 1)
	board, err := NewBoard(p, week)
	if err != nil {
		b.Fatal(err)
	}
	for i := 0; b.Loop(); i++ {
		at := *p.Visits[0].Place
		at.Lat += float64(i%100) / 1000
		v := Visit{ID: fmt.Sprint("urgent", i), Series: "new", Place: &at, Minutes: 60, Windows: []Window{hours(i%5, 8, 20)}}
		offers, err := board.Insert(v)
		if err != nil || len(offers) == 0 {
			b.Fatal(offers, err)
		}
		if err := board.Accept(v, offers[0]); err != nil {
			b.Fatal(err)
		}
		if err := board.Take(v.ID); err != nil {
			b.Fatal(err)
		}
	}
}

func TestBoard_StaysValidOverManyAmendments(t *testing.T) {
	p := familyvisits.Generate(300, 1)
	s := solve(t, p, Options{Seed: 1, WorkUnits: 2000})
	b, err := NewBoard(p, s)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 150 { // more than the places made room for at once
		at := *p.Workers[i%len(p.Workers)].Start
		v := visitAt(fmt.Sprint("urgent", i), 20, hours(i%5, 8, 18))
		v.Place = &Place{Lat: at.Lat + 0.001*float64(i), Lon: at.Lon}
		offers, err := b.Insert(v)
		if err != nil {
			t.Fatal(err)
		}
		if len(offers) == 0 {
			continue
		}
		if err := b.Accept(v, offers[0]); err != nil {
			t.Fatal(err)
		}
		a := Amendment{Place: []Placing{{v, offers[0].Assignment}}}
		for _, m := range offers[0].Moves {
			was := p.Visits[slices.IndexFunc(p.Visits, func(v Visit) bool { return v.ID == m.Visit })]
			a.Take, a.Place = append(a.Take, m.Visit), append(a.Place, Placing{was, m.To})
		}
		if p, s = amended(p, s, a); i%4 == 0 {
			a := Amendment{Take: []string{v.ID}}
			if err := b.Amend(a); err != nil {
				t.Fatal(err)
			}
			p, s = amended(p, s, a)
		}
	}
	s.Unplaced, s.Breaks = nil, nil
	in := map[string]bool{}
	for _, x := range s.Placed {
		in[x.Visit] = true
	}
	for _, v := range p.Visits {
		if !in[v.ID] {
			s.Unplaced = append(s.Unplaced, Unplaced{Visit: v.ID})
		}
	}
	if bad := check.Schedule(p, s); bad != nil {
		t.Fatal(bad)
	}
	anew, err := NewBoard(p, s)
	if err != nil {
		t.Fatal(err)
	}
	v := visitAt("v", 20, hours(2, 8, 18))
	got, errGot := b.Insert(v)
	want, errWant := anew.Insert(v)
	if diff := cmp.Diff(want, got); diff != "" || errGot != nil || errWant != nil {
		t.Error(errGot, errWant, diff)
	}
}
