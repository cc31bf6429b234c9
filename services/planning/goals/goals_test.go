package goals

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestDraft_GreatestNeedFirstAndNewestOfEqual(t *testing.T) {
	r, err := Shipped()
	if err != nil {
		t.Fatal(err)
	}
	day := func(d int) time.Time { return time.Date(2026, 3, d, 0, 0, 0, 0, time.UTC) }
	drafts, strengths := r.Draft([]Need{
		{Domain: "supports", Level: "some", AssessmentID: "a1", At: day(1)},
		{Domain: "parenting", Level: "high", AssessmentID: "a1", At: day(1)},
		{Domain: "safety", Level: "none", AssessmentID: "a1", Strength: true, At: day(1)},
		{Domain: "safety", Level: "some", AssessmentID: "a2", At: day(2)},
		{Domain: "safety", Level: "some", AssessmentID: "a3", At: day(3)},
		{Domain: "health", Level: "none", Strength: true, AssessmentID: "a1", At: day(1)},
		{Domain: "education", Level: "none", AssessmentID: "a1", At: day(1)},
	})
	var got []string
	for _, d := range drafts {
		got = append(got, d.Need.Domain+" "+d.Need.Level+" "+d.Need.AssessmentID)
		if d.Statement == "" || len(d.Interventions) == 0 {
			t.Errorf("draft for %s says nothing: %+v", d.Need.Domain, d)
		}
	}
	if diff := cmp.Diff([]string{"parenting high a1", "safety some a3", "supports some a1"}, got); diff != "" {
		t.Errorf("drafts (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"health"}, strengths); diff != "" {
		t.Errorf("strengths (-want +got):\n%s", diff)
	}
}

func TestParse_RefusesWithThePlace(t *testing.T) {
	for _, tt := range []struct{ name, old, new, want string }{
		{"an unknown field", "version: 1.0.0", "version: 1.0.0\nauthor: nobody", "author"},
		{"an unknown domain", "domain: supports", "domain: weather", "weather"},
		{"a domain twice", "domain: supports", "domain: safety", "twice"},
		{"a need that is no code", "[peer_support]", "['Peer support']", "not a code"},
		{"an empty statement", "statement: The family has people to turn to.", "statement: ''", "domain supports, some"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			src := strings.Replace(string(shipped), tt.old, tt.new, 1)
			if src == string(shipped) {
				t.Fatalf("the test's change did not apply: %q", tt.old)
			}
			_, err := Parse([]byte(src))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error = %v, want it to contain %q", err, tt.want)
			}
		})
	}
}
