package intake

import (
	"github.com/hearthfps/hearth/pkg/app"
	"github.com/hearthfps/hearth/services/intake/postgres"
	"github.com/hearthfps/hearth/services/intake/rules"
)

// signals are what intake counts as it happens.
func signals(book *rules.Book) []app.Signal {
	clocks := map[string][]string{"clock": book.ClockCodes()}
	return []app.Signal{
		{
			Metric: "hearth_referrals_received_total", Help: "Referrals accepted, by the channel they came by.", Event: "org.hearth.intake.referral.received.v1",
			Fields: map[string][]string{"channel": {"hotline", "web", "school", "police", "hospital", "court", "other_agency", "self"}},
		},
		{
			Metric: "hearth_referrals_screened_total", Help: "Referrals screened, by the decision.", Event: "org.hearth.intake.referral.screened.v1",
			Fields: map[string][]string{"decision": {"screened_in", "screened_out", "redirected"}},
		},
		{Metric: "hearth_cases_opened_total", Help: "Cases opened.", Event: "org.hearth.intake.case.opened.v1"},
		{Metric: "hearth_clocks_started_total", Help: "Response clocks started, by the clock's code.", Event: "org.hearth.intake.clock.started.v1", Fields: clocks},
		{Metric: "hearth_clocks_met_total", Help: "Response clocks met in time, by the clock's code.", Event: "org.hearth.intake.clock.met.v1", Fields: clocks},
		{Metric: "hearth_clocks_expired_total", Help: "Response clocks that ran out, by the clock's code.", Event: "org.hearth.intake.clock.expired.v1", Fields: clocks},
	}
}

// censuses are what stands in intake's tables.
func censuses() []app.Census {
	return []app.Census{
		{Metric: "hearth_clocks_open", Help: "Response clocks not met, by the clock's code: running, or expired in the last 30 days.", Labels: []string{"clock", "state"}, Count: postgres.OpenClocks},
		{Metric: "hearth_referrals_waiting", Help: "Referrals nobody has screened, by priority.", Labels: []string{"priority"}, Count: postgres.WaitingReferrals},
	}
}
