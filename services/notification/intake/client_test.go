package intake

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hearthfps/hearth/pkg/fault"
	"github.com/hearthfps/hearth/services/notification/message"
)

func TestDecide_OnlyAClearYesIsAYes(t *testing.T) {
	for _, tc := range []struct {
		name   string
		status int
		body   string
		want   message.Decision
		away   bool
	}{
		{
			"yes", 200, `{"allowed":true,"reason_code":"safe_contact","contact_kind":"email","contact_value":"a@example.org","language":"fi","expires_at":"2026-11-24T12:00:00Z"}`,
			message.Decision{Allowed: true, ReasonCode: "safe_contact", Address: message.Address{Channel: "email", Value: "a@example.org"}, Language: "fi"},
			false,
		},
		{"no", 200, `{"allowed":false,"reason_code":"no_safe_contact","expires_at":"2026-11-24T12:00:00Z"}`, message.Decision{ReasonCode: "no_safe_contact"}, false},
		{"no, and an address all the same", 200, `{"allowed":false,"reason_code":"no_safe_contact","contact_kind":"email","contact_value":"a@example.org"}`, message.Decision{ReasonCode: "no_safe_contact"}, false},
		{"no without a reason", 200, `{"allowed":false}`, message.Decision{ReasonCode: "refused"}, false},
		{"person unknown", 404, `{"code":"person_not_found"}`, message.Decision{ReasonCode: "person_unknown"}, false},
		{"no such path: not an answer about the person", 404, `{"code":"path_not_found"}`, message.Decision{}, true},
		{"yes without an address", 200, `{"allowed":true,"reason_code":"ok"}`, message.Decision{}, true},
		{"nothing said", 200, `{}`, message.Decision{}, true},
		{"not JSON", 200, `yes`, message.Decision{}, true},
		{"too long", 200, `{"allowed":true,"contact_kind":"email","contact_value":"` + strings.Repeat("a", answerLimit) + `"}`, message.Decision{}, true},
		{"forbidden", 403, `{}`, message.Decision{}, true},
		{"broken", 500, `{}`, message.Decision{}, true},
		{"a page of something else", 302, ``, message.Decision{}, true},
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			var q map[string]string
			if err := json.NewDecoder(r.Body).Decode(&q); err != nil || r.URL.Path != "/intake/v1/contact-decisions" || q["person_id"] != "p1" || q["purpose"] != "visit_reminder" {
				t.Errorf("%s: asked %s %v (%v)", tc.name, r.URL.Path, q, err)
			}
			w.WriteHeader(tc.status)
			if _, err := w.Write([]byte(tc.body)); err != nil {
				t.Error(err)
			}
		}))
		got, err := New(server.URL+"/", server.Client()).Decide(t.Context(), Question{PersonID: "p1", Purpose: "visit_reminder"})
		server.Close()
		if (fault.KindOf(err) == fault.Unavailable) != tc.away || (err != nil) != tc.away {
			t.Errorf("%s: got %v", tc.name, err)
		}
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tc.name, diff)
		}
		if err != nil && strings.Contains(err.Error(), "example.org") {
			t.Errorf("%s: the error repeats an address: %v", tc.name, err)
		}
	}
	gone := httptest.NewServer(nil)
	gone.Close()
	if _, err := New(gone.URL, http.DefaultClient).Decide(t.Context(), Question{PersonID: "p1", Purpose: "x"}); fault.KindOf(err) != fault.Unavailable {
		t.Errorf("intake away: got %v", err)
	}
}
