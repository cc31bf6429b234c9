package benchfile_test

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hearthfps/hearth/services/visit-scheduling/optimise/benchfile"
	"github.com/hearthfps/hearth/services/visit-scheduling/optimise/vrptw"
)

func TestGenerate_IsAFileThatCanBeReadAndServed(t *testing.T) {
	for _, n := range []int{1, 2, 25, 100, 1000} {
		for seed := range uint64(5) {
			s := benchfile.Generate(n, seed)
			var text bytes.Buffer
			if err := s.Write(&text); err != nil {
				t.Fatal(err)
			}
			again, err := benchfile.ReadSolomon(&text)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(s, again); diff != "" {
				t.Fatalf("%d customers, seed %d, written and read (-want +got):\n%s", n, seed, diff)
			}
			if len(s.Nodes) != n+1 {
				t.Errorf("%d nodes for %d customers", len(s.Nodes), n)
			}
			if err := vrptw.FromSolomon(s).Validate(); err != nil {
				t.Errorf("%d customers, seed %d: %v", n, seed, err)
			}
		}
	}
	if cmp.Equal(benchfile.Generate(25, 1), benchfile.Generate(25, 2)) {
		t.Error("two seeds give the same file")
	}
}
