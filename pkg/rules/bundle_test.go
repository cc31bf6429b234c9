package rules_test

import (
	"io/fs"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	specs "github.com/hearthfps/hearth/api-specs"
	"github.com/hearthfps/hearth/pkg/clock"
	"github.com/hearthfps/hearth/pkg/fault"
	"github.com/hearthfps/hearth/pkg/rules"
	"github.com/hearthfps/hearth/pkg/tenant"
)

func shippedFiles(t testing.TB) fs.FS {
	t.Helper()
	files, err := fs.Sub(specs.Rules, "rules")
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func shipped(t testing.TB) *rules.Bundle {
	t.Helper()
	b, err := rules.LoadBundle(shippedFiles(t))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func agency(t testing.TB, b *rules.Bundle, slug string) *rules.Agency {
	t.Helper()
	id, err := tenant.Parse(slug)
	if err != nil {
		t.Fatal(err)
	}
	a, err := b.Agency(id)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestShippedRules_Programs(t *testing.T) {
	b := shipped(t)
	lakeland := agency(t, b, "lakeland")
	now := time.Date(2026, 3, 31, 9, 0, 0, 0, time.UTC)
	var codes []string
	for _, p := range b.Programs(lakeland, now) {
		codes = append(codes, p.Ref.Name)
		if p.Rules.Title["fi"] == "" || p.Rules.Title["sv"] == "" {
			t.Errorf("%s has no Finnish or Swedish title", p.Ref.Name)
		}
		if i := slices.IndexFunc(p.Rules.Instruments, func(i rules.DueInstrument) bool { return i.Instrument == "safety_checklist" && i.Occasion == "opening" }); i != 0 {
			t.Errorf("%s does not begin with safety", p.Ref.Name)
		}
		if _, err := p.Rules.Entry.Fits(map[string]any{"children": int64(1), "concerns": []string{"housing"}, "safety_flags": []string{}, "urgency": ""}); err != nil {
			t.Errorf("%s: %v", p.Ref.Name, err)
		}
	}
	want := []string{
		"concrete_needs", "crisis_intervention", "family_group_conference", "homebuilders", "in_home_services", "kinship_care", "parent_support_group",
		"perhetyo", "respite_care", "tehostettu_perhetyo", "therapeutic_services", "transitional_services", "wraparound",
	}
	if diff := cmp.Diff(want, codes); diff != "" {
		t.Error(diff)
	}
	intensive, err := b.Program(lakeland, "homebuilders", now)
	if err != nil {
		t.Fatal(err)
	}
	p := intensive.Rules
	if p.RespondWithin.Hours != 24 || p.Caseload.FamiliesPerWorker != 2 || p.Length.Min.Days != 28 || p.Length.Max.Days != 42 {
		t.Errorf("homebuilders is not as published: %+v", p)
	}
	work, err := b.ProgramVersion("perhetyo", "2026.1")
	if err != nil {
		t.Fatal(err)
	}
	if v := work.Rules.Visits.TimesAWeek; v.Min != 1 || v.Max != 3 || work.Rules.Length.Min.Months != 3 || work.Rules.Length.Max.Months != 6 {
		t.Errorf("perhetyö is not 1 to 3 visits a week for 3 to 6 months: %+v", work.Rules)
	}
	if _, err := b.Program(agency(t, b, "northshore"), "perhetyo", now); !fault.Is(err, "program_not_offered") {
		t.Errorf("northshore: got %v", err)
	}
	if _, err := b.Program(lakeland, "perhetyo", now.AddDate(-1, 0, 0)); !fault.Is(err, "rules_not_in_force") {
		t.Errorf("before it took effect: got %v", err)
	}
}

// The golden cases of the issue, by the calendar that ships.
func TestShippedRules_FinnishCalendar(t *testing.T) {
	cal := agency(t, shipped(t), "lakeland").Calendar
	for contact, want := range map[string]string{"2026-02-03": "2026-02-12", "2026-03-31": "2026-04-13", "2026-06-16": "2026-06-26", "2026-12-21": "2027-01-04"} {
		day, err := clock.ParseDate(contact)
		if err != nil {
			t.Fatal(err)
		}
		got := cal.Today(clock.Deadline{WorkingDays: 7}.From(day.At(14, 0, cal.Zone()), cal))
		if got.String() != want {
			t.Errorf("contact %s: got %v, want %s", contact, got, want)
		}
	}
}

func TestShippedRules_UnitedStatesCalendar(t *testing.T) {
	cal := agency(t, shipped(t), "northshore").Calendar
	var got []string
	for d := clock.NewDate(2026, 1, 1); d.Year == 2026; d = d.AddDays(1) {
		if _, holiday := cal.Holiday(d); holiday && d.Weekday() != time.Saturday && d.Weekday() != time.Sunday {
			got = append(got, d.String())
		}
	}
	// As the Office of Personnel Management publishes them for 2026.
	want := []string{"2026-01-01", "2026-01-19", "2026-02-16", "2026-05-25", "2026-06-19", "2026-07-03", "2026-09-07", "2026-10-12", "2026-11-11", "2026-11-26", "2026-12-25"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestAgency_SourcesAreasAndLanguages(t *testing.T) {
	b := shipped(t)
	for source, want := range map[string]string{
		"/systems/hotline/state-line": "lakeland", "/systems/edu/x": "lakeland", "/northshore/web": "northshore",
		"/systems/": "", "/system": "", "https://elsewhere.test/systems/x": "", "": "",
	} {
		got, ok := b.AgencyOfSource(source)
		switch {
		case ok != (want != ""), ok && got.ID.String() != want:
			t.Errorf("%q: got %v, want %q", source, got, want)
		case ok && !got.Takes(source):
			t.Errorf("%q: found, and not taken", source)
		}
	}
	lakeland := agency(t, b, "lakeland")
	if area, ok := lakeland.Area("FI", "33 100"); !ok || area.Lat != 61.50 {
		t.Errorf("Tampere: got %+v, %v", area, ok)
	}
	if _, ok := lakeland.Area("US", "33100"); ok {
		t.Error("a code of another country has an area")
	}
	if got := [3]string{lakeland.Language("so", "fi"), lakeland.Language("sv-FI"), lakeland.Language("ar")}; got != [3]string{"fi", "sv", "en"} {
		t.Errorf("got %v", got)
	}
	if _, err := b.Agency(tenant.AgencyID{}); !fault.Is(err, "unknown_agency") {
		t.Errorf("got %v", err)
	}
}

func TestLoadBundle_SaysWhatToMend(t *testing.T) {
	base := fstest.MapFS{}
	err := fs.WalkDir(shippedFiles(t), ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		data, err := fs.ReadFile(shippedFiles(t), name)
		base[name] = &fstest.MapFile{Data: data}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct{ file, from, to, want string }{
		{"agencies/lakeland.yaml", "zone: Europe/Helsinki", "zone: Europe/Nowhere", "no zone of the IANA database"},
		{"agencies/lakeland.yaml", "calendar: fi", "calendar: se", "there is no calendars/se.yaml"},
		{"agencies/lakeland.yaml", "  - perhetyo\n", "  - perhetyö\n", "there is no program perhetyö"},
		{"agencies/lakeland.yaml", `["/systems/*"]`, `["*"]`, "a CloudEvents source"},
		{"agencies/lakeland.yaml", `["/systems/*"]`, `["/northshore/*"]`, "both take events from /northshore/*"},
		{"agencies/lakeland.yaml", "duty@lakeland.example", "Duty <duty@lakeland.example>", "a plain e-mail address"},
		{"agencies/lakeland.yaml", "{email: duty@lakeland.example}", "{}", "nobody hears of an urgent referral"},
		{"agencies/lakeland.yaml", "precision_m: 150000", "precision_m: 10", "an area, not a house"},
		{"agencies/lakeland.yaml", "name: lakeland", "name: northshore", "two files"},
		{"agencies/lakeland.yaml", "languages: [en, fi, sv]", "languages: [english]", "no language code"},
		{"calendars/fi.yaml", "easter: 39", "easter: 390", "easter is days from Easter Sunday"},
		{"programs/perhetyo.yaml", "children > 0", "childern > 0", "childern"},
		{"programs/perhetyo.yaml", "min: 1, usual: 2, max: 3", "min: 1, usual: 4, max: 3", "visits.times_a_week"},
		{"programs/perhetyo.yaml", "occasion: opening", "occasion: start", "an occasion of opening"},
		{"programs/perhetyo.yaml", "max: {months: 6}", "max: {months: 6, days: 1}", "exactly one of"},
		{"programs/perhetyo.yaml", `"08:00"`, `8`, "earliest"},
		{"programs/perhetyo.yaml", "measure: visits_a_week", "measure: smiles", "a measure of"},
	} {
		files := fstest.MapFS{}
		for name, f := range base {
			files[name] = f
		}
		text := string(base[tc.file].Data)
		if !strings.Contains(text, tc.from) {
			t.Fatalf("%s does not hold %q", tc.file, tc.from)
		}
		files[tc.file] = &fstest.MapFile{Data: []byte(strings.Replace(text, tc.from, tc.to, 1))}
		if _, err := rules.LoadBundle(files); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s with %q: got %v, want %q", tc.file, tc.to, err, tc.want)
		}
	}
}
