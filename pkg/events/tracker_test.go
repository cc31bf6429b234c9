package events

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// The tracker against the plain definition of what it keeps: the first offset
// begun and not done, or the one after the last.
func TestGuarantee5_NothingIsCommittableBeforeAllBelowIsDone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		from := rapid.Int64Range(0, 1000).Draw(t, "from")
		tr := newTracker(from)
		next := from
		done := map[int64]bool{}
		var begun []int64
		definition := func() int64 {
			for _, offset := range begun {
				if !done[offset] {
					return before(begun, offset, from)
				}
			}
			return before(begun, next, from)
		}
		last := from
		t.Repeat(map[string]func(*rapid.T){
			"begin": func(t *rapid.T) {
				next += rapid.Int64Range(0, 3).Draw(t, "gap") // compaction leaves gaps
				tr.begin(next, time.Unix(next, 0))
				begun = append(begun, next)
				next++
			},
			"done": func(t *rapid.T) {
				if len(begun) == 0 {
					t.Skip("nothing begun")
				}
				offset := rapid.SampledFrom(begun).Draw(t, "offset")
				tr.done(offset) // twice, too
				done[offset] = true
			},
			"": func(t *rapid.T) {
				got := tr.committable()
				if want := definition(); got != want {
					t.Fatalf("committable is %d, want %d (begun %v, done %v)", got, want, begun, done)
				}
				if got < last {
					t.Fatalf("committable went back from %d to %d", last, got)
				}
				last = got
			},
		})
	})
}

// before is the offset after the last one begun below limit; from when none is.
func before(begun []int64, limit, from int64) int64 {
	after := from
	for _, offset := range begun {
		if offset < limit {
			after = offset + 1
		}
	}
	return after
}

func TestGuarantee4_LanesKeepEachKeysOrderAndFinishAll(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		keys := rapid.IntRange(1, 20).Draw(t, "keys")
		n := rapid.IntRange(0, 200).Draw(t, "messages")
		width := rapid.IntRange(1, 8).Draw(t, "lanes")
		parts := []*partition{{topic: "a", tracker: newTracker(0)}, {topic: "b", tracker: newTracker(0)}}
		type step struct{ part, key int }
		var pushed []step
		for range n {
			pushed = append(pushed, step{rapid.IntRange(0, 1).Draw(t, "partition"), rapid.IntRange(0, keys-1).Draw(t, "key")})
		}

		var mu sync.Mutex
		handledOf := map[string][]string{}
		running := map[string]bool{}
		budget := newBudget()
		lanes := startLanes(width, budget, func(i *item) bool {
			key := string(i.message.Key)
			mu.Lock()
			if running[key] {
				t.Errorf("two messages of key %s at once", key)
			}
			running[key] = true
			mu.Unlock()
			mu.Lock()
			defer mu.Unlock()
			handledOf[key] = append(handledOf[key], fmt.Sprint(i.partition.topic, i.message.Offset))
			running[key] = false
			return true
		})
		want := map[string][]string{}
		offsets := []int64{0, 0}
		for _, s := range pushed {
			p, key := parts[s.part], fmt.Sprint(s.key)
			next := &item{message: Message{Topic: p.topic, Offset: offsets[s.part], Key: []byte(key)}, partition: p}
			want[key] = append(want[key], fmt.Sprint(p.topic, offsets[s.part]))
			p.tracker.begin(offsets[s.part], time.Now())
			offsets[s.part]++
			budget.take(next.size())
			lanes.push(next)
		}
		for deadline := time.Now().Add(10 * time.Second); parts[0].tracker.committable() != offsets[0] || parts[1].tracker.committable() != offsets[1]; {
			if time.Now().After(deadline) {
				t.Fatalf("got as far as %d and %d of %v", parts[0].tracker.committable(), parts[1].tracker.committable(), offsets)
			}
			time.Sleep(100 * time.Microsecond)
		}
		lanes.close()
		lanes.wait()
		for key := range want {
			if fmt.Sprint(want[key]) != fmt.Sprint(handledOf[key]) {
				t.Fatalf("key %s: got %v, want %v", key, handledOf[key], want[key])
			}
		}
		if budget.items != 0 || budget.bytes != 0 {
			t.Fatalf("the budget leaks: %d items, %d bytes", budget.items, budget.bytes)
		}
	})
}

// A message that had to stop holds its lane: nothing of its key is handled after
// it, and nothing beyond it is committable.
func TestGuarantee4and5_AStoppedMessageHoldsItsKey(t *testing.T) {
	p := &partition{topic: "a", tracker: newTracker(0)}
	var mu sync.Mutex
	var saw []int64
	budget := newBudget()
	lanes := startLanes(1, budget, func(i *item) bool {
		mu.Lock()
		defer mu.Unlock()
		saw = append(saw, i.message.Offset)
		return i.message.Offset != 2
	})
	for offset := range int64(5) {
		p.tracker.begin(offset, time.Now())
		next := &item{message: Message{Offset: offset, Key: []byte("k")}, partition: p}
		budget.take(next.size())
		lanes.push(next)
	}
	lanes.wait()
	if fmt.Sprint(saw) != "[0 1 2]" {
		t.Errorf("got %v", saw)
	}
	if got := p.tracker.committable(); got != 2 {
		t.Errorf("committable is %d, want 2", got)
	}
}

func TestBudget_WaitsForRoomAndForTheEnd(t *testing.T) {
	b := newBudget()
	for range budgetItems {
		b.take(1)
	}
	stop := make(chan struct{})
	got := make(chan bool, 1)
	go func() { got <- b.room(stop) }()
	select {
	case <-got:
		t.Fatal("there was no room")
	case <-time.After(20 * time.Millisecond):
	}
	b.give(1)
	if !<-got {
		t.Error("room was not given")
	}
	b.take(1)
	close(stop)
	if b.room(stop) {
		t.Error("room was given at the end")
	}
}
