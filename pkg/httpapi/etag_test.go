package httpapi_test

import (
	"context"
	"testing"

	"github.com/hearthfps/hearth/pkg/fault"
	"github.com/hearthfps/hearth/pkg/httpapi"
	"github.com/hearthfps/hearth/pkg/httpapi/apitest"
	"github.com/hearthfps/hearth/pkg/httpapi/internal/garden"
)

func TestGuarantee6_ChangesNeedTheCurrentVersion(t *testing.T) {
	changed := 0
	c := client(t, &plot{change: func(ctx context.Context, _ garden.ChangePlantRequestObject) (garden.ChangePlantResponseObject, error) {
		if err := httpapi.IfMatch(ctx, 7); err != nil {
			return nil, err
		}
		changed++
		return garden.ChangePlant200JSONResponse{PlantId: "a", Name: "Ash"}, nil
	}})
	for _, tc := range []struct {
		name, header string
		status       int
		code         string
	}{
		{"missing", "", 428, "if_match_missing"},
		{"another", httpapi.ETag(6), 412, "version_changed"},
		{"weak", `W/"7"`, 412, "version_changed"},
		{"unquoted", `7`, 412, "version_changed"},
		{"current", httpapi.ETag(7), 200, ""},
		{"one of several", `"1", "7"`, 200, ""},
		{"any", `*`, 200, ""},
	} {
		before := changed
		var options []apitest.Option
		if tc.header != "" {
			options = append(options, apitest.IfMatch(tc.header))
		}
		answer := c.Patch("/garden/v1/plants/a", `{"height_cm":null}`, options...)
		if tc.status == 200 {
			answer.Want(200)
		} else {
			answer.WantProblem(tc.status, tc.code)
		}
		if (changed > before) != (tc.status == 200) {
			t.Errorf("%s: changed %v", tc.name, changed > before)
		}
	}
	if err := httpapi.IfMatch(t.Context(), 7); fault.KindOf(err) != fault.PreconditionRequired {
		t.Errorf("outside a request: got %v", err)
	}
}
