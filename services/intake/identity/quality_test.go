package identity_test

import (
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hearthfps/hearth/services/intake/identity"
	"github.com/hearthfps/hearth/services/intake/referral"
)

// Intervals as other programs give them.
func TestWilson(t *testing.T) {
	for _, c := range []struct {
		k, n      int
		low, high float64
	}{{0, 20, 0, 0.1611}, {5, 20, 0.1119, 0.4687}, {20, 20, 0.8389, 1}, {1, 1000, 0.0002, 0.0056}} {
		got := identity.Wilson(c.k, c.n)
		if !got.Known || math.Abs(got.Low-c.low) > 1e-4 || math.Abs(got.High-c.high) > 1e-4 || got.Rate != float64(c.k)/float64(c.n) {
			t.Errorf("%d of %d: got %+v, want %v to %v", c.k, c.n, got, c.low, c.high)
		}
	}
	if got := identity.Wilson(0, 0); got.Known {
		t.Errorf("of nothing: %+v", got)
	}
}

func TestMissed_CountsEachSampledLinkForAllItStandsFor(t *testing.T) {
	got := identity.Missed(100, 20, 0.04, 0) // 20 in 4 % are 500
	if math.Abs(got.Rate-100.0/600) > 1e-9 || got.Low >= got.Rate || got.High <= got.Rate {
		t.Errorf("got %+v", got)
	}
	if more := identity.Missed(100, 20, 0.04, 400); math.Abs(more.Rate-0.1) > 1e-9 || more.High >= got.High {
		t.Errorf("got %+v", more)
	}
	if none := identity.Missed(0, 50, 0.04, 0); none.Rate != 0 || none.Low != 0 || none.High < 0.0001 || none.High > 0.05 {
		t.Errorf("none found: %+v", none)
	}
	if nothing := identity.Missed(0, 0, 0.04, 0); nothing.Known {
		t.Errorf("got %+v", nothing)
	}
}

func TestShown_NoGroupOfAFew(t *testing.T) {
	groups := map[string]identity.Judged{"fi": {Links: 40, False: 1}, "so": {Links: 4, Same: 5}, "ar": {Same: 3}, "other": {Different: 2}}
	want := map[string]identity.Judged{"fi": {Links: 40, False: 1}, "other": {Links: 4, Same: 8, Different: 2}}
	if diff := cmp.Diff(want, identity.Shown(groups, 10)); diff != "" {
		t.Error(diff)
	}
	delete(groups, "so")
	if diff := cmp.Diff(map[string]identity.Judged{"fi": {Links: 40, False: 1}}, identity.Shown(groups, 10)); diff != "" {
		t.Errorf("the rest is a few: %s", diff)
	}
}

func TestWriting(t *testing.T) {
	for want, n := range map[string]referral.Name{
		"latin": {Given: []string{"Mary-Ann"}, Family: "O'Neil 2"}, "latin_marked": {Given: []string{"Aino"}, Family: "Mäkelä"}, "cyrillic": {Given: []string{"Anna"}, Family: "Иванова"},
		"arabic": {Given: []string{"محمد"}}, "unknown": {Family: "?"}, "other": {Given: []string{"ᏣᎳᎩ"}},
	} {
		if got := identity.Writing(n); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func TestDrift_AlarmsWhenWhatIsSeenChanges(t *testing.T) {
	before := map[string]identity.Distribution{"phone": {"same": 500, "different": 300, "unknown": 200}, "street": {"same": 900, "near": 100}, "sex": {"same": 199}}
	for want, now := range map[identity.DriftState]map[string]identity.Distribution{
		identity.DriftStable: {"phone": {"same": 250, "different": 150, "unknown": 100}, "street": {"same": 450, "near": 50}, "sex": {"different": 1000}},
		identity.DriftWatch:  {"phone": {"same": 180, "different": 140, "unknown": 180}, "street": {"same": 450, "near": 50}},
		identity.DriftAlarm:  {"phone": {"same": 50, "different": 50, "unknown": 400}, "street": {"same": 450, "near": 50}},
		identity.DriftTooFew: {"phone": {"same": 50, "unknown": 100}},
	} {
		drifts := identity.Drifts(before, now)
		if got := identity.Worst(drifts); got != want {
			t.Errorf("got %s, want %s: %v", got, want, drifts)
		}
		if want == identity.DriftAlarm && drifts[0].What != "phone" {
			t.Errorf("what changed most is first: %v", drifts)
		}
	}
}

// Two samples of one population are not taken for a change, however small.
func TestStability_ChanceAloneIsNoDrift(t *testing.T) {
	if got := identity.Stability(identity.Distribution{"a": 100, "b": 100}, identity.Distribution{"a": 96, "b": 104}); got != 0 {
		t.Errorf("got %v", got)
	}
	same := identity.Distribution{"a": 700, "b": 250, "c": 50}
	if got := identity.Stability(same, same); got != 0 {
		t.Errorf("got %v", got)
	}
}
