package main

import "syscall"

const rusageThread = 1 // RUSAGE_THREAD of getrusage(2), not named in package syscall

// threadSeconds is the CPU time of the calling thread. On a search of one
// thread the goroutine that calls it must be locked to its thread.
func threadSeconds() float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(rusageThread, &u); err != nil {
		panic("getrusage: " + err.Error()) // cannot fail with these arguments
	}
	return float64(u.Utime.Sec+u.Stime.Sec) + float64(u.Utime.Usec+u.Stime.Usec)/1e6
}
