package events_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/hearthfps/hearth/pkg/events"
	"github.com/hearthfps/hearth/pkg/fault"
	"github.com/hearthfps/hearth/pkg/postgres"
	"github.com/hearthfps/hearth/pkg/testkit"
)

func emptyOutbox(t testing.TB, ctx context.Context, db *postgres.DB) func() bool {
	return func() bool { return scalar[int](t, ctx, db, "SELECT count(*) FROM outbox") == 0 }
}

func TestGuarantee1and3_AnUnclearAnswerIsSentAgainToOneEffect(t *testing.T) {
	db, _ := testkit.Database(t, effects)
	lake := agency(t, "lakeland")
	cluster := testkit.BrokerCluster(t, topic)
	// The broker writes the batch, and says that it ran out of time.
	unclear := cluster.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Topic: topic, Err: kerr.RequestTimedOut, Count: 3})
	start(t, events.Config{Service: "test", DB: db, Brokers: cluster.ListenAddrs(), Subscriptions: subscribe(record)})
	for range 10 {
		if err := publish(lake, db, "a"); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "all effects", func() bool { return count(seen(t, lake, db)) >= 10 })
	eventually(t, "an empty outbox", emptyOutbox(t, lake, db))
	if diff := cmp.Diff(map[string][]int64{"a": upTo(10)}, seen(t, lake, db)); diff != "" {
		t.Error(diff)
	}
	firsts, records := firstOccurrences(t, cluster.ListenAddrs())
	if unclear.Hits() < 3 || records <= 10 {
		t.Errorf("%d unclear answers and %d records: nothing was sent twice, so nothing was shown", unclear.Hits(), records)
	}
	if diff := cmp.Diff(map[string][]int64{"a": upTo(10)}, firsts); diff != "" {
		t.Error(diff)
	}
}

func TestGuarantee2_APartitionThatFailsHoldsItsOwnKeysOnly(t *testing.T) {
	db, _ := testkit.Database(t, effects)
	lake := agency(t, "lakeland")
	cluster := testkit.BrokerCluster(t, topic)
	partition := func(key string) int {
		all := make([]int, testkit.Partitions)
		for i := range all {
			all[i] = i
		}
		return kafka.Murmur2Balancer{Consistent: true}.Balance(kafka.Message{Key: []byte(key)}, all...)
	}
	broken := int32(partition("key-0"))
	away := cluster.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Topic: topic, Partitions: []int32{broken}, Err: kerr.NotEnoughReplicas, Count: -1})
	start(t, events.Config{Service: "test", DB: db, Brokers: cluster.ListenAddrs(), Subscriptions: subscribe(record)})

	want := map[string][]int64{}
	healthy := 0
	for i := range 24 {
		key := fmt.Sprint("key-", i)
		want[key] = upTo(5)
		if int32(partition(key)) != broken {
			healthy += 5
		}
		for range 5 {
			if err := publish(lake, db, key); err != nil {
				t.Fatal(err)
			}
		}
	}
	eventually(t, "the other partitions' keys", func() bool { return count(seen(t, lake, db)) == healthy })
	away.Remove()
	eventually(t, "the rest", func() bool { return count(seen(t, lake, db)) == 24*5 })
	if diff := cmp.Diff(want, seen(t, lake, db)); diff != "" {
		t.Error(diff)
	}
}

