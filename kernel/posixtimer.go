package kernel

import (
	"time"

	"github.com/sbxrun/sbx/abi/linux"
)

const (
	maxTimers  = 4096 // of one process
	maxOverrun = 1<<31 - 1
)

// Sigevent is struct sigevent: what a timer's end does.
type Sigevent struct {
	Notify int // linux.SIGEV_*
	Signo  linux.Signal
	Value  uint64
	TID    int // of SIGEV_THREAD_ID
}

// posixTimer is a timer of timer_create(2). Guarded by Kernel.mu.
type posixTimer struct {
	g       guestTimer
	id      int
	clock   int
	ev      Sigevent
	to      *Task
	queued  bool // its signal is pending
	missed  uint64
	overrun uint64 // of the signal that was taken last
}

// took is called when the timer's signal leaves the queue.
func (p *posixTimer) took() {
	p.queued = false
	p.overrun, p.missed = min(p.missed, maxOverrun), 0
}

// TimerCreate is timer_create(2); a nil event is SIGALRM with the timer's id.
func (t *Task) TimerCreate(clock int, ev *Sigevent) (int, error) {
	now, cpu, err := t.timerClock(clock)
	if err != nil {
		return 0, err
	}
	if err := t.enter(); err != nil {
		return 0, err
	}
	k, p := t.k, t.proc
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(p.timers) >= maxTimers {
		return 0, linux.EAGAIN
	}
	o := &posixTimer{clock: clock}
	if ev != nil {
		o.ev = *ev
		if o.to, err = t.eventTarget(ev); err != nil {
			return 0, err
		}
	}
	for p.timers[p.nextTimer] != nil {
		p.nextTimer = (p.nextTimer + 1) & (1<<31 - 1)
	}
	o.id = p.nextTimer
	p.nextTimer = (p.nextTimer + 1) & (1<<31 - 1)
	if ev == nil {
		o.ev = Sigevent{Notify: linux.SIGEV_SIGNAL, Signo: linux.SIGALRM, Value: uint64(o.id)}
	}
	o.g = guestTimer{k: k, now: now, cpu: cpu, fire: func(n uint64) { p.timerFired(o, n) }}
	if p.timers == nil {
		p.timers = map[int]*posixTimer{}
	}
	p.timers[o.id] = o
	return o.id, nil
}

// eventTarget checks a struct sigevent and finds its thread.
func (t *Task) eventTarget(ev *Sigevent) (*Task, error) {
	switch ev.Notify {
	case linux.SIGEV_NONE:
		return nil, nil
	case linux.SIGEV_SIGNAL, linux.SIGEV_THREAD, linux.SIGEV_THREAD_ID:
		if !ev.Signo.Valid() {
			return nil, linux.EINVAL
		}
	default:
		return nil, linux.EINVAL
	}
	if ev.Notify != linux.SIGEV_THREAD_ID {
		return nil, nil
	}
	to := t.k.tasks[ev.TID]
	if to == nil || to.proc != t.proc {
		return nil, linux.EINVAL
	}
	return to, nil
}

// timerFired sends the signal, or counts what it would have been.
func (p *Process) timerFired(o *posixTimer, n uint64) {
	if o.ev.Notify == linux.SIGEV_NONE || p.zombie {
		return
	}
	if o.queued {
		o.missed += n
		return
	}
	if o.to != nil && o.to.exited {
		return
	}
	o.missed = n - 1
	o.queued = true
	info := SigInfo{Signo: o.ev.Signo, Code: SI_TIMER, Value: o.ev.Value, TimerID: o.id, timer: o}
	if !p.sendLocked(o.to, info, false) {
		o.took()
	}
}

func (p *Process) timerLocked(id int) (*posixTimer, error) {
	if o := p.timers[id]; o != nil {
		return o, nil
	}
	return nil, linux.EINVAL
}

// TimerSettime is timer_settime(2); flags may be TIMER_ABSTIME.
func (t *Task) TimerSettime(id, flags int, value, interval time.Duration) (oldValue, oldInterval time.Duration, err error) {
	if value < 0 || interval < 0 {
		return 0, 0, linux.EINVAL
	}
	t.k.mu.Lock()
	defer t.k.mu.Unlock()
	o, err := t.proc.timerLocked(id)
	if err != nil {
		return 0, 0, err
	}
	oldValue, oldInterval = o.g.leftLocked(), o.g.interval
	o.missed, o.overrun = 0, 0
	end := t.k.endOf(o.clock, o.g.now(), value, flags&linux.TIMER_ABSTIME != 0)
	o.g.setLocked(value > 0, end, interval)
	return oldValue, oldInterval, nil
}

// TimerGettime is timer_gettime(2).
func (t *Task) TimerGettime(id int) (value, interval time.Duration, err error) {
	t.k.mu.Lock()
	defer t.k.mu.Unlock()
	o, err := t.proc.timerLocked(id)
	if err != nil {
		return 0, 0, err
	}
	return o.g.leftLocked(), o.g.interval, nil
}

// TimerGetoverrun is timer_getoverrun(2).
func (t *Task) TimerGetoverrun(id int) (int, error) {
	t.k.mu.Lock()
	defer t.k.mu.Unlock()
	o, err := t.proc.timerLocked(id)
	if err != nil {
		return 0, err
	}
	return int(o.overrun), nil
}

// TimerDelete is timer_delete(2).
func (t *Task) TimerDelete(id int) error {
	t.k.mu.Lock()
	defer t.k.mu.Unlock()
	o, err := t.proc.timerLocked(id)
	if err != nil {
		return err
	}
	o.g.setLocked(false, 0, 0)
	delete(t.proc.timers, id)
	return nil
}

// stopTimersLocked ends the timers of a process: at its end, and at execve(2),
// which keeps those of setitimer(2).
func (p *Process) stopTimersLocked(exec bool) {
	for _, o := range p.timers {
		o.g.setLocked(false, 0, 0)
	}
	p.timers, p.nextTimer = nil, 0
	if exec {
		return
	}
	for _, g := range append(p.cpuTimers[:], p.cpuLimit) {
		if g != nil {
			g.setLocked(false, 0, 0)
		}
	}
}

// cpuTimerLocked is ITIMER_VIRTUAL or ITIMER_PROF.
func (p *Process) cpuTimerLocked(which int) *guestTimer {
	g := p.cpuTimers[which-1]
	if g == nil {
		sig := linux.SIGVTALRM
		if which == linux.ITIMER_PROF {
			sig = linux.SIGPROF
		}
		g = &guestTimer{k: p.k, now: p.cpuLocked, cpu: true, fire: func(uint64) {
			p.sendLocked(nil, SigInfo{Signo: sig, Code: SI_KERNEL}, false)
		}}
		p.cpuTimers[which-1] = g
	}
	return g
}
