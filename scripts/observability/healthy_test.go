package observability

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/prometheus/promql/parser"

	"github.com/hearthfps/hearth/scripts/observability/dashboards"
	"github.com/hearthfps/hearth/scripts/observability/watch"
)

// A suite that families are played through is watched from the first referral to
// the last closing.
func TestHealthyRun(t *testing.T) {
	t.Parallel()
	w := observe(t, start(t))
	w.scrape(w.clock(nil))
	binary, err := built()
	if err != nil {
		t.Fatal(err)
	}
	demo := exec.Command(binary, "demo", "--url", w.proxy())
	var out strings.Builder
	demo.Stdout, demo.Stderr = &out, &out
	if err := demo.Start(); err != nil {
		t.Fatal(err)
	}
	played := make(chan error, 1)
	go func() { played <- demo.Wait() }()
	for playing := true; playing; {
		select {
		case err := <-played:
			if err != nil {
				t.Fatalf("the demo: %v\n%s", err, out.String())
			}
			playing = false
		case <-time.After(200 * time.Millisecond):
			w.mu.Lock()
			w.scrape(w.clock(nil))
			w.mu.Unlock()
		}
	}
	w.walk(w.clock(nil).Add(20 * time.Minute))
	t.Logf("%d scrapes over %v", len(w.times), w.last.Sub(w.times[0]).Round(time.Minute))

	t.Run("no alert fires", func(t *testing.T) {
		for name, a := range w.firing {
			t.Errorf("%s fires: %v", name, a.Labels)
		}
	})
	t.Run("every rule reads metrics that exist", func(t *testing.T) {
		for _, g := range w.Expressions() {
			w.exist(t, g.Name, g.Expr)
		}
	})
	t.Run("the scenarios' series are as a running suite has them", func(t *testing.T) {
		names := w.Names()
		for alert, all := range scenarios() {
			for _, s := range all {
				for _, m := range s.series {
					l, err := parser.ParseMetric(m.series)
					if err != nil {
						t.Fatal(err)
					}
					known := names[l.Get("__name__")]
					for name := range l.Map() {
						if !known[name] {
							t.Errorf("%s: %s: no running suite has it with label %s", alert, m.series, name)
						}
					}
				}
			}
		}
	})
	t.Run("every panel has data", func(t *testing.T) { w.panels(t) })
}

// exist checks that what an expression reads was scraped or recorded.
func (w *watched) exist(t *testing.T, where, expr string) {
	t.Helper()
	read, err := watch.Metrics(expr)
	if err != nil {
		t.Errorf("%s: %v", where, err)
		return
	}
	names := w.Names()
	for metric, labels := range read {
		known, ok := names[metric]
		if !ok {
			t.Errorf("%s reads %q, which no running suite tells", where, metric)
			continue
		}
		for _, l := range labels {
			if !known[l] {
				t.Errorf("%s asks %s for label %s, which it does not have", where, metric, l)
			}
		}
	}
}

// panels asks each query of each deployed dashboard at times of the run.
func (w *watched) panels(t *testing.T) {
	for file := range dashboards.All() {
		text, err := os.ReadFile(filepath.Join(deployed, "dashboards", file))
		if err != nil {
			t.Fatal(err)
		}
		var d struct {
			Panels []struct {
				Title   string
				Targets []struct{ Expr string }
			}
		}
		if err := json.Unmarshal(text, &d); err != nil {
			t.Fatal(err)
		}
		if len(d.Panels) == 0 {
			t.Errorf("%s has no panels", file)
		}
		for _, p := range d.Panels {
			for _, q := range p.Targets {
				expr := strings.NewReplacer("$__rate_interval", "5m", "$service", ".*", "$agency", ".*").Replace(q.Expr)
				where := file + ": " + p.Title
				w.exist(t, where, expr)
				if !w.shows(t, expr) {
					t.Errorf("%s shows nothing in the whole run: %s", where, expr)
				}
			}
		}
	}
}

// shows says whether a query has a number at any time of the run.
func (w *watched) shows(t *testing.T, expr string) bool {
	t.Helper()
	for i, at := range slices.Backward(w.times) {
		if i%5 != 0 {
			continue
		}
		v, err := w.Query(t.Context(), expr, at)
		if err != nil {
			t.Error(err)
			return true
		}
		for _, s := range v {
			if watch.Number(s.F) {
				return true
			}
		}
	}
	return false
}

func TestDashboards_AreAsGenerated(t *testing.T) {
	for name, d := range dashboards.All() {
		want, err := d.JSON()
		if err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(filepath.Join(deployed, "dashboards", name))
		if err != nil || string(got) != string(want) {
			t.Errorf("dashboards/%s is not as generated (%v): make generate", name, err)
		}
	}
}
