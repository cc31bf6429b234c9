package bench

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hearthfps/hearth/pkg/app"
	"github.com/hearthfps/hearth/pkg/events"
	"github.com/hearthfps/hearth/pkg/postgres"
)

const (
	// steady is how many referrals a second come while it is measured how soon
	// they are seen.
	steady = 200
	// seenWithin is the aim for 99 of 100 of them, in milliseconds.
	seenWithin = 250
	received   = "org.hearth.intake.referral.received.v1"
)

func measureSeen(ctx context.Context, g *ground) ([]Figure, error) {
	var all []Figure
	for _, every := range []bool{false, true} {
		figures, err := g.seen(ctx, every)
		if err != nil {
			return nil, err
		}
		all = append(all, figures...)
	}
	return all, nil
}

// seen runs the suite, sends referrals at a steady rate and looks at the commits
// by which services took their events in: those that do as they are, or every
// one that reads intake's topic, each made to take the first event in, with its
// inbox row, though it needs nothing of it.
func (g *ground) seen(ctx context.Context, every bool) (_ []Figure, err error) {
	w := &watch{latest: map[string]time.Duration{}, services: map[string]int{}}
	services := make([]app.Service, len(g.Services))
	for i, svc := range g.Services {
		services[i] = w.of(svc, every)
	}
	g.say("starting the suite")
	s, err := g.open(ctx, services)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	way := &wayIn{site: s}
	span := max(2*g.Span, time.Second)
	g.say("%d referrals a second for %s, by HTTP, all services working", steady, span)
	if _, err := way.post(ctx, g.generate(steady), 4, time.Time{}); err != nil {
		return nil, err
	}
	if err := w.quiet(ctx, s); err != nil {
		return nil, err
	}
	for _, url := range s.admin {
		if err := analyze(ctx, url); err != nil {
			return nil, err
		}
	}
	w.reset()
	n := int(steady * span.Seconds())
	held, err := way.postSteadily(ctx, g.generate(n), steady)
	if err != nil {
		return nil, err
	}
	if err := w.quiet(ctx, s); err != nil {
		return nil, err
	}
	return w.figures(every, n, held)
}

// figures are the quantiles over the referrals, of each the last commit.
func (w *watch) figures(every bool, n int, held float64) ([]Figure, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.latest) != n {
		return nil, fmt.Errorf("%d referrals were sent, and the events of %d seen", n, len(w.latest))
	}
	var took []time.Duration
	for _, d := range w.latest {
		took = append(took, d)
	}
	names := make([]string, 0, len(w.services))
	for name := range w.services {
		names = append(names, name)
	}
	slices.Sort(names)
	ms := func(q float64) float64 { return float64(quantile(took, q).Microseconds()) / 1000 }
	name, whom := "seen", "the services that take them in"
	if every {
		name, whom = "seen-by-all", "every service that reads intake's topic, each made to take it in though it needs nothing of it"
	}
	aim := float64(seenWithin)
	if every {
		aim = 0 // more than the suite does
	}
	p50 := atMost(name+"-p50", fmt.Sprintf("accepted to seen by %s, at %d/s, p50", whom, steady), "ms", ms(0.5), 0)
	p99 := atMost(name+"-p99", fmt.Sprintf("accepted to seen by %s, at %d/s, p99", whom, steady), "ms", ms(0.99), aim)
	note := fmt.Sprintf("from within the accepting transaction to the last commit for a referral's events, of %v; %d referrals at %.0f/s held, longest %.0f ms", names, n, held, ms(1))
	p50.Note, p99.Note = note, note
	return []Figure{p50, p99}, nil
}

// postSteadily sends events at a rate, each when it is due or, when all
// connections are busy, as soon as one is free. It returns the rate it held.
func (w *wayIn) postSteadily(ctx context.Context, all [][]byte, rate float64) (float64, error) {
	const n = 32
	var (
		next     atomic.Int64
		wg       sync.WaitGroup
		failures = make([]error, n)
		began    = time.Now()
	)
	for i := range n {
		wg.Go(func() {
			c, err := dial(ctx, w.addr, w.ground.token)
			if err != nil {
				failures[i] = err
				return
			}
			defer c.close()
			for failures[i] == nil {
				k := int(next.Add(1)) - 1
				if k >= len(all) {
					return
				}
				due := began.Add(time.Duration(float64(k) / rate * float64(time.Second)))
				select {
				case <-time.After(time.Until(due)):
				case <-ctx.Done():
					failures[i] = ctx.Err()
					return
				}
				failures[i] = c.send(all[k])
			}
		})
	}
	wg.Wait()
	return float64(len(all)) / time.Since(began).Seconds(), errors.Join(failures...)
}

// watch notes when services have taken intake's events in.
type watch struct {
	mu       sync.Mutex
	latest   map[string]time.Duration // by key, from the event's time
	services map[string]int           // how many events each took in
	notes    int
}

// of is svc with every handler of intake's events followed by a note, made after
// the commit. With every, one that reads the topic and skips what begins a
// referral's story takes it in too.
func (w *watch) of(svc app.Service, every bool) app.Service {
	start := svc.New
	svc.New = func(ctx context.Context, d *app.Deps) (*app.Parts, error) {
		parts, err := start(ctx, d)
		if err != nil {
			return nil, err
		}
		topic := events.Topic("intake")
		reads := false
		for i, s := range parts.Subscriptions {
			if !slices.Contains(s.Topics, topic) {
				continue
			}
			reads = true
			noted := map[string]events.Handler{}
			for kind, handler := range s.Handlers {
				noted[kind] = w.after(svc.Name, handler)
			}
			parts.Subscriptions[i].Handlers = noted
			if s.Fallback != nil {
				parts.Subscriptions[i].Fallback = w.after(svc.Name, s.Fallback)
			}
		}
		if reads && every {
			nothing := func(context.Context, *postgres.Tx, events.Event) error { return nil }
			parts.Subscriptions = append(parts.Subscriptions, events.Subscription{
				Topics: []string{topic}, Handlers: map[string]events.Handler{received: w.after(svc.Name, nothing)},
			})
		}
		return parts, nil
	}
	return svc
}

func (w *watch) after(service string, handler events.Handler) events.Handler {
	return func(ctx context.Context, tx *postgres.Tx, e events.Event) error {
		if err := handler(ctx, tx, e); err != nil {
			return err
		}
		if e.Source != events.Source("intake") {
			return nil
		}
		tx.AfterCommit(func() {
			took := time.Since(e.Time)
			w.mu.Lock()
			defer w.mu.Unlock()
			w.latest[e.Key] = max(w.latest[e.Key], took)
			w.services[service]++
			w.notes++
		})
		return nil
	}
}

func (w *watch) reset() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.latest, w.services = map[string]time.Duration{}, map[string]int{}
}

// quiet waits until intake has sent everything and no note has come for a while.
func (w *watch) quiet(ctx context.Context, s *site) error {
	if err := s.settled(ctx, "intake"); err != nil {
		return err
	}
	last, since := -1, time.Now()
	return s.await(ctx, func() (bool, error) {
		w.mu.Lock()
		defer w.mu.Unlock()
		if w.notes != last {
			last, since = w.notes, time.Now()
		}
		return time.Since(since) > 700*time.Millisecond, nil
	})
}
