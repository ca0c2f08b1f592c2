package memory

import (
	"sync"

	"golang.org/x/sys/unix"
)

// Commands of the host's membarrier(2).
const privateExpedited, registerPrivateExpedited = 1 << 3, 1 << 4

// canBarrier registers the process for barriers, once.
var canBarrier = sync.OnceValue(func() bool {
	_, _, e := unix.Syscall(unix.SYS_MEMBARRIER, registerPrivateExpedited, 0, 0)
	return e == 0
})

// Barrier makes every thread of the Go process that runs, and so of every guest, pass
// a memory barrier, and returns when all have. It reports false where the host can't.
func Barrier() bool {
	if !canBarrier() {
		return false
	}
	_, _, e := unix.Syscall(unix.SYS_MEMBARRIER, privateExpedited, 0, 0)
	return e == 0
}
