package kernel

import (
	"time"

	"github.com/sbxrun/sbx/abi/linux"
)

// cpuCheck is how often a timer on CPU time looks at least.
const cpuCheck = time.Millisecond

// guestTimer is a timer on any clock: what timerfd, timer_create and setitimer
// have in common. Guarded by Kernel.mu.
type guestTimer struct {
	k        *Kernel
	now      func() time.Duration // of its clock; with Kernel.mu
	cpu      bool                 // the clock is not the monotonic one: look again
	fire     func(n uint64)       // n ends have passed; with Kernel.mu
	timer    Timer
	end      time.Duration
	interval time.Duration
	gen      uint64
}

// setLocked starts the timer to end at end of its clock; running is false to stop.
func (g *guestTimer) setLocked(running bool, end, interval time.Duration) {
	g.gen++
	if g.timer != nil {
		g.timer.Stop()
		g.timer = nil
	}
	g.interval = 0
	if !running {
		return
	}
	if interval > 0 {
		g.interval = max(interval, minInterval)
	}
	g.end = end
	g.armLocked()
}

func (g *guestTimer) armLocked() {
	d := g.end - g.now()
	if g.cpu {
		d = min(max(d, cpuCheck), 100*cpuCheck)
	}
	gen := g.gen
	g.timer = g.k.clock.AfterFunc(max(d, 1), func() { g.expire(gen) })
}

func (g *guestTimer) expire(gen uint64) {
	g.k.mu.Lock()
	defer g.k.mu.Unlock()
	if g.gen != gen || g.timer == nil {
		return
	}
	g.timer = nil
	now := g.now()
	if now < g.end {
		g.armLocked()
		return
	}
	n := uint64(1)
	if g.interval > 0 {
		n += uint64((now - g.end) / g.interval)
		g.end += time.Duration(n) * g.interval
		g.armLocked()
	}
	g.fire(n)
}

// leftLocked is the time until the next end; 0 when the timer does not run.
func (g *guestTimer) leftLocked() time.Duration {
	if g.timer == nil {
		return 0
	}
	return max(g.end-g.now(), 1)
}

// endOf makes the end of a value: of a relative one, or of a point of the clock.
// A point of the time of day becomes one of the monotonic clock when it is set.
func (k *Kernel) endOf(clock int, now time.Duration, value time.Duration, abs bool) time.Duration {
	if !abs {
		if value > 1<<62-now {
			return 1 << 62
		}
		return now + value
	}
	switch clock {
	case linux.CLOCK_REALTIME, linux.CLOCK_REALTIME_ALARM, linux.CLOCK_TAI:
		return now + value - time.Duration(k.clock.Now().UnixNano())
	}
	return value
}

// timerClock finds the clock of a timer. The kernel's lock is not held.
func (t *Task) timerClock(id int) (now func() time.Duration, cpu bool, err error) {
	k := t.k
	switch id {
	case linux.CLOCK_REALTIME, linux.CLOCK_MONOTONIC, linux.CLOCK_BOOTTIME, linux.CLOCK_TAI:
		return k.uptime, false, nil
	case linux.CLOCK_REALTIME_ALARM, linux.CLOCK_BOOTTIME_ALARM:
		return nil, false, linux.EPERM
	case linux.CLOCK_PROCESS_CPUTIME_ID:
		return t.proc.cpuLocked, true, nil
	case linux.CLOCK_THREAD_CPUTIME_ID:
		return t.cpu, true, nil
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	now, err = t.cpuClockLocked(id)
	return now, true, err
}
