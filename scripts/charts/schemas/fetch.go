package schemas

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
)

// module is one published version that schemas are read from.
type module struct {
	path, version, sum string
}

// kubernetes are the versions validated against, newest first. The charts say
// from which on they install (kubeVersion in Chart.yaml).
var kubernetes = []module{
	{"k8s.io/kubernetes", "v1.36.3", "h1:qDQdoMiluAE2Eab6Fa52YV+WjiGz9mZFFoagEA6cI+o="},
	{"k8s.io/kubernetes", "v1.35.0", "h1:PUOojD8c8E3csMP5NX+nLLne6SGqZjrYCscptyBfWMY="},
	{"k8s.io/kubernetes", "v1.34.1", "h1:F3p8dtpv+i8zQoebZeK5zBqM1g9x1aIdnA5vthvcuUk="},
}

// custom are the definitions of custom resources: whose, and the files.
var custom = []struct {
	module
	files []string
}{
	{
		module{"github.com/prometheus-operator/prometheus-operator", "v0.85.0", "h1:M5xLCLEoaW2IJfnuCwFzzpL+jSVQu3KGT84Pye+fW8s="},
		[]string{"example/prometheus-operator-crd/monitoring.coreos.com_servicemonitors.yaml", "example/prometheus-operator-crd/monitoring.coreos.com_prometheusrules.yaml"},
	},
	{
		module{"github.com/kedacore/keda/v2", "v2.18.0", "h1:ttR223fii/4QJ0YvtrhcWHaEoezByb/t5CeFopjl6EI="},
		[]string{"config/crd/bases/keda.sh_scaledobjects.yaml"},
	},
	{
		module{"sigs.k8s.io/gateway-api", "v1.4.0", "h1:ZwlNM6zOHq0h3WUX2gfByPs2yAEsy/EenYJB78jpQfQ="},
		[]string{"config/crd/standard/gateway.networking.k8s.io_httproutes.yaml"},
	},
}

// Versions are the Kubernetes versions there are schemas of, newest first.
func Versions() []string {
	var all []string
	for _, m := range kubernetes {
		all = append(all, m.version)
	}
	return all
}

// Fetch brings every module that is not there yet.
func Fetch() error {
	var errs []error
	for _, m := range kubernetes {
		_, err := m.dir()
		errs = append(errs, err)
	}
	for _, c := range custom {
		_, err := c.dir()
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// dir is where the module's files are; Go's module cache, to which it is brought
// when it is not there.
func (m module) dir() (string, error) {
	command := exec.Command("go", "mod", "download", "-json", m.path+"@"+m.version)
	command.Dir = os.TempDir() // in no module: nothing's go.mod is asked or changed
	command.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=")
	var stderr bytes.Buffer
	command.Stderr = &stderr
	out, err := command.Output()
	var got struct{ Dir, Sum, Error string }
	if jsonErr := json.Unmarshal(out, &got); jsonErr != nil || err != nil {
		return "", fmt.Errorf("fetch %s %s: %w %s %s", m.path, m.version, errors.Join(err, jsonErr), got.Error, stderr.Bytes())
	}
	if got.Sum != m.sum {
		return "", fmt.Errorf("fetch %s %s: its sum is %s, want %s", m.path, m.version, got.Sum, m.sum)
	}
	return got.Dir, nil
}
