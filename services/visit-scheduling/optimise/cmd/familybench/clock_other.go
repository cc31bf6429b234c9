//go:build !linux

package main

import (
	"runtime"
	"time"
)

var started = time.Now()

// processSeconds falls back to the wall clock.
func processSeconds() float64 { return time.Since(started).Seconds() }

// peakMB falls back to what the runtime has from the system.
func peakMB() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.Sys >> 20
}
