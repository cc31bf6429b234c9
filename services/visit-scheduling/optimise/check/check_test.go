package check_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/hearthfps/hearth/services/visit-scheduling/optimise"
	"github.com/hearthfps/hearth/services/visit-scheduling/optimise/benchfile"
	"github.com/hearthfps/hearth/services/visit-scheduling/optimise/check"
)

func TestRoutes_NamesEachBreach(t *testing.T) {
	file := func() *benchfile.Solomon {
		return &benchfile.Solomon{Vehicles: 2, Capacity: 10, Nodes: []benchfile.SolomonNode{
			{Due: 100}, {X: 3, Y: 4, Demand: 6, Due: 20, Service: 10}, {X: 6, Y: 8, Demand: 4, Ready: 30, Due: 40, Service: 10},
		}}
	}
	cost, err := check.Routes(file(), [][]int32{{1, 2}})
	if err != nil || cost != 20 {
		t.Fatalf("the good answer: cost %v, error %v; want 20", cost, err)
	}
	for name, test := range map[string]struct {
		spoil  func(*benchfile.Solomon)
		routes [][]int32
		want   string
	}{
		"missing":      {nil, [][]int32{{1}}, "customer 2 is not served"},
		"twice":        {nil, [][]int32{{1, 2}, {1}}, "served twice"},
		"unknown":      {nil, [][]int32{{1, 2, 3}}, "no customer 3"},
		"depot inside": {nil, [][]int32{{1, 0, 2}}, "no customer 0"},
		"late":         {nil, [][]int32{{2, 1}}, "window ends"},
		"overloaded":   {func(s *benchfile.Solomon) { s.Capacity = 9 }, [][]int32{{1, 2}}, "above capacity"},
		"fleet":        {func(s *benchfile.Solomon) { s.Vehicles = 1 }, [][]int32{{1}, {2}}, "2 routes for 1"},
		"home late":    {func(s *benchfile.Solomon) { s.Nodes[0].Due = 49 }, [][]int32{{1, 2}}, "depot closes"},
	} {
		s := file()
		if test.spoil != nil {
			test.spoil(s)
		}
		if _, err := check.Routes(s, test.routes); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got %v, want %q", name, err, test.want)
		}
	}
}

func TestHomeCare_NamesEachBreach(t *testing.T) {
	h := &benchfile.HomeCare{
		Services:   []benchfile.HomeCareService{{ID: "a", Duration: 10}, {ID: "b", Duration: 10}},
		Caregivers: []benchfile.HomeCareCaregiver{{ID: "both", Abilities: []string{"a", "b"}}, {ID: "b", Abilities: []string{"b"}}},
		Patients: []benchfile.HomeCarePatient{
			{ID: "one", TimeWindow: [2]float64{0, 5}, Required: []benchfile.HomeCareNeed{{Service: "a"}}},
			{
				ID: "two", TimeWindow: [2]float64{20, 25}, Required: []benchfile.HomeCareNeed{{Service: "a"}, {Service: "b"}},
				Sync: &benchfile.HomeCareSync{Type: "sequential", Distance: [2]float64{5, 8}},
			},
		},
		Distances: [][]float64{{0, 8, 10}, {8, 0, 9}, {10, 9, 0}},
	}
	good := func() [][]check.Stop {
		return [][]check.Stop{{{Patient: 0, Start: 8}, {Patient: 1, Start: 27}}, {{Patient: 1, Service: 1, Start: 32}}}
	}
	cost, err := check.HomeCare(h, good())
	// distance 8+9+10+10+10, lateness 3+2+7, largest 7
	if want := (47.0 + 12 + 7) / 3; err != nil || cost != want {
		t.Fatalf("the good answer: cost %v, error %v; want %v", cost, err, want)
	}
	for name, test := range map[string]struct {
		spoil func([][]check.Stop) [][]check.Stop
		want  string
	}{
		"missing":        {func(r [][]check.Stop) [][]check.Stop { r[0] = r[0][1:]; return r }, "not given"},
		"twice":          {func(r [][]check.Stop) [][]check.Stop { r[0] = append(r[0], r[0][1]); return r }, "given twice"},
		"no skill":       {func(r [][]check.Stop) [][]check.Stop { return [][]check.Stop{r[1], r[0]} }, "does not give"},
		"before arrival": {func(r [][]check.Stop) [][]check.Stop { r[0][1].Start = 26; return r }, "arrival 27"},
		"before window":  {func(r [][]check.Stop) [][]check.Stop { r[1][0].Start = 19; return r }, "window from 20"},
		"too near":       {func(r [][]check.Stop) [][]check.Stop { r[1][0].Start = 31; return r }, "start 4.000 apart"},
		"too far":        {func(r [][]check.Stop) [][]check.Stop { r[1][0].Start = 36; return r }, "start 9.000 apart"},
		"alone": {func(r [][]check.Stop) [][]check.Stop {
			return [][]check.Stop{append(r[0], check.Stop{Patient: 1, Service: 1, Start: 37})}
		}, "both services by"},
		"no such patient": {func(r [][]check.Stop) [][]check.Stop { r[0][0].Patient = 7; return r }, "no patient 7"},
	} {
		if _, err := check.HomeCare(h, test.spoil(good())); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got %v, want %q", name, err, test.want)
		}
	}
}

