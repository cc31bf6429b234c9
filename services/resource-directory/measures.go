package resourcedirectory

import (
	"github.com/hearthfps/hearth/pkg/app"
	"github.com/hearthfps/hearth/services/resource-directory/postgres"
)

// signals are what the directory counts as it happens.
func signals() []app.Signal {
	var all []app.Signal
	for _, step := range []string{"requested", "accepted", "declined", "completed"} {
		all = append(all, app.Signal{
			Metric: "hearth_resource_referrals_total", Help: "What became of referrals to community services.",
			Event: "org.hearth.resource-directory.resource_referral." + step + ".v1", Fixed: map[string]string{"step": step},
		})
	}
	return all
}

// censuses are what stands in the directory's tables.
func censuses() []app.Census {
	return []app.Census{
		{Metric: "hearth_resource_referrals_open", Help: "Referrals to community services that are not ended, by state.", Labels: []string{"state"}, Count: postgres.OpenResourceReferrals},
	}
}
