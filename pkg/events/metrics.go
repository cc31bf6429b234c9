package events

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
)

// metrics are an engine's figures. Alerts stand on the gauges: the age of the
// oldest event not sent, the age of the oldest not handled, and parked keys.
type metrics struct {
	service       metric.MeasurementOption
	name          attribute.KeyValue
	sent          metric.Int64Counter
	taken         metric.Int64Counter
	relayFailures metric.Int64Counter
	outOfRange    metric.Int64Counter
	registration  metric.Registration

	parkedKeys atomic.Int64
	outboxAge  atomic.Int64 // nanoseconds
	lookedAt   atomic.Int64 // when the outbox and parked keys were last looked at, Unix nanoseconds
	fetchedAt  atomic.Int64 // when a broker last answered a fetch, Unix nanoseconds

	mu         sync.Mutex
	parts      []*partition
	watermarks map[*partition]int64
}

// newMetrics makes the figures of a service's engine; consumes says whether it
// takes any topic in.
func newMetrics(service string, consumes bool) (*metrics, error) {
	meter := otel.Meter(scopeName)
	m := &metrics{name: attribute.String("service", service)}
	m.service = metric.WithAttributes(m.name)
	var errs [11]error
	m.sent, errs[0] = meter.Int64Counter("hearth.events.sent", metric.WithDescription("Events that brokers took."))
	m.taken, errs[1] = meter.Int64Counter("hearth.events.consumed", metric.WithDescription("Messages seen through, by what became of them."))
	m.relayFailures, errs[2] = meter.Int64Counter("hearth.events.relay_failures", metric.WithDescription("Turns of a relay that failed."))
	m.outOfRange, errs[3] = meter.Int64Counter("hearth.events.out_of_range", metric.WithDescription("Times a topic no longer held what was to come next."))
	outboxAge, err := meter.Float64ObservableGauge("hearth.outbox.oldest_age", metric.WithUnit("s"), metric.WithDescription("Age of the oldest event not sent."))
	errs[4] = err
	oldest, err := meter.Float64ObservableGauge("hearth.events.oldest_unprocessed_age", metric.WithUnit("s"), metric.WithDescription("Age of the oldest fetched message not handled."))
	errs[5] = err
	parked, err := meter.Int64ObservableGauge("hearth.events.parked_keys", metric.WithDescription("Keys that are parked."))
	errs[6] = err
	lag, err := meter.Int64ObservableGauge("hearth.events.lag", metric.WithDescription("Messages of a topic not handled yet, over the partitions of this member."))
	errs[7] = err
	partitions, err := meter.Int64ObservableGauge("hearth.events.partitions", metric.WithDescription("Partitions this member of the group consumes."))
	errs[8] = err
	fetched, err := meter.Float64ObservableGauge("hearth.events.fetch_age", metric.WithUnit("s"), metric.WithDescription("How long ago a broker last answered a fetch, or since the start."))
	errs[9] = err
	looked, err := meter.Float64ObservableGauge("hearth.outbox.look_age", metric.WithUnit("s"), metric.WithDescription("How long ago the outbox and the parked keys were last counted, or since the start."))
	errs[10] = err
	if err := errors.Join(errs[:]...); err != nil {
		return nil, fmt.Errorf("make event metrics: %w", err)
	}
	now := time.Now().UnixNano()
	m.lookedAt.Store(now)
	m.fetchedAt.Store(now)
	// Counted from 0, so that the first failure is an increase.
	m.relayFailures.Add(context.Background(), 0, m.service)
	m.outOfRange.Add(context.Background(), 0, m.service)
	m.registration, err = meter.RegisterCallback(func(_ context.Context, o metric.Observer) error {
		o.ObserveFloat64(outboxAge, time.Duration(m.outboxAge.Load()).Seconds(), m.service)
		o.ObserveInt64(parked, m.parkedKeys.Load(), m.service)
		o.ObserveFloat64(looked, since(&m.lookedAt), m.service)
		if consumes {
			o.ObserveFloat64(fetched, since(&m.fetchedAt), m.service)
			o.ObserveInt64(partitions, m.assigned(), m.service)
		}
		age, behind := m.behind()
		o.ObserveFloat64(oldest, age.Seconds(), m.service)
		for topic, n := range behind {
			o.ObserveInt64(lag, n, m.service, metric.WithAttributes(attribute.String("topic", topic)))
		}
		return nil
	}, outboxAge, oldest, parked, lag, partitions, fetched, looked)
	if err != nil {
		return nil, fmt.Errorf("make event metrics: %w", err)
	}
	return m, nil
}

func (m *metrics) close() error { return m.registration.Unregister() }

// since is the age, in seconds, of a time in Unix nanoseconds.
func since(at *atomic.Int64) float64 { return time.Since(time.Unix(0, at.Load())).Seconds() }

func (m *metrics) assigned() int64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return int64(len(m.parts))
}

func (m *metrics) published(ctx context.Context, topic string, n int) {
	m.sent.Add(ctx, int64(n), m.service, metric.WithAttributes(attribute.String("topic", topic)))
}

func (m *metrics) consumed(ctx context.Context, message Message, became outcome) {
	m.taken.Add(ctx, 1, m.service, metric.WithAttributes(attribute.String("topic", message.Topic), attribute.String("outcome", string(became))))
}

// watch says which partitions are consumed now.
func (m *metrics) watch(parts []*partition) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.parts, m.watermarks = parts, make(map[*partition]int64, len(parts))
}

func (m *metrics) highWatermark(p *partition, offset int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.watermarks[p] = offset
}

// behind is how far behind this member is: in time, and in messages by topic.
func (m *metrics) behind() (time.Duration, map[string]int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var age time.Duration
	lag := map[string]int64{}
	for _, p := range m.parts {
		if at, ok := p.tracker.oldest(); ok {
			age = max(age, time.Since(at))
		}
		lag[p.topic] += max(m.watermarks[p]-p.tracker.committable(), 0)
	}
	return age, lag
}
