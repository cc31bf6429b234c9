package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hearthfps/hearth/services/intake/match"
	"github.com/hearthfps/hearth/services/intake/match/population"
)

func TestParseMap(t *testing.T) {
	for in, want := range map[string]columnMap{
		"given=first_name,family=surname":           {"given": {"first_name"}, "family": {"surname"}},
		" given = first , other=a,other=b ":         {"given": {"first"}, "other": {"a", "b"}},
		"street=address_1+address_2,birth_date=dob": {"street": {"address_1", "address_2"}, "birth_date": {"dob"}},
	} {
		got, err := parseMap(in)
		if err != nil {
			t.Errorf("parseMap(%q): %v", in, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("parseMap(%q): %s", in, diff)
		}
	}
	for _, in := range []string{"", "given", "given=", "shoe=size", "given=a+a", "given=a,given=a", "other=a+"} {
		if m, err := parseMap(in); err == nil {
			t.Errorf("parseMap(%q) = %v, want an error", in, m)
		}
	}
}

func FuzzParseMap(f *testing.F) {
	f.Add("given=first_name,family=surname")
	f.Add("street=a+b,other=c")
	f.Fuzz(func(t *testing.T, s string) {
		m, err := parseMap(s)
		if err != nil {
			return
		}
		for role, columns := range m {
			if len(columns) == 0 {
				t.Fatalf("parseMap(%q): role %s without columns", s, role)
			}
			for _, c := range columns {
				if strings.TrimSpace(c) == "" {
					t.Fatalf("parseMap(%q): role %s has an empty column", s, role)
				}
			}
		}
	})
}

func FuzzPersons(f *testing.F) {
	f.Add("id,first,last,born,mail\n1,Anna,Ash,1990-02-03,a@b.example\n")
	f.Add("\ufeffid, first\n1, \"x\"\n")
	f.Add("a,a\n1\n")
	m := columnMap{
		"id": {"id"}, "given": {"first"}, "family": {"last"}, "birth_date": {"born"}, "identifier": {"mail"},
	}
	f.Fuzz(func(t *testing.T, text string) {
		table, err := readTable(strings.NewReader(text))
		if err != nil {
			return
		}
		people, _, err := table.persons(m)
		if err != nil {
			return
		}
		if len(people) != len(table.rows) {
			t.Fatalf("%d rows, %d persons", len(table.rows), len(people))
		}
		d, err := match.NewDataset(match.Columns{Identifiers: m["identifier"]})
		if err != nil {
			t.Fatal(err)
		}
		for i := range people {
			d.Add(&people[i], 0)
		}
	})
}

func TestTruth(t *testing.T) {
	table, err := readTable(strings.NewReader("rec_id, cluster\nrec-12-org, a\nrec-12-dup-0, a\nother,\n"))
	if err != nil {
		t.Fatal(err)
	}
	for spec, want := range map[string][]int32{
		"column:cluster":            {0, 0, 1},
		`regex:rec_id:rec-(\d+)-`:   {0, 0, 1},
		`regex:rec_id:'rec-(\d+)-'`: {0, 0, 1},
		`regex:rec_id:.*`:           {0, 1, 2},
	} {
		of, err := truthOf(table, spec)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, clusters(table.rows, of, map[string]int32{})); diff != "" {
			t.Errorf("%s: %s", spec, diff)
		}
	}
	for _, spec := range []string{"", "cluster", "column:nope", "regex:rec_id", "regex:nope:x", "regex:rec_id:("} {
		if _, err := truthOf(table, spec); err == nil {
			t.Errorf("%q accepted", spec)
		}
	}
}

