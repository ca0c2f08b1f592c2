package kernel

import (
	"slices"

	"github.com/sbxrun/sbx/abi/linux"
)

// group is a process group. Guarded by Kernel.mu.
type group struct {
	id      int
	session *session
	procs   []*Process // members, zombies until they are reaped too
}

// session is a session of groups, setsid(2). Guarded by Kernel.mu.
type session struct {
	id     int
	leader *Process // nil once it ended
	groups []*group
}

// joinLocked moves p to g.
func (k *Kernel) joinLocked(p *Process, g *group) {
	if p.group == g {
		return
	}
	k.leaveLocked(p)
	p.group = g
	g.procs = append(g.procs, p)
}

// leaveLocked takes p out of its group and drops what gets empty.
func (k *Kernel) leaveLocked(p *Process) {
	g := p.group
	if g == nil {
		return
	}
	p.group = nil
	g.procs = slices.DeleteFunc(g.procs, func(q *Process) bool { return q == p })
	if len(g.procs) > 0 {
		return
	}
	delete(k.groups, g.id)
	s := g.session
	s.groups = slices.DeleteFunc(s.groups, func(h *group) bool { return h == g })
	if len(s.groups) == 0 {
		delete(k.sessions, s.id)
	}
}

// newGroupLocked makes a group in s.
func (k *Kernel) newGroupLocked(id int, s *session) *group {
	g := &group{id: id, session: s}
	s.groups = append(s.groups, g)
	k.groups[id] = g
	return g
}

// newSessionLocked makes p the leader of a new session and group.
func (k *Kernel) newSessionLocked(p *Process) {
	s := &session{id: p.pid, leader: p}
	k.sessions[s.id] = s
	k.joinLocked(p, k.newGroupLocked(p.pid, s))
	p.ctty = nil
}

// orphaned reports whether no member of g has a parent in another group of the
// same session: nobody is there who would continue it after a stop.
// Without is left out of the count, as if it were gone.
func (g *group) orphaned(without *Process) bool {
	for _, p := range g.procs {
		if p == without || p.zombie || p.parent == nil {
			continue
		}
		pg := p.parent.group
		if pg != nil && pg != g && pg.session == g.session {
			return false
		}
	}
	return true
}

// controlsLocked reports whether p keeps its group from being orphaned, as far as
// it goes: its parent is in another group of the session. Only the end of such a
// process makes a group an orphan.
func (p *Process) controlsLocked() bool {
	return p.parent != nil && p.parent.group != nil && p.parent.group != p.group && p.parent.group.session == p.group.session
}

// hasStopped reports whether a member of g is stopped.
func (g *group) hasStopped() bool {
	return slices.ContainsFunc(g.procs, func(p *Process) bool { return p.stopping && !p.zombie })
}

// hupOrphanLocked sends SIGHUP and SIGCONT to a group that lost its last
// outside parent while a member is stopped.
func (k *Kernel) hupOrphanLocked(g *group, without *Process) {
	if g == nil || !g.orphaned(without) || !g.hasStopped() {
		return
	}
	k.signalGroupLocked(g, SigInfo{Signo: linux.SIGHUP, Code: SI_KERNEL})
	k.signalGroupLocked(g, SigInfo{Signo: linux.SIGCONT, Code: SI_KERNEL})
}

// signalGroupLocked sends info to all members.
func (k *Kernel) signalGroupLocked(g *group, info SigInfo) {
	for _, p := range slices.Clone(g.procs) {
		if !p.zombie {
			p.sendLocked(nil, info, false)
		}
	}
}

// Setpgid is setpgid(2).
func (t *Task) Setpgid(pid, pgid int) error {
	if pgid < 0 || pid < 0 {
		return linux.EINVAL
	}
	k := t.k
	k.mu.Lock()
	defer k.mu.Unlock()
	if pid == 0 {
		pid = t.proc.pid
	}
	if pgid == 0 {
		pgid = pid
	}
	p := k.procs[pid]
	if p == nil || p != t.proc && p.parent != t.proc {
		return linux.ESRCH
	}
	if p != t.proc {
		if p.group.session != t.proc.group.session {
			return linux.EPERM
		}
		if p.execed {
			return linux.EACCES
		}
	}
	return k.setpgidLocked(p, pgid)
}

// setpgidLocked moves p to group pgid, which is made when it is p's own.
func (k *Kernel) setpgidLocked(p *Process, pgid int) error {
	s := p.group.session
	if s.id == p.pid {
		return linux.EPERM // a session leader stays
	}
	g := k.groups[pgid]
	if pgid != p.pid && (g == nil || g.session != s) {
		return linux.EPERM
	}
	if g == nil {
		g = k.newGroupLocked(pgid, s)
	}
	k.joinLocked(p, g)
	return nil
}

// Getpgid is getpgid(2); pid 0 is the caller.
func (t *Task) Getpgid(pid int) (int, error) {
	t.k.mu.Lock()
	defer t.k.mu.Unlock()
	p, err := t.findLocked(pid)
	if err != nil {
		return 0, err
	}
	return p.group.id, nil
}

// Getsid is getsid(2); pid 0 is the caller.
func (t *Task) Getsid(pid int) (int, error) {
	t.k.mu.Lock()
	defer t.k.mu.Unlock()
	p, err := t.findLocked(pid)
	if err != nil {
		return 0, err
	}
	return p.group.session.id, nil
}

// Setsid is setsid(2): EPERM for a group leader.
func (t *Task) Setsid() (int, error) {
	k := t.k
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.groups[t.proc.pid] != nil || k.sessions[t.proc.pid] != nil {
		return 0, linux.EPERM
	}
	k.newSessionLocked(t.proc)
	return t.proc.pid, nil
}

// findLocked returns the process of a pid; 0 is the caller's.
func (t *Task) findLocked(pid int) (*Process, error) {
	if pid == 0 {
		return t.proc, nil
	}
	if p := t.k.procs[pid]; p != nil {
		return p, nil
	}
	if u := t.k.tasks[pid]; u != nil {
		return u.proc, nil
	}
	return nil, linux.ESRCH
}
