package events

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
	kafkafetch "github.com/segmentio/kafka-go/protocol/fetch"

	"github.com/hearthfps/hearth/pkg/postgres"
)

const (
	// fetchWait is how long a broker holds a fetch that finds nothing.
	fetchWait = 500 * time.Millisecond
	// fetchBytes and partitionBytes bound an answer. kafka-go reads each record
	// batch into pages of 64 KiB, so that many small batches take far more
	// memory than bytes.
	fetchBytes     = 256 << 10
	partitionBytes = 64 << 10
)

// fetch reads all partitions until ctx ends: one goroutine and one request at a
// time for each broker that leads some of them.
func (e *Engine) fetch(ctx context.Context, parts []*partition, lanes *lanes, budget *budget) {
	topics := map[string]bool{}
	for _, p := range parts {
		topics[p.topic] = true
	}
	names := make([]string, 0, len(topics))
	for topic := range topics {
		names = append(names, topic)
	}
	for failures := 0; ctx.Err() == nil && len(parts) > 0; failures++ {
		if failures > 0 && !sleep(ctx, min(50*time.Millisecond<<min(failures, 5), time.Second)) {
			return
		}
		leaders, err := e.broker.leaders(ctx, names)
		if err != nil {
			if ctx.Err() == nil {
				e.log.WarnContext(ctx, "cannot find the topics' leaders", "error", postgres.Describe(err))
			}
			continue
		}
		byLeader := map[int32][]*partition{}
		for _, p := range parts {
			leader := leaders[p.topic][p.id]
			byLeader[leader] = append(byLeader[leader], p)
		}
		// When one leader's partitions have moved, all are sorted anew.
		round, end := context.WithCancel(ctx)
		var reading sync.WaitGroup
		for _, led := range byLeader {
			reading.Go(func() {
				defer end()
				fetched, err := e.fetchFrom(round, led, lanes, budget)
				if err != nil && round.Err() == nil {
					e.log.WarnContext(ctx, "cannot fetch", "error", postgres.Describe(err))
				}
				if fetched {
					failures = 0
				}
			})
		}
		reading.Wait()
		end()
	}
}

// fetchFrom reads the partitions of one leader until ctx ends or a fetch fails.
// fetched says whether any did not.
func (e *Engine) fetchFrom(ctx context.Context, parts []*partition, lanes *lanes, budget *budget) (fetched bool, err error) {
	for turn := 0; budget.room(ctx.Done()); turn++ {
		if ctx.Err() != nil {
			return fetched, nil
		}
		// Another partition first each time: an answer is full at some size, and
		// none is to wait for ever behind a busy one.
		answer, err := e.fetchOnce(ctx, parts, turn%len(parts))
		if err != nil {
			return fetched, err
		}
		e.metrics.fetchedAt.Store(time.Now().UnixNano())
		for _, topic := range answer.Topics {
			for i := range topic.Partitions {
				answered := &topic.Partitions[i]
				p := find(parts, topic.Topic, int(answered.Partition))
				if p == nil {
					continue
				}
				if answered.ErrorCode != 0 {
					if err := e.fetchFailed(ctx, p, kafka.Error(answered.ErrorCode)); err != nil {
						return fetched, err
					}
					continue
				}
				e.metrics.highWatermark(p, answered.HighWatermark)
				if err := p.take(answered.RecordSet.Records, lanes, budget); err != nil {
					return fetched, fmt.Errorf("read partition %d of %s: %w", p.id, p.topic, err)
				}
			}
		}
		fetched = true
	}
	return fetched, nil
}

func (e *Engine) fetchOnce(ctx context.Context, parts []*partition, first int) (*kafkafetch.Response, error) {
	request := &kafkafetch.Request{
		ReplicaID: -1, MaxWaitTime: int32(fetchWait.Milliseconds()), MinBytes: 1, MaxBytes: fetchBytes,
		SessionEpoch: -1, // no fetch session
	}
	at := map[string]int{}
	for i := range parts {
		p := parts[(first+i)%len(parts)]
		n, ok := at[p.topic]
		if !ok {
			n = len(request.Topics)
			at[p.topic] = n
			request.Topics = append(request.Topics, kafkafetch.RequestTopic{Topic: p.topic})
		}
		request.Topics[n].Partitions = append(request.Topics[n].Partitions, kafkafetch.RequestPartition{
			Partition: int32(p.id), CurrentLeaderEpoch: -1, FetchOffset: p.from, LogStartOffset: -1, PartitionMaxBytes: partitionBytes,
		})
	}
	ctx, cancel := context.WithTimeout(ctx, fetchWait+10*time.Second)
	defer cancel()
	answer, err := roundTrip[*kafkafetch.Response](ctx, e.broker, request)
	if err != nil {
		return nil, err
	}
	if answer.ErrorCode != 0 {
		return nil, kafka.Error(answer.ErrorCode)
	}
	return answer, nil
}

