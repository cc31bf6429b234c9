//go:build !linux

package main

import "time"

var started = time.Now()

// processSeconds falls back to the wall clock.
func processSeconds() float64 { return time.Since(started).Seconds() }
