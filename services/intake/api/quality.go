package api

import (
	"cmp"
	"context"
	"maps"
	"slices"

	"github.com/hearthfps/hearth/pkg/policy"
	"github.com/hearthfps/hearth/pkg/postgres"
	"github.com/hearthfps/hearth/services/intake/identity"
	store "github.com/hearthfps/hearth/services/intake/postgres"
)

const (
	// leastJudged is the smallest group the report shows by itself.
	leastJudged = 10
	// qualityDays is how far back the report reaches when nobody says.
	qualityDays = 90
)

// GetMatchQuality implements StrictServerInterface.
func (a *API) GetMatchQuality(ctx context.Context, request GetMatchQualityRequestObject) (GetMatchQualityResponseObject, error) {
	now := a.Clock.Now()
	since := now.AddDate(0, 0, -cmp.Or(value(request.Params.Days), qualityDays))
	var out GetMatchQuality200JSONResponse
	err := a.DB.InTenant(ctx, func(ctx context.Context, tx *postgres.Tx) error {
		if err := a.Policy.CheckRead(ctx, tx, policy.Read, policy.Resource{Type: "match_quality"}); err != nil {
			return err
		}
		verdicts, err := store.Verdicts(ctx, tx, since)
		if err != nil {
			return err
		}
		tally, err := store.CountMatching(ctx, tx, since)
		if err != nil {
			return err
		}
		model, before, after, err := store.Windows(ctx, tx, now.AddDate(0, 0, -identity.DriftDays))
		if err != nil {
			return err
		}
		out = GetMatchQuality200JSONResponse(showQuality(verdicts, tally))
		out.Since, out.Drift = since, showDrift(model, identity.Drifts(before, after))
		return nil
	})
	return out, err
}

func showQuality(verdicts []store.Verdict, tally store.Tally) MatchQuality {
	q := judged{share: 1}
	for _, v := range verdicts {
		q.add(v)
	}
	out := MatchQuality{Linked: tally.Linked, Noticed: tally.Noticed, Least: leastJudged, Judged: q.show("", q.all)}
	out.Judged.LinksUndecided, out.Judged.Undecided = q.linksUndecided, q.undecided
	out.Judged.MissedAltogether = rate(identity.Missed(tally.Noticed, q.all.Links-q.all.False, q.share, q.all.Same))
	out.Waiting.Questions, out.Waiting.SampledLinks, out.Waiting.OldestSince = tally.QuestionsOpen, tally.SampledOpen, optional(tally.OldestOpen)
	out.ByLanguage, out.ByWriting = q.groups(q.byLanguage), q.groups(q.byWriting)
	return out
}

// judged counts verdicts, in all and by group.
type judged struct {
	all                       identity.Judged
	linksUndecided, undecided int
	share                     float64
	byLanguage, byWriting     map[string]identity.Judged
}

func (q *judged) add(v store.Verdict) {
	if q.byLanguage == nil {
		q.byLanguage, q.byWriting = map[string]identity.Judged{}, map[string]identity.Judged{}
	}
	var one identity.Judged
	switch {
	case v.Share > 0 && v.Answer == identity.CannotTell:
		q.linksUndecided++
	case v.Share > 0:
		// One share for all: the smallest, which makes most of each link judged.
		q.share = min(q.share, v.Share)
		one.Links = 1
		if v.Answer == identity.Different {
			one.False = 1
		}
	case v.Answer == identity.Same:
		one.Same = 1
	case v.Answer == identity.Different:
		one.Different = 1
	default:
		q.undecided++
	}
	count := func(j identity.Judged) identity.Judged {
		return identity.Judged{Links: j.Links + one.Links, False: j.False + one.False, Same: j.Same + one.Same, Different: j.Different + one.Different}
	}
	q.all = count(q.all)
	writing := identity.Writing(v.Name)
	q.byLanguage[v.Language], q.byWriting[writing] = count(q.byLanguage[v.Language]), count(q.byWriting[writing])
}

func (q *judged) groups(groups map[string]identity.Judged) []MatchJudged {
	out := []MatchJudged{}
	shown := identity.Shown(groups, leastJudged)
	for _, name := range slices.Sorted(maps.Keys(shown)) {
		out = append(out, q.show(name, shown[name]))
	}
	return out
}

func (q *judged) show(group string, j identity.Judged) MatchJudged {
	return MatchJudged{
		Group: optional(group), Links: j.Links, LinksFalse: j.False, Same: j.Same, Different: j.Different,
		FalseLinkRate: rate(identity.Wilson(j.False, j.Links)), MissedWithoutAsking: rate(identity.Missed(j.Same, j.Links-j.False, q.share, 0)),
	}
}

func rate(e identity.Estimate) *Rate {
	if !e.Known {
		return nil
	}
	return &Rate{Rate: float32(e.Rate), Low: float32(e.Low), High: float32(e.High)}
}

func showDrift(model string, drifts []identity.Drift) MatchDrift {
	out := MatchDrift{State: DriftState(identity.Worst(drifts)), Model: optional(model)}
	out.Comparisons = make([]struct {
		Index float32    `json:"index"`
		State DriftState `json:"state"`
		What  string     `json:"what"`
	}, len(drifts))
	for i, d := range drifts {
		out.Comparisons[i].What, out.Comparisons[i].Index, out.Comparisons[i].State = d.What, float32(d.Index), DriftState(d.State)
	}
	return out
}
