package events

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/hearthfps/hearth/pkg/postgres"
)

// consume is the life of this process in its service's consumer group. It is
// built on kafka-go's ConsumerGroup and Generation, not on Reader with a GroupID:
// a Reader that has lost its place commits all the same, which moves the group's
// offset back, and is told nothing (kafka-go issues 1308 and 1398). A generation's
// commits carry its number, and the broker refuses those of one that is over.
func (e *Engine) consume(ctx context.Context) error {
	if !e.awaitTopics(ctx) {
		return nil
	}
	group, err := kafka.NewConsumerGroup(kafka.ConsumerGroupConfig{
		ID: e.config.Service, Brokers: e.config.Brokers, Dialer: e.broker.dialer, Topics: e.routes.topics,
		// Ranges give one member the same partitions of every topic: all
		// events of a case, whichever service they come from, meet in one place.
		GroupBalancers:         []kafka.GroupBalancer{kafka.RangeGroupBalancer{}},
		HeartbeatInterval:      e.config.HeartbeatEvery,
		SessionTimeout:         e.config.SessionTimeout,
		RebalanceTimeout:       e.config.SessionTimeout + e.config.DrainWithin,
		JoinGroupBackoff:       500 * time.Millisecond,
		StartOffset:            kafka.FirstOffset,
		WatchPartitionChanges:  true,
		PartitionWatchInterval: 30 * time.Second,
		ErrorLogger: kafka.LoggerFunc(func(format string, args ...any) {
			e.log.Debug("consumer group", "message", fmt.Sprintf(format, args...))
		}),
	})
	if err != nil {
		return fmt.Errorf("join consumer group: %w", err)
	}
	for failures := 0; ctx.Err() == nil; {
		generation, err := group.Next(ctx)
		if err != nil {
			// kafka-go waits before it tries again.
			if failures++; ctx.Err() == nil && loud(failures) {
				e.log.WarnContext(ctx, "cannot join the consumer group", "failures", failures, "error", postgres.Describe(err))
			}
			continue
		}
		failures = 0
		drained := make(chan struct{})
		generation.Start(func(over context.Context) {
			e.joined.Store(true)
			e.serve(ctx, over, generation)
			close(drained)
			// If the engine stops, the generation is to end by leaving the group:
			// to return before would be to join the next one.
			if ctx.Err() != nil {
				<-over.Done()
			}
		})
		<-drained
	}
	e.joined.Store(false)
	return e.leave(group)
}

// leave waits for kafka-go to leave the group, and cuts its connections when it
// is held up, as it is while it waits to join a rebalance.
func (e *Engine) leave(group *kafka.ConsumerGroup) error {
	left := make(chan error, 1)
	go func() { left <- group.Close() }()
	select {
	case err := <-left:
		return err
	case <-time.After(2 * time.Second):
	}
	e.broker.cut()
	return <-left
}

// awaitTopics waits until every topic is there. Topics are made when a system is
// deployed; a group joined before would spin on the missing ones.
func (e *Engine) awaitTopics(ctx context.Context) bool {
	for failures := 1; ctx.Err() == nil; failures++ {
		_, err := e.broker.leaders(ctx, e.routes.topics)
		if err == nil {
			return true
		}
		if failures%20 == 1 && ctx.Err() == nil {
			e.log.WarnContext(ctx, "waiting for brokers and topics", "topics", e.routes.String(), "error", postgres.Describe(err))
		}
		sleep(ctx, min(time.Duration(failures)*50*time.Millisecond, time.Second))
	}
	return false
}

// partition is one assigned partition in one generation.
type partition struct {
	topic   string
	id      int
	tracker *tracker
	// The rest is the fetching goroutine's.
	from      int64 // the next offset to fetch
	committed int64
}

