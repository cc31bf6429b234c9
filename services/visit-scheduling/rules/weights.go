package rules

import (
	"fmt"
	"io/fs"
	"maps"
	"slices"

	"github.com/hearthfps/hearth/pkg/rules"
	"github.com/hearthfps/hearth/services/visit-scheduling/optimise"
	"github.com/hearthfps/hearth/services/visit-scheduling/schedule"
)

type weightsFile struct {
	rules.Header `yaml:",inline"`
	Default      weightsOf            `yaml:"default"`
	Agencies     map[string]weightsOf `yaml:"agencies"`
}

type weightsOf struct {
	Points map[string]int `yaml:"points"`
	Safety safety         `yaml:"safety"`
}

type safety struct {
	LoneAfterDark *bool `yaml:"lone_after_dark"`
	Dark          *struct {
		From string `yaml:"from"`
		To   string `yaml:"to"`
	} `yaml:"dark"`
	Place *struct {
		Lat float64 `yaml:"lat"`
		Lon float64 `yaml:"lon"`
	} `yaml:"place"`
}

// points names what can be weighed, and where it goes.
func points(w *schedule.Weighing) map[string]*int {
	p := &w.Weights
	return map[string]*int{
		"travel_minute": &p.TravelMinute, "overtime_minute": &p.OvertimeMinute, "stranger": &p.Stranger, "new_face": &p.NewFace,
		"wish": &w.Wish, "other_worker": &p.ChangedWorker, "moved_minute": &p.MovedMinute, "moved_most": &p.MovedMost,
		"notice_factor": &p.ShortNotice, "notice_days": &p.NoticeDays, "spacing_day": &p.SpacingDay, "weekday": &p.Weekday,
		"fair_load": &p.FairLoad, "fair_travel": &p.FairTravel, "fair_evening": &p.FairEvening, "unplaced": &p.Unplaced,
	}
}

// Weighing is what an agency weighs against what; one that is not named has the
// default.
func (b *Book) Weighing(agency string) schedule.Weighing {
	if w, named := b.weighing[agency]; named {
		return w
	}
	return b.weighing[""]
}

// loadWeights reads weights.yaml.
func (b *Book) loadWeights(files fs.FS) error {
	const name = "weights.yaml"
	data, err := fs.ReadFile(files, name)
	if err != nil {
		return fmt.Errorf("read weights: %w", err)
	}
	f, ref, err := rules.Parse[weightsFile](name, data)
	if err != nil {
		return err
	}
	b.WeightsRule, b.weighing = ref, map[string]schedule.Weighing{}
	known := points(&schedule.Weighing{})
	for _, p := range slices.Sorted(maps.Keys(known)) {
		if _, said := f.Default.Points[p]; !said {
			return fmt.Errorf("%s: default: points: %s is missing", name, p)
		}
	}
	if f.Default.Safety.LoneAfterDark == nil || f.Default.Safety.Dark == nil {
		return fmt.Errorf("%s: default: safety: say lone_after_dark and dark", name)
	}
	standard := schedule.Weighing{}
	if err := f.Default.over(&standard); err != nil {
		return fmt.Errorf("%s: default: %w", name, err)
	}
	b.weighing[""] = standard
	for _, agency := range slices.Sorted(maps.Keys(f.Agencies)) {
		own := standard
		if err := f.Agencies[agency].over(&own); err != nil {
			return fmt.Errorf("%s: agencies: %s: %w", name, agency, err)
		}
		b.weighing[agency] = own
	}
	return nil
}

// over writes what is said over what w holds.
func (f weightsOf) over(w *schedule.Weighing) error {
	known := points(w)
	for _, p := range slices.Sorted(maps.Keys(f.Points)) {
		to, is := known[p]
		if !is {
			return fmt.Errorf("points: there is no %q: one of %v", p, slices.Sorted(maps.Keys(known)))
		}
		*to = f.Points[p]
	}
	// the search refuses what it cannot count with
	if err := (&optimise.Problem{Weights: w.Weights}).Validate(); err != nil {
		return fmt.Errorf("points: %w", err)
	}
	if w.Wish < 0 || w.Wish > 1_000_000 {
		return fmt.Errorf("points: wish: 0 to 1000000")
	}
	if f.Safety.LoneAfterDark != nil {
		w.LoneByDaylight = !*f.Safety.LoneAfterDark
	}
	if d := f.Safety.Dark; d != nil {
		var err error
		if w.DarkFrom, err = schedule.ParseTimeOfDay(d.From); err != nil {
			return fmt.Errorf("safety: dark: from: %w", err)
		}
		if w.DarkTo, err = schedule.ParseTimeOfDay(d.To); err != nil {
			return fmt.Errorf("safety: dark: to: %w", err)
		}
	}
	if p := f.Safety.Place; p != nil {
		if p.Lat < -90 || p.Lat > 90 || p.Lon < -180 || p.Lon > 180 {
			return fmt.Errorf("safety: place: lat -90 to 90, lon -180 to 180")
		}
		w.Place = &schedule.Point{Lat: p.Lat, Lon: p.Lon}
	}
	return nil
}
