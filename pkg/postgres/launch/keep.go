package launch

import (
	"context"
	"log/slog"
	"time"
)

// Keep starts the server again when it ends without Close: killed, or by a fault
// of its own. It listens where it did, so that what was told its address finds it
// again, once its children have let go of its memory. Call it once, after Start.
func (s *Server) Keep(log *slog.Logger) {
	ctx, stop := context.WithCancel(context.Background())
	kept := make(chan struct{})
	s.stopKeeping = func() {
		stop()
		<-kept
	}
	go func() {
		defer close(kept)
		for s.awaitEnd(ctx) {
			log.Error("PostgreSQL has ended; it is started again", "process", s.PID(), "log", s.logName())
			if err := s.again(ctx); err != nil && ctx.Err() == nil {
				log.Error("PostgreSQL does not start again", "error", err)
			}
		}
	}()
}

// lookEvery is how often a server that was taken over, which is no child, is looked for.
const lookEvery = 200 * time.Millisecond

// awaitEnd waits until the server has ended; false says that ctx did before.
func (s *Server) awaitEnd(ctx context.Context) bool {
	for !s.ended() {
		if sleep(ctx, lookEvery) != nil {
			return false
		}
	}
	return ctx.Err() == nil
}

// again starts the server with the port it had.
func (s *Server) again(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	o := s.options
	o.Port = s.port
	taken, err := s.takeOver(ctx)
	if err != nil || taken {
		return err
	}
	return s.run(ctx, s.bin, s.as, o)
}
