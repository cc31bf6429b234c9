package auth

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/google/go-cmp/cmp"

	"github.com/hearthfps/hearth/pkg/fault"
	"github.com/hearthfps/hearth/pkg/tenant"
)

func agency(t testing.TB, slug string) tenant.AgencyID {
	t.Helper()
	a, err := tenant.Parse(slug)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// issuer serves a development issuer over HTTP and counts what it is asked.
func serve(t testing.TB, dir string) (*DevIssuer, *atomic.Int64, *httptest.Server) {
	t.Helper()
	var asked atomic.Int64
	var dev *DevIssuer
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		dev.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	var err error
	if dev, err = NewDevIssuer(true, server.URL+"/dev/oidc", dir); err != nil {
		t.Fatal(err)
	}
	return dev, &asked, server
}

func verifier(t testing.TB, issuers ...Issuer) *Verifier {
	t.Helper()
	v, err := NewVerifier(issuers...)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func askToken(t testing.TB, server string, form url.Values) string {
	t.Helper()
	answer, err := http.PostForm(server+"/dev/oidc/token", form)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	var body struct {
		Token string `json:"access_token"`
	}
	if err := json.NewDecoder(answer.Body).Decode(&body); err != nil || answer.StatusCode != 200 {
		t.Fatalf("status %d, %v", answer.StatusCode, err)
	}
	return body.Token
}

func TestVerify_ByDiscovery(t *testing.T) {
	dev, asked, server := serve(t, t.TempDir())
	v := verifier(t, Issuer{URL: dev.url, Agencies: []string{"lakeland"}, Roles: []string{AnyRole}})
	token := askToken(t, server.URL, url.Values{
		"grant_type": {"client_credentials"}, "agency": {"lakeland"}, "role": {"family_worker", "supervisor"}, "worker": {"worker-1"},
	})
	got, err := v.Verify(t.Context(), token)
	if err != nil {
		t.Fatal(err)
	}
	want := Principal{Subject: "worker-1", Agency: agency(t, "lakeland"), Roles: []string{"family_worker", "supervisor"}, WorkerID: "worker-1"}
	if diff := cmp.Diff(want, got, cmp.Comparer(func(a, b tenant.AgencyID) bool { return a == b })); diff != "" {
		t.Error(diff)
	}
	before := asked.Load()
	for range 10 {
		if _, err := v.Verify(t.Context(), token); err != nil {
			t.Fatal(err)
		}
	}
	if asked.Load() != before {
		t.Errorf("the issuer was asked %d times more", asked.Load()-before)
	}
}

func TestGuarantee1_OnlySignedForUsAndInDate(t *testing.T) {
	dev, _, _ := serve(t, t.TempDir())
	now := time.Now()
	claims := func(change map[string]any) string {
		all := map[string]any{
			"iss": dev.url, "aud": []string{"hearth", "other"}, "sub": "s", "agency": "lakeland", "roles": []string{"scheduler"},
			"exp": now.Add(time.Hour).Unix(), "iat": now.Unix(),
		}
		for k, v := range change {
			if all[k] = v; v == nil {
				delete(all, k)
			}
		}
		payload, err := json.Marshal(all)
		if err != nil {
			t.Fatal(err)
		}
		return string(payload)
	}
	sign := func(key jose.SigningKey, payload string) string {
		signer, err := jose.NewSigner(key, nil)
		if err != nil {
			t.Fatal(err)
		}
		signed, err := signer.Sign([]byte(payload))
		if err != nil {
			t.Fatal(err)
		}
		token, err := signed.CompactSerialize()
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	ours := jose.SigningKey{Algorithm: jose.ES256, Key: dev.key}
	theirs, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	// The public key as the secret of a symmetric algorithm: the classic confusion.
	public, err := json.Marshal(jose.JSONWebKey{Key: dev.key.Public()})
	if err != nil {
		t.Fatal(err)
	}
	none := "eyJhbGciOiJub25lIn0." + strings.Split(sign(ours, claims(nil)), ".")[1] + "."
	for _, tc := range []struct {
		name, token string
		code        string
		kind        fault.Kind
	}{
		{"good", sign(ours, claims(nil)), "", 0},
		{"expired", sign(ours, claims(map[string]any{"exp": now.Add(-time.Second).Unix()})), "token_expired", fault.Unauthenticated},
		{"never expires", sign(ours, claims(map[string]any{"exp": nil})), "token_expired", fault.Unauthenticated},
		{"not yet", sign(ours, claims(map[string]any{"nbf": now.Add(time.Hour).Unix()})), "token_refused", fault.Unauthenticated},
		{"another audience", sign(ours, claims(map[string]any{"aud": "other"})), "token_refused", fault.Unauthenticated},
		{"no audience", sign(ours, claims(map[string]any{"aud": nil})), "token_refused", fault.Unauthenticated},
		{"unknown issuer", sign(ours, claims(map[string]any{"iss": "https://elsewhere.test"})), "token_refused", fault.Unauthenticated},
		{"another key", sign(jose.SigningKey{Algorithm: jose.ES256, Key: theirs}, claims(nil)), "token_refused", fault.Unauthenticated},
		{"symmetric", sign(jose.SigningKey{Algorithm: jose.HS256, Key: public}, claims(nil)), "token_refused", fault.Unauthenticated},
		{"unsigned", none, "token_refused", fault.Unauthenticated},
		{"changed", sign(ours, claims(nil))[:40] + "A" + sign(ours, claims(nil))[41:], "token_refused", fault.Unauthenticated},
		{"no agency", sign(ours, claims(map[string]any{"agency": nil})), "token_refused", fault.Unauthenticated},
		{"agency is no slug", sign(ours, claims(map[string]any{"agency": "Lake Land"})), "token_refused", fault.Unauthenticated},
		{"no subject", sign(ours, claims(map[string]any{"sub": nil})), "token_refused", fault.Unauthenticated},
		{"agency of another issuer", sign(ours, claims(map[string]any{"agency": "northshore"})), "agency_not_of_issuer", fault.Forbidden},
		{"nothing", "", "token_refused", fault.Unauthenticated},
		{"huge", strings.Repeat("a", maxToken+1), "token_refused", fault.Unauthenticated},
	} {
		v := verifier(t, Issuer{URL: dev.url, Agencies: []string{"lakeland"}, Roles: []string{AnyRole}})
		_, err := v.Verify(t.Context(), tc.token)
		if tc.code == "" {
			if err != nil {
				t.Errorf("%s: %v", tc.name, err)
			}
			continue
		}
		if !fault.Is(err, tc.code) || fault.KindOf(err) != tc.kind {
			t.Errorf("%s: got %v, want %s", tc.name, err, tc.code)
		}
		if err != nil && tc.token != "" && strings.Contains(err.Error(), "elsewhere") {
			t.Errorf("%s: the error repeats a claim: %v", tc.name, err)
		}
	}
}

func TestGuarantee1_ARememberedTokenStillExpires(t *testing.T) {
	m, err := NewMinter("https://issuer.test")
	if err != nil {
		t.Fatal(err)
	}
	v := verifier(t, m.Issuer())
	now := time.Now()
	v.now = func() time.Time { return now }
	token, err := m.Mint(Principal{Subject: "s", Agency: agency(t, "lakeland"), Roles: []string{RoleAdmin}}, 30*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := v.Verify(t.Context(), token); err != nil {
		t.Fatal(err)
	}
	now = now.Add(31 * time.Second)
	if _, err := v.Verify(t.Context(), token); !fault.Is(err, "token_expired") {
		t.Errorf("got %v", err)
	}
}

func TestGuarantee2_RolesAndClaimNamesOfTheIssuer(t *testing.T) {
	m, err := NewMinter("https://issuer.test")
	if err != nil {
		t.Fatal(err)
	}
	restricted := m.Issuer(RoleService)
	v := verifier(t, restricted)
	token, err := m.Mint(Principal{Subject: "s", Agency: agency(t, "lakeland"), Roles: []string{RoleService, RoleAdmin, "emperor"}}, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	p, err := v.Verify(t.Context(), token)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{RoleService}, p.Roles); diff != "" {
		t.Error(diff)
	}
	nested := map[string]any{"realm": map[string]any{"roles": []any{"a", 7, "b"}}, "https://x.test/roles": "c d"}
	if diff := cmp.Diff([]string{"a", "b"}, texts(find(nested, "realm.roles"))); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"c", "d"}, texts(find(nested, "https://x.test/roles"))); diff != "" {
		t.Error(diff)
	}
	if got := find(nested, "realm.roles.more"); got != nil {
		t.Errorf("got %v", got)
	}
	any := []string{AnyRole}
	for _, bad := range []Issuer{{}, {URL: "u"}, {URL: "u", Roles: []string{"emperor"}}, {URL: "u", Roles: any, Agencies: []string{"A B"}}, {URL: "u", Roles: any, Algorithms: []string{"HS256"}}} {
		if _, err := NewVerifier(bad); err == nil {
			t.Errorf("%+v is taken", bad)
		}
	}
	if _, err := NewVerifier(Issuer{URL: "u", Roles: any}, Issuer{URL: "u", Roles: any}); err == nil {
		t.Error("an issuer may be listed twice")
	}
}

// Role service sees every family and is bound by no limit: a person who is given
// it does not have it.
func TestGuarantee2_APersonIsNoService(t *testing.T) {
	m, err := NewMinter("https://issuer.test")
	if err != nil {
		t.Fatal(err)
	}
	v := verifier(t, m.Issuer())
	for name, c := range map[string]struct {
		who  Principal
		want []string
	}{
		"a service":  {Principal{Subject: "service:x"}, []string{RoleService, RoleFamilyWorker}},
		"a worker":   {Principal{Subject: "s", WorkerID: "worker-1"}, []string{RoleFamilyWorker}},
		"a referrer": {Principal{Subject: "school", Source: "/systems/school"}, []string{RoleFamilyWorker}},
	} {
		c.who.Agency, c.who.Roles = agency(t, "lakeland"), []string{RoleService, RoleFamilyWorker}
		token, err := m.Mint(c.who, time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		p, err := v.Verify(t.Context(), token)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(c.want, p.Roles); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestGuarantee3_AnIssuerThatIsAwayIsNotARefusal(t *testing.T) {
	dev, asked, server := serve(t, t.TempDir())
	keys := newRemoteKeys(dev.url)
	now := time.Now()
	keys.now = func() time.Time { return now }
	v := verifier(t, Issuer{URL: dev.url, Agencies: []string{"*"}, Roles: []string{AnyRole}, Keys: keys})
	mint := func() string {
		token, err := dev.Mint(Principal{Subject: time.Now().String(), Agency: agency(t, "lakeland")}, time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	forged := func() string {
		other, err := NewMinter(dev.url)
		if err != nil {
			t.Fatal(err)
		}
		token, err := other.Mint(Principal{Subject: "s", Agency: agency(t, "lakeland")}, time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		return token
	}

	handler := server.Config.Handler
	server.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(502) })
	if _, err := v.Verify(t.Context(), mint()); !fault.Is(err, "issuer_unavailable") {
		t.Fatalf("away: got %v", err)
	}
	server.Config.Handler = handler
	if _, err := v.Verify(t.Context(), mint()); !fault.Is(err, "issuer_unavailable") {
		t.Fatalf("asked again at once: got %v", err)
	}
	now = now.Add(askAgain)
	if _, err := v.Verify(t.Context(), mint()); err != nil {
		t.Fatalf("back: got %v", err)
	}
	before := asked.Load()
	for range 20 {
		if _, err := v.Verify(t.Context(), forged()); !fault.Is(err, "token_refused") {
			t.Fatalf("forged: got %v", err)
		}
	}
	if asked.Load() != before {
		t.Errorf("forged tokens made us ask %d times", asked.Load()-before)
	}
	server.Close()
	now = now.Add(time.Hour)
	if _, err := v.Verify(t.Context(), forged()); !fault.Is(err, "token_refused") {
		t.Errorf("forged while away: got %v", err)
	}
	if _, err := v.Verify(t.Context(), mint()); err != nil {
		t.Errorf("keys that were fetched before: got %v", err)
	}
}

func TestGuarantee4_DevelopmentIssuer(t *testing.T) {
	dir := t.TempDir()
	if _, err := NewDevIssuer(false, "http://localhost/dev/oidc", dir); err == nil {
		t.Fatal("it runs outside development")
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) > 0 {
		t.Errorf("a key was made: %v, %v", entries, err)
	}
	first, err := NewDevIssuer(true, "http://localhost/dev/oidc", dir)
	if err != nil {
		t.Fatal(err)
	}
	token, err := first.Mint(Principal{Subject: "s", Agency: agency(t, "lakeland")}, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	second, err := NewDevIssuer(true, "http://localhost/dev/oidc", dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := verifier(t, second.Issuer()).Verify(t.Context(), token); err != nil {
		t.Errorf("after a restart: %v", err)
	}
	info, err := os.Stat(filepath.Join(dir, "development-issuer.json"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the key's file: %v, %v", info.Mode(), err)
	}
	if err := os.WriteFile(filepath.Join(dir, "development-issuer.json"), []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := NewDevIssuer(true, "http://localhost/dev/oidc", dir); err == nil {
		t.Error("a broken key is taken")
	}
}

func TestDevIssuer_RefusesWhatItCannotMint(t *testing.T) {
	_, _, server := serve(t, t.TempDir())
	for name, form := range map[string]url.Values{
		"grant":    {"grant_type": {"password"}, "agency": {"lakeland"}},
		"agency":   {"grant_type": {"client_credentials"}, "agency": {"Lake Land"}},
		"role":     {"grant_type": {"client_credentials"}, "agency": {"lakeland"}, "role": {"emperor"}},
		"lifetime": {"grant_type": {"client_credentials"}, "agency": {"lakeland"}, "lifetime": {"9999h"}},
	} {
		answer, err := http.PostForm(server.URL+"/dev/oidc/token", form)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(answer.Body)
		_ = answer.Body.Close()
		if err != nil || answer.StatusCode != 400 || !strings.Contains(string(body), "error_description") {
			t.Errorf("%s: got %d %s %v", name, answer.StatusCode, body, err)
		}
	}
}

func TestServiceTokens_OneTokenForEachAgencyUntilItExpires(t *testing.T) {
	dev, asked, server := serve(t, t.TempDir())
	tokens, err := NewServiceTokens(ClientCredentials{TokenURL: dev.url + "/token", ClientID: "notification", ClientSecret: "s"})
	if err != nil {
		t.Fatal(err)
	}
	v := verifier(t, dev.Issuer())
	for _, name := range []string{"lakeland", "northshore", "lakeland"} {
		token, err := tokens.Token(t.Context(), agency(t, name))
		if err != nil {
			t.Fatal(err)
		}
		p, err := v.Verify(t.Context(), token)
		if err != nil || p.Agency.String() != name || !p.Has(RoleService) || p.Subject != "notification" {
			t.Errorf("%s: got %+v, %v", name, p, err)
		}
	}
	if got := asked.Load(); got != 2 {
		t.Errorf("the provider was asked %d times for two agencies", got)
	}
	server.Close()
	if _, err := tokens.Token(t.Context(), agency(t, "southfield")); !fault.Is(err, "service_token_unavailable") || !fault.Transient(err) {
		t.Errorf("away: got %v", err)
	}
	if _, err := NewServiceTokens(ClientCredentials{}); err == nil {
		t.Error("no settings are taken")
	}
}

func TestMinter_ServiceTokensAreKept(t *testing.T) {
	m, err := NewMinter("hearth:internal")
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	m.now = func() time.Time { return now }
	source := m.Service("planning")
	first, err := source.Token(t.Context(), agency(t, "lakeland"))
	if err != nil {
		t.Fatal(err)
	}
	again, err := source.Token(t.Context(), agency(t, "lakeland"))
	if err != nil || again != first {
		t.Errorf("a new token at once: %v", err)
	}
	now = now.Add(6 * time.Minute)
	if later, err := source.Token(t.Context(), agency(t, "lakeland")); err != nil || later == first {
		t.Errorf("the same token when half its time is over: %v", err)
	}
	if p, err := verifier(t, m.Issuer(RoleService)).Verify(t.Context(), first); err != nil || !p.Has(RoleService) {
		t.Errorf("got %+v, %v", p, err)
	}
}

func TestGuarantee5_NothingOfATokenIsLogged(t *testing.T) {
	p := Principal{Subject: "canary@example.test", Agency: agency(t, "lakeland"), WorkerID: "worker-1", Roles: []string{RoleAdmin}}
	var b strings.Builder
	slog.New(slog.NewJSONHandler(&b, nil)).Info("x", "principal", p)
	if strings.Contains(b.String(), "canary") || !strings.Contains(b.String(), "lakeland") {
		t.Errorf("got %s", b.String())
	}
	var e *fault.Error
	if err := refused(errors.New("x")); !errors.As(err, &e) || strings.Contains(e.Detail, "x:") {
		t.Errorf("got %v", err)
	}
	if p.Actor() != "worker-1" || (Principal{Subject: "s"}).Actor() != "s" {
		t.Error("actor")
	}
}

func TestGuarantee2_AReferrerWithoutASourceIsNone(t *testing.T) {
	m, err := NewMinter("https://issuer.test")
	if err != nil {
		t.Fatal(err)
	}
	remote := m.Issuer()
	remote.UnboundReferrers = false // as every issuer of a configuration is
	v := verifier(t, remote)
	for source, want := range map[string]bool{"": false, "/systems/school": true} {
		token, err := m.Mint(Principal{Subject: "school", Agency: agency(t, "lakeland"), Roles: []string{RoleReferrer}, Source: source}, time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		p, err := v.Verify(t.Context(), token)
		if err != nil {
			t.Fatal(err)
		}
		if got := p.Has(RoleReferrer); got != want {
			t.Errorf("a token with source %q is a referrer's: %v, want %v", source, got, want)
		}
	}
}
