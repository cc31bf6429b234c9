package planning_test

import (
	"testing"

	"github.com/hearthfps/hearth/pkg/app/apptest"
	"github.com/hearthfps/hearth/pkg/auth"
	"github.com/hearthfps/hearth/services/planning"
)

func TestProbe_AsksAsAnOperator(t *testing.T) {
	h := apptest.Start(t, planning.Service())
	if said, err := h.Probe(auth.Principal{Roles: []string{"operator"}}); err != nil {
		t.Errorf("probe: %v\n%s", err, said)
	}
}
