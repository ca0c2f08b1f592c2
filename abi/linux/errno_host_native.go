//go:build !linux && !windows

package linux

import "syscall"

// hostNative has nothing to add where the host's errors are errno(3)'s.
func hostNative(syscall.Errno) Errno { return 0 }
