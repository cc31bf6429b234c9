package optimise_test

import (
	"syscall"
	"time"
	"unsafe"
)

// threadTime is the CPU time of the calling thread, which the goroutine must be
// locked to: on a busy machine a wait for a processor says nothing of the code.
func threadTime() time.Duration {
	const threadClock = 3 // CLOCK_THREAD_CPUTIME_ID of clock_gettime(2): getrusage counts in ticks
	var t syscall.Timespec
	if _, _, errno := syscall.Syscall(syscall.SYS_CLOCK_GETTIME, threadClock, uintptr(unsafe.Pointer(&t)), 0); errno != 0 {
		panic("clock_gettime: " + errno.Error())
	}
	return time.Duration(t.Nano())
}