// written writes an invented population as CSV and returns its path.
func written(t *testing.T, n int) string {
	t.Helper()
	var b bytes.Buffer
	fmt.Fprintln(&b, "id,person,first,last,born,town,code,sex,phone,number")
	i := 0
	population.Generate(population.BuiltIn(), population.Default(n, 3), func(p *match.Person, person int) {
		i++
		row := []string{fmt.Sprint(i), fmt.Sprint(person), strings.Join(p.Given, " "), p.Family, p.BirthDate.String(), "", "", [...]string{"", "f", "m", "x"}[p.Sex], "", ""}
		if len(p.Addresses) > 0 {
			row[5], row[6] = p.Addresses[0].City, p.Addresses[0].PostalCode
		}
		if len(p.Contacts) > 0 && p.Contacts[0].Kind == match.Phone {
			row[8] = p.Contacts[0].Value
		}
		if len(p.Identifiers) > 0 {
			row[9] = p.Identifiers[0].Value
		}
		fmt.Fprintln(&b, strings.Join(row, ","))
	})
	path := filepath.Join(t.TempDir(), "people.csv")
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

const columns = "given=first,family=last,birth_date=born,place=town,postcode=code,sex=sex,phone=phone,identifier=number"

func TestRun_ReportsAsJSON(t *testing.T) {
	var out, errs bytes.Buffer
	if err := run([]string{"--csv", written(t, 3000), "--map", columns, "--truth", "column:person", "--json"}, &out, &errs); err != nil {
		t.Fatal(err)
	}
	var got report
	if err := json.Unmarshal(out.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if got.Records != 3000 || got.TruePairs == 0 || len(got.Phases) == 0 || got.PeakMB == 0 || len(got.Calibration) == 0 {
		t.Errorf("report lacks figures: %+v", got)
	}
	if got.F1 < 0.95 || got.F1 != got.Resolved.F1 || got.PairRecall < 0.97 {
		t.Errorf("F1 %.3f, candidate pair recall %.3f; want at least 0.95 and 0.97", got.F1, got.PairRecall)
	}
	if got.ResolvedBest.F1 < got.Resolved.F1 || got.PairwiseBest.F1 < got.Pairwise.F1 {
		t.Errorf("a best threshold worse than one half: %+v", got)
	}
}

func TestRun_SaysWhatIsWrong(t *testing.T) {
	people := written(t, 60)
	for want, args := range map[string][]string{
		"--csv":                      {},
		"no column \"nope\"":         {"--csv", people, "--map", "given=nope"},
		"role \"shoe\"":              {"--csv", people, "--map", "shoe=first"},
		"--truth":                    {"--csv", people, "--map", columns, "--truth", "who"},
		"no such file":               {"--csv", people + "x", "--map", columns},
		"too few to learn from":      {"--csv", written(t, 20), "--map", columns},
		"frequency table":            {"--generate", "10", "--tables", written(t, 10)},
		"flag provided but not defi": {"--nope"},
	} {
		err := run(args, &bytes.Buffer{}, &bytes.Buffer{})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v, want an error that says %q", args, err, want)
		}
	}
}

// TestRun_ReachesItsTargets runs the published files, where they are, with one
// configuration; only the columns differ.
func TestRun_ReachesItsTargets(t *testing.T) {
	data := filepath.Join(shared(t), "linkage")
	for _, c := range []struct {
		file, columns, truth string
		f1, pairRecall       float64
	}{
		{
			"splink_fake_1000.csv", "given=first_name,family=surname,birth_date=dob,place=city,identifier=email",
			"column:cluster", 0.93, 0.95,
		},
		{
			"opencr_uganda.csv", "given=given_name,family=surname,birth_date=date_of_birth,sex=sex,phone=phone_number,identifier=uganda_nin+art_number",
			`regex:rec_id:'rec-(\d+)-'`, 0.999, 0.999,
		},
		{
			"febrl_dataset3.csv", "given=given_name,family=surname,birth_date=date_of_birth,place=suburb,postcode=postcode,street=address_1+address_2,identifier=soc_sec_id,other=street_number+state",
			`regex:rec_id:'rec-(\d+)-'`, 0.9998, 0.9998,
		},
		{
			"historical_a.csv", "given=first_name,family=surname,birth_date=dob,place=birth_place,postcode=postcode_fake,sex=gender,other=occupation",
			"column:cluster", 0.90, 0.95,
		},
	} {
		t.Run(c.file, func(t *testing.T) {
			if testing.Short() && c.file == "historical_a.csv" {
				t.Skip("some ten seconds of CPU")
			}
			var out bytes.Buffer
			if err := run([]string{"--csv", filepath.Join(data, c.file), "--map", c.columns, "--truth", c.truth, "--json"}, &out, &out); err != nil {
				t.Fatal(err)
			}
			var got report
			if err := json.Unmarshal(out.Bytes(), &got); err != nil {
				t.Fatal(err)
			}
			if got.F1 < c.f1 || got.PairRecall < c.pairRecall || got.Candidates.PerRecord > 200 {
				t.Errorf("F1 %.4f (want %.4f), candidate pair recall %.4f (want %.4f) at %.0f candidates a record (want at most 200)",
					got.F1, c.f1, got.PairRecall, c.pairRecall, got.Candidates.PerRecord)
			}
		})
	}
}

// shared finds the test data beside the project, and skips without it.
func shared(t *testing.T) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		data := filepath.Join(dir, "..", "shared", "data")
		if _, err := os.Stat(data); err == nil {
			return data
		}
		up := filepath.Dir(dir)
		if up == dir {
			t.Skip("no ../shared/data beside the project: the published files are not there to be measured")
		}
		dir = up
	}
}
