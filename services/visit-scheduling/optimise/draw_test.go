package optimise_test

import (
	"fmt"
	"slices"

	"pgregory.net/rapid"

	. "github.com/hearthfps/hearth/services/visit-scheduling/optimise"
)

// drawProblem makes an agency's days with everything in it: pairs, ordered
// teams, remote visits, several windows, absences, limits, exclusions, series,
// locked and published visits.
func drawProblem(t *rapid.T) Problem {
	skills, languages := []string{"parenting", "trauma"}, []string{"fi", "so"}
	places := []*Place{
		nil, {Unknown: true}, {Lat: 60.98, Lon: 25.66}, {Lat: 61.02, Lon: 25.70}, {Lat: 60.95, Lon: 25.60}, {Lat: 61.00, Lon: 25.90}, {Lat: 61.30, Lon: 26.20},
	}
	some := func(all []string, label string) []string {
		return rapid.SliceOfNDistinct(rapid.SampledFrom(all), 0, len(all), rapid.ID[string]).Draw(t, label)
	}
	days := rapid.IntRange(1, 3).Draw(t, "days")
	p := Problem{Now: rapid.IntRange(-2000, 2000).Draw(t, "now")}
	switch rapid.SampledFrom([]string{"the estimate", "odd travel", "areas"}).Draw(t, "travel") {
	case "odd travel":
		p.Travel = oddTravel{}
	case "areas":
		p.Travel = Estimate{Areas: true, UnknownMinutes: 15}
	}
	var ids []string
	for i := range rapid.SampledFrom([]int{2, 4, 6, 3, 1, 0}).Draw(t, "workers") {
		w := Worker{
			ID: fmt.Sprint("w", i), Skills: some(skills, "has"), Languages: some(languages, "speaks"),
			Start: rapid.SampledFrom(places).Draw(t, "start"), End: rapid.SampledFrom(places).Draw(t, "end"),
			MaxDayMinutes: rapid.SampledFrom([]int{0, 0, 200, 400}).Draw(t, "day limit"), MaxWeekMinutes: rapid.SampledFrom([]int{0, 600}).Draw(t, "week limit"),
			Attributes: some([]string{"x", "y"}, "attributes"),
		}
		if rapid.IntRange(0, 2).Draw(t, "worker's more") == 0 {
			drawMore(t, &w, days)
		}
		for d := range days {
			from := d*DayMinutes + rapid.IntRange(360, 600).Draw(t, "from")
			w.Shifts = append(w.Shifts, Window{from, from + rapid.IntRange(120, 1000).Draw(t, "hours")})
		}
		if rapid.IntRange(0, 2).Draw(t, "away") == 0 {
			from := rapid.IntRange(0, days*DayMinutes).Draw(t, "away from")
			w.Absences = append(w.Absences, Window{from, from + rapid.IntRange(10, 900).Draw(t, "away for")})
		}
		ids = append(ids, w.ID)
		p.Workers = append(p.Workers, w)
	}
	for i := range rapid.IntRange(0, 14).Draw(t, "visits") {
		v := Visit{
			ID: fmt.Sprint("v", i), Place: rapid.SampledFrom(places).Draw(t, "place"), Minutes: rapid.IntRange(5, 150).Draw(t, "minutes"),
			Priority: rapid.IntRange(0, 2).Draw(t, "priority"), Optional: rapid.IntRange(0, 4).Draw(t, "optional") == 0, Penalty: 400,
		}
		for range rapid.SampledFrom([]int{1, 1, 2, 3, 0}).Draw(t, "windows") {
			from := rapid.IntRange(0, days-1).Draw(t, "opens on")*DayMinutes + rapid.IntRange(300, 1000).Draw(t, "opens at")
			v.Windows = append(v.Windows, Window{from, from + rapid.IntRange(30, 900).Draw(t, "open for")})
		}
		for range rapid.SampledFrom([]int{1, 2, 0, 3}).Draw(t, "roles") {
			v.Roles = append(v.Roles, Role{})
			if rapid.IntRange(0, 2).Draw(t, "role needs") == 2 {
				v.Roles[len(v.Roles)-1] = Role{Skills: some(skills, "skill"), Languages: some(languages, "language")}
			}
			if rapid.IntRange(0, 9).Draw(t, "role needs more") == 9 {
				v.Roles[len(v.Roles)-1].Levels = map[string]int{"trauma": 2}
				v.Roles[len(v.Roles)-1].Attributes = some([]string{"x", "y"}, "asked for")
			}
		}
		v.Daylight, v.NotLast = rapid.IntRange(0, 3).Draw(t, "daylight") == 3, rapid.IntRange(0, 3).Draw(t, "not last") == 3
		if rapid.IntRange(0, 3).Draw(t, "wishes") == 3 {
			v.Wishes = []Wish{{"x", 120}, {"z", 70}}
		}
		if len(v.Roles) > 1 && rapid.Bool().Draw(t, "ordered") {
			least := rapid.IntRange(0, 100).Draw(t, "gap")
			v.Gap = &Gap{least, least + rapid.IntRange(0, 100).Draw(t, "gap more")}
		}
		if rapid.IntRange(0, 2).Draw(t, "in series") > 0 {
			v.Series = fmt.Sprint("s", rapid.IntRange(0, 2).Draw(t, "series"))
			v.PerDay, v.Spacing = rapid.IntRange(0, 2).Draw(t, "per day"), rapid.IntRange(0, 3).Draw(t, "spacing")
		}
		v.NeverAlone = len(v.Roles) > 1 && v.Gap == nil
		if rapid.IntRange(0, 4).Draw(t, "team") == 0 {
			v.TeamSkills = some(skills, "team skill")
		}
		if len(ids) > 0 {
			if rapid.IntRange(0, 3).Draw(t, "excludes") == 0 {
				v.Excluded = some(ids, "excluded")
			}
			if rapid.IntRange(0, 3).Draw(t, "prefers") == 0 {
				v.Preferred = some(ids, "preferred")
			}
			if rapid.IntRange(0, 2).Draw(t, "published") == 0 {
				a := &Assignment{}
				start := rapid.IntRange(0, days*DayMinutes).Draw(t, "at")
				if len(v.Windows) > 0 && rapid.Bool().Draw(t, "in window") {
					start = v.Windows[0].From
				}
				for range max(1, len(v.Roles)) {
					a.Workers = append(a.Workers, rapid.SampledFrom(ids).Draw(t, "by"))
					a.Starts = append(a.Starts, start)
				}
				v.Published = a
				v.Locked = rapid.Bool().Draw(t, "locked")
			}
		}
		p.Visits = append(p.Visits, v)
	}
	for i := range 3 {
		if rapid.Bool().Draw(t, "family") {
			p.Families = append(p.Families, drawFamily(t, fmt.Sprint("s", i), append(slices.Clone(ids), "gone")))
		}
	}
	drawDay(t, &p, days)
	return p
}

