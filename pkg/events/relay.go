package events

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/hearthfps/hearth/pkg/postgres"
)

const (
	// relayRows and relayBytes bound what is sent at once: less than a broker
	// takes as one batch (1 MB), should all of it be for one partition. In two
	// batches the first could fail alone, and leave a gap.
	relayRows  = 1000
	relayBytes = 800_000
	// relayPause is how long a sender that has sent rests: a transaction and a
	// record batch for each event would cost more than the events.
	relayPause = 10 * time.Millisecond
	// recordOverhead is more than headers and framing add to an event beside
	// its data, subject and key.
	recordOverhead = 900
)

// relay sends what the outbox holds, each shard by one goroutine while this
// process holds the shard's lease, until ctx ends.
func (e *Engine) relay(ctx context.Context) error {
	names := make([]string, shards)
	for shard := range shards {
		names[shard] = leaseName(shard)
	}
	leases := newLeases(e.config.DB, e.holder, e.config.LeaseFor, names...)

	var senders sync.WaitGroup
	for shard := range shards {
		senders.Go(func() {
			s := &sender{Engine: e, shard: shard, leases: leases}
			s.run(ctx)
		})
	}
	senders.Go(func() { e.pollOutbox(ctx, leases) })

	// The leases outlive the senders: given back while one still writes, another
	// process would send the same rows beside it.
	lifetime, end := context.WithCancel(context.WithoutCancel(ctx))
	defer end()
	kept := make(chan error, 1)
	go func() {
		kept <- leases.keep(lifetime, func() {
			for shard := range shards {
				e.config.DB.Signal(shardSignal(shard))
			}
		}, func(err error) { e.log.WarnContext(ctx, "cannot take relay leases", "error", postgres.Describe(err)) })
	}()
	senders.Wait()
	end()
	if err := <-kept; err != nil {
		// They end by themselves; a peer only has to wait.
		e.log.Warn("cannot release relay leases", "error", postgres.Describe(err))
	}
	return nil
}

func leaseName(shard int) string { return "relay/" + strconv.Itoa(shard) }

// pollOutbox wakes the senders of shards that hold rows: those that another
// process published, and those that a crash left. Rows of this process wake
// their sender by themselves.
func (e *Engine) pollOutbox(ctx context.Context, leases *leases) {
	for sleep(ctx, e.config.PollEvery) {
		var held []int16
		for shard := range shards {
			if _, ok := leases.term(leaseName(shard)); ok {
				held = append(held, int16(shard))
			}
		}
		if len(held) == 0 {
			continue
		}
		err := e.config.DB.AskBackbone(ctx, `
			SELECT shard FROM unnest($1::smallint[]) AS shard
			WHERE EXISTS (SELECT FROM outbox WHERE outbox.shard = shard.shard)`, []any{held}, func(rows pgx.Rows) error {
			for rows.Next() {
				var shard int
				if err := rows.Scan(&shard); err != nil {
					return err
				}
				e.config.DB.Signal(shardSignal(shard))
			}
			return nil
		})
		if err != nil && ctx.Err() == nil {
			e.log.WarnContext(ctx, "cannot look at the outbox", "error", postgres.Describe(err))
			sleep(ctx, time.Second)
		}
	}
}

// sender sends one shard.
type sender struct {
	*Engine
	shard  int
	leases *leases
}

func (s *sender) run(ctx context.Context) {
	failures := 0
	for {
		if failures == 0 {
			select {
			case <-ctx.Done():
				return
			case <-s.config.DB.Signals(shardSignal(s.shard)):
			}
		} else if !sleep(ctx, backoff(failures)) {
			return
		}
		if err := s.drain(ctx); err != nil && ctx.Err() == nil {
			failures++
			s.metrics.relayFailures.Add(ctx, 1, s.metrics.service)
			if loud(failures) {
				s.log.WarnContext(ctx, "cannot relay", "shard", s.shard, "failures", failures, "error", postgres.Describe(err))
			}
			continue
		}
		failures = 0
		// What comes meanwhile goes together. An event after a pause goes at once.
		if !sleep(ctx, relayPause) {
			return
		}
	}
}

// loud picks the failures of a row that are logged: the first, the second, the
// fourth, the eighth and so on.
func loud(failures int) bool { return failures&(failures-1) == 0 }

// backoff grows from 20 ms to 2 s.
func backoff(failures int) time.Duration {
	return min(10*time.Millisecond<<min(failures, 20), 2*time.Second)
}

