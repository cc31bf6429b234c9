package intake

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/hearthfps/hearth/pkg/app"
	"github.com/hearthfps/hearth/pkg/clock"
	kit "github.com/hearthfps/hearth/pkg/postgres"
	"github.com/hearthfps/hearth/pkg/tenant"
	"github.com/hearthfps/hearth/services/intake/identity"
	"github.com/hearthfps/hearth/services/intake/postgres"
)

// driftEvery is how often scores are compared with what they were: they change over
// weeks, and thousands of links are read for it.
const driftEvery = time.Hour

// driftWatch looks whether the matching model still fits what comes in, and says so
// aloud when it no longer does.
type driftWatch struct {
	clock clock.Clock
	log   *slog.Logger

	mu   sync.Mutex
	last map[tenant.AgencyID]drifted
}

// drifted is what was seen last of one agency.
type drifted struct {
	at    time.Time
	worst float64
	state identity.DriftState
}

func newDriftWatch(c clock.Clock, log *slog.Logger) *driftWatch {
	return &driftWatch{clock: c, log: log, last: map[tenant.AgencyID]drifted{}}
}

func (w *driftWatch) censuses() []app.Census {
	return []app.Census{
		{
			Metric: "hearth_match_drift", Help: "Population stability index of the comparison or score that changed most since the model came into use; an alarm from 0.25.",
			Count: func(ctx context.Context, tx *kit.Tx) ([]kit.Number, error) {
				d, err := w.look(ctx, tx)
				return []kit.Number{{Of: []string{}, Number: d.worst}}, err
			},
		},
		{
			Metric: "hearth_match_reviews_waiting", Help: "Pairs of persons that wait for a records officer.",
			Count: func(ctx context.Context, tx *kit.Tx) ([]kit.Number, error) {
				t, err := postgres.CountMatching(ctx, tx, w.clock.Now())
				return []kit.Number{{Of: []string{}, Number: float64(t.QuestionsOpen + t.SampledOpen)}}, err
			},
		},
	}
}

// look compares anew once an hour.
func (w *driftWatch) look(ctx context.Context, tx *kit.Tx) (drifted, error) {
	w.mu.Lock()
	before, now := w.last[tx.Agency()], w.clock.Now()
	w.mu.Unlock()
	if !before.at.IsZero() && now.Sub(before.at) < driftEvery && !now.Before(before.at) {
		return before, nil
	}
	_, was, is, err := postgres.Windows(ctx, tx, now.AddDate(0, 0, -identity.DriftDays))
	if err != nil {
		return before, err
	}
	drifts := identity.Drifts(was, is)
	d := drifted{at: now, state: identity.Worst(drifts)}
	if len(drifts) > 0 {
		d.worst = drifts[0].Index
	}
	if d.state == identity.DriftAlarm && before.state != identity.DriftAlarm {
		w.log.WarnContext(ctx, "scores of links are not what they were when the matching model came into use: look at the match quality report, and learn anew",
			"agency", tx.Agency(), "comparison", drifts[0].What, "index", d.worst)
	}
	w.mu.Lock()
	w.last[tx.Agency()] = d
	w.mu.Unlock()
	return d, nil
}
