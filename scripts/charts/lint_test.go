package charts

import (
	"path/filepath"
	"strings"
	"testing"

	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/lint"
	"helm.sh/helm/v3/pkg/lint/support"
)

func TestLint_FindsNothing(t *testing.T) {
	version, err := chartutil.ParseKubeVersion(newest())
	if err != nil {
		t.Fatal(err)
	}
	for _, chart := range Names() {
		name := "full"
		if chart == Umbrella {
			name = "umbrella"
		}
		linter := lint.AllWithKubeVersion(filepath.Join(root, "helm", chart), settings(t, chart, name), "hearth", version)
		for _, message := range linter.Messages {
			if message.Severity > support.InfoSev {
				t.Errorf("%s: %v", chart, message)
			}
		}
	}
}

// Each wrong value is refused with a message that names it and says what is wrong.
// A value is laid over a good values file, as --set would.
func TestValues_WrongOnesAreRefusedByName(t *testing.T) {
	type wrong struct{ set, says string }
	every := []wrong{
		{`scalling: {}`, "scalling"},
		{`enabled: false`, "/enabled"},
		{`image: {tag: latest}`, "/image/tag"},
		{`image: {digest: 'md5:12'}`, "/image/digest"},
		{`image: {pullPolicy: Sometimes}`, "/image/pullPolicy"},
		{`image: {repo: other}`, "repo"},
		{`fullnameOverride: Capital_Letters`, "/fullnameOverride"},
		{`scaling: {replicas: 13}`, "/scaling/replicas"},
		{`scaling: {mode: hpa, maxReplicas: 24}`, "/scaling/maxReplicas"},
		{`scaling: {mode: keda, maxReplicas: 13}`, "/scaling/maxReplicas"},
		{`scaling: {mode: magic}`, "/scaling/mode"},
		{`scaling: {replicas: '2'}`, "/scaling/replicas"},
		{`scaling: {mode: hpa, minReplicas: 5, maxReplicas: 3}`, "scaling.minReplicas"},
		{`resources: {limits: {memory: lots}}`, "/resources/limits/memory"},
		{`resources: {limits: {disk: 1Gi}}`, "disk"},
		{`resources: {limits: {cpu: null}}`, "/resources/limits"},
		{`database: {existingSecret: ''}`, "database.existingSecret"},
		{`database: {url: 'postgres://hearth:secret@db/hearth'}`, "url"},
		{`database: {egress: {to: [], ports: [5432]}}`, "/database/egress/to"},
		{`database: {egress: {to: [{}], ports: [5432]}}`, "/database/egress/to/0"},
		{`database: {egress: {to: [{ipBlock: {cidr: 0.0.0.0/0}}], ports: [5432]}}`, "/database/egress/to/0/ipBlock/cidr"},
		{`database: {egress: {to: [{ipBlock: {cidr: '::/0'}}], ports: [5432]}}`, "/database/egress/to/0/ipBlock/cidr"},
		{`database: {egress: {to: [{podSelector: {}}], ports: [5432]}}`, "/database/egress/to/0/podSelector"},
		{`database: {egress: {to: [{namespaceSelector: {matchLabels: {}}}], ports: [5432]}}`, "/database/egress/to/0/namespaceSelector/matchLabels"},
		{`database: {egress: {to: [{podSelector: {matchLabels: {a: b}}}], ports: []}}`, "/database/egress/ports"},
		{`migrations: {existingSecret: ''}`, "migrations.existingSecret"},
		{`migrations: {attempts: 0}`, "/migrations/attempts"},
		{`kafka: {brokers: []}`, "kafka.brokers"},
		{`kafka: {brokers: ['kafka']}`, "/kafka/brokers/0"},
		{`kafka: {mechanism: gssapi}`, "/kafka/mechanism"},
		{`kafka: {mechanism: plain, existingSecret: ''}`, "kafka.existingSecret"},
		{`kafka: {password: secret}`, "password"},
		{`redis: {url: 'redis://redis'}`, "url"},
		{`rateLimit: {perSecond: -1}`, "/rateLimit/perSecond"},
		{`oidc: {issuers: []}`, "oidc.issuers"},
		{`oidc: {issuers: [{url: 'https://id.example.org'}]}`, "agencies"},
		{`oidc: {issuers: [{url: id.example.org, agencies: ['*']}]}`, "/oidc/issuers/0/url"},
		{`oidc: {issuers: [{url: 'https://id.example.org', agencies: ['*'], roles: [everything]}]}`, "/oidc/issuers/0/roles/0"},
		{`otlp: {endpoint: 'collector:4317'}`, "/otlp/endpoint"},
		{`traceRatio: 2`, "/traceRatio"},
		{`logLevel: loud`, "/logLevel"},
		{`rules: {agencies: one, calendars: '', programs: ''}`, "rules: agencies, calendars and programs"},
		{`settings: {colour: blue}`, "colour"},
		{`secretFiles: {Mail: x}`, "Mail"},
		{`shutdown: {preStopSeconds: 1000}`, "/shutdown/preStopSeconds"},
		{`shutdown: {graceSeconds: 30}`, "graceSeconds"},
		{`probes: {readiness: {path: /}}`, "path"},
		{`service: {port: 70000}`, "/service/port"},
		{`service: {type: LoadBalancer}`, "type"},
		{`pdb: {maxUnavailable: 0}`, "/pdb/maxUnavailable"},
		{`topologySpread: {whenUnsatisfiable: Perhaps}`, "/topologySpread/whenUnsatisfiable"},
		{`networkPolicy: {extraEgress: {world: {to: [{ipBlock: {cidr: 0.0.0.0/0}}], ports: [443]}}}`, "/networkPolicy/extraEgress/world/to/0/ipBlock/cidr"},
		{`networkPolicy: {from: [{}]}`, "/networkPolicy/from/0"},
		{`ingress: {enabled: 'yes'}`, "/ingress/enabled"},
		{`httpRoute: {enabled: true, parentRefs: []}`, "httpRoute.parentRefs"},
		{`httpRoute: {parentRefs: [{namespace: a}]}`, "/httpRoute/parentRefs/0"},
		{`serviceMonitor: {interval: often}`, "/serviceMonitor/interval"},
		{`tests: {clientId: tester, existingSecret: ''}`, "tests.existingSecret"},
		{`global: {kafka: {broker: 'kafka:9092'}}`, "broker"},
		{`global: {image: {tag: latest}}`, "/global/image/tag"},
	}
	own := map[string][]wrong{
		"notification": {
			{`client: {existingSecret: ''}`, "client.existingSecret"},
			{`client: {secret: letmein}`, "secret"},
			{`oidc: {tokenUrl: ''}`, "oidc.tokenUrl"},
			{`peers: {planning: 'http://planning'}`, "planning"},
			{`peers: {intake: 'intake:80'}`, "/peers/intake"},
			{`settings: {smtp: {host: mail, from: a@example.org, password: secret}}`, "password"},
			{`settings: {smtp: {host: mail, from: a@example.org, password_file: /tmp/x}}`, "/settings/smtp/password_file"},
			{`settings: {smtp: {host: mail, from: a@example.org, tls: perhaps}}`, "/settings/smtp/tls"},
			{`settings: {inbox_dir: /data}`, "inbox_dir"},
		},
		"visit-scheduling": {
			{`client: {existingSecret: ''}`, "client.existingSecret"},
			{`settings: {planner: guess}`, "/settings/planner"},
			{`settings: {notice: soon}`, "/settings/notice"},
			{`settings: {horizon_weeks: 0}`, "/settings/horizon_weeks"},
			{`settings: {stop_minutes: 500}`, "/settings/stop_minutes"},
		},
		"resource-directory": {{`settings: {hsds: {colour: blue}}`, "colour"}},
		"intake":             {{`peers: {intake: 'http://intake'}`, "peers"}, {`client: {existingSecret: x}`, "client"}},
		"assessment":         {{`settings: {strict: true}`, "strict"}},
		"planning":           {{`settings: {caseload: 12}`, "caseload"}},
		Umbrella: {
			{`intakes: {}`, "intakes"},
			{`intake: {enabled: 'yes'}`, "/intake/enabled"},
			{`intake: {scaling: {replicas: 13}}`, "/scaling/replicas"},
			{`planning: {colour: blue}`, "colour"},
			{`global: {kafka: {brokers: ['kafka']}}`, "/global/kafka/brokers/0"},
			{`global: {kafka: {brokers: []}}`, "kafka.brokers"},
			{`global: {oidc: {egress: {to: [], ports: [443]}}}`, "/global/oidc/egress/to"},
			{`global: {region: north}`, "region"},
			{`dashboard: {enabled: 1}`, "/dashboard/enabled"},
		},
	}
	refused := 0
	for _, chart := range Names() {
		table, name := own[chart], "minimal"
		if chart == Umbrella {
			name = "umbrella"
		} else {
			table = append(table, every...)
		}
		for _, w := range table {
			given := over(t, w.set, settings(t, chart, name))
			_, err := Render(root, chart, Release{Name: chart, Namespace: "hearth", Kubernetes: newest(), Values: given})
			switch {
			case err == nil:
				t.Errorf("%s: %s is taken", chart, w.set)
			case !strings.Contains(err.Error(), w.says):
				t.Errorf("%s: %s is refused, but not by the name %s:\n%v", chart, w.set, w.says, err)
			case !strings.Contains(err.Error(), chart) && chart != Umbrella:
				t.Errorf("%s: %s is refused, but it is not said by which chart:\n%v", chart, w.set, err)
			default:
				refused++
			}
		}
	}
	t.Logf("%d wrong values are refused by name", refused)
}

// What is refused is refused for the reason given: without it the values are good.
func TestValues_GoodOnesAreTaken(t *testing.T) {
	if n := len(renderings(t, newest())); n != len(matrix)*6+len(umbrellas) {
		t.Errorf("%d renderings", n)
	}
}
