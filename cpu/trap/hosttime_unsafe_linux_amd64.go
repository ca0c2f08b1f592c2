package trap

import (
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/sbxrun/sbx/cpu"
)

// nanotime is the host's monotonic clock.
//
//go:linkname nanotime runtime.nanotime
func nanotime() time.Duration

// Now reads the clocks of the host's thread that it is called on. It does not let Go's scheduler run anything else before or
// meanwhile, so that right after Enter it tells of the thread that was in guest mode.
//
//go:nosplit
func Now() (h cpu.HostTime) {
	var ts unix.Timespec
	tid, _, _ := syscall.RawSyscall(unix.SYS_GETTID, 0, 0, 0)
	_, _, e := syscall.RawSyscall(unix.SYS_CLOCK_GETTIME, unix.CLOCK_THREAD_CPUTIME_ID, uintptr(unsafe.Pointer(&ts)), 0)
	if h.Clock = nanotime(); e == 0 {
		h.Thread, h.CPU = int(tid), time.Duration(ts.Sec)*time.Second+time.Duration(ts.Nsec)
	}
	return h
}
