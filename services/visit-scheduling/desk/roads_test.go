package desk_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	kit "github.com/hearthfps/hearth/pkg/postgres"
	"github.com/hearthfps/hearth/pkg/tenant"
	"github.com/hearthfps/hearth/services/visit-scheduling/desk"
	"github.com/hearthfps/hearth/services/visit-scheduling/optimise"
	"github.com/hearthfps/hearth/services/visit-scheduling/optimise/matrix"
	"github.com/hearthfps/hearth/services/visit-scheduling/schedule"
)

// recorder is a provider that keeps every place it is told of.
type recorder struct {
	mu     sync.Mutex
	places map[optimise.Place]int
	modes  map[optimise.Mode]int
	fails  bool
	// minutes are those of every way.
	minutes int
}

func (r *recorder) Block(_ context.Context, mode optimise.Mode, from, to []optimise.Place) ([][]int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.places == nil {
		r.places, r.modes = map[optimise.Place]int{}, map[optimise.Mode]int{}
	}
	for _, p := range slices.Concat(from, to) {
		r.places[p]++
	}
	r.modes[mode]++
	if r.fails {
		return nil, errors.New("the roads are closed")
	}
	block := make([][]int, len(from))
	for i := range from {
		block[i] = slices.Repeat([]int{r.minutes}, len(to))
	}
	return block, nil
}

// told is what the recorder was told since the last time, and forgets it.
func (r *recorder) told() []optimise.Place {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := slices.SortedFunc(maps.Keys(r.places), func(a, b optimise.Place) int {
		if a.Lat != b.Lat {
			return int(1000 * (a.Lat - b.Lat))
		}
		return int(1000 * (a.Lon - b.Lon))
	})
	r.places = map[optimise.Place]int{}
	return all
}

// areas is where a household's postal area lies, by the end of its case's id. The one
// of "secret" is nowhere else.
func areas(household string) (lat, lon float64) {
	switch {
	case strings.HasSuffix(household, "secret"):
		return 63.777123, 27.888456
	case strings.HasSuffix(household, "far"):
		return 61.2004, 25.9006
	}
	return 61.00049, 25.50012
}

var (
	base   = optimise.Place{Lat: 60.98, Lon: 25.66} // as hire has it
	near   = optimise.Place{Lat: 61, Lon: 25.5}
	far    = optimise.Place{Lat: 61.2, Lon: 25.901}
	secret = optimise.Place{Lat: 63.777, Lon: 27.888}
)

func drive(t *testing.T) (*office, *recorder) {
	o := open(t)
	o.points.of = areas
	o.points.withheld = map[string]bool{}
	o.hire("w1")
	r := &recorder{minutes: 41}
	o.Roads.Name, o.Roads.Provider, o.Roads.Modes = "osrm", r, []schedule.Mode{optimise.Car}
	return o, r
}

// ways are the travel times of a case's visits that have a place, by source.
func (o *office) ways(caseID string) map[string]int {
	o.t.Helper()
	by := map[string]int{}
	for _, v := range o.visits(caseID) {
		if v.Slot != nil {
			by[v.Slot.Source] = max(by[v.Slot.Source], v.Slot.Travel)
		}
	}
	return by
}

func TestRoads_NobodyIsAskedUnlessTheOperatorNamesSomebody(t *testing.T) {
	o, r := drive(t)
	o.Roads.Provider, o.Roads.Name = nil, ""
	o.approve(plan("case-near", 1, 2, 1))
	o.approve(plan("case-far", 1, 2, 1))
	o.settle()
	o.in(func(ctx context.Context, tx *kit.Tx) error { return o.FitTravel(ctx, tx, timer()) })
	if got := r.told(); len(got) != 0 {
		t.Errorf("told of %v", got)
	}
	if by := o.ways("case-far"); by[schedule.Estimated] == 0 || len(by) != 1 {
		t.Errorf("ways by %v", by)
	}
}

