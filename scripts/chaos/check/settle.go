package check

import (
	"context"
	"time"
)

// Settle collects evidence anew until it holds no finding or the time is over, and
// returns the last look: what has been begun may still be on its way.
func Settle(ctx context.Context, within time.Duration, collect func(context.Context) (Evidence, error)) ([]Finding, Evidence, error) {
	deadline := time.Now().Add(within)
	for {
		e, err := collect(ctx)
		if err != nil {
			return nil, e, err
		}
		found := Run(e)
		if len(found) == 0 || time.Now().After(deadline) {
			return found, e, nil
		}
		select {
		case <-ctx.Done():
			return nil, e, ctx.Err()
		case <-time.After(2 * time.Second):
		}
	}
}
