package play

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// Case is what a worker of the case sees of it.
type Case struct {
	CaseID      string   `json:"case_id"`
	ReferralID  string   `json:"referral_id"`
	HouseholdID string   `json:"household_id"`
	Program     string   `json:"program"`
	Status      string   `json:"status"`
	Languages   []string `json:"languages"`
	SafetyFlags []string `json:"safety_flags"`
	Persons     []struct {
		PersonID string `json:"person_id"`
		Role     string `json:"role"`
	} `json:"persons"`
	Workers []struct {
		WorkerID     string `json:"worker_id"`
		SupervisorID string `json:"supervisor_id"`
		Role         string `json:"role"`
	} `json:"workers"`
	Safety struct {
		Decision     string `json:"decision"`
		PlanDemanded bool   `json:"plan_demanded"`
		PlanInForce  bool   `json:"plan_in_force"`
		SafetyPlanID string `json:"safety_plan_id"`
	} `json:"safety"`
}

// Lead is the worker who leads the case, and the supervisor above.
func (c Case) Lead() (worker, supervisor string) {
	for _, w := range c.Workers {
		if w.Role == "lead" {
			return w.WorkerID, w.SupervisorID
		}
	}
	return "", ""
}

// persons returns the ids of the case's persons with this role.
func (c Case) persons(role string) []string {
	var ids []string
	for _, p := range c.Persons {
		if p.Role == role {
			ids = append(ids, p.PersonID)
		}
	}
	return ids
}

// Assign gives the case a lead worker: the first of the cast, in an order that
// depends on the case, whose caseload has room.
func (c *Cast) Assign(ctx context.Context, caseID string) (Case, error) {
	supervisor := pick(c.Supervisors, caseID)
	as := c.As("supervisor", supervisor)
	file, err := await(ctx, as, "/planning/v1/cases/"+caseID, func(Case) bool { return true })
	if err != nil {
		return Case{}, fmt.Errorf("await the file of case %s: %w", caseID, err)
	}
	if lead, _ := file.Lead(); lead != "" {
		return file, nil
	}
	first := slices.Index(c.Workers, pick(c.Workers, caseID))
	var full error
	for i := range c.Workers {
		worker := c.Workers[(first+i)%len(c.Workers)]
		_, err := as.Post(ctx, "/planning/v1/cases/"+caseID+"/assignments", map[string]any{
			"worker_id": worker, "supervisor_id": supervisor, "role": "lead",
		}, nil, Key("play", "assign", caseID, worker))
		if err == nil {
			return await(ctx, as, "/planning/v1/cases/"+caseID, func(f Case) bool { lead, _ := f.Lead(); return lead != "" })
		}
		if !Refused(err, 409) && !Refused(err, 422) {
			return Case{}, fmt.Errorf("assign case %s: %w", caseID, err)
		}
		full = err
	}
	return Case{}, fmt.Errorf("assign case %s: nobody has room: %w", caseID, full)
}

type assessment struct {
	AssessmentID      string            `json:"assessment_id"`
	Instrument        string            `json:"instrument"`
	InstrumentVersion string            `json:"instrument_version"`
	Status            string            `json:"status"`
	Occasion          string            `json:"occasion"`
	Answers           map[string]string `json:"answers"`
	Missing           []string          `json:"missing"`
}

// Assess answers and completes every assessment of the case's opening, safety first.
func (c *Cast) Assess(ctx context.Context, file Case) error {
	lead, _ := file.Lead()
	worker := c.As("family_worker", lead)
	type page struct {
		Items []assessment `json:"items"`
	}
	list, err := await(ctx, worker, "/assessment/v1/cases/"+file.CaseID+"/assessments", func(p page) bool { return len(p.Items) > 0 })
	if err != nil {
		return fmt.Errorf("await the assessments of case %s: %w", file.CaseID, err)
	}
	for _, a := range list.Items {
		if a.Status == "completed" || a.Status == "cancelled" {
			continue
		}
		if err := c.answer(ctx, worker, file, a); err != nil {
			return fmt.Errorf("assessment %s (%s) of case %s: %w", a.AssessmentID, a.Instrument, file.CaseID, err)
		}
	}
	// Planning learns of it by events; the plan is written from what it knows.
	type timeline struct {
		Items []struct {
			Type string `json:"type"`
		} `json:"items"`
	}
	_, err = await(ctx, worker, "/planning/v1/cases/"+file.CaseID+"/timeline?service=assessment&limit=200", func(t timeline) bool {
		known := 0
		for _, e := range t.Items {
			if e.Type == "org.hearth.assessment.assessment.completed.v1" {
				known++
			}
		}
		return known >= len(list.Items)
	})
	if err != nil {
		return fmt.Errorf("await the assessments of case %s in planning: %w", file.CaseID, err)
	}
	return nil
}