func TestRoads_OnlyRoundedAreasLeaveAndNeverThoseWithheld(t *testing.T) {
	o, r := drive(t)
	o.points.withheld["house-of-case-secret"] = true
	o.approve(plan("case-near", 1, 2, 1))
	o.approve(plan("case-far", 1, 2, 1))
	o.settle()
	if diff := cmp.Diff([]optimise.Place{base, near, far}, r.told()); diff != "" {
		t.Errorf("told of (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]int{"osrm": 46}, o.ways("case-far")); diff != "" { // 41 minutes and the stop
		t.Errorf("ways to a known place (-want +got):\n%s", diff)
	}
	o.approve(plan("case-secret", 1, 2, 1))
	o.settle()
	if diff := cmp.Diff(map[string]int{schedule.Estimated: 20}, o.ways("case-secret")); diff != "" {
		t.Errorf("ways to a place withheld (-want +got):\n%s", diff)
	}
	// What is known is not asked about again.
	o.approve(plan("case-2-far", 1, 2, 1))
	o.settle()
	if got := r.told(); len(got) != 0 {
		t.Errorf("told again of %v", got)
	}
}

func TestRoads_APlaceThatBecomesWithheldIsForgotten(t *testing.T) {
	o, r := drive(t)
	o.approve(plan("case-secret", 1, 2, 1))
	o.settle()
	if got := r.told(); !slices.Contains(got, secret) {
		t.Fatalf("told of %v", got)
	}
	o.points.withheld["house-of-case-secret"] = true
	o.clock.Advance(25 * time.Hour) // the point is asked for again
	o.approve(plan("case-far", 1, 2, 1))
	o.points.withheld["house-of-case-3-secret"] = true
	o.approve(plan("case-3-secret", 1, 1, 1))
	o.settle()
	if got := r.told(); slices.Contains(got, secret) || !slices.Contains(got, far) {
		t.Errorf("told of %v", got)
	}
	o.in(func(ctx context.Context, tx *kit.Tx) error { return o.FitTravel(ctx, tx, timer()) })
	left := 0
	o.in(func(ctx context.Context, tx *kit.Tx) error {
		return tx.GetContext(ctx, &left, `SELECT count(*) FROM road_time WHERE 63777 IN (from_lat, to_lat)`)
	})
	if left != 0 {
		t.Errorf("%d ways of the place are kept", left)
	}
	// What was read before is read anew.
	if n := o.roadWays(); n != 2 {
		t.Errorf("%d ways are known, want those between the base and the far place", n)
	}
}

// roadWays is how many ways the agency knows by the provider.
func (o *office) roadWays() (n int) {
	o.t.Helper()
	o.in(func(ctx context.Context, tx *kit.Tx) (err error) {
		n, err = o.RoadWays(ctx, tx)
		return err
	})
	return n
}

// A household intake cannot be asked about now may have become confidential.
func TestRoads_AnOldPointIsNotSent(t *testing.T) {
	o, r := drive(t)
	o.Roads.Provider = nil
	o.approve(plan("case-far", 1, 2, 1))
	o.settle()
	o.Roads.Provider = r
	o.clock.Advance(25 * time.Hour)
	o.points.away = true
	o.hire("w2")
	o.approve(plan("case-2-far", 1, 1, 1))
	o.settle()
	if got := r.told(); slices.Contains(got, far) {
		t.Errorf("told of %v while intake is away", got)
	}
}

func TestRoads_TheEstimateStandsInAndIsNamed(t *testing.T) {
	o, r := drive(t)
	var log bytes.Buffer
	o.Log = slog.New(slog.NewTextHandler(&log, nil))
	counted := map[desk.RoadOutcome]int{}
	o.Roads.Count = func(agency tenant.AgencyID, came desk.RoadOutcome, ways int) {
		if lakeland, _ := tenant.From(o.ctx); agency != lakeland {
			t.Errorf("counted for %s", agency)
		}
		counted[came] += ways
	}
	r.fails = true
	o.approve(plan("case-far", 1, 1, 1))
	o.settle()
	if counted[desk.RoadFailed] < 2 || counted[desk.RoadTold]+counted[desk.RoadNone] != 0 {
		t.Errorf("counted %v, of a provider that fails", counted)
	}
	if by := o.ways("case-far"); by[schedule.Estimated] == 0 || len(by) != 1 {
		t.Errorf("ways by %v", by)
	}
	if got := log.String(); !strings.Contains(got, "the estimate stands in") || strings.Contains(got, "61.2") || strings.Contains(got, "25.9") {
		t.Errorf("logged %s", got)
	}
	r.fails = false
	clear(counted)
	o.approve(plan("case-near", 1, 1, 1))
	o.settle()
	if by := o.ways("case-near"); by["osrm"] == 0 {
		t.Errorf("it answers again, and ways are by %v", by)
	}
	// To and from the base, for the case planned and, in its weeks, the one before.
	if counted[desk.RoadTold] < 2 || counted[desk.RoadFailed]+counted[desk.RoadNone] != 0 {
		t.Errorf("counted %v, of a provider that answers again", counted)
	}
	clear(counted)
	r.minutes = matrix.None
	o.approve(plan("case-secret", 1, 1, 1))
	o.settle()
	if counted[desk.RoadNone] < 2 || counted[desk.RoadFailed]+counted[desk.RoadTold] != 0 {
		t.Errorf("counted %v, of ways there are not", counted)
	}
}

func TestRoads_ModesTheProviderDoesNotKnowAreEstimated(t *testing.T) {
	o, r := drive(t)
	o.in(func(ctx context.Context, tx *kit.Tx) error {
		w, err := o.Store.Worker(ctx, tx, "w1", true)
		if err != nil {
			return err
		}
		w.TravelMode = "transit"
		_, _, err = o.PutWorker(ctx, tx, w, nil, anyVersion)
		return err
	})
	o.approve(plan("case-far", 1, 1, 1))
	o.settle()
	if got := r.told(); len(got) != 0 || o.ways("case-far")[schedule.Estimated] == 0 {
		t.Errorf("told of %v; ways by %v", got, o.ways("case-far"))
	}
}

// Whoever asked, every process knows, and no other agency.
func TestRoads_ProcessesShareAndAgenciesDoNot(t *testing.T) {
	o, r := drive(t)
	o.approve(plan("case-far", 1, 1, 1))
	o.settle()
	other := &recorder{minutes: 41}
	second := &desk.Desk{DB: o.DB, Settings: o.Settings, Clock: o.clock, Log: o.Log}
	second.Roads.Name, second.Roads.Provider = "osrm", other
	known := func(d *desk.Desk, ctx context.Context) (n int) {
		t.Helper()
		if err := d.DB.InTenant(ctx, func(ctx context.Context, tx *kit.Tx) (err error) {
			n, err = d.RoadWays(ctx, tx)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		return n
	}
	elsewhere, err := tenant.Parse("elsewhere")
	if err != nil {
		t.Fatal(err)
	}
	if a, b, c := known(o.Desk, o.ctx), known(second, o.ctx), known(second, tenant.With(t.Context(), elsewhere)); a != 2 || b != 2 || c != 0 {
		t.Errorf("%d ways known, %d in another process, %d in another agency", a, b, c)
	}
	o.approve(plan("case-near", 1, 1, 1))
	o.settle()
	if a, b := known(o.Desk, o.ctx), known(second, o.ctx); a != 6 || b != 6 {
		t.Errorf("%d ways known then, %d in another process", a, b)
	}
	if len(r.told()) != 3 || len(other.told()) != 0 {
		t.Error("somebody was asked twice")
	}
}

func TestRoads_AFileIsReadAndNobodyAsked(t *testing.T) {
	o, r := drive(t)
	file, err := matrix.Read(strings.NewReader("from_lat,from_lon,to_lat,to_lon,minutes\n60.98,25.66,61.2004,25.9006,77\n61.2004,25.9006,60.98,25.66,66\n"))
	if err != nil {
		t.Fatal(err)
	}
	o.Roads.Name, o.Roads.Provider, o.Roads.File = "file", nil, file
	o.approve(plan("case-far", 1, 1, 1))
	o.settle()
	if diff := cmp.Diff(map[string]int{"file": 77}, o.ways("case-far")); diff != "" || len(r.told()) != 0 {
		t.Errorf("ways (-want +got):\n%s", diff)
	}
}
