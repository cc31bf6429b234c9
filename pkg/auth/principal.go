package auth

import (
	"context"
	"log/slog"
	"slices"

	"github.com/hearthfps/hearth/pkg/fault"
	"github.com/hearthfps/hearth/pkg/tenant"
)

// Roles a token may carry. What each may do is decided in pkg/policy alone.
const (
	RoleIntakeWorker   = "intake_worker"
	RoleFamilyWorker   = "family_worker"
	RoleSupervisor     = "supervisor"
	RoleScheduler      = "scheduler"
	RolePrivacyOfficer = "privacy_officer"
	RoleRecordsOfficer = "records_officer"
	RoleOperator       = "operator"
	RoleReferrer       = "referrer"
	RoleService        = "service"
	RoleAdmin          = "admin"
)

// Roles lists every role, in the order above.
func Roles() []string {
	return []string{
		RoleIntakeWorker, RoleFamilyWorker, RoleSupervisor, RoleScheduler, RolePrivacyOfficer, RoleRecordsOfficer,
		RoleOperator, RoleReferrer, RoleService, RoleAdmin,
	}
}

// Principal is who asks: a person, an external system or one of our services.
type Principal struct {
	// Subject is the issuer's name for them, unique within the agency.
	Subject string
	// Agency is the tenant they ask in.
	Agency tenant.AgencyID
	// Roles are those of the token that Hearth knows.
	Roles []string
	// WorkerID is the agency's own id of the worker; "" for who is none.
	WorkerID string
	// Units are the paths of the organisational units they are bound to; nil
	// binds to none. See Covers.
	Units []string
	// Source is the CloudEvents source a referrer is bound to; "" binds to none.
	Source string
}

// Has says whether the principal carries the role.
func (p Principal) Has(role string) bool { return slices.Contains(p.Roles, role) }

// Actor is the id that is stored with what the principal did: the worker's, or
// else the subject.
func (p Principal) Actor() string {
	if p.WorkerID != "" {
		return p.WorkerID
	}
	return p.Subject
}

// LogValue shows agency and roles. A subject may be an e-mail address.
func (p Principal) LogValue() slog.Value {
	return slog.GroupValue(slog.Any("agency", p.Agency), slog.Any("roles", p.Roles))
}

type contextKey struct{}

// With gives a context in which p asks, in p's agency.
func With(ctx context.Context, p Principal) context.Context {
	return tenant.With(context.WithValue(ctx, contextKey{}, p), p.Agency)
}

// From says who asks; false when nobody known does: an event, a timer.
func From(ctx context.Context) (Principal, bool) {
	p, ok := ctx.Value(contextKey{}).(Principal)
	return p, ok
}

// Asker is who asks, for what is stored with what they do. It fails with
// Unauthenticated (token_missing) when nobody does.
func Asker(ctx context.Context) (Principal, error) {
	p, ok := From(ctx)
	if !ok {
		return p, fault.New(fault.Unauthenticated, "token_missing", "Send a bearer token.")
	}
	return p, nil
}

// Worker is the id by which the agency knows the worker who asks. It fails with
// Unauthenticated (token_missing) when nobody asks, and with Forbidden
// (worker_unknown) when the token names no worker.
func Worker(ctx context.Context) (string, error) {
	p, err := Asker(ctx)
	if err == nil && p.WorkerID == "" {
		err = fault.New(fault.Forbidden, "worker_unknown", "Your token names no worker. Ask for one that does.")
	}
	return p.WorkerID, err
}
