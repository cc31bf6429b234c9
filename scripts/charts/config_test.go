package charts

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/pem"
	"net/http/httptest"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"
	apps "k8s.io/api/apps/v1"
	batch "k8s.io/api/batch/v1"
	core "k8s.io/api/core/v1"

	specs "github.com/hearthfps/hearth/api-specs"
	"github.com/hearthfps/hearth/pkg/app"
	"github.com/hearthfps/hearth/services/assessment"
	"github.com/hearthfps/hearth/services/intake"
	"github.com/hearthfps/hearth/services/notification"
	"github.com/hearthfps/hearth/services/planning"
	resourcedirectory "github.com/hearthfps/hearth/services/resource-directory"
	visitscheduling "github.com/hearthfps/hearth/services/visit-scheduling"
)

// suite are the services as they run.
func suite() map[string]app.Service {
	all := map[string]app.Service{}
	for _, s := range []app.Service{
		intake.Service(), assessment.Service(), planning.Service(), visitscheduling.Service(), resourcedirectory.Service(), notification.Service(),
	} {
		all[s.Name] = s
	}
	return all
}

// config is a rendered configuration file.
type config map[string]any

func (c config) seconds(t testing.TB, field string) int64 {
	t.Helper()
	d, err := time.ParseDuration(c[field].(string))
	if err != nil {
		t.Fatalf("%s: %v", field, err)
	}
	return int64(d / time.Second)
}

// configOf is the file that a deployment's pods are started with.
func configOf(t testing.TB, r rendering, deployment Object) config {
	t.Helper()
	var c config
	if err := yaml.Unmarshal([]byte(configText(t, r, deployment)), &c); err != nil {
		t.Fatalf("%s: %v", r, err)
	}
	return c
}

func configText(t testing.TB, r rendering, deployment Object) string {
	t.Helper()
	for _, o := range r.of("ConfigMap") {
		if text, ok := as[core.ConfigMap](t, o).Data["config.yaml"]; ok && o.GetName() == deployment.GetName() {
			return text
		}
	}
	t.Fatalf("%s: %s has no configuration", r, deployment)
	return ""
}

// secret is what stands in a file of a Secret, by the end of its path.
func secret(t testing.TB, file string) string {
	t.Helper()
	switch file {
	case "database/url":
		return "postgres://hearth_app:pw@postgres:5432/hearth"
	case "owner/url":
		return "postgres://hearth_owner:pw@postgres:5432/hearth"
	case "redis/url":
		return "redis://:pw@redis:6379"
	case "kafka/password", "client/secret":
		return "pw"
	case "kafka-ca/ca.crt":
		server := httptest.NewUnstartedServer(nil)
		server.StartTLS()
		defer server.Close()
		return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}))
	}
	t.Fatalf("nobody knows what is in the secret file %s", file)
	return ""
}

// place lays out the files that a pod sees below dir, as the kubelet would, and
// returns where each absolute path of the pod is.
func place(t testing.TB, dir string, pod core.PodSpec, rules func(kind string) map[string][]byte) {
	t.Helper()
	write := func(name string, text []byte) {
		t.Helper()
		name = filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, mount := range pod.Containers[0].VolumeMounts {
		for _, v := range pod.Volumes {
			if v.Name != mount.Name {
				continue
			}
			if v.Projected != nil {
				for _, source := range v.Projected.Sources {
					for _, item := range source.Secret.Items {
						write(path.Join(mount.MountPath, item.Path), []byte(secret(t, item.Path)+"\n"))
					}
				}
			}
			if v.Secret != nil {
				write(path.Join(mount.MountPath, "password"), []byte("pw\n"))
				write(path.Join(mount.MountPath, "token"), []byte("pw\n"))
				write(path.Join(mount.MountPath, "ways.csv"), []byte("from_lat,from_lon,to_lat,to_lon,minutes\n61,25,61.1,25,17\n"))
				write(path.Join(mount.MountPath, "signing"), []byte("whsec_"+base64.StdEncoding.EncodeToString(make([]byte, 32))+"\n"))
			}
			if kind, ok := strings.CutPrefix(v.Name, "rules-"); ok {
				for name, text := range rules(kind) {
					write(path.Join(mount.MountPath, name), text)
				}
			}
		}
	}
}

// shipped are the rule files of a kind as the suite ships them.
func shipped(t testing.TB) func(kind string) map[string][]byte {
	return func(kind string) map[string][]byte {
		files := map[string][]byte{}
		entries, err := specs.Rules.ReadDir("rules/" + kind)
		if err != nil {
			t.Fatal(err)
		}
		for _, entry := range entries {
			if files[entry.Name()], err = specs.Rules.ReadFile("rules/" + kind + "/" + entry.Name()); err != nil {
				t.Fatal(err)
			}
		}
		return files
	}
}

// everySetting sets each setting that a service of its own has.
var everySetting = map[string]string{
	"visit-scheduling": `settings: {planner: optimise, planner_budget: 20s, planner_effort: 30, horizon_weeks: 8, notice: 2h, urgent_lead: 10m,
  check_in_early: 30m, check_in_late: 6h, checkout_grace: 45m, stop_minutes: 3, unknown_travel_minutes: 25, travel_point_age: 12h, intake_timeout: 1500ms,
  travel_provider: graphhopper, travel_url: 'https://roads.example.org/api/1', travel_key_file: /etc/hearth/files/gateways/token, travel_timeout: 3s, travel_modes: [car, foot]}`,
	"notification": `settings:
  smtp: {host: mail.example.org, port: 587, from: hearth@example.org, tls: starttls, username: hearth, password_file: /etc/hearth/files/gateways/password, domain: example.org}
  sms: {url: 'https://sms.example.org/send', token_file: /etc/hearth/files/gateways/token, from: Hearth}
  webhook: {secret_file: /etc/hearth/files/gateways/signing}`,
	"resource-directory": `settings: {hsds: {profile: 'https://example.org/profile', openapi_url: 'https://example.org/openapi.json'}}`,
}

// otherwise are settings that cannot stand beside those of everySetting.
var otherwise = map[string]string{
	"visit-scheduling": `settings: {travel_provider: csv, travel_file: /etc/hearth/files/gateways/ways.csv}`,
}

// The file a chart renders is good by the service's own check, with every secret it
// names where the pod's volumes put it.
func TestConfig_IsGoodByTheServicesOwnCheck(t *testing.T) {
	services := suite()
	all := slices.Clone(renderings(t, newest()))
	for _, some := range []map[string]string{everySetting, otherwise} {
		for chart, set := range some {
			objects, err := Render(root, chart, Release{Name: chart, Namespace: "hearth", Kubernetes: newest(), Values: over(t, set, settings(t, chart, "full"))})
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, rendering{chart, "settings", objects})
		}
	}
	for _, r := range all {
		for _, o := range r.of("Deployment") {
			pod := as[apps.Deployment](t, o).Spec.Template.Spec
			svc, ok := services[pod.Containers[0].Name]
			if !ok {
				t.Fatalf("%s: there is no service %s", r, pod.Containers[0].Name)
			}
			dir := t.TempDir()
			place(t, dir, pod, shipped(t))
			text := strings.ReplaceAll(configText(t, r, o), "/etc/hearth/", dir+"/etc/hearth/")
			file := filepath.Join(dir, "config.yaml")
			if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			if got := pod.Containers[0].Args; got[0] != "serve" || got[1] != "--config" || !strings.HasPrefix(got[2], "/etc/hearth/config/") {
				t.Errorf("%s: %s: it is started with %v", r, o, got)
			}
			var out bytes.Buffer
			if err := app.Run(t.Context(), svc, []string{"--config", file, "--check-config"}, nil, &out); err != nil {
				t.Errorf("%s: %s: %v\n%s", r, o, err, text)
			}
		}
	}
}