func TestGuarantee2and3_RelaysThatFightForTheirLeases(t *testing.T) {
	db, _ := testkit.Database(t, effects, testkit.WithConns(40))
	lake := agency(t, "lakeland")
	brokers := testkit.Broker(t, topic)
	start(t, events.Config{Service: "test", DB: db, Brokers: brokers, Subscriptions: subscribe(record), LeaseFor: 40 * time.Millisecond})
	for range 3 {
		// Their leases run out while they write.
		start(t, events.Config{Service: "test", DB: db, Brokers: brokers, LeaseFor: 40 * time.Millisecond, PollEvery: 5 * time.Millisecond})
	}
	// They lose them while they write, too: to each other, and know nothing of it.
	thief, stopThief := context.WithCancel(t.Context())
	var thieving sync.WaitGroup
	thieving.Go(func() {
		for thief.Err() == nil {
			if err := db.InBackbone(t.Context(), func(ctx context.Context, tx *postgres.Tx) error {
				_, err := tx.ExecContext(ctx, "UPDATE lease SET expires_at = '-infinity'")
				return err
			}); err != nil {
				t.Error(err)
				return
			}
			time.Sleep(3 * time.Millisecond)
		}
	})
	const keys, rounds = 12, 60
	want := map[string][]int64{}
	for i := range keys {
		want[fmt.Sprint("key-", i)] = upTo(rounds)
	}
	for range rounds {
		for i := range keys {
			if err := publish(lake, db, fmt.Sprint("key-", i)); err != nil {
				t.Fatal(err)
			}
		}
	}
	stopThief()
	thieving.Wait()
	eventually(t, "all effects", func() bool { return count(seen(t, lake, db)) >= keys*rounds })
	eventually(t, "an empty outbox", emptyOutbox(t, lake, db))
	if diff := cmp.Diff(want, seen(t, lake, db)); diff != "" {
		t.Error(diff)
	}
	firsts, records := firstOccurrences(t, brokers)
	if diff := cmp.Diff(want, firsts); diff != "" {
		t.Error(diff)
	}
	terms := 0
	if err := db.InBackbone(t.Context(), func(ctx context.Context, tx *postgres.Tx) error {
		return tx.GetContext(ctx, &terms, "SELECT sum(term) FROM lease")
	}); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d events, %d records, %d terms", keys*rounds, records, terms)
	if terms <= 4 {
		t.Error("no lease changed hands, so nothing was shown")
	}
}

