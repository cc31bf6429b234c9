package events_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/hearthfps/hearth/pkg/events"
	"github.com/hearthfps/hearth/pkg/postgres"
	"github.com/hearthfps/hearth/pkg/testkit"
)

// memberEnv has the test binary play one process of a service.
const memberEnv = "HEARTH_EVENTS_TEST_MEMBER"

type memberConfig struct {
	Database string
	Brokers  []string
}

func runMember(text string) error {
	var config memberConfig
	if err := json.Unmarshal([]byte(text), &config); err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	db, err := postgres.Open(ctx, postgres.Config{URL: config.Database, MaxConns: 10})
	if err != nil {
		return err
	}
	engine, err := events.New(events.Config{
		Service: "test", DB: db, Brokers: config.Brokers, Subscriptions: subscribe(record),
		Log: slog.New(slog.NewTextHandler(os.Stderr, nil)), LeaseFor: time.Second,
		HeartbeatEvery: 100 * time.Millisecond, SessionTimeout: 1500 * time.Millisecond, DrainWithin: time.Second, RetryFor: time.Minute,
	})
	if err != nil {
		return err
	}
	return errors.Join(engine.Run(ctx), db.Close())
}

// member is a process of the service, which can be ended in several ways.
type member struct {
	cmd    *exec.Cmd
	exited chan error
}

func startMember(t *testing.T, config memberConfig) *member {
	t.Helper()
	text, err := json.Marshal(config)
	if err != nil {
		t.Fatal(err)
	}
	m := &member{cmd: exec.Command(os.Args[0]), exited: make(chan error, 1)}
	m.cmd.Env = append(os.Environ(), memberEnv+"="+string(text), "GOMAXPROCS=1")
	var output io.Writer = io.Discard
	if testing.Verbose() {
		output = os.Stderr
	}
	m.cmd.Stdout, m.cmd.Stderr = output, output
	if err := m.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { m.exited <- m.cmd.Wait() }()
	return m
}

func (m *member) signal(t *testing.T, s syscall.Signal) {
	t.Helper()
	if err := m.cmd.Process.Signal(s); err != nil {
		t.Errorf("signal a member: %v", err)
	}
}

// end sends a signal and waits for the process to go.
func (m *member) end(t *testing.T, s syscall.Signal) {
	t.Helper()
	m.signal(t, s)
	select {
	case err := <-m.exited:
		if s == syscall.SIGTERM && err != nil {
			t.Errorf("a member that was asked to end: %v", err)
		}
	case <-time.After(30 * time.Second):
		t.Error("a member does not end")
		_ = m.cmd.Process.Kill()
	}
}

// TestGuarantee2to5_Rebalance has the processes of a service join, leave, be
// killed, and freeze and wake up as ones that were replaced, about every second,
// while another publishes. Nothing may be lost, doubled or out of order for its
// key, and the group's offsets may not go back.
func TestGuarantee2to5_Rebalance(t *testing.T) {
	during := 20 * time.Second
	if testing.Short() {
		during = 8 * time.Second
	}
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))

	cluster := testkit.BrokerCluster(t, topic)
	db, url := testkit.Database(t, effects)
	lake := agency(t, "lakeland")
	config := memberConfig{Database: url, Brokers: cluster.ListenAddrs()}
	watch := watchOffsets(t, cluster)

	members := []*member{startMember(t, config), startMember(t, config)}
	defer func() {
		for _, m := range members {
			m.signal(t, syscall.SIGCONT)
			m.end(t, syscall.SIGTERM)
		}
	}()

	// The load: 40 keys, some 300 events a second.
	loadCtx, endLoad := context.WithCancel(lake)
	defer endLoad()
	published := map[string]int64{}
	var load sync.WaitGroup
	load.Go(func() {
		for n := 0; loadCtx.Err() == nil; n++ {
			keys := []string{fmt.Sprint("case-", n%40), fmt.Sprint("case-", (n+7)%40), fmt.Sprint("case-", (n+19)%40)}
			if err := publish(lake, db, keys...); err != nil {
				t.Error(err)
				return
			}
			for _, key := range keys {
				published[key]++
			}
			time.Sleep(10 * time.Millisecond) // the rate, not a wait
		}
	})

	happened := map[string]int{}
	var deck []string
	frozen := map[*member]time.Time{} // until when
	thaw := func(all bool) {
		for m, until := range frozen {
			if all || time.Now().After(until) {
				m.signal(t, syscall.SIGCONT)
				delete(frozen, m)
			}
		}
	}
	for end := time.Now().Add(during); time.Now().Before(end); {
		time.Sleep(time.Duration(700+random.IntN(600)) * time.Millisecond)
		thaw(false)
		if len(deck) == 0 {
			deck = []string{"join", "leave", "kill", "freeze", "join", "leave"}
			random.Shuffle(len(deck), func(i, j int) { deck[i], deck[j] = deck[j], deck[i] })
		}
		what := deck[0]
		deck = deck[1:]
		i := random.IntN(len(members))
		if _, is := frozen[members[i]]; is || len(members)-len(frozen) < 2 {
			what = "join"
		}
		happened[what]++
		switch what {
		case "join":
			members = append(members, startMember(t, config))
		case "leave":
			members[i].end(t, syscall.SIGTERM)
			members = append(members[:i], members[i+1:]...)
		case "kill":
			members[i].end(t, syscall.SIGKILL)
			members[i] = startMember(t, config)
		case "freeze":
			// Longer than its session: it wakes up replaced, and does not know.
			members[i].signal(t, syscall.SIGSTOP)
			frozen[members[i]] = time.Now().Add(2500 * time.Millisecond)
		}
	}
	thaw(true)
	endLoad()
	load.Wait()

	total := int64(0)
	for _, n := range published {
		total += n
	}
	eventually(t, "all effects", func() bool { return int64(count(seen(t, lake, db))) >= total })
	eventually(t, "an empty outbox", func() bool { return scalar[int](t, lake, db, "SELECT count(*) FROM outbox") == 0 })
	want := map[string][]int64{}
	for key, n := range published {
		want[key] = upTo(n)
	}
	if diff := cmp.Diff(want, seen(t, lake, db)); diff != "" {
		t.Errorf("effects differ (-want +got):\n%s", diff)
	}
	if n := scalar[int](t, lake, db, "SELECT count(*) FROM parked_event"); n != 0 {
		t.Errorf("%d events are parked", n)
	}
	firsts, records := firstOccurrences(t, config.Brokers)
	if diff := cmp.Diff(want, firsts); diff != "" {
		t.Errorf("the topic's first occurrences differ (-want +got):\n%s", diff)
	}
	rebalances, backwards := watch()
	if len(backwards) > 0 {
		t.Errorf("offsets went back: %v", backwards)
	}
	t.Logf("%d events, %d records, %v, %d commits seen", total, records, happened, rebalances)
}

