package policy

import (
	"context"
	_ "embed"
	"fmt"
	"slices"
	"strings"

	cedar "github.com/cedar-policy/cedar-go"

	"github.com/hearthfps/hearth/pkg/auth"
	"github.com/hearthfps/hearth/pkg/clock"
	"github.com/hearthfps/hearth/pkg/fault"
	"github.com/hearthfps/hearth/pkg/postgres"
)

//go:embed policies.cedar
var policies []byte

// Resource is the thing somebody wants to see or do something to.
type Resource struct {
	// Type is one of resourceKinds; ID names it.
	Type, ID string
	// CaseID is the case it belongs to; "" is none yet. Assignments, exclusions
	// and the unit of the case are looked up.
	CaseID string
	// Cases are those that share it beside CaseID, as a person may be of several:
	// who works on one of them works on it, and who is excluded from one is
	// excluded from it.
	Cases []string
	// Author is who made it, when somebody else must judge it (Principal.Actor).
	Author string
	// AssignedWorkers and Excluded are those of the thing itself, beside the
	// case's: the workers of a visit.
	AssignedWorkers, Excluded []string
	// Protected is true for a reporter and a confidential address.
	Protected bool
	// Granted are the actors named in the grant of a protected record.
	Granted []string
	// Source is the CloudEvents source an inbound event came from.
	Source string
}

// cases are all the cases it belongs to.
func (r Resource) cases() []string {
	if r.CaseID == "" || slices.Contains(r.Cases, r.CaseID) {
		return r.Cases
	}
	return append([]string{r.CaseID}, r.Cases...)
}

// Engine decides. Make one with New; it may be used from many goroutines.
type Engine struct {
	set    *cedar.PolicySet
	groups cedar.EntityMap
	names  map[cedar.PolicyID]string
	clock  clock.Clock
}

// New makes the engine of the policies that are built in. Audit rows are written
// by the given clock.
func New(c clock.Clock) (*Engine, error) {
	set, err := cedar.NewPolicySetFromBytes("policies.cedar", policies)
	if err != nil {
		return nil, fmt.Errorf("read policies: %w", err)
	}
	e := &Engine{set: set, groups: groupEntities(), names: map[cedar.PolicyID]string{}, clock: c}
	for id, p := range set.All() {
		name := string(p.Annotations()["id"])
		if name == "" {
			return nil, fmt.Errorf("read policies: policy %s has no @id", id)
		}
		e.names[id] = name
	}
	return e, nil
}

// Check decides whether the principal of ctx may do action to r. It looks up the
// case's assignments and exclusions in tx. It fails with
//
//	Unauthenticated (principal_missing)  nobody asks: an event or a timer does not
//	NotFound (<type>_not_found)          the asker may not know that it exists
//	Forbidden (own_work, protected, …)   the asker may know of it, and not do this
//	Internal (policy_unknown)            no such action or type: a defect
//
// It leaves no audit row, so broken glass opens nothing here.
func (e *Engine) Check(ctx context.Context, tx *postgres.Tx, action string, r Resource) error {
	_, err := e.check(ctx, tx, action, r, "")
	return err
}

// CheckRead is Check, and writes to the audit that r was read. Both happen in tx,
// so what is not audited is not shown.
func (e *Engine) CheckRead(ctx context.Context, tx *postgres.Tx, action string, r Resource) error {
	reason := breakGlass(ctx)
	broken, err := e.check(ctx, tx, action, r, reason)
	if err != nil {
		return err
	}
	decision := "break_glass"
	if !broken {
		decision, reason = "permit", ""
	}
	return e.audit(ctx, tx, action, r, decision, reason)
}