func TestGuarantee1and3_DatabaseConnectionsThatAreKilled(t *testing.T) {
	db, url := testkit.Database(t, effects)
	lake := agency(t, "lakeland")
	brokers := testkit.Broker(t, topic)
	start(t, events.Config{Service: "test", DB: db, Brokers: brokers, Subscriptions: subscribe(record), LeaseFor: 200 * time.Millisecond})

	killer, err := postgres.Open(t.Context(), postgres.Config{URL: url, MaxConns: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer killer.Close()
	ctx, stop := context.WithCancel(lake)
	var killing sync.WaitGroup
	kills := 0
	killing.Go(func() {
		for ctx.Err() == nil {
			var n int
			// A role may end its own sessions: those of producer, relay and consumer alike.
			err := killer.InTenant(lake, func(ctx context.Context, tx *postgres.Tx) error {
				return tx.GetContext(ctx, &n, "SELECT count(*) FILTER (WHERE pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = current_database() AND usename = current_user AND pid <> pg_backend_pid()")
			})
			if err != nil {
				t.Error(err)
				return
			}
			kills += n
			select {
			case <-ctx.Done():
			case <-time.After(120 * time.Millisecond):
			}
		}
	})
	published := map[string]int64{}
	for i := 0; i < 600; i++ {
		key := fmt.Sprint("key-", i%10)
		// What is not known to be committed is looked up: the version says.
		if err := publish(lake, db, key); err != nil && !fault.Transient(err) {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Millisecond) // the rate, not a wait
	}
	stop()
	killing.Wait()
	var rows []struct {
		Key     string `db:"key"`
		Version int64  `db:"version"`
	}
	if err := db.InTenant(lake, func(ctx context.Context, tx *postgres.Tx) error {
		return tx.SelectContext(ctx, &rows, "SELECT key, version FROM aggregate")
	}); err != nil {
		t.Fatal(err)
	}
	total := 0
	want := map[string][]int64{}
	for _, row := range rows {
		published[row.Key] = row.Version
		want[row.Key] = upTo(row.Version)
		total += int(row.Version)
	}
	eventually(t, "all effects", func() bool { return count(seen(t, lake, db)) >= total })
	eventually(t, "an empty outbox", emptyOutbox(t, lake, db))
	if diff := cmp.Diff(want, seen(t, lake, db)); diff != "" {
		t.Error(diff)
	}
	if n := scalar[int](t, lake, db, "SELECT count(*) FROM parked_event"); n != 0 {
		t.Errorf("%d events are parked for an outage of the service's own database", n)
	}
	t.Logf("%d events, %d connections killed", total, kills)
	if kills == 0 {
		t.Error("nothing was killed, so nothing was shown")
	}
}

func TestGuarantee1_ALargeBacklogIsSentInParts(t *testing.T) {
	db, _ := testkit.Database(t, effects)
	lake := agency(t, "lakeland")
	want := map[string][]int64{}
	for i := range 3 {
		key := fmt.Sprint("key-", i)
		want[key] = upTo(40)
		if err := db.InTenant(lake, func(ctx context.Context, tx *postgres.Tx) error {
			for version := int64(1); version <= 40; version++ {
				// 40 of nearly 64 KiB are more than a broker takes at once.
				data := map[string]string{"filler": strings.Repeat("x", 60<<10)}
				if err := events.Publish(ctx, tx, events.Draft{Type: done, Subject: key, Key: key, Version: version, Data: data}); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	start(t, events.Config{Service: "test", DB: db, Brokers: testkit.Broker(t, topic), Subscriptions: subscribe(record)})
	eventually(t, "all effects", func() bool { return count(seen(t, lake, db)) == 120 })
	if diff := cmp.Diff(want, seen(t, lake, db)); diff != "" {
		t.Error(diff)
	}
}

func TestGuarantee1_ManyEventsOfOneKeyFitIntoBatches(t *testing.T) {
	db, _ := testkit.Database(t, effects)
	lake := agency(t, "lakeland")
	key := strings.Repeat("k", events.MaxName)
	const n = 3000
	if err := db.InTenant(lake, func(ctx context.Context, tx *postgres.Tx) error {
		drafts := make([]events.Draft, n)
		for i := range drafts {
			drafts[i] = events.Draft{Type: done, Subject: key, Key: key, Version: int64(i + 1), Data: map[string]string{"filler": strings.Repeat("x", 700)}}
		}
		return events.Publish(ctx, tx, drafts...)
	}); err != nil {
		t.Fatal(err)
	}
	start(t, events.Config{Service: "test", DB: db, Brokers: testkit.Broker(t, topic), Subscriptions: subscribe(record)})
	eventually(t, "all effects", func() bool { return count(seen(t, lake, db)) >= n })
	if diff := cmp.Diff(map[string][]int64{key: upTo(n)}, seen(t, lake, db)); diff != "" {
		t.Error(diff)
	}
}

func TestGuarantee8_AMissingTopicIsWaitedForAndNotMade(t *testing.T) {
	db, _ := testkit.Database(t, effects)
	lake := agency(t, "lakeland")
	cluster := testkit.BrokerCluster(t)
	start(t, events.Config{Service: "test", DB: db, Brokers: cluster.ListenAddrs(), Subscriptions: subscribe(record)})
	if err := publish(lake, db, "a"); err != nil {
		t.Fatal(err)
	}
	time.Sleep(300 * time.Millisecond) // long enough for a producer that makes topics to have made it
	if cluster.TopicInfo(topic) != nil {
		t.Fatal("the topic was made")
	}
	if err := cluster.CreateTopic(topic, testkit.Partitions, nil); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the effect", func() bool { return count(seen(t, lake, db)) == 1 })
}

func TestGuarantee9_DraftsThatCannotBeSentAreRefused(t *testing.T) {
	db, _ := testkit.Database(t, effects)
	lake := agency(t, "lakeland")
	whole := events.Draft{Type: done, Subject: "s", Key: "k", Version: 1, Data: struct{}{}}
	for name, tc := range map[string]struct {
		spoil func(*events.Draft)
		want  string
	}{
		"type":          {func(d *events.Draft) { d.Type = "thing.done" }, "event_type"},
		"no major":      {func(d *events.Draft) { d.Type = "org.hearth.test.thing.done" }, "event_type"},
		"no key":        {func(d *events.Draft) { d.Key = "" }, "event_incomplete"},
		"long key":      {func(d *events.Draft) { d.Key = strings.Repeat("k", events.MaxName+1) }, "event_incomplete"},
		"no subject":    {func(d *events.Draft) { d.Subject = "" }, "event_incomplete"},
		"version":       {func(d *events.Draft) { d.Version = -1 }, "event_incomplete"},
		"control":       {func(d *events.Draft) { d.Key = "a\x00b" }, "event_incomplete"},
		"too large":     {func(d *events.Draft) { d.Data = map[string]string{"a": strings.Repeat("x", events.MaxData)} }, "event_too_large"},
		"not an object": {func(d *events.Draft) { d.Data = []int{1} }, "event_data"},
		"no JSON":       {func(d *events.Draft) { d.Data = func() {} }, "event_data"},
		"no schema":     {func(d *events.Draft) { d.Type = "org.hearth.intake.nonesuch.done.v1" }, "event_schema"},
	} {
		draft := whole
		tc.spoil(&draft)
		err := db.InTenant(lake, func(ctx context.Context, tx *postgres.Tx) error { return events.Publish(ctx, tx, whole, draft) })
		if !fault.Is(err, tc.want) {
			t.Errorf("%s: got %v, want %s", name, err, tc.want)
		}
	}
	if n := scalar[int](t, lake, db, "SELECT count(*) FROM outbox"); n != 0 {
		t.Errorf("%d events were published beside a refused one", n)
	}
	if err := db.InTenant(lake, func(ctx context.Context, tx *postgres.Tx) error {
		largest := whole
		largest.Data = map[string]string{"a": strings.Repeat("x", events.MaxData-len(`{"a":""}`))}
		return events.Publish(ctx, tx, largest)
	}); err != nil {
		t.Errorf("the largest event allowed: %v", err)
	}
}

func TestGuarantee9_WrongConfigurationsAreRefused(t *testing.T) {
	db, _ := testkit.Database(t, nil)
	raw := func(context.Context, events.Message) error { return nil }
	for name, config := range map[string]events.Config{
		"no service":              {DB: db, Brokers: []string{"x:1"}, Log: quiet(t)},
		"no topics":               {Service: "s", DB: db, Brokers: []string{"x:1"}, Log: quiet(t), Subscriptions: []events.Subscription{{Fallback: record}}},
		"type of another topic":   {Service: "s", DB: db, Brokers: []string{"x:1"}, Log: quiet(t), Subscriptions: []events.Subscription{{Topics: []string{"intake.events.v1"}, Handlers: map[string]events.Handler{done: record}}}},
		"no handler":              {Service: "s", DB: db, Brokers: []string{"x:1"}, Log: quiet(t), Subscriptions: subscribe(nil)},
		"drain over session":      {Service: "s", DB: db, Brokers: []string{"x:1"}, Log: quiet(t), DrainWithin: 7 * time.Second},
		"raw without handler":     {Service: "s", DB: db, Brokers: []string{"x:1"}, Log: quiet(t), Raw: []events.RawSubscription{{Topic: "x"}}},
		"raw and subscribed both": {Service: "s", DB: db, Brokers: []string{"x:1"}, Log: quiet(t), Subscriptions: subscribe(record), Raw: []events.RawSubscription{{Topic: topic, Handler: raw}}},
	} {
		if _, err := events.New(config); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}
