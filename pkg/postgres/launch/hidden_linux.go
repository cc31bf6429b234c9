package launch

import (
	"os"
	"strconv"
	"strings"
	"syscall"
)

// passHiddenFolders lets the server's user reach its folder when that lies
// below one only root may enter, such as root's home: CAP_DAC_READ_SEARCH, which
// gives the right to read and to pass, and to write nothing.
func passHiddenFolders(attr *syscall.SysProcAttr) {
	const dacReadSearch = 2
	if permitted()&(1<<dacReadSearch) != 0 {
		attr.AmbientCaps = []uintptr{dacReadSearch}
	}
}

// permitted is this process's set of permitted capabilities.
func permitted() uint64 {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(status)) {
		if set, found := strings.CutPrefix(line, "CapPrm:"); found {
			mask, err := strconv.ParseUint(strings.TrimSpace(set), 16, 64)
			if err != nil {
				return 0
			}
			return mask
		}
	}
	return 0
}