// check decides; broken says that only breaking the glass for the given reason
// ("" is none) permits it.
func (e *Engine) check(ctx context.Context, tx *postgres.Tx, action string, r Resource, reason string) (broken bool, err error) {
	p, ok := auth.From(ctx)
	if !ok {
		return false, fault.New(fault.Unauthenticated, "principal_missing", "This needs somebody who asks.")
	}
	w := world{principal: p, agency: tx.Agency().String(), resource: r}
	if cases := r.cases(); len(cases) > 0 {
		standing, err := caseAccess(ctx, tx, cases)
		if err != nil {
			return false, err
		}
		w.resource.CaseID = cases[0]
		w.resource.AssignedWorkers = append(standing.assigned, r.AssignedWorkers...)
		w.resource.Excluded = append(standing.excluded, r.Excluded...)
		w.elsewhere = !slices.ContainsFunc(standing.units, p.Covers)
	}
	d, err := e.decide(w, action)
	if err != nil || d.allowed {
		return false, err
	}
	if reason != "" {
		w.breakGlass = true
		if glass, err := e.decide(w, action); err != nil || glass.allowed {
			return glass.allowed, err
		}
	}
	e.auditDenial(tx, action, w.resource, p)
	return false, e.refuse(w, action, d)
}

// auditDenial has a denial audited once the transaction it ended is rolled back.
// What goes on in spite of one denied nothing, and leaves no row.
func (e *Engine) auditDenial(tx *postgres.Tx, action string, r Resource, p auth.Principal) {
	db, denied := tx.DB(), r
	tx.AfterFailure(func(ctx context.Context) error {
		return db.InTenant(auth.With(ctx, p), func(ctx context.Context, tx *postgres.Tx) error {
			return e.audit(ctx, tx, action, denied, "deny", "")
		})
	})
}

// refuse words a denial for what the asker may know.
func (e *Engine) refuse(w world, action string, d decision) error {
	if secret(w.resource) {
		read, err := e.decide(w, Read)
		if err != nil {
			return err
		}
		if !read.allowed && !readable(read) {
			return fault.Missing(w.resource.Type)
		}
	}
	switch d.forbiddenBy {
	case "own_work":
		return fault.New(fault.Forbidden, "own_work", "Somebody other than its author decides this.")
	case "protected":
		return fault.New(fault.Forbidden, "protected", "This record is protected: reading it needs a grant in your name. A privacy officer gives one.")
	}
	return fault.New(fault.Forbidden, "not_allowed", "Your role does not allow this here.")
}

// secret says whether even the existence of a thing follows need to know.
func secret(r Resource) bool {
	for _, kind := range resourceKinds[r.Type] {
		if kind == "family" || kind == "records" {
			return r.ID != "" || r.CaseID != ""
		}
	}
	return false
}

// readable says that reading is refused for the record's protection alone: that
// there is a reporter is no secret to who may read the referral.
func readable(d decision) bool { return d.forbiddenBy == "protected" && d.permitted }

// world is all a decision depends on.
type world struct {
	principal  auth.Principal
	agency     string
	resource   Resource
	elsewhere  bool // each case it belongs to is of a unit the principal does not stand for
	breakGlass bool
}

type decision struct {
	allowed     bool
	permitted   bool   // some permit holds, whatever forbids
	forbiddenBy string // the @id of a forbid that holds
}

