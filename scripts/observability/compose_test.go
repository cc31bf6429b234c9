package observability

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/loader"
	"github.com/compose-spec/compose-go/v2/types"
	"go.yaml.in/yaml/v3"
)

const laptop = "../../deploy/compose"

// pinned is an image with a version: three numbers of which the last may be left out.
var pinned = regexp.MustCompile(`^[a-z0-9/-]+:v?[0-9]+\.[0-9]+(\.[0-9]+)?(-[a-z]+)?$`)

var services = []string{"intake", "assessment", "planning", "visit-scheduling", "resource-directory", "notification"}

func compose(t *testing.T) *types.Project {
	t.Helper()
	file := filepath.Join(laptop, "compose.yaml")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	dir, err := filepath.Abs(laptop)
	if err != nil {
		t.Fatal(err)
	}
	project, err := loader.LoadWithContext(t.Context(), types.ConfigDetails{
		WorkingDir: dir, Environment: types.Mapping{}, ConfigFiles: []types.ConfigFile{{Filename: file, Content: text}},
	}, loader.WithProfiles([]string{"*"}))
	if err != nil {
		t.Fatalf("compose.yaml is not as Compose's schema wants it: %v", err)
	}
	return project
}

func TestCompose_IsWhole(t *testing.T) {
	project := compose(t)
	for _, name := range services {
		s, ok := project.Services[name]
		if !ok {
			t.Errorf("%s is not in compose.yaml", name)
			continue
		}
		if !s.ReadOnly || len(s.CapDrop) == 0 || s.Build == nil || s.Build.Args["SERVICE"] == nil || *s.Build.Args["SERVICE"] != name {
			t.Errorf("%s is not built of itself, or may write where it runs", name)
		}
	}
	for name, s := range project.Services {
		if s.Build == nil && !pinned.MatchString(s.Image) {
			t.Errorf("%s: image %q has no pinned version", name, s.Image)
		}
		if s.Build != nil {
			if _, err := os.Stat(filepath.Join(s.Build.Context, s.Build.Dockerfile)); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		for _, v := range s.Volumes {
			if v.Type != types.VolumeTypeBind {
				continue
			}
			if _, err := os.Stat(v.Source); err != nil {
				t.Errorf("%s mounts what is not there: %v", name, err)
			}
			if !v.ReadOnly {
				t.Errorf("%s may write to %s", name, v.Source)
			}
		}
		for on, how := range s.DependsOn {
			other := project.Services[on]
			if how.Condition == types.ServiceConditionHealthy && other.HealthCheck == nil {
				t.Errorf("%s waits for the health of %s, which is not asked", name, on)
			}
		}
		for _, p := range s.Ports {
			if p.HostIP != "127.0.0.1" {
				t.Errorf("%s publishes %s beyond this machine", name, p.Published)
			}
		}
	}
}

func read(t *testing.T, file string, into any) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err == nil {
		err = yaml.Unmarshal(text, into)
	}
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
}

func TestCompose_PrometheusScrapesEveryService(t *testing.T) {
	project := compose(t)
	var config struct {
		RuleFiles []string `yaml:"rule_files"`
		Scrapes   []struct {
			Job     string                       `yaml:"job_name"`
			Statics []struct{ Targets []string } `yaml:"static_configs"`
		} `yaml:"scrape_configs"`
	}
	read(t, filepath.Join(laptop, "prometheus/prometheus.yaml"), &config)
	if len(config.Scrapes) == 0 || len(config.Scrapes[0].Statics) == 0 {
		t.Fatal("nothing is scraped")
	}
	var want []string
	for _, name := range services {
		want = append(want, name+":9090")
	}
	if got := config.Scrapes[0].Statics[0].Targets; !slices.Equal(got, want) {
		t.Errorf("%v are scraped, want %v", got, want)
	}
	rules := project.Services["prometheus"].Volumes
	if !slices.ContainsFunc(rules, func(v types.ServiceVolumeConfig) bool {
		return len(config.RuleFiles) == 1 && strings.HasPrefix(config.RuleFiles[0], v.Target+"/*") && strings.HasSuffix(v.Source, "observability/rules")
	}) {
		t.Errorf("the rules of %v are not mounted", config.RuleFiles)
	}
}

// collector is the shape of a collector's configuration.
type collector struct {
	Receivers, Processors, Exporters, Connectors, Extensions map[string]any
	Service                                                  struct {
		Extensions []string
		Pipelines  map[string]struct{ Receivers, Processors, Exporters []string }
	}
}

func TestCollector_GuardsWhatPassesThrough(t *testing.T) {
	var c collector
	read(t, filepath.Join(deployed, "collector/config.yaml"), &c)
	used := map[string]bool{}
	in := func(where string, names []string, defined ...map[string]any) {
		for _, n := range names {
			used[n] = true
			if !slices.ContainsFunc(defined, func(d map[string]any) bool { _, ok := d[n]; return ok }) {
				t.Errorf("%s names %s, which is not configured", where, n)
			}
		}
	}
	for name, p := range c.Service.Pipelines {
		in(name+" receivers", p.Receivers, c.Receivers, c.Connectors)
		in(name+" processors", p.Processors, c.Processors)
		in(name+" exporters", p.Exporters, c.Exporters, c.Connectors)
		if len(p.Processors) == 0 || p.Processors[0] != "memory_limiter" {
			t.Errorf("pipeline %s begins with %v, want memory_limiter", name, p.Processors)
		}
	}
	in("extensions", c.Service.Extensions, c.Extensions)
	for _, defined := range []map[string]any{c.Receivers, c.Processors, c.Exporters, c.Connectors, c.Extensions} {
		for name := range maps.Keys(defined) {
			if !used[name] {
				t.Errorf("%s is configured and not used", name)
			}
		}
	}
	traces := c.Service.Pipelines["traces"]
	if !slices.Contains(traces.Processors, "redaction") || !slices.Contains(traces.Receivers, "otlp") {
		t.Errorf("traces pass %v from %v, want redaction from otlp", traces.Processors, traces.Receivers)
	}
	redaction, _ := c.Processors["redaction"].(map[string]any)
	if redaction["allow_all_keys"] != false {
		t.Error("redaction lets every key pass")
	}
	blocked, _ := redaction["blocked_values"].([]any)
	for _, personal := range []string{"somebody@example.org", "+358 40 7000000"} {
		if !slices.ContainsFunc(blocked, func(b any) bool { return regexp.MustCompile(fmt.Sprint(b)).MatchString(personal) }) {
			t.Errorf("a value such as %q is not blocked", personal)
		}
	}
}
