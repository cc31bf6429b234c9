package casefile

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func FuzzPatch(f *testing.F) {
	for _, seed := range []string{
		`{"ends_on":"2026-07-01"}`, `{"visit_pattern":null,"goals":[{"domain":"health","statement":"x"}]}`, `{"visit_pattern":{"minutes":1e400}}`,
		`{"goals":{"0":null}}`, `[]`, `null`, `{"recipients":["a",null]}`, `{"starts_on":7}`, `{"visit_pattern":{"weekdays":["mon"]}} {}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, patch []byte) {
		got, err := fullContent().Patch(json.RawMessage(patch))
		if err != nil {
			return
		}
		// What a patch gave reads back as it is, and the same patch again changes nothing.
		again, err := got.Patch(json.RawMessage(patch))
		if err != nil {
			t.Fatalf("the same patch again: %v", err)
		}
		if diff := cmp.Diff(got.Clone(), again.Clone()); diff != "" {
			t.Fatalf("a merge patch is idempotent (-once +twice):\n%s", diff)
		}
	})
}
