package api

import (
	"context"
	"time"

	"github.com/hearthfps/hearth/pkg/events"
	"github.com/hearthfps/hearth/pkg/fault"
	"github.com/hearthfps/hearth/pkg/httpapi"
	"github.com/hearthfps/hearth/pkg/policy"
	"github.com/hearthfps/hearth/pkg/postgres"
	"github.com/hearthfps/hearth/services/intake/identity"
	store "github.com/hearthfps/hearth/services/intake/postgres"
	"github.com/hearthfps/hearth/services/intake/referral"
)

// GetIdentity implements StrictServerInterface.
func (a *API) GetIdentity(ctx context.Context, request GetIdentityRequestObject) (GetIdentityResponseObject, error) {
	var out Identity
	err := a.DB.InTenant(ctx, func(ctx context.Context, tx *postgres.Tx) error {
		i, err := store.Identity(ctx, tx, referral.PersonID(request.PersonId), false)
		if err != nil {
			return err
		}
		if err := unknown(a.keeps(ctx, tx, policy.Read, policy.Resource{Type: "identity", ID: request.PersonId}, i), "person"); err != nil {
			return err
		}
		out, err = showIdentity(ctx, tx, i)
		return err
	})
	return GetIdentity200JSONResponse{identified(out)}, err
}

func identified(i Identity) IdentityJSONResponse {
	tag := httpapi.ETag(i.Version)
	return IdentityJSONResponse{Body: i, Headers: IdentityResponseHeaders{ETag: &tag}}
}

func showIdentity(ctx context.Context, tx *postgres.Tx, i *identity.Identity) (Identity, error) {
	out := Identity{PersonId: string(i.ID()), Version: i.Version(), RecordIds: []ID{}, Merges: []Merge{}}
	for _, id := range i.Members() {
		out.RecordIds = append(out.RecordIds, string(id))
	}
	merges, err := store.Merges(ctx, tx, i)
	for _, m := range merges {
		out.Merges = append(out.Merges, showMerge(m))
	}
	return out, err
}

func showMerge(m identity.Merge) Merge {
	shown := Merge{
		MergeId: string(m.ID), RecordIds: []ID{string(m.A), string(m.B)}, PairId: optional(m.Pair), ReasonCode: m.Reason, Despite: []Obstacle{},
		Note: optional(m.Note), MergedBy: m.By, MergedAt: m.At,
	}
	for _, o := range m.Despite {
		shown.Despite = append(shown.Despite, Obstacle(o))
	}
	if m.Undone != nil {
		shown.Undone = &struct {
			At         time.Time `json:"at"`
			By         ID        `json:"by"`
			Note       *string   `json:"note,omitempty"`
			ReasonCode Code      `json:"reason_code"`
		}{m.Undone.At, m.Undone.By, optional(m.Undone.Note), m.Undone.Reason}
	}
	return shown
}

// MergePersons implements StrictServerInterface.
func (a *API) MergePersons(ctx context.Context, request MergePersonsRequestObject) (MergePersonsResponseObject, error) {
	who, err := principal(ctx)
	if err != nil {
		return nil, err
	}
	in := request.Body
	out, err := httpapi.Once(ctx, a.DB, func(ctx context.Context, tx *postgres.Tx) (IdentityJSONResponse, error) {
		i, j, err := a.two(ctx, tx, referral.PersonID(request.PersonId), referral.PersonID(in.With))
		if err != nil {
			return IdentityJSONResponse{}, err
		}
		if err := httpapi.IfMatch(ctx, i.Version()); err != nil {
			return IdentityJSONResponse{}, err
		}
		if j.Version() != in.WithVersion {
			return IdentityJSONResponse{}, fault.New(fault.PreconditionFailed, "version_changed", "The other person changed since you looked. Look again, and decide about who they are now.",
				fault.Field{Pointer: "/with_version", Code: "version_changed", Detail: "this is not the current version"})
		}
		m := a.newMerge(referral.PersonID(request.PersonId), referral.PersonID(in.With), value(in.Despite), identity.Decision{By: who.Actor(), At: a.Clock.Now(), Reason: string(in.ReasonCode), Note: value(in.Note)})
		one, err := a.merge(ctx, tx, i, j, m)
		if err != nil {
			return IdentityJSONResponse{}, err
		}
		shown, err := showIdentity(ctx, tx, one)
		return identified(shown), err
	})
	return MergePersons200JSONResponse{out}, err
}

// two loads two persons to decide about, each by a record of theirs, and nothing
// else is decided about anybody meanwhile.
func (a *API) two(ctx context.Context, tx *postgres.Tx, x, y referral.PersonID) (i, j *identity.Identity, err error) {
	if err := store.LockIdentities(ctx, tx); err != nil {
		return nil, nil, err
	}
	// The older first, whichever is named first: rows are locked in one order.
	if i, err = store.Identity(ctx, tx, min(x, y), true); err != nil {
		return nil, nil, err
	}
	if j, err = store.Identity(ctx, tx, max(x, y), true); err != nil {
		return nil, nil, err
	}
	if x > y {
		i, j = j, i
	}
	r := policy.Resource{Type: "identity", ID: string(x)}
	return i, j, unknown(a.keeps(ctx, tx, policy.Identify, r, i, j), "person")
}

