package policy

import (
	"context"
	"fmt"
	"strings"

	"github.com/hearthfps/hearth/pkg/auth"
	"github.com/hearthfps/hearth/pkg/fault"
	"github.com/hearthfps/hearth/pkg/tenant"
)

// Rows says where a list's rows keep what the rule needs, as SQL expressions.
type Rows struct {
	// Type is the resources' type.
	Type string
	// Case is the column of the case; a NULL or empty one belongs to no case yet.
	Case string
	// Workers is a text[] column of workers assigned to the row itself; "" is none.
	Workers string
}

// Filter gives the rule for reading as an SQL condition over rows, for the
// principal of ctx. args are the query's arguments so far; the condition's
// placeholders come after them, and the arguments of both are returned:
//
//	where, args, err := engine.Filter(ctx, policy.Rows{Type: "plan", Case: "p.case_id"}, limit)
//	query := "SELECT … FROM plan p WHERE " + where + " LIMIT $1"
//
// The condition is made by asking the policies about each way a worker can stand
// to a row (assigned or not, excluded or not, with or without a case), so there is
// no second copy of the rule. An argument is added only where it is used. Break-glass opens no lists.
func (e *Engine) Filter(ctx context.Context, rows Rows, args ...any) (string, []any, error) {
	p, ok := auth.From(ctx)
	if !ok {
		return "", nil, fault.New(fault.Unauthenticated, "principal_missing", "This needs somebody who asks.")
	}
	agency, ok := tenant.From(ctx)
	if !ok {
		return "", nil, fault.New(fault.Internal, "agency_missing", "A list needs an agency.")
	}
	me := fmt.Sprintf("$%d", len(args)+1)
	// The columns are renamed, so that a row's own case_id is never taken for case_access's.
	known := "EXISTS (SELECT FROM case_access AS known (known_agency, known_case, known_worker, known_role, known_excluded)" +
		" WHERE known_case = " + rows.Case + " AND known_worker = " + me
	assigned := known + " AND known_role <> '')"
	if rows.Workers != "" {
		assigned = "(" + assigned + " OR coalesce(" + me + " = ANY(" + rows.Workers + "), false))"
	}
	excluded := known + " AND known_excluded)"
	none := "coalesce(" + rows.Case + ", '') = ''"

	var allowed []string
	asksWho := false
	for _, way := range []struct {
		condition       string
		inCase, exclude bool
	}{{none, false, false}, {"NOT " + none + " AND NOT " + excluded, true, false}, {"NOT " + none + " AND " + excluded, true, true}} {
		may := [2]bool{}
		for i := range may {
			r := Resource{Type: rows.Type, ID: "row"}
			if way.inCase {
				r.CaseID = "case"
			}
			if i == 1 {
				r.AssignedWorkers = []string{p.Actor()}
			}
			if way.exclude {
				r.Excluded = []string{p.Actor()}
			}
			d, err := e.decide(world{principal: p, agency: agency.String(), resource: r}, Read)
			if err != nil {
				return "", nil, err
			}
			may[i] = d.allowed
		}
		asksWho = asksWho || (way.inCase && (may[0] || may[1])) || may[0] != may[1]
		switch may {
		case [2]bool{true, true}:
			allowed = append(allowed, "("+way.condition+")")
		case [2]bool{true, false}:
			allowed = append(allowed, "("+way.condition+" AND NOT "+assigned+")")
		case [2]bool{false, true}:
			allowed = append(allowed, "("+way.condition+" AND "+assigned+")")
		}
	}
	if asksWho {
		args = append(args[:len(args):len(args)], p.Actor())
	}
	if len(allowed) == 0 {
		return "(false)", args, nil
	}
	return "(" + strings.Join(allowed, " OR ") + ")", args, nil
}

// CaseFilter is Filter for rows with a case column alone.
func (e *Engine) CaseFilter(ctx context.Context, resourceType, column string, args ...any) (string, []any, error) {
	return e.Filter(ctx, Rows{Type: resourceType, Case: column}, args...)
}
