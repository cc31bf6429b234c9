//go:build !linux

package launch

import "syscall"

// passHiddenFolders is for Linux alone; elsewhere the folder must be reachable.
func passHiddenFolders(*syscall.SysProcAttr) {}
