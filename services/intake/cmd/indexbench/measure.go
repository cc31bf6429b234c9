package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"

	specs "github.com/hearthfps/hearth/api-specs"
	"github.com/hearthfps/hearth/pkg/auth"
	"github.com/hearthfps/hearth/pkg/clock"
	"github.com/hearthfps/hearth/pkg/httpapi"
	"github.com/hearthfps/hearth/pkg/policy"
	kit "github.com/hearthfps/hearth/pkg/postgres"
	"github.com/hearthfps/hearth/pkg/postgres/launch"
	"github.com/hearthfps/hearth/pkg/tenant"
	"github.com/hearthfps/hearth/services/intake/api"
	"github.com/hearthfps/hearth/services/intake/index"
	"github.com/hearthfps/hearth/services/intake/reception"
	"github.com/hearthfps/hearth/services/intake/referral"
)

const most = 10

// inProcess asks one question after the other and counts whom they find.
func (g *ground) inProcess(ctx context.Context, span time.Duration, f *figures) error {
	first, missed, unlike := 0, 0, 0
	before := launch.CPUTime(g.pg.PID())
	begin := time.Now()
	times, err := g.ask(ctx, span, func(q question, ranked []referral.PersonID) {
		switch slices.Index(ranked, q.person) {
		case 0:
			first++
		case -1:
			missed++
			if s, ok := index.Compare(g.by.Live, q.described, q.known); !ok || !index.Together(s) {
				unlike++
			}
		}
	})
	if err != nil {
		return err
	}
	f.Asked = len(times)
	f.Found, f.Missed = float64(first)/float64(len(times)), float64(missed)/float64(len(times))
	f.Unlike = float64(unlike) / float64(len(times))
	f.InProcess = summary(times, time.Since(begin), launch.CPUTime(g.pg.PID())-before)
	return nil
}

// ask asks questions in a fixed order of chance for a while.
func (g *ground) ask(ctx context.Context, span time.Duration, look func(question, []referral.PersonID)) ([]time.Duration, error) {
	ctx = tenant.With(ctx, g.agency)
	rng := rand.New(rand.NewPCG(1, 2))
	var times []time.Duration
	for begin := time.Now(); time.Since(begin) < span; {
		q := g.question[rng.IntN(len(g.question))]
		var ranked []referral.PersonID
		from := time.Now()
		err := g.db.InTenant(ctx, func(ctx context.Context, tx *kit.Tx) error {
			ranked = ranked[:0]
			by, found, err := g.indexes.Search(ctx, tx, q.described)
			if err != nil {
				return err
			}
			persons := make([]*referral.Person, len(found))
			for i, x := range found {
				persons[i] = x.Person
			}
			for _, c := range by.Rank(q.described, persons, most) {
				ranked = append(ranked, c.Person.ID)
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
		times = append(times, time.Since(from))
		if look != nil {
			look(q, ranked)
		}
	}
	return times, nil
}

// byHTTP asks the API at a rate that is held whatever the answers take: the time of
// each counts from when it was due.
func (g *ground) byHTTP(ctx context.Context, rate int, span time.Duration) (_ latency, err error) {
	url, stop, err := g.serve(ctx)
	if err != nil {
		return latency{}, err
	}
	defer func() { err = errors.Join(err, stop()) }()
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 256, MaxConnsPerHost: 256}, Timeout: 30 * time.Second}
	defer client.CloseIdleConnections()
	rng := rand.New(rand.NewPCG(3, 4))
	bodies := make([][]byte, 2000)
	for i := range bodies {
		if bodies[i], err = asked(g.question[rng.IntN(len(g.question))].described); err != nil {
			return latency{}, err
		}
	}
	n := int(float64(rate) * span.Seconds())
	times := make([]time.Duration, n)
	failed := make([]error, n)
	var all sync.WaitGroup
	before := launch.CPUTime(g.pg.PID())
	begin := time.Now()
	for i := range n {
		due := begin.Add(time.Duration(i) * time.Second / time.Duration(rate))
		select {
		case <-time.After(time.Until(due)):
		case <-ctx.Done():
			return latency{}, ctx.Err()
		}
		all.Go(func() {
			failed[i] = post(ctx, client, url, bodies[i%len(bodies)])
			times[i] = time.Since(due)
		})
	}
	all.Wait()
	if err := errors.Join(failed...); err != nil {
		return latency{}, err
	}
	return summary(times, time.Since(begin), launch.CPUTime(g.pg.PID())-before), nil
}

func asked(p *referral.Person) ([]byte, error) {
	type object = map[string]any
	q := object{"name": object{"given": p.Name.Given, "family": p.Name.Family}, "count": most}
	if d := string(p.BirthDate); len(d) == 10 || len(d) == 7 || len(d) == 4 {
		q["birth_date"] = d
	}
	if p.Sex != "" {
		q["sex"] = p.Sex
	}
	var contacts, addresses, identifiers []object
	for _, c := range p.Contacts {
		contacts = append(contacts, object{"kind": c.Kind, "value": c.Value})
	}
	for _, a := range p.Addresses {
		addresses = append(addresses, object{"lines": a.Lines, "city": a.City, "postal_code": a.PostalCode})
	}
	for _, id := range p.Identifiers {
		identifiers = append(identifiers, object{"system": id.System, "value": id.Value})
	}
	for name, list := range map[string][]object{"contacts": contacts, "addresses": addresses, "identifiers": identifiers} {
		if len(list) > 0 {
			q[name] = list
		}
	}
	return json.Marshal(q)
}

func post(ctx context.Context, client *http.Client, url string, body []byte) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Authorization", "Bearer indexbench")
	r.Header.Set("Content-Type", "application/json")
	answer, err := client.Do(r)
	if err != nil {
		return err
	}
	text, err := io.ReadAll(answer.Body)
	err = errors.Join(err, answer.Body.Close())
	if err == nil && answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", answer.Status, text)
	}
	return err
}

