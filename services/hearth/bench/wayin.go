package bench

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/segmentio/kafka-go"

	"github.com/hearthfps/hearth/pkg/app"
	"github.com/hearthfps/hearth/pkg/events"
	"github.com/hearthfps/hearth/pkg/postgres"
	"github.com/hearthfps/hearth/pkg/postgres/launch"
	"github.com/hearthfps/hearth/services/hearth/play"
)

const (
	// connections is how many senders there are by HTTP, and how many
	// connections insert beside them.
	connections = 16
	// importing is how many transactions of one import run at once.
	importing = 1
	// sample is how many referrals are recorded to be replayed.
	sample = 512
	// rounds is how often measurement and limit take turns.
	rounds = 3
)

// wayIn is intake alone, with its relay and consumer, and an empty copy of its
// database for the limit.
type wayIn struct {
	*site
	// single has a transaction for each referral.
	single    recording
	emptyCopy string
	// fromTopic counts the messages of the inbound topic that were handled: what
	// they made has been committed.
	fromTopic *atomic.Int64
}

// way starts intake, once for all figures of the way in.
func (g *ground) way(ctx context.Context) (*wayIn, error) {
	if g.intake != nil {
		return g.intake, nil
	}
	svc, err := g.find("intake")
	if err != nil {
		return nil, err
	}
	g.say("starting intake")
	var fromTopic atomic.Int64
	s, err := g.open(ctx, []app.Service{counting(svc, &fromTopic)})
	if err != nil {
		return nil, err
	}
	g.after = append(g.after, s.close)
	db, err := g.pg.Database(ctx, "bench_limit")
	if err != nil {
		return nil, err
	}
	if err := postgres.Migrate(ctx, db.OwnerURL, db.RuntimeRole, svc.Migrations); err != nil {
		return nil, err
	}
	g.intake = &wayIn{site: s, emptyCopy: g.pg.AdminURL("bench_limit"), fromTopic: &fromTopic}
	return g.intake, nil
}

// counting is svc with a count of the messages of raw topics it has handled.
func counting(svc app.Service, handled *atomic.Int64) app.Service {
	start := svc.New
	svc.New = func(ctx context.Context, d *app.Deps) (*app.Parts, error) {
		parts, err := start(ctx, d)
		if err != nil {
			return nil, err
		}
		for i, raw := range parts.Raw {
			parts.Raw[i].Handler = func(ctx context.Context, m events.Message) error {
				err := raw.Handler(ctx, m)
				if err == nil {
					handled.Add(1)
				}
				return err
			}
		}
		return parts, nil
	}
	return svc
}

// generate makes n events nobody has sent yet.
func (g *ground) generate(n int) [][]byte {
	made := make([][]byte, n)
	at := time.Now()
	for i := range made {
		_, _, made[i] = play.Generate("bench", g.sent+i, at)
	}
	g.sent += n
	return made
}

// recorded is the recording of a sample sent by send; transactions that took no event in are left out.
func (w *wayIn) recorded(ctx context.Context, send func(ctx context.Context, events [][]byte) (int, error)) (recording, error) {
	events := w.ground.generate(sample)
	r, err := record(ctx, w.admin["intake"], func(ctx context.Context) error {
		n, err := send(ctx, events)
		if err == nil && n != len(events) {
			err = fmt.Errorf("%d of %d events were accepted", n, len(events))
		}
		return errors.Join(err, w.settled(ctx, "intake"))
	})
	kept := r.transactions[:0]
	for _, t := range r.transactions {
		for _, row := range t {
			if row.table == "inbound_event" {
				kept = append(kept, t)
				break
			}
		}
	}
	r.transactions = kept
	return r, err
}

// one records a transaction for each referral, once.
func (w *wayIn) one(ctx context.Context) (recording, error) {
	if len(w.single.transactions) > 0 {
		return w.single, nil
	}
	w.ground.say("recording the rows of %d referrals, a transaction each", sample)
	r, err := w.recorded(ctx, func(ctx context.Context, events [][]byte) (int, error) {
		return w.post(ctx, events, 1, time.Time{})
	})
	if err == nil && len(r.transactions) != sample {
		err = fmt.Errorf("%d referrals made %d transactions", sample, len(r.transactions))
	}
	w.single = r
	return r, err
}

func measureHTTP(ctx context.Context, g *ground) ([]Figure, error) {
	w, err := g.way(ctx)
	if err != nil {
		return nil, err
	}
	r, err := w.one(ctx)
	if err != nil {
		return nil, err
	}
	g.say("referrals by HTTP at %d connections, and the limit, in turn", connections)
	measured, err := w.turns(ctx, r, connections, 1.5, func(ctx context.Context, events [][]byte, span time.Duration) (int, time.Duration, error) {
		began := time.Now()
		n, err := w.post(ctx, events, connections, began.Add(span))
		return n, time.Since(began), err
	})
	f := beside("http", fmt.Sprintf("referrals accepted by HTTP, %d connections", connections), "1/s", measured, 0.6)
	f.Note = fmt.Sprintf("limit: the same rows (%.1f a referral), a transaction a referral, by plain pgx on %d connections", float64(r.rows())/sample, connections)
	return []Figure{f}, err
}

