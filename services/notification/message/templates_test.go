package message

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

func shipped(t testing.TB) *Templates {
	t.Helper()
	templates, err := LoadTemplates(RuleFiles())
	if err != nil {
		t.Fatal(err)
	}
	return templates
}

// example fills every variable a template declares.
func example(templates *Templates, name string, audience Audience) Message {
	spec, _ := templates.Spec(name)
	m := Message{Template: name, Audience: audience, Variables: map[string]string{}}
	for v, kind := range spec.Variables {
		switch kind {
		case "time":
			m.Variables[v] = "2026-11-24T12:00:00Z"
		case "id":
			m.Variables[v] = "019aa7b0-11f2-7a44-8a0e-5b8c0d9e1f22"
		case "code":
			m.Variables[v] = "within_24h"
		}
	}
	return m
}

func TestTemplates_EveryOneRendersInEveryLanguage(t *testing.T) {
	templates, zone := shipped(t), helsinki(t)
	want := []string{"assignment", "checkout_missed", "clock_expired", "feedback", "plan_approved", "plan_returned", "plan_submitted", "urgent_referral", "visit_changed", "visit_moved", "visit_reminder", "visit_taken", "visit_unplaced"}
	if diff := cmp.Diff(want, templates.Names()); diff != "" {
		t.Fatalf("templates (-want +got):\n%s", diff)
	}
	for _, name := range templates.Names() {
		spec, _ := templates.Spec(name)
		bodies := map[string]string{}
		for _, lang := range Languages {
			text, err := templates.Render(example(templates, name, spec.Audiences[0]), lang, "Järvilinna", zone)
			if err != nil {
				t.Errorf("%s: %s: %v", lang, name, err)
				continue
			}
			if text.Subject == "" || text.Body == "" || strings.Contains(text.Subject+text.Body, "{{") || strings.Contains(text.Body, "<no value>") {
				t.Errorf("%s: %s: got %+v", lang, name, text)
			}
			if other, ok := bodies[text.Body]; ok {
				t.Errorf("%s: the same text in %s and %s", name, other, lang)
			}
			bodies[text.Body] = lang
		}
	}
}

func TestTemplates_TimesAreWrittenAsTheLanguageDoesInTheAgencysZone(t *testing.T) {
	templates, zone := shipped(t), helsinki(t)
	for lang, want := range map[string]string{
		"en": "Tuesday 24 November 2026 at 14:00",
		"fi": "tiistaina 24.11.2026 klo 14.00",
		"sv": "tisdagen den 24 november 2026 kl. 14.00",
	} {
		text, err := templates.Render(example(templates, "visit_reminder", Family), lang, "Järvilinna", zone)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(text.Body, want) || !strings.Contains(text.Body, "Järvilinna") {
			t.Errorf("%s: no %q in %q", lang, want, text.Body)
		}
	}
}

// What a family or a reporter is sent must not say what kind of agency sent it:
// whoever shares the phone or the mailbox may read it. This list is kept apart
// from the one the service checks with.
func TestTemplates_NothingOutsideTheAgencyGivesItAway(t *testing.T) {
	words := map[string][]string{
		"en": {"child", "welfare", "protect", "social", "family work", "family preservation", "foster", "custody", "safeguard", "abuse", "neglect", "violence", "referral", "case", "assessment", "safety", "report", "concern", "investigat", "home visit", "visit", "plan"},
		"fi": {"lasten", "lapsi", "suojelu", "sosiaali", "perhety", "tehostettu", "huosta", "huoltaj", "laiminly", "pahoinpit", "väkival", "ilmoitu", "asiakas", "palvelutar", "arvioin", "turval", "kotikäyn", "huoli", "suunnitel"},
		"sv": {"barn", "skydd", "social", "familj", "omhänd", "vårdnad", "vanvård", "misshand", "våld", "anmäl", "klient", "ärende", "bedömning", "säkerhet", "hembesök", "oro", "plan"},
	}
	templates, zone := shipped(t), helsinki(t)
	checked := 0
	for _, name := range templates.Names() {
		spec, _ := templates.Spec(name)
		for _, audience := range spec.Audiences {
			if !audience.Outside() {
				continue
			}
			for _, lang := range Languages {
				text, err := templates.Render(example(templates, name, audience), lang, "Järvilinna", zone)
				if err != nil {
					t.Fatal(err)
				}
				folded := strings.ToLower(text.Subject + "\n" + text.Body)
				for _, list := range words {
					for _, word := range list {
						if strings.Contains(folded, word) {
							t.Errorf("%s: %s holds %q:\n%s", lang, name, word, folded)
						}
					}
				}
				checked++
			}
		}
	}
	if checked != 3*len(Languages) {
		t.Errorf("checked %d texts, want a reminder, a move and a feedback in each language", checked)
	}
}

