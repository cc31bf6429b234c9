package hearth

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hearthfps/hearth/pkg/auth"
)

// An agency's identity provider may give its people any role it likes: not that
// of a service, and not that of the deployment's admin.
func TestIssuers_GiveTheRolesOfPeople(t *testing.T) {
	got := ofPeople([]auth.Issuer{{Agencies: []string{"lakeland"}}, {Agencies: []string{"*"}}, {Agencies: []string{"lakeland"}, Roles: []string{auth.RoleService}}})
	for i, want := range []struct{ service, admin, worker bool }{{false, false, true}, {false, true, true}, {true, false, false}} {
		has := func(role string) bool { return slices.Contains(got[i].Roles, role) }
		if diff := cmp.Diff([]bool{want.service, want.admin, want.worker}, []bool{has(auth.RoleService), has(auth.RoleAdmin), has(auth.RoleFamilyWorker)}); diff != "" {
			t.Errorf("issuer %d: %s", i, diff)
		}
	}
}
