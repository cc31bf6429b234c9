package casefile

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/hearthfps/hearth/pkg/fault"
)

// Patch applies a JSON merge patch (RFC 7396) to c and returns the result. It
// fails with Unprocessable (patch_invalid) when the result is no plan content.
func (c Content) Patch(patch json.RawMessage) (Content, error) {
	before, err := json.Marshal(c)
	if err != nil {
		return Content{}, fmt.Errorf("write plan content: %w", err)
	}
	var target, change any
	if err := json.Unmarshal(before, &target); err != nil {
		return Content{}, fmt.Errorf("read plan content: %w", err)
	}
	if err := decodeNumbers(patch, &change); err != nil {
		return Content{}, patchInvalid(err)
	}
	merged, err := json.Marshal(merge(target, change))
	if err != nil {
		return Content{}, fmt.Errorf("write patched content: %w", err)
	}
	d := json.NewDecoder(bytes.NewReader(merged))
	d.DisallowUnknownFields()
	var out Content
	if err := d.Decode(&out); err != nil {
		return Content{}, patchInvalid(err)
	}
	if v := out.VisitPattern; v != nil && (v.TimesAWeek == 0 || v.Minutes == 0 || v.Workers == 0 || v.Place == "" || v.Earliest == "" || v.Latest == "" || len(v.Weekdays) == 0) {
		return Content{}, fault.New(fault.Unprocessable, "patch_invalid", "A visit pattern is given whole the first time.",
			fault.Field{Pointer: "/visit_pattern", Code: "required", Detail: "Give times_a_week, minutes, workers, place, earliest, latest and weekdays."})
	}
	return out, nil
}

func patchInvalid(err error) error {
	return fault.New(fault.Unprocessable, "patch_invalid", "The patch does not give a plan.",
		fault.Field{Pointer: "", Code: "patch_invalid", Detail: "See PlanPatch in the API description."}).Because(err)
}

func decodeNumbers(b []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	return d.Decode(v)
}

// merge is MergePatch of RFC 7396, section 2.
func merge(target, patch any) any {
	p, ok := patch.(map[string]any)
	if !ok {
		return patch
	}
	t, ok := target.(map[string]any)
	if !ok {
		t = map[string]any{}
	}
	for name, value := range p {
		if value == nil {
			delete(t, name)
			continue
		}
		t[name] = merge(t[name], value)
	}
	return t
}