func TestRender_AnAgencyNameThatGivesItAwayIsNotSent(t *testing.T) {
	templates, zone := shipped(t), helsinki(t)
	for _, agency := range []string{"Lakeland Child Protection", "Järvilinnan LASTENSUOJELU", "Barnskyddet i Sjöslott"} {
		for _, name := range []string{"visit_reminder", "feedback"} {
			spec, _ := templates.Spec(name)
			_, err := templates.Render(example(templates, name, spec.Audiences[0]), "en", agency, zone)
			if !errors.Is(err, ErrNotNeutral) {
				t.Errorf("%s from %s: got %v", name, agency, err)
			}
		}
	}
}

func TestTemplates_LanguageIsTheFirstThatIsWritten(t *testing.T) {
	templates := shipped(t)
	for _, tc := range []struct {
		wanted []string
		want   string
	}{
		{[]string{"fi"}, "fi"}, {[]string{"sv-FI", "fi"}, "sv"}, {[]string{"so", "fi"}, "fi"}, {[]string{"", "ar"}, "en"}, {nil, "en"},
	} {
		if got := templates.Language(tc.wanted...); got != tc.want {
			t.Errorf("%v: got %s, want %s", tc.wanted, got, tc.want)
		}
	}
}

// edited is the shipped rule files with one text replaced in one of them.
func edited(t testing.TB, file, old, with string) fstest.MapFS {
	t.Helper()
	files := fstest.MapFS{}
	for _, name := range []string{"rules/delivery.yaml", "templates/templates.yaml", "templates/en.yaml", "templates/fi.yaml", "templates/sv.yaml"} {
		data, err := ruleFiles.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		text := string(data)
		if name == file {
			if !strings.Contains(text, old) {
				t.Fatalf("%s does not hold %q", file, old)
			}
			text = strings.Replace(text, old, with, 1)
		}
		files[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return files
}

func TestLoadTemplates_FaultsAreFoundAtStart(t *testing.T) {
	for _, tc := range []struct{ name, file, old, with, want string }{
		{"a variable that is not declared", "templates/fi.yaml", "{{.starts_at}}", "{{.child_name}}", "child_name"},
		{"a variable left out", "templates/sv.yaml", "{{.starts_at}}", "snart", "leaves out starts_at"},
		{"a template missing in one language", "templates/sv.yaml", "  feedback:", "  feedback_gone:", "missing"},
		{"a forbidden word to a family", "templates/fi.yaml", "Muistutus tapaamisesta", "Muistutus lastensuojelun tapaamisesta", "lastensuojel"},
		{"an unknown audience", "templates/templates.yaml", "audiences: [family]", "audiences: [neighbour]", "neighbour"},
		{"no purpose to ask intake with", "templates/templates.yaml", "    purpose: feedback\n", "", "purpose"},
		{"a subject of two lines", "templates/en.yaml", "subject: Reminder of your appointment", "subject: \"Reminder\\nBcc: x\"", "one line"},
		{"a broken template", "templates/en.yaml", "{{.starts_at}}", "{{.starts_at", "body"},
		{"a field that is not known", "templates/en.yaml", "language: en", "language: en\ncolour: red", "colour"},
	} {
		_, err := LoadTemplates(edited(t, tc.file, tc.old, tc.with))
		if err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: got %v, want it to name %q", tc.name, err, tc.want)
		}
	}
	a, b := shipped(t), edited(t, "templates/sv.yaml", "Hej,", "Hej!")
	changed, err := LoadTemplates(b)
	if err != nil || changed.Hash == a.Hash {
		t.Errorf("a changed word leaves the hash as it is (%v)", err)
	}
}

func TestLoadDelivery(t *testing.T) {
	d, ref, err := LoadDelivery(RuleFiles())
	if err != nil || ref.Name != "delivery" {
		t.Fatal(ref, err)
	}
	if d.ReminderBefore.Hours() != 24 || d.From != 8*60 || d.To != 20*60 || !slices.IsSorted(d.RetryAfter) {
		t.Errorf("got %+v", d)
	}
	for old, with := range map[string]string{"reminder_before: 24h": "reminder_before: a day", `from: "08:00"`: `from: "8 am"`, `to: "20:00"`: `to: "07:00"`, "claim: 2m": "claim: 1s"} {
		if _, _, err := LoadDelivery(edited(t, "rules/delivery.yaml", old, with)); err == nil {
			t.Errorf("%s: accepted", with)
		}
	}
}
