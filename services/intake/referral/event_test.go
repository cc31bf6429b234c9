package referral

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hearthfps/hearth/pkg/fault"
)

func pointers(faults []fault.Field) []string {
	got := []string{}
	for _, f := range faults {
		got = append(got, f.Pointer+" "+f.Code)
	}
	slices.Sort(got)
	return got
}

func TestParseEvent_NamesEveryFaultByPointer(t *testing.T) {
	for name, c := range map[string]struct {
		event map[string]any
		want  []string
	}{
		"sound":                    {submission("a"), []string{}},
		"no attributes":            {map[string]any{}, []string{"/id required", "/source required", "/specversion required", "/type required"}},
		"empty id":                 {set(submission("a"), "/id", ""), []string{"/id empty"}},
		"long id":                  {set(submission("a"), "/id", strings.Repeat("a", 201)), []string{"/id too_long"}},
		"control character in id":  {set(submission("a"), "/id", "a\nb"), []string{"/id control_character"}},
		"old specversion":          {set(submission("a"), "/specversion", "0.3"), []string{"/specversion unsupported"}},
		"next major type":          {set(submission("a"), "/type", "org.hearth.referral.submitted.v2"), []string{"/type unknown_type"}},
		"time without zone":        {set(submission("a"), "/time", "2026-11-02T08:00:00"), []string{"/time not_a_time"}},
		"xml":                      {set(submission("a"), "/datacontenttype", "text/xml"), []string{"/datacontenttype unsupported"}},
		"no data":                  {drop(submission("a"), "/data"), []string{"/data required"}},
		"data is text":             {set(submission("a"), "/data", "x"), []string{"/data not_an_object"}},
		"no persons":               {drop(drop(drop(drop(submission("a"), "/data/persons"), "/data/concerns"), "/data/relationships"), "/data/household"), []string{"/data/persons required"}},
		"empty persons":            {set(submission("a"), "/data/persons", []any{}), []string{"/data/concerns/0/subjects/0 unknown_ref", "/data/household/members/0 unknown_ref", "/data/household/members/1 unknown_ref", "/data/persons empty", "/data/relationships/0/from unknown_ref", "/data/relationships/0/to unknown_ref"}},
		"required fields":          {set(submission("a"), "/data", map[string]any{}), []string{"/data/channel required", "/data/external_id required", "/data/kind required", "/data/persons required", "/data/received_at required"}},
		"30 February":              {set(submission("a"), "/data/persons/0/birth_date", "1990-02-30"), []string{"/data/persons/0/birth_date not_a_date"}},
		"born tomorrow but one":    {set(submission("a"), "/data/persons/1/birth_date", "2026-11-23"), []string{"/data/persons/1/birth_date in_the_future"}},
		"month alone":              {set(submission("a"), "/data/persons/1/birth_date", "2018-07"), []string{}},
		"unknown birth date":       {set(submission("a"), "/data/persons/1/birth_date", nil), []string{}},
		"unknown concern":          {set(submission("a"), "/data/concerns/0/code", "witchcraft"), []string{"/data/concerns/0/code unknown_code"}},
		"concern about nobody":     {set(submission("a"), "/data/concerns/0/subjects/0", "p9"), []string{"/data/concerns/0/subjects/0 unknown_ref"}},
		"own parent":               {set(submission("a"), "/data/relationships/0/to", "p1"), []string{"/data/relationships/0 self_relationship"}},
		"same ref twice":           {set(submission("a"), "/data/persons/1/ref", "p1"), []string{"/data/concerns/0/subjects/0 unknown_ref", "/data/household/members/1 unknown_ref", "/data/persons/1/ref duplicate_ref", "/data/relationships/0/to unknown_ref"}},
		"narrative of 200 KiB":     {set(submission("a"), "/data/narrative", strings.Repeat("å", MaxNarrative/2)), []string{}},
		"narrative one byte over":  {set(submission("a"), "/data/narrative", strings.Repeat("a", MaxNarrative+1)), []string{"/data/narrative too_long"}},
		"received yesterday":       {set(submission("a"), "/data/received_at", "yesterday"), []string{"/data/received_at not_a_time"}},
		"null character in a name": {set(submission("a"), "/data/persons/0/name/family", "Ko\x00ski"), []string{"/data/persons/0/name/family nul_character"}},
		"two faults in one person": {set(set(submission("a"), "/data/persons/0/sex", "x"), "/data/persons/0/languages/0", "Finnish"), []string{"/data/persons/0/languages/0 pattern", "/data/persons/0/sex unknown_code"}},
		"contact without value":    {drop(submission("a"), "/data/persons/0/contacts/0/value"), []string{"/data/persons/0/contacts/0/value required"}},
		"reporter is text":         {set(submission("a"), "/data/reporter", "x"), []string{"/data/reporter type"}},
		"no reporter":              {set(submission("a"), "/data/reporter", nil), []string{}},
		"correction":               {correction("c", "a", `{"urgency":"high"}`), []string{}},
		"correction of nothing":    {drop(correction("c", "a", `{"urgency":"high"}`), "/data/corrects"), []string{"/data/corrects required"}},
		"no changes":               {correction("c", "a", `{}`), []string{"/data/changes empty"}},
		"bad change":               {correction("c", "a", `{"urgency":"now","persons":[]}`), []string{"/data/changes/persons empty", "/data/changes/urgency unknown_code"}},
		"person in a change":       {correction("c", "a", `{"persons":[{"role":"child"}]}`), []string{"/data/changes/persons/0/ref required"}},
		"required field removed":   {correction("c", "a", `{"channel":null}`), []string{"/data/changes/channel required"}},
		"corrects itself":          {correction("c", "c", `{"urgency":"low"}`), []string{"/data/corrects self_reference"}},
		"withdrawal":               {withdrawal("w", "a"), []string{}},
		"withdrawal of nothing":    {set(withdrawal("w", "a"), "/data/withdraws", map[string]any{}), []string{"/data/withdraws/id required", "/data/withdraws/source required"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, faults := ParseEvent(raw(t, c.event), noon)
			if diff := cmp.Diff(c.want, pointers(faults)); diff != "" {
				t.Errorf("faults (-want +got):\n%s", diff)
			}
		})
	}
}

