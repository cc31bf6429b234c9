package auth

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"

	"github.com/hearthfps/hearth/pkg/fault"
	"github.com/hearthfps/hearth/pkg/tenant"
)

// Issuer is one OpenID Connect issuer that is trusted.
type Issuer struct {
	// URL is the issuer's identifier: the `iss` of its tokens, where its
	// discovery document is found.
	URL string `yaml:"url"`
	// Audience is what must be among the `aud` of its tokens; empty is "hearth".
	Audience string `yaml:"audience"`
	// Algorithms are the signature algorithms taken; empty is RS256, ES256 and EdDSA.
	Algorithms []string `yaml:"algorithms"`
	// Agencies are those it speaks for; empty is none, "*" is any.
	Agencies []string `yaml:"agencies"`
	// Roles are those it may give, at least one; "*" is all of them, service and
	// admin too: that is to be said, and not to follow from what was forgotten.
	Roles []string `yaml:"roles"`
	// Claims say where in a token to look; see Claims.
	Claims Claims `yaml:"claims"`

	// Keys verifies its signatures without discovery; nil discovers them.
	Keys oidc.KeySet `yaml:"-"`
	// UnboundReferrers lets it give role referrer without a source: to speak, and to
	// correct and withdraw, for any sender. For development; no file can say so.
	UnboundReferrers bool `yaml:"-"`
}

// Claims are the names of the claims that are read, as paths with dots
// ("realm_access.roles"). Empty is the default.
type Claims struct {
	// Agency is the tenant; default "agency".
	Agency string `yaml:"agency"`
	// Roles is a list or a string with spaces; default "roles".
	Roles string `yaml:"roles"`
	// Worker is the agency's own id of the worker; default "worker_id".
	Worker string `yaml:"worker"`
	// Units is a list or a string with spaces of the organisational units a
	// principal is bound to; default "units".
	Units string `yaml:"units"`
	// Source is the CloudEvents source a referrer is bound to; default "source".
	Source string `yaml:"source"`
}

// AnyRole stands in Issuer.Roles for every role there is.
const AnyRole = "*"

// DefaultAudience is who tokens are meant for.
const DefaultAudience = "hearth"

const (
	// verifiedFor is how long a verified token is taken without looking again.
	verifiedFor = time.Minute
	maxVerified = 10_000
	maxToken    = 16 << 10
)

// Verifier turns tokens into principals. It may be used from many goroutines.
type Verifier struct {
	issuers map[string]*issuer
	now     func() time.Time

	mu       sync.Mutex
	verified map[[sha256.Size]byte]verified
}

type issuer struct {
	Issuer
	verifier *oidc.IDTokenVerifier
}

type verified struct {
	principal Principal
	until     time.Time
}

// NewVerifier trusts the issuers of the list. It asks none of them yet: an issuer
// that is away when we start is found when its first token comes.
func NewVerifier(issuers ...Issuer) (*Verifier, error) {
	v := &Verifier{issuers: map[string]*issuer{}, now: time.Now, verified: map[[sha256.Size]byte]verified{}}
	for _, i := range issuers {
		if i.URL == "" {
			return nil, errors.New("an OIDC issuer needs its url")
		}
		if v.issuers[i.URL] != nil {
			return nil, fmt.Errorf("OIDC issuer %s is listed twice", i.URL)
		}
		if len(i.Roles) == 0 {
			return nil, fmt.Errorf("OIDC issuer %s: roles is missing: list what it may give (%s), or %q for all of them, service and admin too", i.URL, strings.Join(Roles(), ", "), AnyRole)
		}
		for _, role := range i.Roles {
			if role != AnyRole && !slices.Contains(Roles(), role) {
				return nil, fmt.Errorf("OIDC issuer %s: %q is no role; roles are %s", i.URL, role, strings.Join(Roles(), ", "))
			}
		}
		for _, agency := range i.Agencies {
			if _, err := tenant.Parse(agency); err != nil && agency != "*" {
				return nil, fmt.Errorf("OIDC issuer %s: agency %q is no agency's id", i.URL, agency)
			}
		}
		for _, alg := range i.Algorithms {
			if !slices.Contains(knownAlgorithms, alg) {
				return nil, fmt.Errorf("OIDC issuer %s: algorithm %q is none of %s", i.URL, alg, strings.Join(knownAlgorithms, ", "))
			}
		}
		i.Audience = or(i.Audience, DefaultAudience)
		i.Claims.Agency, i.Claims.Roles = or(i.Claims.Agency, "agency"), or(i.Claims.Roles, "roles")
		i.Claims.Worker, i.Claims.Source = or(i.Claims.Worker, "worker_id"), or(i.Claims.Source, "source")
		i.Claims.Units = or(i.Claims.Units, "units")
		if len(i.Algorithms) == 0 {
			i.Algorithms = []string{oidc.RS256, oidc.ES256, oidc.EdDSA}
		}
		keys := i.Keys
		if keys == nil {
			keys = newRemoteKeys(i.URL)
		}
		v.issuers[i.URL] = &issuer{i, oidc.NewVerifier(i.URL, keys, &oidc.Config{
			ClientID: i.Audience, SupportedSigningAlgs: i.Algorithms, Now: func() time.Time { return v.now() },
		})}
	}
	return v, nil
}

// knownAlgorithms are asymmetric: a shared secret would let us mint tokens too.
var knownAlgorithms = []string{oidc.RS256, oidc.RS384, oidc.RS512, oidc.ES256, oidc.ES384, oidc.ES512, oidc.PS256, oidc.PS384, oidc.PS512, oidc.EdDSA}

