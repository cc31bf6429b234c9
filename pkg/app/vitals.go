package app

import (
	"context"
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/hearthfps/hearth/pkg/postgres"
)

// vitals say whether what a service stands on answers, and which version of the
// code and of the tables it runs with.
type vitals struct {
	service string
	every   time.Duration
	checks  map[string]func(context.Context) error
	schema  func(context.Context) (postgres.SchemaVersion, error)

	up     *prometheus.GaugeVec
	tables *prometheus.GaugeVec
}

// vitalsEvery is how often is asked.
const vitalsEvery = 10 * time.Second

func newVitals(svc Service, d *Deps, checks map[string]func(context.Context) error) (*vitals, error) {
	label := prometheus.Labels{"service": svc.Name}
	v := &vitals{
		service: svc.Name, every: vitalsEvery, checks: checks, schema: d.DB.SchemaVersion,
		up: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "hearth_dependency_up", Help: "Whether what the service stands on answered when last asked: 1 or 0.", ConstLabels: label,
		}, []string{"dependency"}),
		tables: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "hearth_schema_version", Help: "The last migration, of the kit's tables and of the service's own: that the code knows, and that the database has.", ConstLabels: label,
		}, []string{"tables", "of"}),
	}
	if d.Dev {
		v.every = time.Second
	}
	wanted, err := postgres.WantedVersion(svc.Migrations)
	if err != nil {
		return nil, err
	}
	v.tables.WithLabelValues("kit", "code").Set(float64(wanted.Kit))
	v.tables.WithLabelValues("service", "code").Set(float64(wanted.Service))
	version, revision := built()
	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "hearth_build_info", Help: "Always 1; the labels say what runs.",
		ConstLabels: prometheus.Labels{"service": svc.Name, "version": version, "revision": revision},
	})
	build.Set(1)
	for _, c := range []prometheus.Collector{v.up, v.tables, build} {
		if err := d.Metrics.Register(c); err != nil {
			return nil, fmt.Errorf("register the vital signs of %s: %w", svc.Name, err)
		}
	}
	return v, nil
}

// built reads what the linker noted.
func built() (version, revision string) {
	version, revision = "unknown", "unknown"
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return version, revision
	}
	if info.Main.Version != "" {
		version = info.Main.Version
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			revision = s.Value
		}
	}
	return version, revision
}

// run asks until ctx ends.
func (v *vitals) run(ctx context.Context) error {
	tick := time.NewTicker(v.every)
	defer tick.Stop()
	for {
		v.ask(ctx)
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// ask asks all at once: one that hangs holds the others' answers back by its bound alone.
func (v *vitals) ask(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	var asked sync.WaitGroup
	for name, check := range v.checks {
		asked.Go(func() {
			up := 1.0
			if check(ctx) != nil {
				up = 0
			}
			v.up.WithLabelValues(name).Set(up)
		})
	}
	asked.Go(func() {
		// A database that does not answer is told by its check.
		if has, err := v.schema(ctx); err == nil {
			v.tables.WithLabelValues("kit", "database").Set(float64(has.Kit))
			v.tables.WithLabelValues("service", "database").Set(float64(has.Service))
		}
	})
	asked.Wait()
}
