package resourcedirectory_test

import (
	"testing"

	"github.com/hearthfps/hearth/pkg/app/apptest"
	"github.com/hearthfps/hearth/pkg/auth"
	resourcedirectory "github.com/hearthfps/hearth/services/resource-directory"
)

func TestProbe_AsksAsAnOperator(t *testing.T) {
	h := apptest.Start(t, resourcedirectory.Service())
	if said, err := h.Probe(auth.Principal{Roles: []string{"operator"}}); err != nil {
		t.Errorf("probe: %v\n%s", err, said)
	}
}
