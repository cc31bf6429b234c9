package demo

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/hearthfps/hearth/services/hearth/play"
)

// Ledger is what came of the events sent, by the suite's own account.
type Ledger struct {
	Lines             int            `json:"lines"`    // events sent
	Verdicts          map[string]int `json:"verdicts"` // by the import's answer
	Referrals         int            `json:"referrals"`
	ByStatus          map[string]int `json:"referrals_by_status"`
	Cases             int            `json:"cases"`
	CasesByStatus     map[string]int `json:"cases_by_status"`
	Assessments       int            `json:"assessments"`
	AssessmentsBy     map[string]int `json:"assessments_by_status"`
	Visits            int            `json:"visits"`
	VisitsBy          map[string]int `json:"visits_by_status"`
	ResourceReferrals int            `json:"resource_referrals"`
	ResourceBy        map[string]int `json:"resource_referrals_by_state"`
	Messages          int            `json:"messages"`
	MessagesBy        map[string]int `json:"messages_by_state"`
	MessagesTo        map[string]int `json:"messages_sent_to"`
	Alarms            int            `json:"missed_check_outs"`
	Scheduling        Scheduling     `json:"scheduling"`
	VisitsTold        map[string]int `json:"visit_messages_by_template"`
	ClocksBy          map[string]int `json:"clocks_by_state"`
	// Faults are the sums that do not add up; empty when all is well.
	Faults []string `json:"faults"`

	urgentSeen int
}

// verdict is one line of the import's answer.
type verdict struct {
	Line       int    `json:"line"`
	Status     string `json:"status"`
	ReferralID string `json:"referral_id"`
}

