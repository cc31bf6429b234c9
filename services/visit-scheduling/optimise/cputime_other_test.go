//go:build !linux

package optimise_test

import "time"

var testsBegan = time.Now()

// threadTime falls back to the wall clock.
func threadTime() time.Duration { return time.Since(testsBegan) }
