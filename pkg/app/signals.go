package app

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/hearthfps/hearth/pkg/rules"
	"github.com/hearthfps/hearth/pkg/tenant"
)

// Signal counts what a service announces: the events of one type, each once, when
// the transaction that published it has committed. Every counter has the labels
// service and agency. Events hold no personal data, and of their fields only
// those named become labels, with only the values that are listed: the number of
// series is known before the first event (guarantee 6).
type Signal struct {
	// Metric is the counter's name, hearth_…_total. Several signals may feed one;
	// they have the same Help and the same label names then.
	Metric, Help string
	// Event is the type that is counted.
	Event string
	// Fixed are labels with one value.
	Fixed map[string]string
	// Fields are labels read from the event's data, by the field's name, with the
	// values that are told apart. Any other value is counted as "other".
	Fields map[string][]string
}

// other stands for every value that a Signal does not list.
const other = "other"

// signals are the counters of a service's announcements.
type signals struct {
	byType map[string][]counting
}

type counting struct {
	Signal
	names   []string
	counter *prometheus.CounterVec
}

// register makes the counters of a list of signals, each series at 0 from the
// start: an increase from nothing to 1 is no increase to who watches.
func (s *signals) register(service string, list []Signal, bundle *rules.Bundle, registry prometheus.Registerer) error {
	s.byType = map[string][]counting{}
	made := map[string]counting{}
	for _, signal := range list {
		names := append(slices.Sorted(maps.Keys(signal.Fixed)), slices.Sorted(maps.Keys(signal.Fields))...)
		slices.Sort(names)
		c := counting{Signal: signal, names: names}
		if known, ok := made[signal.Metric]; ok {
			if !slices.Equal(known.names, names) {
				return fmt.Errorf("signal %s: %s has labels %v elsewhere, not %v", signal.Event, signal.Metric, known.names, names)
			}
			c.counter = known.counter
		} else {
			c.counter = prometheus.NewCounterVec(prometheus.CounterOpts{
				Name: signal.Metric, Help: signal.Help, ConstLabels: prometheus.Labels{"service": service},
			}, append([]string{"agency"}, names...))
			if err := registry.Register(c.counter); err != nil {
				return fmt.Errorf("register %s: %w", signal.Metric, err)
			}
			made[signal.Metric] = c
		}
		for _, agency := range bundle.Agencies() {
			for _, values := range c.combinations() {
				c.counter.WithLabelValues(append([]string{agency.ID.String()}, values...)...)
			}
		}
		s.byType[signal.Event] = append(s.byType[signal.Event], c)
	}
	return nil
}

// combinations are all values the labels may have together.
func (c counting) combinations() [][]string {
	all := [][]string{nil}
	for _, name := range c.names {
		values := c.Fields[name]
		if fixed, ok := c.Fixed[name]; ok {
			values = []string{fixed}
		}
		var longer [][]string
		for _, so := range all {
			for _, v := range values {
				longer = append(longer, append(slices.Clone(so), v))
			}
		}
		all = longer
	}
	return all
}

// published counts one committed event; see postgres.Config.
func (s *signals) published(agency tenant.AgencyID, eventType string, data []byte) {
	for _, c := range s.byType[eventType] {
		var fields map[string]any
		if len(c.Fields) > 0 {
			// Data that cannot be read has not passed Publish; it counts as other.
			_ = json.Unmarshal(data, &fields)
		}
		values := []string{agency.String()}
		for _, name := range c.names {
			if fixed, ok := c.Fixed[name]; ok {
				values = append(values, fixed)
				continue
			}
			v, _ := fields[name].(string)
			if !slices.Contains(c.Fields[name], v) {
				v = other
			}
			values = append(values, v)
		}
		c.counter.WithLabelValues(values...).Inc()
	}
}
