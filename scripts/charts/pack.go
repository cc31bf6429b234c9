package charts

import (
	"fmt"
	"os"

	"helm.sh/helm/v3/pkg/chartutil"
)

// Pack is `helm package` of every chart that installs something, each with all it
// includes, into dir. It returns the archives' paths.
func Pack(root, dir string) ([]string, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	var archives []string
	for _, name := range Names() {
		c, err := Load(root, name)
		if err != nil {
			return nil, err
		}
		archive, err := chartutil.Save(c, dir)
		if err != nil {
			return nil, fmt.Errorf("pack %s: %w", name, err)
		}
		archives = append(archives, archive)
	}
	return archives, nil
}
