package referral

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

// counter makes ids that tests can foresee.
type counter struct{ n int }

func (c *counter) next(kind string) string { c.n++; return fmt.Sprintf("%s-%04d", kind, c.n) }
func (c *counter) Receipt() ReceiptID      { return ReceiptID(c.next("receipt")) }
func (c *counter) Referral() ReferralID    { return ReferralID(c.next("referral")) }
func (c *counter) Person() PersonID        { return PersonID(c.next("person")) }
func (c *counter) Household() HouseholdID  { return HouseholdID(c.next("household")) }
func (c *counter) Case() CaseID            { return CaseID(c.next("case")) }
func (c *counter) Clock() ClockID          { return ClockID(c.next("clock")) }

// submission is a sound submission with the given id, as a tree to be bent.
func submission(id string) map[string]any {
	return tree(`{"specversion":"1.0","id":"` + id + `","source":"/systems/school/one","type":"org.hearth.referral.submitted.v1",
	 "time":"2026-11-02T08:00:00Z","datacontenttype":"application/json","subject":"S-1","data":{
	 "external_id":"S-1","received_at":"2026-11-02T08:00:00Z","channel":"school","kind":"notification","narrative":"Hungry on several mornings.",
	 "concerns":[{"code":"neglect","subjects":["p2"]}],"requested_program":null,"urgency":"standard","safety_flags":["domestic_violence"],
	 "reporter":{"anonymous":false,"name":{"given":["Canary"],"family":"Reporter"},"role":"teacher","mandated":true,"organisation":"School","contacts":[{"kind":"email","value":"canary@example.org"}],"wants_feedback":true},
	 "persons":[{"ref":"p1","role":"caregiver","name":{"given":["Ada"],"family":"Koski"},"birth_date":"1990-02-03","sex":"female","languages":["fi"],"contacts":[{"kind":"phone","value":"+358401234567","safe":"yes"}],"addresses":[{"lines":["Katu 1"],"city":"Oulu","postal_code":"90100","country":"FI","confidential":false}]},
	            {"ref":"p2","role":"child","name":{"given":["Bo"],"family":"Koski"},"birth_date":"2018","sex":"male","languages":["fi","sv"]}],
	 "relationships":[{"from":"p1","to":"p2","type":"parent_of"}],"household":{"members":["p1","p2"]}}}`)
}

func correction(id, of string, changes string) map[string]any {
	return tree(`{"specversion":"1.0","id":"` + id + `","source":"/systems/school/one","type":"org.hearth.referral.corrected.v1",
	 "time":"2026-11-02T09:00:00Z","data":{"corrects":{"source":"/systems/school/one","id":"` + of + `"},"changes":` + changes + `}}`)
}

func withdrawal(id, of string) map[string]any {
	return tree(`{"specversion":"1.0","id":"` + id + `","source":"/systems/school/one","type":"org.hearth.referral.withdrawn.v1",
	 "time":"2026-11-02T10:00:00Z","data":{"withdraws":{"source":"/systems/school/one","id":"` + of + `"},"reason":"sent in error"}}`)
}

func tree(s string) map[string]any {
	var m map[string]any
	if err := json.Unmarshal([]byte(s), &m); err != nil {
		panic(err)
	}
	return m
}

// set puts v at a pointer in a tree; drop takes the member away.
func set(m map[string]any, pointer string, v any) map[string]any {
	at, name := walk(m, pointer)
	switch at := at.(type) {
	case map[string]any:
		at[name] = v
	case []any:
		var i int
		fmt.Sscan(name, &i)
		at[i] = v
	}
	return m
}

func drop(m map[string]any, pointer string) map[string]any {
	at, name := walk(m, pointer)
	delete(at.(map[string]any), name)
	return m
}

func walk(m map[string]any, pointer string) (any, string) {
	parts := strings.Split(strings.TrimPrefix(pointer, "/"), "/")
	var at any = m
	for _, p := range parts[:len(parts)-1] {
		switch v := at.(type) {
		case map[string]any:
			at = v[p]
		case []any:
			var i int
			fmt.Sscan(p, &i)
			at = v[i]
		}
	}
	return at, parts[len(parts)-1]
}

func raw(t testing.TB, v any) []byte {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func event(t testing.TB, v map[string]any) Event {
	t.Helper()
	e, faults := ParseEvent(raw(t, v), noon)
	if faults != nil {
		t.Fatalf("event refused: %+v", faults)
	}
	return e
}

// week finds a file of the week's stream beside the project, or skips.
func week(t testing.TB, name string) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for ; dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		file := filepath.Join(dir, "..", "shared", "data", "referrals", "week", name)
		if _, err := os.Stat(file); err == nil {
			return file
		}
	}
	t.Skipf("shared/data/referrals/week/%s is not beside the project", name)
	return ""
}
