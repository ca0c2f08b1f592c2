package ipc

import "github.com/sbxrun/sbx/abi/linux"

// semWait is operations that wait for others.
type semWait struct {
	*Wait
	ops     []linux.Sembuf
	undo    *Undo
	pid     int
	blocked int // the operation that can't be done
}

// Semop is semop(2) with ops that have been counted. undo is the caller's, and must
// not be nil when an operation has SEM_UNDO. When the operations have to wait there
// is a Wait.
func (ns *Namespace) Semop(c *Caller, id int, ops []linux.Sembuf, undo *Undo, wake func()) (*Wait, error) {
	top, alter, undoes := 0, false, false
	for _, op := range ops {
		top = max(top, int(op.Num))
		alter = alter || op.Op != 0
		undoes = undoes || op.Flg&linux.SEM_UNDO != 0
	}
	ns.mu.Lock()
	defer ns.mu.Unlock()
	s, err := ns.sem.find(id)
	if err != nil {
		return nil, err
	}
	if undoes {
		if err := undo.watch(ns, s); err != nil {
			return nil, err
		}
	}
	rights := uint32(readable)
	if alter {
		rights = writeable
	}
	switch {
	case top >= len(s.sems):
		return nil, linux.EFBIG
	case !c.may(&s.perm, rights):
		return nil, linux.EACCES
	}
	blocked, err := s.try(ops, undo, c.PID)
	switch {
	case err != nil:
		return nil, err
	case blocked < 0:
		s.otime = ns.now()
		if alter {
			s.update(ns)
		}
		return nil, nil
	case ops[blocked].Flg&linux.IPC_NOWAIT != 0:
		return nil, linux.EAGAIN
	}
	w := &semWait{ops: ops, undo: undo, pid: c.PID, blocked: blocked}
	w.Wait = NewWait(&ns.mu, wake, func() { s.leave(w) })
	s.waiting = append(s.waiting, w)
	return w.Wait, nil
}

func (s *set) leave(w *semWait) {
	for i := range s.waiting {
		if s.waiting[i] == w {
			s.waiting = append(s.waiting[:i], s.waiting[i+1:]...)
			return
		}
	}
}

// try does all operations or none. It returns the one that must wait, or -1.
func (s *set) try(ops []linux.Sembuf, undo *Undo, pid int) (blocked int, err error) {
	blocked = -1
	i := 0
	for ; i < len(ops); i++ {
		op := &ops[i]
		sem := &s.sems[op.Num]
		next := sem.val + int32(op.Op)
		switch {
		case op.Op == 0 && sem.val != 0 || next < 0:
			blocked = i
		case next > semVMX:
			err = linux.ERANGE
		case op.Flg&linux.SEM_UNDO != 0:
			err = undo.add(s, op)
		}
		if blocked >= 0 || err != nil {
			break
		}
		sem.val = next
	}
	if i == len(ops) {
		for _, op := range ops {
			s.sems[op.Num].pid = pid
		}
		return -1, nil
	}
	for i--; i >= 0; i-- {
		op := &ops[i]
		s.sems[op.Num].val -= int32(op.Op)
		if op.Flg&linux.SEM_UNDO != 0 {
			undo.adj[s][op.Num] += op.Op
		}
	}
	return blocked, err
}

// update does what can be done of what waits, in order, until nothing more can.
func (s *set) update(ns *Namespace) {
	for again := true; again && len(s.waiting) > 0; {
		again = false
		kept := s.waiting[:0]
		for _, w := range s.waiting {
			blocked, err := s.try(w.ops, w.undo, w.pid)
			if blocked >= 0 && w.ops[blocked].Flg&linux.IPC_NOWAIT != 0 {
				err = linux.EAGAIN
			}
			if blocked >= 0 && err == nil {
				w.blocked = blocked
				kept = append(kept, w)
				continue
			}
			if err == nil {
				s.otime = ns.now()
				again = true
			}
			w.Finish(err)
		}
		clear(s.waiting[len(kept):])
		s.waiting = kept
	}
}

// Undo is what a process's end takes back, SEM_UNDO: for each set what its
// semaphores are to be changed by. Threads share it.
type Undo struct {
	ns    *Namespace
	users int
	adj   map[*set][]int16
}

// NewUndo makes an empty one with one user.
func (ns *Namespace) NewUndo() *Undo {
	return &Undo{ns: ns, users: 1, adj: map[*set][]int16{}}
}

// Share counts another user in.
func (u *Undo) Share() *Undo {
	u.ns.mu.Lock()
	defer u.ns.mu.Unlock()
	u.users++
	return u
}

func undoBytes(s *set) int64 { return int64(2*len(s.sems) + semBytes) }

// watch makes room for a set.
func (u *Undo) watch(ns *Namespace, s *set) error {
	if u.adj[s] != nil {
		return nil
	}
	if !ns.cfg.Charge(undoBytes(s)) {
		return linux.ENOMEM
	}
	u.adj[s] = make([]int16, len(s.sems))
	s.undos[u] = struct{}{}
	return nil
}

// forget drops a set.
func (u *Undo) forget(s *set) {
	delete(u.adj, s)
	delete(s.undos, u)
	u.ns.cfg.Charge(-undoBytes(s))
}

// add notes an operation.
func (u *Undo) add(s *set, op *linux.Sembuf) error {
	v := int32(u.adj[s][op.Num]) - int32(op.Op)
	if v < -semVMX-1 || v > semVMX {
		return linux.ERANGE
	}
	u.adj[s][op.Num] = int16(v)
	return nil
}

// Leave counts a user out. With the last one, pid's operations are taken back.
func (u *Undo) Leave(pid int) {
	u.ns.mu.Lock()
	defer u.ns.mu.Unlock()
	if u.users--; u.users > 0 {
		return
	}
	for s, adj := range u.adj {
		for i, v := range adj {
			if v != 0 {
				val := min(max(s.sems[i].val+int32(v), 0), semVMX)
				s.sems[i] = semaphore{val, pid}
			}
		}
		u.forget(s)
		s.otime = u.ns.now()
		s.update(u.ns)
	}
}
