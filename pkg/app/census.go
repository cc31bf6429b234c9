package app

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/hearthfps/hearth/pkg/postgres"
	"github.com/hearthfps/hearth/pkg/tenant"
)

// Census is a gauge of what stands in a service's tables: open clocks, cases,
// messages that wait. It has the labels service and agency, and those of Labels.
// Each replica counts by itself and they agree: take max, not sum, over replicas.
type Census struct {
	Metric, Help string
	// Labels are names of codes; their values are few and name nobody.
	Labels []string
	// Count reads one agency's numbers, in its transaction.
	Count func(ctx context.Context, tx *postgres.Tx) ([]postgres.Number, error)
}

const (
	// censusEvery is how often is counted.
	censusEvery = 15 * time.Second
	// censusEveryDev is that in development, where time is moved by hand.
	censusEveryDev = 2 * time.Second
	// censusKept is for how long a number is told that could not be counted anew.
	censusKept = 2 * time.Minute
)

// censuses are a service's, and what was counted last.
type censuses struct {
	*Deps
	list  []Census
	descs []*prometheus.Desc

	// again asks for a count before its time.
	again chan struct{}
	asOf  *prometheus.Desc

	mu      sync.Mutex
	counted map[tenant.AgencyID]counted
}

type counted struct {
	at, asOf time.Time           // by the machine's clock, and by the service's
	readings [][]postgres.Number // by census
}

func (d *Deps) newCensuses(list []Census) *censuses {
	c := &censuses{
		Deps: d, list: list, counted: map[tenant.AgencyID]counted{}, again: make(chan struct{}, 1),
		asOf: prometheus.NewDesc("hearth_census_timestamp_seconds", "The time, by the service's clock, that the gauges read from its tables are of.", []string{"agency"}, prometheus.Labels{"service": d.Service}),
	}
	for _, one := range list {
		c.descs = append(c.descs, prometheus.NewDesc(one.Metric, one.Help, append([]string{"agency"}, one.Labels...), prometheus.Labels{"service": d.Service}))
	}
	return c
}

// run counts until ctx ends.
func (c *censuses) run(ctx context.Context) error {
	every := censusEvery
	if c.Dev {
		every = censusEveryDev
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	for len(c.list) > 0 {
		for _, agency := range c.Rules.Agencies() {
			if err := c.count(ctx, agency.ID); err != nil && ctx.Err() == nil {
				c.Log.DebugContext(ctx, "a census waits", "agency", agency.ID, "error", postgres.Describe(err))
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		case <-c.again:
		}
	}
	<-ctx.Done()
	return nil
}

// now has it counted at once.
func (c *censuses) now() {
	select {
	case c.again <- struct{}{}:
	default: // asked for already
	}
}

// count takes every census of one agency in one transaction, so that they agree.
func (c *censuses) count(ctx context.Context, agency tenant.AgencyID) error {
	ctx, cancel := context.WithTimeout(tenant.With(ctx, agency), 10*time.Second)
	defer cancel()
	var all [][]postgres.Number
	asOf := c.Clock.Now()
	err := c.DB.ReadInTenant(ctx, func(ctx context.Context, tx *postgres.Tx) error {
		all = nil
		for _, one := range c.list {
			readings, err := one.Count(ctx, tx)
			if err != nil {
				return fmt.Errorf("count %s: %w", one.Metric, err)
			}
			all = append(all, readings)
		}
		return nil
	})
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.counted[agency] = counted{time.Now(), asOf, all}
	return nil
}

// Describe implements prometheus.Collector.
func (c *censuses) Describe(ch chan<- *prometheus.Desc) {
	ch <- c.asOf
	for _, d := range c.descs {
		ch <- d
	}
}

// Collect implements prometheus.Collector. What has not been counted for a while
// is not told: an old number looks like a calm day.
func (c *censuses) Collect(ch chan<- prometheus.Metric) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for agency, counted := range c.counted {
		if time.Since(counted.at) > censusKept {
			continue
		}
		ch <- prometheus.MustNewConstMetric(c.asOf, prometheus.GaugeValue, float64(counted.asOf.UnixMilli())/1e3, agency.String())
		for i, readings := range counted.readings {
			for _, r := range readings {
				ch <- prometheus.MustNewConstMetric(c.descs[i], prometheus.GaugeValue, r.Number, append([]string{agency.String()}, r.Of...)...)
			}
		}
	}
}
