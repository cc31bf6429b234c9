package events_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/hearthfps/hearth/pkg/events"
	"github.com/hearthfps/hearth/pkg/fault"
	"github.com/hearthfps/hearth/pkg/postgres"
	"github.com/hearthfps/hearth/pkg/tenant"
	"github.com/hearthfps/hearth/pkg/testkit"
)

func TestMain(m *testing.M) {
	if config := os.Getenv(memberEnv); config != "" {
		if err := runMember(config); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	goleak.VerifyTestMain(m)
}

const (
	topic = "test.events.v1"
	done  = "org.hearth.test.thing.done.v1"
)

// effects is where the handlers of these tests write what they saw.
var effects = fstest.MapFS{"00001_effect.sql": {Data: []byte(`-- +goose Up
CREATE TABLE effect (
    agency_id text NOT NULL DEFAULT current_setting('hearth.agency'),
    seq       bigint GENERATED ALWAYS AS IDENTITY,
    key       text NOT NULL,
    version   bigint NOT NULL,
    PRIMARY KEY (agency_id, seq)
);
SELECT hearth_protect('effect');
CREATE TABLE aggregate (
    agency_id text NOT NULL DEFAULT current_setting('hearth.agency'),
    key       text NOT NULL,
    version   bigint NOT NULL,
    PRIMARY KEY (agency_id, key)
);
SELECT hearth_protect('aggregate');
`)}}

func agency(t testing.TB, slug string) context.Context {
	t.Helper()
	a, err := tenant.Parse(slug)
	if err != nil {
		t.Fatal(err)
	}
	return tenant.With(t.Context(), a)
}

func quiet(t testing.TB) *slog.Logger {
	return slog.New(slog.NewTextHandler(testWriter{t}, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

type testWriter struct{ t testing.TB }

func (w testWriter) Write(p []byte) (int, error) {
	if testing.Verbose() {
		w.t.Logf("%s", p)
	}
	return len(p), nil
}

// start runs an engine until the test ends or stop is called.
func start(t testing.TB, config events.Config) (stop func()) {
	t.Helper()
	if config.Log == nil {
		config.Log = quiet(t)
	}
	engine, err := events.New(config)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- engine.Run(ctx) }()
	var once sync.Once
	stop = func() {
		once.Do(func() {
			cancel()
			select {
			case err := <-ended:
				if err != nil {
					t.Errorf("engine: %v", err)
				}
			case <-time.After(30 * time.Second):
				t.Error("the engine does not stop")
			}
		})
	}
	t.Cleanup(stop)
	return stop
}

// eventually waits until ok, and fails the test with what it was waiting for.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatalf("waited too long: %s", what)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// publish raises each key's aggregate by one and publishes its new version.
func publish(ctx context.Context, db *postgres.DB, keys ...string) error {
	return db.InTenant(ctx, func(ctx context.Context, tx *postgres.Tx) error {
		slices.Sort(keys)
		for _, key := range keys {
			var version int64
			if err := tx.GetContext(ctx, &version, `INSERT INTO aggregate (key, version) VALUES ($1, 1)
				ON CONFLICT (agency_id, key) DO UPDATE SET version = aggregate.version + 1 RETURNING version`, key); err != nil {
				return err
			}
			if err := events.Publish(ctx, tx, events.Draft{Type: done, Subject: key, Key: key, Version: version, Data: map[string]any{"key": key, "version": version}}); err != nil {
				return err
			}
		}
		return nil
	})
}

// record is a handler that writes down what it sees.
func record(ctx context.Context, tx *postgres.Tx, e events.Event) error {
	_, err := tx.ExecContext(ctx, "INSERT INTO effect (key, version) VALUES ($1, $2)", e.Key, e.Version)
	return err
}

// seen is what the handlers wrote down: each key's versions in order of effect.
func seen(t testing.TB, ctx context.Context, db *postgres.DB) map[string][]int64 {
	t.Helper()
	var rows []struct {
		Key     string `db:"key"`
		Version int64  `db:"version"`
	}
	if err := db.InTenant(ctx, func(ctx context.Context, tx *postgres.Tx) error {
		return tx.SelectContext(ctx, &rows, "SELECT key, version FROM effect ORDER BY seq")
	}); err != nil {
		t.Fatal(err)
	}
	got := map[string][]int64{}
	for _, row := range rows {
		got[row.Key] = append(got[row.Key], row.Version)
	}
	return got
}

func count(got map[string][]int64) (n int) {
	for _, versions := range got {
		n += len(versions)
	}
	return n
}

// upTo is 1, 2, … n.
func upTo(n int64) []int64 {
	var want []int64
	for i := int64(1); i <= n; i++ {
		want = append(want, i)
	}
	return want
}

func scalar[T any](t testing.TB, ctx context.Context, db *postgres.DB, query string, args ...any) (value T) {
	t.Helper()
	if err := db.InTenant(ctx, func(ctx context.Context, tx *postgres.Tx) error { return tx.GetContext(ctx, &value, query, args...) }); err != nil {
		t.Fatal(err)
	}
	return value
}

func subscribe(handler events.Handler) []events.Subscription {
	return []events.Subscription{{Topics: []string{topic}, Handlers: map[string]events.Handler{done: handler}}}
}

func TestGuarantee1and3_WhatIsCommittedHasItsEffectOnce(t *testing.T) {
	db, _ := testkit.Database(t, effects)
	lake, shore := agency(t, "lakeland"), agency(t, "shore")
	start(t, events.Config{Service: "test", DB: db, Brokers: testkit.Broker(t, topic), Subscriptions: subscribe(record)})

	for range 20 {
		if err := publish(lake, db, "a", "b"); err != nil {
			t.Fatal(err)
		}
		if err := publish(shore, db, "a"); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "all effects", func() bool { return count(seen(t, lake, db)) >= 40 && count(seen(t, shore, db)) >= 20 })
	if diff := cmp.Diff(map[string][]int64{"a": upTo(20), "b": upTo(20)}, seen(t, lake, db)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(map[string][]int64{"a": upTo(20)}, seen(t, shore, db)); diff != "" {
		t.Error(diff)
	}
	eventually(t, "an empty outbox", func() bool { return scalar[int](t, lake, db, "SELECT count(*) FROM outbox") == 0 })
}

func TestGuarantee1_WhatIsRolledBackIsNotSent(t *testing.T) {
	db, _ := testkit.Database(t, effects)
	lake := agency(t, "lakeland")
	start(t, events.Config{Service: "test", DB: db, Brokers: testkit.Broker(t, topic), Subscriptions: subscribe(record)})
	err := db.InTenant(lake, func(ctx context.Context, tx *postgres.Tx) error {
		if err := events.Publish(ctx, tx, events.Draft{Type: done, Subject: "a", Key: "a", Version: 7, Data: struct{}{}}); err != nil {
			return err
		}
		return errors.New("no commit")
	})
	if err == nil {
		t.Fatal("want an error")
	}
	if err := publish(lake, db, "a"); err != nil {
		t.Fatal(err)
	}
	eventually(t, "an effect", func() bool { return count(seen(t, lake, db)) > 0 })
	if diff := cmp.Diff(map[string][]int64{"a": {1}}, seen(t, lake, db)); diff != "" {
		t.Error(diff)
	}
}

func TestGuarantee6and7_AFailingKeyWaitsWhileOthersGoOn(t *testing.T) {
	db, _ := testkit.Database(t, effects)
	lake := agency(t, "lakeland")
	var mu sync.Mutex
	broken := true
	start(t, events.Config{
		Service: "test", DB: db, Brokers: testkit.Broker(t, topic), RetryFor: 50 * time.Millisecond,
		Subscriptions: subscribe(func(ctx context.Context, tx *postgres.Tx, e events.Event) error {
			mu.Lock()
			defer mu.Unlock()
			if err := record(ctx, tx, e); err != nil {
				return err
			}
			if e.Key == "bad" && e.Version == 3 && broken {
				return fault.New(fault.Unprocessable, "does_not_fit", "It does not fit.")
			}
			return nil
		}),
	})
	for range 5 {
		if err := publish(lake, db, "bad", "good"); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "the other key to be through, and the rest parked", func() bool {
		return len(seen(t, lake, db)["good"]) == 5 && scalar[int](t, lake, db, "SELECT count(*) FROM parked_event") == 3
	})
	if diff := cmp.Diff([]int64{1, 2}, seen(t, lake, db)["bad"]); diff != "" {
		t.Error(diff)
	}

	parked := list(t, lake, db)
	var states []string
	for _, p := range parked {
		states = append(states, fmt.Sprint(p.State, " ", p.ReasonCode, " ", p.HoldsKey))
	}
	if diff := cmp.Diff([]string{"poison does_not_fit true", "waiting  false", "waiting  false"}, states); diff != "" {
		t.Fatal(diff)
	}

	// Only the first of a key can be dealt with.
	if err := operate(lake, db, events.RetryParked, parked[1].ID); !fault.Is(err, "parked_behind") {
		t.Errorf("got %v", err)
	}
	if err := operate(lake, db, events.SkipParked, "nonesuch"); !fault.Is(err, "parked_event_not_found") {
		t.Errorf("got %v", err)
	}
	if err := operate(agency(t, "shore"), db, events.SkipParked, parked[0].ID); !fault.Is(err, "parked_event_not_found") {
		t.Errorf("another agency's event: got %v", err)
	}

	// Retried while the cause stands, it fails again and still holds the key.
	if err := operate(lake, db, events.RetryParked, parked[0].ID); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the retry to fail", func() bool { p := list(t, lake, db); return p[0].State == "poison" && p[0].Attempts == 2 })

	mu.Lock()
	broken = false
	mu.Unlock()
	if err := operate(lake, db, events.RetryParked, parked[0].ID); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the key to go on", func() bool { return len(list(t, lake, db)) == 0 })
	if err := publish(lake, db, "bad"); err != nil {
		t.Fatal(err)
	}
	eventually(t, "new events to pass", func() bool { return len(seen(t, lake, db)["bad"]) == 6 })
	if diff := cmp.Diff(upTo(6), seen(t, lake, db)["bad"]); diff != "" {
		t.Error(diff)
	}
}

func TestGuarantee7_ASkippedEventHasNoEffectAndTheRestGoOn(t *testing.T) {
	db, _ := testkit.Database(t, effects)
	lake := agency(t, "lakeland")
	start(t, events.Config{
		Service: "test", DB: db, Brokers: testkit.Broker(t, topic),
		Subscriptions: subscribe(func(ctx context.Context, tx *postgres.Tx, e events.Event) error {
			if e.Version == 2 {
				panic("a defect")
			}
			return record(ctx, tx, e)
		}),
	})
	for range 4 {
		if err := publish(lake, db, "a"); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "three parked", func() bool { return len(list(t, lake, db)) == 3 })
	first := list(t, lake, db)[0]
	if first.ReasonCode != "handler_panic" {
		t.Errorf("got %+v", first)
	}
	if err := operate(lake, db, events.SkipParked, first.ID); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the rest", func() bool { return len(seen(t, lake, db)["a"]) == 3 })
	if diff := cmp.Diff([]int64{1, 3, 4}, seen(t, lake, db)["a"]); diff != "" {
		t.Error(diff)
	}
}

func TestGuarantee6and7_APassingFailureHealsByItself(t *testing.T) {
	db, _ := testkit.Database(t, effects)
	lake := agency(t, "lakeland")
	var mu sync.Mutex
	tries := 0
	start(t, events.Config{
		Service: "test", DB: db, Brokers: testkit.Broker(t, topic), RetryFor: 100 * time.Millisecond,
		Subscriptions: subscribe(func(ctx context.Context, tx *postgres.Tx, e events.Event) error {
			mu.Lock()
			defer mu.Unlock()
			if e.Version == 1 {
				tries++
				if tries <= 6 { // beyond RetryFor: it is parked, and retried from there
					return fault.New(fault.Unavailable, "peer_away", "The other service does not answer.")
				}
			}
			return record(ctx, tx, e)
		}),
	})
	for range 3 {
		if err := publish(lake, db, "a"); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "it to be parked", func() bool {
		p := list(t, lake, db)
		return len(p) == 3 && p[0].State == "failed" && p[0].RetryAt != nil
	})
	eventually(t, "all three", func() bool { return len(seen(t, lake, db)["a"]) == 3 })
	if diff := cmp.Diff(upTo(3), seen(t, lake, db)["a"]); diff != "" {
		t.Error(diff)
	}
}

func list(t testing.TB, ctx context.Context, db *postgres.DB) (parked []events.Parked) {
	t.Helper()
	if err := db.InTenant(ctx, func(ctx context.Context, tx *postgres.Tx) (err error) {
		parked, err = events.ListParked(ctx, tx, "", 100)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return parked
}

func operate(ctx context.Context, db *postgres.DB, operation func(context.Context, *postgres.Tx, string) error, id string) error {
	return db.InTenant(ctx, func(ctx context.Context, tx *postgres.Tx) error { return operation(ctx, tx, id) })
}