// drawMore gives a worker breaks, overtime, levels, another way of travelling and
// more limits.
func drawMore(t *rapid.T, w *Worker, days int) {
	w.Mode = rapid.SampledFrom([]Mode{Car, Transit, Bicycle, Foot}).Draw(t, "mode")
	w.Levels = map[string]int{"trauma": rapid.IntRange(1, 3).Draw(t, "level")}
	w.OvertimeMinutes = rapid.SampledFrom([]int{0, 30, 200}).Draw(t, "overtime")
	w.MaxDayVisits, w.MaxWeekVisits = rapid.IntRange(0, 3).Draw(t, "visits a day"), rapid.IntRange(0, 4).Draw(t, "visits a week")
	if w.Caseload = rapid.IntRange(0, 2).Draw(t, "caseload"); rapid.Bool().Draw(t, "has families") {
		w.Families = []string{"s0", "elsewhere"}
	}
	for d := range days {
		for k := range rapid.IntRange(0, 2).Draw(t, "breaks") {
			from := d*DayMinutes + 600 + 180*k + rapid.IntRange(0, 60).Draw(t, "break from")
			w.Breaks = append(w.Breaks, Break{Window{from, from + rapid.IntRange(40, 120).Draw(t, "break within")}, rapid.IntRange(10, 40).Draw(t, "break")})
		}
	}
}

func drawFamily(t *rapid.T, series string, workers []string) Family {
	some := func(label string) []string {
		return rapid.SliceOfNDistinct(rapid.SampledFrom(workers), 0, 2, rapid.ID[string]).Draw(t, label)
	}
	f := Family{
		Series: series, Regular: some("regular"), Met: some("met"), MaxWorkers: rapid.IntRange(0, 3).Draw(t, "most workers"),
		KnownFirst: rapid.IntRange(0, 3).Draw(t, "known first") == 3, PerWeek: rapid.IntRange(0, 3).Draw(t, "per week"),
		NotRunning: rapid.IntRange(0, 3).Draw(t, "not running") == 3, SteadyWeekday: rapid.Bool().Draw(t, "steady"),
	}
	if len(f.Regular) > 0 && rapid.Bool().Draw(t, "substitutes bounded") {
		f.Substitutes = &Substitutes{
			Most: rapid.IntRange(0, 4).Draw(t, "most substitutes"), Used: rapid.IntRange(0, 2).Draw(t, "used"),
			NeverRunning: rapid.Bool().Draw(t, "never running"), LastWas: rapid.Bool().Draw(t, "last was"),
		}
	}
	return f
}

// drawDay makes nights, traffic and weights.
func drawDay(t *rapid.T, p *Problem, days int) {
	for d := range days + 1 {
		p.Dark = append(p.Dark, Window{d*DayMinutes - 480, d*DayMinutes + rapid.IntRange(0, 600).Draw(t, "sunrise")})
	}
	if rapid.IntRange(0, 2).Draw(t, "traffic") == 2 {
		for _, m := range []Mode{Car, Transit} {
			p.Traffic = append(p.Traffic, Traffic{Mode: m, Bands: []Speed{{420, rapid.IntRange(10, 400).Draw(t, "morning")}, {540, 100}, {900, rapid.IntRange(10, 120).Draw(t, "afternoon")}}})
		}
		p.Traffic = append(p.Traffic, Traffic{Mode: Car, Days: []int{1}, Bands: []Speed{{0, 70}}})
	}
	if rapid.Bool().Draw(t, "fair") {
		p.Weights = DefaultWeights()
		p.Weights.FairLoad, p.Weights.FairTravel, p.Weights.FairEvening = 5, 3, 40
		p.Evening = rapid.SampledFrom([]int{0, 600}).Draw(t, "evening")
	}
}

// oddTravel is neither symmetric nor bound by the triangle inequality, and from a
// door to the next of the same area it takes three minutes.
type oddTravel struct{}

func (oddTravel) Minutes(from, to Place) int {
	if from == to {
		return 3
	}
	return int(from.Lat*1000+2*to.Lon*1000) % 37
}
