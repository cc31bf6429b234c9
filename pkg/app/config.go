package app

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/hearthfps/hearth/pkg/auth"
	"github.com/hearthfps/hearth/pkg/httpapi"
	"github.com/hearthfps/hearth/pkg/rules"
)

// Config is everything a service is told. It is read from a YAML file
// (--config), then from the environment (HEARTH_ and the field's path in
// capitals, HEARTH_DATABASE_URL), then from flags; the last one said counts.
type Config struct {
	// Listen is the address of the API, host:port. Empty is ":" and the service's own port.
	Listen string `yaml:"listen"`
	// Admin is the address of probes and metrics. Empty is ":9090"; "off" serves none.
	Admin string `yaml:"admin"`
	// DatabaseURL connects as the role the service works as, which owns nothing. Required.
	DatabaseURL string `yaml:"database_url"`
	// MigrateDatabaseURL connects as the owner of the tables, for `migrate`. When
	// it is set, serve migrates before it starts; empty leaves that to a job.
	MigrateDatabaseURL string `yaml:"migrate_database_url"`
	// MaxConns bounds the connections to the database. 0 is 4 for each CPU, at least 8.
	MaxConns int `yaml:"max_conns"`
	// Kafka are brokers to bootstrap from, host:port. Required.
	Kafka []string `yaml:"kafka"`
	// KafkaSecurity secures the connections to the brokers; empty is neither TLS nor a login.
	KafkaSecurity KafkaSecurity `yaml:"kafka_security"`
	// RedisURL is where rate limits are kept, redis://host:port. Empty sets no limits.
	RedisURL string `yaml:"redis_url"`
	// RateLimit bounds the requests of one principal. Zero bounds nothing.
	RateLimit httpapi.Rate `yaml:"rate_limit"`
	// Issuers are the OpenID Connect issuers whose tokens are taken. Required.
	Issuers []auth.Issuer `yaml:"issuers"`
	// Client is how the service gets tokens to ask other services with. Required
	// of those that ask: notification and visit-scheduling.
	Client auth.ClientCredentials `yaml:"client"`
	// Peers are the other services' addresses, scheme://host:port by name.
	Peers map[string]string `yaml:"peers"`
	// HomeAgency is the agency whose operators also see to parked events that name
	// no agency at all. Empty is nobody.
	HomeAgency string `yaml:"home_agency"`
	// Rules is a folder with agencies/, calendars/ and programs/ to use instead of those shipped.
	Rules string `yaml:"rules"`
	// OTLP is a collector for traces, http://host:port (gRPC). Empty sends none.
	OTLP string `yaml:"otlp"`
	// TraceRatio is the share of the traces that begin here that is kept, 0 to 1. Empty is all.
	TraceRatio *float64 `yaml:"trace_ratio"`
	// LogLevel is debug, info, warn or error. Empty is info.
	LogLevel string `yaml:"log_level"`
	// UnreadyFor is how long the service goes on serving after it has become
	// unready, so that load balancers notice. 0 is 0.
	UnreadyFor Duration `yaml:"unready_for"`
	// StopWithin bounds the rest of the end. 0 is 20 seconds.
	StopWithin Duration `yaml:"stop_within"`
	// Settings are the service's own; its README lists them.
	Settings map[string]any `yaml:"settings"`
}

// KafkaSecurity says how to reach brokers that want to know who asks.
type KafkaSecurity struct {
	// TLS encrypts the connection.
	TLS bool `yaml:"tls"`
	// CAFile is a PEM file of the authorities to trust; empty is the system's.
	CAFile string `yaml:"ca_file"`
	// Mechanism is "", "plain", "scram-sha-256" or "scram-sha-512".
	Mechanism string `yaml:"mechanism"`
	// Username and Password log in.
	Username string `yaml:"username"`
	Password string `yaml:"password"`
}

// Duration is a time.Duration that reads as "20s".
type Duration time.Duration

// UnmarshalYAML implements yaml.BytesUnmarshaler.
func (d *Duration) UnmarshalYAML(text []byte) error {
	v, err := time.ParseDuration(strings.Trim(strings.TrimSpace(string(text)), `"'`))
	*d = Duration(v)
	return err
}

// or returns d, or fallback when d is zero.
func (d Duration) or(fallback time.Duration) time.Duration {
	if d == 0 {
		return fallback
	}
	return time.Duration(d)
}

// setting is one field that a flag or a variable can set.
type setting struct {
	name, help string
	set        func(c *Config, value string) error
}