func TestParseEvent_RefusesWhatIsNotOneObject(t *testing.T) {
	for in, want := range map[string]string{
		``: "not_json", `{"specversion":"1.0"`: "not_json", `{} {}`: "not_json", `[]`: "empty_batch", `[{}]`: "not_an_object",
		`null`: "not_an_object", `3`: "not_an_object", `{"id":"a","id":"b"}`: "not_json", "{\"id\":\"\xff\"}": "not_json",
		`{"x":"` + strings.Repeat("a", MaxEvent) + `"}`: "too_large",
	} {
		_, faults := ParseEvent([]byte(in), noon)
		if len(faults) != 1 || faults[0].Code != want {
			t.Errorf("%.40q: got %+v, want %s", in, faults, want)
		}
	}
}

func TestParseEvent_UnknownFieldIsNoticedNotRefused(t *testing.T) {
	e := event(t, set(submission("a"), "/data/persons/0/shoe_size", 44))
	if diff := cmp.Diff([]string{"/data/persons/0/shoe_size unknown_field"}, pointers(e.Notices)); diff != "" {
		t.Error(diff)
	}
}

func TestHash_IgnoresHowTheEventIsWritten(t *testing.T) {
	base := event(t, submission("a"))
	indented, err := json.MarshalIndent(submission("a"), " ", "\t")
	if err != nil {
		t.Fatal(err)
	}
	ascii := bytes.ReplaceAll(raw(t, submission("a")), []byte("Katu"), []byte(`\u004batu`))
	zoned := raw(t, set(submission("a"), "/time", "2026-11-02T10:00:00.000+02:00"))
	traced := raw(t, set(set(submission("a"), "/traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"), "/agencyid", "lakeland"))
	for name, text := range map[string][]byte{"indented": indented, "escaped": ascii, "time zone": zoned, "extensions": traced} {
		e, faults := ParseEvent(text, noon)
		if faults != nil || e.Hash != base.Hash {
			t.Errorf("%s: other content (%v)", name, faults)
		}
	}
	binary, faults := ParseBinary(func(name string) string {
		s, _ := submission("a")[name].(string)
		return s
	}, "header/ce-", "application/json; charset=utf-8", raw(t, submission("a")["data"]), noon)
	if faults != nil || binary.Hash != base.Hash {
		t.Errorf("binary mode: other content (%v)", faults)
	}
	for name, changed := range map[string]map[string]any{
		"narrative": set(submission("a"), "/data/narrative", "x"), "reporter": set(submission("a"), "/data/reporter/role", "nurse"),
		"subject": set(submission("a"), "/subject", "x"), "time": set(submission("a"), "/time", "2026-11-02T08:00:01Z"),
	} {
		if event(t, changed).Hash == base.Hash {
			t.Errorf("%s changed and the hash did not", name)
		}
	}
}

func TestEvent_ReporterIsSplitOff(t *testing.T) {
	for _, e := range []Event{event(t, submission("a")), event(t, correction("c", "a", `{"reporter":{"name":{"given":["Canary"]}},"urgency":"low"}`))} {
		if bytes.Contains(e.Document, []byte("Canary")) || bytes.Contains(e.Document, []byte("reporter")) {
			t.Errorf("%s: the reporter is in the document", e.Kind)
		}
		if !bytes.Contains(e.Reporter, []byte("Canary")) {
			t.Errorf("%s: the reporter is lost", e.Kind)
		}
	}
}

