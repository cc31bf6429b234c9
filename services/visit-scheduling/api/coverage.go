package api

import (
	"context"
	"slices"
	"time"

	"github.com/hearthfps/hearth/pkg/clock"
	"github.com/hearthfps/hearth/pkg/httpapi"
	kit "github.com/hearthfps/hearth/pkg/postgres"
	"github.com/hearthfps/hearth/pkg/rules"
	"github.com/hearthfps/hearth/services/visit-scheduling/postgres"
	"github.com/hearthfps/hearth/services/visit-scheduling/schedule"
)

func childSeen(body *CheckOutJSONRequestBody) *schedule.ChildSeen {
	if body == nil || body.ChildSeenAlone == nil {
		return nil
	}
	return &schedule.ChildSeen{Alone: body.ChildSeenAlone.Seen, Reason: given[Code, string](body.ChildSeenAlone.ReasonCode)}
}

type coverageCursor struct {
	Case schedule.CaseID `json:"c"`
}

// monthSpan is a month of the agency's calendar. The contract's pattern lets nothing
// else through than a month.
func monthSpan(text string, later int, zone *time.Location) (month string, first clock.Date, span schedule.Span, err error) {
	m, err := time.Parse("2006-01", text)
	if err != nil {
		return "", first, span, err
	}
	first = clock.NewDate(m.Year(), m.Month(), 1).AddMonths(later)
	span = schedule.Span{From: first.Start(zone), To: first.AddMonths(1).Start(zone)}
	return first.String()[:len("2006-01")], first, span, nil
}

func viewRule(ref rules.Ref) RuleRef {
	return RuleRef{Name: ref.Name, Version: ref.Version, Hash: ref.Hash}
}

// covered is what the visits of a page of cases came to.
type covered struct {
	id      schedule.CaseID
	program string
	visits  []schedule.Visit
}

// coveredIn reads the visits of a month of the cases p asks for, after a case.
func (s Server) coveredIn(ctx context.Context, tx *kit.Tx, p postgres.VisitPage, span schedule.Span, after schedule.CaseID) ([]covered, error) {
	ids, err := s.Desk.Store.CasesIn(ctx, tx, p, span, after)
	if err != nil {
		return nil, err
	}
	programs, err := s.Desk.Store.ProgramsOf(ctx, tx, ids)
	if err != nil {
		return nil, err
	}
	visits, err := s.Desk.Store.MonthOf(ctx, tx, p, span, ids)
	if err != nil {
		return nil, err
	}
	of := map[schedule.CaseID][]schedule.Visit{}
	for _, v := range visits {
		of[v.Case] = append(of[v.Case], v)
	}
	return each(ids, func(id schedule.CaseID) covered { return covered{id, programs[id], of[id]} }), nil
}

// GetCoverage answers what the visits of a month came to, a page of cases.
func (s Server) GetCoverage(ctx context.Context, r GetCoverageRequestObject) (GetCoverageResponseObject, error) {
	var after coverageCursor
	if err := decodeCursor(r.Params.Cursor, &after); err != nil {
		return nil, err
	}
	limit := httpapi.Limit(r.Params.Limit)
	answer := GetCoverage200JSONResponse{Items: []CaseCoverage{}}
	err := s.Desk.DB.InTenant(ctx, func(ctx context.Context, tx *kit.Tx) error {
		answer.Items = answer.Items[:0] // it may run again
		cal, err := s.Desk.Calendar(tx.Agency())
		if err != nil {
			return err
		}
		_, first, span, err := monthSpan(r.Params.Month, 0, cal.Zone())
		if err != nil {
			return err
		}
		answer.Rule = viewRule(s.Desk.Coverage("", first).Ref)
		p := postgres.VisitPage{
			Case: given[ID, schedule.CaseID](r.Params.CaseId), Worker: given[WorkerRef, schedule.WorkerID](r.Params.WorkerId),
			Team: given[Code, string](r.Params.Team), Limit: limit + 1,
		}
		if p.Seen, p.Args, err = s.Access.listVisits(ctx, tx); err != nil {
			return err
		}
		cases, err := s.coveredIn(ctx, tx, p, span, after.Case)
		if err != nil {
			return err
		}
		cases, answer.NextCursor = cut(cases, limit, func(c covered) any { return coverageCursor{c.id} })
		for _, c := range cases {
			shown, gaps, err := viewCovered(c, s.Desk.Coverage(c.program, first), tx.Now(), cal.Zone())
			if err != nil {
				return err
			}
			if gaps || !valueOr(r.Params.Gaps, false) {
				answer.Items = append(answer.Items, shown)
			}
		}
		return nil
	})
	return answer, err
}