func (a *API) newMerge(x, y referral.PersonID, despite []Obstacle, d identity.Decision) identity.Merge {
	m := identity.Merge{ID: identity.MergeID(a.NewID()), A: min(x, y), B: max(x, y), Decision: d}
	for _, o := range despite {
		m.Despite = append(m.Despite, identity.Obstacle(o))
	}
	return m
}

// merge makes one person of two, and tells it.
func (a *API) merge(ctx context.Context, tx *postgres.Tx, i, j *identity.Identity, m identity.Merge) (*identity.Identity, error) {
	one, err := i.Join(j, m)
	if err != nil {
		return nil, err
	}
	apart, err := store.DecidedApart(ctx, tx, i, j)
	if err != nil {
		return nil, err
	}
	if apart {
		if err := identity.Unnamed([]identity.Obstacle{identity.DecidedApart}, m.Despite); err != nil {
			return nil, err
		}
	}
	if err := store.SaveMerge(ctx, tx, m, one); err != nil {
		return nil, err
	}
	return one, tell(ctx, tx, identity.Merged(m, i, j, one))
}

// UnmergePersons implements StrictServerInterface.
func (a *API) UnmergePersons(ctx context.Context, request UnmergePersonsRequestObject) (UnmergePersonsResponseObject, error) {
	who, err := principal(ctx)
	if err != nil {
		return nil, err
	}
	in := request.Body
	return httpapi.Once(ctx, a.DB, func(ctx context.Context, tx *postgres.Tx) (UnmergePersons200JSONResponse, error) {
		out := UnmergePersons200JSONResponse{Items: []Identity{}}
		if err := store.LockIdentities(ctx, tx); err != nil {
			return out, err
		}
		i, err := store.Identity(ctx, tx, referral.PersonID(request.PersonId), true)
		if err != nil {
			return out, err
		}
		if err := unknown(a.keeps(ctx, tx, policy.Identify, policy.Resource{Type: "identity", ID: request.PersonId}, i), "person"); err != nil {
			return out, err
		}
		if err := httpapi.IfMatch(ctx, i.Version()); err != nil {
			return out, err
		}
		x, y, err := unmerge(ctx, tx, i, identity.MergeID(in.MergeId), identity.Decision{By: who.Actor(), At: a.Clock.Now(), Reason: string(in.ReasonCode), Note: value(in.Note)})
		if err != nil {
			return out, err
		}
		for _, i := range []*identity.Identity{x, y} {
			shown, err := showIdentity(ctx, tx, i)
			if err != nil {
				return out, err
			}
			out.Items = append(out.Items, shown)
		}
		return out, nil
	})
}

// unmerge makes two persons of one again, and tells it.
func unmerge(ctx context.Context, tx *postgres.Tx, i *identity.Identity, id identity.MergeID, d identity.Decision) (x, y *identity.Identity, err error) {
	x, y, m, err := i.Cut(id, d)
	if err != nil {
		return nil, nil, err
	}
	if err := store.SaveUnmerge(ctx, tx, m, x, y); err != nil {
		return nil, nil, err
	}
	return x, y, tell(ctx, tx, identity.Unmerged(m, x, y))
}

// SealPerson implements StrictServerInterface.
func (a *API) SealPerson(ctx context.Context, request SealPersonRequestObject) (SealPersonResponseObject, error) {
	return SealPerson204Response{}, a.seal(ctx, referral.PersonID(request.PersonId), string(request.Body.Kind))
}

// UnsealPerson implements StrictServerInterface.
func (a *API) UnsealPerson(ctx context.Context, request UnsealPersonRequestObject) (UnsealPersonResponseObject, error) {
	return UnsealPerson204Response{}, a.seal(ctx, referral.PersonID(request.PersonId), "")
}

// seal puts a seal on a record and takes back every merge it is in; or takes the
// seal off, and leaves the merges to people.
func (a *API) seal(ctx context.Context, id referral.PersonID, kind string) error {
	who, err := principal(ctx)
	if err != nil {
		return err
	}
	return a.DB.InTenant(ctx, func(ctx context.Context, tx *postgres.Tx) error {
		if err := store.LockIdentities(ctx, tx); err != nil {
			return err
		}
		i, err := store.Identity(ctx, tx, id, true)
		if err != nil {
			return err
		}
		if err := unknown(a.keeps(ctx, tx, policy.Seal, policy.Resource{Type: "identity", ID: string(id)}, i), "person"); err != nil {
			return err
		}
		if i.Record(id).Seal == kind {
			return nil
		}
		i.Record(id).Seal = kind
		for breach := i.Breach(); kind != "" && len(breach) > 0; breach = i.Breach() {
			x, y, err := unmerge(ctx, tx, i, breach[0], identity.Decision{By: who.Actor(), At: a.Clock.Now(), Reason: identity.ReasonSealed})
			if err != nil {
				return err
			}
			if i = x; i.Record(id) == nil {
				i = y
			}
		}
		return store.SaveSeal(ctx, tx, id, kind)
	})
}

func tell(ctx context.Context, tx *postgres.Tx, an referral.Announcement) error {
	return events.Publish(ctx, tx, events.Draft{Type: an.Type, Subject: an.Subject, Key: an.Key, Version: an.Version, Trace: an.Trace, Data: an.Data})
}
