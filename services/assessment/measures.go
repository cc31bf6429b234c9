package assessment

import (
	"github.com/hearthfps/hearth/pkg/app"
	"github.com/hearthfps/hearth/services/assessment/postgres"
)

// signals are what assessment counts as it happens.
func signals() []app.Signal {
	return []app.Signal{
		{Metric: "hearth_assessments_completed_total", Help: "Assessments completed.", Event: "org.hearth.assessment.assessment.completed.v1"},
		{
			Metric: "hearth_safety_decisions_total", Help: "Safety decisions, by what was decided.", Event: "org.hearth.assessment.safety.decided.v1",
			Fields: map[string][]string{"decision": {"safe", "safe_with_plan", "unsafe"}},
		},
	}
}

// censuses are what stands in assessment's tables.
func censuses() []app.Census {
	return []app.Census{
		{Metric: "hearth_assessments_open", Help: "Assessments not completed: those whose day is to come, and those that are overdue.", Labels: []string{"state"}, Count: postgres.AssessmentsByState},
	}
}
