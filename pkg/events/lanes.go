package events

import (
	"hash/fnv"
	"sync"
)

// item is a message on its way through a lane.
type item struct {
	message   Message
	partition *partition
}

// key is what the order of messages is kept by. A message without a key has no
// order to keep.
func (i *item) key() []byte {
	if len(i.message.Key) > 0 {
		return i.message.Key
	}
	return []byte(i.message.place())
}

// size is roughly what the message holds in memory.
func (i *item) size() int { return len(i.message.Key) + len(i.message.Value) + 512 }

// lanes handle many keys side by side and each key in order: a key always goes
// to the same lane, whatever its partition, and a lane does one thing at a time.
type lanes struct {
	queues []*queue
	budget *budget
	ended  sync.WaitGroup
}

// startLanes runs handle for every item pushed, n at once. handle says whether
// the item is done; if not, it is left for the partition's next consumer.
func startLanes(n int, budget *budget, handle func(*item) bool) *lanes {
	l := &lanes{queues: make([]*queue, n), budget: budget}
	for i := range l.queues {
		q := newQueue()
		l.queues[i] = q
		l.ended.Go(func() {
			for {
				next, ok := q.pop()
				if !ok {
					return
				}
				if handle(next) {
					next.partition.tracker.done(next.message.Offset)
				} else {
					// Nothing of its key may overtake it; the lane is at its end.
					q.close()
				}
				budget.give(next.size())
			}
		})
	}
	return l
}

func (l *lanes) push(i *item) {
	h := fnv.New32a()
	_, _ = h.Write(i.key()) // never fails
	l.queues[int(h.Sum32()%uint32(len(l.queues)))].push(i)
}

// close lets what runs end, and leaves what waits.
func (l *lanes) close() {
	for _, q := range l.queues {
		q.close()
	}
}

// wait returns when nothing runs any more.
func (l *lanes) wait() { l.ended.Wait() }

// queue is one lane's line. The budget bounds it.
type queue struct {
	mu     sync.Mutex
	cond   sync.Cond
	items  []*item
	closed bool
}

func newQueue() *queue {
	q := &queue{}
	q.cond.L = &q.mu
	return q
}

func (q *queue) push(i *item) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return
	}
	q.items = append(q.items, i)
	q.cond.Signal()
}

// pop waits for the next item; false says that the queue is closed.
func (q *queue) pop() (*item, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(q.items) == 0 && !q.closed {
		q.cond.Wait()
	}
	if q.closed {
		return nil, false
	}
	next := q.items[0]
	q.items[0] = nil
	q.items = q.items[1:]
	if len(q.items) == 0 {
		q.items = nil // let go of the array
	}
	return next, true
}

func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.cond.Broadcast()
}

// budget bounds what has been fetched and is not handled yet.
type budget struct {
	mu    sync.Mutex
	items int
	bytes int
	freed chan struct{}
}

const (
	budgetItems = 2000
	budgetBytes = 4 << 20
)

func newBudget() *budget { return &budget{freed: make(chan struct{}, 1)} }

func (b *budget) take(bytes int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.items++
	b.bytes += bytes
}

func (b *budget) give(bytes int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.items--
	b.bytes -= bytes
	select {
	case b.freed <- struct{}{}:
	default:
	}
}

// room waits until there is room for another fetch, or stop closes.
func (b *budget) room(stop <-chan struct{}) bool {
	for {
		b.mu.Lock()
		free := b.items < budgetItems && b.bytes < budgetBytes
		b.mu.Unlock()
		if free {
			return true
		}
		select {
		case <-stop:
			return false
		case <-b.freed:
		}
	}
}
