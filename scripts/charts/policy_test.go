package charts

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	apps "k8s.io/api/apps/v1"
	batch "k8s.io/api/batch/v1"
	core "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"
	policy "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/google/go-cmp/cmp"

	"github.com/hearthfps/hearth/scripts/charts/values"
)

func as[T any](t testing.TB, o Object) T {
	t.Helper()
	var v T
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(o.Object, &v); err != nil {
		t.Fatalf("%s: %v", o, err)
	}
	return v
}

// podSpecs are the pods that a rendering makes, by the object that makes them.
func podSpecs(t testing.TB, r rendering) map[string]core.PodSpec {
	t.Helper()
	specs := map[string]core.PodSpec{}
	for _, o := range r.objects {
		switch o.GetKind() {
		case "Deployment":
			specs[o.String()] = as[apps.Deployment](t, o).Spec.Template.Spec
		case "Job":
			specs[o.String()] = as[batch.Job](t, o).Spec.Template.Spec
		case "Pod":
			specs[o.String()] = as[core.Pod](t, o).Spec
		}
	}
	return specs
}

// Pod Security Standards, profile restricted: the controls of v1.36 that a pod of
// ours could breach, and beyond them a root file system nobody writes to.
func TestPods_AreRestricted(t *testing.T) {
	for _, r := range renderings(t, newest()) {
		specs := podSpecs(t, r)
		if len(specs) == 0 {
			t.Errorf("%s: no pods", r)
		}
		for name, pod := range specs {
			for _, fault := range unrestricted(pod) {
				t.Errorf("%s: %s: %s", r, name, fault)
			}
		}
	}
}

func unrestricted(pod core.PodSpec) []string {
	var faults []string
	want := func(ok bool, what string, args ...any) {
		if !ok {
			faults = append(faults, fmt.Sprintf(what, args...))
		}
	}
	s := pod.SecurityContext
	want(s != nil && s.RunAsNonRoot != nil && *s.RunAsNonRoot, "it may run as root")
	want(s != nil && s.RunAsUser != nil && *s.RunAsUser == 65532, "its user is not the image's")
	want(s != nil && s.SeccompProfile != nil && s.SeccompProfile.Type == core.SeccompProfileTypeRuntimeDefault, "seccomp is not RuntimeDefault")
	want(!pod.HostNetwork && !pod.HostPID && !pod.HostIPC, "it shares a namespace of the host")
	want(pod.AutomountServiceAccountToken != nil && !*pod.AutomountServiceAccountToken, "it has a token of the API server")
	want(len(pod.InitContainers)+len(pod.EphemeralContainers) == 0, "it has containers this test does not look at")
	for _, v := range pod.Volumes {
		want(v.Projected != nil || v.ConfigMap != nil || v.Secret != nil, "volume %s is of another kind", v.Name)
	}
	for _, c := range pod.Containers {
		cs := c.SecurityContext
		want(cs != nil && cs.AllowPrivilegeEscalation != nil && !*cs.AllowPrivilegeEscalation, "%s may gain privileges", c.Name)
		want(cs != nil && cs.ReadOnlyRootFilesystem != nil && *cs.ReadOnlyRootFilesystem, "%s may write to its root file system", c.Name)
		want(cs != nil && cs.Capabilities != nil && cmp.Equal(cs.Capabilities.Drop, []core.Capability{"ALL"}) && len(cs.Capabilities.Add) == 0, "%s keeps capabilities", c.Name)
		want(cs == nil || cs.Privileged == nil || !*cs.Privileged, "%s is privileged", c.Name)
		for _, m := range c.VolumeMounts {
			want(m.ReadOnly, "%s may write to %s", c.Name, m.MountPath)
		}
		for _, p := range c.Ports {
			want(p.HostPort == 0, "%s has a port of the host", c.Name)
		}
	}
	return faults
}