// read fills the ledger from the suite: of the referrals in ids, and the cases that came of them.
func (l *Ledger) read(ctx context.Context, c *play.Cast, verdicts []verdict) (cases []string, err error) {
	l.Verdicts, l.ByStatus, l.CasesByStatus = map[string]int{}, map[string]int{}, map[string]int{}
	l.AssessmentsBy, l.VisitsBy, l.ResourceBy = map[string]int{}, map[string]int{}, map[string]int{}
	l.VisitsTold = map[string]int{}
	l.MessagesBy, l.MessagesTo, l.ClocksBy = map[string]int{}, map[string]int{}, map[string]int{}
	ours := map[string]bool{}
	for _, v := range verdicts {
		l.Verdicts[v.Status]++
		if v.ReferralID != "" && (v.Status == "accepted" || v.Status == "duplicate") {
			ours[v.ReferralID] = true
		}
	}
	l.Referrals = len(ours)

	intake := c.As("intake_worker", c.IntakeWorkers[0])
	ofCase := map[string]bool{}
	err = play.Each(ctx, intake, "/intake/v1/referrals?limit=200", func(r play.Referral) error {
		if ours[r.ReferralID] {
			l.ByStatus[r.Status]++
			if r.CaseID != "" {
				ofCase[r.CaseID] = true
				cases = append(cases, r.CaseID)
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	err = play.Each(ctx, intake, "/intake/v1/clocks?limit=200", func(k struct {
		ReferralID string `json:"referral_id"`
		State      string `json:"state"`
	},
	) error {
		if ours[k.ReferralID] {
			l.ClocksBy[k.State]++
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if err := l.readCases(ctx, c, ofCase); err != nil {
		return nil, err
	}
	if err := l.readMessages(ctx, c, ofCase, ours); err != nil {
		return nil, err
	}
	l.addUp()
	return cases, nil
}

func (l *Ledger) readCases(ctx context.Context, c *play.Cast, ofCase map[string]bool) error {
	supervisor := c.As("supervisor", c.Supervisors[0])
	err := play.Each(ctx, supervisor, "/planning/v1/cases?limit=200", func(f play.Case) error {
		if ofCase[f.CaseID] {
			l.Cases++
			l.CasesByStatus[f.Status]++
		}
		return nil
	})
	if err != nil {
		return err
	}
	err = play.Each(ctx, supervisor, "/assessment/v1/assessments?limit=200", func(a struct {
		CaseID string `json:"case_id"`
		Status string `json:"status"`
	},
	) error {
		if ofCase[a.CaseID] {
			l.Assessments++
			l.AssessmentsBy[a.Status]++
		}
		return nil
	})
	if err != nil {
		return err
	}
	scheduler := c.As("scheduler", "scheduler-1")
	err = play.Each(ctx, scheduler, "/visits/v1/series?limit=200", func(s struct {
		CaseID string           `json:"case_id"`
		Ledger play.VisitLedger `json:"ledger"`
	},
	) error {
		if ofCase[s.CaseID] {
			l.Visits += s.Ledger.Planned
		}
		return nil
	})
	if err != nil {
		return err
	}
	err = play.Each(ctx, scheduler, "/visits/v1/visits?limit=200", func(v struct {
		CaseID string `json:"case_id"`
		Status string `json:"status"`
		Missed string `json:"checkout_missed_at"`
		ID     string `json:"visit_id"`
	},
	) error {
		if v.ID == l.Scheduling.urgent.VisitID && ofCase[v.CaseID] {
			l.urgentSeen++
		}
		if ofCase[v.CaseID] {
			l.VisitsBy[v.Status]++
			if v.Missed != "" {
				l.Alarms++
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return play.Each(ctx, supervisor, "/directory/v1/resource-referrals?limit=200", func(r struct {
		CaseID string `json:"case_id"`
		State  string `json:"state"`
	},
	) error {
		if ofCase[r.CaseID] {
			l.ResourceReferrals++
			l.ResourceBy[r.State]++
		}
		return nil
	})
}

func (l *Ledger) readMessages(ctx context.Context, c *play.Cast, ofCase, ours map[string]bool) error {
	return play.Each(ctx, c.As("supervisor", c.Supervisors[0]), "/notifications/v1/messages?limit=200", func(m struct {
		CaseID     string `json:"case_id"`
		ReferralID string `json:"referral_id"`
		State      string `json:"state"`
		Audience   string `json:"audience"`
		Template   string `json:"template"`
	},
	) error {
		if ofCase[m.CaseID] || ours[m.ReferralID] {
			l.Messages++
			l.MessagesBy[m.State]++
			if m.State == "sent" {
				l.MessagesTo[m.Audience]++
			}
			if strings.HasPrefix(m.Template, "visit_") {
				l.VisitsTold[m.Template]++
			}
		}
		return nil
	})
}

// addUp compares what must be equal.
func (l *Ledger) addUp() {
	l.Faults = []string{}
	equal := func(what string, got, want int) {
		if got != want {
			l.Faults = append(l.Faults, fmt.Sprintf("%s: %d against %d", what, got, want))
		}
	}
	equal("verdicts and lines", sum(l.Verdicts), l.Lines)
	equal("referrals by status and referrals", sum(l.ByStatus), l.Referrals)
	equal("cases in planning and referrals screened in", l.Cases, l.ByStatus["screened_in"])
	equal("cases by status and cases", sum(l.CasesByStatus), l.Cases)
	equal("assessments by status and assessments", sum(l.AssessmentsBy), l.Assessments)
	equal("visits by status and visits of the series", sum(l.VisitsBy), l.Visits)
	equal("a sick worker's visits taken over or left open and those they had", l.Scheduling.Covered+l.Scheduling.LeftOpen, l.Scheduling.SickVisits)
	equal("visits changed by asking what would be", l.Scheduling.Disturbed, 0)
	equal("visits freed by a family's exception and those that stood in it", l.Scheduling.Freed, l.Scheduling.Stood)
	equal("visits freed by an exception and those with another time or none", l.Scheduling.Rearranged+l.Scheduling.Homeless, l.Scheduling.Freed)
	equal("urgent visits on the list and booked", l.urgentSeen, l.Scheduling.Urgent)
	if moved := l.Scheduling.changes(); moved > 0 && l.VisitsTold["visit_changed"] < moved {
		l.Faults = append(l.Faults, fmt.Sprintf("workers told of visits that moved: %d of %d", l.VisitsTold["visit_changed"], moved))
	}
	equal("resource referrals by state and resource referrals", sum(l.ResourceBy), l.ResourceReferrals)
	equal("messages by state and messages", sum(l.MessagesBy), l.Messages)
}

func sum(counts map[string]int) int {
	n := 0
	for _, v := range counts {
		n += v
	}
	return n
}

// Print writes the ledger for a person to read.
func (l *Ledger) Print(w io.Writer) {
	row := func(what string, n int, by map[string]int) {
		fmt.Fprintf(w, "  %-20s %6d  %s\n", what, n, list(by))
	}
	fmt.Fprintln(w, "Ledger")
	row("events sent", l.Lines, l.Verdicts)
	row("referrals", l.Referrals, l.ByStatus)
	row("cases", l.Cases, l.CasesByStatus)
	row("assessments", l.Assessments, l.AssessmentsBy)
	row("visits", l.Visits, l.VisitsBy)
	row("missed check-outs", l.Alarms, nil)
	row("planned anew", l.Scheduling.Moved+l.Scheduling.Placed, map[string]int{"moved": l.Scheduling.Moved, "placed": l.Scheduling.Placed})
	row("a sick worker's", l.Scheduling.SickVisits, map[string]int{"taken over": l.Scheduling.Covered, "left open": l.Scheduling.LeftOpen, "others moved": l.Scheduling.MadeRoom})
	row("what if, asked", l.Scheduling.Supposed, map[string]int{"changed by asking": l.Scheduling.Disturbed})
	row("a family away", l.Scheduling.Freed, map[string]int{"another time": l.Scheduling.Rearranged, "none that week": l.Scheduling.Homeless})
	row("urgent visits", l.Scheduling.Urgent, map[string]int{"places offered": l.Scheduling.Offered})
	row("resource referrals", l.ResourceReferrals, l.ResourceBy)
	row("messages", l.Messages, l.MessagesBy)
	row("  sent to", sum(l.MessagesTo), l.MessagesTo)
	row("clocks", sum(l.ClocksBy), l.ClocksBy)
	if len(l.Faults) == 0 {
		fmt.Fprintln(w, "  It adds up.")
		return
	}
	for _, f := range l.Faults {
		fmt.Fprintln(w, "  DOES NOT ADD UP:", f)
	}
}

func list(by map[string]int) string {
	keys := make([]string, 0, len(by))
	for k := range by {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	parts := make([]string, 0, len(keys))
	for _, k := range keys {
		parts = append(parts, fmt.Sprintf("%s %d", strings.ReplaceAll(k, "_", " "), by[k]))
	}
	return strings.Join(parts, ", ")
}
