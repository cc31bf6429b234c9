package events_test

import (
	"context"
	"encoding/json"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/hearthfps/hearth/pkg/events"
	"github.com/hearthfps/hearth/pkg/postgres"
	"github.com/hearthfps/hearth/pkg/testkit"
)

type payload struct {
	CaseID     string    `json:"case_id"`
	ReferralID string    `json:"referral_id"`
	Program    string    `json:"program"`
	Concerns   []string  `json:"concern_codes"`
	At         time.Time `json:"opened_at"`
}

func samplePayload(i int) payload {
	return payload{
		CaseID: fmt.Sprintf("01985f7c-0000-7000-8000-%012d", i), ReferralID: fmt.Sprintf("01985f7c-0001-7000-8000-%012d", i),
		Program: "in_home_services", Concerns: []string{"neglect", "substance_use"}, At: time.Date(2026, 3, 31, 6, 30, 0, 0, time.UTC),
	}
}

// BenchmarkRelay measures how many events a second leave a full outbox, beside a
// plain kafka-go writer that sends the same messages to the same broker with the
// same acknowledgements, from a slice in memory. The ratio is what counts.
func BenchmarkRelay(b *testing.B) {
	const n = 20000
	for b.Loop() {
		b.StopTimer()
		relayed := relayRate(b, n)
		plain := plainRate(b, n)
		b.ReportMetric(relayed, "relay-events/s")
		b.ReportMetric(plain, "plain-events/s")
		b.ReportMetric(relayed/plain, "ratio")
		b.StartTimer()
	}
}

func relayRate(b *testing.B, n int) float64 {
	db, _ := testkit.Database(b, effects)
	lake := agency(b, "lakeland")
	for from := 0; from < n; from += 1000 {
		if err := db.InTenant(lake, func(ctx context.Context, tx *postgres.Tx) error {
			drafts := make([]events.Draft, 1000)
			for i := range drafts {
				p := samplePayload(from + i)
				drafts[i] = events.Draft{Type: done, Subject: p.CaseID, Key: p.CaseID, Version: 1, Data: p}
			}
			return events.Publish(ctx, tx, drafts...)
		}); err != nil {
			b.Fatal(err)
		}
	}
	brokers := testkit.Broker(b, topic)
	began := time.Now()
	stop := start(b, events.Config{Service: "test", DB: db, Brokers: brokers})
	for scalar[int](b, lake, db, "SELECT count(*) FROM (SELECT FROM outbox LIMIT 1) AS waiting") != 0 {
		time.Sleep(2 * time.Millisecond)
	}
	took := time.Since(began)
	stop()
	return float64(n) / took.Seconds()
}

func plainRate(b *testing.B, n int) float64 {
	brokers := testkit.Broker(b, topic)
	transport := &kafka.Transport{}
	defer transport.CloseIdleConnections()
	writer := &kafka.Writer{
		Addr: kafka.TCP(brokers...), Topic: topic, RequiredAcks: kafka.RequireAll, Balancer: kafka.Murmur2Balancer{Consistent: true},
		BatchTimeout: 5 * time.Millisecond, BatchSize: 1000, Transport: transport,
	}
	defer writer.Close()
	messages := make([]kafka.Message, n)
	for i := range messages {
		p := samplePayload(i)
		data, err := json.Marshal(p)
		if err != nil {
			b.Fatal(err)
		}
		event := events.Event{ID: fmt.Sprintf("01985f7c-0002-7000-8000-%012d", i), Source: "/hearth/test", Type: done, Subject: p.CaseID, Key: p.CaseID, Time: p.At, Correlation: p.CaseID, Data: data}
		message := event.Message()
		messages[i] = kafka.Message{Key: message.Key, Value: message.Value}
		for _, h := range message.Headers {
			messages[i].Headers = append(messages[i].Headers, kafka.Header{Key: h.Key, Value: h.Value})
		}
	}
	began := time.Now()
	for from := 0; from < n; from += 1000 {
		if err := writer.WriteMessages(b.Context(), messages[from:from+1000]...); err != nil {
			b.Fatal(err)
		}
	}
	return float64(n) / time.Since(began).Seconds()
}

// BenchmarkConsume measures how many events of a backlog a second one process
// takes in, one transaction each.
func BenchmarkConsume(b *testing.B) {
	const n = 20000
	for b.Loop() {
		b.StopTimer()
		db, _ := testkit.Database(b, effects, testkit.WithConns(16))
		lake := agency(b, "lakeland")
		for from := 0; from < n; from += 1000 {
			if err := db.InTenant(lake, func(ctx context.Context, tx *postgres.Tx) error {
				drafts := make([]events.Draft, 1000)
				for i := range drafts {
					p := samplePayload(from + i)
					drafts[i] = events.Draft{Type: done, Subject: p.CaseID, Key: p.CaseID, Version: 1, Data: p}
				}
				return events.Publish(ctx, tx, drafts...)
			}); err != nil {
				b.Fatal(err)
			}
		}
		brokers := testkit.Broker(b, topic)
		stop := start(b, events.Config{Service: "relay", DB: db, Brokers: brokers})
		eventually(b, "an empty outbox", emptyOutbox(b, lake, db))
		stop()
		began := time.Now()
		stop = start(b, events.Config{Service: "test", DB: db, Brokers: brokers, Subscriptions: subscribe(record)})
		for scalar[int](b, lake, db, "SELECT count(*) FROM effect") < n {
			time.Sleep(20 * time.Millisecond)
		}
		b.ReportMetric(n/time.Since(began).Seconds(), "events/s")
		stop()
		b.StartTimer()
	}
}

