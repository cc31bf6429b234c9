package events

import (
	"context"
	"fmt"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
	"github.com/segmentio/kafka-go/protocol/produce"
)

const produceTimeout = 10 * time.Second

// balancer chooses a key's partition as Kafka's own clients do, so that anyone's
// tool finds a key where the suite put it.
var balancer = kafka.Murmur2Balancer{Consistent: true}

// produce writes messages to their topics, acknowledged by all replicas, and
// says of each how it went. Messages for one partition go as one record batch:
// all of them are written, in order, or none is, so a failure leaves no gap in a key.
func (b *broker) produce(ctx context.Context, messages []Message) []error {
	errs := make([]error, len(messages))
	fail := func(indexes []int, err error) {
		for _, i := range indexes {
			errs[i] = err
		}
	}

	// topic → partition → indexes of messages, by leader
	type place struct {
		topic     string
		partition int32
	}
	places := map[place][]int{}
	leaderOf := map[place]int32{}
	var topics []string
	seen := map[string]bool{}
	for _, m := range messages {
		if !seen[m.Topic] {
			seen[m.Topic] = true
			topics = append(topics, m.Topic)
		}
	}
	for _, topic := range topics {
		leaders, err := b.leaders(ctx, []string{topic})
		partitions := make([]int, 0, len(leaders[topic]))
		for p := range len(leaders[topic]) {
			partitions = append(partitions, p)
		}
		if err == nil && len(partitions) == 0 {
			err = fmt.Errorf("topic %s: %w", topic, kafka.UnknownTopicOrPartition)
		}
		for i, m := range messages {
			switch {
			case m.Topic != topic:
			case err != nil:
				errs[i] = err
			default:
				at := place{topic, int32(balancer.Balance(kafka.Message{Key: m.Key}, partitions...))}
				places[at] = append(places[at], i)
				leaderOf[at] = leaders[topic][int(at.partition)]
			}
		}
	}

	// One request a leader.
	requests := map[int32]map[string][]produce.RequestPartition{}
	for at, indexes := range places {
		byTopic := requests[leaderOf[at]]
		if byTopic == nil {
			byTopic = map[string][]produce.RequestPartition{}
			requests[leaderOf[at]] = byTopic
		}
		records := make([]protocol.Record, len(indexes))
		for n, i := range indexes {
			records[n] = record(messages[i])
		}
		byTopic[at.topic] = append(byTopic[at.topic], produce.RequestPartition{
			Partition: at.partition, RecordSet: protocol.RecordSet{Records: protocol.NewRecordReader(records...)},
		})
	}
	done := make(chan struct{})
	for _, byTopic := range requests {
		go func() {
			defer func() { done <- struct{}{} }()
			request := &produce.Request{Acks: int16(kafka.RequireAll), Timeout: int32(produceTimeout.Milliseconds())}
			for topic, partitions := range byTopic {
				request.Topics = append(request.Topics, produce.RequestTopic{Topic: topic, Partitions: partitions})
			}
			ctx, cancel := context.WithTimeout(ctx, produceTimeout+5*time.Second)
			defer cancel()
			answer, err := roundTrip[*produce.Response](ctx, b, request)
			if err != nil {
				for _, topic := range request.Topics {
					for _, p := range topic.Partitions {
						fail(places[place{topic.Topic, p.Partition}], fmt.Errorf("write to %s: %w", topic.Topic, err))
					}
				}
				return
			}
			answered := map[place]bool{}
			for _, topic := range answer.Topics {
				for _, p := range topic.Partitions {
					at := place{topic.Topic, p.Partition}
					answered[at] = true
					if p.ErrorCode != 0 {
						fail(places[at], fmt.Errorf("write to %s: %w", topic.Topic, kafka.Error(p.ErrorCode)))
					}
				}
			}
			for _, topic := range request.Topics {
				for _, p := range topic.Partitions {
					if at := (place{topic.Topic, p.Partition}); !answered[at] {
						fail(places[at], fmt.Errorf("write to %s: the broker said nothing of partition %d", topic.Topic, p.Partition))
					}
				}
			}
		}()
	}
	for range requests {
		<-done
	}
	return errs
}

func record(m Message) protocol.Record {
	headers := make([]protocol.Header, len(m.Headers))
	for i, h := range m.Headers {
		headers[i] = protocol.Header{Key: h.Key, Value: h.Value}
	}
	return protocol.Record{Time: m.Time, Key: protocol.NewBytes(m.Key), Value: protocol.NewBytes(m.Value), Headers: headers}
}