// serve consumes the partitions of one generation until it is over, or the
// engine stops: then it stops fetching, lets running handlers end, and commits.
func (e *Engine) serve(stop, over context.Context, generation *kafka.Generation) {
	fetching, stopFetching := context.WithCancel(stop)
	defer stopFetching()
	defer context.AfterFunc(over, stopFetching)()

	if !e.refreshRawParked(fetching) {
		return
	}
	parts, err := e.assigned(fetching, generation)
	if err != nil {
		if fetching.Err() == nil {
			e.log.WarnContext(stop, "cannot begin to consume", "error", postgres.Describe(err))
			sleep(fetching, 500*time.Millisecond)
		}
		return
	}
	e.log.InfoContext(stop, "consuming", "generation", generation.ID, "partitions", len(parts))
	e.metrics.watch(parts)
	defer e.metrics.watch(nil)

	// Handlers outlive both contexts, up to the deadline.
	work, abort := context.WithCancel(context.WithoutCancel(stop))
	defer abort()
	budget := newBudget()
	lanes := startLanes(e.config.Lanes, budget, func(i *item) bool { return e.handle(work, fetching.Done(), i) })

	var running sync.WaitGroup
	running.Go(func() { e.fetch(fetching, parts, lanes, budget) })
	for {
		if !sleep(fetching, time.Second) {
			break
		}
		if err := commit(generation, parts); err != nil {
			e.log.WarnContext(stop, "cannot commit offsets", "generation", generation.ID, "error", postgres.Describe(err))
			if fenced(err) {
				stopFetching()
			}
		}
	}
	running.Wait()
	lanes.close()
	deadline := time.AfterFunc(e.config.DrainWithin, abort)
	lanes.wait()
	deadline.Stop()
	if err := commit(generation, parts); err != nil && !fenced(err) {
		// What was done is done again by the next consumer, to no effect.
		e.log.WarnContext(stop, "cannot commit offsets on leaving", "generation", generation.ID, "error", postgres.Describe(err))
	}
}

// assigned makes the partitions of a generation, each from its committed offset
// or, where there is none, from its first message.
func (e *Engine) assigned(ctx context.Context, generation *kafka.Generation) ([]*partition, error) {
	var parts []*partition
	unknown := map[string][]kafka.OffsetRequest{}
	for topic, assignments := range generation.Assignments {
		for _, a := range assignments {
			parts = append(parts, &partition{topic: topic, id: a.ID, from: a.Offset, committed: a.Offset})
			if a.Offset < 0 {
				unknown[topic] = append(unknown[topic], kafka.FirstOffsetOf(a.ID))
			}
		}
	}
	if len(unknown) > 0 {
		first, err := e.broker.firstOffsets(ctx, unknown)
		if err != nil {
			return nil, err
		}
		for _, p := range parts {
			if p.from < 0 {
				from, ok := first[p.topic][p.id]
				if !ok {
					return nil, fmt.Errorf("the brokers do not say where partition %d of %s begins", p.id, p.topic)
				}
				p.from = from
			}
		}
	}
	for _, p := range parts {
		p.tracker = newTracker(p.from)
	}
	return parts, nil
}

// commit tells the group how far each partition has come, if it has come further.
func commit(generation *kafka.Generation, parts []*partition) error {
	offsets := map[string]map[int]int64{}
	for _, p := range parts {
		to := p.tracker.committable()
		if to <= p.committed {
			continue
		}
		if offsets[p.topic] == nil {
			offsets[p.topic] = map[int]int64{}
		}
		offsets[p.topic][p.id] = to
	}
	if len(offsets) == 0 {
		return nil
	}
	if err := generation.CommitOffsets(offsets); err != nil {
		return err
	}
	for _, p := range parts {
		if to, ok := offsets[p.topic][p.id]; ok {
			p.committed = to
		}
	}
	return nil
}

// fenced is what a broker answers to a member that was replaced.
func fenced(err error) bool {
	return errors.Is(err, kafka.IllegalGeneration) || errors.Is(err, kafka.UnknownMemberId) || errors.Is(err, kafka.FencedInstanceID) ||
		errors.Is(err, kafka.RebalanceInProgress)
}
