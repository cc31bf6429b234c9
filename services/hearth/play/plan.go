package play

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// Plan is what was agreed with a family.
type Plan struct {
	PlanID        string   `json:"plan_id"`
	Version       int      `json:"version"`
	Status        string   `json:"status"`
	ResourceNeeds []string `json:"resource_needs"`
	Goals         []struct {
		GoalID string `json:"goal_id"`
	} `json:"goals"`
}

// Plan writes a plan from the assessed needs, submits it and has the supervisor approve it.
// The visits start on the day after today, for the given number of weeks.
func (c *Cast) Plan(ctx context.Context, file Case, today time.Time, weeks int) (Plan, error) {
	lead, supervisor := file.Lead()
	worker := c.As("family_worker", lead)
	plan, err := c.draft(ctx, worker, file, today, weeks)
	if err != nil {
		return plan, fmt.Errorf("write the plan of case %s: %w", file.CaseID, err)
	}
	path := "/planning/v1/plans/" + plan.PlanID
	if plan.Status == "draft" || plan.Status == "returned" {
		if err := c.change(ctx, worker, path, ":submit", nil, &plan, "submit"); err != nil {
			return plan, fmt.Errorf("submit plan %s: %w", plan.PlanID, err)
		}
	}
	if plan.Status == "submitted" {
		if err := c.change(ctx, c.As("supervisor", supervisor), path, ":approve", nil, &plan, "approve"); err != nil {
			return plan, fmt.Errorf("approve plan %s: %w", plan.PlanID, err)
		}
	}
	return plan, nil
}

func (c *Cast) draft(ctx context.Context, worker *Person, file Case, today time.Time, weeks int) (Plan, error) {
	var known struct {
		Items []struct {
			PlanID string `json:"plan_id"`
		} `json:"items"`
	}
	if _, err := worker.Get(ctx, "/planning/v1/cases/"+file.CaseID+"/plans", &known); err != nil {
		return Plan{}, err
	}
	var plan Plan
	if len(known.Items) > 0 {
		_, err := worker.Get(ctx, "/planning/v1/plans/"+known.Items[0].PlanID, &plan)
		return plan, err
	}
	var drafts struct {
		Items []struct {
			Domain        string         `json:"domain"`
			Statement     string         `json:"statement"`
			Interventions []string       `json:"interventions"`
			ResourceNeeds []string       `json:"resource_needs"`
			FromNeed      map[string]any `json:"from_need"`
		} `json:"items"`
	}
	if _, err := worker.Get(ctx, "/planning/v1/cases/"+file.CaseID+"/draft-goals", &drafts); err != nil {
		return Plan{}, err
	}
	caregivers := file.persons("caregiver")
	goals, needs := []map[string]any{}, []string{}
	for i, d := range drafts.Items {
		interventions := []map[string]any{}
		for k, what := range d.Interventions {
			responsible := map[string]any{"kind": "worker", "id": worker.Worker}
			if k%2 == 1 || len(d.Interventions) == 1 {
				responsible = familyMember(caregivers)
			}
			interventions = append(interventions, map[string]any{"description": what, "responsible": responsible})
		}
		goals = append(goals, map[string]any{
			"domain": d.Domain, "statement": d.Statement, "from_need": d.FromNeed, "interventions": interventions,
			"due_on": today.AddDate(0, 0, 7*weeks).Format(time.DateOnly),
		})
		if i < 2 {
			for _, n := range d.ResourceNeeds {
				if !slices.Contains(needs, n) {
					needs = append(needs, n)
				}
			}
		}
	}
	if len(goals) == 0 { // every area is strong: the family still chose one thing to work on
		goals = append(goals, map[string]any{
			"domain": "supports", "statement": "The family knows whom to ask for help.", "due_on": today.AddDate(0, 0, 7*weeks).Format(time.DateOnly),
			"interventions": []map[string]any{
				{"description": "Draw the family's network together.", "responsible": map[string]any{"kind": "worker", "id": worker.Worker}},
				{"description": "Invite one person of the network to a meeting.", "responsible": familyMember(caregivers)},
			},
		})
	}
	content := map[string]any{
		"goals": goals, "resource_needs": needs, "recipients": caregivers,
		"starts_on": today.AddDate(0, 0, 1).Format(time.DateOnly), "ends_on": today.AddDate(0, 0, 7*weeks).Format(time.DateOnly),
	}
	pattern, err := c.pattern(file)
	if err != nil {
		return Plan{}, err
	}
	if pattern != nil {
		content["visit_pattern"] = pattern
	}
	_, err = worker.Post(ctx, "/planning/v1/cases/"+file.CaseID+"/plans", content, &plan, Key("play", "plan", file.CaseID))
	return plan, err
}

// familyMember is the first caregiver, or whoever of the family it will be.
func familyMember(caregivers []string) map[string]any {
	if len(caregivers) == 0 {
		return map[string]any{"kind": "family_member"}
	}
	return map[string]any{"kind": "family_member", "id": caregivers[0]}
}