// drain sends until the shard is empty, the lease is lost, or ctx ends.
func (s *sender) drain(ctx context.Context) error {
	var sent []int64
	for {
		term, ok := s.leases.term(leaseName(s.shard))
		if !ok {
			return nil
		}
		var err error
		if sent, err = s.turn(ctx, term, sent); err != nil || sent == nil {
			return err
		}
	}
}

// turn forgets the rows sent before, and sends the next; it returns nil when
// there are none. What it has begun to send it waits for, whatever becomes of
// ctx, so that the rows are deleted and not sent twice.
func (s *sender) turn(ctx context.Context, term int64, before []int64) (sent []int64, err error) {
	work, cancel := context.WithTimeout(context.WithoutCancel(ctx), produceTimeout+10*time.Second)
	defer cancel()
	rows, err := s.next(work, term, before)
	if err != nil || len(rows) == 0 || ctx.Err() != nil {
		return nil, err
	}
	sent, failed := s.send(work, rows)
	if failed != nil {
		// What the broker did take is not sent again.
		_, err := s.next(work, term, sent)
		return nil, errors.Join(failed, err)
	}
	return sent, nil
}

// outboxRow is one event that waits to be sent.
type outboxRow struct {
	seq   int64
	event Event
	topic string
}

// A row is only ever deleted, after it was sent, by the holder of the lease;
// there is no cursor to lose a row that a slow transaction commits late.
const (
	forgetRows = `
DELETE FROM outbox WHERE shard = $1 AND seq = ANY($2)
	AND EXISTS (SELECT FROM lease WHERE name = $3 AND holder = $4 AND term = $5)`
	nextRows = `
SELECT seq, event_id, agency_id, topic, type, subject, key, version, time, cause, correlation, traceparent, data
FROM (
	SELECT outbox.*, sum(octet_length(data) + octet_length(subject) + 2 * octet_length(key) + $7) OVER (ORDER BY seq) AS bytes, row_number() OVER (ORDER BY seq) AS n
	FROM (
		SELECT seq, event_id, agency_id, topic, type, subject, key, version, time, cause, correlation, traceparent, data
		FROM outbox WHERE shard = $1 ORDER BY seq LIMIT $2
	) AS outbox
) AS measured
WHERE (bytes <= $3 OR n = 1) AND EXISTS (SELECT FROM lease WHERE name = $4 AND holder = $5 AND term = $6)
ORDER BY seq`
)

// next forgets what was sent and reads what comes next, in one round trip. Both
// come to nothing when the lease is another's by now.
func (s *sender) next(ctx context.Context, term int64, sent []int64) (rows []outboxRow, err error) {
	name := leaseName(s.shard)
	batch := &pgx.Batch{}
	if len(sent) > 0 {
		batch.Queue(forgetRows, s.shard, sent, name, s.holder, term)
	}
	batch.Queue(nextRows, s.shard, relayRows, relayBytes, name, s.holder, term, recordOverhead)
	err = s.config.DB.BatchBackbone(ctx, batch, func(results pgx.BatchResults) error {
		if len(sent) > 0 {
			if _, err := results.Exec(); err != nil {
				return err
			}
		}
		found, err := results.Query()
		if err != nil {
			return err
		}
		defer found.Close()
		for found.Next() {
			row := outboxRow{}
			e := &row.event
			if err := found.Scan(&row.seq, &e.ID, &e.Agency, &row.topic, &e.Type, &e.Subject, &e.Key, &e.Version, &e.Time,
				&e.Cause, &e.Correlation, &e.TraceParent, &e.Data); err != nil {
				return err
			}
			service, err := serviceOf(e.Type)
			if err != nil {
				return err
			}
			e.Source, e.Time = Source(service), e.Time.UTC()
			rows = append(rows, row)
		}
		return found.Err()
	})
	if err != nil {
		return nil, fmt.Errorf("read outbox: %w", err)
	}
	return rows, nil
}

// send writes rows to their topics and returns the numbers of those the broker took.
func (s *sender) send(ctx context.Context, rows []outboxRow) (sent []int64, err error) {
	messages := make([]Message, len(rows))
	for i, row := range rows {
		messages[i] = row.event.Message()
		messages[i].Topic = row.topic
	}
	counts := map[string]int{}
	for i, failed := range s.broker.produce(ctx, messages) {
		if failed != nil {
			err = failed
			continue
		}
		sent = append(sent, rows[i].seq)
		counts[rows[i].topic]++
	}
	for topic, n := range counts {
		s.metrics.published(ctx, topic, n)
	}
	return sent, err
}
