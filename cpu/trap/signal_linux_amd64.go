package trap

import (
	"os"

	"golang.org/x/sys/unix"
)

// hook puts handler in front of the one that Go installed for sig, with the
// flags and the restorer that Go chose.
func hook(sig unix.Signal, handler uintptr) error {
	var old sigaction
	if err := rtSigaction(sig, nil, &old); err != nil {
		return err
	}
	if old.flags&saOnstack == 0 || old.handler <= 1 {
		return unix.ENOSYS // not Go's: there is no stack for us
	}
	goHandlers[sig] = old.handler
	act := old
	act.handler = handler
	return rtSigaction(sig, &act, nil)
}

const saOnstack = 0x08000000

// sigaction is the kernel's struct, rt_sigaction(2).
type sigaction struct {
	handler  uintptr
	flags    uint64
	restorer uintptr
	mask     uint64
}

// kick sends SIGURG to a thread of this process.
func kick(tid int) { _ = unix.Tgkill(os.Getpid(), tid, unix.SIGURG) }
