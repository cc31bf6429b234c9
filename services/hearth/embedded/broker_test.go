package embedded_test

import (
	"context"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/hearthfps/hearth/services/hearth/embedded"
)

const topic = "intake.events.v1"

func produce(ctx context.Context, addr, value string) error {
	w := &kafka.Writer{
		Addr: kafka.TCP(addr), Topic: topic, RequiredAcks: kafka.RequireAll,
		Balancer: kafka.Murmur2Balancer{Consistent: true}, BatchTimeout: 5 * time.Millisecond,
	}
	defer w.Close()
	return w.WriteMessages(ctx, kafka.Message{Key: []byte("case-1"), Value: []byte(value)})
}

// consume reads every event of the topic that is there, whatever its partition.
func consume(ctx context.Context, t *testing.T, addr string) []string {
	t.Helper()
	var got []string
	for p := range embedded.Partitions {
		conn, err := kafka.DialLeader(ctx, "tcp", addr, topic, p)
		if err != nil {
			t.Fatal(err)
		}
		first, last, err := conn.ReadOffsets()
		conn.Close()
		if err != nil {
			t.Fatal(err)
		}
		r := kafka.NewReader(kafka.ReaderConfig{Brokers: []string{addr}, Topic: topic, Partition: p, MaxWait: 100 * time.Millisecond})
		for o := first; o < last; o++ {
			m, err := r.ReadMessage(ctx)
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, string(m.Value))
		}
		r.Close()
	}
	return got
}

func TestBroker_KeepsEventsOverARestart(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	dir := t.TempDir()
	b, err := embedded.StartBroker(dir, topic)
	if err != nil {
		t.Fatal(err)
	}
	if err := produce(ctx, b.Addr, "first"); err != nil {
		t.Fatal(err)
	}
	b.Close()

	b, err = embedded.StartBroker(dir, topic)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	if err := produce(ctx, b.Addr, "second"); err != nil {
		t.Fatal(err)
	}
	got := consume(ctx, t, b.Addr)
	if len(got) != 2 || got[0] != "first" || got[1] != "second" {
		t.Errorf("after a restart the topic holds %q, want [first second]", got)
	}
}

// The process is killed right after the acknowledgement: nothing was closed or flushed by hand.
func TestBroker_AcknowledgedIsOnDiskWhenTheProcessIsKilled(t *testing.T) {
	if dir := os.Getenv("HEARTH_TEST_BROKER_DIR"); dir != "" {
		b, err := embedded.StartBroker(dir, topic)
		if err != nil {
			t.Fatal(err)
		}
		if err := produce(context.Background(), b.Addr, "acknowledged"); err != nil {
			t.Fatal(err)
		}
		self, _ := os.FindProcess(os.Getpid())
		_ = self.Kill()
		select {}
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	dir := t.TempDir()
	child := exec.CommandContext(ctx, os.Args[0], "-test.run", "^"+t.Name()+"$")
	child.Env = append(os.Environ(), "HEARTH_TEST_BROKER_DIR="+dir)
	if err := child.Run(); err == nil || child.ProcessState.Exited() {
		t.Fatalf("the child ended by itself (%v), it should have been killed", child.ProcessState)
	}
	b, err := embedded.StartBroker(dir, topic)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	if got := consume(ctx, t, b.Addr); len(got) != 1 || got[0] != "acknowledged" {
		t.Errorf("after a kill the topic holds %q, want [acknowledged]", got)
	}
}