func text(field func(*Config) *string) func(*Config, string) error {
	return func(c *Config, value string) error {
		*field(c) = value
		return nil
	}
}

func span(field func(*Config) *Duration) func(*Config, string) error {
	return func(c *Config, value string) error {
		d, err := time.ParseDuration(value)
		*field(c) = Duration(d)
		return err
	}
}

// settings are those that can be said without a file.
func settings() []setting {
	return []setting{
		{"listen", "address of the API", text(func(c *Config) *string { return &c.Listen })},
		{"admin", `address of probes and metrics, or "off"`, text(func(c *Config) *string { return &c.Admin })},
		{"database-url", "database, as the role the service works as", text(func(c *Config) *string { return &c.DatabaseURL })},
		{"migrate-database-url", "database, as the owner of the tables; serve migrates first when it is given", text(func(c *Config) *string { return &c.MigrateDatabaseURL })},
		{"kafka", "brokers, host:port with commas", func(c *Config, v string) error { c.Kafka = strings.Split(v, ","); return nil }},
		{"redis-url", "where rate limits are kept", text(func(c *Config) *string { return &c.RedisURL })},
		{"oidc-issuer", "an issuer to trust for every agency with every role, or URL=agency,agency, or URL=agency,agency;role,role", setIssuer},
		{"client-token-url", "token endpoint for asking other services", text(func(c *Config) *string { return &c.Client.TokenURL })},
		{"client-id", "the service's name at the token endpoint", text(func(c *Config) *string { return &c.Client.ClientID })},
		{"client-secret", "its secret; file:PATH reads it from a file", text(func(c *Config) *string { return &c.Client.ClientSecret })},
		{"peer", "another service's address, name=URL", setPeer},
		{"home-agency", "the agency whose operators see to events that name no agency", text(func(c *Config) *string { return &c.HomeAgency })},
		{"rules", "a folder of rule files to use instead of those shipped", text(func(c *Config) *string { return &c.Rules })},
		{"otlp", "a collector for traces, http://host:port (OTLP/gRPC)", text(func(c *Config) *string { return &c.OTLP })},
		{"log-level", "debug, info, warn or error", text(func(c *Config) *string { return &c.LogLevel })},
		{"unready-for", "how long to serve on after becoming unready", span(func(c *Config) *Duration { return &c.UnreadyFor })},
		{"stop-within", "how long the end may take", span(func(c *Config) *Duration { return &c.StopWithin })},
		{"set", "one of the service's own settings, name=value", setOwn},
	}
}

func setIssuer(c *Config, value string) error {
	url, rest, some := strings.Cut(value, "=")
	issuer := auth.Issuer{URL: url, Agencies: []string{"*"}, Roles: []string{auth.AnyRole}}
	if some {
		agencies, roles, held := strings.Cut(rest, ";")
		issuer.Agencies = strings.Split(agencies, ",")
		if held {
			issuer.Roles = strings.Split(roles, ",")
		}
	}
	c.Issuers = append(c.Issuers, issuer)
	return nil
}

func setPeer(c *Config, value string) error {
	name, url, ok := strings.Cut(value, "=")
	if !ok {
		return errors.New("want name=URL, for example intake=http://intake:8080")
	}
	if c.Peers == nil {
		c.Peers = map[string]string{}
	}
	c.Peers[name] = url
	return nil
}

func setOwn(c *Config, value string) error {
	name, v, ok := strings.Cut(value, "=")
	if !ok {
		return errors.New("want name=value")
	}
	if c.Settings == nil {
		c.Settings = map[string]any{}
	}
	var parsed any
	if err := yaml.Unmarshal([]byte(v), &parsed); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	c.Settings[name] = parsed
	return nil
}

// invocation is what a command line asks for.
type invocation struct {
	command string // "serve", "migrate" or "probe"
	check   bool   // --check-config
	config  Config
	probing probing
}

