package api_test

import (
	"testing"

	specs "github.com/hearthfps/hearth/api-specs"
)

func TestContract_EveryExampleOfABodyIsTaken(t *testing.T) {
	spec, err := specs.OpenAPI.ReadFile("openapi/assessment.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if bodies := newDesk(t).supervisor().Examples(spec, "/assessment/v1", map[string]string{"case_id": "case-1"}); bodies < 3 {
		t.Errorf("found %d bodies: the file was not read as it should be", bodies)
	}
}
