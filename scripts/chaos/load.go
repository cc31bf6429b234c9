package main

import (
	"context"
	"encoding/json"
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

// load sends referrals at a steady rate until it is told to finish, each until
// it is answered, and plays workers who screen them and go on with the cases.
type load struct {
	s       settings
	w       *world
	cast    *play.Cast
	journal *os.File
	writer  *kafka.Writer

	stop context.CancelFunc
	busy sync.WaitGroup

	mu      sync.Mutex
	failure error

	sent, answered, screened, planned atomic.Int64
}

func newLoad(w *world, s settings, journal string) (*load, error) {
	f, err := os.Create(journal)
	if err != nil {
		return nil, fmt.Errorf("make the journal: %w", err)
	}
	l := &load{
		s: s, w: w, journal: f,
		writer: &kafka.Writer{
			Addr: kafka.TCP(w.kafka.Addr), Topic: inbound, RequiredAcks: kafka.RequireAll,
			Balancer: kafka.Murmur2Balancer{Consistent: true}, BatchTimeout: 5 * time.Millisecond, MaxAttempts: 1,
		},
	}
	if l.cast, err = play.NewCast(w.suite(), 200); err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(context.Background())
	l.stop = stop
	l.busy.Add(1)
	go l.flow(ctx)
	return l, nil
}

func (l *load) progress() string {
	return fmt.Sprintf("%d sent, %d answered, %d screened, %d planned", l.sent.Load(), l.answered.Load(), l.screened.Load(), l.planned.Load())
}

// flow starts a referral at every tick.
func (l *load) flow(ctx context.Context) {
	defer l.busy.Done()
	tick := time.NewTicker(time.Duration(float64(time.Second) / l.s.rate))
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
			ctx, cancel := context.WithTimeout(context.Background(), l.s.duration+5*time.Minute)
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
func (l *load) referral(ctx context.Context, n int) error {
	source, id, event := play.Generate(fmt.Sprintf("chaos-%d", l.s.seed), n, time.Now())
	if n%3 == 2 {
		if err := l.produce(ctx, id, event); err != nil {
			return fmt.Errorf("referral %d by Kafka: %w", n, err)
		}
		return l.note(check.Sent{Source: source, ID: id, Via: "kafka"})
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
	if err := l.note(check.Sent{Source: source, ID: id, Via: "http", ReceiptID: verdict.ReceiptID}); err != nil {
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
func (l *load) produce(ctx context.Context, id string, event []byte) error {
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
func (l *load) note(s check.Sent) error {
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

// finish stops sending, waits until all that was begun is done, and says how much that was.
func (l *load) finish(ctx context.Context) (string, error) {
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
			step("  finishing: %s", l.progress())
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
	return l.progress(), l.failure
}
