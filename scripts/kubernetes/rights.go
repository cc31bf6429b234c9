package main

import (
	"context"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha512"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/sasl/scram"
)

// user is a KafkaUser of deploy/kubernetes/infrastructure/kafka.
type user struct {
	Kind     string `yaml:"kind"`
	Metadata struct {
		Name string `yaml:"name"`
	} `yaml:"metadata"`
	Spec struct {
		Authorization struct {
			ACLs []acl `yaml:"acls"`
		} `yaml:"authorization"`
	} `yaml:"spec"`
}

// acl is what a user may do with one thing.
type acl struct {
	Resource struct {
		Type    string `yaml:"type"`
		Name    string `yaml:"name"`
		Pattern string `yaml:"patternType"`
	} `yaml:"resource"`
	Operations []string `yaml:"operations"`
}

// readUsers reads the users a deployment has.
func readUsers(root string) ([]user, error) {
	data, err := os.ReadFile(filepath.Join(root, "deploy", "kubernetes", "infrastructure", "kafka", "users.yaml"))
	if err != nil {
		return nil, err
	}
	var users []user
	for i, part := range strings.Split(string(data), "\n---\n") {
		var u user
		if err := yaml.Unmarshal([]byte(part), &u); err != nil {
			return nil, fmt.Errorf("users.yaml, document %d: %w", i+1, err)
		}
		if u.Kind == "KafkaUser" {
			users = append(users, u)
		}
	}
	return users, nil
}

// entries are a user's rights as the broker knows them.
func (u user) entries() ([]kafka.ACLEntry, error) {
	var all []kafka.ACLEntry
	for _, a := range u.Spec.Authorization.ACLs {
		for _, name := range a.Operations {
			e := kafka.ACLEntry{
				ResourceName: a.Resource.Name, Principal: "User:" + u.Metadata.Name, Host: "*", PermissionType: kafka.ACLPermissionTypeAllow,
			}
			err := errors.Join(
				e.ResourceType.UnmarshalText([]byte(a.Resource.Type)),
				e.ResourcePatternType.UnmarshalText([]byte(a.Resource.Pattern)),
				e.Operation.UnmarshalText([]byte(name)),
			)
			if err != nil {
				return nil, fmt.Errorf("user %s: %w", u.Metadata.Name, err)
			}
			all = append(all, e)
		}
	}
	return all, nil
}

// makeUsers gives the broker the deployment's users and their rights, as Strimzi's
// user operator does, and keeps their passwords in Secrets as it does.
func (in *infrastructure) makeUsers(ctx context.Context, root string) error {
	users, err := readUsers(root)
	if err != nil {
		return err
	}
	credentials := &kafka.AlterUserScramCredentialsRequest{}
	rights := &kafka.CreateACLsRequest{}
	for _, u := range users {
		password, err := in.kept(ctx, "kafka-"+u.Metadata.Name)
		if err != nil {
			return err
		}
		const iterations = 4096 // the fewest Kafka takes
		salt := make([]byte, 16)
		rand.Read(salt)
		salted, err := pbkdf2.Key(sha512.New, password, salt, iterations, sha512.Size)
		if err != nil {
			return err
		}
		credentials.Upsertions = append(credentials.Upsertions, kafka.UserScramCredentialsUpsertion{
			Name: u.Metadata.Name, Mechanism: kafka.ScramMechanismSha512, Iterations: iterations, Salt: salt, SaltedPassword: salted,
		})
		entries, err := u.entries()
		if err != nil {
			return err
		}
		rights.ACLs = append(rights.ACLs, entries...)
	}
	client := &kafka.Client{Addr: kafka.TCP(in.kafka), Timeout: 20 * time.Second}
	made, err := client.AlterUserScramCredentials(ctx, credentials)
	if err != nil {
		return fmt.Errorf("make Kafka's users: %w", err)
	}
	var errs []error
	for _, r := range made.Results {
		if r.Error != nil {
			errs = append(errs, fmt.Errorf("make Kafka's user %s: %w", r.User, r.Error))
		}
	}
	given, err := client.CreateACLs(ctx, rights)
	if err != nil {
		return errors.Join(append(errs, fmt.Errorf("give Kafka's users their rights: %w", err))...)
	}
	return errors.Join(append(errs, given.Errors...)...)
}

// tryForbidden has every user try what nobody gave them the right to, and fails
// unless the broker refuses all of it. That they may do what they must is shown by
// the services that work.
func (in *infrastructure) tryForbidden(ctx context.Context, root string) (Figures, error) {
	users, err := readUsers(root)
	if err != nil {
		return nil, err
	}
	topics, err := readTopics(root)
	if err != nil {
		return nil, err
	}
	refused := 0
	for _, u := range users {
		password, err := in.kept(ctx, "kafka-"+u.Metadata.Name)
		if err != nil {
			return nil, err
		}
		mechanism, err := scram.Mechanism(scram.SHA512, u.Metadata.Name, password)
		if err != nil {
			return nil, err
		}
		client := &kafka.Client{Addr: kafka.TCP(in.clients), Timeout: 10 * time.Second, Transport: &kafka.Transport{SASL: mechanism}}
		for _, t := range topics {
			if u.may("Write", t.Metadata.Name) {
				continue
			}
			// Of a topic that a user may not even describe, the broker says it is not there.
			err := writeTo(ctx, client, t.Metadata.Name)
			if !errors.Is(err, kafka.TopicAuthorizationFailed) && !errors.Is(err, kafka.UnknownTopicOrPartition) {
				return nil, fmt.Errorf("%s writes to %s and is told %v, want that it may not", u.Metadata.Name, t.Metadata.Name, err)
			}
			refused++
		}
		client.Transport.(*kafka.Transport).CloseIdleConnections()
	}
	return Figures{"refused": refused}, nil
}

// may reports whether a user was given a right to a topic.
func (u user) may(operation, topic string) bool {
	return slices.ContainsFunc(u.Spec.Authorization.ACLs, func(a acl) bool {
		return a.Resource.Type == "topic" && a.Resource.Name == topic && slices.Contains(a.Operations, operation)
	})
}

// writeTo tries to write one record.
func writeTo(ctx context.Context, client *kafka.Client, topic string) error {
	w := &kafka.Writer{
		Addr: client.Addr, Transport: client.Transport, Topic: topic, RequiredAcks: kafka.RequireAll,
		MaxAttempts: 1, BatchTimeout: time.Millisecond,
	}
	err := w.WriteMessages(ctx, kafka.Message{Key: []byte("a user that may not")})
	var each kafka.WriteErrors
	if errors.As(err, &each) {
		err = errors.Join(each...)
	}
	return errors.Join(err, w.Close())
}
