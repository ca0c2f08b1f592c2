package kernel

import (
	"slices"
	"time"

	"github.com/sbxrun/sbx/abi/linux"
)

// ExitThread makes the return of Run end this thread only, exit(2), and not the
// process.
func (t *Task) ExitThread() { t.threadOnly = true }

// end is the end of a task's goroutine.
func (t *Task) end(code int) {
	k, p := t.k, t.proc
	k.mu.Lock()
	if !t.threadOnly && !t.dead.Load() && (t == p.leader || len(p.tasks) == 1) {
		p.exitGroupLocked(linux.ExitStatus(code))
	}
	t.dead.Store(true)
	t.attention.Store(true)
	last := len(p.tasks) == 1
	sid := 0
	ctty := p.ctty
	if last && ctty != nil && p.group.session.leader == p {
		sid = p.group.session.id
	}
	isInit := p == k.init
	k.mu.Unlock()

	if t.clearTID != nil {
		t.clearTID()
	}
	t.release()
	if last {
		if isInit {
			k.endAll(p)
		}
		if sid != 0 {
			ctty.LeaderExit(sid)
		}
		p.freeMemory()
	}
	k.mu.Lock()
	p.endThreadLocked(t, code)
	k.mu.Unlock()
	if last && isInit {
		k.closeDone()
	}
}

// endAll kills everything when process 1 ends, and waits for it.
func (k *Kernel) endAll(p *Process) {
	k.mu.Lock()
	k.ending = true
	var others []*Process
	for _, q := range k.procs {
		if q != p && !q.zombie {
			others = append(others, q)
			q.exitGroupLocked(linux.SignalStatus(linux.SIGKILL, false))
		}
	}
	k.mu.Unlock()
	for _, q := range others {
		<-q.done
	}
}

// endThreadLocked takes a thread out of its process; the last one makes the
// process a zombie.
func (p *Process) endThreadLocked(t *Task, code int) {
	t.setSeccompLocked(nil)
	t.leaveChildrenLocked()
	p.deadCPU += t.cpu()
	t.ended.Store(max(int64(t.cpu()), 1))
	t.exited = true
	p.tasks = slices.DeleteFunc(p.tasks, func(u *Task) bool { return u == t })
	if t != p.leader {
		delete(p.k.tasks, t.tid)
	}
	if p.stopping && !t.stopped {
		p.stopLeft--
		if len(p.tasks) > 0 {
			p.stopDoneLocked()
		}
	}
	p.threadQ.Wake()
	if len(p.tasks) > 0 {
		for _, u := range p.tasks {
			if u.recalcLocked(); u.attention.Load() { // signals that only t would have taken
				u.notice()
			}
		}
		return
	}
	if !p.exiting {
		p.exiting, p.status = true, linux.ExitStatus(code)
	}
	p.endLocked()
}

// endLocked makes a process a zombie: its children get another parent, groups
// that it leaves orphaned are told, and its parent hears of it.
func (p *Process) endLocked() {
	k := p.k
	p.usage = Rusage{User: p.deadCPU, MaxRSS: p.maxMemory.Load(),
		InBlock: p.inBytes.Load() / 512, OutBlock: p.outBytes.Load() / 512, Voluntary: p.leader.waits.Load()}
	p.real.stopLocked()
	p.stopTimersLocked(false)
	p.stopping, p.waitStop, p.waitCont = false, false, false
	p.pending = pendingSet{}
	p.zombie = true
	p.orphanLocked()
	if s := p.group.session; s.leader == p {
		s.leader = nil
	}
	p.ctty = nil
	if p.controlsLocked() {
		k.hupOrphanLocked(p.group, p)
	}
	close(p.done)
	p.endQ.Wake()
	p.notifyEndLocked()
}

// orphanLocked gives the children of p to the nearest subreaper, or process 1.
func (p *Process) orphanLocked() {
	k := p.k
	to := p.reaperLocked()
	children := p.children
	p.children = nil
	for _, c := range children {
		g := c.group
		c.parent, c.maker, c.exitSig = to, nil, linux.SIGCHLD
		if to != nil {
			if len(to.tasks) > 0 {
				c.maker = to.tasks[0]
			}
			to.children = append(to.children, c)
		}
		if g != nil && g != p.group && g.session == p.group.session {
			k.hupOrphanLocked(g, nil)
		}
		if c.zombie {
			c.notifyEndLocked()
		}
	}
}

func (p *Process) reaperLocked() *Process {
	for q := p.parent; q != nil; q = q.parent {
		if q.subreaper && !q.exiting {
			return q
		}
	}
	if i := p.k.init; i != p && i != nil && !i.zombie {
		return i
	}
	return nil
}

// notifyEndLocked tells the parent of a zombie, or reaps it when nobody cares.
func (p *Process) notifyEndLocked() {
	parent := p.parent
	if parent == nil || parent.zombie {
		p.reapLocked()
		return
	}
	sig := p.exitSig
	a := parent.sigs.a[linux.SIGCHLD]
	quiet := sig == linux.SIGCHLD && (a.Disp == SigIgnore || a.Flags&linux.SA_NOCLDWAIT != 0)
	if sig != 0 && !(sig == linux.SIGCHLD && a.Disp == SigIgnore) {
		info := p.endInfo()
		info.Signo = sig
		parent.sendLocked(nil, info, false)
	}
	if quiet {
		p.reapLocked()
	}
	parent.childQ.Wake()
}

// endInfo is the siginfo of a child's end.
func (p *Process) endInfo() SigInfo {
	if p.status.Exited() {
		return p.childInfo(CLD_EXITED, int32(p.status.ExitCode()))
	}
	return p.childInfo(CLD_KILLED, int32(p.status.TermSignal()))
}

// reapLocked removes a zombie from all tables.
func (p *Process) reapLocked() {
	if p.reaped {
		return
	}
	p.reaped = true
	p.endQ.Wake()
	k := p.k
	if p.parent != nil {
		p.parent.children = removeProc(p.parent.children, p)
	}
	k.leaveLocked(p)
	delete(k.procs, p.pid)
	delete(k.tasks, p.leader.tid)
	k.deadCPU += p.usage.User
}

// SetSubreaper is prctl(PR_SET_CHILD_SUBREAPER): orphans below the process
// become its children.
func (t *Task) SetSubreaper(on bool) {
	t.k.mu.Lock()
	defer t.k.mu.Unlock()
	t.proc.subreaper = on
}

// Getrusage is getrusage(2).
func (t *Task) Getrusage(who int) (Rusage, error) {
	t.k.mu.Lock()
	defer t.k.mu.Unlock()
	switch who {
	case linux.RUSAGE_SELF:
		return t.proc.usageLocked(), nil
	case linux.RUSAGE_CHILDREN:
		return t.proc.childUsage, nil
	case linux.RUSAGE_THREAD:
		return Rusage{User: t.cpu(), MaxRSS: t.proc.maxMemory.Load(), Voluntary: t.waits.Load()}, nil
	}
	return Rusage{}, linux.EINVAL
}

// Times is times(2).
func (t *Task) Times() Times {
	t.k.mu.Lock()
	defer t.k.mu.Unlock()
	u, c := t.proc.usageLocked(), t.proc.childUsage
	return Times{User: u.User, System: u.System, ChildrenUser: c.User, ChildrenSystem: c.System, Elapsed: t.k.uptime()}
}

// uptime is the time since boot.
func (k *Kernel) uptime() time.Duration { return k.clock.Monotonic() - k.boot }