// serve serves intake's API as it is served in production, but for its tokens.
func (g *ground) serve(ctx context.Context) (url string, stop func() error, err error) {
	spec, err := specs.OpenAPI.ReadFile("openapi/intake.yaml")
	if err != nil {
		return "", nil, err
	}
	contract, err := httpapi.LoadContract(spec)
	if err != nil {
		return "", nil, err
	}
	engine, err := policy.New(clock.System())
	if err != nil {
		return "", nil, err
	}
	a := &api.API{DB: g.db, Clock: clock.System(), Policy: engine, Reception: &reception.Reception{DB: g.db, Indexes: g.indexes}, NewID: reception.NewID}
	handler, err := httpapi.New(httpapi.Options{
		Service: "intake", Contract: contract, Routes: a.Routes("/intake/v1"), Log: slog.New(slog.DiscardHandler),
		Authenticate: func(context.Context, string) (auth.Principal, error) {
			return auth.Principal{Subject: "indexbench", Agency: g.agency, Roles: []string{auth.RoleIntakeWorker}, WorkerID: "worker-1"}, nil
		},
	})
	if err != nil {
		return "", nil, err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	server := &http.Server{Handler: handler}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	return "http://" + listener.Addr().String() + "/intake/v1/persons:match", func() error {
		err := server.Shutdown(context.WithoutCancel(ctx))
		if end := <-served; !errors.Is(end, http.ErrServerClosed) {
			err = errors.Join(err, end)
		}
		return err
	}, nil
}

func summary(times []time.Duration, took, cpu time.Duration) latency {
	if len(times) == 0 {
		return latency{}
	}
	sorted := slices.Clone(times)
	slices.Sort(sorted)
	ms := func(d time.Duration) float64 { return round(float64(d.Microseconds()) / 1000) }
	at := func(q float64) time.Duration { return sorted[min(len(sorted)-1, int(q*float64(len(sorted))))] }
	return latency{
		N: len(times), P50: ms(at(0.5)), P99: ms(at(0.99)), Max: ms(sorted[len(sorted)-1]),
		CPU: round(float64(cpu.Microseconds()) / 1000 / float64(len(times))), PerSecond: round(float64(len(times)) / took.Seconds()),
	}
}
