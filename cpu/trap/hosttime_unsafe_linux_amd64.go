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

// Thread is the host's thread that the caller is on, 0 if that is not told without a call of the host.
//
//go:nosplit
func Thread() uint32 {
	if procidOff == 0 {
		return 0
	}
	return *(*uint32)(hostPointer(curm() + procidOff))
}

// Other reads the clock of another thread of this process.
func Other(thread uint32) (h cpu.HostTime) {
	const ofThread, scheduled = 4, 2 // clock_getcpuclockid(3)
	var ts unix.Timespec
	if unix.ClockGettime(int32(^thread<<3|ofThread|scheduled), &ts) == nil {
		h.Thread, h.CPU = int(thread), time.Duration(ts.Nano())
	}
	h.Clock = nanotime()
	return h
}
