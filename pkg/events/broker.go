package events

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
	"github.com/segmentio/kafka-go/protocol/metadata"
)

// broker is an engine's way to the brokers: kafka-go's transport, which routes
// requests to leaders, and the dialer that its consumer groups need.
//
// The engine speaks Fetch and Produce through the transport itself, because
// kafka.Reader holds a connection and polls for each partition by itself (a
// service reads dozens), and kafka.Writer sets memory aside for a whole batch
// for each partition and waits out a timer even for a single event.
type broker struct {
	transport *kafka.Transport
	dialer    *kafka.Dialer
	addr      net.Addr

	mu     sync.Mutex
	conns  map[net.Conn]struct{}
	closed bool
}

func newBroker(c Config) *broker {
	b := &broker{addr: kafka.TCP(c.Brokers...), conns: map[net.Conn]struct{}{}}
	b.transport = &kafka.Transport{
		ClientID: "hearth-" + c.Service, Dial: b.dial, DialTimeout: 5 * time.Second, IdleTimeout: time.Minute,
		MetadataTTL: 2 * time.Second, TLS: c.TLS, SASL: c.SASL,
	}
	b.dialer = &kafka.Dialer{ClientID: "hearth-" + c.Service, Timeout: 5 * time.Second, TLS: c.TLS, SASLMechanism: c.SASL}
	if c.TLS == nil {
		b.dialer.DialFunc = b.dial
	}
	return b
}

// dial remembers connections, so that close can end those that wait for an
// answer: the transport itself only closes them once they are idle.
func (b *broker) dial(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := (&net.Dialer{Timeout: 5 * time.Second}).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return nil, errors.Join(net.ErrClosed, conn.Close())
	}
	tracked := &trackedConn{Conn: conn, broker: b}
	b.conns[tracked] = struct{}{}
	return tracked, nil
}

type trackedConn struct {
	net.Conn
	broker *broker
}

func (c *trackedConn) Close() error {
	c.broker.mu.Lock()
	delete(c.broker.conns, c)
	c.broker.mu.Unlock()
	return c.Conn.Close()
}

// close ends every connection and refuses new ones.
func (b *broker) close() {
	b.transport.CloseIdleConnections()
	b.mu.Lock()
	b.closed = true
	b.mu.Unlock()
	b.cut()
}

// cut ends every connection; what waits for an answer on one fails.
func (b *broker) cut() {
	b.mu.Lock()
	conns := b.conns
	b.conns = map[net.Conn]struct{}{}
	b.mu.Unlock()
	for conn := range conns {
		_ = conn.(*trackedConn).Conn.Close()
	}
}

// roundTrip sends one request to the broker it is for.
func roundTrip[T protocol.Message](ctx context.Context, b *broker, request protocol.Message) (response T, err error) {
	answer, err := b.transport.RoundTrip(ctx, b.addr, request)
	if err != nil {
		return response, err
	}
	response, ok := answer.(T)
	if !ok {
		return response, fmt.Errorf("a broker answered a %T with a %T", request, answer)
	}
	return response, nil
}

// leaders asks which broker leads each partition of topics. The transport
// answers from what it learnt at most MetadataTTL ago.
func (b *broker) leaders(ctx context.Context, topics []string) (map[string]map[int]int32, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	answer, err := roundTrip[*metadata.Response](ctx, b, &metadata.Request{TopicNames: topics})
	if err != nil {
		return nil, fmt.Errorf("ask for the topics' leaders: %w", err)
	}
	found := make(map[string]map[int]int32, len(answer.Topics))
	for _, topic := range answer.Topics {
		if topic.ErrorCode != 0 {
			return nil, fmt.Errorf("topic %s: %w", topic.Name, kafka.Error(topic.ErrorCode))
		}
		partitions := make(map[int]int32, len(topic.Partitions))
		for _, p := range topic.Partitions {
			partitions[int(p.PartitionIndex)] = p.LeaderID
		}
		found[topic.Name] = partitions
	}
	return found, nil
}
