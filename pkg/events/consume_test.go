package events_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kfake"
	"go.opentelemetry.io/otel"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/hearthfps/hearth/pkg/events"
	"github.com/hearthfps/hearth/pkg/fault"
	"github.com/hearthfps/hearth/pkg/postgres"
	"github.com/hearthfps/hearth/pkg/testkit"
)

// write puts messages on a topic as a stranger would.
func write(t testing.TB, brokers []string, messages ...kafka.Message) {
	t.Helper()
	transport := &kafka.Transport{}
	defer transport.CloseIdleConnections()
	w := &kafka.Writer{Addr: kafka.TCP(brokers...), RequiredAcks: kafka.RequireAll, Balancer: kafka.Murmur2Balancer{Consistent: true}, BatchTimeout: time.Millisecond, Transport: transport}
	if err := w.WriteMessages(t.Context(), messages...); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}

// unaddressed lists what is parked and names no agency.
func unaddressed(t testing.TB, db *postgres.DB) (parked []events.Parked) {
	t.Helper()
	if err := db.InBackbone(t.Context(), func(ctx context.Context, tx *postgres.Tx) (err error) {
		parked, err = events.ListParked(ctx, tx, "", 100)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return parked
}

func message(t testing.TB, e events.Event) kafka.Message {
	t.Helper()
	m := e.Message()
	out := kafka.Message{Topic: topic, Key: m.Key, Value: m.Value}
	for _, h := range m.Headers {
		out.Headers = append(out.Headers, kafka.Header{Key: h.Key, Value: h.Value})
	}
	return out
}

func TestGuarantee6_WhatCannotBeReadIsKeptAndHoldsNothingBack(t *testing.T) {
	db, _ := testkit.Database(t, effects)
	lake := agency(t, "lakeland")
	brokers := testkit.Broker(t, topic)
	start(t, events.Config{Service: "test", DB: db, Brokers: brokers, Subscriptions: subscribe(record)})
	write(t, brokers, kafka.Message{Topic: topic, Key: []byte("a"), Value: []byte("nonsense"), Headers: []kafka.Header{{Key: "x", Value: []byte{0, 0xff}}}})
	if err := publish(lake, db, "a"); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the next event of the key", func() bool { return count(seen(t, lake, db)) == 1 })
	eventually(t, "the poison", func() bool { return len(unaddressed(t, db)) == 1 })
	poison := unaddressed(t, db)[0]
	if poison.State != "poison" || poison.ReasonCode != "event_malformed" {
		t.Errorf("got %+v", poison)
	}
	if got := list(t, lake, db); len(got) != 0 {
		t.Errorf("an agency sees what is not its own: %+v", got)
	}
	if err := db.InBackbone(t.Context(), func(ctx context.Context, tx *postgres.Tx) error { return events.SkipParked(ctx, tx, poison.ID) }); err != nil {
		t.Fatal(err)
	}
	if got := unaddressed(t, db); len(got) != 0 {
		t.Errorf("got %+v after it was skipped", got)
	}
}

func TestGuarantee6_AnotherMajorOfAHandledTypeIsPoisonAndOtherTypesAreSkipped(t *testing.T) {
	db, _ := testkit.Database(t, effects)
	lake := agency(t, "lakeland")
	start(t, events.Config{Service: "test", DB: db, Brokers: testkit.Broker(t, topic), Subscriptions: subscribe(record)})
	for _, kind := range []string{"org.hearth.test.other.happened.v1", "org.hearth.test.thing.done.v2"} {
		if err := db.InTenant(lake, func(ctx context.Context, tx *postgres.Tx) error {
			return events.Publish(ctx, tx, events.Draft{Type: kind, Subject: "a", Key: "a", Version: 1, Data: struct{}{}})
		}); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "the poison", func() bool { return len(list(t, lake, db)) == 1 })
	if p := list(t, lake, db)[0]; p.State != "poison" || p.ReasonCode != "event_major_unknown" || p.Type != "org.hearth.test.thing.done.v2" {
		t.Errorf("got %+v", p)
	}
}

func TestSubscription_EveryHandlerOfATypeRunsAndFallbacksTakeTheRest(t *testing.T) {
	db, _ := testkit.Database(t, effects)
	lake := agency(t, "lakeland")
	as := func(name string) events.Handler {
		return func(ctx context.Context, tx *postgres.Tx, e events.Event) error {
			_, err := tx.ExecContext(ctx, "INSERT INTO effect (key, version) VALUES ($1, $2)", name+" "+e.Type, e.Version)
			return err
		}
	}
	start(t, events.Config{Service: "test", DB: db, Brokers: testkit.Broker(t, topic), Subscriptions: []events.Subscription{
		{Topics: []string{topic}, Handlers: map[string]events.Handler{done: as("first")}},
		{Topics: []string{topic, "intake.events.v1"}, Handlers: map[string]events.Handler{done: as("second")}, Fallback: as("fallback")},
	}})
	const other = "org.hearth.test.other.happened.v1"
	for _, kind := range []string{done, other} {
		if err := db.InTenant(lake, func(ctx context.Context, tx *postgres.Tx) error {
			return events.Publish(ctx, tx, events.Draft{Type: kind, Subject: "a", Key: "a", Version: 1, Data: struct{}{}})
		}); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "three effects", func() bool { return count(seen(t, lake, db)) >= 3 })
	want := map[string][]int64{"first " + done: {1}, "second " + done: {1}, "fallback " + other: {1}}
	if diff := cmp.Diff(want, seen(t, lake, db)); diff != "" {
		t.Error(diff)
	}
}

func TestGuarantee4to7_RawMessagesKeepTheirOrderAndArePark(t *testing.T) {
	const inbound = "referrals.inbound.v1"
	db, _ := testkit.Database(t, effects)
	brokers := testkit.Broker(t)
	var mu sync.Mutex
	broken := true
	got := map[string][]string{}
	start(t, events.Config{
		Service: "test", DB: db, Brokers: brokers, RetryFor: 50 * time.Millisecond,
		Raw: []events.RawSubscription{{Topic: inbound, Handler: func(ctx context.Context, m events.Message) error {
			mu.Lock()
			defer mu.Unlock()
			if string(m.Key) == "bad" && string(m.Value) == "1" && broken {
				return fault.New(fault.Unavailable, "peer_away", "Away.")
			}
			if string(m.Key) == "\xff\x00" && broken {
				panic("a defect")
			}
			got[string(m.Key)] = append(got[string(m.Key)], string(m.Value)+m.Header("note"))
			return nil
		}}},
	})
	for i := range 4 {
		for _, key := range []string{"bad", "good", "\xff\x00", ""} {
			m := kafka.Message{Topic: inbound, Key: []byte(key), Value: []byte(fmt.Sprint(i))}
			if key == "bad" {
				m.Headers = []kafka.Header{{Key: "note", Value: []byte("!")}}
			}
			if key == "" {
				m.Key = nil
			}
			write(t, brokers, m)
		}
	}
	has := func(key string, n int) bool {
		mu.Lock()
		defer mu.Unlock()
		return len(got[key]) == n
	}
	eventually(t, "the other keys", func() bool { return has("good", 4) && has("", 4) })
	eventually(t, "the rest to be parked", func() bool { return len(unaddressed(t, db)) == 3+4 })
	if !has("bad", 1) {
		t.Error("the failing key went on")
	}
	mu.Lock()
	broken = false
	mu.Unlock()
	eventually(t, "the passing failure to heal", func() bool { return has("bad", 4) })
	for _, p := range unaddressed(t, db) {
		if p.HoldsKey && p.State == "poison" {
			if err := db.InBackbone(t.Context(), func(ctx context.Context, tx *postgres.Tx) error { return events.RetryParked(ctx, tx, p.ID) }); err != nil {
				t.Fatal(err)
			}
		}
	}
	eventually(t, "the poison, retried", func() bool { return has("\xff\x00", 4) })
	mu.Lock()
	defer mu.Unlock()
	slices.Sort(got[""]) // no key, no order
	want := map[string][]string{"good": {"0", "1", "2", "3"}, "bad": {"0!", "1!", "2!", "3!"}, "\xff\x00": {"0", "1", "2", "3"}, "": {"0", "1", "2", "3"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// Whoever writes to a raw topic may write a name where an id belongs.
func TestRawMessages_WhatTheySayOfThemselvesIsNotLogged(t *testing.T) {
	const inbound = "referrals.inbound.v1"
	db, _ := testkit.Database(t, effects)
	brokers := testkit.Broker(t)
	var mu sync.Mutex
	var logged bytes.Buffer
	start(t, events.Config{
		Service: "test", DB: db, Brokers: brokers, Log: slog.New(slog.NewJSONHandler(writerFunc(func(p []byte) (int, error) {
			mu.Lock()
			defer mu.Unlock()
			return logged.Write(p)
		}), nil)),
		Raw: []events.RawSubscription{{Topic: inbound, Handler: func(context.Context, events.Message) error {
			return fault.New(fault.Invalid, "agency_unknown", "No agency.")
		}}},
	})
	write(t, brokers, kafka.Message{Topic: inbound, Key: []byte("canary-key"), Value: []byte("canary-value"), Headers: []kafka.Header{
		{Key: "ce_id", Value: []byte("canary-id")}, {Key: "ce_type", Value: []byte("canary-type")},
	}})
	eventually(t, "it to be parked, and said", func() bool {
		mu.Lock()
		defer mu.Unlock()
		return strings.Contains(logged.String(), "agency_unknown")
	})
	mu.Lock()
	defer mu.Unlock()
	if strings.Contains(logged.String(), "canary") {
		t.Errorf("logged: %s", logged.String())
	}
}

type writerFunc func(p []byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

func TestGuarantee5_MessagesLostByTheBrokersAreAlarmedAndNotWaitedFor(t *testing.T) {
	db, _ := testkit.Database(t, effects)
	lake := agency(t, "lakeland")
	cluster := testkit.BrokerCluster(t, topic)
	config := events.Config{Service: "test", DB: db, Brokers: cluster.ListenAddrs(), Subscriptions: subscribe(record)}
	stop := start(t, config)
	if err := publish(lake, db, "a"); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the first", func() bool { return count(seen(t, lake, db)) == 1 })
	stop()

	// While nobody reads, two more come and are deleted.
	relay := start(t, events.Config{Service: "test", DB: db, Brokers: cluster.ListenAddrs()})
	for range 2 {
		if err := publish(lake, db, "a"); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "an empty outbox", emptyOutbox(t, lake, db))
	for p := range int32(testkit.Partitions) {
		if info := cluster.PartitionInfo(topic, p); info.HighWatermark > 0 {
			if err := cluster.DeleteRecords(topic, p, info.HighWatermark); err != nil {
				t.Fatal(err)
			}
		}
	}
	relay()
	start(t, config)
	if err := publish(lake, db, "a"); err != nil {
		t.Fatal(err)
	}
	eventually(t, "what is there", func() bool { return count(seen(t, lake, db)) == 2 })
	if diff := cmp.Diff([]int64{1, 4}, seen(t, lake, db)["a"]); diff != "" {
		t.Error(diff)
	}
}

func TestGuarantee1to4_LeadersThatMove(t *testing.T) {
	cluster, err := kfake.NewCluster(kfake.NumBrokers(3), kfake.SeedTopics(testkit.Partitions, topic))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	db, _ := testkit.Database(t, effects)
	lake := agency(t, "lakeland")
	start(t, events.Config{Service: "test", DB: db, Brokers: cluster.ListenAddrs(), Subscriptions: subscribe(record)})
	want := map[string][]int64{}
	for round := range 6 {
		for i := range 20 {
			key := fmt.Sprint("key-", i)
			want[key] = upTo(int64(round + 1))
			if err := publish(lake, db, key); err != nil {
				t.Fatal(err)
			}
		}
		cluster.ShufflePartitionLeaders()
	}
	eventually(t, "all effects", func() bool { return count(seen(t, lake, db)) >= 120 })
	if diff := cmp.Diff(want, seen(t, lake, db)); diff != "" {
		t.Error(diff)
	}
}

func TestGuarantee10_AFreshEventsSpanIsAChildAndALateOnesIsLinked(t *testing.T) {
	exporter := tracetest.NewInMemoryExporter()
	before := otel.GetTracerProvider()
	provider := sdktrace.NewTracerProvider(sdktrace.WithSyncer(exporter))
	otel.SetTracerProvider(provider)
	t.Cleanup(func() { otel.SetTracerProvider(before) })

	db, _ := testkit.Database(t, effects)
	lake := agency(t, "lakeland")
	brokers := testkit.Broker(t, topic)
	tries := 0
	causes := make(chan [2]string, 10)
	start(t, events.Config{Service: "test", DB: db, Brokers: brokers, Subscriptions: subscribe(func(ctx context.Context, tx *postgres.Tx, e events.Event) error {
		if e.Key == "retried" && tries == 0 {
			tries++
			return fault.New(fault.Unavailable, "peer_away", "Away.")
		}
		cause, correlation := events.Cause(ctx)
		causes <- [2]string{cause, correlation}
		return nil
	})})

	ctx, request := provider.Tracer("test").Start(lake, "request")
	for _, draft := range []events.Draft{
		{Key: "fresh"},
		{Key: "retried"},
		{Key: "story", Trace: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"},
	} {
		draft.Type, draft.Subject, draft.Version, draft.Data = done, draft.Key, 1, struct{}{}
		if err := db.InTenant(ctx, func(ctx context.Context, tx *postgres.Tx) error { return events.Publish(ctx, tx, draft) }); err != nil {
			t.Fatal(err)
		}
	}
	request.End()
	// One that was made long ago.
	old := events.Event{
		ID: "old", Source: "/hearth/test", Type: done, Subject: "old", Key: "old", Time: time.Unix(1, 0), Version: 1, Correlation: "first",
		TraceParent: "00-11f7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", Data: json.RawMessage(`{}`),
	}
	if err := old.Agency.UnmarshalText([]byte("lakeland")); err != nil {
		t.Fatal(err)
	}
	m := message(t, old)
	m.Time = time.Now().Add(-time.Hour)
	write(t, brokers, m)
	var linked int
	for range 4 {
		if c := <-causes; c == [2]string{"old", "first"} {
			linked++
		}
	}
	if linked != 1 {
		t.Error("the handler was not told of the event's chain")
	}

	requestTrace := request.SpanContext().TraceID()
	story, err := trace.TraceIDFromHex("0af7651916cd43dd8448eb211c80319c")
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]int{}
	eventually(t, "the spans", func() bool { return len(spansOf(exporter, "process "+topic)) == 5 })
	for _, span := range spansOf(exporter, "process "+topic) {
		where := "another trace"
		switch span.SpanContext.TraceID() {
		case requestTrace:
			where = "the request's trace"
		case story:
			where = "the story's trace"
		}
		for _, link := range span.Links {
			where += ", linked to " + map[bool]string{true: "the request", false: "another"}[link.SpanContext.TraceID() == requestTrace]
		}
		got[where]++
	}
	want := map[string]int{
		"the request's trace":                  2, // fresh, and the first try of the one that is retried
		"the story's trace":                    1,
		"another trace, linked to the request": 1, // its second try
		"another trace, linked to another":     1, // the old one
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	for _, span := range spansOf(exporter, "send "+topic) {
		if span.SpanContext.TraceID() == story && (len(span.Links) != 1 || span.Links[0].SpanContext.TraceID() != requestTrace) {
			t.Error("the story's event is not linked to the request that made it")
		}
	}
}

func spansOf(exporter *tracetest.InMemoryExporter, name string) (spans tracetest.SpanStubs) {
	for _, span := range exporter.GetSpans() {
		if span.Name == name {
			spans = append(spans, span)
		}
	}
	return spans
}

func TestGuarantee11_WhatRunsEndsAndItsOffsetIsCommitted(t *testing.T) {
	db, _ := testkit.Database(t, effects)
	lake := agency(t, "lakeland")
	cluster := testkit.BrokerCluster(t, topic)
	running, finish := make(chan struct{}), make(chan struct{})
	stop := start(t, events.Config{Service: "test", DB: db, Brokers: cluster.ListenAddrs(), Subscriptions: subscribe(func(ctx context.Context, tx *postgres.Tx, e events.Event) error {
		close(running)
		<-finish
		return record(ctx, tx, e)
	})})
	if err := publish(lake, db, "a"); err != nil {
		t.Fatal(err)
	}
	<-running
	stopped := make(chan struct{})
	go func() { stop(); close(stopped) }()
	select {
	case <-stopped:
		t.Fatal("the engine stopped over a running handler")
	case <-time.After(100 * time.Millisecond):
	}
	close(finish)
	<-stopped
	if diff := cmp.Diff(map[string][]int64{"a": {1}}, seen(t, lake, db)); diff != "" {
		t.Error(diff)
	}
	committed := int64(0)
	info := cluster.GroupInfo("test")
	if info == nil {
		t.Fatal("no group")
	}
	transport := &kafka.Transport{}
	defer transport.CloseIdleConnections()
	client := &kafka.Client{Addr: kafka.TCP(cluster.ListenAddrs()...), Transport: transport, Timeout: 5 * time.Second}
	partitions := make([]int, testkit.Partitions)
	for i := range partitions {
		partitions[i] = i
	}
	answer, err := client.OffsetFetch(t.Context(), &kafka.OffsetFetchRequest{GroupID: "test", Topics: map[string][]int{topic: partitions}})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range answer.Topics[topic] {
		committed += max(p.CommittedOffset, 0)
	}
	if committed != 1 {
		t.Errorf("%d messages are committed, want 1", committed)
	}
	if n := len(info.Members); n != 0 {
		t.Errorf("%d members are left in the group", n)
	}
	var leases int
	if err := db.InBackbone(t.Context(), func(ctx context.Context, tx *postgres.Tx) error {
		return tx.GetContext(ctx, &leases, "SELECT count(*) FROM lease WHERE expires_at > clock_timestamp()")
	}); err != nil || leases != 0 {
		t.Errorf("%d leases are held, %v", leases, err)
	}
}

func TestGuarantee11_AHandlerThatDoesNotEndIsCutOff(t *testing.T) {
	db, _ := testkit.Database(t, effects)
	lake := agency(t, "lakeland")
	brokers := testkit.Broker(t, topic)
	running := make(chan struct{}, 10)
	config := events.Config{Service: "test", DB: db, Brokers: brokers, DrainWithin: 50 * time.Millisecond, Subscriptions: subscribe(func(ctx context.Context, tx *postgres.Tx, e events.Event) error {
		if err := record(ctx, tx, e); err != nil {
			return err
		}
		running <- struct{}{}
		<-ctx.Done()
		return ctx.Err()
	})}
	stop := start(t, config)
	if err := publish(lake, db, "a"); err != nil {
		t.Fatal(err)
	}
	<-running
	stop()
	if got := seen(t, lake, db); len(got) != 0 {
		t.Errorf("got %v of a handler that was cut off", got)
	}
	config.Subscriptions = subscribe(record)
	start(t, config)
	eventually(t, "its effect, from the next process", func() bool { return count(seen(t, lake, db)) == 1 })
}
