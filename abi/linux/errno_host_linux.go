package linux

import "syscall"

// hostErrno needs no table: the host's numbers are ours on every architecture
// that sbx builds for.
func hostErrno(h syscall.Errno) Errno {
	if h > 0 && int(h) < len(errnoTable) && errnoTable[h].name != "" {
		return Errno(h)
	}
	return 0
}
