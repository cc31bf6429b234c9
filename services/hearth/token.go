package hearth

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

// demoAgency is the agency the demo plays in; its rules are in api-specs/rules/agencies.
const demoAgency = "lakeland"

// issuerPath is where a suite that runs with --dev has its development issuer.
const issuerPath = "/dev/oidc"

func tokenCommand(ctx context.Context, args []string, out, errs io.Writer) error {
	fs := flag.NewFlagSet("hearth token", flag.ContinueOnError)
	fs.SetOutput(errs)
	var (
		base   = fs.String("url", defaultURL, "where the suite (or hearth issuer) answers")
		agency = fs.String("agency", demoAgency, "the agency the token is for")
		role   = fs.String("role", "", "intake_worker, family_worker, supervisor, scheduler, privacy_officer, records_officer, operator, referrer, service or admin; several with commas")
		worker = fs.String("worker", "", "the agency's id of the worker")
		unit   = fs.String("unit", "", "the organisational unit the worker is bound to, such as north/team-2; several with commas; none is the whole agency")
	)
	if err := parse(fs, args); err != nil {
		return err
	}
	if *role == "" {
		return &usageError{errors.New("--role is missing")}
	}
	token, _, err := requestToken(ctx, *base, tokenRequest{agency: *agency, role: *role, worker: *worker, unit: *unit})
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(out, token)
	return err
}

// tokenRequest says whose token is asked for; roles and units are separated by commas.
type tokenRequest struct{ agency, role, worker, unit string }

// requestToken asks the development issuer below base for a token. It is good for the time returned.
func requestToken(ctx context.Context, base string, who tokenRequest) (token string, lifetime time.Duration, err error) {
	form := url.Values{"grant_type": {"client_credentials"}, "agency": {who.agency}, "role": strings.Split(who.role, ",")}
	if who.worker != "" {
		form.Set("worker", who.worker)
	}
	if who.unit != "" {
		form["unit"] = strings.Split(who.unit, ",")
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimSuffix(base, "/")+issuerPath+"/token", strings.NewReader(form.Encode()))
	if err != nil {
		return "", 0, fmt.Errorf("ask for a token: %w", err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", 0, fmt.Errorf("ask for a token: %w (is `hearth serve --dev` running?)", err)
	}
	defer res.Body.Close()
	var answer struct {
		Token       string `json:"access_token"`
		ExpiresIn   int    `json:"expires_in"`
		Description string `json:"error_description"`
	}
	if err := json.NewDecoder(res.Body).Decode(&answer); err != nil {
		return "", 0, fmt.Errorf("ask for a token: %s answers %s, which is no token (does it run with --dev?)", base, res.Status)
	}
	if res.StatusCode != http.StatusOK {
		return "", 0, fmt.Errorf("ask for a token: %s", answer.Description)
	}
	return answer.Token, time.Duration(answer.ExpiresIn) * time.Second, nil
}

// tokens keeps one token for each role and worker of an agency.
type tokens struct {
	base, agency string

	mu   sync.Mutex
	held map[string]heldToken
}

type heldToken struct {
	token string
	until time.Time
}

func newTokens(base, agency string) *tokens {
	return &tokens{base: base, agency: agency, held: map[string]heldToken{}}
}

// get returns a token that is good for a while yet.
func (t *tokens) get(ctx context.Context, role, worker string) (string, error) {
	key := role + " " + worker
	t.mu.Lock()
	held, ok := t.held[key]
	t.mu.Unlock()
	if ok && time.Until(held.until) > time.Minute {
		return held.token, nil
	}
	token, lifetime, err := requestToken(ctx, t.base, tokenRequest{agency: t.agency, role: role, worker: worker})
	if err != nil {
		return "", err
	}
	t.mu.Lock()
	t.held[key] = heldToken{token, time.Now().Add(lifetime)}
	t.mu.Unlock()
	return token, nil
}
