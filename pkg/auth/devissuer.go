package auth

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/hearthfps/hearth/pkg/tenant"
)

// DevIssuer is an OpenID Connect issuer for development: whoever asks gets a
// token for any agency and role. It answers, below the path of its URL,
//
//	GET  /.well-known/openid-configuration
//	GET  /jwks
//	POST /token   grant_type=client_credentials, agency=, role= (several; none is
//	              service), unit= (several), worker=, subject=, source=, lifetime= (Go duration)
type DevIssuer struct {
	*Minter
	path string
}

const (
	devLifetime    = 12 * time.Hour
	maxDevLifetime = 30 * 24 * time.Hour
)

// NewDevIssuer makes the issuer whose identifier is issuerURL, with a key that is
// kept in the folder dir. It fails unless dev says that this is development.
func NewDevIssuer(dev bool, issuerURL, dir string) (*DevIssuer, error) {
	if !dev {
		return nil, errors.New("the development issuer gives anyone any token: it runs with --dev alone")
	}
	u, err := url.Parse(issuerURL)
	if err != nil || u.Host == "" {
		return nil, fmt.Errorf("development issuer: %q is no URL with a host", issuerURL)
	}
	key, err := keptKey(filepath.Join(dir, "development-issuer.json"))
	if err != nil {
		return nil, err
	}
	minter, err := newMinter(issuerURL, key)
	if err != nil {
		return nil, err
	}
	return &DevIssuer{Minter: minter, path: strings.TrimSuffix(u.Path, "/")}, nil
}

// ServeHTTP answers discovery, keys and token requests.
func (d *DevIssuer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	switch r.Method + " " + strings.TrimPrefix(r.URL.Path, d.path) {
	case "GET /.well-known/openid-configuration":
		writeJSON(w, http.StatusOK, map[string]any{
			"issuer": d.url, "jwks_uri": d.url + "/jwks", "token_endpoint": d.url + "/token",
			"authorization_endpoint": d.url + "/authorize", "response_types_supported": []string{"token"},
			"subject_types_supported": []string{"public"}, "id_token_signing_alg_values_supported": []string{string(jose.ES256)},
			"grant_types_supported": []string{"client_credentials"},
		})
	case "GET /jwks":
		writeJSON(w, http.StatusOK, jose.JSONWebKeySet{Keys: []jose.JSONWebKey{
			{Key: d.key.Public(), KeyID: d.keyID, Algorithm: string(jose.ES256), Use: "sig"},
		}})
	case "POST /token":
		d.token(w, r)
	default:
		writeJSON(w, http.StatusNotFound, oauthError{"invalid_request", "This issuer has /.well-known/openid-configuration, /jwks and POST /token."})
	}
}

// oauthError is the body of a refused token request (RFC 6749, 5.2).
type oauthError struct {
	Code        string `json:"error"`
	Description string `json:"error_description"`
}

func (d *DevIssuer) token(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 16<<10)
	if err := r.ParseForm(); err != nil {
		writeJSON(w, http.StatusBadRequest, oauthError{"invalid_request", "Send a form."})
		return
	}
	if got := r.PostForm.Get("grant_type"); got != "client_credentials" {
		writeJSON(w, http.StatusBadRequest, oauthError{"unsupported_grant_type", "Send grant_type=client_credentials."})
		return
	}
	p, lifetime, err := requested(r)
	if err != nil {
		writeJSON(w, http.StatusBadRequest, oauthError{"invalid_request", err.Error()})
		return
	}
	token, err := d.Mint(p, lifetime)
	if err != nil {
		writeJSON(w, http.StatusInternalServerError, oauthError{"server_error", "The token could not be signed."})
		return
	}
	writeJSON(w, http.StatusOK, map[string]any{"access_token": token, "token_type": "Bearer", "expires_in": int(lifetime.Seconds())})
}

// requested reads whom a token is asked for.
func requested(r *http.Request) (Principal, time.Duration, error) {
	form := r.PostForm
	agency, err := tenant.Parse(form.Get("agency"))
	if err != nil {
		return Principal{}, 0, errors.New("agency is an agency's id, for example lakeland")
	}
	p := Principal{Agency: agency, Roles: form["role"], WorkerID: form.Get("worker"), Source: form.Get("source"), Subject: form.Get("subject"), Units: form["unit"]}
	if len(p.Roles) == 0 {
		p.Roles = []string{RoleService}
	}
	for _, role := range p.Roles {
		if !slices.Contains(Roles(), role) {
			return Principal{}, 0, fmt.Errorf("role is one of %s", strings.Join(Roles(), ", "))
		}
	}
	for _, unit := range p.Units {
		if !ValidUnit(unit) {
			return Principal{}, 0, errors.New("unit is the path of an organisational unit, for example north/team-2")
		}
	}
	if p.Subject == "" {
		client, _, ok := r.BasicAuth()
		switch {
		case p.WorkerID != "":
			p.Subject = p.WorkerID
		case ok && client != "":
			p.Subject = client
		case form.Get("client_id") != "":
			p.Subject = form.Get("client_id")
		default:
			p.Subject = "dev:" + strings.Join(p.Roles, "+")
		}
	}
	lifetime := devLifetime
	if text := form.Get("lifetime"); text != "" {
		if lifetime, err = time.ParseDuration(text); err != nil || lifetime <= 0 || lifetime > maxDevLifetime {
			return Principal{}, 0, errors.New("lifetime is a duration such as 8h, at most 720h")
		}
	}
	return p, lifetime, nil
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	data, err := json.Marshal(v)
	if err != nil { // maps of strings and keys always marshal
		panic(err)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(data) // the asker left
}