func or(s, fallback string) string {
	if s == "" {
		return fallback
	}
	return s
}

// Verify turns a token into who asks. It fails with Unauthenticated
// (token_refused, token_expired), Forbidden (agency_not_of_issuer) or
// Unavailable (issuer_unavailable).
func (v *Verifier) Verify(ctx context.Context, token string) (Principal, error) {
	if len(token) > maxToken {
		return Principal{}, refused(nil)
	}
	sum := sha256.Sum256([]byte(token))
	if p, ok := v.remembered(sum); ok {
		return p, nil
	}
	name, err := issuerOf(token)
	if err != nil {
		return Principal{}, refused(err)
	}
	i := v.issuers[name]
	if i == nil {
		return Principal{}, refused(errors.New("the issuer is not in the list"))
	}
	var away error
	t, err := i.verifier.Verify(context.WithValue(ctx, awayKey{}, &away), token)
	if away != nil {
		return Principal{}, fault.New(fault.Unavailable, "issuer_unavailable",
			"The identity provider does not answer, so nobody can be recognised. Try again shortly.").Because(away).After(5 * time.Second)
	}
	var expired *oidc.TokenExpiredError
	if errors.As(err, &expired) {
		return Principal{}, fault.New(fault.Unauthenticated, "token_expired", "This token has expired. Get a new one.")
	}
	if err != nil {
		return Principal{}, refused(errors.New("it does not verify"))
	}
	p, err := i.principal(t)
	if err != nil {
		return Principal{}, err
	}
	v.remember(sum, p, t.Expiry)
	return p, nil
}

// refused does not say more to the asker: what is wrong with a token helps only
// to forge a better one. The library's words may hold claims, and are left out.
func refused(cause error) error {
	e := fault.New(fault.Unauthenticated, "token_refused", "This token is not taken here. Get one from your agency's identity provider.")
	if cause != nil {
		return e.Because(cause)
	}
	return e
}

// principal reads the claims of a verified token.
func (i *issuer) principal(t *oidc.IDToken) (Principal, error) {
	var claims map[string]any
	if err := t.Claims(&claims); err != nil {
		return Principal{}, refused(errors.New("its claims cannot be read"))
	}
	name, _ := find(claims, i.Claims.Agency).(string)
	agency, err := tenant.Parse(name)
	if err != nil {
		return Principal{}, refused(errors.New("it names no agency"))
	}
	if !slices.Contains(i.Agencies, "*") && !slices.Contains(i.Agencies, name) {
		return Principal{}, fault.New(fault.Forbidden, "agency_not_of_issuer", "This token's issuer does not speak for its agency.")
	}
	if t.Subject == "" {
		return Principal{}, refused(errors.New("it names no subject"))
	}
	p := Principal{Subject: t.Subject, Agency: agency}
	p.WorkerID, _ = find(claims, i.Claims.Worker).(string)
	p.Source, _ = find(claims, i.Claims.Source).(string)
	if p.Units, err = unitsOf(find(claims, i.Claims.Units)); err != nil {
		return Principal{}, refused(err)
	}
	for _, role := range texts(find(claims, i.Claims.Roles)) {
		allowed := slices.Contains(i.Roles, role) || slices.Contains(i.Roles, AnyRole)
		if role == RoleService && (p.WorkerID != "" || p.Source != "") {
			continue // a worker, or a referrer, is none of our services
		}
		if role == RoleReferrer && p.Source == "" && !i.UnboundReferrers {
			continue // nobody could say whose events these are
		}
		if allowed && slices.Contains(Roles(), role) && !p.Has(role) {
			p.Roles = append(p.Roles, role)
		}
	}
	return p, nil
}

// find follows a path with dots into claims.
func find(claims map[string]any, path string) any {
	if v, ok := claims[path]; ok { // a claim's own name may hold dots: a URL
		return v
	}
	var v any = claims
	for part := range strings.SplitSeq(path, ".") {
		m, _ := v.(map[string]any)
		v = m[part]
	}
	return v
}

func texts(v any) []string {
	switch v := v.(type) {
	case string:
		return strings.Fields(v)
	case []any:
		var all []string
		for _, item := range v {
			if s, ok := item.(string); ok {
				all = append(all, s)
			}
		}
		return all
	}
	return nil
}

// issuerOf reads the issuer of a token that is not verified yet, to choose who verifies it.
func issuerOf(token string) (string, error) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return "", errors.New("it is no signed token")
	}
	data, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return "", errors.New("its payload cannot be read")
	}
	var claims struct {
		Issuer string `json:"iss"`
	}
	if err := json.Unmarshal(data, &claims); err != nil {
		return "", errors.New("its payload cannot be read")
	}
	return claims.Issuer, nil
}

func (v *Verifier) remembered(sum [sha256.Size]byte) (Principal, bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	known, ok := v.verified[sum]
	if !ok {
		return Principal{}, false
	}
	if !v.now().Before(known.until) {
		delete(v.verified, sum)
		return Principal{}, false
	}
	return known.principal, true
}

func (v *Verifier) remember(sum [sha256.Size]byte, p Principal, expiry time.Time) {
	until := v.now().Add(verifiedFor)
	if expiry.Before(until) {
		until = expiry
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if len(v.verified) >= maxVerified {
		clear(v.verified)
	}
	v.verified[sum] = verified{p, until}
}
