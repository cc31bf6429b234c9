package planning

import (
	"github.com/hearthfps/hearth/pkg/app"
	"github.com/hearthfps/hearth/services/planning/postgres"
)

// signals are what planning counts as it happens.
func signals() []app.Signal {
	return []app.Signal{
		{Metric: "hearth_plans_approved_total", Help: "Plans approved.", Event: "org.hearth.planning.plan.approved.v1"},
		{Metric: "hearth_plans_returned_total", Help: "Plans a supervisor returned.", Event: "org.hearth.planning.plan.returned.v1"},
		{Metric: "hearth_cases_closed_total", Help: "Cases closed.", Event: "org.hearth.planning.case.closed.v1"},
	}
}

// censuses are what stands in planning's tables.
func censuses() []app.Census {
	return []app.Census{
		{Metric: "hearth_cases_open", Help: "Cases that are not closed: open until a plan is approved, then active.", Labels: []string{"status"}, Count: postgres.OpenCases},
		{Metric: "hearth_cases_unassigned", Help: "Cases that are not closed and have no worker.", Count: postgres.UnassignedCases},
		{Metric: "hearth_caseload_workers", Help: "Workers with at least one case, by program.", Labels: []string{"program"}, Count: postgres.CaseloadWorkers},
		{Metric: "hearth_caseload_cases", Help: "Cases those workers have, by program; a case with two workers counts twice.", Labels: []string{"program"}, Count: postgres.CaseloadCases},
		{Metric: "hearth_caseload_largest", Help: "The largest caseload of one worker, by program.", Labels: []string{"program"}, Count: postgres.CaseloadLargest},
	}
}
