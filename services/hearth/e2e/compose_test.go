package e2e

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/go-jose/go-jose/v4"
	"github.com/goccy/go-yaml"

	"github.com/hearthfps/hearth/pkg/app"
	"github.com/hearthfps/hearth/pkg/auth"
	"github.com/hearthfps/hearth/services/hearth"
)

const laptop = "../../../deploy/compose"

func laptopConfig(t *testing.T, service string) app.Config {
	t.Helper()
	c, err := app.ReadConfig(filepath.Join(laptop, "config", service+".yaml"))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func laptopFile(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(laptop, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestCompose_EveryServiceIsConfigured(t *testing.T) {
	databases, topics, file := laptopFile(t, "postgres/databases.sql"), laptopFile(t, "kafka/topics.sh"), laptopFile(t, "compose.yaml")
	for _, s := range hearth.Services() {
		c := laptopConfig(t, s.Name)
		if err := app.Check(t.Context(), s, c); err != nil {
			t.Errorf("%s: %v", s.Name, err)
		}
		role := strings.ReplaceAll(s.Name, "-", "_")
		if !strings.Contains(databases, "CREATE ROLE "+role+" LOGIN") || !strings.Contains(databases, "CREATE DATABASE "+role+" OWNER "+role+"_owner;") ||
			!strings.HasPrefix(c.DatabaseURL, "postgres://"+role+":") || !strings.HasPrefix(c.MigrateDatabaseURL, "postgres://"+role+"_owner:") {
			t.Errorf("%s: its roles and its database are not those of databases.sql", s.Name)
		}
		if !strings.Contains(file, fmt.Sprintf("127.0.0.1%s%s", c.Listen, c.Listen)) {
			t.Errorf("%s listens at %s, which compose.yaml does not publish", s.Name, c.Listen)
		}
	}
	for _, topic := range hearth.Topics() {
		if !strings.Contains(topics, " "+topic) {
			t.Errorf("topics.sh does not make %s", topic)
		}
	}
	if !strings.Contains(topics, "--partitions 12") {
		t.Error("topics.sh makes topics with another number of partitions than 12")
	}
}

// realm is what is read of Keycloak's realm file.
type realm struct {
	Realm        string
	ClientScopes []struct {
		Name            string
		ProtocolMappers []protocolMapper
	}
	Clients []struct {
		ClientID             string
		Secret               string
		DefaultClientScopes  []string
		OptionalClientScopes []string
	}
	Users []struct {
		Username               string
		ServiceAccountClientID string
		RealmRoles             []string
		Attributes             map[string][]string
	}
	Roles struct{ Realm []struct{ Name string } }
}

type protocolMapper struct {
	ProtocolMapper string
	Config         map[string]string
}

// claim adds what a mapper of Keycloak adds to a token.
func (m protocolMapper) claim(t *testing.T, claims map[string]any, roles []string, attributes map[string][]string) {
	t.Helper()
	name := m.Config["claim.name"]
	if m.Config["access.token.claim"] != "true" {
		return
	}
	switch m.ProtocolMapper {
	case "oidc-audience-mapper":
		claims["aud"] = []string{m.Config["included.custom.audience"]}
	case "oidc-usermodel-realm-role-mapper":
		claims[name] = roles
	case "oidc-usermodel-attribute-mapper":
		if v := attributes[m.Config["user.attribute"]]; len(v) > 0 {
			claims[name] = v[0]
		}
	case "oidc-hardcoded-claim-mapper":
		claims[name] = m.Config["claim.value"]
	case "oidc-sub-mapper":
		claims["sub"] = "b3c1a9d2-0000-4000-8000-000000000001"
	default:
		t.Errorf("what does Keycloak's %s add to a token?", m.ProtocolMapper)
	}
}

// Tokens as the realm's clients and mappers make them are what the services want.
func TestCompose_KeycloakTokensAreTaken(t *testing.T) {
	var r realm
	if err := json.Unmarshal([]byte(laptopFile(t, "keycloak/realm.json")), &r); err != nil {
		t.Fatal(err)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := laptopConfig(t, "notification")
	issuer := c.Issuers[0]
	if want := "/realms/" + r.Realm; !strings.HasSuffix(issuer.URL, want) || !strings.HasPrefix(c.Client.TokenURL, issuer.URL) {
		t.Errorf("the issuer is %s and tokens come from %s, want both of the realm %s", issuer.URL, c.Client.TokenURL, r.Realm)
	}
	if !strings.Contains(laptopFile(t, "compose.yaml"), "KC_HOSTNAME: "+strings.TrimSuffix(issuer.URL, "/realms/"+r.Realm)+"\n") {
		t.Errorf("Keycloak does not call itself %s", issuer.URL)
	}
	// Keycloak signs with RS256; a test need not wait for such a key.
	issuer.Keys, issuer.Algorithms = &oidc.StaticKeySet{PublicKeys: []crypto.PublicKey{key.Public()}}, []string{oidc.ES256}
	verifier, err := auth.NewVerifier(issuer)
	if err != nil {
		t.Fatal(err)
	}
	token := func(client string, scopes []string, roles []string, attributes map[string][]string) auth.Principal {
		t.Helper()
		claims := map[string]any{"iss": issuer.URL, "azp": client, "exp": time.Now().Add(time.Minute).Unix(), "iat": time.Now().Unix()}
		for _, scope := range r.ClientScopes {
			if slices.Contains(scopes, scope.Name) {
				for _, m := range scope.ProtocolMappers {
					m.claim(t, claims, roles, attributes)
				}
			}
		}
		who, err := verifier.Verify(t.Context(), signed(t, key, claims))
		if err != nil {
			t.Errorf("a token of %s for %v is refused: %v", client, roles, err)
		}
		return who
	}
	given := map[string]bool{}
	for _, client := range r.Clients {
		for _, u := range r.Users {
			if (u.ServiceAccountClientID != "") != (client.ClientID != "hearth") || u.ServiceAccountClientID != "" && u.ServiceAccountClientID != client.ClientID {
				continue
			}
			scopes := client.DefaultClientScopes
			agency := "lakeland"
			if u.ServiceAccountClientID != "" {
				agency = "northshore"
				own := laptopConfig(t, client.ClientID)
				asked := strings.ReplaceAll(own.Client.Scopes[0], "{agency}", agency)
				if !slices.Contains(client.OptionalClientScopes, asked) || own.Client.ClientSecret != client.Secret {
					t.Errorf("%s asks for scope %s with a secret, and the realm gives it neither", client.ClientID, asked)
				}
				scopes = append(slices.Clone(scopes), asked)
			} else {
				agency = u.Attributes["agency"][0]
			}
			who := token(client.ClientID, scopes, u.RealmRoles, u.Attributes)
			if who.Agency.String() != agency || !slices.Equal(who.Roles, u.RealmRoles) {
				t.Errorf("%s is known as %s with %v, want %s with %v", u.Username, who.Agency, who.Roles, agency, u.RealmRoles)
			}
			for _, role := range who.Roles {
				given[role] = true
			}
		}
	}
	for _, role := range r.Roles.Realm {
		if !given[role.Name] {
			t.Errorf("nobody of the realm has role %s", role.Name)
		}
	}
}

func signed(t *testing.T, key *ecdsa.PrivateKey, claims map[string]any) string {
	t.Helper()
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: key}, nil)
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	jws, err := signer.Sign(text)
	if err != nil {
		t.Fatal(err)
	}
	compact, err := jws.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return compact
}

// keptBack is what spans say and the collector takes away on purpose.
var keptBack = map[string]string{
	"url.full":             "it holds ids; the server's span has the route",
	"db.connection_string": "it says where the cache is, and as whom",
	"code.function":        "the name says as much", "code.filepath": "the name says as much", "code.lineno": "the name says as much",
}

// passesTheCollector checks that what spans say of themselves is on the list of
// what the collector lets through, or is kept back on purpose.
func (s *suite) passesTheCollector(t *testing.T) {
	text, err := os.ReadFile("../../../deploy/observability/collector/config.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var c struct {
		Processors struct {
			Redaction struct {
				Allowed []string `yaml:"allowed_keys"`
			}
		}
	}
	if err := yaml.Unmarshal(text, &c); err != nil {
		t.Fatal(err)
	}
	unknown := map[string]string{}
	for _, span := range s.spans.All() {
		for _, a := range span.Attributes {
			if !slices.Contains(c.Processors.Redaction.Allowed, string(a.Key)) && keptBack[string(a.Key)] == "" {
				unknown[string(a.Key)] = span.Name
			}
		}
	}
	for key, span := range unknown {
		t.Errorf("spans such as %q have attribute %s, which the collector takes away", span, key)
	}
}
