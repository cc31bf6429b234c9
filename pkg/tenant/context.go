package tenant

import "context"

type contextKey struct{}

// With gives a context in which work is done for agency a.
func With(ctx context.Context, a AgencyID) context.Context {
	return context.WithValue(ctx, contextKey{}, a)
}

// From says for which agency the work of ctx is done; false when for none.
func From(ctx context.Context) (AgencyID, bool) {
	a, _ := ctx.Value(contextKey{}).(AgencyID)
	return a, !a.IsZero()
}