// viewCovered measures a case's month; gaps says whether it misses a rule.
func viewCovered(c covered, measure schedule.Measure, now time.Time, zone *time.Location) (shown CaseCoverage, gaps bool, err error) {
	t := schedule.TallyOf(c.visits, now, zone)
	findings, err := measure.Judge(t)
	if err != nil {
		return shown, false, err
	}
	shown = CaseCoverage{
		CaseId: ID(c.id), Program: orNil(Code(c.program)), Rule: ptr(viewRule(measure.Ref)),
		Due: t.Due, Completed: t.Completed, Attempted: t.Attempted, Cancelled: t.Cancelled,
	}
	shown.Findings = each(findings, func(f schedule.Finding) struct {
		Code     Code   `json:"code"`
		Done     int    `json:"done"`
		Gap      int    `json:"gap"`
		Required int    `json:"required"`
		Says     string `json:"says"`
	} {
		gaps = gaps || f.Gap > 0
		return struct {
			Code     Code   `json:"code"`
			Done     int    `json:"done"`
			Gap      int    `json:"gap"`
			Required int    `json:"required"`
			Says     string `json:"says"`
		}{Code(f.Code), f.Done, f.Gap, f.Required, measure.Says(f.Code)}
	})
	return shown, gaps, nil
}

// casesAtOnce is how many cases a summary reads at a time.
const casesAtOnce = 200

// SummariseCoverage answers what the visits of some months came to, by group.
func (s Server) SummariseCoverage(ctx context.Context, r SummariseCoverageRequestObject) (SummariseCoverageResponseObject, error) {
	answer := SummariseCoverage200JSONResponse{}
	err := s.Desk.DB.InTenant(ctx, func(ctx context.Context, tx *kit.Tx) error {
		cal, err := s.Desk.Calendar(tx.Agency())
		if err != nil {
			return err
		}
		p := postgres.VisitPage{Limit: casesAtOnce}
		if p.Seen, p.Args, err = s.Access.listVisits(ctx, tx); err != nil {
			return err
		}
		keys, err := s.groupedBy(ctx, tx, r.Params.By)
		if err != nil {
			return err
		}
		var sum schedule.Summary
		for later := range valueOr(r.Params.Months, 1) {
			month, first, span, err := monthSpan(r.Params.Month, later, cal.Zone())
			if err != nil {
				return err
			}
			for after, more := schedule.CaseID(""), true; more; {
				cases, err := s.coveredIn(ctx, tx, p, span, after)
				if err != nil {
					return err
				}
				for _, c := range cases {
					after = c.id
					if err := sum.Add(month, c.visits, keys(c.program), s.Desk.Coverage(c.program, first), tx.Now(), cal.Zone()); err != nil {
						return err
					}
				}
				more = len(cases) == casesAtOnce
			}
		}
		answer.Items = each(sum.Groups(), viewGroup)
		return nil
	})
	return answer, err
}

// groupedBy says which groups the visits of a case, whose program is given, are of.
func (s Server) groupedBy(ctx context.Context, tx *kit.Tx, by SummariseCoverageParamsBy) (func(program string) func(schedule.Visit) []string, error) {
	team := map[schedule.WorkerID]string{}
	if by == SummariseCoverageParamsByTeam {
		roster, err := s.Desk.Store.Roster(ctx, tx, tx.Now())
		if err != nil {
			return nil, err
		}
		for _, w := range roster {
			team[w.ID] = w.Team
		}
	}
	return func(program string) func(schedule.Visit) []string {
		return func(v schedule.Visit) []string {
			switch by {
			case SummariseCoverageParamsByWorker:
				return each(schedule.Whose(v), text[schedule.WorkerID, string])
			case SummariseCoverageParamsByTeam:
				teams := each(schedule.Whose(v), func(w schedule.WorkerID) string { return team[w] })
				slices.Sort(teams)
				return slices.Compact(teams) // a pair of one team is one visit of the team's
			case SummariseCoverageParamsByProgram:
				return []string{program}
			}
			return []string{""}
		}
	}, nil
}

func viewGroup(g schedule.Group) CoverageGroup {
	shown := CoverageGroup{
		Month: g.Month, Key: orNil(g.Key), Cases: g.Cases, Due: g.Due, Completed: g.Completed, CompletedHome: g.CompletedHome,
		SeenAlone: g.SeenAlone, Attempted: g.Attempted, Cancelled: g.Cancelled,
	}
	shown.Gaps = each(g.Missed(), func(m schedule.Missed) struct {
		Cases int    `json:"cases"`
		Code  Code   `json:"code"`
		Gap   int    `json:"gap"`
		Says  string `json:"says"`
	} {
		return struct {
			Cases int    `json:"cases"`
			Code  Code   `json:"code"`
			Gap   int    `json:"gap"`
			Says  string `json:"says"`
		}{m.Cases, Code(m.Code), m.Gap, m.Says}
	})
	return shown
}
