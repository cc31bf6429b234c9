package charts

import (
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"helm.sh/helm/v3/pkg/chart/loader"
)

// A packed chart needs nothing beside it, and installs what its folder installs.
func TestPack_InstallsWhatTheFolderInstalls(t *testing.T) {
	archives, err := Pack(root, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if len(archives) != len(Names()) {
		t.Fatalf("%d archives of %d charts", len(archives), len(Names()))
	}
	for _, archive := range archives {
		c, err := loader.LoadFile(archive)
		if err != nil {
			t.Fatal(err)
		}
		name := "full"
		if c.Name() == Umbrella {
			name = "umbrella-part"
		}
		want := render(t, c.Name(), name, newest())
		release := Release{Name: c.Name(), Namespace: "hearth", Kubernetes: newest(), Values: settings(t, c.Name(), name)}
		if name == "full" {
			release.Name = "family"
		}
		objects, err := RenderChart(c, release)
		if err != nil {
			t.Fatalf("%s: %v", filepath.Base(archive), err)
		}
		if diff := cmp.Diff(texts(want.objects), texts(objects)); diff != "" {
			t.Errorf("%s: -folder +archive\n%s", filepath.Base(archive), diff)
		}
	}
}

func texts(objects []Object) []string {
	var all []string
	for _, o := range objects {
		all = append(all, string(o.Text))
	}
	return all
}
