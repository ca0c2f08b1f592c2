package kernel

import (
	"math/bits"

	"github.com/sbxrun/sbx/abi/linux"
)

// Codes of SigInfo, sigaction(2).
const (
	SI_USER     = 0
	SI_KERNEL   = 0x80
	SYS_SECCOMP = 1 // of SIGSYS
	SI_QUEUE    = -1
	SI_TIMER    = -2
	SI_MESGQ    = -3
	SI_TKILL    = -6
	CLD_EXITED  = 1
	CLD_KILLED  = 2
	CLD_DUMPED  = 3

	CLD_STOPPED   = 5
	CLD_CONTINUED = 6
)

// SigInfo is what is known of a pending signal: siginfo_t.
type SigInfo struct {
	Signo  linux.Signal
	Code   int32
	PID    int    // of the sender or the child
	UID    uint32 // likewise
	Status int32  // of a child: its exit code, or the signal
	Value  uint64 // sigqueue(3)
	Addr   uint64 // of a fault
	Errno  int32  // what a filter of seccomp(2) says with SIGSYS

	IO   bool // a file's, sigio(7): FD and Band say which and what
	FD   int
	Band uint64

	TimerID int // of SI_TIMER; TimerGetoverrun tells how many ends it stands for
	timer   *posixTimer
}

// Signals by what they do by default.
const (
	stopSignals = linux.SigSet(1<<(linux.SIGSTOP-1) | 1<<(linux.SIGTSTP-1) | 1<<(linux.SIGTTIN-1) | 1<<(linux.SIGTTOU-1))
	contSignal  = linux.SigSet(1 << (linux.SIGCONT - 1))
	killSignal  = linux.SigSet(1 << (linux.SIGKILL - 1))
	unblockable = linux.SigSet(1<<(linux.SIGKILL-1) | 1<<(linux.SIGSTOP-1))
	quietSet    = linux.SigSet(1<<(linux.SIGCHLD-1) | 1<<(linux.SIGURG-1) | 1<<(linux.SIGWINCH-1) | 1<<(linux.SIGCONT-1))
	coreSet     = linux.SigSet(1<<(linux.SIGQUIT-1) | 1<<(linux.SIGILL-1) | 1<<(linux.SIGTRAP-1) | 1<<(linux.SIGABRT-1) |
		1<<(linux.SIGBUS-1) | 1<<(linux.SIGFPE-1) | 1<<(linux.SIGSEGV-1) | 1<<(linux.SIGXCPU-1) | 1<<(linux.SIGXFSZ-1) | 1<<(linux.SIGSYS-1))
	// syncSet are taken before others: they say what went wrong just now.
	syncSet = linux.SigSet(1<<(linux.SIGSEGV-1) | 1<<(linux.SIGBUS-1) | 1<<(linux.SIGILL-1) | 1<<(linux.SIGTRAP-1) |
		1<<(linux.SIGFPE-1) | 1<<(linux.SIGSYS-1))
)

// defaultAction is what SIG_DFL means for a signal.
type defaultAction uint8

const (
	actTerm defaultAction = iota
	actCore
	actStop
	actIgnore
)

func defaultOf(s linux.Signal) defaultAction {
	switch {
	case stopSignals.Has(s):
		return actStop
	case quietSet.Has(s):
		return actIgnore
	case coreSet.Has(s):
		return actCore
	}
	return actTerm
}

// sigActions are the dispositions of a process: shared by CLONE_SIGHAND, copied
// by fork. Guarded by Kernel.mu.
type sigActions struct {
	a [linux.NSIG]Action
}

// maxQueued bounds the queued real-time signals of one set; standard signals always
// find room, for there is one of each.
const maxQueued = 1024

// pendingSet holds pending signals. Standard signals are kept once, real-time
// signals (from 32) as often as they were sent. Guarded by Kernel.mu.
type pendingSet struct {
	set   linux.SigSet
	queue []SigInfo
}

// add makes a signal pending. It reports false when that changed nothing, and
// full when the queue has no room.
func (p *pendingSet) add(i SigInfo) (added, full bool) {
	if i.Signo < 32 && p.set.Has(i.Signo) {
		return false, false
	}
	if i.Signo >= 32 && len(p.queue) >= maxQueued {
		return false, true
	}
	p.set = p.set.With(i.Signo)
	p.queue = append(p.queue, i)
	return true, false
}

// take removes the first signal of the set that mask does not block: faults
// first, then the lowest number.
func (p *pendingSet) take(mask linux.SigSet) (SigInfo, bool) {
	ready := p.set &^ mask
	if ready == 0 {
		return SigInfo{}, false
	}
	if s := ready & syncSet; s != 0 {
		ready = s
	}
	return p.takeSignal(linux.Signal(bits.TrailingZeros64(uint64(ready)) + 1))
}

