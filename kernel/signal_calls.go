package kernel

import (
	"slices"

	"github.com/sbxrun/sbx/abi/linux"
)

// Sigaction sets what a signal does and returns what it did. EINVAL for SIGKILL,
// SIGSTOP and numbers that are no signal.
func (t *Task) Sigaction(sig linux.Signal, d Disposition) (Disposition, error) {
	old, err := t.SigactionFull(sig, &Action{Disp: d})
	return old.Disp, err
}

// SigactionFull is rt_sigaction(2); a nil action only asks.
func (t *Task) SigactionFull(sig linux.Signal, a *Action) (Action, error) {
	if !sig.Valid() || a != nil && unblockable.Has(sig) {
		return Action{}, linux.EINVAL
	}
	k := t.k
	k.mu.Lock()
	defer k.mu.Unlock()
	p := t.proc
	old := p.sigs.a[sig]
	if a == nil {
		return old, nil
	}
	n := *a
	n.Mask &^= unblockable
	p.sigs.a[sig] = n
	if n.Disp == SigIgnore || n.Disp == SigDefault && defaultOf(sig) == actIgnore {
		p.flushLocked(linux.SigSet(0).With(sig))
	}
	for _, u := range p.tasks {
		u.recalcLocked()
	}
	return old, nil
}

// Sigmask is sigprocmask(2) with linux.SIG_BLOCK, SIG_UNBLOCK or SIG_SETMASK; a
// nil set only asks. It returns the mask of before.
func (t *Task) Sigmask(how int, set *linux.SigSet) (linux.SigSet, error) {
	k := t.k
	k.mu.Lock()
	defer k.mu.Unlock()
	t.restoreMaskLocked()
	old := t.mask
	if set == nil {
		return old, nil
	}
	switch how {
	case linux.SIG_BLOCK:
		t.setMaskLocked(old | *set)
	case linux.SIG_UNBLOCK:
		t.setMaskLocked(old &^ *set)
	case linux.SIG_SETMASK:
		t.setMaskLocked(*set)
	default:
		return old, linux.EINVAL
	}
	return old, nil
}

// setMaskLocked changes the mask. Group signals that this thread blocks now are
// shown to the others.
func (t *Task) setMaskLocked(m linux.SigSet) {
	t.mask = m &^ unblockable
	for _, u := range t.proc.tasks {
		u.recalcLocked()
		if u != t && u.attention.Load() {
			u.notice()
		}
	}
}

// restoreMaskLocked ends the temporary mask of Sigsuspend.
func (t *Task) restoreMaskLocked() {
	if t.restoreMask {
		t.restoreMask = false
		t.setMaskLocked(t.savedMask)
	}
}

// Sigpending is sigpending(2): what is pending and blocked.
func (t *Task) Sigpending() linux.SigSet {
	t.k.mu.Lock()
	defer t.k.mu.Unlock()
	return (t.pending.set | t.proc.pending.set) & t.mask
}

// Sigsuspend is sigsuspend(2): it waits with another mask until a signal is to be
// handled and returns EINTR. The mask stays until DequeueSignal or TakeSignal
// has taken that signal.
func (t *Task) Sigsuspend(mask linux.SigSet) error {
	t.k.mu.Lock()
	t.restoreMaskLocked()
	t.savedMask, t.restoreMask = t.mask, true
	t.setMaskLocked(mask)
	t.k.mu.Unlock()
	return t.Pause()
}

// Pause is pause(2): it waits for a signal and returns EINTR.
func (t *Task) Pause() error {
	return t.await(nil, forever, func() bool { return false })
}

// TakeSignal returns the next pending signal that has a handler and is not
// blocked: a Go program calls it where it would run handlers, first of all after
// EINTR.
func (t *Task) TakeSignal() (linux.Signal, bool) {
	i, _, ok := t.DequeueSignal()
	return i.Signo, ok
}

// DequeueSignal takes the next signal to be handled, with what is known of it
// and its action. SA_RESETHAND has been applied; masks are the caller's job.
func (t *Task) DequeueSignal() (SigInfo, Action, bool) {
	if !t.attention.Load() {
		return SigInfo{}, Action{}, false
	}
	if _, err := t.attend(); err == nil || t.dead.Load() {
		return SigInfo{}, Action{}, false
	}
	k := t.k
	k.mu.Lock()
	defer k.mu.Unlock()
	p := t.proc
	info, ok := t.pending.take(t.mask)
	if !ok {
		info, ok = p.pending.take(t.mask)
	}
	t.restoreMaskLocked()
	t.recalcLocked()
	if !ok {
		return SigInfo{}, Action{}, false
	}
	a := p.sigs.a[info.Signo]
	if a.Flags&linux.SA_RESETHAND != 0 {
		p.sigs.a[info.Signo] = Action{}
	}
	return info, a, true
}

// Kill is kill(2): a process, 0 for the caller's group, -1 for everyone but
// process 1 and the caller, -N for group N. Signal 0 only checks.
func (t *Task) Kill(pid int, sig linux.Signal) error {
	c := t.cred.Load()
	return t.kill(pid, SigInfo{Signo: sig, Code: SI_USER, PID: t.proc.pid, UID: c.UID})
}

