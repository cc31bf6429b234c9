package notification_test

import (
	"testing"

	"github.com/hearthfps/hearth/pkg/auth"
)

func TestProbe_AsksAsAnOperator(t *testing.T) {
	o := open(t)
	if said, err := o.Probe(auth.Principal{Roles: []string{"operator"}}); err != nil {
		t.Errorf("probe: %v\n%s", err, said)
	}
}
