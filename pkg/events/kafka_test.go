package events_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/segmentio/kafka-go"

	"github.com/hearthfps/hearth/pkg/events"
	"github.com/hearthfps/hearth/pkg/testkit"
	"github.com/hearthfps/hearth/pkg/testkit/parts"
)

// TestGuarantee1to5_ApacheKafkaThatIsKilled shows on the real thing what the
// other tests show on a broker in the process: effects once and in order while
// consumers come and go and the broker is killed and starts again.
func TestGuarantee1to5_ApacheKafkaThatIsKilled(t *testing.T) {
	libs := parts.KafkaLibs()
	broker, err := parts.NewKafka(libs, t.TempDir())
	if err != nil {
		t.Skipf("no Apache Kafka to start: %v", err)
	}
	if err := broker.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		broker.Stop(10 * time.Second)
		kafka.DefaultTransport.(*kafka.Transport).CloseIdleConnections() // the part's own
	})
	if err := broker.CreateTopics(t.Context(), testkit.Partitions, topic); err != nil {
		t.Fatal(err)
	}
	db, _ := testkit.Database(t, effects, testkit.WithConns(30))
	lake := agency(t, "lakeland")
	config := events.Config{
		Service: "test", DB: db, Brokers: []string{broker.Addr}, Subscriptions: subscribe(record),
		LeaseFor: time.Second, HeartbeatEvery: 300 * time.Millisecond, SessionTimeout: 6 * time.Second,
	}
	start(t, config)
	stopSecond := start(t, config)

	const keys, rounds = 10, 60
	want := map[string][]int64{}
	for i := range keys {
		want[fmt.Sprint("key-", i)] = upTo(rounds)
	}
	var load sync.WaitGroup
	load.Go(func() {
		for range rounds {
			for i := range keys {
				if err := publish(lake, db, fmt.Sprint("key-", i)); err != nil {
					t.Error(err)
					return
				}
			}
			time.Sleep(50 * time.Millisecond) // the rate, not a wait
		}
	})
	eventually(t, "the first effects", func() bool { return count(seen(t, lake, db)) > 50 })
	broker.Kill()
	restart, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := broker.Start(restart); err != nil {
		t.Fatal(err)
	}
	stopSecond()
	start(t, config)
	load.Wait()
	eventually(t, "all effects", func() bool { return count(seen(t, lake, db)) >= keys*rounds })
	eventually(t, "an empty outbox", emptyOutbox(t, lake, db))
	if diff := cmp.Diff(want, seen(t, lake, db)); diff != "" {
		t.Error(diff)
	}
	firsts, records := firstOccurrences(t, []string{broker.Addr})
	if diff := cmp.Diff(want, firsts); diff != "" {
		t.Error(diff)
	}
	t.Logf("%d events, %d records", keys*rounds, records)
}