func TestPods_AreBoundedAndPinned(t *testing.T) {
	pinned := regexp.MustCompile(`^[a-z0-9./-]+(:[A-Za-z0-9_][A-Za-z0-9_.-]*|@sha256:[0-9a-f]{64})$`)
	for _, r := range renderings(t, newest()) {
		for name, pod := range podSpecs(t, r) {
			for _, c := range pod.Containers {
				for _, list := range []core.ResourceList{c.Resources.Requests, c.Resources.Limits} {
					if list.Cpu().IsZero() || list.Memory().IsZero() {
						t.Errorf("%s: %s: %s asks for or may use any amount: %v", r, name, c.Name, c.Resources)
					}
				}
				if !pinned.MatchString(c.Image) || strings.HasSuffix(c.Image, ":latest") {
					t.Errorf("%s: %s: image %q is of no version", r, name, c.Image)
				}
				for _, v := range c.Env {
					if v.Name != "SSL_CERT_DIR" { // Go's own; the file cannot say it
						t.Errorf("%s: %s: %s is in the environment; settings are in the file, secrets in files it names", r, name, v.Name)
					}
				}
				if len(c.EnvFrom) > 0 {
					t.Errorf("%s: %s: it takes its environment from elsewhere", r, name)
				}
			}
		}
	}
}

// A pod serves on until endpoints are gone, and has time for all it does at the end.
func TestDeployments_StartAndStopWithoutALostRequest(t *testing.T) {
	for _, r := range renderings(t, newest()) {
		for _, o := range r.of("Deployment") {
			d := as[apps.Deployment](t, o)
			rolling := d.Spec.Strategy.RollingUpdate
			if rolling == nil || *rolling.MaxUnavailable != intstr.FromInt32(0) {
				t.Errorf("%s: %s: an upgrade takes pods away before it has new ones", r, o)
			}
			c := d.Spec.Template.Spec.Containers[0]
			for what, probe := range map[string]*core.Probe{"startup": c.StartupProbe, "readiness": c.ReadinessProbe, "liveness": c.LivenessProbe} {
				if probe == nil || probe.HTTPGet == nil || probe.HTTPGet.Port != intstr.FromString("admin") {
					t.Fatalf("%s: %s: no %s probe on the admin port", r, o, what)
				}
			}
			if c.ReadinessProbe.HTTPGet.Path == c.LivenessProbe.HTTPGet.Path {
				t.Errorf("%s: %s: what makes it unready would kill it", r, o)
			}
			// --check-config reads the same durations out of the file (config_test.go).
			settings := configOf(t, r, o)
			preStop := int64(0)
			if c.Lifecycle != nil {
				preStop = c.Lifecycle.PreStop.Sleep.Seconds
			}
			const httpEnd, telemetryFlush = 10, 5 // pkg/app: Servers.Serve, serve
			needs := preStop + settings.seconds(t, "unready_for") + httpEnd + settings.seconds(t, "stop_within") + telemetryFlush
			if grace := *d.Spec.Template.Spec.TerminationGracePeriodSeconds; grace < needs {
				t.Errorf("%s: %s: it is killed after %d s, and may need %d", r, o, grace, needs)
			}
			if d.Spec.Template.Annotations["checksum/config"] == "" {
				t.Errorf("%s: %s: a new configuration starts no new pods", r, o)
			}
		}
	}
}

func TestDeployments_RollWhenTheirConfigurationChangesAndOnlyThen(t *testing.T) {
	checksum := func(text string) string {
		given := over(t, text, settings(t, "intake", "minimal"))
		objects, err := Render(root, "intake", Release{Name: "intake", Namespace: "hearth", Kubernetes: newest(), Values: given})
		if err != nil {
			t.Fatal(err)
		}
		r := rendering{"intake", "minimal", objects}
		return as[apps.Deployment](t, r.of("Deployment")[0]).Spec.Template.Annotations["checksum/config"]
	}
	before := checksum(`{}`)
	if checksum(`logLevel: debug`) == before {
		t.Error("another log level keeps the checksum")
	}
	if checksum(`scaling: {replicas: 5}`) != before {
		t.Error("more pods change the checksum, and so roll those there are")
	}
}

// A drain takes pods one by one, and there is a budget whose selector finds them.
func TestBudgets_SelectTheDeploymentsPods(t *testing.T) {
	for _, r := range renderings(t, newest()) {
		deployments, budgets := r.of("Deployment"), r.of("PodDisruptionBudget")
		if r.values == "off" {
			if len(budgets) > 0 {
				t.Errorf("%s: a budget that was not wanted", r)
			}
			continue
		}
		if len(budgets) != len(deployments) {
			t.Errorf("%s: %d budgets for %d deployments", r, len(budgets), len(deployments))
		}
		for _, o := range deployments {
			set := labels.Set(as[apps.Deployment](t, o).Spec.Template.Labels)
			if !slices.ContainsFunc(budgets, func(b Object) bool {
				return matches(as[policy.PodDisruptionBudget](t, b).Spec.Selector, set)
			}) {
				t.Errorf("%s: no budget selects the pods of %s", r, o)
			}
		}
	}
}