func measureImport(ctx context.Context, g *ground) ([]Figure, error) {
	w, err := g.way(ctx)
	if err != nil {
		return nil, err
	}
	g.say("recording the rows of an import of %d referrals", sample)
	r, err := w.recorded(ctx, w.importAll)
	if err != nil {
		return nil, err
	}
	g.say("referrals by NDJSON import, and the limit, in turn")
	measured, err := w.turns(ctx, r, importing, 1, func(ctx context.Context, events [][]byte, _ time.Duration) (int, time.Duration, error) {
		began := time.Now()
		n, err := w.importAll(ctx, events)
		if err == nil && n != len(events) {
			err = fmt.Errorf("%d of %d events were accepted", n, len(events))
		}
		return n, time.Since(began), err
	})
	f := beside("import", "referrals accepted by NDJSON import, one stream", "1/s", measured, 0.8)
	f.Note = fmt.Sprintf("limit: the same rows in the import's own transactions (%d referrals in %d), by plain pgx on as many connections (%d)", sample, len(r.transactions), importing)
	return []Figure{f}, err
}

func measureKafka(ctx context.Context, g *ground) ([]Figure, error) {
	w, err := g.way(ctx)
	if err != nil {
		return nil, err
	}
	r, err := w.one(ctx)
	if err != nil {
		return nil, err
	}
	g.say("referrals by Kafka, and the limit, in turn")
	measured, err := w.turns(ctx, r, connections, 1, func(ctx context.Context, events [][]byte, _ time.Duration) (int, time.Duration, error) {
		return w.byKafka(ctx, events)
	})
	f := beside("kafka", "referrals accepted by Kafka, from the first write to the last commit", "1/s", measured, 0)
	f.Note = fmt.Sprintf("limit: the same rows, a transaction a referral, by plain pgx on %d connections; the producer's writes are in the time too", connections)
	return []Figure{f}, err
}

// turns measures and replays, one after the other, a few times: events for about
// a span at the rate of the turn before, times spare. The first measurement, a
// short one, only tells that rate.
func (w *wayIn) turns(ctx context.Context, r recording, connections int, spare float64,
	measure func(ctx context.Context, events [][]byte, span time.Duration) (n int, took time.Duration, err error),
) (_ []Round, err error) {
	limit, err := newReplayer(ctx, w.emptyCopy, r, connections)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, limit.close(ctx)) }()
	// So far the tables were empty to the planner; autovacuum notices in its time.
	for _, url := range []string{w.admin["intake"], w.emptyCopy} {
		if err := analyze(ctx, url); err != nil {
			return nil, err
		}
	}
	span := w.ground.Span / rounds
	n, took, err := measure(ctx, w.ground.generate(int(400*span.Seconds())+64), span/2)
	if err != nil {
		return nil, err
	}
	var all []Round
	for range rounds {
		events := w.ground.generate(int(spare*float64(n)/took.Seconds()*span.Seconds()) + 64)
		if err := w.settled(ctx, "intake"); err != nil {
			return nil, err
		}
		var turn Round
		used := w.ground.used()
		if n, took, err = measure(ctx, events, span); err != nil {
			return nil, err
		}
		if err := w.settled(ctx, "intake"); err != nil {
			return nil, err
		}
		turn.Measured, turn.MeasuredCPU = float64(n)/took.Seconds(), used(n)
		used = w.ground.used()
		times, spent, err := limit.run(ctx, span)
		if err != nil {
			return nil, err
		}
		turn.Limit, turn.LimitCPU = float64(times*sample)/spent.Seconds(), used(times*sample)
		w.ground.say("  %.0f/s beside %.0f/s; %.2f ms of CPU beside %.2f ms", turn.Measured, turn.Limit, turn.MeasuredCPU, turn.LimitCPU)
		all = append(all, turn)
	}
	return all, nil
}

// used returns what tells how many milliseconds of processor time each of n
// things took since.
func (g *ground) used() func(n int) float64 {
	before := launch.CPUTime(g.pg.PID())
	return func(n int) float64 {
		return float64((launch.CPUTime(g.pg.PID()) - before).Microseconds()) / 1000 / float64(n)
	}
}

// analyze gathers the statistics that the planner goes by.
func analyze(ctx context.Context, adminURL string) error {
	db, err := pgx.Connect(ctx, adminURL)
	if err != nil {
		return err
	}
	_, err = db.Exec(ctx, "ANALYZE")
	return errors.Join(err, db.Close(ctx))
}

