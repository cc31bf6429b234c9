package main

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/hearthfps/hearth/pkg/auth"
	"github.com/hearthfps/hearth/pkg/tenant"
	"github.com/hearthfps/hearth/pkg/testkit/parts"
	"github.com/hearthfps/hearth/scripts/chaos/check"
	"github.com/hearthfps/hearth/services/hearth/play"
)

// names of the services, and the base path each answers.
var services = map[string]string{
	"intake": "/intake", "assessment": "/assessment", "planning": "/planning",
	"visit-scheduling": "/visits", "resource-directory": "/directory", "notification": "/notifications",
}

const agency = "lakeland"

// world is everything that runs, and can be killed. The identity provider is
// the one thing that is not: it belongs to nobody here.
type world struct {
	s         settings
	kafka     *parts.Kafka
	redis     *parts.Redis
	postgres  *database
	processes map[string]*parts.Process // the six services
	urls      map[string]string
	issuer    *httptest.Server
	mint      func(role, worker string) (string, error)
}

// victim is something that can be killed and started again.
type victim struct {
	name    string
	process interface {
		Start(context.Context) error
		Kill()
		Running() bool
	}
}

func newWorld(s settings) (*world, error) {
	w := &world{s: s, processes: map[string]*parts.Process{}, urls: map[string]string{}}
	var err error
	if w.kafka, err = parts.NewKafka(parts.KafkaLibs(), filepath.Join(s.dir, "kafka")); err != nil {
		return nil, err
	}
	if w.redis, err = parts.NewRedis(filepath.Join(s.dir, "redis")); err != nil {
		return nil, err
	}
	if w.postgres, err = newDatabase(filepath.Join(s.dir, "postgres")); err != nil {
		return nil, err
	}
	return w, w.openIssuer()
}

// openIssuer runs a development issuer in this process.
func (w *world) openIssuer() error {
	var issuer *auth.DevIssuer
	w.issuer = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { issuer.ServeHTTP(rw, r) }))
	var err error
	if issuer, err = auth.NewDevIssuer(true, w.issuer.URL, w.s.dir); err != nil {
		return err
	}
	id, err := tenant.Parse(agency)
	if err != nil {
		return err
	}
	w.mint = func(role, worker string) (string, error) {
		subject := worker
		if subject == "" {
			subject = "chaos:" + role
		}
		p := auth.Principal{Subject: subject, Agency: id, Roles: []string{role}, WorkerID: worker}
		if role == auth.RoleReferrer {
			p.Source = "/systems/generated"
		}
		return issuer.Mint(p, 12*time.Hour)
	}
	return nil
}

// suite is where the load reaches the services.
func (w *world) suite() *play.Suite {
	held := newTokens(w.mint)
	return &play.Suite{
		URL: func(base string) string {
			for name, path := range services {
				if path == base {
					return w.urls[name]
				}
			}
			return "http://unknown.invalid" + base
		},
		Token: held.get,
		HTTP:  &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 64}},
	}
}

func (w *world) topics() []string {
	topics := make([]string, 0, len(services))
	for name := range services {
		topics = append(topics, name+".events.v1")
	}
	return topics
}

// start brings the parts up, makes topics, databases and roles as a deployment
// would, and starts the services.
func (w *world) start(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Minute)
	defer cancel()
	if err := w.kafka.Start(ctx); err != nil {
		return err
	}
	if err := w.kafka.CreateTopics(ctx, 12, append(w.topics(), "referrals.inbound.v1")...); err != nil {
		return err
	}
	if err := w.redis.Start(ctx); err != nil {
		return err
	}
	if err := w.postgres.Start(ctx); err != nil {
		return err
	}
	for name := range services {
		addr, err := parts.FreeAddr()
		if err != nil {
			return err
		}
		w.urls[name] = "http://" + addr
	}
	for name := range services {
		p, err := w.service(ctx, name)
		if err != nil {
			return err
		}
		if err := p.Start(ctx); err != nil {
			return err
		}
		w.processes[name] = p
	}
	return nil
}

// service prepares one of the six: its database, and its process.
func (w *world) service(ctx context.Context, name string) (*parts.Process, error) {
	d, err := w.postgres.server.Database(ctx, strings.ReplaceAll(name, "-", "_"))
	if err != nil {
		return nil, err
	}
	admin, err := parts.FreeAddr()
	if err != nil {
		return nil, err
	}
	bin, err := filepath.Abs(filepath.Join(w.s.bin, name))
	if err != nil {
		return nil, err
	}
	dir := filepath.Join(w.s.dir, name)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	args := []string{
		bin, "serve", "--listen", strings.TrimPrefix(w.urls[name], "http://"), "--admin", admin,
		"--database-url", d.RuntimeURL, "--migrate-database-url", d.OwnerURL,
		"--kafka", w.kafka.Addr, "--redis-url", "redis://" + w.redis.Addr, "--oidc-issuer", w.issuer.URL,
		"--client-token-url", w.issuer.URL + "/token", "--client-id", name, "--client-secret", "development",
		"--peer", "intake=" + w.urls["intake"], "--stop-within", "10s",
	}
	if name == "notification" {
		args = append(args, "--set", "inbox_dir="+filepath.Join(dir, "inbox"))
	}
	return &parts.Process{
		Name: name, Dir: dir, Args: args, Env: []string{"GOMAXPROCS=2"},
		Ready: func(ctx context.Context) error { return alive("http://" + admin + "/livez") },
	}, nil
}

// alive asks for liveness, not readiness: what it needs may be killed at any time.
func alive(url string) error {
	client := http.Client{Timeout: time.Second}
	res, err := client.Get(url)
	if err != nil {
		return err
	}
	if err := res.Body.Close(); err != nil {
		return err
	}
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers %s", url, res.Status)
	}
	return nil
}

// victims are the nine.
func (w *world) victims() []victim {
	v := []victim{{"kafka", w.kafka}, {"redis", w.redis}, {"postgres", w.postgres}}
	for name := range services {
		v = append(v, victim{name, w.processes[name]})
	}
	sortVictims(v)
	return v
}

// source is where the checker finds the evidence.
func (w *world) source(journal string) check.Source {
	databases := map[string]string{}
	for name := range services {
		databases[name] = w.postgres.server.AdminURL(strings.ReplaceAll(name, "-", "_"))
	}
	return check.Source{Journal: journal, Databases: databases, Broker: w.kafka.Addr, Topics: w.topics()}
}

// close ends everything that was started.
func (w *world) close() error {
	for _, p := range w.processes {
		p.Stop(15 * time.Second)
	}
	w.kafka.Stop(15 * time.Second)
	w.redis.Stop(5 * time.Second)
	w.issuer.Close()
	return w.postgres.close()
}