// Sigqueue is rt_sigqueueinfo(2) for one process, with a value.
func (t *Task) Sigqueue(pid int, sig linux.Signal, value uint64) error {
	if pid <= 0 {
		return linux.EINVAL
	}
	c := t.cred.Load()
	return t.kill(pid, SigInfo{Signo: sig, Code: SI_QUEUE, PID: t.proc.pid, UID: c.UID, Value: value})
}

// SendInfo is rt_sigqueueinfo(2), or with a thread's id rt_tgsigqueueinfo(2): the
// signal tells what the sender says. The caller has checked that it may say so.
func (t *Task) SendInfo(pid, tid int, info SigInfo) error {
	if pid <= 0 {
		return linux.EINVAL
	}
	info.timer = nil
	if tid == 0 {
		return t.kill(pid, info)
	}
	return t.tgkill(pid, tid, info)
}

func (t *Task) kill(pid int, info SigInfo) error {
	if info.Signo != 0 && !info.Signo.Valid() {
		return linux.EINVAL
	}
	if err := t.enter(); err != nil {
		return err
	}
	t.k.mu.Lock()
	defer t.k.mu.Unlock()
	switch {
	case pid > 0:
		p, err := t.findLocked(pid)
		if err != nil {
			return err
		}
		return t.killOneLocked(p, info)
	case pid == -1:
		return t.killAllLocked(info)
	}
	g := t.proc.group
	if pid < -1 {
		g = t.k.groups[-pid]
	}
	if g == nil {
		return linux.ESRCH
	}
	return t.killManyLocked(g.procs, info)
}

// killAllLocked is kill(-1).
func (t *Task) killAllLocked(info SigInfo) error {
	var all []*Process
	for _, p := range t.k.procs {
		if p.pid != 1 && p != t.proc {
			all = append(all, p)
		}
	}
	slices.SortFunc(all, func(a, b *Process) int { return a.pid - b.pid })
	return t.killManyLocked(all, info)
}

// killManyLocked succeeds when one of the processes could be signalled.
func (t *Task) killManyLocked(procs []*Process, info SigInfo) error {
	err := error(linux.ESRCH)
	ok := false
	for _, p := range slices.Clone(procs) {
		if e := t.killOneLocked(p, info); e == nil {
			ok = true
		} else {
			err = e
		}
	}
	if ok {
		return nil
	}
	return err
}

func (t *Task) killOneLocked(p *Process, info SigInfo) error {
	if !t.maySignalLocked(p, info.Signo) {
		return linux.EPERM
	}
	if info.Signo != 0 && !p.sendLocked(nil, info, false) {
		return linux.EAGAIN
	}
	return nil
}

// maySignalLocked is check_kill_permission: same user, CAP_KILL, or SIGCONT
// within the session.
func (t *Task) maySignalLocked(p *Process, sig linux.Signal) bool {
	if p == t.proc {
		return true
	}
	c, o := t.cred.Load(), p.leader.cred.Load()
	if c.EUID == o.SUID || c.EUID == o.UID || c.UID == o.SUID || c.UID == o.UID {
		return true
	}
	if c.Has(linux.CAP_KILL) {
		return true
	}
	return sig == linux.SIGCONT && p.group != nil && p.group.session == t.proc.group.session
}

// Tgkill is tgkill(2): a signal for one thread.
func (t *Task) Tgkill(tgid, tid int, sig linux.Signal) error {
	return t.tgkill(tgid, tid, SigInfo{Signo: sig, Code: SI_TKILL, PID: t.proc.pid, UID: t.cred.Load().UID})
}

func (t *Task) tgkill(tgid, tid int, info SigInfo) error {
	sig := info.Signo
	if tgid <= 0 || tid <= 0 || sig != 0 && !sig.Valid() {
		return linux.EINVAL
	}
	if err := t.enter(); err != nil {
		return err
	}
	t.k.mu.Lock()
	defer t.k.mu.Unlock()
	to := t.k.tasks[tid]
	if to == nil || to.proc.pid != tgid {
		return linux.ESRCH
	}
	if !t.maySignalLocked(to.proc, sig) {
		return linux.EPERM
	}
	if sig != 0 && !to.proc.sendLocked(to, info, false) {
		return linux.EAGAIN
	}
	return nil
}

// raise sends a signal to the calling thread, as the kernel does for SIGPIPE.
func (t *Task) raise(sig linux.Signal) {
	t.k.mu.Lock()
	defer t.k.mu.Unlock()
	t.proc.sendLocked(t, SigInfo{Signo: sig, Code: SI_USER, PID: t.proc.pid, UID: t.cred.Load().UID}, false)
}

// ForceSignal is how an executor reports a fault: the signal cannot be ignored
// or blocked, and kills when it is, process 1 too.
func (t *Task) ForceSignal(info SigInfo) {
	if !info.Signo.Valid() {
		return
	}
	t.k.mu.Lock()
	defer t.k.mu.Unlock()
	p := t.proc
	if d := p.sigs.a[info.Signo].Disp; d != SigHandle || t.mask.Has(info.Signo) {
		p.exitGroupLocked(linux.SignalStatus(info.Signo, false))
		return
	}
	p.sendLocked(t, info, true)
}
