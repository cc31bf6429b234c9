package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/jackc/pgx/v5"
	"github.com/segmentio/kafka-go"

	"github.com/hearthfps/hearth/pkg/postgres/launch"
)

// infrastructure is what the suite stands on in one namespace.
type infrastructure struct {
	kube
	// kafka is where operators reach the broker, clients where the services do: these
	// log in there, and may do what their users may.
	kafka, clients string
	admin          *launch.External
	databases      map[string]launch.Database // by service
}

// databaseName is the name of a service's database and of the role it works as.
func databaseName(service string) string { return "hearth_" + strings.ReplaceAll(service, "-", "_") }

// standIns installs PostgreSQL, Kafka, Redis and, with issuer, an issuer, and waits
// until they answer. Pods must be within the restricted Pod Security Standard.
func standIns(ctx context.Context, s settings, namespace string, issuer bool) (*infrastructure, error) {
	k := kube{namespace}
	folder := filepath.Join(s.root, "deploy", "kubernetes", "stand-ins")
	manifest, err := os.ReadFile(filepath.Join(folder, "namespace.yaml"))
	if err != nil {
		return nil, err
	}
	manifest = []byte(strings.ReplaceAll(string(manifest), "name: hearth", "name: "+namespace))
	if _, err := command(ctx, manifest, "kubectl", "apply", "--filename", "-"); err != nil {
		return nil, err
	}
	password, err := k.kept(ctx, "postgres")
	if err != nil {
		return nil, err
	}
	files := []string{"postgres.yaml", "kafka.yaml", "redis.yaml"}
	waits := []string{"statefulset/postgres", "statefulset/kafka", "deployment/redis"}
	if issuer {
		files, waits = append(files, "issuer.yaml"), append(waits, "deployment/issuer")
	}
	for _, f := range files {
		if _, err := k.do(ctx, "apply", "--filename", filepath.Join(folder, f)); err != nil {
			return nil, err
		}
	}
	for _, w := range waits {
		if _, err := k.do(ctx, "rollout", "status", w, "--timeout", "5m"); err != nil {
			return nil, err
		}
	}
	in := &infrastructure{kube: k, kafka: "kafka." + namespace + ".svc.cluster.local:9095", clients: "kafka." + namespace + ".svc.cluster.local:9092", databases: map[string]launch.Database{}}
	at := fmt.Sprintf("postgres://postgres:%s@postgres.%s.svc.cluster.local:5432/postgres", password, namespace)
	if in.admin, err = launch.At(at, filepath.Join(s.dir, namespace+"-database-password")); err != nil {
		return nil, err
	}
	return in, in.awaitDatabase(ctx, at)
}

// kept is the password in a Secret, drawn the first time: servers keep the one they were made with.
func (k kube) kept(ctx context.Context, name string) (string, error) {
	had, err := k.do(ctx, "get", "secret", name, "--ignore-not-found", "--output", "go-template={{.data.password | base64decode}}")
	if err != nil || had != "" {
		return had, err
	}
	drawn := rand.Text()
	return drawn, k.secret(ctx, name, map[string]string{"password": drawn})
}

// awaitDatabase waits until PostgreSQL takes connections through its Service.
func (in *infrastructure) awaitDatabase(ctx context.Context, at string) error {
	return await(ctx, time.Minute, "a connection to PostgreSQL", func(ctx context.Context) error {
		db, err := pgx.Connect(ctx, at)
		if err != nil {
			return err
		}
		return db.Close(ctx)
	})
}

// databases makes each service's database and its two roles.
func (in *infrastructure) makeDatabases(ctx context.Context) error {
	for _, name := range services {
		d, err := in.admin.Database(ctx, databaseName(name))
		if err != nil {
			return fmt.Errorf("the database of %s: %w", name, err)
		}
		in.databases[name] = d
	}
	return nil
}

// topic is a KafkaTopic of deploy/kubernetes/infrastructure/kafka.
type topic struct {
	Kind     string `yaml:"kind"`
	Metadata struct {
		Name string `yaml:"name"`
	} `yaml:"metadata"`
	Spec struct {
		Partitions int            `yaml:"partitions"`
		Replicas   int            `yaml:"replicas"`
		Config     map[string]any `yaml:"config"`
	} `yaml:"spec"`
}

// readTopics reads the topics a deployment has.
func readTopics(root string) ([]topic, error) {
	data, err := os.ReadFile(filepath.Join(root, "deploy", "kubernetes", "infrastructure", "kafka", "topics.yaml"))
	if err != nil {
		return nil, err
	}
	var topics []topic
	for i, part := range strings.Split(string(data), "\n---\n") {
		var t topic
		if err := yaml.Unmarshal([]byte(part), &t); err != nil {
			return nil, fmt.Errorf("topics.yaml, document %d: %w", i+1, err)
		}
		if t.Kind == "KafkaTopic" {
			topics = append(topics, t)
		}
	}
	return topics, nil
}

// makeTopics makes the deployment's topics on the one broker there is.
func (in *infrastructure) makeTopics(ctx context.Context, root string) error {
	topics, err := readTopics(root)
	if err != nil {
		return err
	}
	req := &kafka.CreateTopicsRequest{}
	for _, t := range topics {
		c := kafka.TopicConfig{Topic: t.Metadata.Name, NumPartitions: t.Spec.Partitions, ReplicationFactor: 1}
		for name, value := range t.Spec.Config {
			if name == "min.insync.replicas" {
				continue // there is one replica
			}
			c.ConfigEntries = append(c.ConfigEntries, kafka.ConfigEntry{ConfigName: name, ConfigValue: fmt.Sprint(value)})
		}
		req.Topics = append(req.Topics, c)
	}
	return await(ctx, time.Minute, "the topics", func(ctx context.Context) error {
		client := &kafka.Client{Addr: kafka.TCP(in.kafka), Timeout: 10 * time.Second}
		res, err := client.CreateTopics(ctx, req)
		if err != nil {
			return err
		}
		var errs []error
		for name, err := range res.Errors {
			if err != nil && !errors.Is(err, kafka.TopicAlreadyExists) {
				errs = append(errs, fmt.Errorf("topic %s with %s partitions: %w", name, strconv.Itoa(12), err))
			}
		}
		return errors.Join(errs...)
	})
}

// await tries until it works, or returns what it failed with last.
func await(ctx context.Context, within time.Duration, what string, try func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	for {
		err := try(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s did not come within %s: %w", what, within, err)
		case <-time.After(200 * time.Millisecond):
		}
	}
}
