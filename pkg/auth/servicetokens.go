package auth

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"github.com/hearthfps/hearth/pkg/fault"
	"github.com/hearthfps/hearth/pkg/tenant"
)

// ClientCredentials say how a service gets its tokens from the identity provider
// (RFC 6749, 4.4).
type ClientCredentials struct {
	// TokenURL is the provider's token endpoint.
	TokenURL string `yaml:"token_url"`
	// ClientID is the service's name at the provider.
	ClientID string `yaml:"client_id"`
	// ClientSecret is given by reference: an environment variable or a file.
	ClientSecret string `yaml:"client_secret"`
	// Scopes are asked for; {agency} stands for the agency's id.
	Scopes []string `yaml:"scopes"`
	// Parameters are sent with the request; {agency} stands for the agency's id.
	// Empty sends agency={agency}.
	Parameters map[string]string `yaml:"parameters"`
}

// ServiceTokens gets one token for each agency and keeps it until it is about to
// expire. It may be used from many goroutines.
type ServiceTokens struct {
	config ClientCredentials
	client *http.Client

	mu      sync.Mutex
	sources map[tenant.AgencyID]oauth2.TokenSource
}

// NewServiceTokens checks the settings; it asks for no token yet.
func NewServiceTokens(c ClientCredentials) (*ServiceTokens, error) {
	if u, err := url.Parse(c.TokenURL); err != nil || u.Host == "" || c.ClientID == "" {
		return nil, errors.New("service tokens need token_url and client_id")
	}
	if len(c.Parameters) == 0 {
		c.Parameters = map[string]string{"agency": "{agency}"}
	}
	return &ServiceTokens{config: c, client: &http.Client{Timeout: 10 * time.Second}, sources: map[tenant.AgencyID]oauth2.TokenSource{}}, nil
}

// Token implements TokenSource. It fails with Unavailable (service_token_unavailable)
// when the provider gives none: an asker may try again.
func (s *ServiceTokens) Token(_ context.Context, agency tenant.AgencyID) (string, error) {
	token, err := s.source(agency).Token()
	if err != nil {
		return "", fault.New(fault.Unavailable, "service_token_unavailable",
			"The identity provider gave this service no token.").Because(describe(err))
	}
	return token.AccessToken, nil
}

// describe keeps the provider's answer, which may repeat what was sent, out of logs.
func describe(err error) error {
	var answer *oauth2.RetrieveError
	if errors.As(err, &answer) && answer.Response != nil {
		return fmt.Errorf("token endpoint answered %d", answer.Response.StatusCode)
	}
	return err
}

func (s *ServiceTokens) source(agency tenant.AgencyID) oauth2.TokenSource {
	s.mu.Lock()
	defer s.mu.Unlock()
	if source, ok := s.sources[agency]; ok {
		return source
	}
	fill := strings.NewReplacer("{agency}", agency.String())
	config := clientcredentials.Config{
		ClientID: s.config.ClientID, ClientSecret: s.config.ClientSecret, TokenURL: s.config.TokenURL, EndpointParams: url.Values{},
	}
	for _, scope := range s.config.Scopes {
		config.Scopes = append(config.Scopes, fill.Replace(scope))
	}
	for name, value := range s.config.Parameters {
		config.EndpointParams.Set(name, fill.Replace(value))
	}
	// The source is kept, and so is its context: it is of no request.
	source := config.TokenSource(context.WithValue(context.Background(), oauth2.HTTPClient, s.client))
	s.sources[agency] = source
	return source
}
