package referral_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/hearthfps/hearth/services/intake/referral"
)

// full is a key that has more persons than are read of one.
func full(from int) []string {
	var all []string
	for i := range referral.MostOfKey {
		all = append(all, fmt.Sprintf("common-%03d", from+i))
	}
	return all
}

func TestAlike_WhoSharesARareKeyComesBeforeThoseOfACommonOne(t *testing.T) {
	var a referral.Alike[string]
	a.Share(full(0))
	a.Share([]string{"rare", "common-003"})
	a.Share(full(20))
	got := a.Best()
	// Those of both common keys share more than one alone; those of one are as many others.
	if got[0] != "common-003" || got[1] != "rare" {
		t.Errorf("first are %v", got[:2])
	}
	if !slices.Contains(got, "common-025") || slices.Contains(got, "common-010") || slices.Contains(got, "common-040") {
		t.Errorf("best are %v: want who is in two common keys, and nobody of one alone", got)
	}
}

func TestAlike_OfACommonKeyAloneTheNewestAreBetterThanNobody(t *testing.T) {
	var a referral.Alike[string]
	a.Share(full(0))
	if got := a.Best(); len(got) != referral.MostOfKey || got[0] != "common-031" {
		t.Errorf("best are %d, first %v", len(got), got[:1])
	}
}

func TestAlike_BoundsThoseComparedWith(t *testing.T) {
	var a referral.Alike[string]
	for i := range 3 * referral.MostFound {
		a.Share([]string{fmt.Sprintf("%04d", i)})
	}
	if got := len(a.Best()); got != referral.MostFound {
		t.Errorf("%d, want %d", got, referral.MostFound)
	}
}
