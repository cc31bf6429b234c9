package charts

import (
	"testing"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/client-go/kubernetes/scheme"

	"github.com/google/go-cmp/cmp"

	"github.com/hearthfps/hearth/scripts/charts/schemas"
)

// custom are the kinds that are not Kubernetes' own: validated, not decoded.
var custom = map[string]bool{"ScaledObject": true, "HTTPRoute": true, "ServiceMonitor": true, "PrometheusRule": true}

func TestRendered_IsDecodedStrictlyByKubernetesTypes(t *testing.T) {
	decoder := serializer.NewCodecFactory(scheme.Scheme, serializer.EnableStrict).UniversalDeserializer()
	kinds := map[string]int{}
	for _, r := range renderings(t, newest()) {
		for _, o := range r.objects {
			kinds[o.GetKind()]++
			if custom[o.GetKind()] {
				continue
			}
			decoded, _, err := decoder.Decode(o.Text, nil, nil)
			if err != nil {
				t.Errorf("%s: %s: %v\n%s", r, o, err, o.Text)
				continue
			}
			// Nothing was dropped: what was decoded holds all that was written.
			back, err := runtime.DefaultUnstructuredConverter.ToUnstructured(decoded)
			if err != nil {
				t.Fatal(err)
			}
			if back["kind"] != o.GetKind() {
				t.Errorf("%s: %s was decoded as %v", r, o, back["kind"])
			}
		}
	}
	for _, kind := range []string{
		"Deployment", "Service", "ServiceAccount", "ConfigMap", "Job", "HorizontalPodAutoscaler", "ScaledObject", "PodDisruptionBudget",
		"NetworkPolicy", "Ingress", "HTTPRoute", "ServiceMonitor", "PrometheusRule", "Pod",
	} {
		if kinds[kind] == 0 {
			t.Errorf("the matrix renders no %s, so nothing is known of it", kind)
		}
	}
}

func TestRendered_IsValidByThreeVersionsOfKubernetes(t *testing.T) {
	if n := len(schemas.Versions()); n < 3 {
		t.Fatalf("%d versions, want 3", n)
	}
	for _, version := range schemas.Versions() {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			validator, err := schemas.New(version)
			if err != nil {
				t.Fatal(err)
			}
			all, objects := renderings(t, version), 0
			for _, r := range all {
				objects += len(r.objects)
				for _, o := range r.objects {
					if err := validator.Validate(o.Object); err != nil {
						t.Errorf("%s: %s: %v", r, o, err)
					}
				}
			}
			t.Logf("%d objects of %d renderings", objects, len(all))
		})
	}
}

// The validator would let nothing through that the API server refuses.
func TestValidator_RefusesWhatIsWrong(t *testing.T) {
	validator, err := schemas.New(newest())
	if err != nil {
		t.Fatal(err)
	}
	service := func(change func(spec map[string]any)) map[string]any {
		spec := map[string]any{"ports": []any{map[string]any{"port": 80, "targetPort": "http"}}}
		change(spec)
		return map[string]any{"apiVersion": "v1", "kind": "Service", "metadata": map[string]any{"name": "a"}, "spec": spec}
	}
	if err := validator.Validate(service(func(map[string]any) {})); err != nil {
		t.Errorf("a good Service: %v", err)
	}
	for name, object := range map[string]map[string]any{
		"a field nobody knows": service(func(spec map[string]any) { spec["prots"] = []any{} }),
		"text for a number":    service(func(spec map[string]any) { spec["ports"] = []any{map[string]any{"port": "80"}} }),
		"a missing field":      service(func(spec map[string]any) { spec["ports"] = []any{map[string]any{"name": "http"}} }),
		"a kind nobody knows":  {"apiVersion": "v1", "kind": "Servant"},
		"a trigger with no type": {
			"apiVersion": "keda.sh/v1alpha1", "kind": "ScaledObject",
			"spec": map[string]any{"scaleTargetRef": map[string]any{"name": "a"}, "triggers": []any{map[string]any{"metadata": map[string]any{}}}},
		},
		"a route with a field nobody knows": {
			"apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute", "spec": map[string]any{"hosts": []any{"a"}},
		},
		"a monitor of nothing": {"apiVersion": "monitoring.coreos.com/v1", "kind": "ServiceMonitor", "spec": map[string]any{"endpoints": []any{}}},
	} {
		if validator.Validate(object) == nil {
			t.Errorf("%s is let through", name)
		}
	}
}

// Rendering says the same every time: nothing of the moment or of chance is in it,
// or every upgrade would roll every pod.
func TestRendered_IsTheSameEveryTime(t *testing.T) {
	for _, name := range []string{"minimal", "full"} {
		first, second := render(t, "intake", name, newest()), render(t, "intake", name, newest())
		for i := range first.objects {
			if diff := cmp.Diff(string(first.objects[i].Text), string(second.objects[i].Text)); diff != "" {
				t.Errorf("%s: %s", first.objects[i], diff)
			}
		}
	}
}
