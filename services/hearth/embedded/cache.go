package embedded

import (
	"fmt"

	"github.com/alicebob/miniredis/v2"
)

// Cache is a Redis-compatible server in this process, in memory only.
type Cache struct {
	// URL is the address as go-redis reads it: redis://host:port.
	URL    string
	server *miniredis.Miniredis
}

// StartCache starts an empty cache on a free loopback port.
func StartCache() (*Cache, error) {
	server, err := miniredis.Run()
	if err != nil {
		return nil, fmt.Errorf("start the embedded cache: %w", err)
	}
	return &Cache{URL: "redis://" + server.Addr(), server: server}, nil
}

// Close stops the cache.
func (c *Cache) Close() { c.server.Close() }
