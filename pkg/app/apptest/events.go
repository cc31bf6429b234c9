package apptest

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/hearthfps/hearth/pkg/events"
	"github.com/hearthfps/hearth/pkg/testkit"
)

// topicsOf are the topics a harness listens to: the service's own.
func topicsOf(service string) []string { return []string{events.Topic(service)} }

// Happened makes an event of another service, in agency lakeland, at the
// harness's time: data is checked against the event's JSON Schema. Change the
// event before handing it to Publish where a test needs it otherwise.
func (h *Harness) Happened(eventType, subject, key string, data any) events.Event {
	h.T.Helper()
	id := uuid.Must(uuid.NewV7()).String()
	service, _, _ := strings.Cut(strings.TrimPrefix(eventType, "org.hearth."), ".")
	e := events.Event{
		ID: id, Source: events.Source(service), Type: eventType, Subject: subject, Key: key, Time: h.Clock.Now(),
		Agency: Lakeland(h.T), Version: 1, Correlation: id, Data: compact(data),
	}
	if err := testkit.CheckEvent(e.Type, e.Data); err != nil {
		h.T.Fatal(err)
	}
	return e
}

// Publish writes events to their topics, in order, and returns when the broker
// has them. The service handles them some time after; wait for what it does.
func (h *Harness) Publish(es ...events.Event) {
	h.T.Helper()
	for _, e := range es {
		h.Send(e.Message())
	}
}

// Tell makes an event and publishes it.
func (h *Harness) Tell(eventType, subject, key string, data any) events.Event {
	h.T.Helper()
	e := h.Happened(eventType, subject, key, data)
	h.Publish(e)
	return e
}

// Send writes one message to a topic: what external systems send.
func (h *Harness) Send(m events.Message) {
	h.T.Helper()
	record := &kgo.Record{Topic: m.Topic, Key: m.Key, Value: m.Value}
	for _, header := range m.Headers {
		record.Headers = append(record.Headers, kgo.RecordHeader{Key: header.Key, Value: header.Value})
	}
	ctx, cancel := context.WithTimeout(h.T.Context(), waitFor)
	defer cancel()
	if err := h.kafka.ProduceSync(ctx, record).FirstErr(); err != nil {
		h.T.Fatalf("write to %s: %v", m.Topic, err)
	}
}

// Events lists what the service has published so far and what has come to its
// topic, in the order of each key.
func (h *Harness) Events() []events.Event {
	h.T.Helper()
	all, bad := h.heard.events()
	if bad != nil {
		h.T.Fatalf("the service's topic holds what is no event of the suite: %v", bad)
	}
	return all
}

// WaitEvent waits for an event of a type about a subject ("" is any) and returns
// the first.
func (h *Harness) WaitEvent(eventType, subject string) events.Event {
	h.T.Helper()
	var found events.Event
	h.Wait("event "+eventType+" of "+subject, func() bool {
		all := h.Events()
		i := slices.IndexFunc(all, func(e events.Event) bool { return e.Type == eventType && (subject == "" || e.Subject == subject) })
		if i >= 0 {
			found = all[i]
		}
		return i >= 0
	})
	return found
}

// WaitEvents waits until there are n events of a type, and returns them.
func (h *Harness) WaitEvents(eventType string, n int) []events.Event {
	h.T.Helper()
	var found []events.Event
	h.Wait(strconv.Itoa(n)+" events "+eventType, func() bool {
		found = found[:0]
		for _, e := range h.Events() {
			if e.Type == eventType {
				found = append(found, e)
			}
		}
		return len(found) >= n
	})
	return found
}

// Settle waits until the service has sent everything it published and has taken
// in everything on the topics it reads: nothing more will come of what was done
// so far. Timers that are not yet due stay.
func (h *Harness) Settle() {
	h.T.Helper()
	h.Wait("the service to have nothing left to do", func() bool {
		sent, taken := h.drained(), h.caughtUp()
		return sent && taken && h.drained()
	})
}

// Advance moves the clock; timers that come due fire shortly after.
func (h *Harness) Advance(d time.Duration) { h.Clock.Advance(d) }

// heard keeps what came over the service's topic.
type heard struct {
	mu  sync.Mutex
	all []events.Event
	bad []error
}

func (l *heard) listen(client *kgo.Client) {
	for {
		fetched := client.PollFetches(context.Background())
		if fetched.IsClientClosed() {
			return
		}
		for _, e := range fetched.Errors() {
			if errors.Is(e.Err, kgo.ErrClientClosed) {
				return
			}
		}
		fetched.EachRecord(l.take)
	}
}

func (l *heard) take(r *kgo.Record) {
	m := events.Message{Topic: r.Topic, Partition: int(r.Partition), Offset: r.Offset, Key: r.Key, Value: r.Value, Time: r.Timestamp}
	for _, h := range r.Headers {
		m.Headers = append(m.Headers, events.Header{Key: h.Key, Value: h.Value})
	}
	decoded := m.Decode()
	e, err := decoded.Event.Event()
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := errors.Join(decoded.Err(), err); err != nil {
		l.bad = append(l.bad, err)
		return
	}
	l.all = append(l.all, e)
}

func (l *heard) events() ([]events.Event, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.all), errors.Join(l.bad...)
}