// takeSignal removes the oldest instance of one signal.
func (p *pendingSet) takeSignal(s linux.Signal) (SigInfo, bool) {
	at, more := -1, false
	for i := range p.queue {
		if p.queue[i].Signo != s {
			continue
		}
		if at >= 0 {
			more = true
			break
		}
		at = i
	}
	if at < 0 {
		return SigInfo{}, false
	}
	info := p.queue[at]
	p.queue = append(p.queue[:at], p.queue[at+1:]...)
	if !more {
		p.set = p.set.Without(s)
	}
	if info.timer != nil {
		info.timer.took()
	}
	return info, true
}

// flush drops all signals of a set.
func (p *pendingSet) flush(set linux.SigSet) {
	if p.set&set == 0 {
		return
	}
	p.set &^= set
	kept := p.queue[:0]
	for _, i := range p.queue {
		if !set.Has(i.Signo) {
			kept = append(kept, i)
		} else if i.timer != nil {
			i.timer.took()
		}
	}
	p.queue = kept
}

// sendLocked sends a signal to the process, or to one of its threads. force is
// for the kernel and the host, who may kill and stop process 1. It reports
// false when a real-time signal found no room.
func (p *Process) sendLocked(to *Task, info SigInfo, force bool) bool {
	if p.zombie || p.exiting && info.Signo != linux.SIGKILL {
		return true
	}
	sig := info.Signo
	p.prepareLocked(sig)
	if p.dropsLocked(to, sig, force) {
		if info.timer != nil {
			info.timer.took()
		}
		return true
	}
	set := &p.pending
	if to != nil {
		set = &to.pending
	}
	added, full := set.add(info)
	if !added {
		if info.timer != nil {
			info.timer.took()
		}
		return !full || sig < 32
	}
	p.awaitedLocked(sig)
	p.sigQ.wakeBits(pollIn)
	p.deliverLocked(to, sig)
	return true
}

// prepareLocked does what stop signals and SIGCONT do even when they are
// blocked or ignored: one cancels the other, and SIGCONT lets go on.
func (p *Process) prepareLocked(sig linux.Signal) {
	switch {
	case sig == linux.SIGCONT:
		p.flushLocked(stopSignals)
		p.continueLocked()
	case stopSignals.Has(sig):
		p.flushLocked(contSignal)
	}
}

func (p *Process) flushLocked(set linux.SigSet) {
	p.pending.flush(set)
	for _, t := range p.tasks {
		t.pending.flush(set)
	}
}

// dropsLocked reports whether a signal vanishes when it is sent: ignored and
// not blocked, or with a default action that process 1 is safe from.
func (p *Process) dropsLocked(to *Task, sig linux.Signal, force bool) bool {
	if to == nil && len(p.tasks) > 0 {
		to = p.tasks[0]
	}
	if to != nil && to.mask.Has(sig) {
		return false
	}
	switch p.sigs.a[sig].Disp {
	case SigIgnore:
		return true
	case SigDefault:
		if p.isInit() && !(force && unblockable.Has(sig)) {
			return true
		}
		return defaultOf(sig) == actIgnore
	}
	return false
}

// isInit reports whether p is process 1, whom default actions do not touch.
func (p *Process) isInit() bool { return p.pid == 1 }

// deliverLocked finds a thread for a pending signal and makes it look.
func (p *Process) deliverLocked(to *Task, sig linux.Signal) {
	if to == nil {
		for _, t := range p.tasks {
			if t.wants(sig) {
				to = t
				break
			}
		}
	}
	if to == nil || !to.wants(sig) {
		return // until it is unblocked, or continued
	}
	if act := defaultOf(sig); p.sigs.a[sig].Disp == SigDefault && (act == actTerm || act == actCore) {
		p.exitGroupLocked(linux.SignalStatus(sig, false))
		return
	}
	to.notice()
}

// wants reports whether a thread can take a signal now: it does not block it,
// and is not stopped, unless it is SIGKILL.
func (t *Task) wants(sig linux.Signal) bool {
	return sig == linux.SIGKILL || !t.mask.Has(sig) && !t.stopped
}

// exitGroupLocked makes all threads end; the first status counts.
func (p *Process) exitGroupLocked(st linux.WaitStatus) {
	if p.exiting || p.zombie {
		return
	}
	p.exiting, p.status = true, st
	for _, t := range p.tasks {
		t.killLocked()
	}
}

// killLocked makes one thread end.
func (t *Task) killLocked() {
	t.dead.Store(true)
	t.cancel()
	t.notice()
}

