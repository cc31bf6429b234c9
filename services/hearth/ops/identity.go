package ops

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/hearthfps/hearth/pkg/auth"
	"github.com/hearthfps/hearth/pkg/fault"
)

// issuers asks each issuer for its discovery document and its keys.
func (d Doctor) issuers(ctx context.Context, r *report, p Patient) {
	for _, i := range p.Config.Issuers {
		check := "issuer " + i.URL
		status, body, at, err := d.get(ctx, strings.TrimSuffix(i.URL, "/")+"/.well-known/openid-configuration")
		if err != nil {
			r.fault(check, "it does not answer: "+err.Error(), "Nobody of it can be recognised until it does. May this machine reach it?")
			continue
		}
		var discovered struct {
			Issuer string `json:"issuer"`
			Keys   string `json:"jwks_uri"`
		}
		if err := json.Unmarshal([]byte(body), &discovered); err != nil || status != http.StatusOK {
			r.fault(check, fmt.Sprintf("it answers %d and no discovery document", status), "Is issuers.url the issuer itself, without /.well-known?")
			continue
		}
		if discovered.Issuer != i.URL {
			r.fault(check, fmt.Sprintf("it calls itself %q", discovered.Issuer), "Write issuers.url letter by letter as the issuer calls itself: tokens name it so.")
			continue
		}
		if !d.keys(ctx, r, check, discovered.Keys) {
			continue
		}
		if skew := at.Sub(d.Now()); !at.IsZero() && !r.within(skew) {
			r.fault("clock", fmt.Sprintf("the clock of %s stands %s from this machine's", i.URL, seconds(skew)), "Synchronise both with NTP: tokens would be taken too early or too late.")
		}
		d.reach(r, check, i)
	}
}

func (d Doctor) keys(ctx context.Context, r *report, check, address string) bool {
	_, body, _, err := d.get(ctx, address)
	var set struct {
		Keys []struct {
			Use string `json:"use"`
		} `json:"keys"`
	}
	if err == nil {
		err = json.Unmarshal([]byte(body), &set)
	}
	if err != nil {
		r.fault(check, "its keys cannot be read: "+err.Error(), "May this machine reach "+address+"?")
		return false
	}
	if !slices.ContainsFunc(set.Keys, func(k struct {
		Use string `json:"use"`
	},
	) bool {
		return k.Use == "" || k.Use == "sig"
	}) {
		r.fault(check, "it publishes no key for signatures", "Give it one: RS256, ES256 or EdDSA.")
		return false
	}
	return true
}

// reach says what an issuer may do here.
func (d Doctor) reach(r *report, check string, i auth.Issuer) {
	gives := func(role string) bool {
		return slices.Contains(i.Roles, role) || slices.Contains(i.Roles, auth.AnyRole)
	}
	switch {
	case len(i.Agencies) == 0:
		r.fault(check, "it speaks for no agency", "List its agencies in issuers.agencies.")
	case len(i.Roles) == 0:
		r.fault(check, "it may give no role: everybody of it is refused everything", "List in issuers.roles what it may give.")
	case gives(auth.RoleAdmin) && gives(auth.RoleService) && slices.Contains(i.Agencies, "*"):
		r.warn(check, "it may give every role in every agency, admin and service among them", "Have people come from an issuer of their own, whose issuers.roles leave service and admin out.")
	default:
		r.good(check, fmt.Sprintf("it answers, and speaks for %s with %s", list(i.Agencies), list(i.Roles)))
	}
}

// token verifies the token that was given, as the service would.
func (d Doctor) token(ctx context.Context, r *report, p Patient) {
	if d.Token == "" {
		return
	}
	verifier, err := auth.NewVerifier(p.Config.Issuers...)
	if err != nil {
		r.fault("token", err.Error(), "Mend issuers.")
		return
	}
	who, err := verifier.Verify(ctx, d.Token)
	if refused, ok := fault.As(err); ok {
		r.fault("token", refused.Detail, "Compare its iss, aud, exp and alg with issuers: url, audience, algorithms. Never paste a token of a person anywhere to look.")
		return
	}
	if err != nil {
		r.fault("token", err.Error(), "")
		return
	}
	if len(who.Roles) == 0 {
		r.fault("token", "it verifies, but carries no role Hearth knows in the claim that is read", "Map the issuer's roles to Hearth's, and name the claim in issuers.claims.roles (Keycloak: realm_access.roles).")
		return
	}
	r.good("token", fmt.Sprintf("it verifies: agency %s, %s", who.Agency, list(who.Roles)))
}
