package casefile

import (
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/hearthfps/hearth/pkg/fault"
)

// Review is how far the goals of a plan version are attained.
type Review struct {
	ID          string
	PlanID      string
	PlanVersion int
	CaseID      CaseID
	HeldOn      string // YYYY-MM-DD
	Ratings     []GoalRating
	TScore      float64
	Goals       int
	By          string
	At          time.Time
}

// GoalRating is one goal's level on the five-point attainment scale: -2 much
// less than expected, 0 as expected, +2 much more than expected.
type GoalRating struct {
	GoalID string `json:"goal_id"`
	Level  int    `json:"level"`
	Note   string `json:"note,omitempty"`
}

// intercorrelation is the average correlation between goals that Kiresuk and
// Sherman assume.
const intercorrelation = 0.3

// TScore is the goal attainment score of Kiresuk and Sherman (1968) with equal
// weights: 50 + 10·Σx / √((1−ρ)·n + ρ·n²), ρ = 0.3, to two decimals. 50 is "as
// expected" over all goals rated.
func TScore(levels []int) float64 {
	if len(levels) == 0 {
		return 50
	}
	sum, n := 0, float64(len(levels))
	for _, x := range levels {
		sum += x
	}
	t := 50 + 10*float64(sum)/math.Sqrt((1-intercorrelation)*n+intercorrelation*n*n)
	return math.Round(t*100) / 100
}

// Review rates goals of the approved version. A goal that is not rated is not in
// the score. It fails with Conflict: case_closed, plan_not_approved; and with
// Unprocessable (review_invalid) with every fault. today is the agency's day.
func (p *Plan) Review(c *Case, r Review, today string) (Review, error) {
	if err := c.mustBeOpen(); err != nil {
		return Review{}, err
	}
	i := slices.IndexFunc(p.Versions, func(v PlanVersion) bool { return v.Status == Approved })
	if i < 0 {
		return Review{}, fault.New(fault.Conflict, "plan_not_approved", "Only an approved plan is reviewed.")
	}
	v := &p.Versions[i]
	var fields []fault.Field
	seen := map[string]bool{}
	levels := make([]int, 0, len(r.Ratings))
	for i, rating := range r.Ratings {
		at := fmt.Sprintf("/ratings/%d", i)
		switch {
		case !slices.ContainsFunc(v.Content.Goals, func(g Goal) bool { return g.GoalID == rating.GoalID }):
			fields = append(fields, fault.Field{Pointer: at + "/goal_id", Code: "goal_unknown", Detail: "The approved plan has no such goal."})
		case seen[rating.GoalID]:
			fields = append(fields, fault.Field{Pointer: at + "/goal_id", Code: "goal_twice", Detail: "The goal is rated twice."})
		case rating.Level < -2 || rating.Level > 2:
			fields = append(fields, fault.Field{Pointer: at + "/level", Code: "level_unknown", Detail: "A level is -2 to 2."})
		}
		seen[rating.GoalID] = true
		levels = append(levels, rating.Level)
	}
	if r.HeldOn > today {
		fields = append(fields, fault.Field{Pointer: "/held_on", Code: "in_the_future", Detail: "A review is recorded when it has been held."})
	}
	if len(fields) > 0 {
		return Review{}, fault.New(fault.Unprocessable, "review_invalid", "The review cannot be recorded as it is.", fields...)
	}
	r.PlanID, r.PlanVersion, r.CaseID = p.ID, v.Number, p.CaseID
	r.TScore, r.Goals = TScore(levels), len(v.Content.Goals)
	return r, nil
}
