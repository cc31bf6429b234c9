package postgres

import "sync"

// signals wake waiting work of the same process. They carry nothing and may be
// lost; whoever waits looks by itself from time to time.
type signals struct {
	mu    sync.Mutex
	named map[string]chan struct{}
}

func (s *signals) channel(name string) chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.named == nil {
		s.named = map[string]chan struct{}{}
	}
	ch, ok := s.named[name]
	if !ok {
		ch = make(chan struct{}, 1)
		s.named[name] = ch
	}
	return ch
}

// Signal wakes what waits on Signals of the same name, now or at its next wait.
func (db *DB) Signal(name string) {
	select {
	case db.signals.channel(name) <- struct{}{}:
	default: // it is to be woken already
	}
}

// Signals receives a value after Signal, one for any number of signals.
func (db *DB) Signals(name string) <-chan struct{} { return db.signals.channel(name) }
