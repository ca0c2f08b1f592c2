package kernel

import (
	"time"

	"github.com/sbxrun/sbx/abi/linux"
)

// itimer is ITIMER_REAL of a process. Guarded by Kernel.mu.
type itimer struct {
	timer    Timer
	end      time.Duration // of the monotonic clock
	interval time.Duration
	gen      uint64
}

// stopLocked stops the timer.
func (i *itimer) stopLocked() {
	i.gen++
	if i.timer != nil {
		i.timer.Stop()
		i.timer = nil
	}
}

// armLocked starts the timer of p; SIGALRM comes after d.
func (p *Process) armLocked(d time.Duration) {
	p.real.stopLocked()
	gen := p.real.gen
	p.real.end = p.k.clock.Monotonic() + d
	p.real.timer = p.k.clock.AfterFunc(max(d, 1), func() { p.alarm(gen) })
}

// alarm is the timer's end.
func (p *Process) alarm(gen uint64) {
	p.k.mu.Lock()
	defer p.k.mu.Unlock()
	if p.zombie || p.real.gen != gen {
		return
	}
	p.sendLocked(nil, SigInfo{Signo: linux.SIGALRM, Code: SI_KERNEL}, false)
	p.real.timer = nil
	if p.real.interval > 0 {
		p.armLocked(p.real.interval)
	}
}

// minInterval keeps a periodic timer from taking the host's CPU.
const minInterval = 100 * time.Microsecond

// Setitimer is setitimer(2). ITIMER_REAL runs on the kernel's clock, ITIMER_VIRTUAL
// and ITIMER_PROF on the CPU time of the process, at which the kernel looks every
// millisecond at most. A value of 0 stops.
func (t *Task) Setitimer(which int, value, interval time.Duration) (oldValue, oldInterval time.Duration, err error) {
	if which < linux.ITIMER_REAL || which > linux.ITIMER_PROF || value < 0 || interval < 0 {
		return 0, 0, linux.EINVAL
	}
	t.k.mu.Lock()
	defer t.k.mu.Unlock()
	p := t.proc
	if which != linux.ITIMER_REAL {
		g := p.cpuTimerLocked(which)
		oldValue, oldInterval = g.leftLocked(), g.interval
		g.setLocked(value > 0, g.now()+value, interval)
		return oldValue, oldInterval, nil
	}
	oldValue, oldInterval = p.leftLocked(), p.real.interval
	p.real.stopLocked()
	p.real.interval = 0
	if value > 0 {
		if interval > 0 {
			p.real.interval = max(interval, minInterval)
		}
		p.armLocked(value)
	}
	return oldValue, oldInterval, nil
}

// leftLocked is the time until the timer's end.
func (p *Process) leftLocked() time.Duration {
	if p.real.timer == nil {
		return 0
	}
	return max(p.real.end-p.k.clock.Monotonic(), 1)
}

// Getitimer is getitimer(2).
func (t *Task) Getitimer(which int) (value, interval time.Duration, err error) {
	if which < linux.ITIMER_REAL || which > linux.ITIMER_PROF {
		return 0, 0, linux.EINVAL
	}
	t.k.mu.Lock()
	defer t.k.mu.Unlock()
	if which != linux.ITIMER_REAL {
		g := t.proc.cpuTimerLocked(which)
		return g.leftLocked(), g.interval, nil
	}
	return t.proc.leftLocked(), t.proc.real.interval, nil
}

// Alarm is alarm(2) with any precision: SIGALRM after d, 0 cancels. It returns
// what was left of the alarm before.
func (t *Task) Alarm(d time.Duration) time.Duration {
	left, _, _ := t.Setitimer(linux.ITIMER_REAL, max(d, 0), 0)
	return left
}

// Nanosleep is nanosleep(2) on the kernel's clock: EINTR and what is left when a
// signal is to be handled.
func (t *Task) Nanosleep(d time.Duration) (left time.Duration, err error) {
	if d < 0 {
		return 0, linux.EINVAL
	}
	if err := t.enter(); err != nil {
		return d, err
	}
	end := t.k.clock.Monotonic() + d
	err = t.await(nil, d, func() bool { return d == 0 })
	if err == linux.ETIMEDOUT {
		return 0, nil
	}
	if err != nil {
		return max(end-t.k.clock.Monotonic(), 0), err
	}
	return 0, nil
}

// Clock returns the kernel's clock.
func (t *Task) Clock() Clock { return t.k.clock }

// ClockGettime is clock_gettime(2): the time since 1970, boot or birth.
func (t *Task) ClockGettime(id int) (time.Duration, error) {
	switch id {
	case linux.CLOCK_REALTIME, linux.CLOCK_REALTIME_COARSE, linux.CLOCK_TAI, linux.CLOCK_REALTIME_ALARM:
		return time.Duration(t.k.clock.Now().UnixNano()), nil
	case linux.CLOCK_MONOTONIC, linux.CLOCK_MONOTONIC_RAW, linux.CLOCK_MONOTONIC_COARSE, linux.CLOCK_BOOTTIME,
		linux.CLOCK_BOOTTIME_ALARM:
		return t.k.uptime(), nil
	case linux.CLOCK_THREAD_CPUTIME_ID:
		return t.cpu(), nil
	case linux.CLOCK_PROCESS_CPUTIME_ID:
		t.k.mu.Lock()
		defer t.k.mu.Unlock()
		return t.proc.cpuLocked(), nil
	}
	t.k.mu.Lock()
	defer t.k.mu.Unlock()
	now, err := t.cpuClockLocked(id)
	if err != nil {
		return 0, err
	}
	return now(), nil
}

// cpuClockLocked finds the clock that clock_getcpuclockid(3) or pthread_getcpuclockid(3) made a number of: the complement of
// a pid, 3 bits further up, then whether it is that of a thread, and what it counts. A thread must be the caller's process's.
func (t *Task) cpuClockLocked(id int) (now func() time.Duration, err error) {
	const ofThread, counts, ofFile = 4, 3, 3
	if id >= 0 || id&counts == ofFile {
		return nil, linux.EINVAL
	}
	pid := ^(id >> 3)
	if id&ofThread != 0 {
		u := t
		if pid != 0 {
			u = t.k.tasks[pid]
		}
		if u == nil || u.proc != t.proc {
			return nil, linux.EINVAL
		}
		return u.cpu, nil
	}
	p := t.proc
	if pid != 0 && pid != t.tid {
		p = t.k.procs[pid]
	}
	if p == nil || p.zombie {
		return nil, linux.EINVAL
	}
	return p.cpuLocked, nil
}
