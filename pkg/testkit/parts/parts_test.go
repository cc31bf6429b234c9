package parts_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/segmentio/kafka-go"

	"github.com/hearthfps/hearth/pkg/testkit/parts"
)

func needs(t *testing.T, err error) {
	t.Helper()
	if errors.Is(err, parts.ErrMissing) {
		t.Skipf("skipped: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func TestKafka_AcknowledgedWritesSurviveKill(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), 90*time.Second)
	defer cancel()
	k, err := parts.NewKafka(parts.KafkaLibs(), t.TempDir())
	needs(t, err)
	if err := k.Start(ctx); err != nil {
		t.Fatal(err)
	}
	defer func() { k.Kill() }()
	if err := k.CreateTopics(ctx, 1, "survives"); err != nil {
		t.Fatal(err)
	}
	w := &kafka.Writer{Addr: kafka.TCP(k.Addr), Topic: "survives", RequiredAcks: kafka.RequireAll, BatchTimeout: 5 * time.Millisecond, MaxAttempts: 50}
	defer w.Close()
	if err := w.WriteMessages(ctx, kafka.Message{Value: []byte("kept")}); err != nil {
		t.Fatal(err)
	}
	k.Kill()
	if k.Running() {
		t.Fatal("the broker is running after Kill")
	}
	if err := k.Start(ctx); err != nil {
		t.Fatal(err)
	}
	r := kafka.NewReader(kafka.ReaderConfig{Brokers: []string{k.Addr}, Topic: "survives", MaxWait: 200 * time.Millisecond})
	defer r.Close()
	m, err := r.ReadMessage(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := string(m.Value), "kept"; got != want {
		t.Errorf("after a kill the topic holds %q, want %q", got, want)
	}
}

func TestRedis_KeepsItsAddressAndDataOverKill(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	r, err := parts.NewRedis(t.TempDir())
	needs(t, err)
	if err := r.Start(ctx); err != nil {
		t.Fatal(err)
	}
	defer func() { r.Kill() }()
	c := redis.NewClient(&redis.Options{Addr: r.Addr})
	defer c.Close()
	if err := c.Set(ctx, "k", "v", 0).Err(); err != nil {
		t.Fatal(err)
	}
	r.Kill()
	if err := r.Start(ctx); err != nil {
		t.Fatal(err)
	}
	got, err := c.Get(ctx, "k").Result()
	if err != nil || got != "v" {
		t.Errorf("after a kill Get = %q, %v, want %q", got, err, "v")
	}
}

func TestStart_SaysWhatTheProcessSaidWhenItEnds(t *testing.T) {
	dir := t.TempDir()
	p := &parts.Process{
		Name: "failing", Dir: dir, Args: []string{"sh", "-c", "echo no such option; exit 3"},
		Ready: func(context.Context) error { return errors.New("not yet") },
	}
	err := p.Start(context.Background())
	if err == nil {
		t.Fatal("Start of a process that ends returned nil")
	}
	if b, _ := os.ReadFile(filepath.Join(dir, "failing.log")); len(b) == 0 {
		t.Error("its log is empty")
	}
	if got := err.Error(); !strings.Contains(got, "no such option") {
		t.Errorf("error %q does not carry the log", got)
	}
}