// A Service finds its deployment's pods, and neither jobs nor tests.
func TestServices_SelectServersAlone(t *testing.T) {
	for _, r := range renderings(t, newest()) {
		pods, _, err := inhabitants(r.objects)
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range r.of("Service") {
			selector := labels.SelectorFromSet(as[core.Service](t, o).Spec.Selector)
			var found []string
			for _, p := range pods {
				if selector.Matches(p.labels) {
					found = append(found, p.name)
				}
			}
			if len(found) != 1 || strings.Contains(found[0], "/") {
				t.Errorf("%s: %s is in front of %v", r, o, found)
			}
		}
	}
}

// No more consumers than a topic has partitions: one more would take in nothing.
func TestScaling_NeverBeyondThePartitions(t *testing.T) {
	const partitions = 12 // api-specs/asyncapi.yaml, for ever
	for _, r := range renderings(t, newest()) {
		scalers := append(r.of("HorizontalPodAutoscaler"), r.of("ScaledObject")...)
		for _, o := range scalers {
			spec := o.Object["spec"].(map[string]any)
			for _, field := range []string{"maxReplicas", "maxReplicaCount"} {
				if n, ok := spec[field].(float64); ok && n > partitions {
					t.Errorf("%s: %s: %v pods for %d partitions", r, o, n, partitions)
				}
			}
		}
		for _, o := range r.of("Deployment") {
			d := as[apps.Deployment](t, o)
			scaled := slices.ContainsFunc(scalers, func(s Object) bool { return s.GetName() == o.GetName() })
			if scaled != (d.Spec.Replicas == nil) {
				t.Errorf("%s: %s: replicas are said by a scaler, or by the deployment, and never by both", r, o)
			}
		}
	}
}

// Default-deny: a policy selects every pod in both directions, and none lets
// anything talk to everything.
func TestPolicies_DenyAndName(t *testing.T) {
	for _, r := range renderings(t, newest()) {
		if r.values == "off" {
			continue
		}
		pods, policies, err := inhabitants(r.objects)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range pods {
			for _, direction := range []networking.PolicyType{networking.PolicyTypeIngress, networking.PolicyTypeEgress} {
				if len(selecting(policies, p, direction)) == 0 {
					t.Errorf("%s: %s of %s is denied nothing", r, direction, p.name)
				}
			}
		}
		for _, policy := range policies {
			if len(policy.Spec.PodSelector.MatchLabels) == 0 {
				t.Errorf("%s: NetworkPolicy %s is for everybody's pods", r, policy.Name)
			}
			for _, rule := range policy.Spec.Egress {
				named(t, r, policy.Name, rule.To, rule.Ports)
			}
			for _, rule := range policy.Spec.Ingress {
				named(t, r, policy.Name, rule.From, rule.Ports)
			}
		}
	}
}

func named(t *testing.T, r rendering, policy string, peers []networking.NetworkPolicyPeer, ports []networking.NetworkPolicyPort) {
	t.Helper()
	if len(peers) == 0 || len(ports) == 0 {
		t.Errorf("%s: NetworkPolicy %s: a rule without a peer or a port is for all of them", r, policy)
	}
	for _, peer := range peers {
		for _, s := range []*metav1.LabelSelector{peer.PodSelector, peer.NamespaceSelector} {
			if s != nil && len(s.MatchLabels) == 0 {
				t.Errorf("%s: NetworkPolicy %s: %s selects everything", r, policy, peer.String())
			}
		}
		if peer.IPBlock != nil && strings.HasSuffix(peer.IPBlock.CIDR, "/0") {
			t.Errorf("%s: NetworkPolicy %s: %s is everywhere", r, policy, peer.IPBlock.CIDR)
		}
	}
}

// Secrets come by reference: nothing renders one, and no ConfigMap has what looks
// like one.
func TestSecrets_AreNeverRendered(t *testing.T) {
	password := regexp.MustCompile(`(?i)://[^/\s"]*:[^/\s"]+@|(password|client_secret|token|database_url|redis_url)"?:\s*"?[^\s"f{]`)
	for _, r := range renderings(t, newest()) {
		if n := len(r.of("Secret")); n > 0 {
			t.Errorf("%s: %d Secrets", r, n)
		}
		for _, o := range r.of("ConfigMap") {
			text := as[core.ConfigMap](t, o).Data["config.yaml"]
			for line := range strings.Lines(text) {
				if password.MatchString(line) && !strings.Contains(line, "file:/etc/hearth/") {
					t.Errorf("%s: %s: %s", r, o, line)
				}
			}
		}
	}
}

