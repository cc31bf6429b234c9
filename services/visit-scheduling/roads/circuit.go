package roads

import (
	"sync"
	"time"

	"github.com/hearthfps/hearth/pkg/clock"
)

// circuit keeps a server from being asked that has failed:
//
//	closed → (failures in a row) → open → (pause) → one request tries → closed or open
type circuit struct {
	clock    clock.Clock
	failures int
	pause    time.Duration

	mu     sync.Mutex
	failed int
	since  time.Time // of the last failure
	trying bool
}

// admits says whether a request may be made now. Who is admitted tells how it went.
func (c *circuit) admits() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.failed < c.failures {
		return true
	}
	if c.trying || c.clock.Now().Sub(c.since) < c.pause {
		return false
	}
	c.trying = true
	return true
}

// tell says how a request that was admitted went.
func (c *circuit) tell(good bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.trying = false
	if good {
		c.failed = 0
		return
	}
	c.failed++
	c.since = c.clock.Now()
}

// forget is for a request that was admitted and came to nothing either way.
func (c *circuit) forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.trying = false
}
