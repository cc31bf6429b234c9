package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"github.com/hearthfps/hearth/services/hearth"
)

const root = "../.."

// asyncapi is what is read of api-specs/asyncapi.yaml.
type asyncapi struct {
	Channels map[string]struct {
		Address  string `yaml:"address"`
		Bindings struct {
			Kafka struct {
				Partitions    int            `yaml:"partitions"`
				Configuration map[string]any `yaml:"topicConfiguration"`
			} `yaml:"kafka"`
		} `yaml:"bindings"`
	} `yaml:"channels"`
	Operations map[string]struct {
		Action  string `yaml:"action"`
		Channel struct {
			Ref string `yaml:"$ref"`
		} `yaml:"channel"`
		Summary string `yaml:"summary"`
	} `yaml:"operations"`
}

func contract(t *testing.T) (a asyncapi) {
	t.Helper()
	decode(t, filepath.Join(root, "api-specs", "asyncapi.yaml"), func(d *yaml.Decoder) error { return d.Decode(&a) })
	return a
}

func decode(t *testing.T, file string, read func(*yaml.Decoder) error) {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	d := yaml.NewDecoder(bytes.NewReader(data))
	for {
		if err := read(d); errors.Is(err, io.EOF) {
			return
		} else if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
	}
}

func TestTopics_AreThoseOfTheContract(t *testing.T) {
	topics, err := readTopics(root)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]topic{}
	for _, one := range topics {
		if _, twice := got[one.Metadata.Name]; twice {
			t.Errorf("topic %s stands twice", one.Metadata.Name)
		}
		got[one.Metadata.Name] = one
	}
	want := hearth.Topics()
	for _, name := range want {
		if _, there := got[name]; !there {
			t.Errorf("topic %s is missing", name)
		}
	}
	if len(got) != len(want) {
		t.Errorf("there are %d topics, and the suite has %d", len(got), len(want))
	}
	channels := contract(t).Channels
	if len(channels) != len(want) {
		t.Errorf("the contract has %d channels, and the suite %d topics", len(channels), len(want))
	}
	for _, c := range channels {
		one := got[c.Address]
		if one.Spec.Partitions != c.Bindings.Kafka.Partitions {
			t.Errorf("topic %s has %d partitions, the contract says %d", c.Address, one.Spec.Partitions, c.Bindings.Kafka.Partitions)
		}
		for name, value := range c.Bindings.Kafka.Configuration {
			if list, ok := value.([]any); ok {
				value = list[0]
			}
			if fmt.Sprint(one.Spec.Config[name]) != fmt.Sprint(value) {
				t.Errorf("topic %s has %s=%v, the contract says %v", c.Address, name, one.Spec.Config[name], value)
			}
		}
		if one.Spec.Replicas < 3 || fmt.Sprint(one.Spec.Config["min.insync.replicas"]) != "2" {
			t.Errorf("topic %s has %d replicas, %v of them in step: want 3 and 2, so that one may be lost", c.Address, one.Spec.Replicas, one.Spec.Config["min.insync.replicas"])
		}
	}
}

// keepInbox is for how many days a consumer remembers what it has taken in
// (events.Config.KeepInbox).
const keepInbox = 30

func TestTopics_KeepLessThanConsumersRemember(t *testing.T) {
	topics, err := readTopics(root)
	if err != nil {
		t.Fatal(err)
	}
	for _, one := range topics {
		var days float64
		for _, name := range []string{"retention.ms", "segment.ms"} {
			var ms float64
			if _, err := fmt.Sscan(fmt.Sprint(one.Spec.Config[name]), &ms); err != nil {
				t.Errorf("topic %s: %s: %v", one.Metadata.Name, name, err)
			}
			days += ms / 86_400_000
		}
		if days >= keepInbox {
			t.Errorf("topic %s may hold events for %g days, and consumers remember %d: a replay would have effects twice", one.Metadata.Name, days, keepInbox)
		}
	}
}

// allowed are the rights of the users, each as "user: operation type name".
func allowed(t *testing.T) (rights []string) {
	t.Helper()
	users, err := readUsers(root)
	if err != nil {
		t.Fatal(err)
	}
	for _, u := range users {
		for _, acl := range u.Spec.Authorization.ACLs {
			if acl.Resource.Pattern != "literal" || strings.Contains(acl.Resource.Name, "*") {
				t.Errorf("%s: the rule for %s %q is a %s pattern, want one name", u.Metadata.Name, acl.Resource.Type, acl.Resource.Name, acl.Resource.Pattern)
			}
			for _, operation := range acl.Operations {
				rights = append(rights, fmt.Sprintf("%s: %s %s %s", u.Metadata.Name, operation, acl.Resource.Type, acl.Resource.Name))
			}
		}
		if _, err := u.entries(); err != nil {
			t.Error(err)
		}
	}
	slices.Sort(rights)
	return rights
}

