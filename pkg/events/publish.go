package events

import (
	"context"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"github.com/hearthfps/hearth/pkg/fault"
	"github.com/hearthfps/hearth/pkg/postgres"
)

// MaxData is the most bytes of JSON an event may carry. Documents go by reference.
const MaxData = 64 << 10

// MaxName is the most bytes a subject or a key may have.
const MaxName = 200

// shards is how many relays may work side by side. All events of a key are in
// one shard.
const shards = 4

func shardOf(key string) int {
	h := fnv.New32a()
	_, _ = h.Write([]byte(key)) // never fails
	return int(h.Sum32() % shards)
}

func shardSignal(shard int) string { return "outbox/" + strconv.Itoa(shard) }

// Draft is an event about to be published. Its source and topic follow from its type.
type Draft struct {
	// Type is org.hearth.<service>.<thing>.<what_happened>.v<major>.
	Type string
	// Subject is the id of the aggregate.
	Subject string
	// Key keeps events in order: the case id, or the referral id before there is a case.
	Key string
	// Version is the aggregate's version after the change.
	Version int64
	// Data becomes a JSON object of at most MaxData bytes, without personal data.
	Data any
	// Trace is the stored traceparent of the family's story; "" is the current span.
	Trace string
}

// Publish writes events into the transaction's outbox; they are sent after it
// commits, and not at all if it does not. Events of one key are sent in the order
// they were published in, provided the aggregate's row was locked (or written)
// before: the order of a key is the order of its rows' numbers.
//
// Cause and correlation come from ctx, as a handler's has them. It fails with
// Internal for a draft that is incomplete, too large or, in tests, against its schema.
func Publish(ctx context.Context, tx *postgres.Tx, drafts ...Draft) error {
	rows, err := prepare(ctx, tx, drafts)
	if err != nil || rows == nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, insertOutbox, rows.args()...); err != nil {
		return fmt.Errorf("write outbox: %w", err)
	}
	return nil
}

// QueuePublish is Publish as a statement of a batch, to be sent with tx.SendBatch:
// a round trip less. It reports whether there is one; the batch's results have
// one more then.
func QueuePublish(ctx context.Context, tx *postgres.Tx, batch *pgx.Batch, drafts ...Draft) (queued bool, err error) {
	rows, err := prepare(ctx, tx, drafts)
	if err != nil || rows == nil {
		return false, err
	}
	batch.Queue(insertOutbox, rows.args()...)
	return true, nil
}

// prepare checks drafts, makes their rows and has the relay woken once they are
// committed; nil when there are none.
func prepare(ctx context.Context, tx *postgres.Tx, drafts []Draft) (*outboxRows, error) {
	if len(drafts) == 0 {
		return nil, nil
	}
	rows := newOutboxRows(len(drafts))
	now := tx.Now()
	poked := map[int]bool{}
	for _, d := range drafts {
		shard, err := rows.add(ctx, tx, d, now)
		if err != nil {
			return nil, err
		}
		poked[shard] = true
	}
	db := tx.DB()
	tx.AfterCommit(func() {
		for shard := range poked {
			db.Signal(shardSignal(shard))
		}
		for i, eventType := range rows.eventType {
			tx.Published(eventType, []byte(rows.data[i]))
		}
	})
	return rows, nil
}

// One statement for all rows: unnest keeps their order, and seq with it.
const insertOutbox = `
INSERT INTO outbox (shard, event_id, topic, type, subject, key, version, time, cause, correlation, traceparent, data)
SELECT shard, event_id, topic, type, subject, key, version, time, cause, correlation, traceparent, data
FROM unnest($1::smallint[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bigint[], $8::timestamptz[], $9::text[], $10::text[], $11::text[], $12::text[])
	WITH ORDINALITY AS draft (shard, event_id, topic, type, subject, key, version, time, cause, correlation, traceparent, data, n)
ORDER BY n`

// outboxRows are the columns of rows to insert.
type outboxRows struct {
	shard                                                                     []int16
	id, topic, eventType, subject, key, cause, correlation, traceparent, data []string
	version                                                                   []int64
	time                                                                      []time.Time
}

