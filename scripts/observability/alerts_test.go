// Package observability holds the tests of deploy/observability: that every alert
// fires when it should and is silent when all is well, and that every panel shows
// something.
package observability

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hearthfps/hearth/scripts/observability/rules"
	"github.com/hearthfps/hearth/scripts/observability/watch"
)

const deployed = "../../deploy/observability"

func ruleFiles(t *testing.T) map[string][]byte {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(deployed, "rules", "*.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{}
	for _, name := range names {
		if files[filepath.Base(name)], err = os.ReadFile(name); err != nil {
			t.Fatal(err)
		}
	}
	return files
}

func prometheus(t *testing.T) *watch.Prometheus {
	t.Helper()
	p, err := watch.New(watch.NewStore(), slices.Collect(maps.Values(ruleFiles(t)))...)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestRules_AreAsGenerated(t *testing.T) {
	files := ruleFiles(t)
	for name, want := range rules.Files() {
		if !bytes.Equal(files[name], []byte(want)) {
			t.Errorf("rules/%s is not as generated: make generate", name)
		}
		delete(files, name)
	}
	for name := range files {
		t.Errorf("rules/%s is nobody's: remove it", name)
	}
}

func TestAlerts_SayWhatIsWrongAndWhatToDo(t *testing.T) {
	asked := []string{"## Meaning", "## What it means for families", "## Check", "## Mend", "## Escalate"}
	books := map[string]bool{}
	for _, r := range prometheus(t).Alerting() {
		if s := r.Labels["severity"]; s != "page" && s != "ticket" {
			t.Errorf("%s: severity %q, want page or ticket", r.Alert, s)
		}
		if r.Annotations["summary"] == "" || r.Annotations["description"] == "" {
			t.Errorf("%s has no summary or no description", r.Alert)
		}
		name, ok := strings.CutPrefix(r.Annotations["runbook_url"], rules.Runbooks)
		if !ok {
			t.Errorf("%s: runbook_url %q", r.Alert, r.Annotations["runbook_url"])
			continue
		}
		books[name] = true
		text, err := os.ReadFile(filepath.Join(deployed, "runbooks", name))
		if err != nil {
			t.Errorf("%s: %v", r.Alert, err)
			continue
		}
		for _, heading := range asked {
			_, after, found := strings.Cut(string(text), heading+"\n\n")
			if !found || strings.HasPrefix(after, "#") || strings.TrimSpace(after) == "" {
				t.Errorf("runbooks/%s says nothing under %q", name, heading)
			}
		}
	}
	there, err := filepath.Glob(filepath.Join(deployed, "runbooks", "Hearth*.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range there {
		if !books[filepath.Base(path)] {
			t.Errorf("no alert leads to %s", path)
		}
	}
}

func TestAlerts_EachFiresWhenItsConditionIsTrueAndEndsAfter(t *testing.T) {
	all := scenarios()
	for _, r := range prometheus(t).Alerting() {
		if len(all[r.Alert]) == 0 {
			t.Errorf("%s has no scenario", r.Alert)
		}
		for i, s := range all[r.Alert] {
			t.Run(fmt.Sprintf("%s/%d", r.Alert, i), func(t *testing.T) { s.run(t, r.Alert) })
		}
	}
}

// run plays a scenario for the rules that lead to one alert.
func (s scenario) run(t *testing.T, alert string) {
	p, err := watch.NewFor(watch.NewStore(), alert, slices.Collect(maps.Values(ruleFiles(t)))...)
	if err != nil {
		t.Fatal(err)
	}
	step := 30 * time.Second // as rules are evaluated
	if s.within > 12*time.Hour {
		step = 4 * time.Minute
	}
	play := &player{t: t, p: p, series: s.series, sums: make([]float64, len(s.series)), now: time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC), step: step}
	is := func(a watch.Alert) bool { return a.Name == alert }
	for well := time.Duration(0); well < 90*time.Minute; well += step {
		if firing := play.minute(false); slices.ContainsFunc(firing, is) {
			t.Fatalf("it fires after %v while all is well", well)
		}
	}
	var fired []watch.Alert
	for ill := time.Duration(0); ill < s.within && len(fired) == 0; ill += step {
		fired = slices.DeleteFunc(play.minute(true), func(a watch.Alert) bool { return !is(a) })
	}
	if len(fired) == 0 {
		t.Fatalf("it does not fire within %v of the fault", s.within)
	}
	for name, value := range s.tells {
		if fired[0].Labels[name] != value {
			t.Errorf("it fires with %v, want %s=%q", fired[0].Labels, name, value)
		}
	}
	play.step = time.Minute
	for well := time.Duration(0); well < 8*time.Hour; well += play.step {
		if !slices.ContainsFunc(play.minute(false), is) {
			return
		}
	}
	t.Error("it still fires eight hours after the fault has gone")
}
