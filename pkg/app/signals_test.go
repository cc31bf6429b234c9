package app

import (
	"io/fs"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	specs "github.com/hearthfps/hearth/api-specs"
	"github.com/hearthfps/hearth/pkg/rules"
	"github.com/hearthfps/hearth/pkg/tenant"
)

func shippedRules(t *testing.T) *rules.Bundle {
	t.Helper()
	files, err := fs.Sub(specs.Rules, "rules")
	if err != nil {
		t.Fatal(err)
	}
	bundle, err := rules.LoadBundle(files)
	if err != nil {
		t.Fatal(err)
	}
	return bundle
}

func TestSignals_CountWhatIsAnnouncedWithListedValuesOnly(t *testing.T) {
	registry := prometheus.NewRegistry()
	s := &signals{}
	const metric = "hearth_things_total"
	list := []Signal{
		{Metric: metric, Help: "Things.", Event: "thing.made", Fixed: map[string]string{"outcome": "made"}, Fields: map[string][]string{"kind": {"big", "small"}}},
		{Metric: metric, Help: "Things.", Event: "thing.lost", Fixed: map[string]string{"outcome": "lost"}, Fields: map[string][]string{"kind": {"big", "small"}}},
	}
	bundle := shippedRules(t)
	if err := s.register("garden", list, bundle, registry); err != nil {
		t.Fatal(err)
	}
	before := testutil.CollectAndCount(registry, metric)
	if want := len(bundle.Agencies()) * 4; before != want {
		t.Errorf("%d series before the first event, want %d: each at 0", before, want)
	}
	lakeland, err := tenant.Parse("lakeland")
	if err != nil {
		t.Fatal(err)
	}
	s.published(lakeland, "thing.made", []byte(`{"kind":"big","subject":"Somebody"}`))
	s.published(lakeland, "thing.lost", []byte(`{"kind":"a name nobody listed"}`))
	s.published(lakeland, "thing.lost", []byte(`{"kind":"another"}`))
	s.published(lakeland, "thing.told", []byte(`{"kind":"big"}`))
	want := `
# HELP hearth_things_total Things.
# TYPE hearth_things_total counter
hearth_things_total{agency="lakeland",kind="big",outcome="lost",service="garden"} 0
hearth_things_total{agency="lakeland",kind="big",outcome="made",service="garden"} 1
hearth_things_total{agency="lakeland",kind="other",outcome="lost",service="garden"} 2
hearth_things_total{agency="lakeland",kind="small",outcome="lost",service="garden"} 0
hearth_things_total{agency="lakeland",kind="small",outcome="made",service="garden"} 0
hearth_things_total{agency="northshore",kind="big",outcome="lost",service="garden"} 0
hearth_things_total{agency="northshore",kind="big",outcome="made",service="garden"} 0
hearth_things_total{agency="northshore",kind="small",outcome="lost",service="garden"} 0
hearth_things_total{agency="northshore",kind="small",outcome="made",service="garden"} 0
`
	if err := testutil.GatherAndCompare(registry, strings.NewReader(want), metric); err != nil {
		t.Error(err)
	}
}

func TestSignals_OfOneMetricHaveTheSameLabels(t *testing.T) {
	s := &signals{}
	err := s.register("garden", []Signal{
		{Metric: "hearth_things_total", Help: "Things.", Event: "thing.made", Fixed: map[string]string{"outcome": "made"}},
		{Metric: "hearth_things_total", Help: "Things.", Event: "thing.lost"},
	}, shippedRules(t), prometheus.NewRegistry())
	if err == nil || !strings.Contains(err.Error(), "thing.lost") {
		t.Errorf("got %v, want the signal that differs named", err)
	}
}
