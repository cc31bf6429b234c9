package telemetry

import (
	"fmt"

	"github.com/redis/go-redis/extra/redisotel/v9"
	"github.com/redis/go-redis/v9"
)

// TraceRedis makes a span of each command, without its arguments.
func TraceRedis(client redis.UniversalClient) error {
	if err := redisotel.InstrumentTracing(client, redisotel.WithDBStatement(false)); err != nil {
		return fmt.Errorf("trace Redis: %w", err)
	}
	return nil
}
