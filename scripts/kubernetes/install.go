package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// values are what a service's chart is told, for these stand-ins.
func (in *infrastructure) values(service, tag string) map[string]any {
	pods := func(name string, ports ...int) map[string]any {
		return map[string]any{
			"to":    []any{map[string]any{"podSelector": map[string]any{"matchLabels": map[string]any{"app.kubernetes.io/name": name}}}},
			"ports": ports,
		}
	}
	v := map[string]any{
		"image":   map[string]any{"repository": image(service), "tag": tag, "pullPolicy": "Never"},
		"scaling": map[string]any{"mode": "fixed", "replicas": 2},
		// Two processors are all the node has, for everything.
		"resources":  map[string]any{"requests": map[string]any{"cpu": "25m", "memory": "64Mi"}, "limits": map[string]any{"cpu": "2", "memory": "384Mi"}},
		"database":   map[string]any{"existingSecret": service + "-database", "egress": pods("postgres", 5432)},
		"migrations": map[string]any{"existingSecret": service + "-database", "key": "owner"},
		"kafka": map[string]any{
			"brokers": []string{in.clients}, "mechanism": "scram-sha-512", "existingSecret": "kafka-" + service, "egress": pods("kafka", 9092),
		},
		"redis": map[string]any{"existingSecret": "redis", "egress": pods("redis", 6379)},
		// A handful of people ask as one here, as fast as a hundred.
		"rateLimit": map[string]any{"perSecond": 2000, "burst": 4000},
		"oidc": map[string]any{
			"issuers":  []any{map[string]any{"url": issuerURL, "agencies": []string{"*"}, "roles": roles}},
			"tokenUrl": issuerURL + "/token", "egress": pods("issuer", 8080),
		},
		"tests": map[string]any{"agency": agency, "clientId": "helm-test", "existingSecret": "client"},
	}
	if service == "notification" || service == "visit-scheduling" {
		v["client"] = map[string]any{"id": service, "existingSecret": "client"}
		v["peers"] = map[string]any{"intake": "http://intake"}
	}
	return v
}

// roles the test cluster's issuer may give: all of them, the services' own too.
var roles = []string{"intake_worker", "family_worker", "supervisor", "scheduler", "privacy_officer", "operator", "referrer", "service", "admin"}

// secrets makes the Secrets that the charts name.
func (in *infrastructure) secrets(ctx context.Context) error {
	for _, name := range services {
		d := in.databases[name]
		if err := in.secret(ctx, name+"-database", map[string]string{"url": d.RuntimeURL, "owner": d.OwnerURL}); err != nil {
			return err
		}
	}
	if err := in.secret(ctx, "redis", map[string]string{"url": "redis://redis." + in.namespace + ".svc.cluster.local:6379"}); err != nil {
		return err
	}
	return in.secret(ctx, "client", map[string]string{"secret": "development"})
}

// install installs or upgrades one chart and waits until its pods are ready.
func (in *infrastructure) install(ctx context.Context, s settings, service, tag string, more ...string) error {
	data, err := json.Marshal(in.values(service, tag)) // JSON is YAML
	if err != nil {
		return err
	}
	file := filepath.Join(s.dir, in.namespace+"-"+service+"-values.yaml")
	if err := os.WriteFile(file, data, 0o600); err != nil {
		return err
	}
	args := append([]string{
		"upgrade", "--install", service, filepath.Join(s.root, "helm", service), "--values", file, "--wait", "--timeout", "5m",
	}, more...)
	if _, err := in.helm(ctx, args...); err != nil {
		return in.explain(ctx, service, err)
	}
	return nil
}

// explain adds to an error what the pods of a service say.
func (in *infrastructure) explain(ctx context.Context, service string, err error) error {
	ctx = context.WithoutCancel(ctx)
	selector := "app.kubernetes.io/name=" + service
	pods, _ := in.do(ctx, "get", "pods", "--selector", selector, "--output", "wide")
	logs, _ := in.do(ctx, "logs", "--selector", selector, "--tail", "15", "--prefix", "--all-containers")
	return fmt.Errorf("%w\n%s\n%s", err, strings.TrimSpace(pods), strings.TrimSpace(logs))
}

// helmTests runs the charts' own tests.
func (in *infrastructure) helmTests(ctx context.Context) (Figures, error) {
	passed := 0
	for _, name := range services {
		if _, err := in.helm(ctx, "test", name, "--timeout", "3m"); err != nil {
			logs, _ := in.do(context.WithoutCancel(ctx), "logs", name+"-test")
			return Figures{"passed": passed}, fmt.Errorf("helm test %s: %w\n%s", name, err, logs)
		}
		passed++
	}
	return Figures{"passed": passed}, nil
}