type instrument struct {
	Items []struct {
		Item    string `json:"item"`
		Options []struct {
			Option string `json:"option"`
			Means  string `json:"means"`
		} `json:"options"`
	} `json:"items"`
}

// answer saves answers in parts, as the answers so far decide what is asked next, and completes.
func (c *Cast) answer(ctx context.Context, worker *Person, file Case, a assessment) error {
	var form instrument
	if _, err := worker.Get(ctx, "/assessment/v1/instruments/"+a.Instrument+"/versions/"+a.InstrumentVersion, &form); err != nil {
		return err
	}
	path := "/assessment/v1/assessments/" + a.AssessmentID
	for {
		etag, err := worker.Get(ctx, path, &a)
		if err != nil {
			return err
		}
		if a.Status == "completed" {
			return nil
		}
		if len(a.Missing) == 0 {
			_, err := worker.Post(ctx, path+":complete", nil, nil, IfMatch(etag), Key("play", "complete", a.AssessmentID, etag))
			if Refused(err, 412) {
				continue
			}
			return err
		}
		answers := map[string]string{}
		for _, item := range form.Items {
			if !slices.Contains(a.Missing, item.Item) {
				continue
			}
			var options []string
			for _, o := range item.Options {
				if o.Means == "" {
					options = append(options, o.Option)
				}
			}
			answers[item.Item] = choose(file, a.Instrument, item.Item, options)
		}
		if len(answers) == 0 {
			return fmt.Errorf("items %v are missing and not on the form", a.Missing)
		}
		if _, err := worker.Patch(ctx, path, map[string]any{"answers": answers}, nil, IfMatch(etag)); err != nil && !Refused(err, 412) {
			return err
		}
	}
}

// choose answers one item as the story of the family has it.
func choose(file Case, instrument, item string, options []string) string {
	want := pick(options, file.CaseID+item)
	if instrument == "safety_checklist" {
		want = "absent" // most dangers are looked for and not found
		switch item {
		case "children_seen", "caregiver_acts", "network_acts", "other_adult_cares":
			want = "present"
		case "violence_between_adults":
			if slices.Contains(file.SafetyFlags, "domestic_violence") {
				want = "present"
			}
		}
	}
	if slices.Contains(options, want) {
		return want
	}
	return options[0]
}

// MakeSafe starts a safety plan when a safety decision demands one, and returns the case as it then is.
func (c *Cast) MakeSafe(ctx context.Context, file Case, today time.Time) (Case, error) {
	lead, _ := file.Lead()
	worker := c.As("family_worker", lead)
	file, err := await(ctx, worker, "/planning/v1/cases/"+file.CaseID, func(f Case) bool { return f.Safety.Decision != "" })
	if err != nil {
		return file, fmt.Errorf("await the safety decision of case %s: %w", file.CaseID, err)
	}
	if !file.Safety.PlanDemanded {
		return file, nil
	}
	_, err = worker.Post(ctx, "/planning/v1/cases/"+file.CaseID+"/safety-plans", map[string]any{
		"actions": []map[string]any{
			{"description": "The worker calls every evening this week.", "responsible": map[string]any{"kind": "worker", "id": lead}},
			{"description": "The children sleep at a relative's when there is shouting.", "responsible": map[string]any{"kind": "network"}},
		},
		"review_on": today.AddDate(0, 0, 7).Format(time.DateOnly),
	}, nil, Key("play", "safety-plan", file.CaseID))
	if err != nil {
		return file, fmt.Errorf("start the safety plan of case %s: %w", file.CaseID, err)
	}
	return await(ctx, worker, "/planning/v1/cases/"+file.CaseID, func(f Case) bool { return f.Safety.PlanInForce })
}
