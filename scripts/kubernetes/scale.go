package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"github.com/hearthfps/hearth/services/hearth/play"
)

const inbound = "referrals.inbound.v1"

// generated is the source that generated referrals are of.
const generated = "/systems/generated"

// scaled is the consumer that is scaled: it takes in every event there is.
const scaled = "planning"

// How it is scaled here: sooner, and by less lag, than the chart's own values say.
const (
	fewest, most = 2, 4
	lagThreshold = 25
	burst        = 3000
)

// scale lets a HorizontalPodAutoscaler, such as KEDA makes of the chart's
// ScaledObject, scale a consumer out and in by its lag, while referrals flow.
func (p *proof) scale(ctx context.Context) error {
	err := p.r.step("lag as an external metric", func() (Figures, error) {
		_, err := p.in.do(ctx, "apply", "--filename", filepath.Join(p.s.root, "deploy", "kubernetes", "stand-ins", "lag.yaml"))
		if err != nil {
			return nil, err
		}
		if _, err := p.in.do(ctx, "rollout", "status", "deployment/lag", "--timeout", "3m"); err != nil {
			return nil, err
		}
		if _, err := p.in.do(ctx, "wait", "apiservice/v1beta1.external.metrics.k8s.io", "--for", "condition=Available", "--timeout", "1m"); err != nil {
			return nil, err
		}
		return nil, p.autoscale(ctx)
	})
	if err != nil {
		return err
	}
	f, err := p.start("scale")
	if err != nil {
		return err
	}
	sampled := p.sampleReplicas()
	var errs []error
	errs = append(errs, f.during(ctx, fmt.Sprintf("%d more referrals at once: %s scales out", burst, scaled), func() error {
		if err := p.burst(ctx); err != nil {
			return err
		}
		return p.awaitReplicas(ctx, most)
	}))
	errs = append(errs, f.during(ctx, scaled+" scales in", func() error { return p.awaitReplicas(ctx, fewest) }))
	errs = append(errs, p.r.step("replicas over time", func() (Figures, error) { return sampled(), nil }))
	return errors.Join(append(errs, f.end(ctx))...)
}

// autoscale makes of the chart's ScaledObject what KEDA would make of it: an
// autoscaler with one external metric for each topic. The chart's trigger on
// processor use is left out: nothing measures that here.
func (p *proof) autoscale(ctx context.Context) error {
	rendered, err := p.in.helm(ctx, "template", scaled, filepath.Join(p.s.root, "helm", scaled),
		"--kube-version", "1.30.0", // the least the chart asks for: rendering alone, helm does not know the cluster's
		"--values", filepath.Join(p.s.dir, p.in.namespace+"-"+scaled+"-values.yaml"), "--show-only", "templates/scaling.yaml",
		"--set", "scaling.mode=keda", "--set", "scaling.minReplicas="+strconv.Itoa(fewest), "--set", "scaling.maxReplicas="+strconv.Itoa(most),
		"--set", "scaling.lagThreshold="+strconv.Itoa(lagThreshold), "--set", "scaling.scaleDownSeconds=10")
	if err != nil {
		return err
	}
	hpa, err := autoscaler([]byte(rendered), p.in.namespace)
	if err != nil {
		return err
	}
	manifest, err := json.Marshal(hpa)
	if err != nil {
		return err
	}
	return p.in.apply(ctx, manifest)
}

// burst imports many referrals at once, in four streams.
func (p *proof) burst(ctx context.Context) error {
	var (
		all  sync.WaitGroup
		mu   sync.Mutex
		errs []error
		run  = time.Now().Format("150405")
	)
	for part := range 4 {
		var events bytes.Buffer
		for n := range burst / 4 {
			_, _, event := play.Generate(fmt.Sprintf("burst-%s-%d", run, part), n, time.Now())
			events.Write(append(event, '\n'))
		}
		journal := filepath.Join(p.s.dir, fmt.Sprintf("burst-%d.ndjson", part))
		if err := os.RemoveAll(journal); err != nil {
			return err
		}
		p.journals = append(p.journals, journal)
		all.Go(func() {
			_, err := importStream(ctx, p.in.importing(newCounter(), generated), events.Bytes(), journal)
			mu.Lock()
			defer mu.Unlock()
			errs = append(errs, err)
		})
	}
	all.Wait()
	return errors.Join(errs...)
}

// replicas are the pods of the scaled service that are ready.
func (p *proof) replicas(ctx context.Context) (int, error) {
	out, err := p.in.do(ctx, "get", "deployment", scaled, "--output", "jsonpath={.status.readyReplicas}")
	if err != nil || out == "" {
		return 0, err
	}
	return strconv.Atoi(out)
}

func (p *proof) awaitReplicas(ctx context.Context, want int) error {
	return await(ctx, 6*time.Minute, fmt.Sprintf("%d pods of %s", want, scaled), func(ctx context.Context) error {
		n, err := p.replicas(ctx)
		if err == nil && n != want {
			err = fmt.Errorf("there are %d", n)
		}
		return err
	})
}

// sampleReplicas notes each change of the number of pods until the returned function is called.
func (p *proof) sampleReplicas() func() Figures {
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan []string)
	began := time.Now()
	go func() {
		var changes []string
		last := -1
		for ctx.Err() == nil {
			if n, err := p.replicas(ctx); err == nil && n != last {
				changes = append(changes, fmt.Sprintf("%d at %d s", n, int(time.Since(began).Seconds())))
				last = n
			}
			select {
			case <-ctx.Done():
			case <-time.After(time.Second):
			}
		}
		done <- changes
	}()
	return func() Figures {
		stop()
		return Figures{"pods": <-done}
	}
}
