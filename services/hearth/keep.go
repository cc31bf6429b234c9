package hearth

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/goccy/go-yaml"

	"github.com/hearthfps/hearth/pkg/app"
	"github.com/hearthfps/hearth/pkg/auth"
)

// keepConfig writes what a service was told to the data folder, as a configuration
// file of its own, for hearth doctor and replay. It holds passwords.
func (s *Suite) keepConfig(service string, c app.Config) error {
	c.MigrateDatabaseURL = "" // the owner's is nobody's business but serve's
	c.Issuers = ofPeople(s.options.Issuers)
	if s.Issuer != nil {
		base := "http://127.0.0.1:" + s.URL()[strings.LastIndexByte(s.URL(), ':')+1:]
		c.Issuers = append(c.Issuers, auth.Issuer{URL: strings.Replace(base, "127.0.0.1", "localhost", 1) + issuerPath, Agencies: []string{"*"}, Roles: []string{auth.AnyRole}})
		c.Client = auth.ClientCredentials{TokenURL: base + issuerPath + "/token", ClientID: service, ClientSecret: "development"}
	}
	text, err := yaml.Marshal(c)
	if err != nil {
		return fmt.Errorf("write the configuration of %s: %w", service, err)
	}
	file := configFile(s.options.Data, service)
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return fmt.Errorf("keep the configuration of %s: %w", service, err)
	}
	if err := os.WriteFile(file, text, 0o600); err != nil {
		return fmt.Errorf("keep the configuration of %s: %w", service, err)
	}
	return nil
}
