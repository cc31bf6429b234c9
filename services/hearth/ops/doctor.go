package ops

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/hearthfps/hearth/pkg/app"
)

// State is how a check came out.
type State string

// The states of a finding: a Fault stops something from working or keeps something
// from being safe; a Warning may be meant.
const (
	Good    State = "ok"
	Warning State = "warning"
	Fault   State = "fault"
)

// Finding is what one check came to.
type Finding struct {
	Service string `json:"service"`
	Check   string `json:"check"`
	State   State  `json:"state"`
	Says    string `json:"says"`
	Do      string `json:"do,omitempty"`
}

// Patient is one service of a deployment and its configuration.
type Patient struct {
	Service app.Service
	Config  app.Config
	// Admin is its admin port, http://host:port; "" is not asked.
	Admin string
}

// Doctor examines a deployment from outside. It changes nothing.
type Doctor struct {
	HTTP *http.Client
	// Token is held against the issuers and the roles it gives, if it is not empty.
	Token string
	// Topics are all that the deployment must have.
	Topics []string
	// Within bounds each examination, and Stuck is how long a group that lags is
	// watched for progress.
	Within, Stuck time.Duration
	Now           func() time.Time
}

// report collects findings about one service.
type report struct {
	service string
	all     []Finding
}

func (r *report) add(state State, check, says, do string) {
	r.all = append(r.all, Finding{r.service, check, state, says, do})
}

func (r *report) good(check, says string)      { r.add(Good, check, says, "") }
func (r *report) warn(check, says, do string)  { r.add(Warning, check, says, do) }
func (r *report) fault(check, says, do string) { r.add(Fault, check, says, do) }
func (r *report) within(d time.Duration) bool  { return d > -skewAllowed && d < skewAllowed }
func seconds(d time.Duration) string           { return d.Round(100 * time.Millisecond).String() }
func plural(n int64, one, many string) string {
	return fmt.Sprintf("%d %s", n, map[bool]string{true: one, false: many}[n == 1])
}
func list(what []string) string { return strings.Join(what, ", ") }

// skewAllowed is how far clocks may stand apart: tokens and deadlines are compared
// between machines.
const skewAllowed = 5 * time.Second

// Examine runs every check of every service, in order.
func (d Doctor) Examine(ctx context.Context, patients []Patient) []Finding {
	var all []Finding
	for _, p := range patients {
		r := &report{service: p.Service.Name}
		if err := app.Check(ctx, p.Service, p.Config); err != nil {
			for line := range strings.Lines(err.Error()) {
				r.fault("configuration", strings.TrimSpace(line), "Mend the file; --check-config says the same.")
			}
			all = append(all, r.all...)
			continue // the rest would fail for the same reason
		}
		r.good("configuration", "it is understood whole, and its rule files fit")
		for _, check := range []func(context.Context, *report, Patient){d.admin, d.issuers, d.token, d.peers, d.database, d.brokers, d.cache} {
			bounded, cancel := context.WithTimeout(ctx, d.Within)
			check(bounded, r, p)
			cancel()
		}
		all = append(all, r.all...)
	}
	return all
}

// Worst is the worst state among findings.
func Worst(findings []Finding) State {
	for _, s := range []State{Fault, Warning} {
		if slices.ContainsFunc(findings, func(f Finding) bool { return f.State == s }) {
			return s
		}
	}
	return Good
}

// admin asks the running service itself.
func (d Doctor) admin(ctx context.Context, r *report, p Patient) {
	if p.Admin == "" {
		return
	}
	status, body, _, err := d.get(ctx, strings.TrimSuffix(p.Admin, "/")+"/readyz?verbose")
	switch {
	case err != nil:
		r.fault("running", "its admin port does not answer: "+err.Error(), "Is it running, and may this machine reach the port?")
	case status != http.StatusOK:
		var failing []string
		for line := range strings.Lines(body) {
			if failed, ok := strings.CutPrefix(line, "[-] "); ok {
				failing = append(failing, strings.TrimSpace(failed))
			}
		}
		r.fault("running", "it is not ready: "+list(failing), "The checks below say what is wrong with what it stands on.")
	default:
		r.good("running", "it is ready")
	}
}

// get reads a small answer, and the server's time.
func (d Doctor) get(ctx context.Context, address string) (status int, body string, at time.Time, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return 0, "", at, err
	}
	res, err := d.HTTP.Do(req)
	if err != nil {
		return 0, "", at, err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	if err != nil {
		return 0, "", at, err
	}
	if at, err = http.ParseTime(res.Header.Get("Date")); err != nil {
		at = time.Time{}
	}
	return res.StatusCode, string(text), at, nil
}

// peers are asked something without a token: that must be refused, by a service of Hearth.
func (d Doctor) peers(ctx context.Context, r *report, p Patient) {
	for _, name := range p.Service.Peers {
		address := p.Config.Peers[name]
		if address == "" {
			r.fault("peer "+name, "its address is not set", "Set peers."+name+" to http://host:port.")
			continue
		}
		status, body, _, err := d.get(ctx, strings.TrimSuffix(address, "/")+"/"+name+"/v1/parked-events")
		switch {
		case err != nil:
			r.fault("peer "+name, "it does not answer: "+err.Error(), "Is peers."+name+" right, and does the network policy let this service talk to it?")
		case status != http.StatusUnauthorized || !strings.Contains(body, `"code"`):
			r.fault("peer "+name, fmt.Sprintf("a request without a token is answered with %d and not refused", status), "Something else listens at peers."+name+".")
		default:
			r.good("peer "+name, "it answers")
		}
	}
	if len(p.Service.Peers) > 0 && p.Config.Client.TokenURL == "" {
		r.fault("service token", "it asks other services and has no way to a token", "Set client.token_url, client_id and client_secret.")
	}
}

func (d Doctor) cache(ctx context.Context, r *report, p Patient) {
	if p.Config.RedisURL == "" {
		r.warn("cache", "redis_url is not set: nobody's requests are limited", "Set redis_url and rate_limit, so that one caller cannot slow all others down.")
		return
	}
	if p.Config.RateLimit.PerSecond == 0 {
		r.warn("rate limit", "rate_limit is not set: nobody's requests are limited", "Set rate_limit.per_second, 50 for example.")
	}
	options, err := redis.ParseURL(p.Config.RedisURL)
	if err != nil {
		r.fault("cache", "redis_url cannot be read", "Write redis://host:port.")
		return
	}
	client := redis.NewClient(options)
	defer client.Close()
	if err := client.Ping(ctx).Err(); err != nil {
		r.fault("cache", "Redis does not answer: "+err.Error(), "Requests are answered meanwhile, but not limited.")
		return
	}
	r.good("cache", "Redis answers")
}
