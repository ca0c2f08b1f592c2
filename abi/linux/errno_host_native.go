//go:build !linux && !windows && !js && !wasip1

package linux

import "syscall"

// hostNative maps what only hosts with processes have.
func hostNative(h syscall.Errno) Errno {
	if h == syscall.ETXTBSY {
		return ETXTBSY
	}
	return 0
}
