package schedule

import (
	"cmp"
	"math"
	"slices"
	"time"

	"github.com/hearthfps/hearth/pkg/rules"
)

// ChildSeen is what a worker says at check-out: whether the child was seen alone,
// and why not.
type ChildSeen struct {
	Alone  bool   `json:"alone"`
	Reason string `json:"reason_code,omitempty"`
}

// Tally counts a case's visits of a time by what coverage is measured by.
type Tally struct {
	Due, Completed, CompletedHome, SeenAlone, ElsewhereInARow int
	Attempted, Cancelled                                      int
}

// TallyOf counts visits of one case. An attempted visit is due and never completed; one
// the family cancelled is not due; one whose time, or week, has passed by now is.
func TallyOf(visits []Visit, now time.Time, zone *time.Location) Tally {
	var t Tally
	visits = slices.Clone(visits)
	slices.SortFunc(visits, func(a, b Visit) int {
		return cmp.Or(startOf(a, zone).Compare(startOf(b, zone)), cmp.Compare(a.ID, b.ID))
	})
	row := 0
	for _, v := range visits {
		switch v.Status {
		case Completed:
			t.Due++
			t.Completed++
			if v.ChildSeen != nil && v.ChildSeen.Alone {
				t.SeenAlone++
			}
			if v.Place == Home {
				t.CompletedHome++
				row = 0
			} else {
				row++
				t.ElsewhereInARow = max(t.ElsewhereInARow, row)
			}
		case Attempted:
			t.Due++
			t.Attempted++
		case Cancelled:
			t.Cancelled++
			if v.Closing != nil && v.Closing.Side == AgencySide {
				t.Due++
			}
		case Scheduled, InProgress:
			if v.Slot.EndsAt.Before(now) {
				t.Due++
			}
		case Unplaced:
			if !v.Week.Next(1).Monday.Start(zone).After(now) {
				t.Due++
			}
		}
	}
	return t
}

// startOf is when a visit begins, or the beginning of its week.
func startOf(v Visit, zone *time.Location) time.Time {
	if v.Slot != nil {
		return v.Slot.StartsAt
	}
	return v.Week.Monday.Start(zone)
}

// Values are the tally in the words of the rule files.
func (t Tally) Values() map[string]any {
	return map[string]any{
		"due": int64(t.Due), "completed": int64(t.Completed), "completed_home": int64(t.CompletedHome),
		"seen_alone": int64(t.SeenAlone), "elsewhere_in_a_row": int64(t.ElsewhereInARow),
	}
}

// CoverageRule is one line of the rule file that visits are measured by.
type CoverageRule struct {
	Code, Says string
	// Applies says whether the rule concerns a case's month.
	Applies func(values map[string]any) (bool, error)
	// Counts is what is counted: at least Share of Of, or at least Least; or, when
	// Most is not nil, at most that.
	Counts, Of string
	Share      float64
	Least      int
	Most       *int
}

// Measure is the rules a case's month is measured by, and the file that says so.
type Measure struct {
	Ref   rules.Ref
	Rules []CoverageRule
}

// Says is what a rule asks for, in words.
func (m Measure) Says(code string) string {
	at := slices.IndexFunc(m.Rules, func(r CoverageRule) bool { return r.Code == code })
	if at < 0 {
		return ""
	}
	return m.Rules[at].Says
}

// Finding is what a rule says of a case's month: how much was required, or allowed,
// and how much was done. Gap is by how much it is missed, 0 when it is met.
type Finding struct {
	Code           string
	Required, Done int
	Gap            int
}

// Judge measures a tally. Rules that do not concern it are left out.
func (m Measure) Judge(t Tally) ([]Finding, error) {
	values := t.Values()
	count := func(name string) int { n, _ := values[name].(int64); return int(n) }
	findings := []Finding{}
	for _, r := range m.Rules {
		concerned, err := r.Applies(values)
		if err != nil {
			return nil, err
		}
		if !concerned {
			continue
		}
		f := Finding{Code: r.Code, Done: count(r.Counts)}
		switch {
		case r.Most != nil:
			f.Required = *r.Most
			f.Gap = max(f.Done-f.Required, 0)
		case r.Of != "":
			f.Required = int(math.Ceil(r.Share*float64(count(r.Of)) - 1e-9))
			f.Gap = max(f.Required-f.Done, 0)
		default:
			f.Required = r.Least
			f.Gap = max(f.Required-f.Done, 0)
		}
		findings = append(findings, f)
	}
	return findings, nil
}