func find(parts []*partition, topic string, id int) *partition {
	for _, p := range parts {
		if p.id == id && p.topic == topic {
			return p
		}
	}
	return nil
}

// fetchFailed deals with a partition's own error. nil means: go on.
func (e *Engine) fetchFailed(ctx context.Context, p *partition, failed error) error {
	if !errors.Is(failed, kafka.OffsetOutOfRange) {
		return fmt.Errorf("partition %d of %s: %w", p.id, p.topic, failed)
	}
	// The topic no longer has, or does not have yet, what was to come next: kept
	// too short, or lost by the brokers. It goes on from the first message there
	// is, because what is seen twice has no effect and what is skipped is lost.
	first, err := e.broker.firstOffsets(ctx, map[string][]kafka.OffsetRequest{p.topic: {kafka.FirstOffsetOf(p.id)}})
	if err != nil {
		return err
	}
	from, ok := first[p.topic][p.id]
	if !ok {
		return fmt.Errorf("the brokers do not say where partition %d of %s begins", p.id, p.topic)
	}
	e.metrics.outOfRange.Add(ctx, 1, e.metrics.service)
	e.log.ErrorContext(ctx, "messages are missing from a topic: the committed offset is out of range",
		"topic", p.topic, "partition", p.id, "offset", p.from, "continue_at", from)
	p.from = from
	return nil
}

// take begins every message of an answer and sends it down its lane.
func (p *partition) take(records protocol.RecordReader, lanes *lanes, budget *budget) error {
	if records == nil {
		return nil
	}
	if stream, ok := records.(*protocol.RecordStream); ok {
		for _, batch := range stream.Records {
			if err := p.takeBatch(batch, lanes, budget); err != nil {
				return err
			}
		}
		return nil
	}
	return p.takeBatch(records, lanes, budget)
}

func (p *partition) takeBatch(records protocol.RecordReader, lanes *lanes, budget *budget) error {
	_, control := records.(*protocol.ControlBatch)
	for {
		record, err := records.ReadRecord()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		message, err := p.message(record)
		if err != nil {
			return err
		}
		// A batch may begin before the offset that was asked for.
		if message.Offset < p.from {
			continue
		}
		p.from = message.Offset + 1
		next := &item{message: message, partition: p}
		p.tracker.begin(message.Offset, message.Time)
		if control {
			p.tracker.done(message.Offset)
			continue
		}
		budget.take(next.size())
		lanes.push(next)
	}
}

func (p *partition) message(r *protocol.Record) (Message, error) {
	read := func(b protocol.Bytes) ([]byte, error) {
		if b == nil {
			return nil, nil
		}
		content, err := protocol.ReadAll(b)
		return content, errors.Join(err, b.Close())
	}
	key, errK := read(r.Key)
	value, errV := read(r.Value)
	headers := make([]Header, len(r.Headers))
	for i, h := range r.Headers {
		headers[i] = Header{Key: h.Key, Value: h.Value}
	}
	return Message{Topic: p.topic, Partition: p.id, Offset: r.Offset, Key: key, Value: value, Headers: headers, Time: r.Time.UTC()}, errors.Join(errK, errV)
}

// firstOffsets asks where partitions begin.
func (b *broker) firstOffsets(ctx context.Context, of map[string][]kafka.OffsetRequest) (map[string]map[int]int64, error) {
	client := &kafka.Client{Addr: b.addr, Transport: b.transport, Timeout: 10 * time.Second}
	answer, err := client.ListOffsets(ctx, &kafka.ListOffsetsRequest{Topics: of})
	if err != nil {
		return nil, fmt.Errorf("ask where topics begin: %w", err)
	}
	first := map[string]map[int]int64{}
	for topic, partitions := range answer.Topics {
		first[topic] = map[int]int64{}
		for _, p := range partitions {
			if p.Error != nil {
				return nil, fmt.Errorf("ask where partition %d of %s begins: %w", p.Partition, topic, p.Error)
			}
			first[topic][p.Partition] = p.FirstOffset
		}
	}
	return first, nil
}
