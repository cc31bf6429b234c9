package archive

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/segmentio/kafka-go"
)

// Restore puts the backup in dir into a suite whose databases and roles are made
// and empty, whose topics are made and empty, and whose services do not run yet.
//
// Consumers go on where their groups were. What they see again their inboxes know;
// what waits in an outbox is sent by the services when they start.
func Restore(ctx context.Context, dir string, s Suite) (Manifest, error) {
	m, err := Read(dir)
	if err != nil {
		return m, err
	}
	if err := empty(ctx, m, s); err != nil {
		return m, err
	}
	for _, d := range m.Databases {
		if d.File == "" {
			continue // it was restored to the point of the manifest by other means
		}
		if err := load(ctx, dir, d, s.Databases[d.Service]); err != nil {
			return m, err
		}
	}
	for _, t := range m.Topics {
		if err := pourTopic(ctx, dir, s, t); err != nil {
			return m, err
		}
	}
	return m, commit(ctx, m, s)
}

// empty says all that stands in the way of a restore.
func empty(ctx context.Context, m Manifest, s Suite) error {
	var errs []error
	for _, d := range m.Databases {
		url, named := s.Databases[d.Service]
		if !named {
			errs = append(errs, fmt.Errorf("the backup holds a database of %s, and none is named to restore it to", d.Service))
			continue
		}
		if d.File != "" {
			errs = append(errs, noTables(ctx, d.Service, url))
		}
	}
	var topics []string
	for _, t := range m.Topics {
		topics = append(topics, t.Name)
	}
	k, err := openKafka(ctx, Suite{Kafka: s.Kafka, TLS: s.TLS, SASL: s.SASL, Topics: topics})
	if err != nil {
		return errors.Join(append(errs, err)...)
	}
	ends, err := k.ends(ctx, topics)
	if err != nil {
		return errors.Join(append(errs, err)...)
	}
	for _, t := range m.Topics {
		if len(k.partitions[t.Name]) != len(t.Partitions) {
			errs = append(errs, fmt.Errorf("topic %s has %d partitions, and the backup %d: a key would change its place", t.Name, len(k.partitions[t.Name]), len(t.Partitions)))
		}
		if slices.ContainsFunc(ends[t.Name], func(p Partition) bool { return p.End > 0 }) {
			errs = append(errs, fmt.Errorf("topic %s is not new: restore into topics that never held a record", t.Name))
		}
	}
	return errors.Join(errs...)
}

func noTables(ctx context.Context, service, url string) (err error) {
	db, err := pgx.Connect(ctx, url)
	if err != nil {
		return fmt.Errorf("reach the database of %s: %w", service, err)
	}
	defer func() { err = errors.Join(err, db.Close(ctx)) }()
	var tables int
	if err := db.QueryRow(ctx, `SELECT count(*) FROM pg_tables WHERE schemaname = 'public'`).Scan(&tables); err != nil {
		return err
	}
	if tables > 0 {
		return fmt.Errorf("the database of %s has %d tables: restore into an empty one", service, tables)
	}
	return nil
}

// load runs pg_restore.
func load(ctx context.Context, dir string, d Database, url string) error {
	env, err := connection(url)
	if err != nil {
		return err
	}
	c, err := pgx.ParseConfig(url)
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, "pg_restore", "--exit-on-error", "--single-transaction", "--dbname="+c.Database, filepath.Join(dir, d.File))
	cmd.Env = append(os.Environ(), env...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("pg_restore of %s: %w: %s", d.Service, err, strings.TrimSpace(string(out)))
	}
	return nil
}

// commit puts the consumer groups where they were. Topics begin anew at 0, so each
// offset moves by where its partition began.
func commit(ctx context.Context, m Manifest, s Suite) error {
	began := map[string]map[int]int64{}
	for _, t := range m.Topics {
		began[t.Name] = map[int]int64{}
		for _, p := range t.Partitions {
			began[t.Name][p.ID] = p.Begin
		}
	}
	client := s.client()
	for group, topics := range m.Groups {
		req := &kafka.OffsetCommitRequest{GroupID: group, GenerationID: -1, Topics: map[string][]kafka.OffsetCommit{}}
		for topic, partitions := range topics {
			for partition, offset := range partitions {
				req.Topics[topic] = append(req.Topics[topic], kafka.OffsetCommit{Partition: partition, Offset: max(0, offset-began[topic][partition])})
			}
		}
		if len(req.Topics) == 0 {
			continue
		}
		if err := commitGroup(ctx, client, req); err != nil {
			return fmt.Errorf("commit the offsets of group %s: %w", group, err)
		}
	}
	return nil
}

// commitGroup commits a group's offsets. A broker that is new makes the topic that
// keeps them only now, and knows for a while no coordinator.
func commitGroup(ctx context.Context, client *kafka.Client, req *kafka.OffsetCommitRequest) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for {
		err := commitOnce(ctx, client, req)
		if err == nil {
			return nil
		}
		var code kafka.Error
		if !errors.As(err, &code) || !code.Temporary() {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(200 * time.Millisecond):
		}
	}
}

func commitOnce(ctx context.Context, client *kafka.Client, req *kafka.OffsetCommitRequest) error {
	res, err := client.OffsetCommit(ctx, req)
	if err != nil {
		return err
	}
	for topic, partitions := range res.Topics {
		for _, p := range partitions {
			if p.Error != nil {
				return fmt.Errorf("%s/%d: %w", topic, p.Partition, p.Error)
			}
		}
	}
	return nil
}
