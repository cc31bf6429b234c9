package auth

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/go-jose/go-jose/v4"

	"github.com/hearthfps/hearth/pkg/tenant"
)

// TokenSource gives the bearer token our services ask each other with, in one agency.
type TokenSource interface {
	Token(ctx context.Context, agency tenant.AgencyID) (string, error)
}

// Minter signs tokens with a key of its own. One process that holds all services
// uses it to let them recognise each other; DevIssuer uses it for everybody.
type Minter struct {
	url    string
	key    *ecdsa.PrivateKey
	keyID  string
	signer jose.Signer
	now    func() time.Time
}

// NewMinter makes a minter with a key that ends with the process. url is the
// `iss` of its tokens.
func NewMinter(url string) (*Minter, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make signing key: %w", err)
	}
	return newMinter(url, key)
}

func newMinter(url string, key *ecdsa.PrivateKey) (*Minter, error) {
	public, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		return nil, fmt.Errorf("read signing key: %w", err)
	}
	sum := sha256.Sum256(public)
	m := &Minter{url: url, key: key, keyID: base64.RawURLEncoding.EncodeToString(sum[:9]), now: time.Now}
	m.signer, err = jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: key, KeyID: m.keyID}},
		(&jose.SignerOptions{}).WithType("at+jwt"))
	if err != nil {
		return nil, fmt.Errorf("make signer: %w", err)
	}
	return m, nil
}

// Issuer is the minter as an entry of a verifier's list: for every agency, with
// the given roles (none: all).
func (m *Minter) Issuer(roles ...string) Issuer {
	if len(roles) == 0 {
		roles = []string{AnyRole}
	}
	return Issuer{
		URL: m.url, Agencies: []string{"*"}, Roles: roles, Algorithms: []string{oidc.ES256}, UnboundReferrers: true,
		Keys: &oidc.StaticKeySet{PublicKeys: []crypto.PublicKey{m.key.Public()}},
	}
}

// Mint signs a token for p that is good for the given time.
func (m *Minter) Mint(p Principal, lifetime time.Duration) (string, error) {
	now := m.now()
	claims := map[string]any{
		"iss": m.url, "aud": DefaultAudience, "sub": p.Subject, "agency": p.Agency.String(), "roles": p.Roles,
		"iat": now.Unix(), "exp": now.Add(lifetime).Unix(),
	}
	if p.WorkerID != "" {
		claims["worker_id"] = p.WorkerID
	}
	if p.Source != "" {
		claims["source"] = p.Source
	}
	if p.Units != nil {
		claims["units"] = p.Units
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		return "", fmt.Errorf("mint token: %w", err)
	}
	signed, err := m.signer.Sign(payload)
	if err != nil {
		return "", fmt.Errorf("mint token: %w", err)
	}
	return signed.CompactSerialize()
}

// Service gives the tokens of one of our services, of role service.
func (m *Minter) Service(name string) TokenSource {
	return &mintedTokens{minter: m, name: name, tokens: map[tenant.AgencyID]heldToken{}}
}

type mintedTokens struct {
	minter *Minter
	name   string

	mu     sync.Mutex
	tokens map[tenant.AgencyID]heldToken
}

type heldToken struct {
	token string
	until time.Time
}

// Token implements TokenSource.
func (s *mintedTokens) Token(_ context.Context, agency tenant.AgencyID) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.minter.now()
	if held, ok := s.tokens[agency]; ok && now.Before(held.until) {
		return held.token, nil
	}
	const lifetime = 10 * time.Minute
	token, err := s.minter.Mint(Principal{Subject: "service:" + s.name, Agency: agency, Roles: []string{RoleService}}, lifetime)
	if err != nil {
		return "", err
	}
	s.tokens[agency] = heldToken{token, now.Add(lifetime / 2)}
	return token, nil
}

// keptKey reads a P-256 key from a file, or makes one and keeps it there,
// readable by its owner alone.
func keptKey(path string) (*ecdsa.PrivateKey, error) {
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return makeKey(path)
	}
	if err != nil {
		return nil, fmt.Errorf("read signing key: %w", err)
	}
	var jwk jose.JSONWebKey
	if err := json.Unmarshal(data, &jwk); err != nil {
		return nil, fmt.Errorf("read signing key %s: %w", path, err)
	}
	key, ok := jwk.Key.(*ecdsa.PrivateKey)
	if !ok || key.Curve != elliptic.P256() {
		return nil, fmt.Errorf("read signing key %s: it is no P-256 key; remove the file to have a new one made", path)
	}
	return key, nil
}

func makeKey(path string) (*ecdsa.PrivateKey, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make signing key: %w", err)
	}
	data, err := json.Marshal(jose.JSONWebKey{Key: key, Algorithm: string(jose.ES256), Use: "sig"})
	if err != nil {
		return nil, fmt.Errorf("keep signing key: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("keep signing key: %w", err)
	}
	// Written beside and linked, so that a crash leaves no half key and, of two
	// processes that start together, both use the key of the first.
	f, err := os.CreateTemp(filepath.Dir(path), ".key-*")
	if err != nil {
		return nil, fmt.Errorf("keep signing key: %w", err)
	}
	defer func() { _ = os.Remove(f.Name()) }()
	_, err = f.Write(data)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return nil, fmt.Errorf("keep signing key: %w", err)
	}
	if err := os.Link(f.Name(), path); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("keep signing key: %w", err)
	}
	return keptKey(path)
}