func TestPersonalData_PrintsAndLogsRedacted(t *testing.T) {
	e := event(t, submission("a"))
	who, err := FoldReporter(e.Reporter)
	if err != nil || who.Name.Family != "Reporter" {
		t.Fatalf("reporter %#v, %v", who.Name.Family, err)
	}
	var log bytes.Buffer
	l := slog.New(slog.NewJSONHandler(&log, nil))
	p := e.Content.Persons[0]
	l.Info("x", "event", e, "content", *e.Content, "person", p, "reporter", who, "name", p.Name, "contact", p.Contacts[0], "address", p.Addresses[0], "born", p.BirthDate)
	fmt.Fprintf(&log, "%v %s %+v %v", p, who, p.Name, p.Contacts)
	for _, canary := range []string{"Koski", "Canary", "Katu", "+358401234567", "1990", "Hungry"} {
		if strings.Contains(log.String(), canary) {
			t.Errorf("%q is in the log: %s", canary, log.String())
		}
	}
}

func TestFoldReporter_AnonymousHasNoDetails(t *testing.T) {
	who, err := FoldReporter([]byte(`{"name":{"given":["Canary"]},"contacts":[{"kind":"email","value":"a@b"}]}`), []byte(`{"anonymous":true}`))
	if err != nil || len(who.Name.Given)+len(who.Contacts) > 0 || !who.Anonymous {
		t.Errorf("got %+v, %v", len(who.Contacts), err)
	}
}

func TestWeek_EveryBadEventIsRefusedForItsReason(t *testing.T) {
	// why, as the file says it → what our fault must be.
	codes := map[string][2]string{
		"id is required": {"/id", "required"}, "source is required": {"/source", "required"}, "specversion must be 1.0": {"/specversion", "unsupported"},
		"unknown type": {"/type", "unknown_type"}, "data.persons is required": {"/data/persons", "required"}, "data.persons must not be empty": {"/data/persons", "empty"},
		"birth_date is not a date": {"birth_date", "not_a_date"}, "birth_date is in the future": {"birth_date", "in_the_future"},
		"unknown concern code": {"/code", "unknown_code"}, "concern names an unknown person ref": {"/subjects/", "unknown_ref"},
		"a person cannot be related to itself": {"/relationships/", "self_relationship"}, "duplicate person ref": {"/ref", "duplicate_ref"},
		"narrative too long": {"/data/narrative", "too_long"}, "received_at is not a time": {"/data/received_at", "not_a_time"}, "time is not RFC 3339": {"/time", "not_a_time"},
		"not JSON": {"", "not_json"}, "empty batch": {"", "empty_batch"}, "not an object": {"", "not_an_object"}, "id too long": {"/id", "too_long"},
	}
	expect, err := os.Open(week(t, "bad_expect.csv"))
	if err != nil {
		t.Fatal(err)
	}
	defer expect.Close()
	rows, err := csv.NewReader(expect).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for i, line := range lines(t, week(t, "bad.ndjson")) {
		why := rows[i+1][1]
		want, ok := codes[why]
		if !ok {
			t.Fatalf("line %d: the reason %q is new: add it", i+1, why)
		}
		_, faults := ParseEvent(line, noon)
		if !slices.ContainsFunc(faults, func(f fault.Field) bool {
			return f.Code == want[1] && strings.Contains(f.Pointer, want[0]) && strings.Contains(f.Detail, why)
		}) {
			t.Errorf("line %d, %s: got %+v", i+1, why, faults)
		}
	}
}

func lines(t testing.TB, file string) [][]byte {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var all [][]byte
	sc := bufio.NewScanner(bytes.NewReader(b))
	sc.Buffer(nil, MaxEvent*2)
	for sc.Scan() {
		all = append(all, bytes.Clone(sc.Bytes()))
	}
	if sc.Err() != nil {
		t.Fatal(sc.Err())
	}
	return all
}

func FuzzParseEvent(f *testing.F) {
	f.Add(raw(f, submission("a")))
	f.Add(raw(f, correction("c", "a", `{"urgency":"high","persons":[{"ref":"p1","role":"child"}]}`)))
	f.Add(raw(f, withdrawal("w", "a")))
	f.Add([]byte(`[]`))
	f.Fuzz(func(t *testing.T, in []byte) {
		e, faults := ParseEvent(in, noon)
		if (faults == nil) != (e.Document != nil) {
			t.Fatalf("neither whole nor refused: %v", faults)
		}
		if faults != nil {
			return
		}
		l := NewLedger()
		first, err := l.Receive(e, &counter{}, noon)
		if err != nil {
			t.Fatal(err)
		}
		again, err := l.Receive(e, &counter{}, noon)
		if err != nil || again.Verdict.Status != VerdictDuplicate || again.Verdict.ReceiptID != first.Verdict.ReceiptID {
			t.Fatalf("sent again: %+v, %v", again.Verdict, err)
		}
	})
}
