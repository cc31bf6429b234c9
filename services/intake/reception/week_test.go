package reception_test

import (
	"bytes"
	"encoding/csv"
	"strings"
	"testing"
)

// truths are the true person and household of each person of the week, by event
// and ref.
func truths(t *testing.T) (person, household map[string]string) {
	t.Helper()
	rows, err := csv.NewReader(bytes.NewReader(week(t, "truth.csv"))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	person, household = map[string]string{}, map[string]string{}
	for _, r := range rows[1:] {
		person[r[0]+" "+r[1]], household[r[0]+" "+r[1]] = r[2], r[3]
	}
	return person, household
}

// pairs of a grouping: how many of the truth's pairs are in it, and how many of its
// pairs are not the truth's.
func agreement(truth, got map[string]string, also map[[2]string]bool) (found, wrong, all int) {
	var items []string
	for item := range truth {
		if got[item] != "" {
			items = append(items, item)
		}
	}
	for i, x := range items {
		for _, y := range items[:i] {
			same, together := truth[x] == truth[y], got[x] == got[y] || also[[2]string{got[x], got[y]}] || also[[2]string{got[y], got[x]}]
			switch {
			case same && together:
				found++
			case together:
				wrong++
			}
			if same {
				all++
			}
		}
	}
	return found, wrong, all
}

// The week's stream against who the persons truly are: nobody is linked wrongly,
// and nearly all who come again are linked or asked about. Sent again, nothing
// changes; corrections change no link.
func TestWeek_PersonsAndHouseholds(t *testing.T) {
	stream := week(t, "events.ndjson")
	person, household := truths(t)
	r, db, ctx := desk(t)
	imported(t, ctx, r, stream)

	const links = `SELECT r.event_id || ' ' || l.ref || '|' || l.person_id || '|' || r.household_id || '|' || l.basis
		FROM referral_person l JOIN referral r USING (agency_id, referral_id) ORDER BY 1`
	first := column(t, ctx, db, links)
	who, home := map[string]string{}, map[string]string{}
	basis := map[string]int{}
	for _, row := range first {
		f := strings.Split(row, "|")
		who[f[0]], home[f[0]] = f[1], f[2]
		basis[f[3]]++
	}
	asked := map[[2]string]bool{}
	rows := column(t, ctx, db, `SELECT person_a || '|' || person_b FROM match_candidate`)
	for _, row := range rows {
		a, b, _ := strings.Cut(row, "|")
		asked[[2]string{a, b}] = true
	}

	linked, wrong, all := agreement(person, who, nil)
	either, questions, _ := agreement(person, who, asked)
	t.Logf("persons: of %d pairs %d linked (recall %.3f), %d wrongly (precision %.3f); linked or asked about %d (recall %.3f), with %d pairs of two persons asked about; %d questions; %v",
		all, linked, float64(linked)/float64(all), wrong, float64(linked)/float64(max(1, linked+wrong)), either, float64(either)/float64(all), questions-wrong, len(rows), basis)
	if wrong > 0 {
		t.Errorf("%d pairs of two persons are linked", wrong)
	}
	if float64(linked) < 0.45*float64(all) || float64(either) < 0.98*float64(all) {
		t.Errorf("of %d true pairs %d are linked and %d linked or asked about", all, linked, either)
	}

	// A referral is of one household; two referrals of one family are one household's.
	truth, got := map[string]string{}, map[string]string{}
	for item, h := range household {
		event, _, _ := strings.Cut(item, " ")
		if home[item] != "" {
			truth[event], got[event] = h, home[item]
		}
	}
	found, wrongHomes, homes := agreement(truth, got, nil)
	t.Logf("households: of %d pairs of referrals of one household %d are in one (recall %.3f), and %d of two (precision %.3f)",
		homes, found, float64(found)/float64(homes), wrongHomes, float64(found)/float64(max(1, found+wrongHomes)))
	if wrongHomes > 0 || float64(found) < 0.5*float64(homes) {
		t.Errorf("households: of %d pairs %d found and %d wrong", homes, found, wrongHomes)
	}

	imported(t, ctx, r, stream)
	again := column(t, ctx, db, links)
	if strings.Join(first, "\n") != strings.Join(again, "\n") {
		t.Error("the same events sent again changed links")
	}
	if now := column(t, ctx, db, `SELECT person_a || '|' || person_b FROM match_candidate`); len(now) != len(rows) {
		t.Errorf("%d questions, and %d after the same events came again", len(rows), len(now))
	}
}
