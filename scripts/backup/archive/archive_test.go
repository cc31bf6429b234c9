package archive_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/segmentio/kafka-go"

	"github.com/hearthfps/hearth/pkg/events"
	"github.com/hearthfps/hearth/pkg/postgres"
	"github.com/hearthfps/hearth/pkg/postgres/launch"
	"github.com/hearthfps/hearth/pkg/tenant"
	"github.com/hearthfps/hearth/pkg/testkit"
	"github.com/hearthfps/hearth/scripts/backup/archive"
)

const (
	topic   = "intake.events.v1"
	said    = "org.hearth.intake.referral.withdrawn.v1"
	enough  = 150 // events before the backup is taken
	further = 100 // and after
)

// saying is where the producer of these tests writes down what it published, in
// the transaction that published it.
var saying = fstest.MapFS{"00001_said.sql": {Data: []byte(`-- +goose Up
CREATE TABLE said (
    agency_id text NOT NULL DEFAULT current_setting('hearth.agency'),
    n         bigint NOT NULL,
    PRIMARY KEY (agency_id, n)
);
SELECT hearth_protect('said');
CREATE TABLE heard (
    agency_id text NOT NULL DEFAULT current_setting('hearth.agency'),
    seq       bigint GENERATED ALWAYS AS IDENTITY,
    n         bigint NOT NULL,
    PRIMARY KEY (agency_id, seq)
);
SELECT hearth_protect('heard');
`)}}

// pair is two services, one that publishes and one that takes in, on parts of their own.
type pair struct {
	suite   archive.Suite
	runtime map[string]string
}

func newPair(t *testing.T, server *launch.Server, prefix string, migrate bool) pair {
	t.Helper()
	p := pair{runtime: map[string]string{}, suite: archive.Suite{
		Databases: map[string]string{}, Kafka: testkit.Broker(t, topic)[0], Topics: []string{topic}, Groups: []string{"intake", "planning"},
	}}
	for _, service := range p.suite.Groups {
		d, err := server.Database(t.Context(), prefix+service)
		if err != nil {
			t.Fatal(err)
		}
		if migrate {
			if err := postgres.Migrate(t.Context(), d.OwnerURL, prefix+service, saying); err != nil {
				t.Fatal(err)
			}
		}
		p.suite.Databases[service], p.runtime[service] = server.AdminURL(prefix+service), d.RuntimeURL
	}
	return p
}

// run runs both services' ends of the backbone until the returned function is called.
func (p pair) run(t *testing.T) (intake *postgres.DB, stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	log := slog.New(slog.DiscardHandler)
	var ended []chan error
	var opened []*postgres.DB
	for _, service := range p.suite.Groups {
		db, err := postgres.Open(ctx, postgres.Config{URL: p.runtime[service]})
		if err != nil {
			t.Fatal(err)
		}
		opened = append(opened, db)
		c := events.Config{Service: service, DB: db, Brokers: []string{p.suite.Kafka}, Log: log}
		if service == "planning" {
			c.Subscriptions = []events.Subscription{{Topics: []string{topic}, Handlers: map[string]events.Handler{said: hear}}}
		}
		engine, err := events.New(c)
		if err != nil {
			t.Fatal(err)
		}
		done := make(chan error, 1)
		ended = append(ended, done)
		go func() { done <- engine.Run(ctx) }()
	}
	return opened[0], func() {
		cancel()
		for i := range ended {
			if err := <-ended[i]; err != nil {
				t.Error(err)
			}
			if err := opened[i].Close(); err != nil {
				t.Error(err)
			}
		}
	}
}

func hear(ctx context.Context, tx *postgres.Tx, e events.Event) error {
	var data struct {
		N int `json:"n"`
	}
	if err := e.Decode(&data); err != nil {
		return err
	}
	_, err := tx.ExecContext(ctx, `INSERT INTO heard (n) VALUES ($1)`, data.N)
	return err
}

// say publishes event n and writes it down.
func say(ctx context.Context, db *postgres.DB, n int) error {
	id, err := tenant.Parse("lakeland")
	if err != nil {
		return err
	}
	return db.InTenant(tenant.With(ctx, id), func(ctx context.Context, tx *postgres.Tx) error {
		if _, err := tx.ExecContext(ctx, `INSERT INTO said (n) VALUES ($1)`, n); err != nil {
			return err
		}
		key := fmt.Sprintf("key-%d", n%17)
		return events.Publish(ctx, tx, events.Draft{Type: said, Subject: key, Key: key, Version: int64(n), Data: map[string]any{"n": n}})
	})
}

// numbers reads a column of numbers from a service's database, in order.
func (p pair) numbers(t *testing.T, service, query string) []int {
	t.Helper()
	db, err := pgx.Connect(t.Context(), p.suite.Databases[service])
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close(context.Background())
	rows, err := db.Query(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}
	found, err := pgx.CollectRows(rows, pgx.RowTo[int])
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(found)
	return found
}

