package api

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/hearthfps/hearth/pkg/fault"
	"github.com/hearthfps/hearth/pkg/httpapi"
	"github.com/hearthfps/hearth/pkg/policy"
	"github.com/hearthfps/hearth/pkg/postgres"
	"github.com/hearthfps/hearth/services/intake/identity"
	store "github.com/hearthfps/hearth/services/intake/postgres"
	"github.com/hearthfps/hearth/services/intake/referral"
)

// afterSince is the cursor of the list of reviews.
type afterSince struct {
	Since time.Time `json:"since"`
	ID    string    `json:"id"`
}

// ListMatchReviews implements StrictServerInterface.
func (a *API) ListMatchReviews(ctx context.Context, request ListMatchReviewsRequestObject) (ListMatchReviewsResponseObject, error) {
	p := request.Params
	var after afterSince
	if err := httpapi.DecodeCursor(value(p.Cursor), &after); err != nil {
		return nil, err
	}
	f := store.ReviewFilter{Decided: value(p.State) == ListMatchReviewsParamsStateDecided, Zone: string(value(p.Zone)), AfterTime: after.Since, AfterID: after.ID}
	if p.OlderThanHours != nil {
		f.Before = a.Clock.Now().Add(-time.Duration(*p.OlderThanHours) * time.Hour)
	}
	limit := httpapi.Limit(p.Limit)
	out := ListMatchReviews200JSONResponse{Items: []MatchReview{}}
	err := a.DB.InTenant(ctx, func(ctx context.Context, tx *postgres.Tx) error {
		if err := a.Policy.CheckRead(ctx, tx, policy.List, policy.Resource{Type: "match_review"}); err != nil {
			return err
		}
		rows, err := store.ListReviews(ctx, tx, f, limit+1)
		if err != nil {
			return err
		}
		rows, out.NextCursor = page(rows, limit, func(r store.Review) any { return afterSince{r.Since, r.ID} })
		for _, r := range rows {
			shown, err := a.showReview(ctx, tx, &r, policy.Read)
			if fault.KindOf(err) == fault.NotFound {
				continue // of somebody the caller may not know of
			}
			if err != nil {
				return err
			}
			out.Items = append(out.Items, shown)
		}
		return nil
	})
	return out, err
}

// GetMatchReview implements StrictServerInterface.
func (a *API) GetMatchReview(ctx context.Context, request GetMatchReviewRequestObject) (GetMatchReviewResponseObject, error) {
	var out MatchReview
	err := a.DB.InTenant(ctx, func(ctx context.Context, tx *postgres.Tx) error {
		r, err := store.GetReview(ctx, tx, request.PairId, false)
		if err != nil {
			return err
		}
		out, err = a.showReviewDecided(ctx, tx, r)
		return err
	})
	tag := httpapi.ETag(out.Version)
	return GetMatchReview200JSONResponse{Body: out, Headers: GetMatchReview200ResponseHeaders{ETag: &tag}}, err
}

// DecideMatchReview implements StrictServerInterface.
func (a *API) DecideMatchReview(ctx context.Context, request DecideMatchReviewRequestObject) (DecideMatchReviewResponseObject, error) {
	who, err := principal(ctx)
	if err != nil {
		return nil, err
	}
	in := request.Body
	d := store.ReviewDecision{Answer: identity.Answer(in.Decision), Decision: identity.Decision{By: who.Actor(), At: a.Clock.Now(), Reason: string(in.ReasonCode), Note: value(in.Note)}}
	return httpapi.Once(ctx, a.DB, func(ctx context.Context, tx *postgres.Tx) (DecideMatchReview200JSONResponse, error) {
		var out DecideMatchReview200JSONResponse
		if err := store.LockIdentities(ctx, tx); err != nil {
			return out, err
		}
		r, err := store.GetReview(ctx, tx, request.PairId, true)
		if err != nil {
			return out, err
		}
		if _, err := a.showReview(ctx, tx, r, policy.Identify); err != nil {
			return out, err
		}
		if err := httpapi.IfMatch(ctx, r.Version()); err != nil {
			return out, err
		}
		if err := a.decide(ctx, tx, r, d, value(in.Despite)); err != nil {
			return out, err
		}
		if r, err = store.GetReview(ctx, tx, r.ID, false); err != nil {
			return out, err
		}
		out.Body, err = a.showReviewDecided(ctx, tx, r)
		tag := httpapi.ETag(r.Version())
		out.Headers.ETag = &tag
		return out, err
	})
}

