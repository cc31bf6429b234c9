package launch

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// tick is the unit of /proc's times: USER_HZ, 100 a second on every Linux that Go runs on.
const tick = 10 * time.Millisecond

// CPUTime is the processor time that this process and the server with the given
// pid have used, the server's children included; 0 where the system has no /proc.
func CPUTime(server int) time.Duration {
	var ticks int64
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return 0
	}
	self := strconv.Itoa(os.Getpid())
	root := strconv.Itoa(server)
	for _, name := range stats {
		text, err := os.ReadFile(name)
		if err != nil {
			continue // it has ended
		}
		pid := strings.Split(name, "/")[2]
		// The name in parentheses may hold anything; the rest are numbers, state first.
		_, rest, ok := strings.Cut(string(text[strings.LastIndexByte(string(text), ')')+1:]), " ")
		fields := strings.Fields(rest)
		if !ok || len(fields) < 15 {
			continue
		}
		switch {
		case pid == root: // with its children that have ended
			ticks += sum(fields[11:15])
		case pid == self || fields[1] == root:
			ticks += sum(fields[11:13])
		}
	}
	return time.Duration(ticks) * tick
}

func sum(numbers []string) (total int64) {
	for _, n := range numbers {
		v, err := strconv.ParseInt(n, 10, 64)
		if err == nil {
			total += v
		}
	}
	return total
}
