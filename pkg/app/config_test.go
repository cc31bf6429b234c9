package app

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/gorilla/mux"

	"github.com/hearthfps/hearth/pkg/auth"
)

// tiny is the smallest service there can be.
func tiny() Service {
	return Service{
		Name: "test", Port: 8089, Spec: []byte("openapi: 3.1.0\ninfo: {title: t, version: '1'}\nservers: [{url: /test/v1}]\npaths: {}\n"),
		New: func(_ context.Context, d *Deps) (*Parts, error) {
			settings := struct {
				Colour string   `yaml:"colour"`
				Wait   Duration `yaml:"wait"`
			}{}
			if err := d.Settings(&settings); err != nil {
				return nil, err
			}
			return &Parts{Routes: func(*mux.Router) {}}, nil
		},
	}
}

func write(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestConfig_TheLastOneSaidCounts(t *testing.T) {
	file := write(t, "config.yaml", `
listen: :1
admin: :1
database_url: postgres://file
kafka: [file:9092]
issuers: [{url: "https://file.test", agencies: [lakeland], roles: [supervisor]}]
unready_for: 3s
settings: {colour: red, wait: 2m}
`)
	secret := write(t, "secret", "s3cret\n")
	in, err := parseArgs(tiny(), []string{"serve", "--config", file, "--listen", ":3", "--set", "colour=blue", "--client-secret", "file:" + secret, "--check-config"},
		[]string{"HEARTH_LISTEN=:2", "HEARTH_ADMIN=:2", "HEARTH_KAFKA=a:1,b:2", "HEARTH_OIDC_ISSUER=https://env.test=northshore", "HEARTH_UNRELATED=x", "OTHER=y"}, os.Stderr)
	if err != nil {
		t.Fatal(err)
	}
	want := Config{
		Listen: ":3", Admin: ":2", DatabaseURL: "postgres://file", Kafka: []string{"a:1", "b:2"}, UnreadyFor: Duration(3 * time.Second),
		Client: auth.ClientCredentials{ClientSecret: "s3cret"}, Settings: map[string]any{"colour": "blue", "wait": "2m"},
		Issuers: []auth.Issuer{{URL: "https://file.test", Agencies: []string{"lakeland"}, Roles: []string{"supervisor"}}, {URL: "https://env.test", Agencies: []string{"northshore"}, Roles: []string{auth.AnyRole}}},
	}
	if diff := cmp.Diff(want, in.config); diff != "" {
		t.Error(diff)
	}
	if in.command != "serve" || !in.check {
		t.Errorf("got %+v", in)
	}
}

func TestGuarantee1_WhatIsNotUnderstoodIsRefused(t *testing.T) {
	good := []string{"--database-url", "postgres://a@b/c", "--kafka", "a:1", "--oidc-issuer", "https://issuer.test"}
	for _, tc := range []struct {
		name, file string
		args       []string
		want       string
	}{
		{"unknown field", "databse_url: postgres://role:s3cret@db/x", good, `unknown field "databse_url"`},
		{"wrong type", "max_conns: s3cret", good, "MaxConns"},
		{"two documents are not two configurations", "listen: :1\n---\nlisten: :2\n", good, "more than one"},
		{"nothing", "", nil, "database_url is missing"},
		{"no issuer", "", good[:4], "issuers is missing"},
		{"database", "", append([]string{"--database-url", "postgres://role:s3cret@[/x"}, good[2:]...), "database_url: want postgres://"},
		{"redis", "redis_url: 'http://x:s3cret@y'", good, "redis_url: want redis://"},
		{"issuer without roles", "issuers: [{url: 'https://a.test', agencies: [lakeland]}]", good, "roles is missing"},
		{"issuer's agency", "issuers: [{url: 'https://a.test', agencies: [Lake Land], roles: [supervisor]}]", good, "is no agency's id"},
		{"rules", "rules: /nowhere", good, "rules"},
		{"certificates", "kafka_security: {tls: true, ca_file: /nowhere}", good, "kafka_security"},
		{"mechanism", "kafka_security: {mechanism: magic}", good, "kafka_security.mechanism"},
		{"own setting", "settings: {color: red}", good, `unknown field "color"`},
		{"own setting's value", "settings: {wait: soon}", good, "settings of test"},
		{"log level", "log_level: loud", good, "log_level"},
		{"unknown flag", "", append([]string{"--databse-url=x"}, good...), "databse-url"},
		{"unknown command", "", append([]string{"sreve"}, good...), "there is no command"},
		{"one word too many", "", append(good[:6:6], "now"), "one word too many"},
		{"peer", "", append([]string{"--peer", "intake"}, good...), "want name=URL"},
		{"duration", "", append([]string{"--unready-for", "soon"}, good...), "unready-for"},
		{"missing secret file", "", append([]string{"--client-secret", "file:/nowhere"}, good...), "read a setting from its file"},
	} {
		args := tc.args
		if tc.file != "" {
			args = append([]string{"--config", write(t, "c.yaml", tc.file)}, args...)
		}
		if len(args) > 0 && !strings.HasPrefix(args[0], "sreve") {
			args = append([]string{"--check-config"}, args...)
		}
		var out bytes.Buffer
		err := Run(t.Context(), tiny(), args, nil, &out)
		if err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: got %v, want %q", tc.name, err, tc.want)
		}
		if err != nil && strings.Contains(err.Error()+out.String(), "s3cret") {
			t.Errorf("%s: a secret is shown: %v", tc.name, err)
		}
	}
	var out bytes.Buffer
	if err := Run(t.Context(), tiny(), append([]string{"--check-config"}, good...), nil, &out); err != nil || out.String() != "the configuration is good\n" {
		t.Errorf("a good one: got %v, %s", err, out.String())
	}
}

