package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/segmentio/kafka-go"
)

// watch reads the committed offsets of the services' groups again and again, and
// remembers each that went back. An offset that goes back would have events
// handled again; the inbox would stop the effect, but it must not happen.
type watch struct {
	client *kafka.Client
	topics map[string][]string // by group

	stop context.CancelFunc
	done chan struct{}

	mu      sync.Mutex
	last    map[string]int64 // by "group topic/partition"
	reads   int
	moved   int
	back    []string
	trouble error
}

// watchOffsets begins to watch the groups of topics' readers.
func watchOffsets(broker string, groups []string, topics []string) *watch {
	ctx, stop := context.WithCancel(context.Background())
	w := &watch{
		client: &kafka.Client{Addr: kafka.TCP(broker), Timeout: 10 * time.Second}, topics: map[string][]string{},
		stop: stop, done: make(chan struct{}), last: map[string]int64{},
	}
	for _, g := range groups {
		w.topics[g] = topics
	}
	go func() {
		defer close(w.done)
		for ctx.Err() == nil {
			for group := range w.topics {
				if err := w.read(ctx, group); err != nil && ctx.Err() == nil {
					w.mu.Lock()
					w.trouble = err
					w.mu.Unlock()
				}
			}
			select {
			case <-ctx.Done():
			case <-time.After(250 * time.Millisecond):
			}
		}
	}()
	return w
}

func (w *watch) read(ctx context.Context, group string) error {
	offsets, err := committed(ctx, w.client, group, w.topics[group])
	if err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.reads++
	for at, offset := range offsets {
		key := fmt.Sprintf("%s %s/%d", group, at.topic, at.partition)
		had, known := w.last[key]
		switch {
		case known && offset < had:
			w.back = append(w.back, fmt.Sprintf("%s went from %d to %d", key, had, offset))
		case known && offset > had:
			w.moved++
		}
		w.last[key] = offset
	}
	return nil
}

// end stops watching. Offsets that went back are an error; so is having seen nothing.
func (w *watch) end() (Figures, error) {
	w.stop()
	<-w.done
	w.mu.Lock()
	defer w.mu.Unlock()
	f := Figures{"offset_reads": w.reads, "offsets_forward": w.moved, "offsets_back": len(w.back)}
	if len(w.back) > 0 {
		return f, fmt.Errorf("offsets went back: %q", w.back)
	}
	if w.reads == 0 || w.moved == 0 {
		return f, fmt.Errorf("no offset was seen to move: %w", errors.Join(w.trouble, errors.New("nothing was watched")))
	}
	return f, nil
}

type place struct {
	topic     string
	partition int
}

// committed are a group's offsets where it has any.
func committed(ctx context.Context, client *kafka.Client, group string, topics []string) (map[place]int64, error) {
	req := &kafka.OffsetFetchRequest{GroupID: group, Topics: map[string][]int{}}
	for _, t := range topics {
		for p := range 12 {
			req.Topics[t] = append(req.Topics[t], p)
		}
	}
	res, err := client.OffsetFetch(ctx, req)
	if err != nil {
		return nil, err
	}
	if res.Error != nil {
		return nil, res.Error
	}
	found := map[place]int64{}
	for topic, partitions := range res.Topics {
		for _, p := range partitions {
			if p.Error != nil {
				return nil, p.Error
			}
			if p.CommittedOffset >= 0 {
				found[place{topic, p.Partition}] = p.CommittedOffset
			}
		}
	}
	return found, nil
}
