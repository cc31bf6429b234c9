package reception

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"time"

	"github.com/hearthfps/hearth/pkg/tenant"
)

// gathering lets events that come one by one, but at the same time, share a
// transaction: most of what one costs is its round trips and its commit. An event
// that comes alone goes at once; those that come while a few transactions run
// wait for the next, together. Nobody's answer is given before their commit.
//
// There is no goroutine of its own: whoever finds a place free leads a group, and
// hands the place to the first of those that came meanwhile.
type gathering struct {
	mu     sync.Mutex
	queues map[tenant.AgencyID]*queue
}

// queue is what waits of one agency, and how many groups are on their way.
type queue struct {
	waiting []*ticket
	leading int
}

// ticket is an item that waits for its turn: to lead, or to be told that it is done.
type ticket struct {
	item *item
	turn chan bool // true: lead
	err  error     // of the whole group
}

const (
	// gatherMost bounds a group, gatherWithin the time its transaction may take:
	// it does not end with the request of whoever leads it.
	gatherMost   = 32
	gatherWithin = 30 * time.Second
)

// gathered takes one item in, with others if there are any.
func (r *Reception) gathered(ctx context.Context, it *item) error {
	agency, ok := tenant.From(ctx)
	if !ok {
		return r.together(ctx, []*item{it}) // which says so
	}
	t := &ticket{item: it, turn: make(chan bool, 1)}
	if !r.gathering.enter(agency, t) {
		if lead := <-t.turn; !lead {
			return t.err
		}
	}
	group := r.gathering.take(agency, t)
	defer r.gathering.handOver(agency)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), gatherWithin)
	defer cancel()
	r.lead(ctx, group)
	return t.err
}

// lead takes the items of a group in and tells the others.
func (r *Reception) lead(ctx context.Context, group []*ticket) {
	items := make([]*item, len(group))
	for i, t := range group {
		items[i] = t.item
	}
	err := fmt.Errorf("the group this event came with broke off")
	defer func() { // after a panic too
		for i, t := range group {
			t.err = err
			if i > 0 {
				t.turn <- false
			}
		}
	}()
	err = r.group(ctx, items)
}

// enter gives t a place to lead, or has it wait.
func (g *gathering) enter(agency tenant.AgencyID, t *ticket) (lead bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.queues == nil {
		g.queues = map[tenant.AgencyID]*queue{}
	}
	q := g.queues[agency]
	if q == nil {
		q = &queue{}
		g.queues[agency] = q
	}
	if q.leading < max(2, runtime.GOMAXPROCS(0)) {
		q.leading++
		return true
	}
	q.waiting = append(q.waiting, t)
	return false
}

// take forms the group that t leads: t first, then those that wait.
func (g *gathering) take(agency tenant.AgencyID, t *ticket) []*ticket {
	g.mu.Lock()
	defer g.mu.Unlock()
	q := g.queues[agency]
	n := min(len(q.waiting), gatherMost-1)
	group := append([]*ticket{t}, q.waiting[:n]...)
	q.waiting = append([]*ticket(nil), q.waiting[n:]...)
	return group
}

// handOver gives the place to the first that waits, or frees it.
func (g *gathering) handOver(agency tenant.AgencyID) {
	g.mu.Lock()
	defer g.mu.Unlock()
	q := g.queues[agency]
	if len(q.waiting) > 0 {
		next := q.waiting[0]
		q.waiting = q.waiting[1:]
		next.turn <- true
		return
	}
	if q.leading--; q.leading == 0 {
		delete(g.queues, agency)
	}
}
