package app

import (
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/hearthfps/hearth/pkg/postgres"
	"github.com/hearthfps/hearth/pkg/tenant"
)

// An old number looks like a calm day.
func TestGuarantee6_ACountThatCannotBeMadeAnewIsNotTold(t *testing.T) {
	d := &Deps{Service: "garden"}
	c := d.newCensuses([]Census{{Metric: "hearth_things_open", Help: "Things.", Labels: []string{"kind"}}})
	registry := prometheus.NewRegistry()
	if err := registry.Register(c); err != nil {
		t.Fatal(err)
	}
	lakeland, northshore := parsed(t, "lakeland"), parsed(t, "northshore")
	numbers := [][]postgres.Number{{{Of: []string{"big"}, Number: 3}}}
	c.counted[lakeland] = counted{at: time.Now(), readings: numbers}
	c.counted[northshore] = counted{at: time.Now().Add(-censusKept - time.Second), readings: numbers}
	want := `
# HELP hearth_things_open Things.
# TYPE hearth_things_open gauge
hearth_things_open{agency="lakeland",kind="big",service="garden"} 3
`
	if err := testutil.GatherAndCompare(registry, strings.NewReader(want), "hearth_things_open"); err != nil {
		t.Error(err)
	}
}

func parsed(t *testing.T, agency string) tenant.AgencyID {
	t.Helper()
	id, err := tenant.Parse(agency)
	if err != nil {
		t.Fatal(err)
	}
	return id
}
