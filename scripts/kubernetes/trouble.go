package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/hearthfps/hearth/scripts/chaos/load"
)

// settleWithin is how long the last events may take, on a machine busy with more than this.
const settleWithin = 3 * time.Minute

// flow is a load under way, with everything that is measured beside it.
type flow struct {
	p     *proof
	count *counter
	load  *load.Load
	watch *watch
}

// start begins to send referrals to the suite; name makes them different from those of other flows.
func (p *proof) start(name string) (*flow, error) {
	count := newCounter()
	journal := filepath.Join(p.s.dir, name+".ndjson")
	l, err := load.Start(load.Config{
		Suite: p.in.suite(count, generated), Broker: p.in.kafka, Journal: journal, Stream: name + "-" + time.Now().Format("150405"),
		Rate: p.s.rate, Longest: 15 * time.Minute, Workers: 400,
	})
	if err != nil {
		return nil, err
	}
	p.journals = append(p.journals, journal)
	source := p.in.source("")
	return &flow{p: p, count: count, load: l, watch: watchOffsets(p.in.kafka, services, append(source.Topics, inbound))}, nil
}

// calm waits while referrals flow: at least as long as was asked, and until ten
// more were answered.
func (f *flow) calm(ctx context.Context) error {
	from := f.load.Answered()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(f.p.s.calm):
	}
	return await(ctx, 2*time.Minute, "ten more answers", func(context.Context) error {
		if now := f.load.Answered(); now < from+10 {
			return fmt.Errorf("%d answers in all", now)
		}
		return nil
	})
}

// during does one thing while referrals flow, and reports how requests fared from
// a while before to a while after.
func (f *flow) during(ctx context.Context, name string, do func() error) error {
	return f.p.r.step(name, func() (Figures, error) {
		before := f.count.now()
		began := time.Now()
		err := do()
		took := time.Since(began)
		err = errors.Join(err, f.calm(ctx))
		figures, failed := f.count.since(before)
		figures["it_took_s"] = int(took.Seconds())
		say("  %s", figures)
		return figures, errors.Join(err, failed)
	})
}

// end lets all that was begun come to its end, and judges.
func (f *flow) end(ctx context.Context) error {
	var errs []error
	errs = append(errs, f.p.r.step("all that was begun comes to its end", func() (Figures, error) {
		sent, err := f.load.Finish(ctx, func(progress string) { say("  %s", progress) })
		if sent != "" {
			say("  %s", sent)
		}
		figures, failed := f.count.since(counted{})
		offsets, back := f.watch.end()
		for k, v := range offsets {
			figures[k] = v
		}
		return figures, errors.Join(err, failed, back)
	}))
	errs = append(errs, f.p.r.step("the ledger", func() (Figures, error) { return f.p.judge(ctx) }))
	return errors.Join(errs...)
}

// trouble is everything a platform team does to a running suite.
func (p *proof) trouble(ctx context.Context) error {
	f, err := p.start("trouble")
	if err != nil {
		return err
	}
	var errs []error
	errs = append(errs, f.during(ctx, "referrals flow, nothing else", func() error { return nil }))
	for _, name := range services {
		errs = append(errs, f.during(ctx, "rolling upgrade of "+name, func() error {
			return p.in.install(ctx, p.s, name, secondTag)
		}))
	}
	errs = append(errs, f.during(ctx, "helm rollback of all six", func() error {
		for _, name := range services {
			if _, err := p.in.helm(ctx, "rollback", name, "1", "--wait", "--timeout", "5m"); err != nil {
				return p.in.explain(ctx, name, err)
			}
		}
		return nil
	}))
	errs = append(errs, f.during(ctx, "a pod of each service deleted", func() error { return p.deletePods(ctx) }))
	errs = append(errs, f.during(ctx, "the node drained", func() error { return p.drain(ctx) }))
	errs = append(errs, f.during(ctx, "PostgreSQL restarted", func() error {
		if _, err := p.in.do(ctx, "delete", "pod", "postgres-0"); err != nil {
			return err
		}
		_, err := p.in.do(ctx, "rollout", "status", "statefulset/postgres", "--timeout", "3m")
		return err
	}))
	return errors.Join(append(errs, f.end(ctx))...)
}

const ofSuite = "app.kubernetes.io/part-of=hearth,app.kubernetes.io/component=server"

// deletePods deletes one pod of each service at once and waits for those in their place.
func (p *proof) deletePods(ctx context.Context) error {
	pods, err := list[pod](ctx, p.in.kube, "pods", ofSuite)
	if err != nil {
		return err
	}
	taken := map[string]bool{}
	args := []string{"delete", "pod", "--wait=false"}
	for _, one := range pods {
		if name := one.Metadata.Labels["app.kubernetes.io/name"]; !taken[name] && one.ready() {
			taken[name] = true
			args = append(args, one.Metadata.Name)
		}
	}
	if len(taken) != len(services) {
		return fmt.Errorf("only %d of %d services have a pod that is ready", len(taken), len(services))
	}
	if _, err := p.in.do(ctx, args...); err != nil {
		return err
	}
	return p.rolledOut(ctx)
}

// rolledOut waits until every service has the pods it should.
func (p *proof) rolledOut(ctx context.Context) error {
	for _, name := range services {
		if _, err := p.in.do(ctx, "rollout", "status", "deployment/"+name, "--timeout", "5m"); err != nil {
			return p.in.explain(ctx, name, err)
		}
	}
	return nil
}

// drain drains the one node of all pods of the suite, as `kubectl drain` does it,
// by evictions that the disruption budgets hold back. The node takes pods again
// at once, as another node would: without that a budget would never let the
// second pod of a service go.
func (p *proof) drain(ctx context.Context) error {
	pods, err := list[pod](ctx, p.in.kube, "pods", ofSuite)
	if err != nil {
		return err
	}
	before := map[string]bool{}
	for _, one := range pods {
		before[one.Metadata.Name] = true
	}
	node, err := p.in.do(ctx, "get", "nodes", "--output", "name")
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	drained := make(chan error, 1)
	go func() {
		_, err := p.in.do(ctx, "drain", node[len("node/"):len(node)-1], "--pod-selector", ofSuite, "--ignore-daemonsets", "--delete-emptydir-data", "--timeout", "8m")
		drained <- err
	}()
	for done := false; !done; {
		select {
		case err := <-drained:
			if err != nil {
				return err
			}
			done = true
		case <-time.After(500 * time.Millisecond):
		}
		if _, err := p.in.do(ctx, "uncordon", node[len("node/"):len(node)-1]); err != nil {
			return err
		}
	}
	if err := p.rolledOut(ctx); err != nil {
		return err
	}
	if pods, err = list[pod](ctx, p.in.kube, "pods", ofSuite); err != nil {
		return err
	}
	for _, one := range pods {
		if before[one.Metadata.Name] {
			return fmt.Errorf("pod %s was not evicted", one.Metadata.Name)
		}
	}
	return nil
}
