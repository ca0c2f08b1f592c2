package kernel

import (
	"sync/atomic"
	"time"
)

// throttlePeriod is how often the tasks get their share of Limits.CPU anew, as under Linux.
const throttlePeriod = 100 * time.Millisecond

// throttle holds all tasks up, once they have used their share of a period together, until
// the next one begins.
type throttle struct {
	gate atomic.Pointer[chan struct{}] // closed when the tasks may go on; nil while they may

	// Told in cpu.stat.
	periods, throttled, time atomic.Int64
}

// runThrottle is the goroutine that measures and holds up; it ends with the kernel.
func (k *Kernel) runThrottle() {
	defer k.wg.Done()
	defer k.openGate()
	share := time.Duration(k.cfg.Limits.CPU * float64(throttlePeriod))
	used, now := k.cpuTime(), time.Now()
	var spent time.Duration // of this period, and what earlier ones had too much
	for {
		end, busy := now.Add(throttlePeriod), spent >= share
		for now.Before(end) && spent < share {
			// Whatever starts to run meanwhile, this is not too long.
			if !k.sleep(max(min(end.Sub(now), (share-spent)/time.Duration(k.cfg.CPUs)), time.Millisecond)) {
				return
			}
			// Some of what a task waits for a processor of the host may count as used, but all together
			// no more than all processors had to give.
			u, t := k.cpuTime(), time.Now()
			d := min(u-used, t.Sub(now)*time.Duration(k.cfg.CPUs))
			spent, used, now, busy = spent+max(d, 0), u, t, busy || d > 0
		}
		if busy {
			k.throttle.periods.Add(1)
		}
		if spent >= share && now.Before(end) {
			k.closeGate()
			if !k.sleep(end.Sub(now)) {
				return
			}
			k.openGate()
			t := time.Now()
			k.throttle.throttled.Add(1)
			k.throttle.time.Add(int64(t.Sub(now)))
			d := min(k.cpuTime()-used, t.Sub(now)*time.Duration(k.cfg.CPUs)) // until they had stopped
			spent, used, now = spent+max(d, 0), used+d, t
		}
		spent = max(spent-share, 0)
	}
}

// sleep waits; false when the kernel is closed.
func (k *Kernel) sleep(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-k.ctx.Done():
		return false
	}
}

// cpuTime is what all tasks ever used.
func (k *Kernel) cpuTime() time.Duration {
	k.mu.Lock()
	defer k.mu.Unlock()
	sum := k.deadCPU
	for _, p := range k.procs {
		sum += p.usageLocked().User
	}
	return sum
}

// closeGate holds up all tasks that run, and those that wait when they go on.
func (k *Kernel) closeGate() {
	gate := make(chan struct{})
	k.mu.Lock()
	defer k.mu.Unlock()
	k.throttle.gate.Store(&gate)
	for _, t := range k.tasks {
		if t.exited {
			continue
		}
		t.attention.Store(true)
		if f := t.interrupt.Load(); f != nil && !t.sleeping.Load() {
			(*f)()
		}
	}
}

// openGate lets them go on.
func (k *Kernel) openGate() {
	if gate := k.throttle.gate.Swap(nil); gate != nil {
		close(*gate)
	}
}

// Throttle waits while the tasks have used up their CPU time, for programs that may
// compute for long without a system call.
func (t *Task) Throttle() {
	gate := t.k.throttle.gate.Load()
	if gate == nil {
		return
	}
	start := t.fallAsleep()
	defer t.wakeUp(start)
	select {
	case <-*gate:
	case <-t.ctx.Done():
	}
}