func TestUsers_MayDoWhatTheContractSaysAndNothingElse(t *testing.T) {
	a := contract(t)
	inGroup := regexp.MustCompile(`group ([a-z-]+)\.`)
	var want []string
	grant := func(who, what, kind, name string) {
		for _, operation := range []string{"Describe", what} {
			want = append(want, fmt.Sprintf("%s: %s %s %s", who, operation, kind, name))
		}
	}
	for name, o := range a.Operations {
		address := a.Channels[strings.TrimPrefix(o.Channel.Ref, "#/channels/")].Address
		switch {
		case o.Action == "receive":
			m := inGroup.FindStringSubmatch(o.Summary)
			if m == nil {
				t.Fatalf("operation %s names no group in its summary", name)
			}
			grant(m[1], "Read", "topic", address)
		case address == "referrals.inbound.v1":
			grant("referrals-example", "Write", "topic", address)
		default:
			grant(strings.TrimSuffix(address, ".events.v1"), "Write", "topic", address)
		}
	}
	for _, c := range a.Channels {
		grant("backup", "Read", "topic", c.Address)
	}
	for _, s := range services {
		grant(s, "Read", "group", s)
		want = append(want, "backup: Describe group "+s)
	}
	slices.Sort(want)
	want = slices.Compact(want) // planning reads and writes its own topic, and describes it once
	got := slices.Compact(allowed(t))
	for _, right := range want {
		if !slices.Contains(got, right) {
			t.Errorf("missing: %s", right)
		}
	}
	for _, right := range got {
		if !slices.Contains(want, right) {
			t.Errorf("more than the contract says: %s", right)
		}
	}
}

func TestUsers_MayReadWhatTheChartsSayTheServicesTakeIn(t *testing.T) {
	rights := allowed(t)
	for _, s := range services {
		var chart struct {
			Annotations map[string]string `yaml:"annotations"`
		}
		decode(t, filepath.Join(root, "helm", s, "Chart.yaml"), func(d *yaml.Decoder) error { return d.Decode(&chart) })
		want := strings.Split(chart.Annotations["hearth/consumes"], ",")
		slices.Sort(want)
		var got []string
		for _, r := range rights {
			if topic, ok := strings.CutPrefix(r, s+": Read topic "); ok {
				got = append(got, topic)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s may read %v and takes in %v", s, got, want)
		}
	}
}

func TestDatabases_EachServiceHasItsOwnAndTwoRoles(t *testing.T) {
	type document struct {
		Kind string `yaml:"kind"`
		Spec struct {
			Name       string `yaml:"name"`
			Owner      string `yaml:"owner"`
			PostgreSQL struct {
				HBA []string `yaml:"pg_hba"`
			} `yaml:"postgresql"`
			Managed struct {
				Roles []struct {
					Name       string `yaml:"name"`
					Login      bool   `yaml:"login"`
					Superuser  bool   `yaml:"superuser"`
					BypassRLS  bool   `yaml:"bypassrls"`
					CreateRole bool   `yaml:"createrole"`
					CreateDB   bool   `yaml:"createdb"`
				} `yaml:"roles"`
			} `yaml:"managed"`
		} `yaml:"spec"`
	}
	databases, roles := map[string]string{}, map[string]bool{}
	var hba []string
	decode(t, filepath.Join(root, "deploy", "kubernetes", "infrastructure", "postgres", "cluster.yaml"), func(d *yaml.Decoder) error {
		var one document
		if err := d.Decode(&one); err != nil {
			return err
		}
		switch one.Kind {
		case "Database":
			databases[one.Spec.Name] = one.Spec.Owner
		case "Cluster":
			hba = one.Spec.PostgreSQL.HBA
			for _, r := range one.Spec.Managed.Roles {
				if r.Superuser || r.BypassRLS || r.CreateRole || r.CreateDB || !r.Login {
					t.Errorf("role %s is %+v: want one that logs in and may do nothing else", r.Name, r)
				}
				roles[r.Name] = true
			}
		}
		return nil
	})
	for _, s := range services {
		name := databaseName(s)
		if databases[name] != name+"_owner" {
			t.Errorf("database %s belongs to %q, want %s_owner", name, databases[name], name)
		}
		if !roles[name] || !roles[name+"_owner"] {
			t.Errorf("%s lacks one of its two roles", s)
		}
		if want := fmt.Sprintf("hostssl %s %s,%s_owner all scram-sha-256", name, name, name); !slices.Contains(hba, want) {
			t.Errorf("pg_hba lacks %q", want)
		}
	}
	if len(databases) != len(services) || len(roles) != 2*len(services) {
		t.Errorf("there are %d databases and %d roles for %d services", len(databases), len(roles), len(services))
	}
	if len(hba) == 0 || !strings.HasSuffix(hba[len(hba)-1], " all reject") {
		t.Error("the last rule of pg_hba does not turn the services' roles away from other databases")
	}
}