// decide carries a decision out: one person are merged.
func (a *API) decide(ctx context.Context, tx *postgres.Tx, r *store.Review, d store.ReviewDecision, despite []Obstacle) error {
	if err := identity.Decidable(r.State); err != nil {
		return err
	}
	if r.Referral == "" && d.Answer == identity.Same {
		i, j, err := a.two(ctx, tx, r.A, r.B)
		if err != nil {
			return err
		}
		m := a.newMerge(r.A, r.B, despite, d.Decision)
		m.Pair, d.Merge = r.ID, m.ID
		if _, err := a.merge(ctx, tx, i, j, m); err != nil {
			return err
		}
	}
	if r.Referral != "" && d.Answer == identity.Different {
		if err := a.part(ctx, tx, r, d); err != nil {
			return err
		}
	}
	if err := store.SaveReviewDecision(ctx, tx, r, a.NewID(), d); err != nil || r.Referral != "" || d.Answer != identity.Different {
		return err
	}
	i, j, err := a.two(ctx, tx, r.A, r.B)
	if err != nil {
		return err
	}
	return store.DecideApart(ctx, tx, i, j, d.Decision)
}

func (a *API) showReviewDecided(ctx context.Context, tx *postgres.Tx, r *store.Review) (MatchReview, error) {
	out, err := a.showReview(ctx, tx, r, policy.Read)
	if err != nil {
		return out, err
	}
	decisions, err := store.ReviewDecisions(ctx, tx, r.ID)
	shown := []MatchReviewDecision{}
	for _, d := range decisions {
		shown = append(shown, MatchReviewDecision{
			Decision: MatchReviewDecisionDecision(d.Answer), ReasonCode: d.Reason, Note: optional(d.Note), MergeId: optional(string(d.Merge)), DecidedBy: d.By, DecidedAt: d.At,
		})
	}
	out.Decisions = &shown
	return out, err
}

// showReview is a pair side by side, for who may take action on it. A link made
// without asking looks as any other pair does: the person as the referral told of
// them, beside the record as it would be without that referral.
func (a *API) showReview(ctx context.Context, tx *postgres.Tx, r *store.Review, action string) (MatchReview, error) {
	out := MatchReview{PairId: r.ID, Version: r.Version(), State: MatchReviewState(r.State), Sides: []MatchReviewSide{}, Obstacles: []Obstacle{}, Since: r.Since}
	x, y, err := a.sides(ctx, tx, r)
	if err != nil {
		return out, err
	}
	if err := a.keeps(ctx, tx, action, policy.Resource{Type: "match_review", ID: r.ID}, x, y); err != nil {
		return out, unknown(err, "match_review")
	}
	out.Sides = append(out.Sides, showSide(x), showSide(y))
	for _, o := range identity.Between(x, y) {
		out.Obstacles = append(out.Obstacles, Obstacle(o))
	}
	if r.State == identity.Different {
		out.Obstacles = append(out.Obstacles, Obstacle(identity.DecidedApart))
	}
	if len(r.Reasons) > 0 {
		out.Reasons = &r.Reasons
	}
	if err := json.Unmarshal([]byte(r.Evidence), &out.Evidence); err != nil {
		return out, fmt.Errorf("read stored evidence: %w", err)
	}
	return out, nil
}

