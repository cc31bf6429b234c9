package app

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/hearthfps/hearth/pkg/auth"
	"github.com/hearthfps/hearth/pkg/clock"
	"github.com/hearthfps/hearth/pkg/tenant"
)

// probing is what the command probe is told beside the settings.
type probing struct {
	url, agency, source string
	within              time.Duration
}

// Prober asks a running service over HTTP as an authorised client does, to prove
// that a deployment works: the command probe, which `helm test` runs.
type Prober struct {
	// URL is the address of the API with its base path, http://host:port/intake/v1.
	URL string
	// Token is sent with every request.
	Token string
	// Source is the CloudEvents source of what the probe sends.
	Source string
	Clock  clock.Clock
	// NewID makes ids.
	NewID func() string
	// HTTP sends the requests.
	HTTP *http.Client
	// Pause is waited before a request is sent again. 0 is a second.
	Pause time.Duration
	// Out is told what was asked and how it went.
	Out io.Writer
}

// Ask sends a request and reads the answer's JSON into answer (nil reads none).
// What a service in the middle of its start would fail with, no connection or
// 503, is tried again until ctx ends. Any status but want is an error.
func (p *Prober) Ask(ctx context.Context, method, path string, body, answer any, want ...int) error {
	text, err := json.Marshal(body)
	if err != nil {
		return fmt.Errorf("%s %s: %w", method, path, err)
	}
	pause := p.Pause
	if pause == 0 {
		pause = time.Second
	}
	var reason error
	for {
		status, got, err := p.send(ctx, method, path, text)
		switch {
		case err == nil && status != http.StatusServiceUnavailable:
			return p.judge(method, path, status, got, answer, want)
		case err == nil:
			reason = fmt.Errorf("status 503: %s", short(got))
		case ctx.Err() == nil:
			reason = err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s %s: %w", method, path, errors.Join(ctx.Err(), reason))
		case <-time.After(pause):
		}
	}
}

func (p *Prober) send(ctx context.Context, method, path string, body []byte) (int, []byte, error) {
	r, err := http.NewRequestWithContext(ctx, method, p.URL+path, nil)
	if err != nil {
		return 0, nil, err
	}
	if method != http.MethodGet {
		r.Body = io.NopCloser(bytes.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		if bytes.Contains(body, []byte(`"specversion"`)) {
			r.Header.Set("Content-Type", "application/cloudevents+json")
		}
	}
	if p.Token != "" {
		r.Header.Set("Authorization", "Bearer "+p.Token)
	}
	res, err := p.HTTP.Do(r)
	if err != nil {
		return 0, nil, err
	}
	got, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	return res.StatusCode, got, errors.Join(err, res.Body.Close())
}

func (p *Prober) judge(method, path string, status int, got []byte, answer any, want []int) error {
	for _, ok := range want {
		if status != ok {
			continue
		}
		fmt.Fprintf(p.Out, "%s %s: %d\n", method, path, status)
		if answer == nil {
			return nil
		}
		if err := json.Unmarshal(got, answer); err != nil {
			return fmt.Errorf("%s %s: the answer is not what it should be: %w", method, path, err)
		}
		return nil
	}
	return fmt.Errorf("%s %s: status %d, want %v: %s", method, path, status, want, short(got))
}

// short is the beginning of an answer; a problem of ours holds no personal data.
func short(text []byte) string {
	const most = 300
	return strings.TrimSpace(string(text[:min(len(text), most)]))
}

// ProbeList is a Probe that reads a list that anyone of the agency may read, and
// fails when it is no list.
func ProbeList(path string) func(context.Context, *Prober) error {
	return func(ctx context.Context, p *Prober) error {
		var list struct {
			Items []json.RawMessage `json:"items"`
		}
		if err := p.Ask(ctx, http.MethodGet, path, nil, &list, http.StatusOK); err != nil {
			return err
		}
		if list.Items == nil {
			return fmt.Errorf("GET %s: the answer has no items", path)
		}
		return nil
	}
}

// probe asks the service at the URL what a user would: first without a token,
// which must be refused, then with one.
func probe(ctx context.Context, svc Service, in invocation, out io.Writer) error {
	agency, err := tenant.Parse(in.probing.agency)
	if err != nil {
		return fmt.Errorf("--agency: %w", err)
	}
	if in.probing.url == "" {
		return errors.New("--url is missing: the address of the service, http://host:port")
	}
	tokens, err := auth.NewServiceTokens(in.config.Client)
	if err != nil {
		return fmt.Errorf("--client-token-url, --client-id: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, in.probing.within)
	defer cancel()
	p := &Prober{
		URL: strings.TrimSuffix(in.probing.url, "/") + svc.BasePath(), Source: in.probing.source, Clock: clock.System(), NewID: uuid.NewString,
		HTTP: &http.Client{Timeout: 10 * time.Second}, Out: out,
	}
	if p.Token, err = tokens.Token(ctx, agency); err != nil {
		return err
	}
	return svc.ProbeWith(ctx, p)
}

// ProbeWith is what the command probe does once it is known who asks.
func (s Service) ProbeWith(ctx context.Context, p *Prober) error {
	parked := strings.TrimPrefix(s.OperationsPath(), s.BasePath()) + "/parked-events"
	stranger := *p
	stranger.Token = ""
	if err := stranger.Ask(ctx, http.MethodGet, parked, nil, nil, http.StatusUnauthorized); err != nil {
		return fmt.Errorf("without a token: %w", err)
	}
	ask := s.Probe
	if ask == nil {
		ask = ProbeList(parked)
	}
	if err := ask(ctx, p); err != nil {
		return err
	}
	_, err := fmt.Fprintf(p.Out, "%s works\n", s.Name)
	return err
}