// parseArgs reads a service's command line, its environment and its file.
func parseArgs(svc Service, args, env []string, out io.Writer) (invocation, error) {
	in := invocation{command: "serve"}
	if len(args) > 0 && !strings.HasPrefix(args[0], "-") {
		in.command, args = args[0], args[1:]
		if !slices.Contains([]string{"serve", "migrate", "probe"}, in.command) {
			return in, fmt.Errorf("%s: there is no command %q: serve (the default), migrate or probe", svc.Name, in.command)
		}
	}
	fs := flag.NewFlagSet(svc.Name, flag.ContinueOnError)
	fs.SetOutput(out)
	file := fs.String("config", lookup(env, "HEARTH_CONFIG"), "the configuration file")
	fs.BoolVar(&in.check, "check-config", false, "say whether the configuration is good, and start nothing")
	if in.command == "probe" {
		fs.StringVar(&in.probing.url, "url", "", "the service to ask, http://host:port")
		fs.StringVar(&in.probing.agency, "agency", "", "the agency to ask for")
		fs.StringVar(&in.probing.source, "source", "/hearth/probe", "the CloudEvents source of what is sent")
		fs.DurationVar(&in.probing.within, "within", time.Minute, "how long it may take")
	}
	var said []func(*Config) error
	for _, s := range settings() {
		fs.Func(s.name, s.help, func(value string) error {
			said = append(said, func(c *Config) error { return apply(s, c, value) })
			return nil
		})
	}
	if err := fs.Parse(args); err != nil {
		return in, err
	}
	if fs.NArg() > 0 {
		return in, fmt.Errorf("%s: %q is one word too many", svc.Name, fs.Arg(0))
	}
	if *file != "" {
		data, err := os.ReadFile(*file)
		if err != nil {
			return in, fmt.Errorf("read the configuration: %w", err)
		}
		if in.config, err = ParseConfig(data); err != nil {
			return in, fmt.Errorf("%s: %w", *file, err)
		}
	}
	var errs []error
	for _, s := range settings() {
		name := "HEARTH_" + strings.ToUpper(strings.ReplaceAll(s.name, "-", "_"))
		if value := lookup(env, name); value != "" {
			if err := s.set(&in.config, value); err != nil {
				errs = append(errs, fmt.Errorf("%s: %w", name, err))
			}
		}
	}
	for _, set := range said {
		errs = append(errs, set(&in.config))
	}
	errs = append(errs, in.config.dereference())
	return in, errors.Join(errs...)
}

func apply(s setting, c *Config, value string) error {
	if err := s.set(c, value); err != nil {
		return fmt.Errorf("--%s: %w", s.name, err)
	}
	return nil
}

// ReadConfig reads a service's configuration file, and the files it names for its secrets.
func ReadConfig(file string) (Config, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return Config{}, fmt.Errorf("read the configuration: %w", err)
	}
	c, err := ParseConfig(data)
	if err != nil {
		return c, fmt.Errorf("%s: %w", file, err)
	}
	return c, c.dereference()
}

// ParseConfig reads a configuration file. Unknown fields are refused with their place.
func ParseConfig(data []byte) (Config, error) {
	var c Config
	if len(bytes.TrimSpace(data)) == 0 {
		return c, nil
	}
	return c, rules.DecodeSecret(data, &c)
}

func lookup(env []string, name string) string {
	i := slices.IndexFunc(env, func(s string) bool { return strings.HasPrefix(s, name+"=") })
	if i < 0 {
		return ""
	}
	return env[i][len(name)+1:]
}

// dereference reads the settings that are given as "file:PATH".
func (c *Config) dereference() error {
	var errs []error
	for _, field := range []*string{&c.DatabaseURL, &c.MigrateDatabaseURL, &c.RedisURL, &c.Client.ClientSecret, &c.KafkaSecurity.Password} {
		path, ok := strings.CutPrefix(*field, "file:")
		if !ok {
			continue
		}
		data, err := os.ReadFile(path)
		if err != nil {
			errs = append(errs, fmt.Errorf("read a setting from its file: %w", err))
			continue
		}
		*field = strings.TrimSpace(string(data))
	}
	return errors.Join(errs...)
}

// check names what is missing for serving.
func (c *Config) check() error {
	var errs []error
	need := func(ok bool, what string) {
		if !ok {
			errs = append(errs, errors.New(what))
		}
	}
	need(c.DatabaseURL != "", "database_url is missing")
	need(len(c.Kafka) > 0, "kafka is missing: name at least one broker, host:port")
	need(len(c.Issuers) > 0, "issuers is missing: without one nobody can ask anything")
	need(c.TraceRatio == nil || (*c.TraceRatio >= 0 && *c.TraceRatio <= 1), "trace_ratio is not between 0 and 1")
	need(slices.Contains([]string{"", "debug", "info", "warn", "error"}, c.LogLevel), "log_level is not debug, info, warn or error")
	need(slices.Contains([]string{"", "plain", "scram-sha-256", "scram-sha-512"}, c.KafkaSecurity.Mechanism), "kafka_security.mechanism is not plain, scram-sha-256 or scram-sha-512")
	return errors.Join(errs...)
}
