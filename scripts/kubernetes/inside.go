package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/hearthfps/hearth/scripts/chaos/check"
)

const namespace = "hearth"

// proof is the inner half's run: what is installed, what was sent, what was found.
type proof struct {
	s  settings
	r  *report
	in *infrastructure
	// journals are the files of all that was sent to the suite, in order.
	journals []string
}

// inside is the half in the cluster's network.
func inside(ctx context.Context, s settings) (err error) {
	r, err := openReport(filepath.Join(s.dir, "report.json"))
	if err != nil {
		return err
	}
	p := &proof{s: s, r: r}
	if err := p.resume(ctx); err != nil {
		return err
	}
	switch {
	case s.keep:
		defer func() { err = errors.Join(err, p.remember()) }()
	case !s.going:
		defer func() { err = errors.Join(err, p.tearDown(context.WithoutCancel(ctx))) }()
	}
	if err := p.install(ctx); err != nil {
		return err
	}
	var errs []error // each part is of use without the others
	for _, part := range []struct {
		name string
		run  func(context.Context) error
	}{{"install", p.week}, {"trouble", p.trouble}, {"scale", p.scale}, {"drill", p.drill}} {
		if s.wants(part.name) && ctx.Err() == nil {
			errs = append(errs, part.run(ctx))
		}
	}
	return errors.Join(append(errs, ctx.Err())...)
}

// kept is the journal of a suite that was left installed.
const kept = "kept.ndjson"

// resume takes over the journal of a suite that was left installed, or forgets one
// of a suite that is no more.
func (p *proof) resume(ctx context.Context) error {
	there, err := command(ctx, nil, "kubectl", "get", "namespace", namespace, "--ignore-not-found", "--output", "name")
	if err != nil {
		return err
	}
	file := filepath.Join(p.s.dir, kept)
	if there == "" {
		return os.RemoveAll(file)
	}
	if _, err := os.Stat(file); err != nil {
		return fmt.Errorf("a suite is installed already and what was sent to it is not known: take it away first, kubectl delete namespace %s: %w", namespace, err)
	}
	p.journals = []string{file}
	return nil
}

// remember writes the journal of the suite for the next run.
func (p *proof) remember() error {
	all, err := p.journal()
	if err != nil {
		return err
	}
	return os.Rename(all, filepath.Join(p.s.dir, kept))
}

// install brings up the stand-ins and the six charts.
func (p *proof) install(ctx context.Context) error {
	err := p.r.step("PostgreSQL, Kafka, Redis and an issuer as pods", func() (_ Figures, err error) {
		p.in, err = standIns(ctx, p.s, namespace, true)
		return nil, err
	})
	if err != nil {
		return err
	}
	err = p.r.step("databases, roles, topics, users, rights and secrets", func() (Figures, error) { return nil, p.in.furnish(ctx, p.s) })
	if err != nil {
		return err
	}
	// A while later the broker knows what it was given.
	err = p.r.step("what Kafka's users may not, they cannot", func() (f Figures, err error) {
		return f, await(ctx, time.Minute, "the rights", func(ctx context.Context) error {
			f, err = p.in.tryForbidden(ctx, p.s.root)
			return err
		})
	})
	if err != nil {
		return err
	}
	for _, name := range services {
		err := p.r.step("helm install "+name, func() (Figures, error) { return nil, p.in.install(ctx, p.s, name, firstTag) })
		if err != nil {
			return err
		}
	}
	return nil
}

// furnish makes all that a deployment has before its charts are installed.
func (in *infrastructure) furnish(ctx context.Context, s settings) error {
	if err := in.makeDatabases(ctx); err != nil {
		return err
	}
	if err := in.makeTopics(ctx, s.root); err != nil {
		return err
	}
	if err := in.makeUsers(ctx, s.root); err != nil {
		return err
	}
	return in.secrets(ctx)
}

// week runs the charts' tests and sends the week's stream in.
func (p *proof) week(ctx context.Context) error {
	if err := p.r.step("helm test of all six", func() (Figures, error) { return p.tests(ctx) }); err != nil {
		return err
	}
	journal := filepath.Join(p.s.dir, "week.ndjson")
	count := newCounter()
	err := p.r.step("the stream in, through intake's Service", func() (Figures, error) {
		events, from, err := stream(p.s.root)
		if err != nil {
			return nil, err
		}
		say("  %s", from)
		f, err := importStream(ctx, p.in.importing(count, "/systems"), events, journal)
		if err != nil {
			return f, err
		}
		_, err = count.since(counted{})
		return f, err
	})
	if err != nil {
		return err
	}
	p.journals = append(p.journals, journal)
	return p.r.step("its ledger", func() (Figures, error) { return p.judge(ctx) })
}

// tests runs the charts' tests. Intake's sends a referral of its own in, which the
// ledger is told of: one, and no more.
func (p *proof) tests(ctx context.Context) (Figures, error) {
	figures, err := p.in.helmTests(ctx)
	if err != nil {
		return figures, err
	}
	e, err := check.Collect(ctx, p.in.source(os.DevNull))
	if err != nil {
		return figures, err
	}
	var lines bytes.Buffer
	probes, known := 0, map[string]bool{}
	sent, err := p.journal()
	if err != nil {
		return figures, err
	}
	before, err := check.ReadJournal(sent)
	if err != nil {
		return figures, err
	}
	for _, s := range before {
		known[s.ID] = true
	}
	for _, r := range e.Receipts {
		if r.Source != probeSource || known[r.ID] {
			continue
		}
		probes++
		line, err := json.Marshal(check.Sent{Source: r.Source, ID: r.ID, Via: "http", Answered: time.Now()})
		if err != nil {
			return figures, err
		}
		lines.Write(append(line, '\n'))
	}
	if probes != 1 {
		return figures, fmt.Errorf("helm test of intake left %d referrals, want 1", probes)
	}
	journal := filepath.Join(p.s.dir, "probes.ndjson")
	p.journals = append(p.journals, journal)
	return figures, os.WriteFile(journal, lines.Bytes(), 0o644)
}

// probeSource is what the charts' tests send from.
const probeSource = "/hearth/probe"

// judge holds all that was sent so far against what stands.
func (p *proof) judge(ctx context.Context) (Figures, error) {
	all, err := p.journal()
	if err != nil {
		return nil, err
	}
	return p.in.judge(ctx, settleWithin, all, nil)
}

// journal writes one file of all journals so far.
func (p *proof) journal() (string, error) {
	var all bytes.Buffer
	for _, j := range p.journals {
		data, err := os.ReadFile(j)
		if err != nil {
			return "", fmt.Errorf("read a journal: %w", err)
		}
		all.Write(data)
	}
	file := filepath.Join(p.s.dir, "all.ndjson")
	return file, os.WriteFile(file, all.Bytes(), 0o644)
}

// tearDown removes what was installed.
func (p *proof) tearDown(ctx context.Context) error {
	return p.r.step("tear down", func() (Figures, error) {
		_, err := command(ctx, nil, "kubectl", "delete", "namespace", namespace, restored, "--ignore-not-found", "--timeout", "3m")
		return nil, err
	})
}
