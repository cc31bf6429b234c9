package testkit

import (
	"testing"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
)

// Redis gives the test a cache of its own and its URL.
func Redis(t testing.TB) (redis.UniversalClient, string) {
	t.Helper()
	server := miniredis.RunT(t)
	client := redis.NewClient(&redis.Options{Addr: server.Addr()})
	t.Cleanup(func() {
		if err := client.Close(); err != nil {
			t.Errorf("close test cache client: %v", err)
		}
	})
	return client, "redis://" + server.Addr()
}
