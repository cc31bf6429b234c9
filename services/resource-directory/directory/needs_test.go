package directory

import (
	"strings"
	"testing"
)

func TestLoadNeeds_TheFileThatShipsIsWhole(t *testing.T) {
	needs, err := LoadNeeds()
	if err != nil {
		t.Fatal(err)
	}
	// Codes of concerns that a service can meet, and domains that are assessed, can be searched for.
	for _, code := range []string{
		"parenting", "housing", "financial", "mental_health", "substance_use", "domestic_violence", "child_behaviour", "disability_support", "household_needs", "relationships",
		"safety", "health", "emotional_behavioural", "education", "supports", "peer_support", "respite_care",
	} {
		if _, ok := needs.Find(code); !ok {
			t.Errorf("there is no need %s", code)
		}
	}
	if _, ok := needs.Find("no_such"); ok {
		t.Error("found a need that is not there")
	}
	if len(needs.Ref.Hash) != 64 || needs.Ref.Version == "" {
		t.Errorf("got %+v", needs.Ref)
	}
}

func TestParseNeeds_FaultsAreNamed(t *testing.T) {
	const head = "name: needs\nversion: \"1\"\neffective_from: 2026-01-01\nneeds:\n"
	const good = "  - {code: food, label: {en: Food, fi: Ruoka, sv: Mat}, phrases: {en: [food], fi: [ruoka], sv: [mat]}}\n"
	if _, err := ParseNeeds("ok", []byte(head+good)); err != nil {
		t.Fatal(err)
	}
	for want, text := range map[string]string{
		"is there twice": head + good + good,
		"no label in sv": head + "  - {code: food, label: {en: Food, fi: Ruoka}, phrases: {en: [food], fi: [ruoka], sv: [mat]}}\n",
		"no phrases":     head + "  - {code: food, label: {en: Food, fi: Ruoka, sv: Mat}, phrases: {en: [food]}}\n",
		"too short":      head + "  - {code: food, label: {en: Food, fi: Ruoka, sv: Mat}, phrases: {en: [food], fi: [ruoka], sv: [mat]}, stems: [at]}\n",
		"not searched":   head + "  - {code: food, label: {en: Food, fi: Ruoka, sv: Mat}, phrases: {en: [food], fi: [ruoka], sv: [mat], de: [Essen]}}\n",
		"unknown":        head + "  - {code: food, colour: red}\n",
	} {
		if _, err := ParseNeeds("bad", []byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q: got %v", want, err)
		}
	}
}
