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
// to a row (assigned or not, excluded or not, of their units or not, with or without a case), so there is
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
	inCase := "NOT " + none
	ways := []way{{none, false, false, false}, {inCase + " AND " + excluded, true, true, false}}
	units := fmt.Sprintf("$%d", len(args)+2)
	if p.Units == nil {
		ways = append(ways, way{inCase + " AND NOT " + excluded, true, false, false})
	} else {
		elsewhere := "EXISTS (SELECT FROM case_unit AS placed (placed_agency, placed_case, placed_unit) WHERE placed_case = " + rows.Case +
			" AND NOT EXISTS (SELECT FROM unnest(" + units + "::text[]) AS mine WHERE placed_unit = mine OR starts_with(placed_unit, mine || '/')))"
		ways = append(ways, way{inCase + " AND NOT " + excluded + " AND NOT " + elsewhere, true, false, false},
			way{inCase + " AND NOT " + excluded + " AND " + elsewhere, true, false, true})
	}

	var allowed []string
	asksWho := false
	for _, way := range ways {
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
			d, err := e.decide(world{principal: p, agency: agency.String(), resource: r, elsewhere: way.elsewhere}, Read)
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
		if p.Units != nil && strings.Contains(strings.Join(allowed, ""), units+"::") {
			args = append(args, p.Units)
		}
	}
	if len(allowed) == 0 {
		return "(false)", args, nil
	}
	return "(" + strings.Join(allowed, " OR ") + ")", args, nil
}

// way is one way a row can stand to a worker, and the condition of it.
type way struct {
	condition                  string
	inCase, exclude, elsewhere bool
}

// CaseFilter is Filter for rows with a case column alone.
func (e *Engine) CaseFilter(ctx context.Context, resourceType, column string, args ...any) (string, []any, error) {
	return e.Filter(ctx, Rows{Type: resourceType, Case: column}, args...)
}
