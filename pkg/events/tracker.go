package events

import (
	"sort"
	"sync"
	"time"
)

// tracker knows which messages of a partition are done, and so how far its
// offset may be committed: to the first one that is not. Messages are begun in
// order of offset and done in any order.
type tracker struct {
	mu      sync.Mutex
	pending []tracked // by offset; the first is never done
	next    int64     // all below are done
}

type tracked struct {
	offset int64
	at     time.Time
	done   bool
}

// newTracker starts at the first offset that is to be handled.
func newTracker(from int64) *tracker { return &tracker{next: from} }

// begin takes in a message. Offsets grow; they need not follow on each other.
func (t *tracker) begin(offset int64, at time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.pending = append(t.pending, tracked{offset: offset, at: at})
}

// done says that the effects of a message are there to stay.
func (t *tracker) done(offset int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	i := sort.Search(len(t.pending), func(i int) bool { return t.pending[i].offset >= offset })
	if i == len(t.pending) || t.pending[i].offset != offset {
		return // done before
	}
	t.pending[i].done = true
	first := 0
	for first < len(t.pending) && t.pending[first].done {
		t.next = t.pending[first].offset + 1
		first++
	}
	t.pending = t.pending[first:]
	if len(t.pending) == 0 {
		t.pending = nil // let go of the array
	}
}

// committable is the offset to commit: everything below it is done.
func (t *tracker) committable() int64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.next
}

// oldest is when the first message not done was recorded; false when there is none.
func (t *tracker) oldest() (time.Time, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.pending) == 0 {
		return time.Time{}, false
	}
	return t.pending[0].at, true
}
