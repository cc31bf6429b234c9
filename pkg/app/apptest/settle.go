package apptest

import (
	"context"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/segmentio/kafka-go"

	"github.com/hearthfps/hearth/pkg/app"
	"github.com/hearthfps/hearth/pkg/testkit"
)

// noting remembers what the service takes in, to know when it has.
func (h *Harness) noting(svc app.Service) app.Service {
	assemble := svc.New
	svc.New = func(ctx context.Context, d *app.Deps) (*app.Parts, error) {
		parts, err := assemble(ctx, d)
		if err != nil {
			return nil, err
		}
		h.topics = nil
		for _, s := range parts.Subscriptions {
			h.topics = append(h.topics, s.Topics...)
		}
		for _, s := range parts.Raw {
			h.topics = append(h.topics, s.Topic)
		}
		slices.Sort(h.topics)
		h.topics = slices.Compact(h.topics)
		return parts, nil
	}
	return svc
}

// drained says whether the outbox is empty.
func (h *Harness) drained() bool {
	h.T.Helper()
	var waiting bool
	err := h.DB.AskBackbone(h.T.Context(), "SELECT EXISTS (SELECT FROM outbox)", nil, func(rows pgx.Rows) error {
		for rows.Next() {
			if err := rows.Scan(&waiting); err != nil {
				return err
			}
		}
		return rows.Err()
	})
	if err != nil {
		h.T.Fatalf("look at the outbox: %v", err)
	}
	return !waiting
}

// caughtUp says whether the service's group has committed everything that its
// topics hold. What is parked counts as taken in.
func (h *Harness) caughtUp() bool {
	h.T.Helper()
	if len(h.topics) == 0 {
		return true
	}
	ctx, cancel := context.WithTimeout(h.T.Context(), waitFor)
	defer cancel()
	client := &kafka.Client{Addr: kafka.TCP(h.Brokers...), Transport: h.transport}
	partitions := map[string][]int{}
	ends := map[string][]kafka.OffsetRequest{}
	for _, topic := range h.topics {
		for p := range testkit.Partitions {
			partitions[topic] = append(partitions[topic], p)
			ends[topic] = append(ends[topic], kafka.LastOffsetOf(p))
		}
	}
	committed, err := client.OffsetFetch(ctx, &kafka.OffsetFetchRequest{GroupID: h.service.Name, Topics: partitions})
	if err != nil {
		h.T.Fatalf("read the group's offsets: %v", err)
	}
	last, err := client.ListOffsets(ctx, &kafka.ListOffsetsRequest{Topics: ends})
	if err != nil {
		h.T.Fatalf("read the topics' ends: %v", err)
	}
	done := map[string]map[int]int64{}
	for topic, offsets := range committed.Topics {
		done[topic] = map[int]int64{}
		for _, o := range offsets {
			done[topic][o.Partition] = max(o.CommittedOffset, 0)
		}
	}
	for topic, offsets := range last.Topics {
		for _, o := range offsets {
			if done[topic][o.Partition] < o.LastOffset {
				return false
			}
		}
	}
	return true
}
