package main

import "syscall"

// processSeconds is the CPU time of all threads.
func processSeconds() float64 {
	u := usage()
	return float64(u.Utime.Sec+u.Stime.Sec) + float64(u.Utime.Usec+u.Stime.Usec)/1e6
}

// peakMB is the most memory the process had at once.
func peakMB() uint64 { return uint64(usage().Maxrss) >> 10 }

func usage() (u syscall.Rusage) {
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic("getrusage: " + err.Error()) // cannot fail with these arguments
	}
	return u
}
