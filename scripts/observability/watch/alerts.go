package watch

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
)

// Prometheus evaluates queries and rules over a Store.
type Prometheus struct {
	*Store
	engine *promql.Engine
	groups []rulefmt.RuleGroup
	since  map[string]map[uint64]pending // by alert, then by labels: since when it is true
}

type pending struct {
	labels labels.Labels
	since  time.Time
}

// Alert is one that fires.
type Alert struct {
	Name   string
	Labels map[string]string
}

// New reads rule files with Prometheus's own reader.
func New(store *Store, files ...[]byte) (*Prometheus, error) {
	p := &Prometheus{Store: store, since: map[string]map[uint64]pending{}, engine: promql.NewEngine(promql.EngineOpts{
		MaxSamples: 50_000_000, Timeout: time.Minute, LookbackDelta: 5 * time.Minute, EnableAtModifier: true, EnableNegativeOffset: true,
		NoStepSubqueryIntervalFn: func(int64) int64 { return time.Minute.Milliseconds() },
	})}
	for _, f := range files {
		groups, errs := rulefmt.Parse(f, false, model.UTF8Validation)
		if len(errs) > 0 {
			return nil, errors.Join(errs...)
		}
		p.groups = append(p.groups, groups.Groups...)
	}
	return p, nil
}

// NewFor is New with the groups alone that one alert is in.
func NewFor(store *Store, alert string, files ...[]byte) (*Prometheus, error) {
	p, err := New(store, files...)
	if err != nil {
		return nil, err
	}
	p.groups = slices.DeleteFunc(p.groups, func(g rulefmt.RuleGroup) bool {
		return !slices.ContainsFunc(g.Rules, func(r rulefmt.Rule) bool { return r.Alert == alert })
	})
	return p, nil
}

// Alerting are the alerting rules there are.
func (p *Prometheus) Alerting() []rulefmt.Rule {
	var all []rulefmt.Rule
	for _, g := range p.groups {
		for _, r := range g.Rules {
			if r.Alert != "" {
				all = append(all, r)
			}
		}
	}
	return all
}

// Expression is what a rule evaluates.
type Expression struct{ Name, Expr string }

// Expressions are those of all rules.
func (p *Prometheus) Expressions() []Expression {
	var all []Expression
	for _, g := range p.groups {
		for _, r := range g.Rules {
			all = append(all, Expression{r.Record + r.Alert, r.Expr})
		}
	}
	return all
}

// Query evaluates an instant query.
func (p *Prometheus) Query(ctx context.Context, expr string, at time.Time) (promql.Vector, error) {
	q, err := p.engine.NewInstantQuery(ctx, p.Store, nil, expr, at)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", expr, err)
	}
	defer q.Close()
	result := q.Exec(ctx)
	if result.Err != nil {
		return nil, fmt.Errorf("%s: %w", expr, result.Err)
	}
	switch v := result.Value.(type) {
	case promql.Vector:
		return slices.Clone(v), nil
	case promql.Scalar:
		return promql.Vector{{T: v.T, F: v.V}}, nil
	}
	return nil, fmt.Errorf("%s: it gives a %s", expr, result.Value.Type())
}

// Evaluate runs every rule at a time, and returns the alerts that fire. Times grow.
func (p *Prometheus) Evaluate(ctx context.Context, at time.Time) ([]Alert, error) {
	var firing []Alert
	for _, g := range p.groups {
		for _, r := range g.Rules {
			v, err := p.Query(ctx, r.Expr, at)
			if err != nil {
				return nil, fmt.Errorf("group %s: %w", g.Name, err)
			}
			if r.Record != "" {
				for _, s := range v {
					b := labels.NewBuilder(s.Metric).Set(labels.MetricName, r.Record)
					for k, l := range r.Labels {
						b.Set(k, l)
					}
					p.Append(b.Labels(), at, s.F)
				}
				continue
			}
			firing = append(firing, p.alert(r, v, at)...)
		}
	}
	return firing, nil
}

// alert keeps since when an alert's condition holds, for each of its label sets.
func (p *Prometheus) alert(r rulefmt.Rule, v promql.Vector, at time.Time) []Alert {
	before, now := p.since[r.Alert], map[uint64]pending{}
	var firing []Alert
	for _, s := range v {
		l := labels.NewBuilder(s.Metric).Del(labels.MetricName).Labels()
		held, ok := before[l.Hash()]
		if !ok {
			held = pending{l, at}
		}
		now[l.Hash()] = held
		if at.Sub(held.since) >= time.Duration(r.For) {
			firing = append(firing, Alert{r.Alert, l.Map()})
		}
	}
	p.since[r.Alert] = now
	return firing
}

// Metrics are the names of the metrics an expression reads, each with the labels
// it asks for by name.
func Metrics(expr string) (map[string][]string, error) {
	parsed, err := parser.ParseExpr(expr)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", expr, err)
	}
	all := map[string][]string{}
	parser.Inspect(parsed, func(n parser.Node, _ []parser.Node) error {
		if v, ok := n.(*parser.VectorSelector); ok {
			all[v.Name] = append(all[v.Name], nil...)
			for _, m := range v.LabelMatchers {
				if m.Name != labels.MetricName {
					all[v.Name] = append(all[v.Name], m.Name)
				}
			}
		}
		return nil
	})
	return all, nil
}

// Number says whether a value is one.
func Number(v float64) bool { return !math.IsNaN(v) }
