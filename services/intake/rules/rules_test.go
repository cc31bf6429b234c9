package rules_test

import (
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	specs "github.com/hearthfps/hearth/api-specs"
	"github.com/hearthfps/hearth/pkg/clock"
	sharedrules "github.com/hearthfps/hearth/pkg/rules"
	"github.com/hearthfps/hearth/services/intake/index"
	"github.com/hearthfps/hearth/services/intake/reception"
	"github.com/hearthfps/hearth/services/intake/referral"
	"github.com/hearthfps/hearth/services/intake/rules"
)

// country is an agency of a country in its zone and calendar, as shipped.
func country(t testing.TB, code string) *referral.Agency {
	t.Helper()
	shared, err := fs.Sub(specs.Rules, "rules")
	if err != nil {
		t.Fatal(err)
	}
	bundle, err := sharedrules.LoadBundle(shared)
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range bundle.Agencies() {
		if a.Country == code {
			return &referral.Agency{Country: code, Calendar: a.Calendar, Languages: a.Languages}
		}
	}
	t.Fatalf("no agency of %s ships", code)
	return nil
}

func desk(t testing.TB) *referral.Desk {
	t.Helper()
	book, err := rules.Load(rules.Files)
	if err != nil {
		t.Fatal(err)
	}
	return &referral.Desk{RuleBook: book, IDs: reception.UUIDs{}}
}

// opened is the referral that content makes when it comes at once.
func opened(t testing.TB, a *referral.Agency, c referral.Content) *referral.Referral {
	t.Helper()
	if c.SafetyFlags == nil {
		c.SafetyFlags = []string{}
	}
	matcher, err := index.BuiltIn()
	if err != nil {
		t.Fatal(err)
	}
	rf, err := desk(t).Open(&referral.Entry{ReferralID: "r", ReceiptID: "e"}, &c, "", referral.NewBook(matcher), a, c.ReceivedAt)
	if err != nil {
		t.Fatal(err)
	}
	return rf
}

func dueDays(rf *referral.Referral, a *referral.Agency) map[string]string {
	due := map[string]string{}
	for _, c := range rf.Clocks {
		due[c.Code] = c.DueAt.In(a.Calendar.Zone()).Format("2006-01-02 15:04")
	}
	return due
}

func TestClocks_Golden(t *testing.T) {
	fi, us := country(t, "FI"), country(t, "US")
	for name, c := range map[string]struct {
		agency   *referral.Agency
		received string // in the agency's zone
		content  referral.Content
		want     map[string]string
	}{
		"Tuesday: starts by Thursday of the following week": {fi, "2026-02-03 10:00", referral.Content{}, map[string]string{"fi_assessment_start": "2026-02-12 23:59", "fi_assessment_done": "2026-05-03 23:59"}},
		"Tuesday before Easter":                             {fi, "2026-03-31 10:00", referral.Content{}, map[string]string{"fi_assessment_start": "2026-04-13 23:59", "fi_assessment_done": "2026-06-30 23:59"}},
		"late in the evening is still the day":              {fi, "2026-02-03 23:59", referral.Content{}, map[string]string{"fi_assessment_start": "2026-02-12 23:59", "fi_assessment_done": "2026-05-03 23:59"}},
		"Saturday":                                          {fi, "2026-02-07 10:00", referral.Content{}, map[string]string{"fi_assessment_start": "2026-02-17 23:59", "fi_assessment_done": "2026-05-07 23:59"}},
		"urgent":                                            {fi, "2026-02-03 10:00", referral.Content{Urgency: "immediate"}, map[string]string{"take_up": "2026-02-03 11:00", "fi_assessment_start": "2026-02-12 23:59", "fi_assessment_done": "2026-05-03 23:59"}},
		"US, abuse":                                         {us, "2026-02-03 10:00", referral.Content{Concerns: []referral.Concern{{Code: "physical_abuse"}}}, map[string]string{"take_up": "2026-02-03 11:00", "us_response_24h": "2026-02-04 10:00"}},
		"US, over the change of the clocks":                 {us, "2026-03-07 10:00", referral.Content{Concerns: []referral.Concern{{Code: "sexual_abuse"}}}, map[string]string{"take_up": "2026-03-07 11:00", "us_response_24h": "2026-03-08 11:00"}},
		"US, neglect":                                       {us, "2026-02-03 10:00", referral.Content{Concerns: []referral.Concern{{Code: "neglect"}}}, map[string]string{"us_response_72h": "2026-02-06 10:00"}},
		"US, housing":                                       {us, "2026-02-03 10:00", referral.Content{Concerns: []referral.Concern{{Code: "housing"}}}, map[string]string{"us_response_10_days": "2026-02-13 23:59"}},
	} {
		t.Run(name, func(t *testing.T) {
			at, err := time.ParseInLocation("2006-01-02 15:04", c.received, c.agency.Calendar.Zone())
			if err != nil {
				t.Fatal(err)
			}
			c.content.ReceivedAt = at.UTC()
			if diff := cmp.Diff(c.want, dueDays(opened(t, c.agency, c.content), c.agency)); diff != "" {
				t.Errorf("due (-want +got):\n%s", diff)
			}
		})
	}
}

