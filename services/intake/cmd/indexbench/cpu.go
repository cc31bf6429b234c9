package main

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// tick is the unit of /proc's times: USER_HZ, 100 a second on every Linux that Go runs on.
const tick = 10 * time.Millisecond

// cpuTime is the processor time this process and the server of the given pid, with
// its children, have used; 0 where the system has no /proc.
func cpuTime(server int) time.Duration {
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return 0
	}
	self, root := strconv.Itoa(os.Getpid()), strconv.Itoa(server)
	var ticks int64
	for _, name := range stats {
		text, err := os.ReadFile(name)
		if err != nil {
			continue // it has ended
		}
		pid := strings.Split(name, "/")[2]
		// The name in parentheses may hold anything; after it come the state, the
		// parent and numbers.
		fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
		if len(fields) < 16 {
			continue
		}
		own := fields[12-1 : 13]
		switch {
		case pid == root:
			own = fields[12-1 : 15] // with its children that have ended
		case pid != self && fields[1] != root:
			continue
		}
		for _, f := range own {
			v, err := strconv.ParseInt(f, 10, 64)
			if err == nil {
				ticks += v
			}
		}
	}
	return time.Duration(ticks) * tick
}
