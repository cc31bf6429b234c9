package visitscheduling_test

import (
	"testing"

	"github.com/hearthfps/hearth/pkg/auth"
)

func TestProbe_AsksAsAnOperator(t *testing.T) {
	h := start(t)
	if said, err := h.Probe(auth.Principal{Roles: []string{"operator"}}); err != nil {
		t.Errorf("probe: %v\n%s", err, said)
	}
}