// A configuration that is not good would be told: the check sees what it is given.
func TestConfig_ACheckThatFails(t *testing.T) {
	r := render(t, "intake", "minimal", newest())
	text := configText(t, r, r.of("Deployment")[0])
	file := filepath.Join(t.TempDir(), "config.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil { // its secrets are not there
		t.Fatal(err)
	}
	err := app.Run(t.Context(), intake.Service(), []string{"--config", file, "--check-config"}, nil, &bytes.Buffer{})
	if err == nil || !strings.Contains(err.Error(), "/etc/hearth/secrets/database/url") {
		t.Errorf("got %v, want the file that is missing", err)
	}
}

// The migration job's and the test pod's arguments are ones the command knows: each
// gets as far as what is not there in a test, the database and the token endpoint.
func TestJobs_ArgumentsAreKnown(t *testing.T) {
	services := suite()
	for _, r := range renderings(t, newest()) {
		for _, o := range append(r.of("Job"), r.of("Pod")...) {
			var pod core.PodSpec
			if o.GetKind() == "Job" {
				pod = as[batch.Job](t, o).Spec.Template.Spec
			} else {
				pod = as[core.Pod](t, o).Spec
			}
			dir := t.TempDir()
			place(t, dir, pod, nil)
			var args []string
			for _, arg := range pod.Containers[0].Args {
				args = append(args, strings.ReplaceAll(arg, "/etc/hearth/", dir+"/etc/hearth/"))
			}
			name := r.chart
			if name == Umbrella {
				name = o.GetLabels()[nameLabel]
			}
			ended, cancel := context.WithCancel(t.Context())
			cancel()
			err := app.Run(ended, services[name], args, nil, &bytes.Buffer{})
			if err == nil {
				t.Errorf("%s: %s: it reached what is not there", r, o)
				continue
			}
			for _, fault := range []string{"flag provided", "is missing", "no command", "one word too many", "read a setting"} {
				if strings.Contains(err.Error(), fault) {
					t.Errorf("%s: %s: %v: %v", r, o, args, err)
				}
			}
		}
	}
}

// In the umbrella the brokers are said once, and each service may log in as itself.
func TestConfig_AServiceMayHaveItsOwnLogin(t *testing.T) {
	given := over(t, `
global: {kafka: {tls: true, mechanism: scram-sha-512, existingSecret: shared, username: everybody}}
planning: {kafka: {existingSecret: kafka-planning}}
`, settings(t, Umbrella, "umbrella"))
	objects, err := Render(root, Umbrella, Release{Name: "hearth", Namespace: "hearth", Kubernetes: newest(), Values: given})
	if err != nil {
		t.Fatal(err)
	}
	r := rendering{Umbrella, "login", objects}
	for _, o := range r.of("Deployment") {
		want, user := "shared", "everybody"
		if o.GetName() == "hearth-planning" {
			want, user = "kafka-planning", "planning"
		}
		security := configOf(t, r, o)["kafka_security"].(map[string]any)
		if security["username"] != user || security["mechanism"] != "scram-sha-512" || security["tls"] != true {
			t.Errorf("%s logs in with %v, want as %s", o, security, user)
		}
		var from []string
		for _, v := range as[apps.Deployment](t, o).Spec.Template.Spec.Volumes {
			if v.Projected == nil {
				continue
			}
			for _, source := range v.Projected.Sources {
				if source.Secret.Items[0].Path == "kafka/password" {
					from = append(from, source.Secret.Name)
				}
			}
		}
		if diff := cmp.Diff([]string{want}, from); diff != "" {
			t.Errorf("%s: the password's Secret: -want +got\n%s", o, diff)
		}
	}
}
