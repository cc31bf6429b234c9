package charts

import (
	"testing"

	core "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"
)

// hasPort says whether a rendering has a Service with a port of that name, or number.
func hasPort(t testing.TB, r rendering, service, name string, number int32) bool {
	t.Helper()
	for _, o := range r.of("Service") {
		for _, p := range as[core.Service](t, o).Spec.Ports {
			if o.GetName() == service && (p.Name == name || p.Port == number) {
				return true
			}
		}
	}
	return false
}

// What comes from outside to the service's path gets to its API, and what comes to
// any other path, or to the admin port, does not.
func TestRoutes_LeadToTheServicesAPI(t *testing.T) {
	ingresses, routes := 0, 0
	code := factsOf(t)
	for _, r := range renderings(t, newest()) {
		for _, o := range r.of("Ingress") {
			ingresses++
			for _, rule := range as[networking.Ingress](t, o).Spec.Rules {
				for _, p := range rule.HTTP.Paths {
					if *p.PathType != networking.PathTypePrefix || p.Path != code[serviceOf(t, r, o)].path {
						t.Errorf("%s: %s takes %s %s", r, o, *p.PathType, p.Path)
					}
					if b := p.Backend.Service; b.Port.Name != "http" || !hasPort(t, r, b.Name, "http", 0) {
						t.Errorf("%s: %s leads to %s:%s", r, o, b.Name, b.Port.Name)
					}
				}
			}
		}
		for _, o := range r.of("HTTPRoute") {
			routes++
			rule := o.Object["spec"].(map[string]any)["rules"].([]any)[0].(map[string]any)
			match := rule["matches"].([]any)[0].(map[string]any)["path"].(map[string]any)
			if match["type"] != "PathPrefix" || match["value"] != code[serviceOf(t, r, o)].path {
				t.Errorf("%s: %s takes %v", r, o, match)
			}
			backend := rule["backendRefs"].([]any)[0].(map[string]any)
			if !hasPort(t, r, backend["name"].(string), "", int32(backend["port"].(float64))) || backend["port"].(float64) == 9090 {
				t.Errorf("%s: %s leads to %v", r, o, backend)
			}
		}
	}
	if ingresses == 0 || routes == 0 {
		t.Errorf("%d Ingresses and %d HTTPRoutes are rendered", ingresses, routes)
	}
}

// serviceOf is the service that an object is of.
func serviceOf(t testing.TB, r rendering, o Object) string {
	t.Helper()
	if r.chart != Umbrella {
		return r.chart
	}
	return o.GetLabels()[nameLabel]
}