// A Job cannot be changed once it is there; as a hook it is made anew each time.
func TestMigrations_AreAlwaysAHookThatIsMadeAnew(t *testing.T) {
	for _, r := range renderings(t, newest()) {
		jobs := r.of("Job")
		if (r.values == "off") != (len(jobs) == 0) {
			t.Errorf("%s: %d jobs", r, len(jobs))
		}
		for _, o := range jobs {
			annotations := o.GetAnnotations()
			if annotations["helm.sh/hook"] != "pre-install,pre-upgrade" || !strings.Contains(annotations["helm.sh/hook-delete-policy"], "before-hook-creation") {
				t.Errorf("%s: %s: %v", r, o, annotations)
			}
			// What the hook needs comes before it, or is nobody's but its own: at the
			// first install there is no ConfigMap and no ServiceAccount yet.
			spec := as[batch.Job](t, o).Spec.Template.Spec
			if spec.ServiceAccountName != "" {
				t.Errorf("%s: %s runs as %s, which is not there before the first install", r, o, spec.ServiceAccountName)
			}
			for _, v := range spec.Volumes {
				if v.ConfigMap != nil {
					t.Errorf("%s: %s mounts ConfigMap %s, which is not there before the first install", r, o, v.ConfigMap.Name)
				}
			}
		}
	}
}

// Every object is in the release's namespace, has the common labels, and no two
// have one name.
func TestObjects_AreLabelledAndOne(t *testing.T) {
	for _, r := range renderings(t, newest()) {
		seen := map[string]bool{}
		for _, o := range r.objects {
			if seen[o.String()] {
				t.Errorf("%s: there are two of %s", r, o)
			}
			seen[o.String()] = true
			if o.GetNamespace() != "hearth" {
				t.Errorf("%s: %s is in namespace %q", r, o, o.GetNamespace())
			}
			for _, label := range []string{nameLabel, "app.kubernetes.io/instance", "app.kubernetes.io/version", "helm.sh/chart"} {
				if o.GetLabels()[label] == "" {
					t.Errorf("%s: %s has no label %s", r, o, label)
				}
			}
			if o.GetLabels()[partOfLabel] != "hearth" {
				t.Errorf("%s: %s is part of nothing", r, o)
			}
		}
	}
}

// The umbrella installs what is enabled, and nothing of what is not.
func TestUmbrella_InstallsWhatIsEnabled(t *testing.T) {
	for name, want := range map[string][]string{"umbrella": values.Services(), "umbrella-part": {"intake", "notification"}} {
		var got []string
		for _, o := range render(t, Umbrella, name, newest()).of("Deployment") {
			got = append(got, strings.TrimPrefix(o.GetName(), "hearth-"))
		}
		slices.Sort(got)
		slices.Sort(want)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: -want +got\n%s", name, diff)
		}
	}
}

// The alerts go by the label service of the metrics themselves. Without honorLabels
// the operator puts the Service's name there, and no alert would ever fire.
func TestObservability_MonitorsKeepTheServicesLabel(t *testing.T) {
	monitors := 0
	for _, r := range renderings(t, newest()) {
		for _, o := range r.of("ServiceMonitor") {
			monitors++
			for _, e := range o.Object["spec"].(map[string]any)["endpoints"].([]any) {
				if e.(map[string]any)["honorLabels"] != true {
					t.Errorf("%s: %s gives the label service another meaning", r, o)
				}
			}
		}
	}
	if monitors == 0 {
		t.Error("no ServiceMonitor is rendered")
	}
}

// What is on in the full values and lists its rules or dashboards has them.
func TestObservability_RulesAreThoseOfDeploy(t *testing.T) {
	for _, r := range renderings(t, newest()) {
		for _, o := range r.of("PrometheusRule") {
			groups, ok := o.Object["spec"].(map[string]any)["groups"].([]any)
			if !ok || len(groups) == 0 {
				t.Errorf("%s: %s has no groups", r, o)
			}
		}
		for _, o := range r.of("ConfigMap") {
			for name, text := range as[core.ConfigMap](t, o).Data {
				if strings.HasSuffix(name, ".json") && !json.Valid([]byte(text)) {
					t.Errorf("%s: %s: %s is no JSON", r, o, name)
				}
			}
		}
	}
}
