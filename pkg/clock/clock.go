package clock

import (
	"sync"
	"time"
)

// Clock tells the time. Now is in UTC, cut to microseconds, which is what
// PostgreSQL stores: a time written and read back is equal to itself.
type Clock interface {
	Now() time.Time
}

// System is the machine's clock.
func System() Clock { return system{} }

type system struct{}

func (system) Now() time.Time { return time.Now().UTC().Truncate(time.Microsecond) }

// Manual stands still until it is moved. For tests.
type Manual struct {
	mu  sync.Mutex
	now time.Time
}

// NewManual starts at t.
func NewManual(t time.Time) *Manual {
	return &Manual{now: t.UTC().Truncate(time.Microsecond)}
}

func (m *Manual) Now() time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.now
}

// Set moves the clock to t, back as well as forward.
func (m *Manual) Set(t time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.now = t.UTC().Truncate(time.Microsecond)
}

// Advance moves the clock by d and returns the new time.
func (m *Manual) Advance(d time.Duration) time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.now = m.now.Add(d).Truncate(time.Microsecond)
	return m.now
}

// Adjustable runs with another clock, ahead of it by an offset that can only
// grow. It is the development clock: what is due next week can be made to come
// due now, and nothing that was decided is undone by time running backwards.
type Adjustable struct {
	base Clock

	mu     sync.Mutex
	offset time.Duration
}

// NewAdjustable starts ahead of base by offset (the Offset of an earlier run, so
// that a restart does not go back in time). A negative offset is taken as 0.
func NewAdjustable(base Clock, offset time.Duration) *Adjustable {
	return &Adjustable{base: base, offset: max(offset, 0)}
}

func (a *Adjustable) Now() time.Time {
	return a.base.Now().Add(a.Offset())
}

// Advance moves the clock forward by d and returns the new time. A negative d
// moves nothing.
func (a *Adjustable) Advance(d time.Duration) time.Time {
	a.mu.Lock()
	a.offset += max(d, 0).Truncate(time.Microsecond)
	a.mu.Unlock()
	return a.Now()
}

// Offset is how far ahead of its base the clock is.
func (a *Adjustable) Offset() time.Duration {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.offset
}
