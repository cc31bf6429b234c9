//go:build !linux

package main

import "time"

var started = time.Now()

// threadSeconds falls back to the wall clock where a thread's CPU time is not
// to be had.
func threadSeconds() float64 { return time.Since(started).Seconds() }
