package load

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/hearthfps/hearth/scripts/chaos/check"
	"github.com/hearthfps/hearth/services/hearth/play"
)

const inbound = "referrals.inbound.v1"

// Config says what is sent, how fast and where to.
type Config struct {
	// Suite is where the services answer.
	Suite *play.Suite
	// Broker is an address of Kafka to bootstrap from.
	Broker string
	// Journal is the file to write, one check.Sent a line.
	Journal string
	// Stream names the referrals: the same name sends the same ones.
	Stream string
	// Rate is in referrals a second.
	Rate float64
	// Longest bounds the story of one referral, from its sending to its plan.
	Longest time.Duration
	// Workers is how many family workers there are, which bounds the cases.
	Workers int
}

// Load is a running load.
type Load struct {
	c       Config
	cast    *play.Cast
	journal *os.File
	writer  *kafka.Writer

	stop context.CancelFunc
	busy sync.WaitGroup

	mu      sync.Mutex
	failure error

	sent, answered, screened, planned atomic.Int64
}

// Start begins to send.
func Start(c Config) (*Load, error) {
	f, err := os.Create(c.Journal)
	if err != nil {
		return nil, fmt.Errorf("make the journal: %w", err)
	}
	l := &Load{
		c: c, journal: f,
		writer: &kafka.Writer{
			Addr: kafka.TCP(c.Broker), Topic: inbound, RequiredAcks: kafka.RequireAll,
			Balancer: kafka.Murmur2Balancer{Consistent: true}, BatchTimeout: 5 * time.Millisecond, MaxAttempts: 1,
		},
	}
	if l.cast, err = play.NewCast(c.Suite, c.Workers); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	ctx, stop := context.WithCancel(context.Background())
	l.stop = stop
	l.busy.Add(1)
	go l.flow(ctx)
	return l, nil
}

// Answered is how many referrals were answered so far.
func (l *Load) Answered() int { return int(l.answered.Load()) }

// Progress says how far it is.
func (l *Load) Progress() string {
	return fmt.Sprintf("%d sent, %d answered, %d screened, %d planned", l.sent.Load(), l.answered.Load(), l.screened.Load(), l.planned.Load())
}

// flow starts a referral at every tick.
func (l *Load) flow(ctx context.Context) {
	defer l.busy.Done()
	tick := time.NewTicker(time.Duration(float64(time.Second) / l.c.Rate))
	defer tick.Stop()
	for n := 0; ; n++ {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		l.sent.Add(1)
		l.busy.Add(1)
		go func() {
			defer l.busy.Done()
			// What was begun is brought to its end, however long everything is away.
			ctx, cancel := context.WithTimeout(context.Background(), l.c.Longest)
			defer cancel()
			if err := l.referral(ctx, n); err != nil {
				l.mu.Lock()
				if l.failure == nil {
					l.failure = err
				}
				l.mu.Unlock()
			}
		}()
	}
}

// referral sends the n-th referral; every third goes by Kafka. Those by HTTP are
// screened in, and every fourth of them goes all the way to an approved plan.
func (l *Load) referral(ctx context.Context, n int) error {
	began := time.Now()
	source, id, event := play.Generate(l.c.Stream, n, began)
	if n%3 == 2 {
		if err := l.produce(ctx, id, event); err != nil {
			return fmt.Errorf("referral %d by Kafka: %w", n, err)
		}
		return l.note(check.Sent{Source: source, ID: id, Via: "kafka", Began: began})
	}
	var verdict struct {
		Status     string `json:"status"`
		ReceiptID  string `json:"receipt_id"`
		ReferralID string `json:"referral_id"`
	}
	_, err := l.cast.As("referrer", "").Post(ctx, "/intake/v1/events", event, &verdict, play.Header("Content-Type", "application/cloudevents+json"))
	if err != nil {
		return fmt.Errorf("referral %d by HTTP: %w", n, err)
	}
	if verdict.Status != "accepted" && verdict.Status != "duplicate" { // a duplicate of the one whose answer was lost
		return fmt.Errorf("referral %d by HTTP: the verdict is %s", n, verdict.Status)
	}
	if err := l.note(check.Sent{Source: source, ID: id, Via: "http", ReceiptID: verdict.ReceiptID, Began: began}); err != nil {
		return err
	}
	caseID, err := l.cast.Screen(ctx, verdict.ReferralID, play.Screening{Decision: "screened_in", ReasonCode: "family_needs_support", Program: "in_home_services"})
	if err != nil {
		return err
	}
	l.screened.Add(1)
	if n%4 != 0 {
		return nil
	}
	file, err := l.cast.Assign(ctx, caseID)
	if err != nil {
		return err
	}
	if err := l.cast.Assess(ctx, file); err != nil {
		return err
	}
	if file, err = l.cast.MakeSafe(ctx, file, time.Now()); err != nil {
		return err
	}
	if _, err := l.cast.Plan(ctx, file, time.Now(), 2); err != nil {
		return err
	}
	l.planned.Add(1)
	return nil
}

// produce sends the event until the broker acknowledges it. Sent again after an
// answer that was lost, it stands twice in the topic, and counts once.
func (l *Load) produce(ctx context.Context, id string, event []byte) error {
	for {
		err := l.writer.WriteMessages(ctx, kafka.Message{
			Key: []byte(id), Value: event,
			Headers: []kafka.Header{{Key: "content-type", Value: []byte("application/cloudevents+json")}},
		})
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w; last: %w", ctx.Err(), err)
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// note writes down that a referral was sent and answered.
func (l *Load) note(s check.Sent) error {
	s.Answered = time.Now()
	line, err := json.Marshal(s)
	if err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.answered.Add(1)
	_, err = l.journal.Write(append(line, '\n'))
	return err
}

// Finish stops sending, waits until all that was begun is done, and says how much
// that was. progress, if not nil, is called every ten seconds meanwhile.
func (l *Load) Finish(ctx context.Context, progress func(string)) (string, error) {
	l.stop()
	done := make(chan struct{})
	go func() {
		l.busy.Wait()
		close(done)
	}()
	for waiting := true; waiting; {
		select {
		case <-done:
			waiting = false
		case <-ctx.Done():
			return "", ctx.Err()
		case <-time.After(10 * time.Second):
			if progress != nil {
				progress(l.Progress())
			}
		}
	}
	if err := l.writer.Close(); err != nil {
		return "", fmt.Errorf("close the producer: %w", err)
	}
	if err := l.journal.Close(); err != nil {
		return "", fmt.Errorf("close the journal: %w", err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.Progress(), l.failure
}
