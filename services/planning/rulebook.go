package planning

import (
	"context"
	"time"

	"github.com/hearthfps/hearth/pkg/fault"
	"github.com/hearthfps/hearth/pkg/rules"
	"github.com/hearthfps/hearth/pkg/tenant"
	"github.com/hearthfps/hearth/services/planning/casefile"
)

// rulebook answers from the agency and program files. A case goes on by the
// version of the program it entered.
type rulebook struct{ bundle *rules.Bundle }

func (b rulebook) program(c *casefile.Case) (rules.Program, error) {
	f, err := b.bundle.ProgramVersion(c.Program, c.ProgramVersion)
	if err != nil {
		return rules.Program{}, fault.New(fault.Conflict, "program_unknown",
			"The version of the program this case entered is not installed. Restore its rule file.").Because(err)
	}
	return f.Rules, nil
}

func (b rulebook) Caseload(c *casefile.Case) (int, error) {
	p, err := b.program(c)
	return p.Caseload.FamiliesPerWorker, err
}

func (b rulebook) Limits(c *casefile.Case) (casefile.Limits, error) {
	p, err := b.program(c)
	if err != nil {
		return casefile.Limits{}, err
	}
	v := p.Visits
	return casefile.Limits{
		MinTimesAWeek: v.TimesAWeek.Min, MaxTimesAWeek: v.TimesAWeek.Max, MinMinutes: v.Minutes.Min, MaxMinutes: v.Minutes.Max,
		MaxWorkers: v.Workers.Max, Places: v.Places, Earliest: v.Earliest, Latest: v.Latest, Weekdays: weekdays(v), Longest: p.Length.Max,
	}, nil
}

func (b rulebook) UsualVisits(c *casefile.Case) (casefile.VisitPattern, error) {
	p, err := b.program(c)
	if err != nil {
		return casefile.VisitPattern{}, err
	}
	v := p.Visits
	out := casefile.VisitPattern{
		TimesAWeek: v.TimesAWeek.Usual, Minutes: v.Minutes.Usual, Workers: v.Workers.Usual, Skills: append([]string{}, v.Skills...),
		Earliest: v.Earliest, Latest: v.Latest, Weekdays: weekdays(v),
	}
	if len(v.Places) > 0 {
		out.Place = v.Places[0]
	}
	return out, nil
}

func weekdays(v rules.VisitLimits) []string {
	out := make([]string, len(v.Weekdays))
	for i, d := range v.Weekdays {
		out[i] = string(d)
	}
	return out
}

func (b rulebook) Today(ctx context.Context, now time.Time) (string, error) {
	id, ok := tenant.From(ctx)
	if !ok {
		return "", fault.New(fault.Internal, "agency_missing", "A day is asked for without an agency.")
	}
	agency, err := b.bundle.Agency(id)
	if err != nil {
		return "", err
	}
	return agency.Calendar.Today(now).String(), nil
}