// watchOffsets looks at the group's committed offsets all the while. The result
// says how often one was seen to grow, and where one went back.
func watchOffsets(t *testing.T, cluster *kfake.Cluster) func() (grew int, backwards []string) {
	t.Helper()
	transport := &kafka.Transport{}
	client := &kafka.Client{Addr: kafka.TCP(cluster.ListenAddrs()...), Transport: transport, Timeout: 5 * time.Second}
	partitions := make([]int, testkit.Partitions)
	for i := range partitions {
		partitions[i] = i
	}
	ctx, cancel := context.WithCancel(context.Background())
	last := map[int]int64{}
	var grew int
	var backwards []string
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for ctx.Err() == nil {
			answer, err := client.OffsetFetch(ctx, &kafka.OffsetFetchRequest{GroupID: "test", Topics: map[string][]int{topic: partitions}})
			if err == nil {
				for _, p := range answer.Topics[topic] {
					if p.CommittedOffset < 0 && last[p.Partition] == 0 {
						continue // none committed yet
					}
					if p.CommittedOffset < last[p.Partition] {
						backwards = append(backwards, fmt.Sprintf("partition %d from %d to %d", p.Partition, last[p.Partition], p.CommittedOffset))
					}
					if p.CommittedOffset > last[p.Partition] {
						grew++
						last[p.Partition] = p.CommittedOffset
					}
				}
			}
			time.Sleep(10 * time.Millisecond)
		}
	}()
	stop := sync.OnceFunc(func() {
		cancel()
		<-ended
		transport.CloseIdleConnections()
	})
	t.Cleanup(stop)
	return func() (int, []string) {
		stop()
		return grew, backwards
	}
}

// firstOccurrences reads a topic from its beginning: each key's versions, in
// order, without the repetitions that relays may make. records counts them all.
func firstOccurrences(t *testing.T, brokers []string) (firsts map[string][]int64, records int) {
	t.Helper()
	firsts = map[string][]int64{}
	known := map[string]bool{}
	for _, m := range readTopic(t, brokers, topic) {
		records++
		message := events.Message{Key: m.Key, Value: m.Value}
		for _, h := range m.Headers {
			message.Headers = append(message.Headers, events.Header{Key: h.Key, Value: h.Value})
		}
		decoded := message.Decode()
		if err := decoded.Err(); err != nil {
			t.Fatal(err)
		}
		event, err := decoded.Event.Event()
		if err != nil {
			t.Fatal(err)
		}
		if !known[event.ID] {
			known[event.ID] = true
			firsts[event.Key] = append(firsts[event.Key], event.Version)
		}
	}
	return firsts, records
}

// readTopic reads what a topic holds now.
func readTopic(t *testing.T, brokers []string, topic string) (all []kafka.Message) {
	t.Helper()
	for p := range testkit.Partitions {
		conn, err := kafka.DialLeader(t.Context(), "tcp", brokers[0], topic, p)
		if err != nil {
			t.Fatal(err)
		}
		last, err := conn.ReadLastOffset()
		if err != nil {
			t.Fatal(err)
		}
		for offset := int64(0); offset < last; {
			if _, err := conn.Seek(offset, kafka.SeekAbsolute); err != nil {
				t.Fatal(err)
			}
			batch := conn.ReadBatchWith(kafka.ReadBatchConfig{MinBytes: 1, MaxBytes: 1 << 20, MaxWait: time.Second})
			for {
				m, err := batch.ReadMessage()
				if err != nil {
					break // the end of the batch
				}
				all = append(all, m)
				offset = m.Offset + 1
			}
			if err := batch.Close(); err != nil {
				t.Fatal(err)
			}
		}
		if err := conn.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return all
}
