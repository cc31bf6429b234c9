package house

import (
	"slices"
	"strings"
	"testing"
)

func TestImports_RunOneWay(t *testing.T) {
	for _, f := range sources(t) {
		for _, i := range f.imports {
			ours, ok := strings.CutPrefix(i, module)
			if !ok {
				continue
			}
			switch service := f.service(); {
			case f.within("api-specs") && ours != "api-specs":
				t.Errorf("%s imports %s: contracts import nothing", f.path, ours)
			case f.within("pkg") && strings.HasPrefix(ours, "services/"):
				t.Errorf("%s imports %s: what services share knows no service", f.path, ours)
			case service != "" && service != "hearth" && strings.HasPrefix(ours, "services/") && ours != "services/"+service && !strings.HasPrefix(ours, "services/"+service+"/"):
				t.Errorf("%s imports %s: services never import each other", f.path, ours)
			}
		}
	}
}

// What rules are made of does no I/O: it can be read, and proven, by itself.
func TestImports_DomainCodeDoesNoIO(t *testing.T) {
	outside := []string{
		"net", "net/http", "database/sql", "database/sql/driver", "os", "os/exec", "io/ioutil", "log", "syscall",
		module + "pkg/app", module + "pkg/events", module + "pkg/httpapi", module + "pkg/postgres", module + "pkg/timers",
		module + "pkg/telemetry", module + "pkg/auth", module + "pkg/policy",
	}
	adapters := []string{"api", "postgres", "cmd"}
	seen := map[string]bool{}
	for _, f := range sources(t) {
		if !f.isDomain() {
			continue
		}
		seen[f.service()] = true
		for _, i := range f.imports {
			switch {
			case slices.Contains(outside, i), strings.HasPrefix(i, "github.com/jackc/"), strings.HasPrefix(i, "github.com/segmentio/"),
				strings.HasPrefix(i, "github.com/redis/"), strings.HasPrefix(i, "github.com/gorilla/"), strings.HasPrefix(i, "go.opentelemetry.io/"):
				t.Errorf("%s imports %s: domain code does no I/O", f.path, i)
			}
			for _, a := range adapters {
				if i == module+"services/"+f.service()+"/"+a {
					t.Errorf("%s imports %s: adapters know the domain, not the other way", f.path, i)
				}
			}
			if i == module+"services/"+f.service() {
				t.Errorf("%s imports its service's wiring", f.path)
			}
		}
	}
	for service := range domain {
		if !seen[service] {
			t.Errorf("no domain code of %s was found: is its package still named in domain?", service)
		}
	}
}

// The lowest packages stand on each other alone.
func TestImports_TheKitHasLayers(t *testing.T) {
	allowed := map[string][]string{
		"pkg/fault":  {},
		"pkg/tenant": {"pkg/fault"},
		"pkg/clock":  {},
		"pkg/rules":  {"pkg/fault", "pkg/tenant", "pkg/clock"},
		"pkg/auth":   {"pkg/fault", "pkg/tenant"},
	}
	for _, f := range sources(t) {
		may, layered := allowed[f.dir]
		if !layered || f.test {
			continue
		}
		for _, i := range f.imports {
			ours, ok := strings.CutPrefix(i, module)
			if ok && !slices.Contains(may, ours) {
				t.Errorf("%s imports %s: %s stands on %v", f.path, ours, f.dir, may)
			}
		}
	}
}