func TestBackup_IsACutThatASuiteGoesOnFrom(t *testing.T) {
	if _, err := exec.LookPath("pg_dump"); err != nil {
		t.Skip("skipped: there is no pg_dump")
	}
	server, err := launch.Start(t.Context(), launch.Options{Dir: t.TempDir(), Ephemeral: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
	from := newPair(t, server, "from_", true)
	intake, stop := from.run(t)

	// Two publish as fast as they can, before, during and after the backup.
	var answered [2][]time.Time
	publishing, finish := context.WithCancel(t.Context())
	failed := make(chan error, 2)
	reached, goOn := make(chan struct{}), make(chan struct{})
	for i := range 2 {
		go func() {
			defer func() { failed <- nil }()
			for n := i; publishing.Err() == nil; n += 2 {
				if err := say(t.Context(), intake, n); err != nil {
					failed <- err
					return
				}
				answered[i] = append(answered[i], time.Now())
				if len(answered[i]) == enough/2 && i == 0 {
					close(reached)
				}
				select {
				case <-goOn:
					if len(answered[i]) > further {
						return
					}
				default:
				}
			}
		}()
	}
	select {
	case <-reached:
	case err := <-failed:
		t.Fatal("publishing ended early:", err)
	}
	dir := filepath.Join(t.TempDir(), "backup")
	m, err := archive.Take(t.Context(), from.suite, archive.Options{Dir: dir, Within: 30 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	close(goOn)
	finish()
	for range 2 {
		if err := <-failed; err != nil {
			t.Fatal(err)
		}
	}
	stop()

	to := newPair(t, server, "to_", false)
	for service := range to.runtime { // the roles of the copied databases must be there, and are: the server is the same
		if err := grantConnect(t.Context(), server, "to_"+service, "from_"+service); err != nil {
			t.Fatal(err)
		}
		to.runtime[service] = strings.Replace(from.runtime[service], "/from_"+service, "/to_"+service, 1)
	}
	if _, err := archive.Restore(t.Context(), dir, to.suite); err != nil {
		t.Fatal(err)
	}

	saidThen := to.numbers(t, "intake", `SELECT n FROM said`)
	waiting := to.numbers(t, "intake", `SELECT (data::json->>'n')::int FROM outbox`)
	heardThen := to.numbers(t, "planning", `SELECT n FROM heard`)
	sentThen := records(t, dir)
	total := len(answered[0]) + len(answered[1])
	if len(saidThen) < enough/2 || len(saidThen) >= total {
		t.Errorf("the copy knows %d of %d events: it is not of a moment in the middle", len(saidThen), total)
	}
	for i, times := range answered {
		for at, when := range times {
			n := 2*at + i
			_, there := slices.BinarySearch(saidThen, n)
			if when.Before(m.Began) && !there {
				t.Errorf("event %d was published before the moment and is not in the copy", n)
			}
		}
	}
	missing := 0
	for _, n := range saidThen {
		if !slices.Contains(waiting, n) && !slices.Contains(sentThen, n) {
			missing++
		}
	}
	if missing > 0 {
		t.Errorf("%d events of the copy are in neither its outbox nor its topic", missing)
	}
	for what, some := range map[string][]int{"taken in": heardThen, "in the topic": sentThen} {
		for _, n := range some {
			if _, there := slices.BinarySearch(saidThen, n); !there {
				t.Errorf("event %d is %s and its producer does not know it", n, what)
			}
		}
	}

	if _, err := archive.Restore(t.Context(), dir, to.suite); err == nil || !strings.Contains(err.Error(), "restore into") {
		t.Errorf("a restore over what stands says %v, want a refusal", err)
	}

	_, stop = to.run(t)
	deadline := time.Now().Add(2 * time.Minute)
	for len(to.numbers(t, "planning", `SELECT n FROM heard`)) < len(saidThen) && time.Now().Before(deadline) {
		time.Sleep(50 * time.Millisecond)
	}
	stop()
	if heard := to.numbers(t, "planning", `SELECT n FROM heard`); !slices.Equal(heard, saidThen) {
		t.Errorf("after going on from the backup %d events are heard, want each of the %d once", len(heard), len(saidThen))
	}
}

// grantConnect lets a role use another database.
func grantConnect(ctx context.Context, server *launch.Server, database, role string) error {
	db, err := pgx.Connect(ctx, server.AdminURL("postgres"))
	if err != nil {
		return err
	}
	defer db.Close(context.Background())
	_, err = db.Exec(ctx, fmt.Sprintf("GRANT CONNECT ON DATABASE %s TO %s", pgx.Identifier{database}.Sanitize(), pgx.Identifier{role}.Sanitize()))
	return err
}

// records are the numbers in the copy of the topic.
func records(t *testing.T, dir string) []int {
	t.Helper()
	f, err := os.Open(filepath.Join(dir, topic+".ndjson.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	packed, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	var found []int
	for lines := bufio.NewScanner(packed); lines.Scan(); {
		var r struct{ Value []byte }
		var data struct{ N int }
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(r.Value, &data); err != nil {
			t.Fatal(err)
		}
		found = append(found, data.N)
	}
	return found
}

func TestRead_RefusesWhatIsNotWhole(t *testing.T) {
	suite := archive.Suite{Databases: map[string]string{}, Kafka: testkit.Broker(t, topic)[0], Topics: []string{topic}}
	w := &kafka.Writer{Addr: kafka.TCP(suite.Kafka), Topic: topic, RequiredAcks: kafka.RequireAll}
	defer w.Close()
	if err := w.WriteMessages(t.Context(), kafka.Message{Key: []byte("k"), Value: []byte("v")}); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "backup")
	m, err := archive.Take(t.Context(), suite, archive.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	if m.Records() != 1 {
		t.Errorf("the backup has %d records, want 1", m.Records())
	}
	file := filepath.Join(dir, topic+".ndjson.gz")
	whole, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, bytes.ToUpper(whole), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := archive.Read(dir); err == nil || !strings.Contains(err.Error(), "damaged") {
		t.Errorf("Read of a changed file says %v, want that it is damaged", err)
	}
	if err := os.Remove(filepath.Join(dir, "manifest.json")); err != nil {
		t.Fatal(err)
	}
	if _, err := archive.Read(dir); err == nil || !strings.Contains(err.Error(), "no backup that was finished") {
		t.Errorf("Read without a manifest says %v, want that it was not finished", err)
	}
}
