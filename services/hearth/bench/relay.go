package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/segmentio/kafka-go"

	"github.com/hearthfps/hearth/pkg/events"
	"github.com/hearthfps/hearth/pkg/postgres"
	"github.com/hearthfps/hearth/pkg/tenant"
	"github.com/hearthfps/hearth/services/hearth/embedded"
)

// relayBench is a full outbox, a broker and a producer beside.
type relayBench struct {
	db     *postgres.DB
	look   *pgx.Conn
	agency tenant.AgencyID
	broker string
}

const (
	relayedTopic, plainTopic = "intake.events.v1", "assessment.events.v1"
	outboxAtMost             = 60000
	// The plain producer hands over as many messages at once as the relay reads
	// at most, from as many goroutines as the outbox has shards.
	plainBatch, plainWriters = 1000, 4
)

// opened is an event of a usual size.
type opened struct {
	CaseID      string   `json:"case_id"`
	ReferralID  string   `json:"referral_id"`
	HouseholdID string   `json:"household_id"`
	Program     string   `json:"program"`
	Concerns    []string `json:"concern_codes"`
	Flags       []string `json:"safety_flags"`
	Priority    string   `json:"priority"`
	OpenedAt    string   `json:"opened_at"`
}

func sampleEvent(i int) opened {
	return opened{
		CaseID: fmt.Sprintf("01985f7c-0000-7000-8000-%012d", i), ReferralID: fmt.Sprintf("01985f7c-0001-7000-8000-%012d", i),
		HouseholdID: fmt.Sprintf("01985f7c-0002-7000-8000-%012d", i), Program: "intensive_family_preservation", Concerns: []string{"neglect", "substance_use"},
		Flags: []string{}, Priority: "within_72h", OpenedAt: "2026-03-31T06:30:00Z",
	}
}

const openedType = "org.hearth.intake.case.opened.v1"

func measureRelay(ctx context.Context, g *ground) (_ []Figure, err error) {
	svc, err := g.find("intake")
	if err != nil {
		return nil, err
	}
	g.say("events by the relay, and by a plain producer, in turn")
	broker, err := embedded.StartBroker(filepath.Join(g.dir, "relay"), relayedTopic, plainTopic)
	if err != nil {
		return nil, err
	}
	defer broker.Close()
	made, err := g.pg.Database(ctx, "bench_relay")
	if err != nil {
		return nil, err
	}
	if err := postgres.Migrate(ctx, made.OwnerURL, made.RuntimeRole, svc.Migrations); err != nil {
		return nil, err
	}
	b := &relayBench{agency: g.agency, broker: broker.Addr}
	if b.db, err = postgres.Open(ctx, postgres.Config{URL: made.RuntimeURL, MaxConns: 10}); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, b.db.Close()) }()
	if b.look, err = pgx.Connect(ctx, g.pg.AdminURL("bench_relay")); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, b.look.Close(ctx)) }()

	n := 3000
	var all []Round
	for round := range rounds + 1 {
		var turn Round
		if turn.Measured, err = b.relayed(ctx, n); err != nil {
			return nil, err
		}
		if turn.Limit, err = b.plain(ctx, n); err != nil {
			return nil, err
		}
		n = min(outboxAtMost, max(3000, int(max(turn.Measured, turn.Limit)*g.Span.Seconds()/rounds)))
		if round == 0 {
			continue // tells how many are needed
		}
		g.say("  %.0f/s beside %.0f/s", turn.Measured, turn.Limit)
		all = append(all, turn)
	}
	f := beside("relay", "events relayed from a full outbox", "1/s", all, 0.5)
	f.Note = "limit: the same messages by a kafka-go Writer to the same broker, 1,000 at a time from 4 goroutines as the relay does, acknowledged and synced likewise"
	return []Figure{f}, nil
}

// relayed fills the outbox, runs the relay until it is empty, and returns its rate.
func (b *relayBench) relayed(ctx context.Context, n int) (float64, error) {
	for from := 0; from < n; from += 1000 {
		err := b.db.InTenant(tenant.With(ctx, b.agency), func(ctx context.Context, tx *postgres.Tx) error {
			drafts := make([]events.Draft, min(1000, n-from))
			for i := range drafts {
				data := sampleEvent(from + i)
				drafts[i] = events.Draft{Type: openedType, Subject: data.CaseID, Key: data.CaseID, Version: 1, Data: data}
			}
			return events.Publish(ctx, tx, drafts...)
		})
		if err != nil {
			return 0, err
		}
	}
	engine, err := events.New(events.Config{Service: "intake", DB: b.db, Brokers: []string{b.broker}, Log: slog.New(slog.NewTextHandler(io.Discard, nil))})
	if err != nil {
		return 0, err
	}
	running, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	began := time.Now()
	go func() { ended <- engine.Run(running) }()
	err = (&site{}).await(ctx, func() (empty bool, err error) {
		err = b.look.QueryRow(ctx, "SELECT NOT EXISTS (SELECT FROM outbox)").Scan(&empty)
		return empty, err
	})
	took := time.Since(began)
	stop()
	return float64(n) / took.Seconds(), errors.Join(err, <-ended)
}

// plain writes the same messages, from memory, to another topic.
func (b *relayBench) plain(ctx context.Context, n int) (_ float64, err error) {
	messages := make([]kafka.Message, n)
	for i := range messages {
		data, err := json.Marshal(sampleEvent(i))
		if err != nil {
			return 0, err
		}
		key := sampleEvent(i).CaseID
		e := events.Event{
			ID: fmt.Sprintf("01985f7c-0003-7000-8000-%012d", i), Source: events.Source("intake"), Type: openedType, Subject: key, Key: key,
			Time: time.Now(), Agency: b.agency, Version: 1, Correlation: key, Data: data,
		}
		m := e.Message()
		messages[i] = kafka.Message{Key: m.Key, Value: m.Value}
		for _, h := range m.Headers {
			messages[i].Headers = append(messages[i].Headers, kafka.Header{Key: h.Key, Value: h.Value})
		}
	}
	transport := &kafka.Transport{}
	defer transport.CloseIdleConnections()
	writer := &kafka.Writer{
		Addr: kafka.TCP(b.broker), Topic: plainTopic, RequiredAcks: kafka.RequireAll, Balancer: kafka.Murmur2Balancer{Consistent: true},
		BatchTimeout: 5 * time.Millisecond, BatchSize: 1000, Transport: transport,
	}
	defer func() { err = errors.Join(err, writer.Close()) }()
	began := time.Now()
	parts := slices.Collect(slices.Chunk(messages, plainBatch))
	failures := make([]error, plainWriters)
	var writing sync.WaitGroup
	for w := range plainWriters {
		writing.Go(func() {
			for i := w; i < len(parts) && failures[w] == nil; i += plainWriters {
				failures[w] = writer.WriteMessages(ctx, parts[i]...)
			}
		})
	}
	writing.Wait()
	if err := errors.Join(failures...); err != nil {
		return 0, fmt.Errorf("write to %s: %w", plainTopic, err)
	}
	return float64(n) / time.Since(began).Seconds(), nil
}
