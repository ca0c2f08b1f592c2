package kernel

import (
	"time"
	_ "unsafe" // for go:linkname
)

// nanotime is the host's monotonic clock as such, which package time only tells differences of: CLOCK_MONOTONIC under Linux.
// Executors that read that clock by themselves must agree with it to the nanosecond.
//
//go:linkname nanotime runtime.nanotime
func nanotime() time.Duration

// HostBoot is what the host's monotonic clock showed when the kernel's time since boot was 0. ok is false
// when the kernel has another clock.
func (k *Kernel) HostBoot() (boot time.Duration, ok bool) {
	c, ok := k.clock.(*hostClock)
	if !ok {
		return 0, false
	}
	return c.start + k.boot, true
}