// sides are the two persons a review asks about.
func (a *API) sides(ctx context.Context, tx *postgres.Tx, r *store.Review) (x, y *identity.Identity, err error) {
	if y, err = store.Identity(ctx, tx, r.B, false); err != nil {
		return nil, nil, err
	}
	if r.Referral == "" {
		x, err = store.Identity(ctx, tx, r.A, false)
		if err == nil && x.ID() == y.ID() {
			x, y = x.Only(r.A), y.Only(r.B)
		}
		return x, y, err
	}
	told, others, err := store.Told(ctx, tx, r.B, r.Referral, r.Ref, false)
	if err != nil {
		return nil, nil, err
	}
	if told == nil || others == nil {
		// Linked otherwise since: they are who they are now.
		now, err := store.PersonOf(ctx, tx, r.Referral, r.Ref)
		if err != nil || now == "" || now == r.B {
			return y, y, err
		}
		x, err = store.Identity(ctx, tx, now, false)
		return x, y, err
	}
	record := *y.Record(r.B)
	one, rest := record, record
	one.Person, rest.Person = referral.Retold(r.B, []referral.Telling{*told}), referral.Retold(r.B, others)
	one.Referrals, rest.Referrals = nil, nil
	for _, in := range record.Referrals {
		if in.Referral == r.Referral && in.Ref == r.Ref {
			one.Referrals = append(one.Referrals, in)
		} else {
			rest.Referrals = append(rest.Referrals, in)
		}
	}
	return &identity.Identity{Records: []*identity.Record{&one}}, &identity.Identity{Records: []*identity.Record{&rest}}, nil
}

// part takes a person out of a record they were linked to without asking.
func (a *API) part(ctx context.Context, tx *postgres.Tx, r *store.Review, d store.ReviewDecision) error {
	told, others, err := store.Told(ctx, tx, r.B, r.Referral, r.Ref, true)
	if err != nil {
		return err
	}
	y, err := store.Identity(ctx, tx, r.B, true)
	if err != nil {
		return err
	}
	if told == nil {
		return fault.New(fault.Conflict, "not_linked", "This person is not linked to that record any more.")
	}
	matcher, err := a.Reception.Indexes.Of(ctx, tx)
	if err != nil {
		return err
	}
	from := y.Record(r.B).Person
	people, err := told.Referral.Part(r.Ref, from, others, referral.PersonID(a.NewID()), d.By, matcher, d.At)
	if err != nil {
		return err
	}
	return store.SaveParted(ctx, tx, r, told.Referral, from, people, matcher, d, a.NewID())
}

// showSide is what is compared of a person, and no word of what referrals say of them.
func showSide(i *identity.Identity) MatchReviewSide {
	p := i.Person()
	out := MatchReviewSide{Name: PersonName{Given: []string{}}, BirthDate: optional(string(p.BirthDate)), Sex: optional(p.Sex), Languages: filled(p.Languages), Contacts: []string{}, Places: []string{}}
	if n := name(p.Name); n != nil {
		out.Name = *n
	}
	for _, c := range p.Contacts {
		out.Contacts = append(out.Contacts, c.Value)
	}
	shown, withheld := p.VisibleAddresses(func(referral.Address) bool { return false }, nil)
	for _, x := range shown {
		parts := append(append([]string{}, x.Lines...), strings.TrimSpace(x.PostalCode+" "+x.City), x.Country)
		out.Places = append(out.Places, strings.Join(nonEmpty(parts), ", "))
	}
	out.Withheld = optional(withheld)
	out.Identifiers = make([]struct {
		System *string `json:"system,omitempty"`
		Value  string  `json:"value"`
	}, len(p.Identifiers))
	for n, id := range p.Identifiers {
		out.Identifiers[n].System, out.Identifiers[n].Value = optional(id.System), id.Value
	}
	seen := map[referral.ReferralID]bool{}
	for _, r := range i.Records {
		for _, in := range r.Referrals {
			seen[in.Referral] = true
		}
	}
	out.Referrals = len(seen)
	return out
}

func nonEmpty(parts []string) []string {
	var kept []string
	for _, p := range parts {
		if p != "" {
			kept = append(kept, p)
		}
	}
	return kept
}