func TestSchedule_NamesEachBreach(t *testing.T) {
	here, there := &optimise.Place{Lat: 61, Lon: 25}, &optimise.Place{Lat: 61, Lon: 25.2}
	type setting struct {
		p optimise.Problem
		s optimise.Solution
	}
	good := func() setting {
		day := []optimise.Window{{From: 480, To: 960}}
		p := optimise.Problem{
			Workers: []optimise.Worker{
				{ID: "a", Skills: []string{"s"}, Languages: []string{"fi"}, Start: here, End: here, Shifts: day},
				{ID: "b", Start: here, End: here, Shifts: day},
			},
			Visits: []optimise.Visit{
				{ID: "one", Series: "f", PerDay: 2, Place: here, Minutes: 60, Windows: day, Roles: []optimise.Role{{Skills: []string{"s"}, Languages: []string{"fi"}}}},
				{ID: "two", Series: "f", Place: there, Minutes: 60, Windows: day, Roles: make([]optimise.Role, 2), TeamSkills: []string{"s"}},
			},
		}
		way := optimise.Estimate{}.Minutes(*here, *there)
		s := optimise.Solution{Placed: []optimise.Placement{
			{Visit: "one", Assignment: optimise.Assignment{Workers: []string{"a"}, Starts: []int{480}}},
			{Visit: "two", Assignment: optimise.Assignment{Workers: []string{"a", "b"}, Starts: []int{540 + way, 540 + way}}},
		}}
		return setting{p, s}
	}
	family := func(f optimise.Family) func(*setting) {
		f.Series = "f"
		return func(x *setting) { x.p.Families = []optimise.Family{f} }
	}
	x := good()
	if bad := check.Schedule(x.p, x.s); bad != nil {
		t.Fatalf("the good answer: %v", bad)
	}
	for name, test := range map[string]struct {
		spoil func(*setting)
		want  string
	}{
		"lost":          {func(x *setting) { x.s.Placed = x.s.Placed[:1] }, "visit two is in the answer 0 times"},
		"doubled":       {func(x *setting) { x.s.Unplaced = []optimise.Unplaced{{Visit: "one"}} }, "visit one is in the answer 2 times"},
		"made single":   {func(x *setting) { x.s.Placed[1].Workers = x.s.Placed[1].Workers[:1] }, "for 2 roles"},
		"one for both":  {func(x *setting) { x.s.Placed[1].Workers = []string{"a", "a"} }, "worker a twice"},
		"excluded":      {func(x *setting) { x.p.Visits[0].Excluded = []string{"a"} }, "a is excluded"},
		"skill":         {func(x *setting) { x.s.Placed[0].Workers = []string{"b"} }, "lacks skill s"},
		"language":      {func(x *setting) { x.p.Workers[0].Languages = nil }, "lacks language fi"},
		"team skill":    {func(x *setting) { x.p.Visits[1].TeamSkills = []string{"z"} }, "nobody of the team has skill z"},
		"window":        {func(x *setting) { x.p.Visits[0].Windows = []optimise.Window{{From: 481, To: 900}} }, "in no window"},
		"apart":         {func(x *setting) { x.s.Placed[1].Starts = []int{700, 701} }, "do not start together"},
		"gap":           {func(x *setting) { x.p.Visits[1].Gap = &optimise.Gap{Min: 5, Max: 9} }, "gap of 0"},
		"travel":        {func(x *setting) { x.s.Placed[1].Starts = []int{541, 541} }, "visit two starts at 541"},
		"way home":      {func(x *setting) { x.s.Placed[1].Starts = []int{900, 900} }, "the stretch that ends at 960"},
		"shift":         {func(x *setting) { x.p.Workers[0].Shifts = []optimise.Window{{From: 500, To: 960}} }, "outside the hours worked"},
		"absence":       {func(x *setting) { x.p.Workers[1].Absences = []optimise.Window{{From: 600, To: 601}} }, "outside the hours worked"},
		"day limit":     {func(x *setting) { x.p.Workers[0].MaxDayMinutes = 120 }, "limit 120"},
		"week limit":    {func(x *setting) { x.p.Workers[0].MaxWeekMinutes = 121 }, "limit 121"},
		"series":        {func(x *setting) { x.p.Visits[0].PerDay = 1 }, "at most 1"},
		"level":         {func(x *setting) { x.p.Visits[0].Roles[0].Levels = map[string]int{"s": 2} }, "at level 1, needs 2"},
		"level none":    {func(x *setting) { x.p.Visits[0].Roles[0].Levels = map[string]int{"z": 1} }, "at level 0, needs 1"},
		"attribute":     {func(x *setting) { x.p.Visits[0].Roles[0].Attributes = []string{"x"} }, "lacks attribute x"},
		"alone":         {func(x *setting) { x.p.Visits[0].NeverAlone = true }, "one worker would be alone"},
		"dark":          {func(x *setting) { x.p.Visits[1].Daylight, x.p.Dark = true, []optimise.Window{{From: 600, To: 700}} }, "is in the dark"},
		"risky last":    {func(x *setting) { x.p.Visits[1].NotLast = true }, "visit two is the last of day 0"},
		"visits a day":  {func(x *setting) { x.p.Workers[0].MaxDayVisits = 1 }, "2 visits on day 0, limit 1"},
		"visits a week": {func(x *setting) { x.p.Workers[0].MaxWeekVisits = 1 }, "2 visits in week 0, limit 1"},
		"no break": {func(x *setting) {
			x.p.Workers[0].Breaks = []optimise.Break{{Window: optimise.Window{From: 700, To: 800}, Minutes: 20}}
		}, "no break of 20 minutes"},
		"break at work": {func(x *setting) {
			x.p.Workers[0].Breaks = []optimise.Break{{Window: optimise.Window{From: 480, To: 960}, Minutes: 20}}
			x.s.Breaks = []optimise.BreakTaken{{Worker: "a", Start: 500, Minutes: 20}}
		}, "a break starts at 500, there at 540"},
		"break too many": {func(x *setting) { x.s.Breaks = []optimise.BreakTaken{{Worker: "a", Start: 700, Minutes: 20}} }, "not due"},
		"overtime":       {func(x *setting) { x.p.Workers[0].OvertimeMinutes = 28; x.s.Placed[1].Starts = []int{900, 900} }, "worker a: back 29 minutes after the stretch that ends at 960, allowed 28"},
		"overtime into an absence": {func(x *setting) {
			x.p.Workers[0].OvertimeMinutes, x.p.Workers[0].Absences = 60, []optimise.Window{{From: 970, To: 1000}}
			x.s.Placed[1].Starts = []int{900, 900}
		}, "back 29 minutes after the stretch that ends at 960, allowed 10"},
		"mode": {func(x *setting) { x.p.Workers[1].Mode = optimise.Foot }, "worker b: visit two starts at"},
		"traffic": {func(x *setting) {
			x.p.Traffic = []optimise.Traffic{{Bands: []optimise.Speed{{From: 0, Percent: 100}, {From: 540, Percent: 50}}}}
		}, "worker a: visit two starts at 569, there at 598"},
		"caseload":           {func(x *setting) { x.p.Workers[0].Caseload, x.p.Workers[0].Families = 1, []string{"g"} }, "worker a: 2 families, at most 1"},
		"faces":              {family(optimise.Family{MaxWorkers: 1}), "series f: 2 workers, at most 1"},
		"faces met":          {family(optimise.Family{MaxWorkers: 2, Met: []string{"gone"}}), "series f: 3 workers, at most 2"},
		"nobody known":       {family(optimise.Family{KnownFirst: true, Met: []string{"b"}}), "visit one: nobody of [a] is known"},
		"week's visits":      {family(optimise.Family{PerWeek: 1}), "2 visits in week 0, at most 1"},
		"substitute":         {family(optimise.Family{Regular: []string{"b"}, Substitutes: &optimise.Substitutes{Most: 4, Used: 4}}), "5 visits by substitutes, at most 4"},
		"substitute running": {family(optimise.Family{Regular: []string{"z"}, Substitutes: &optimise.Substitutes{Most: 4, NeverRunning: true, LastWas: true}}), "a substitute on day 0"},
		"days running": {func(x *setting) {
			family(optimise.Family{NotRunning: true})(x)
			w := &x.p.Workers[0]
			w.Shifts = append(w.Shifts, optimise.Window{From: 480 + 1440, To: 960 + 1440})
			x.p.Visits[0].Windows, x.s.Placed[0].Starts = w.Shifts, []int{480 + 1440}
		}, "visits on day 0 and the next"},
		"unknown worker": {func(x *setting) { x.s.Placed[0].Workers = []string{"z"} }, "no worker z"},
		"unknown visit":  {func(x *setting) { x.s.Placed[0].Visit = "z" }, "visit z is not of the problem"},
		"locked elsewhere": {func(x *setting) {
			x.p.Visits[0].Locked, x.p.Visits[0].Published = true, &optimise.Assignment{Workers: []string{"a"}, Starts: []int{500}}
		}, "locked and was moved"},
	} {
		x := good()
		test.spoil(&x)
		if bad := check.Schedule(x.p, x.s); !slices.ContainsFunc(bad, func(e error) bool { return strings.Contains(e.Error(), test.want) }) {
			t.Errorf("%s: got %v, want %q", name, bad, test.want)
		}
	}
}
