package events_test

import (
	"encoding/json"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/hearthfps/hearth/pkg/events"
	"github.com/hearthfps/hearth/pkg/fault"
	"github.com/hearthfps/hearth/pkg/tenant"
)

const minimal = `"specversion":"1.0","id":"1","source":"/s","type":"t"`

// found is where a decoder says that something is wrong, and with which code.
func found(fields []fault.Field) []string {
	var got []string
	for _, f := range fields {
		got = append(got, f.Pointer+" "+f.Code)
	}
	slices.Sort(got)
	return got
}

func TestGuarantee9_StructuredFaultsSayWhere(t *testing.T) {
	for name, tc := range map[string]struct {
		in   string
		want []string
	}{
		"whole":                    {`{` + minimal + `,"subject":"x","time":"2026-03-31T09:30:00+03:00","ext":"a","n":7,"b":true,"data":{"a":1}}`, nil},
		"null is absent":           {`{` + minimal + `,"subject":null,"data":null}`, nil},
		"not JSON":                 {`{`, []string{" json"}},
		"not an object":            {`[1]`, []string{" json"}},
		"trailing":                 {`{` + minimal + `} {}`, []string{" json"}},
		"a name twice":             {`{` + minimal + `,"id":"2"}`, []string{" json"}},
		"broken UTF-8":             {"{" + minimal + ",\"subject\":\"\xff\"}", []string{" utf8"}},
		"nothing there":            {`{}`, []string{"/id required", "/source required", "/specversion required", "/type required"}},
		"old version":              {`{"specversion":"0.3","id":"1","source":"/s","type":"t"}`, []string{"/specversion unknown_version"}},
		"empty id":                 {`{"specversion":"1.0","id":"","source":"/s","type":"t"}`, []string{"/id required"}},
		"id is a number":           {`{"specversion":"1.0","id":1,"source":"/s","type":"t"}`, []string{"/id required", "/id type"}[1:]},
		"source is no URI":         {`{"specversion":"1.0","id":"1","source":"::","type":"t"}`, []string{"/source uri"}},
		"time in words":            {`{` + minimal + `,"time":"yesterday"}`, []string{"/time date_time"}},
		"empty subject":            {`{` + minimal + `,"subject":""}`, []string{"/subject empty"}},
		"schema not absolute":      {`{` + minimal + `,"dataschema":"a/b"}`, []string{"/dataschema uri"}},
		"content type":             {`{` + minimal + `,"datacontenttype":"json;;"}`, []string{"/datacontenttype media_type"}},
		"object for an attribute":  {`{` + minimal + `,"ext":{"a":1}}`, []string{"/ext type"}},
		"fraction":                 {`{` + minimal + `,"ext":1.5}`, []string{"/ext type"}},
		"bad name":                 {`{` + minimal + `,"a/b~c":"x"}`, []string{"/a~1b~0c attribute_name"}},
		"control character":        {`{` + minimal + `,"ext":"a\u0000b"}`, []string{"/ext characters"}},
		"data twice":               {`{` + minimal + `,"data":1,"data_base64":"MQ=="}`, []string{"/data_base64 data_twice"}},
		"Base64 of JSON":           {`{` + minimal + `,"data_base64":"eyJhIjoxfQ=="}`, nil},
		"Base64 that is not":       {`{` + minimal + `,"data_base64":"%"}`, []string{"/data_base64 base64"}},
		"Base64 of something else": {`{` + minimal + `,"data_base64":"eyJh"}`, []string{"/data_base64 json"}},
		"text data":                {`{` + minimal + `,"datacontenttype":"text/plain","data":"hello"}`, nil},
		"text data that is not":    {`{` + minimal + `,"datacontenttype":"text/plain","data":{"a":1}}`, []string{"/data type"}},
	} {
		t.Run(name, func(t *testing.T) {
			got := found(events.DecodeStructured([]byte(tc.in)).Faults)
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestDecodeStructured_ReadsEveryPart(t *testing.T) {
	got := events.DecodeStructured([]byte(`{` + minimal + `,"subject":"x","time":"2026-03-31T09:30:00+03:00","dataschema":"https://example.org/s","ext":"a","n":7,"b":true,"data":{"a": 1}}`))
	want := events.Decoded{Event: events.CloudEvent{
		ID: "1", Source: "/s", Type: "t", Subject: "x", DataSchema: "https://example.org/s",
		Time: time.Date(2026, 3, 31, 6, 30, 0, 0, time.UTC), Extensions: map[string]string{"ext": "a", "n": "7", "b": "true"}, Data: []byte(`{"a": 1}`),
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestDecodeHTTP_TellsTheModesApart(t *testing.T) {
	header := func(pairs ...string) http.Header {
		h := http.Header{}
		for i := 0; i < len(pairs); i += 2 {
			h.Add(pairs[i], pairs[i+1])
		}
		return h
	}
	binary := []string{"ce-specversion", "1.0", "ce-id", "1", "ce-source", "/s", "ce-type", "t"}
	for name, tc := range map[string]struct {
		header   http.Header
		body     string
		wantErr  string
		want     int
		wantSays []string
	}{
		"structured":         {header("Content-Type", "application/cloudevents+json; charset=UTF-8"), `{` + minimal + `}`, "", 1, nil},
		"batch":              {header("Content-Type", "application/cloudevents-batch+json"), `[{` + minimal + `},{` + minimal + `}]`, "", 2, nil},
		"empty batch":        {header("Content-Type", "application/cloudevents-batch+json"), `[]`, "", 0, nil},
		"fault in a batch":   {header("Content-Type", "application/cloudevents-batch+json"), `[{` + minimal + `},{"specversion":"1.0","id":"1","source":"/s"},7]`, "", 3, []string{"/1/type required", "/2 json"}},
		"batch is no array":  {header("Content-Type", "application/cloudevents-batch+json"), `{}`, "batch_malformed", 0, nil},
		"batch is null":      {header("Content-Type", "application/cloudevents-batch+json"), `null`, "batch_malformed", 0, nil},
		"binary":             {header(append(binary, "Content-Type", "application/json", "ce-ext", "v")...), `{"a":1}`, "", 1, nil},
		"binary, no content": {header(binary...), ``, "", 1, nil},
		"binary, faults":     {header("ce-specversion", "1.0", "ce-id", "1", "ce-id", "2", "ce-source", "%zz", "ce-datacontenttype", "a/b"), `{`, "", 1, []string{" json", "header/ce-datacontenttype content_type", "header/ce-id repeated", "header/ce-source percent_encoding", "header/ce-type required"}},
		"neither":            {header("Content-Type", "application/json"), `{}`, "not_cloudevents", 0, nil},
		"no headers":         {header(), ``, "not_cloudevents", 0, nil},
		"another format":     {header("Content-Type", "application/cloudevents+avro"), ``, "not_cloudevents", 0, nil},
		"another charset":    {header("Content-Type", "application/cloudevents+json; charset=latin1"), ``, "charset", 0, nil},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := events.DecodeHTTP(tc.header, []byte(tc.body))
			if tc.wantErr != "" {
				if !fault.Is(err, tc.wantErr) {
					t.Errorf("got %v, want %s", err, tc.wantErr)
				}
				return
			}
			if err != nil || len(got) != tc.want {
				t.Fatalf("got %d events, %v; want %d", len(got), err, tc.want)
			}
			var says []string
			for _, d := range got {
				says = append(says, found(d.Faults)...)
			}
			if diff := cmp.Diff(tc.wantSays, says); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestDecodeHTTP_BinaryHeadersAreUnescaped(t *testing.T) {
	h := http.Header{}
	for name, value := range map[string]string{"specversion": "1.0", "id": `"quoted \" id"`, "source": "/s", "type": "t", "subject": "Euro%20%E2%82%AC"} {
		h.Set("ce-"+name, value)
	}
	got, err := events.DecodeHTTP(h, nil)
	if err != nil || len(got[0].Faults) != 0 {
		t.Fatalf("got %v, %+v", err, got)
	}
	if e := got[0].Event; e.Subject != "Euro €" || e.ID != `quoted " id` {
		t.Errorf("got %q and %q", e.Subject, e.ID)
	}
}

func TestEvent_RoundTripsThroughBothModes(t *testing.T) {
	agency, err := tenant.Parse("lakeland")
	if err != nil {
		t.Fatal(err)
	}
	want := events.Event{
		ID: "0198", Source: events.Source("intake"), Type: "org.hearth.intake.case.opened.v1", Subject: "case-1", Key: "case-1",
		Time: time.Date(2026, 3, 31, 6, 30, 0, 123000, time.UTC), Agency: agency, Version: 3, Cause: "c", Correlation: "r",
		TraceParent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", Data: json.RawMessage(`{"case_id":"case-1"}`),
	}
	structured, err := json.Marshal(want.CloudEvent())
	if err != nil {
		t.Fatal(err)
	}
	binary := want.Message()
	if binary.Topic != "intake.events.v1" || string(binary.Key) != "case-1" {
		t.Errorf("got topic %s, key %s", binary.Topic, binary.Key)
	}
	for name, m := range map[string]events.Message{
		"binary":     binary,
		"structured": {Value: structured, Headers: []events.Header{{Key: "Content-Type", Value: []byte("application/cloudevents+json; charset=utf-8")}}},
	} {
		t.Run(name, func(t *testing.T) {
			d := m.Decode()
			if err := d.Err(); err != nil {
				t.Fatal(err)
			}
			got, err := d.Event.Event()
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got, cmpopts.EquateComparable(tenant.AgencyID{})); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestEvent_WhatIsNotOursIsRefused(t *testing.T) {
	whole := func() events.CloudEvent {
		return events.CloudEvent{
			ID: "1", Source: "/s", Type: "org.hearth.intake.case.opened.v1", Subject: "s", Time: time.Unix(1, 0), Data: []byte(`{}`),
			Extensions: map[string]string{"agencyid": "lakeland", "correlationid": "r", "aggregateversion": "1", "partitionkey": "k"},
		}
	}
	if _, err := whole().Event(); err != nil {
		t.Fatal(err)
	}
	for name, spoil := range map[string]func(*events.CloudEvent){
		"type":        func(c *events.CloudEvent) { c.Type = "com.example.thing" },
		"no agency":   func(c *events.CloudEvent) { delete(c.Extensions, "agencyid") },
		"bad agency":  func(c *events.CloudEvent) { c.Extensions["agencyid"] = "_" },
		"version":     func(c *events.CloudEvent) { c.Extensions["aggregateversion"] = "-1" },
		"key":         func(c *events.CloudEvent) { delete(c.Extensions, "partitionkey") },
		"correlation": func(c *events.CloudEvent) { delete(c.Extensions, "correlationid") },
		"subject":     func(c *events.CloudEvent) { c.Subject = "" },
		"time":        func(c *events.CloudEvent) { c.Time = time.Time{} },
		"data":        func(c *events.CloudEvent) { c.Data = nil },
		"data type":   func(c *events.CloudEvent) { c.DataContentType = "text/plain" },
	} {
		c := whole()
		spoil(&c)
		if _, err := c.Event(); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}

// Every inbound example and every referral of the test stream is readable, and
// every fault that stream plants in its envelopes is found.
func TestDecodeStructured_ReadsARealStream(t *testing.T) {
	dir := "../../../shared/data/referrals/week/"
	stream, err := os.ReadFile(dir + "events.ndjson")
	if os.IsNotExist(err) {
		t.Skip("the shared test data is not here: " + dir)
	}
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for line := range strings.Lines(string(stream)) {
		n++
		if d := events.DecodeStructured([]byte(line)); len(d.Faults) != 0 {
			t.Errorf("line %d: %v", n, d.Faults)
		}
	}
	if n == 0 {
		t.Error("the stream is empty")
	}
}

func FuzzDecodeStructured(f *testing.F) {
	for _, seed := range []string{`{` + minimal + `}`, `{` + minimal + `,"data":{"a":[1,null]},"time":"2026-03-31T09:30:00Z"}`, `{` + minimal + `,"data_base64":"MQ=="}`, `[]`, "", `{"a":{"a":{}}}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		d := events.DecodeStructured(in)
		if len(d.Faults) != 0 {
			return
		}
		// What is read without a fault can be written and read again, the same.
		text, err := json.Marshal(d.Event)
		if err != nil {
			t.Fatalf("%v of %q", err, in)
		}
		again := events.DecodeStructured(text)
		if len(again.Faults) != 0 {
			t.Fatalf("%v of %s", again.Faults, text)
		}
		ignoreData := cmpopts.IgnoreFields(events.CloudEvent{}, "Data") // JSON is compacted
		if diff := cmp.Diff(d.Event, again.Event, cmpopts.EquateEmpty(), ignoreData); diff != "" {
			t.Fatal(diff)
		}
	})
}

func FuzzDecodeHTTP(f *testing.F) {
	f.Add("application/cloudevents+json", "", "", []byte(`{`+minimal+`}`))
	f.Add("application/cloudevents-batch+json", "", "", []byte(`[{`+minimal+`}]`))
	f.Add("application/json", "1.0", `"a%20b"`, []byte(`{}`))
	f.Fuzz(func(t *testing.T, contentType, specversion, id string, body []byte) {
		h := http.Header{"Content-Type": {contentType}, "Ce-Id": {id}, "Ce-Source": {"/s"}, "Ce-Type": {"t"}}
		if specversion != "" {
			h.Set("ce-specversion", specversion)
		}
		decoded, err := events.DecodeHTTP(h, body)
		if err != nil {
			if kind := fault.KindOf(err); kind != fault.UnsupportedMedia && kind != fault.Invalid {
				t.Fatalf("got kind %v", kind)
			}
			return
		}
		for _, d := range decoded {
			if len(d.Faults) == 0 && (d.Event.ID == "" || d.Event.Source == "" || d.Event.Type == "") {
				t.Fatalf("incomplete without a fault: %+v", d)
			}
		}
	})
}

func FuzzMessageDecode(f *testing.F) {
	f.Add("application/json", "ce_id", []byte("1"), []byte(`{}`))
	f.Add("application/cloudevents+json", "ce_time", []byte("x"), []byte(`{`+minimal+`}`))
	f.Fuzz(func(t *testing.T, contentType, name string, value, body []byte) {
		m := events.Message{Value: body, Headers: []events.Header{
			{Key: "content-type", Value: []byte(contentType)}, {Key: "ce_specversion", Value: []byte("1.0")}, {Key: "ce_source", Value: []byte("/s")}, {Key: "ce_type", Value: []byte("t")}, {Key: name, Value: value},
		}}
		d := m.Decode()
		if len(d.Faults) == 0 {
			_, _ = d.Event.Event() // must not panic; whether it is one of ours is its own matter
		}
	})
}