func TestPriority_FirstRuleThatHoldsDecides(t *testing.T) {
	now := time.Date(2026, 2, 3, 8, 0, 0, 0, time.UTC)
	child := func(born string) []referral.ReportedPerson {
		return []referral.ReportedPerson{{Ref: "p1", Role: "child", BirthDate: referral.PartialDate(born)}}
	}
	concern := func(codes ...string) (all []referral.Concern) {
		for _, c := range codes {
			all = append(all, referral.Concern{Code: c})
		}
		return all
	}
	for name, c := range map[string]struct {
		content referral.Content
		want    string
	}{
		"immediate":                  {referral.Content{Urgency: "immediate"}, "immediate sender_says_immediate"},
		"toddler alone":              {referral.Content{SafetyFlags: []string{"child_alone"}, Persons: child("2024")}, "immediate young_child_alone"},
		"child alone, age not known": {referral.Content{SafetyFlags: []string{"child_alone"}, Persons: child("")}, "immediate young_child_alone"},
		"teenager alone":             {referral.Content{SafetyFlags: []string{"child_alone"}, Persons: child("2011-06")}, "within_24h child_alone"},
		"weapon in a violent home":   {referral.Content{SafetyFlags: []string{"weapons", "domestic_violence"}}, "immediate weapon_and_violence"},
		"neglected infant":           {referral.Content{Concerns: concern("neglect"), Persons: child("2025-09-01")}, "within_24h infant_and_abuse"},
		"abuse":                      {referral.Content{Concerns: concern("sexual_abuse"), Persons: child("2015-09-01")}, "within_24h abuse"},
		"violence with a child":      {referral.Content{SafetyFlags: []string{"domestic_violence"}, Persons: child("2015-09-01")}, "within_24h violence_with_child"},
		"high":                       {referral.Content{Urgency: "high"}, "within_72h sender_says_high"},
		"neglect":                    {referral.Content{Concerns: concern("neglect"), Persons: child("2015-09-01")}, "within_72h neglect_or_violence"},
		"the family asks":            {referral.Content{Kind: "self_referral"}, "within_10_days family_asks_itself"},
		"housing":                    {referral.Content{Concerns: concern("housing")}, "within_10_days concern_named"},
		"nothing said":               {referral.Content{}, "routine otherwise"},
	} {
		c.content.ReceivedAt = now
		got := opened(t, country(t, "FI"), c.content).Priority
		if s := string(got.Priority) + " " + got.RuleName; s != c.want {
			t.Errorf("%s: got %s, want %s", name, s, c.want)
		}
		if got.RuleVersion != "2026.1" || len(got.RuleHash) != 64 || got.Overridden {
			t.Errorf("%s: decided by %+v", name, got)
		}
	}
}

