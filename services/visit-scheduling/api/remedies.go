package api

import (
	"context"
	"slices"

	kit "github.com/hearthfps/hearth/pkg/postgres"
	"github.com/hearthfps/hearth/services/visit-scheduling/schedule"
)

// remedies shows remedies of visits the asker may know of, but for those in which
// another visit would give way that they may not know of. all are those to be shown.
func (s Server) remedies(ctx context.Context, tx *kit.Tx, all []schedule.Remedy) (show func([]schedule.Remedy) *[]Remedy, err error) {
	if len(all) == 0 {
		return func([]schedule.Remedy) *[]Remedy { return nil }, nil
	}
	cal, err := s.Desk.Calendar(tx.Agency())
	if err != nil {
		return nil, err
	}
	var ids []schedule.VisitID
	for _, r := range all {
		for _, x := range r.Steps {
			ids = append(ids, x.Visits...)
		}
	}
	known := map[schedule.VisitID]bool{}
	if len(ids) > 0 {
		where, args, err := s.Access.seenVisits(ctx, tx)
		if err != nil {
			return nil, err
		}
		if known, err = s.Desk.Store.SeenOf(ctx, tx, ids, where, args); err != nil {
			return nil, err
		}
	}
	step := func(x schedule.Step) RemedyStep {
		shown := RemedyStep{Rule: Code(x.Rule), Language: orNil(Language(x.Language)), Minutes: orNil(x.Minutes), More: orNil(x.More)}
		if x.Span != nil {
			shown.From, shown.To = &x.Span.From, &x.Span.To
		}
		if len(x.Workers) > 0 {
			shown.Workers = ptr(each(x.Workers, text[schedule.WorkerID, WorkerRef]))
		}
		skills := each(x.Skills, text[string, Code])
		for _, l := range x.Levels {
			if c := Code(l.Skill); !slices.Contains(skills, c) {
				skills = append(skills, c)
			}
		}
		if len(skills) > 0 {
			shown.Skills = &skills
		}
		if len(x.Attributes) > 0 {
			shown.Attributes = ptr(each(x.Attributes, text[string, Code]))
		}
		if len(x.Visits) > 0 {
			shown.Visits = ptr(each(x.Visits, text[schedule.VisitID, ID]))
		}
		return shown
	}
	hidden := func(r schedule.Remedy) bool {
		return slices.ContainsFunc(r.Steps, func(x schedule.Step) bool {
			return slices.ContainsFunc(x.Visits, func(v schedule.VisitID) bool { return !known[v] })
		})
	}
	return func(remedies []schedule.Remedy) *[]Remedy {
		if remedies = slices.DeleteFunc(slices.Clone(remedies), hidden); len(remedies) == 0 {
			return nil
		}
		return ptr(each(remedies, func(r schedule.Remedy) Remedy {
			return Remedy{Steps: each(r.Steps, step), Place: viewPlacing(r.Place), Words: r.Words(cal.Zone())}
		}))
	}, nil
}