func TestGuarantee1_AServiceThatDoesNotFitIsFoundByCheck(t *testing.T) {
	c := Config{DatabaseURL: "postgres://a@b/c", Kafka: []string{"a:1"}, Issuers: []auth.Issuer{{URL: "https://issuer.test", Roles: []string{auth.AnyRole}}}}
	for name, change := range map[string]func(*Service){
		"has no route": func(s *Service) {
			s.Spec = []byte(strings.Replace(string(s.Spec), "paths: {}", "paths: {/x: {get: {operationId: x, responses: {'204': {description: x}}}}}", 1))
		},
		"no address of intake": func(s *Service) {
			s.New = func(_ context.Context, d *Deps) (*Parts, error) { _, err := d.Peer("intake"); return nil, err }
		},
		"New starts nothing": func(s *Service) {
			s.New = func(ctx context.Context, d *Deps) (*Parts, error) { return nil, d.DB.Ping(ctx) }
		},
	} {
		svc := tiny()
		change(&svc)
		if err := Check(t.Context(), svc, c); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("got %v, want %s", err, name)
		}
	}
}

// Every field says in the source what it does; every flag says it in its help.
func TestConfig_EveryFieldIsExplained(t *testing.T) {
	source, err := os.ReadFile("config.go")
	if err != nil {
		t.Fatal(err)
	}
	config := reflect.TypeFor[Config]()
	for i := range config.NumField() {
		f := config.Field(i)
		if !strings.Contains(string(source), "\t// "+f.Name+" ") && !strings.Contains(string(source), "\t// "+f.Name+",") {
			t.Errorf("%s has no comment", f.Name)
		}
		if f.Tag.Get("yaml") == "" {
			t.Errorf("%s has no name in the file", f.Name)
		}
	}
	for _, s := range settings() {
		if s.help == "" {
			t.Errorf("--%s has no help", s.name)
		}
	}
}

func FuzzParseConfig(f *testing.F) {
	f.Add([]byte("listen: :1\nkafka: [a]\nsettings: {x: 1}\n"))
	f.Add([]byte("unready_for: 5s"))
	f.Fuzz(func(t *testing.T, data []byte) {
		began := time.Now()
		c, err := ParseConfig(data)
		if took := time.Since(began); took > 3*time.Second {
			t.Errorf("%d bytes took %v", len(data), took)
		}
		if err == nil {
			_ = c.check() // whatever it says, it must not panic
		}
	})
}