// notice makes a task look at its signals, wherever it is.
func (t *Task) notice() {
	t.attention.Store(true)
	t.waker.poke()
	if f := t.interrupt.Load(); f != nil {
		(*f)()
	}
}

// dueLocked reports whether there is a signal, a stop or death to look at.
func (t *Task) dueLocked() bool {
	p := t.proc
	return t.dead.Load() || p.stopping && !t.stopped || (t.pending.set|p.pending.set)&^t.mask != 0
}

// recalcLocked sets attention to whether there is something to look at.
func (t *Task) recalcLocked() {
	t.attention.Store(t.dueLocked() || t.k.throttle.gate.Load() != nil)
}

// attend looks at what needs attention: it dies, stops, drops ignored signals,
// and leaves those that the program handles pending. The error is EINTR for
// a death or a caught signal.
func (t *Task) attend() (stopped bool, err error) {
	t.Throttle()
	t.k.mu.Lock()
	defer t.k.mu.Unlock()
	for {
		if t.dead.Load() {
			return stopped, linux.EINTR
		}
		if t.proc.stopping {
			t.stopLocked()
			stopped = true
			continue
		}
		if !t.defaultsLocked() {
			break
		}
	}
	t.recalcLocked()
	if t.dueLocked() {
		return stopped, linux.EINTR
	}
	return stopped, nil
}

// defaultsLocked acts on one pending unblocked signal that has no handler. It
// reports false when none is left.
func (t *Task) defaultsLocked() bool {
	p := t.proc
	for s := linux.Signal(1); s < linux.NSIG; s++ {
		if !(t.pending.set | p.pending.set).Has(s) || t.mask.Has(s) {
			continue
		}
		disp := p.sigs.a[s].Disp
		if disp == SigHandle {
			continue
		}
		if _, ok := t.pending.takeSignal(s); !ok {
			p.pending.takeSignal(s)
		}
		if disp == SigDefault {
			t.defaultLocked(s)
		}
		return true
	}
	return false
}

// defaultLocked does the default action of a signal.
func (t *Task) defaultLocked(s linux.Signal) {
	p := t.proc
	switch defaultOf(s) {
	case actTerm, actCore:
		p.exitGroupLocked(linux.SignalStatus(s, false))
	case actStop:
		if s != linux.SIGSTOP && p.group.orphaned(nil) {
			return
		}
		p.stopGroupLocked(s)
	}
}

// stopGroupLocked begins a stop: every thread stops at its next kernel call.
func (p *Process) stopGroupLocked(s linux.Signal) {
	if p.stopping {
		return
	}
	p.stopping, p.stopSig, p.stopLeft = true, s, len(p.tasks)
	p.stopGen++
	for _, t := range p.tasks {
		t.notice()
	}
}

// stopLocked is the stop of one thread, until SIGCONT or death.
func (t *Task) stopLocked() {
	p := t.proc
	t.stopped = true
	gen := p.stopGen
	p.stopLeft--
	p.stopDoneLocked()
	for p.stopping && p.stopGen == gen && !t.dead.Load() {
		t.k.mu.Unlock()
		t.park()
		t.k.mu.Lock()
	}
	t.stopped = false
}

// stopDoneLocked tells the parent once all threads have stopped.
func (p *Process) stopDoneLocked() {
	if p.stopping && p.stopLeft == 0 && !p.exiting {
		p.waitStop, p.waitCont = true, false
		p.tellParentLocked(CLD_STOPPED, int32(p.stopSig))
	}
}

// continueLocked lets a stopped process go on.
func (p *Process) continueLocked() {
	if !p.stopping {
		return
	}
	complete := p.stopLeft == 0
	p.stopping, p.stopLeft = false, 0
	p.waitStop = false
	for _, t := range p.tasks {
		t.recalcLocked()
		t.waker.poke()
	}
	if complete {
		p.waitCont = true
		p.tellParentLocked(CLD_CONTINUED, int32(linux.SIGCONT))
	}
}

// tellParentLocked sends SIGCHLD for a stop or a continuation, and wakes wait4.
func (p *Process) tellParentLocked(code, status int32) {
	if p.parent == nil {
		return
	}
	if p.parent.sigs.a[linux.SIGCHLD].Flags&linux.SA_NOCLDSTOP == 0 {
		p.parent.sendLocked(nil, p.childInfo(code, status), false)
	}
	p.parent.childQ.Wake()
}

// childInfo is the siginfo of a child's change.
func (p *Process) childInfo(code, status int32) SigInfo {
	i := SigInfo{Signo: linux.SIGCHLD, Code: code, PID: p.pid, Status: status}
	if p.leader != nil {
		i.UID = p.leader.cred.Load().UID
	}
	return i
}