// post sends events one a request on n connections at once, until they are all
// sent or the deadline is past (zero is never), and returns how many were
// accepted.
func (w *wayIn) post(ctx context.Context, events [][]byte, n int, deadline time.Time) (accepted int, _ error) {
	var (
		next     atomic.Int64
		wg       sync.WaitGroup
		done     = make([]int, n)
		failures = make([]error, n)
	)
	for i := range n {
		wg.Go(func() {
			c, err := dial(ctx, w.addr, w.ground.token)
			if err != nil {
				failures[i] = err
				return
			}
			defer c.close()
			for deadline.IsZero() || time.Now().Before(deadline) {
				k := int(next.Add(1)) - 1
				if k >= len(events) {
					return
				}
				if failures[i] = c.send(events[k]); failures[i] != nil {
					return
				}
				done[i]++
			}
		})
	}
	wg.Wait()
	for _, n := range done {
		accepted += n
	}
	return accepted, errors.Join(failures...)
}

// sender is a connection that sends events, one request after the other. It does
// as little as it can: it shares the machine with what is measured.
type sender struct {
	conn net.Conn
	in   *bufio.Reader
	head string
	out  []byte
}

func dial(ctx context.Context, addr, token string) (*sender, error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	return &sender{conn: conn, in: bufio.NewReader(conn), head: "POST /intake/v1/events HTTP/1.1\r\nHost: " + addr +
		"\r\nAuthorization: Bearer " + token + "\r\nContent-Type: application/cloudevents+json\r\nContent-Length: "}, nil
}

func (s *sender) close() { _ = s.conn.Close() } // nothing is on its way

// send sends one event and waits for its answer, which is to be 202 Accepted.
func (s *sender) send(event []byte) error {
	s.out = fmt.Appendf(s.out[:0], "%s%d\r\n\r\n", s.head, len(event))
	if _, err := s.conn.Write(append(s.out, event...)); err != nil {
		return fmt.Errorf("send an event: %w", err)
	}
	res, err := http.ReadResponse(s.in, nil)
	if err != nil {
		return fmt.Errorf("read an answer: %w", err)
	}
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return fmt.Errorf("read an answer: %w", err)
	}
	if res.StatusCode != http.StatusAccepted {
		return fmt.Errorf("an event was answered %s: %s", res.Status, body)
	}
	return nil
}

// importAll sends events as one stream and returns how many were accepted.
func (w *wayIn) importAll(ctx context.Context, events [][]byte) (accepted int, err error) {
	stream := append(bytes.Join(events, []byte("\n")), '\n')
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+w.addr+"/intake/v1/events:import", bytes.NewReader(stream))
	if err != nil {
		return 0, err
	}
	req.Header.Set("Authorization", "Bearer "+w.ground.token)
	req.Header.Set("Content-Type", "application/x-ndjson")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, fmt.Errorf("send an import: %w", err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return 0, fmt.Errorf("an import was answered %s", res.Status)
	}
	lines := bufio.NewScanner(res.Body)
	for lines.Scan() {
		var verdict struct {
			Status string `json:"status"`
		}
		if err := json.Unmarshal(lines.Bytes(), &verdict); err != nil {
			return accepted, fmt.Errorf("read a verdict: %w", err)
		}
		if verdict.Status == "accepted" {
			accepted++
		}
	}
	return accepted, lines.Err()
}

// byKafka writes events to the inbound topic and returns how long it took
// until the last of them was committed.
func (w *wayIn) byKafka(ctx context.Context, events [][]byte) (n int, took time.Duration, err error) {
	before := w.fromTopic.Load()
	transport := &kafka.Transport{}
	defer transport.CloseIdleConnections()
	writer := &kafka.Writer{
		Addr: kafka.TCP(w.broker.Addr), Topic: w.ground.Inbound, RequiredAcks: kafka.RequireAll, Balancer: kafka.Murmur2Balancer{Consistent: true},
		BatchTimeout: 5 * time.Millisecond, BatchSize: 100, Transport: transport,
	}
	defer func() { err = errors.Join(err, writer.Close()) }()
	messages := make([]kafka.Message, len(events))
	for i, e := range events {
		messages[i] = kafka.Message{Key: fmt.Appendf(nil, "%d", i), Value: e, Headers: []kafka.Header{
			{Key: "content-type", Value: []byte("application/cloudevents+json")}, {Key: "agencyid", Value: []byte(w.ground.Agency)},
		}}
	}
	began := time.Now()
	if err := writer.WriteMessages(ctx, messages...); err != nil {
		return 0, 0, fmt.Errorf("write to %s: %w", w.ground.Inbound, err)
	}
	err = w.await(ctx, func() (bool, error) { return w.fromTopic.Load()-before >= int64(len(events)), nil })
	return len(events), time.Since(began), err
}