// decide asks the policies.
func (e *Engine) decide(w world, action string) (decision, error) {
	kinds, known := resourceKinds[w.resource.Type]
	if _, ok := actionGroups[action]; !ok || !known {
		return decision{}, fault.New(fault.Internal, "policy_unknown", "This action or type is in no policy.")
	}
	principal := cedar.NewEntityUID("Principal", cedar.String(w.principal.Subject))
	resource := cedar.NewEntityUID("Resource", cedar.String(w.resource.Type+"/"+w.resource.ID))
	parents := make([]cedar.EntityUID, len(kinds))
	for i, k := range kinds {
		parents[i] = cedar.NewEntityUID("Kind", cedar.String(k))
	}
	entities := overlay{base: e.groups, extra: [2]cedar.Entity{
		{UID: principal, Attributes: cedar.NewRecord(cedar.RecordMap{
			"agency": cedar.String(w.principal.Agency.String()), "roles": set(w.principal.Roles), "actor": cedar.String(w.principal.Actor()), "subject": cedar.String(w.principal.Subject),
			"worker": cedar.String(w.principal.WorkerID), "bound": cedar.Boolean(w.principal.Source != ""),
		})},
		{UID: resource, Parents: cedar.NewEntityUIDSet(parents...), Attributes: cedar.NewRecord(cedar.RecordMap{
			"id": cedar.String(w.resource.ID), "agency": cedar.String(w.agency), "case": cedar.String(w.resource.CaseID),
			"author": cedar.String(w.resource.Author), "assigned": set(w.resource.AssignedWorkers), "excluded": set(w.resource.Excluded),
			"protected": cedar.Boolean(w.resource.Protected), "granted": set(w.resource.Granted),
			"elsewhere":  cedar.Boolean(w.elsewhere),
			"own_source": cedar.Boolean(ownSource(w.principal.Source, w.resource.Source)),
		})},
	}}
	request := cedar.Request{
		Principal: principal, Action: cedar.NewEntityUID("Action", cedar.String(action)), Resource: resource,
		Context: cedar.NewRecord(cedar.RecordMap{"break_glass": cedar.Boolean(w.breakGlass)}),
	}
	verdict, diagnostic := e.set.IsAuthorized(entities, request)
	// A policy that cannot be evaluated might have been a forbid.
	if len(diagnostic.Errors) > 0 {
		return decision{}, fault.New(fault.Internal, "policy_failed", "A policy could not be evaluated.").
			Because(fmt.Errorf("policy %s", e.names[diagnostic.Errors[0].PolicyID]))
	}
	d := decision{allowed: verdict == cedar.Allow, permitted: verdict == cedar.Allow}
	if d.allowed || len(diagnostic.Reasons) == 0 {
		return d, nil
	}
	d.forbiddenBy = e.names[diagnostic.Reasons[0].PolicyID]
	for _, reason := range diagnostic.Reasons {
		// An exclusion is not told apart from a thing that is not there.
		if name := e.names[reason.PolicyID]; name == "excluded" || name == "other_agency" {
			d.forbiddenBy = name
		}
	}
	if d.forbiddenBy == "protected" {
		open := w
		open.resource.Protected = false
		without, err := e.decide(open, action)
		if err != nil {
			return decision{}, err
		}
		d.permitted = without.allowed
	}
	return d, nil
}

// ownSource says whether a source is the one a referrer is bound to, or below it.
func ownSource(bound, source string) bool {
	return bound != "" && (source == bound || strings.HasPrefix(source, strings.TrimSuffix(bound, "/")+"/"))
}

func set(texts []string) cedar.Set {
	values := make([]cedar.Value, len(texts))
	for i, t := range texts {
		values[i] = cedar.String(t)
	}
	return cedar.NewSet(values...)
}

// overlay is the groups with the two entities of one decision.
type overlay struct {
	base  cedar.EntityMap
	extra [2]cedar.Entity
}

// Get implements cedar.EntityGetter.
func (o overlay) Get(uid cedar.EntityUID) (cedar.Entity, bool) {
	for i := range o.extra {
		if o.extra[i].UID == uid {
			return o.extra[i], true
		}
	}
	return o.base.Get(uid)
}

type breakGlassKey struct{}

// WithBreakGlass gives a context in which a worker breaks the glass for a reason;
// a blank one is none.
func WithBreakGlass(ctx context.Context, reason string) context.Context {
	reason = strings.TrimSpace(reason)
	return context.WithValue(ctx, breakGlassKey{}, reason)
}

func breakGlass(ctx context.Context) string {
	reason, _ := ctx.Value(breakGlassKey{}).(string)
	return reason
}
