package play

import (
	"fmt"
	"io/fs"
	"slices"

	specs "github.com/hearthfps/hearth/api-specs"
	"github.com/hearthfps/hearth/pkg/clock"
	"github.com/hearthfps/hearth/pkg/rules"
)

// programs are the shipped program files, which the people of the agency know.
func programs() (*rules.Library[rules.Program], error) {
	files, err := fs.Sub(specs.Rules, "rules")
	if err != nil {
		return nil, err
	}
	return rules.LoadLibrary[rules.Program](files, "programs", nil)
}

// pattern is the visit pattern a worker proposes: what is usual in the program;
// two workers, and somewhere else than at home, where there is violence. It is
// nil when the program has no visits.
func (c *Cast) pattern(file Case) (map[string]any, error) {
	versions := c.programs.Versions(file.Program)
	if len(versions) == 0 {
		return nil, fmt.Errorf("program %s is not among those shipped", file.Program)
	}
	v := versions[len(versions)-1].Rules.Visits
	if v.TimesAWeek.Max == 0 {
		return nil, nil
	}
	workers, place := max(1, v.Workers.Usual), v.Places[0]
	if slices.Contains(file.SafetyFlags, "domestic_violence") || slices.Contains(file.SafetyFlags, "weapons") {
		workers = v.Workers.Max
		if slices.Contains(v.Places, "office") {
			place = "office"
		}
	}
	weekdays := []string{"mon", "tue", "wed", "thu", "fri"}
	if len(v.Weekdays) > 0 {
		weekdays = slices.DeleteFunc(weekdays, func(d string) bool {
			return !slices.ContainsFunc(v.Weekdays, func(w clock.Weekday) bool { return string(w) == d })
		})
	}
	skills := v.Skills
	if skills == nil {
		skills = []string{}
	}
	pattern := map[string]any{
		"times_a_week": usual(v.TimesAWeek), "minutes": min(usual(v.Minutes), 240), "workers": workers, "place": place,
		"skills": skills, "earliest": "09:00", "latest": "17:00", "weekdays": weekdays,
	}
	if workers == 1 && len(file.Languages) > 0 && slices.Contains([]string{"en", "fi", "sv"}, file.Languages[0]) {
		pattern["language"] = file.Languages[0]
	}
	return pattern, nil
}

func usual(r rules.Range) int {
	if r.Usual > 0 {
		return r.Usual
	}
	return max(1, r.Min)
}
