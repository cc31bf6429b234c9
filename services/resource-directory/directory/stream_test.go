package directory

import (
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hearthfps/hearth/pkg/fault"
)

// drain reads a source to its end: the records, and the fault that stopped it.
func drain(s Source) (records []string, code string) {
	for range 10_000 {
		raw, err := s.Next()
		switch {
		case err == nil:
			records = append(records, string(raw))
		case errors.Is(err, io.EOF):
			return records, ""
		case errors.Is(err, ErrRecordTooLarge):
			records = append(records, "too large")
		default:
			e, ok := fault.As(err)
			if !ok {
				return records, err.Error()
			}
			return records, e.Code
		}
	}
	return records, "endless"
}

func TestSource_TheShapesAnImportMayHave(t *testing.T) {
	big := `{"x":"` + strings.Repeat("a", MaxRecordBytes) + `"}`
	for _, tc := range []struct {
		name, body string
		json       bool
		want       []string
		code       string
	}{
		{"page", `{"total_items":2,"contents":[{"id":"a"},{"id":"b"}],"empty":false}`, true, []string{`{"id":"a"}`, `{"id":"b"}`}, ""},
		{"page with contents alone", `{"contents":[]}`, true, nil, ""},
		{"array", ` [ {"id":"a"} , 7 ] `, true, []string{`{"id":"a"}`, `7`}, ""},
		{"one object", `{"id":"a","name":"n"}`, true, []string{`{"id":"a","name":"n"}`}, ""},
		{"empty body", ``, true, nil, "empty_body"},
		{"a number", `7`, true, nil, "not_records"},
		{"contents of another type", `{"contents":{"id":"a"}}`, true, nil, "contents_not_array"},
		{"cut short", `[{"id":"a"},{"id`, true, []string{`{"id":"a"}`}, "cut_short"},
		{"page cut short after its records", `{"contents":[{"id":"a"}],`, true, []string{`{"id":"a"}`}, "cut_short"},
		{"broken", `[{"id":"a"},}`, true, []string{`{"id":"a"}`}, "invalid_json"},
		{"two values", `[{"id":"a"}][]`, true, []string{`{"id":"a"}`}, "trailing_data"},
		{"lines sent as JSON", "{\"id\":\"a\"}\n{\"id\":\"b\"}", true, nil, "trailing_data"},
		{"record too large by far", `[` + `{"y":[` + big + `,` + big + `]}` + `]`, true, nil, "record_too_large"},
		{"lines", "{\"id\":\"a\"}\n\n  {\"id\":\"b\"}\r\n{\"id\":\"c\"}", false, []string{`{"id":"a"}`, `{"id":"b"}`, `{"id":"c"}`}, ""},
		{"a line too large is passed over", "{}\n" + big + "\n{\"id\":\"c\"}\n", false, []string{`{}`, "too large", `{"id":"c"}`}, ""},
		{"the last line too large", big, false, []string{"too large"}, ""},
		{"no lines", "\n\n", false, nil, ""},
	} {
		src := NewNDJSON(strings.NewReader(tc.body))
		if tc.json {
			src = NewJSON(strings.NewReader(tc.body))
		}
		got, code := drain(src)
		if diff := cmp.Diff(tc.want, got); diff != "" || code != tc.code {
			t.Errorf("%s: stopped by %q, want %q (-want +got):\n%s", tc.name, code, tc.code, diff)
		}
	}
}

func TestSource_ABodyThatBreaksOffIsNotAnEnd(t *testing.T) {
	broken := io.MultiReader(strings.NewReader("{}\n{"), &failing{})
	got, code := drain(NewNDJSON(broken))
	if len(got) != 1 || code != "body_broke_off" {
		t.Errorf("got %v, %q", got, code)
	}
}

type failing struct{}

func (*failing) Read([]byte) (int, error) { return 0, errors.New("connection reset") }

// Whatever the bytes, reading ends, gives only valid JSON, and gives each record of a valid array.
func FuzzSource(f *testing.F) {
	f.Add([]byte(`{"contents":[{"id":"a"}]}`))
	f.Add([]byte("{}\n[]\n"))
	f.Fuzz(func(t *testing.T, body []byte) {
		got, code := drain(NewJSON(strings.NewReader(string(body))))
		if code == "endless" {
			t.Fatal("does not end")
		}
		for _, r := range got {
			if !json.Valid([]byte(r)) {
				t.Fatalf("gave %q", r)
			}
		}
		var array []json.RawMessage
		if json.Unmarshal(body, &array) == nil && array != nil && code == "" && len(got) != len(array) {
			t.Fatalf("gave %d of %d records", len(got), len(array))
		}
		if _, code := drain(NewNDJSON(strings.NewReader(string(body)))); code == "endless" {
			t.Fatal("does not end")
		}
	})
}
