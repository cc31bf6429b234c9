package api

import (
	"context"

	"github.com/hearthfps/hearth/pkg/policy"
	"github.com/hearthfps/hearth/services/assessment/record"
)

// resource is an assessment as the policies see it.
func resource(a *record.Assessment) policy.Resource {
	return policy.Resource{Type: "assessment", ID: string(a.ID), CaseID: a.CaseID, Author: a.CompletedBy}
}

// ofCase are the assessments of a case taken together.
func ofCase(caseID string) policy.Resource {
	return policy.Resource{Type: "case", ID: caseID, CaseID: caseID}
}

// visible holds a list of assessments a to the cases the asker may see.
func (s *Server) visible(ctx context.Context) func(args []any) (string, []any, error) {
	return func(args []any) (string, []any, error) {
		return s.Policy.Filter(ctx, policy.Rows{Type: "assessment", Case: "a.case_id"}, args...)
	}
}