func TestLoad_SaysWhatIsWrong(t *testing.T) {
	read := func(name string) string {
		b, err := rules.Files.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	files := []string{"priority/2026.1.yaml", "clocks/2026.1.yaml", "screening/2026.1.yaml"}
	for name, c := range map[string]struct{ file, old, new, want string }{
		"unknown variable":  {files[0], `urgency == "immediate"`, `urgencey == "immediate"`, "urgencey"},
		"no last rule":      {files[0], `when: "true"`, `when: urgency == "low"`, "the last one must hold always"},
		"unknown priority":  {files[0], "    priority: routine", "    priority: someday", "priority"},
		"unknown field":     {files[0], "    why:", "    because:", "because"},
		"level missing":     {files[0], "  immediate:      {", "  right_away:     {", "levels"},
		"two units":         {files[1], "{hours: 1}", "{hours: 1, days: 1}", "exactly one of"},
		"unknown milestone": {files[1], "    met_by: taken", "    met_by: phoned", "met_by"},
		"not a condition":   {files[1], "when: urgent", "when: 1 + 1", "must be true or false"},
		"unknown decision":  {files[2], "decision: redirected, code: police_matter", "decision: dropped, code: police_matter", "decision"},
		"a reason twice":    {files[2], "code: other_area", "code: police_matter", "police_matter"},
	} {
		broken := fstest.MapFS{}
		for _, f := range files {
			text := read(f)
			if f == c.file {
				if !strings.Contains(text, c.old) {
					t.Fatalf("%s: %q is not in the file", name, c.old)
				}
				text = strings.Replace(text, c.old, c.new, 1)
			}
			broken[f] = &fstest.MapFile{Data: []byte(text)}
		}
		if _, err := rules.Load(broken); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want it to say %q", name, err, c.want)
		}
	}
}

func TestInForce_NewVersionFromItsDay(t *testing.T) {
	files := fstest.MapFS{}
	for _, f := range []string{"priority/2026.1.yaml", "clocks/2026.1.yaml", "screening/2026.1.yaml"} {
		b, err := rules.Files.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		files[f] = &fstest.MapFile{Data: b}
	}
	next := strings.NewReplacer(`version: "2026.1"`, `version: "2027.1"`, "effective_from: 2020-01-01", "effective_from: 2027-01-01").Replace(string(files["clocks/2026.1.yaml"].Data))
	files["clocks/2027.1.yaml"] = &fstest.MapFile{Data: []byte(next)}
	book, err := rules.Load(files)
	if err != nil {
		t.Fatal(err)
	}
	for day, want := range map[string]string{"2026-12-31": "2026.1", "2027-01-01": "2027.1"} {
		d, err := clock.ParseDate(day)
		if err != nil {
			t.Fatal(err)
		}
		got, err := book.InForce(d)
		if err != nil || got.Clocks.Version != want {
			t.Errorf("%s: got %v, %v, want %s", day, got.Clocks, err, want)
		}
	}
}

func FuzzLoadPriority(f *testing.F) {
	b, err := rules.Files.ReadFile("priority/2026.1.yaml")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	clocks, screening := mustRead(f, "clocks/2026.1.yaml"), mustRead(f, "screening/2026.1.yaml")
	f.Fuzz(func(t *testing.T, text []byte) {
		book, err := rules.Load(fstest.MapFS{"priority/x.yaml": {Data: text}, "clocks/x.yaml": {Data: clocks}, "screening/x.yaml": {Data: screening}})
		if err != nil {
			return
		}
		day := clock.NewDate(2026, 6, 1)
		r, err := book.InForce(day)
		if err != nil {
			return // not yet in force
		}
		a := country(t, "FI")
		if _, err := r.Priorities.Propose(&referral.Content{SafetyFlags: []string{}}, a, time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC), time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)); err != nil && !strings.Contains(err.Error(), "priority rule") {
			t.Fatal(err)
		}
	})
}

func mustRead(f *testing.F, name string) []byte {
	b, err := rules.Files.ReadFile(name)
	if err != nil {
		f.Fatal(err)
	}
	return b
}