// BenchmarkCommitToSeen measures the time from a commit to the commit of its
// effect in each of six groups, at 200 events a second.
func BenchmarkCommitToSeen(b *testing.B) {
	for b.Loop() {
		b.StopTimer()
		took := commitToSeen(b, 6, 200, 10*time.Second)
		slices.Sort(took)
		b.ReportMetric(took[len(took)/2].Seconds()*1000, "p50-ms")
		b.ReportMetric(took[len(took)*99/100].Seconds()*1000, "p99-ms")
		b.ReportMetric(took[len(took)-1].Seconds()*1000, "max-ms")
		b.StartTimer()
	}
}

func commitToSeen(b *testing.B, groups, rate int, during time.Duration) []time.Duration {
	brokers := testkit.Broker(b, topic)
	source, _ := testkit.Database(b, effects, testkit.WithConns(16))
	start(b, events.Config{Service: "test", DB: source, Brokers: brokers})
	lake := agency(b, "lakeland")

	var mu sync.Mutex
	committed := map[string]time.Time{}
	latest := map[string]time.Duration{}
	left := map[string]int{}
	total := 0
	for g := range groups {
		db, _ := testkit.Database(b, effects)
		start(b, events.Config{
			Service: fmt.Sprintf("group-%d", g), DB: db, Brokers: brokers,
			Subscriptions: subscribe(func(ctx context.Context, tx *postgres.Tx, e events.Event) error {
				if err := record(ctx, tx, e); err != nil {
					return err
				}
				tx.AfterCommit(func() {
					now := time.Now()
					mu.Lock()
					defer mu.Unlock()
					total++
					left[e.Key]++
					if at, ok := committed[e.Key]; ok {
						latest[e.Key] = max(latest[e.Key], now.Sub(at))
					} else {
						latest[e.Key] = max(latest[e.Key], 0)
					}
				})
				return nil
			}),
		})
	}
	// Warm up: every group has joined and taken something in.
	if err := publish(lake, source, "warm"); err != nil {
		b.Fatal(err)
	}
	eventually(b, "all groups to join", func() bool { mu.Lock(); defer mu.Unlock(); return total == groups })

	n := int(during.Seconds()) * rate
	var senders sync.WaitGroup
	tick := time.NewTicker(time.Second / time.Duration(rate))
	defer tick.Stop()
	for i := range n {
		<-tick.C
		senders.Go(func() {
			key := fmt.Sprintf("case-%d", i)
			mu.Lock()
			committed[key] = time.Now() // from before the commit: the worst case
			mu.Unlock()
			if err := publish(lake, source, key); err != nil {
				b.Error(err)
			}
		})
	}
	senders.Wait()
	eventually(b, "all groups to see all", func() bool { mu.Lock(); defer mu.Unlock(); return total == groups*(n+1) })
	mu.Lock()
	defer mu.Unlock()
	var took []time.Duration
	for key := range committed {
		took = append(took, latest[key])
	}
	return took
}

// BenchmarkAtRest shows what six services' engines hold when nothing happens.
func BenchmarkAtRest(b *testing.B) {
	for b.Loop() {
		brokers := testkit.Broker(b, topic)
		for g := range 6 {
			db, _ := testkit.Database(b, effects)
			topics := []string{topic, "intake.events.v1", "assessment.events.v1", "planning.events.v1", "visit-scheduling.events.v1", "resource-directory.events.v1", "notification.events.v1"}
			start(b, events.Config{Service: fmt.Sprintf("group-%d", g), DB: db, Brokers: brokers, Subscriptions: []events.Subscription{{Topics: topics, Fallback: record}}})
		}
		time.Sleep(5 * time.Second)
		began := cpu(b)
		time.Sleep(10 * time.Second)
		used := cpu(b) - began
		runtime.GC()
		runtime.GC()
		var mem runtime.MemStats
		runtime.ReadMemStats(&mem)
		b.ReportMetric(float64(mem.HeapInuse+mem.StackInuse)/(1<<20), "MB-in-use")
		b.ReportMetric(float64(mem.Sys-mem.HeapReleased)/(1<<20), "MB-of-system")
		b.ReportMetric(float64(runtime.NumGoroutine()), "goroutines")
		b.ReportMetric(used.Seconds()*10, "cpu-%")
	}
}
