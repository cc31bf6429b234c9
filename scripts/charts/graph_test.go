package charts

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hearthfps/hearth/pkg/app"
	"github.com/hearthfps/hearth/scripts/charts/values"
)

// facts are what a service's code says of it.
type facts struct {
	path          string
	asks, askedBy []string
	consumes      []string
}

// factsOf puts every service together, as --check-config does, and looks at it.
func factsOf(t testing.TB) map[string]facts {
	t.Helper()
	all := map[string]facts{}
	for name, svc := range suite() {
		var parts *app.Parts
		build := svc.New
		svc.New = func(ctx context.Context, d *app.Deps) (*app.Parts, error) {
			built, err := build(ctx, d)
			parts = built
			return built, err
		}
		args := []string{
			"--check-config", "--database-url", "postgres://a@b/c", "--kafka", "kafka:9092", "--oidc-issuer", "https://id.example.org",
			"--client-token-url", "https://id.example.org/token", "--client-id", name,
		}
		for _, peer := range svc.Peers {
			args = append(args, "--peer", peer+"=http://"+peer)
		}
		if err := app.Run(t.Context(), svc, args, nil, &bytes.Buffer{}); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		f := all[name]
		f.path = "/" + strings.Split(svc.BasePath(), "/")[1]
		f.asks = slices.Sorted(slices.Values(svc.Peers))
		for _, s := range parts.Subscriptions {
			f.consumes = append(f.consumes, s.Topics...)
		}
		for _, raw := range parts.Raw {
			f.consumes = append(f.consumes, raw.Topic)
		}
		slices.Sort(f.consumes)
		f.consumes = slices.Compact(f.consumes)
		all[name] = f
	}
	for name, f := range all {
		for _, peer := range f.asks {
			asked := all[peer]
			asked.askedBy = append(asked.askedBy, name)
			slices.Sort(asked.askedBy)
			all[peer] = asked
		}
	}
	return all
}

// list is an annotation of Chart.yaml as a list.
func list(annotation string) []string {
	if annotation == "" {
		return nil
	}
	return slices.Sorted(slices.Values(strings.Split(annotation, ",")))
}

// What a chart says of its service is what the service's code says.
func TestCharts_SayOfAServiceWhatItsCodeSays(t *testing.T) {
	code := factsOf(t)
	if len(code) != len(values.Services()) {
		t.Fatalf("%d services have code, %d a chart", len(code), len(values.Services()))
	}
	for name, f := range code {
		chart, err := Load(root, name)
		if err != nil {
			t.Fatal(err)
		}
		said := chart.Metadata.Annotations
		if said["hearth/path"] != f.path {
			t.Errorf("%s: hearth/path is %s, the code's %s", name, said["hearth/path"], f.path)
		}
		for annotation, want := range map[string][]string{"hearth/asks": f.asks, "hearth/asked-by": f.askedBy, "hearth/consumes": f.consumes} {
			if diff := cmp.Diff(want, list(said[annotation])); diff != "" {
				t.Errorf("%s: %s: -code +chart\n%s", name, annotation, diff)
			}
		}
		if want := slices.Contains(asking, name); want != (len(f.asks) > 0) {
			t.Errorf("%s: it asks %v", name, f.asks)
		}
	}
}

// infrastructure is what every service talks to, with the ports of the charts'
// default values: pkg/app connects to no more and, when all is configured, no less.
var infrastructure = Graph{
	{To: "dns", Ports: []int32{53}},
	{To: "kafka", Ports: []int32{9092}},
	{To: "oidc", Ports: []int32{8080}},
	{To: "otlp", Ports: []int32{4317}},
	{To: "postgresql", Ports: []int32{5432}},
	{To: "redis", Ports: []int32{6379}},
}

// The network policies allow what the code does, and nothing more.
func TestGraph_IsWhatTheCodeDoes(t *testing.T) {
	var want Graph
	from := func(name string, to ...Edge) {
		for _, e := range to {
			e.From = name
			want = append(want, e)
		}
	}
	for name, f := range factsOf(t) {
		from(name, infrastructure...)
		for _, peer := range f.asks {
			from(name, Edge{To: peer, Ports: []int32{8080}})
		}
		from(name+"/migrations", infrastructure[0], infrastructure[4])
	}
	want.sort()
	got, err := Whole(root)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-code +policies\n%s", diff)
	}
}

func TestGraph_FollowsEgressAndIngressBoth(t *testing.T) {
	r := render(t, Umbrella, "umbrella", newest())
	without := func(kind, name string) []Object {
		return slices.DeleteFunc(slices.Clone(r.objects), func(o Object) bool { return o.GetKind() == kind && o.GetName() == name })
	}
	if _, err := WhoMayTalk(without("NetworkPolicy", "hearth-planning")); err == nil || !strings.Contains(err.Error(), "planning") {
		t.Errorf("planning without a policy: got %v, want an error that names it", err)
	}
	// intake that lets nobody in is reached by nobody, whatever others are let out to.
	deaf := slices.Clone(r.objects)
	for i, o := range deaf {
		if o.GetKind() == "NetworkPolicy" && o.GetName() == "hearth-intake" {
			deaf[i] = Object{Unstructured: *o.DeepCopy(), Template: o.Template}
			deaf[i].Object["spec"].(map[string]any)["ingress"] = []any{}
		}
	}
	graph, err := WhoMayTalk(deaf)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range graph {
		if e.To == "intake" {
			t.Errorf("%s reaches intake, which lets nobody in", e.From)
		}
	}
}

// The tests' pods may ask their own service and get a token, and nothing else.
func TestGraph_OfTheTestPod(t *testing.T) {
	given := over(t, `tests: {clientId: tester, existingSecret: tester}`, settings(t, "notification", "minimal"))
	objects, err := Render(root, "notification", Release{Name: "notification", Namespace: "hearth", Kubernetes: newest(), Values: given})
	if err != nil {
		t.Fatal(err)
	}
	graph, err := WhoMayTalk(objects)
	if err != nil {
		t.Fatal(err)
	}
	var got Graph
	for _, e := range graph {
		if e.From == "notification/test" {
			got = append(got, e)
		}
	}
	want := Graph{
		{"notification/test", "dns", []int32{53}},
		{"notification/test", "notification", []int32{8080}},
		{"notification/test", "oidc", []int32{8080}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

func TestGraph_FilesAreUpToDate(t *testing.T) {
	files, err := Generate(root, nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range files {
		got, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Fatalf("%v: run make generate and commit", err)
		}
		if diff := cmp.Diff(string(want), string(got)); diff != "" {
			t.Errorf("%s is not up to date: run make generate and commit\n-generated +committed\n%s", name, diff)
		}
	}
	var kept Graph
	if err := json.Unmarshal(files[WhoTalksToWhom], &kept); err != nil || len(kept) == 0 {
		t.Errorf("%s: %d edges, %v", WhoTalksToWhom, len(kept), err)
	}
}
