package ops

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/segmentio/kafka-go"
)

// Replay has a consumer group take a topic in again, by moving its committed
// offsets back while the service is stopped. Taking in again is harmless: the
// inbox of each service remembers events for 30 days and lets each have its effect
// once; only what it does not remember has an effect now. It never moves forward:
// that would leave events out.
type Replay struct {
	Kafka *kafka.Client
	// Group is the service's name.
	Group, Topic string
	// From is the time to begin at; zero is the beginning of what the topic holds.
	From time.Time
}

// Move is what becomes of one partition.
type Move struct {
	Partition int   `json:"partition"`
	Committed int64 `json:"committed"` // -1: never, which is read as the beginning
	To        int64 `json:"to"`
	Again     int64 `json:"again"` // messages to be taken in again
}

// Plan looks, and changes nothing. It fails while the group has members.
func (r Replay) Plan(ctx context.Context) ([]Move, error) {
	if err := r.stopped(ctx); err != nil {
		return nil, err
	}
	partitions, err := r.partitions(ctx)
	if err != nil {
		return nil, err
	}
	committed, err := r.committed(ctx, partitions)
	if err != nil {
		return nil, err
	}
	target, err := r.targets(ctx, partitions)
	if err != nil {
		return nil, err
	}
	var moves []Move
	for _, p := range partitions {
		m := Move{Partition: p, Committed: committed[p], To: target[p]}
		if m.Committed < 0 || m.To > m.Committed {
			m.To = m.Committed // begins at the first anyway, or would go forward
		}
		if m.To >= 0 {
			m.Again = m.Committed - m.To
		}
		moves = append(moves, m)
	}
	return moves, nil
}

// Apply moves the offsets, and reads them back.
func (r Replay) Apply(ctx context.Context, moves []Move) error {
	if err := r.stopped(ctx); err != nil {
		return err
	}
	var commits []kafka.OffsetCommit
	var partitions []int
	for _, m := range moves {
		if m.Again > 0 {
			commits = append(commits, kafka.OffsetCommit{Partition: m.Partition, Offset: m.To})
			partitions = append(partitions, m.Partition)
		}
	}
	if len(commits) == 0 {
		return nil
	}
	answer, err := r.Kafka.OffsetCommit(ctx, &kafka.OffsetCommitRequest{GroupID: r.Group, GenerationID: -1, Topics: map[string][]kafka.OffsetCommit{r.Topic: commits}})
	if err != nil {
		return fmt.Errorf("move the offsets of %s: %w", r.Group, err)
	}
	for _, p := range answer.Topics[r.Topic] {
		if p.Error != nil {
			return fmt.Errorf("move partition %d of %s: %w", p.Partition, r.Topic, p.Error)
		}
	}
	now, err := r.committed(ctx, partitions)
	if err != nil {
		return err
	}
	for _, c := range commits {
		if now[c.Partition] != c.Offset {
			return fmt.Errorf("partition %d stands at %d and not at %d: did the service start meanwhile?", c.Partition, now[c.Partition], c.Offset)
		}
	}
	return nil
}

// stopped fails while anybody is in the group: a running consumer would commit
// over what is moved.
func (r Replay) stopped(ctx context.Context) error {
	answer, err := r.Kafka.DescribeGroups(ctx, &kafka.DescribeGroupsRequest{GroupIDs: []string{r.Group}})
	if err != nil {
		return fmt.Errorf("ask about the group %s: %w", r.Group, err)
	}
	for _, g := range answer.Groups {
		if g.Error != nil && !errors.Is(g.Error, kafka.GroupIdNotFound) {
			return fmt.Errorf("ask about the group %s: %w", r.Group, g.Error)
		}
		if len(g.Members) > 0 {
			return fmt.Errorf("%s runs: %d members are in its group. Stop it first (kubectl scale deployment %s --replicas=0; requests to it fail meanwhile, events wait)", r.Group, len(g.Members), r.Group)
		}
	}
	return nil
}

func (r Replay) partitions(ctx context.Context) ([]int, error) {
	answer, err := r.Kafka.Metadata(ctx, &kafka.MetadataRequest{Topics: []string{r.Topic}})
	if err != nil {
		return nil, fmt.Errorf("ask about topic %s: %w", r.Topic, err)
	}
	var ids []int
	for _, t := range answer.Topics {
		if t.Error != nil {
			return nil, fmt.Errorf("topic %s: %w", t.Name, t.Error)
		}
		for _, p := range t.Partitions {
			ids = append(ids, p.ID)
		}
	}
	slices.Sort(ids)
	return ids, nil
}

func (r Replay) committed(ctx context.Context, partitions []int) (map[int]int64, error) {
	return committed(ctx, r.Kafka, r.Group, r.Topic, partitions)
}

func committed(ctx context.Context, client *kafka.Client, group, topic string, partitions []int) (map[int]int64, error) {
	answer, err := client.OffsetFetch(ctx, &kafka.OffsetFetchRequest{GroupID: group, Topics: map[string][]int{topic: partitions}})
	if err == nil {
		err = answer.Error
	}
	if err != nil {
		return nil, fmt.Errorf("ask how far %s has come: %w", group, err)
	}
	found := map[int]int64{}
	for _, p := range answer.Topics[topic] {
		if p.Error != nil {
			return nil, fmt.Errorf("ask how far %s has come in partition %d of %s: %w", group, p.Partition, topic, p.Error)
		}
		found[p.Partition] = p.CommittedOffset
	}
	return found, nil
}

// targets are the offsets to begin at: of the first message at or after From.
func (r Replay) targets(ctx context.Context, partitions []int) (map[int]int64, error) {
	ask := func(of func(int) kafka.OffsetRequest) ([]kafka.PartitionOffsets, error) {
		var requests []kafka.OffsetRequest
		for _, p := range partitions {
			requests = append(requests, of(p))
		}
		answer, err := r.Kafka.ListOffsets(ctx, &kafka.ListOffsetsRequest{Topics: map[string][]kafka.OffsetRequest{r.Topic: requests}})
		if err != nil {
			return nil, fmt.Errorf("ask for offsets of %s: %w", r.Topic, err)
		}
		for _, p := range answer.Topics[r.Topic] {
			if p.Error != nil {
				return nil, fmt.Errorf("ask for offsets of partition %d of %s: %w", p.Partition, r.Topic, p.Error)
			}
		}
		return answer.Topics[r.Topic], nil
	}
	targets := map[int]int64{}
	if r.From.IsZero() {
		found, err := ask(kafka.FirstOffsetOf)
		for _, p := range found {
			targets[p.Partition] = p.FirstOffset
		}
		return targets, err
	}
	last, err := ask(kafka.LastOffsetOf)
	if err != nil {
		return nil, err
	}
	for _, p := range last {
		targets[p.Partition] = p.LastOffset // nothing since then
	}
	found, err := ask(func(p int) kafka.OffsetRequest { return kafka.TimeOffsetOf(p, r.From) })
	for _, p := range found {
		for offset := range p.Offsets {
			if offset >= 0 {
				targets[p.Partition] = offset
			}
		}
	}
	return targets, err
}