func newOutboxRows(n int) *outboxRows {
	text := func() []string { return make([]string, 0, n) }
	return &outboxRows{
		shard: make([]int16, 0, n), version: make([]int64, 0, n), time: make([]time.Time, 0, n),
		id: text(), topic: text(), eventType: text(), subject: text(), key: text(), cause: text(), correlation: text(), traceparent: text(), data: text(),
	}
}

func (r *outboxRows) args() []any {
	return []any{r.shard, r.id, r.topic, r.eventType, r.subject, r.key, r.version, r.time, r.cause, r.correlation, r.traceparent, r.data}
}

func (r *outboxRows) add(ctx context.Context, tx *postgres.Tx, d Draft, now time.Time) (shard int, err error) {
	service, err := serviceOf(d.Type)
	if err != nil {
		return 0, fault.New(fault.Internal, "event_type", err.Error())
	}
	if d.Subject == "" || d.Key == "" || d.Version < 0 || len(d.Subject) > MaxName || len(d.Key) > MaxName || !validText(d.Subject) || !validText(d.Key) {
		return 0, fault.New(fault.Internal, "event_incomplete", "A "+d.Type+" event needs a subject and a key of at most 200 bytes, and a version.")
	}
	data, err := json.Marshal(d.Data)
	if err != nil {
		return 0, fault.New(fault.Internal, "event_data", "The data of a "+d.Type+" event cannot be written as JSON.").Because(err)
	}
	if len(data) > MaxData {
		return 0, fault.New(fault.Internal, "event_too_large", fmt.Sprintf("A %s event has %d bytes of data; %d are allowed. Send a reference.", d.Type, len(data), MaxData))
	}
	if len(data) == 0 || data[0] != '{' {
		return 0, fault.New(fault.Internal, "event_data", "The data of a "+d.Type+" event is not an object.")
	}
	if err := tx.CheckEvent(d.Type, data); err != nil {
		return 0, fault.New(fault.Internal, "event_schema", "A "+d.Type+" event breaks its schema.").Because(err)
	}
	id, err := uuid.NewV7()
	if err != nil {
		return 0, fmt.Errorf("draw event id: %w", err)
	}
	cause, correlation := Cause(ctx)
	if correlation == "" {
		correlation = id.String()
	}

	shard = shardOf(d.Key)
	r.shard = append(r.shard, int16(shard))
	r.id = append(r.id, id.String())
	r.topic = append(r.topic, Topic(service))
	r.eventType = append(r.eventType, d.Type)
	r.subject = append(r.subject, d.Subject)
	r.key = append(r.key, d.Key)
	r.version = append(r.version, d.Version)
	r.time = append(r.time, now)
	r.cause = append(r.cause, cause)
	r.correlation = append(r.correlation, correlation)
	r.traceparent = append(r.traceparent, creationTrace(ctx, d, service))
	r.data = append(r.data, string(data))
	return shard, nil
}

// creationTrace makes the span "send <topic>" in which an event is made: a child
// of the family's story if the draft names one, linked to the work that made it.
// What is stored with the event is this span's context, so that consumers follow it.
func creationTrace(ctx context.Context, d Draft, service string) string {
	parent := ctx
	options := []trace.SpanStartOption{
		trace.WithSpanKind(trace.SpanKindProducer),
		trace.WithAttributes(
			attribute.String("messaging.system", "kafka"),
			attribute.String("messaging.operation.type", "send"),
			attribute.String("messaging.destination.name", Topic(service)),
			attribute.String("cloudevents.event_type", d.Type),
		),
	}
	if story, ok := parseTraceParent(d.Trace); ok {
		current := trace.SpanContextFromContext(ctx)
		if current.IsValid() && current.TraceID() != story.TraceID() {
			options = append(options, trace.WithLinks(trace.Link{SpanContext: current}))
		}
		if current.TraceID() != story.TraceID() {
			parent = trace.ContextWithRemoteSpanContext(ctx, story)
		}
	}
	sent, span := tracer().Start(parent, "send "+Topic(service), options...)
	defer span.End()
	if made := TraceParent(sent); made != "" {
		return made
	}
	return strings.TrimSpace(d.Trace)
}
