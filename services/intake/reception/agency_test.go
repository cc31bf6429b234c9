package reception

import (
	"testing"

	"github.com/hearthfps/hearth/pkg/fault"
	"github.com/hearthfps/hearth/pkg/tenant"
)

func TestAgencyOf_ASourceIsHeardInItsOwnAgencyAlone(t *testing.T) {
	lakeland, err := tenant.Parse("lakeland")
	if err != nil {
		t.Fatal(err)
	}
	bySource := func(source string) (tenant.AgencyID, bool) { return lakeland, source == "/systems/school" }
	cases := []struct {
		name, named, source string
		want, code          string
	}{
		{"the file names the source", "", "/systems/school", "lakeland", ""},
		{"the message says the same", "lakeland", "/systems/school", "lakeland", ""},
		{"nobody's source, an agency named", "northshore", "/elsewhere", "northshore", ""},
		{"somebody else's source", "northshore", "/systems/school", "", "agency_not_of_source"},
		{"nobody's source, no agency named", "", "/elsewhere", "", "agency_unknown"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got, err := agencyOf(c.named, c.source, bySource)
			if c.code == "" {
				if err != nil || got.String() != c.want {
					t.Errorf("agency %s, %v, want %s", got, err, c.want)
				}
				return
			}
			if f, ok := fault.As(err); !ok || f.Code != c.code {
				t.Errorf("error %v, want %s", err, c.code)
			}
		})
	}
}
