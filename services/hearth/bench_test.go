package hearth_test

import (
	"context"
	"errors"
	"io"
	"os"
	"testing"
	"time"

	"github.com/hearthfps/hearth/pkg/postgres/launch"
	"github.com/hearthfps/hearth/services/hearth"
	"github.com/hearthfps/hearth/services/hearth/bench"
)

// A short run measures both sides, and leaves nothing behind.
func TestBench_MeasuresBesideTheLimitAndLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	report, err := bench.Run(ctx, bench.Options{
		Services: hearth.Services(), Inbound: hearth.InboundTopic, Agency: "lakeland", Only: []string{"http", "import", "kafka", "relay"},
		Span: 300 * time.Millisecond, Progress: io.Discard,
	})
	if errors.Is(err, launch.ErrNotInstalled) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	if len(report.Figures) != 4 {
		t.Fatalf("%d figures, want 4", len(report.Figures))
	}
	for _, f := range report.Figures {
		if f.Measured <= 0 || f.Limit <= 0 || f.Ratio <= 0 || len(f.Rounds) == 0 {
			t.Errorf("%s was not measured: %+v", f.Name, f)
		}
	}
	left, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range left {
		t.Errorf("%s is left", l.Name())
	}
}

func TestBench_RefusesAFigureItDoesNotKnow(t *testing.T) {
	if _, err := bench.Run(t.Context(), bench.Options{Only: []string{"htp"}, Progress: io.Discard}); err == nil {
		t.Error("no error")
	}
}
