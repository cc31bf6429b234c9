package telemetry

import (
	"database/sql"
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// NewRegistry makes a registry that holds what Go and the operating system say
// of the process.
func NewRegistry() *prometheus.Registry {
	r := prometheus.NewRegistry()
	r.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return r
}

// MetricsHandler answers scrapes, in the OpenMetrics format where asked for, so
// that exemplars are told.
func MetricsHandler(r *prometheus.Registry) http.Handler {
	return promhttp.HandlerFor(r, promhttp.HandlerOpts{EnableOpenMetrics: true})
}

// Pool tells the state of a database connection pool.
func Pool(service string, stats func() sql.DBStats) prometheus.Collector {
	label := prometheus.Labels{"service": service}
	return pool{
		stats:  stats,
		open:   prometheus.NewDesc("hearth_db_connections", "Connections to PostgreSQL, by state.", []string{"state"}, label),
		waits:  prometheus.NewDesc("hearth_db_waits_total", "Times a connection was waited for.", nil, label),
		waited: prometheus.NewDesc("hearth_db_wait_seconds_total", "How long connections were waited for.", nil, label),
	}
}

type pool struct {
	stats               func() sql.DBStats
	open, waits, waited *prometheus.Desc
}

func (p pool) Describe(ch chan<- *prometheus.Desc) {
	ch <- p.open
	ch <- p.waits
	ch <- p.waited
}

func (p pool) Collect(ch chan<- prometheus.Metric) {
	s := p.stats()
	ch <- prometheus.MustNewConstMetric(p.open, prometheus.GaugeValue, float64(s.InUse), "in_use")
	ch <- prometheus.MustNewConstMetric(p.open, prometheus.GaugeValue, float64(s.Idle), "idle")
	ch <- prometheus.MustNewConstMetric(p.waits, prometheus.CounterValue, float64(s.WaitCount))
	ch <- prometheus.MustNewConstMetric(p.waited, prometheus.CounterValue, s.WaitDuration.Seconds())
}
