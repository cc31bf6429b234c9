package api

import (
	"context"

	"github.com/hearthfps/hearth/pkg/policy"
	"github.com/hearthfps/hearth/pkg/postgres"
	"github.com/hearthfps/hearth/services/planning/casefile"
)

// ofCase is something of a case as the policies see it: the case itself, or a
// thing of one of the types assignment, exclusion, plan, safety_plan, review and
// timeline.
func ofCase(kind, id string, caseID casefile.CaseID) policy.Resource {
	return policy.Resource{Type: kind, ID: id, CaseID: string(caseID)}
}

// visible holds a list of cases c to those the asker may see.
func (s *Server) visible(ctx context.Context) func(args []any) (string, []any, error) {
	return func(args []any) (string, []any, error) {
		return s.Policy.Filter(ctx, policy.Rows{Type: "case", Case: "c.case_id"}, args...)
	}
}

// revoke takes access to the case from those whose assignments ended. Planning
// owns assignments, so its own access follows in the same transaction; other
// services hear of it.
func revoke(ctx context.Context, tx *postgres.Tx, ended ...casefile.Assignment) error {
	for _, a := range ended {
		if err := policy.UnassignWorker(ctx, tx, string(a.CaseID), a.WorkerID); err != nil {
			return err
		}
	}
	return nil
}
