package ipc

import "github.com/sbxrun/sbx/abi/linux"

// semBytes is what a semaphore is charged for.
const semBytes = 64

// semaphore is one of a set.
type semaphore struct {
	val int32
	pid int // who changed it last
}

// set is a set of semaphores, semget(2).
type set struct {
	header
	otime, ctime int64
	sems         []semaphore
	waiting      []*semWait
	undos        map[*Undo]struct{} // that have adjustments for it
}

// Semget is semget(2).
func (ns *Namespace) Semget(c *Caller, key int32, n, flags int) (int, error) {
	if n < 0 || n > SemMSL {
		return 0, linux.EINVAL
	}
	ns.mu.Lock()
	defer ns.mu.Unlock()
	fits := func(s *set) bool { return n <= len(s.sems) }
	return ns.sem.get(c, key, flags, fits, func(h header) error {
		switch {
		case n == 0:
			return linux.EINVAL
		case ns.sems+n > SemMNS:
			return linux.ENOSPC
		case !ns.cfg.Charge(int64(n+1) * semBytes):
			return linux.ENOMEM
		}
		ns.sems += n
		ns.sem.add(&set{header: h, ctime: ns.now(), sems: make([]semaphore, n), undos: map[*Undo]struct{}{}})
		return nil
	})
}

// removeSet ends a set: those who wait get EIDRM, and nobody's end changes it any more.
func (ns *Namespace) removeSet(s *set) {
	ns.sem.remove(s)
	for u := range s.undos {
		u.forget(s)
	}
	waiting := s.waiting
	s.waiting = nil
	for _, w := range waiting {
		w.Finish(linux.EIDRM)
	}
	ns.sems -= len(s.sems)
	ns.cfg.Charge(-int64(len(s.sems)+1) * semBytes)
}

// SemRemove is IPC_RMID.
func (ns *Namespace) SemRemove(c *Caller, id int) error {
	ns.mu.Lock()
	defer ns.mu.Unlock()
	s, err := ns.sem.owned(c, id)
	if err == nil {
		ns.removeSet(s)
	}
	return err
}

// SemSet is IPC_SET.
func (ns *Namespace) SemSet(c *Caller, id int, uid, gid, mode uint32) error {
	ns.mu.Lock()
	defer ns.mu.Unlock()
	s, err := ns.sem.owned(c, id)
	if err == nil {
		s.change(uid, gid, mode)
		s.ctime = ns.now()
	}
	return err
}

// SemStat is IPC_STAT, or by index SEM_STAT and SEM_STAT_ANY. It returns the
// identifier too.
func (ns *Namespace) SemStat(c *Caller, id int, byIndex, anybody bool) (int, linux.SemidDs, error) {
	ns.mu.Lock()
	defer ns.mu.Unlock()
	s, err := ns.sem.stat(c, id, byIndex, anybody)
	if err != nil {
		return 0, linux.SemidDs{}, err
	}
	return s.id, linux.SemidDs{Perm: s.perm, Otime: s.otime, Ctime: s.ctime, Nsems: uint64(len(s.sems))}, nil
}

// SemUsage is SEM_INFO: sets, semaphores, and the highest index.
func (ns *Namespace) SemUsage() (sets, sems, highest int) {
	ns.mu.Lock()
	defer ns.mu.Unlock()
	return len(ns.sem.items), ns.sems, ns.sem.highest()
}

// SemValue is GETVAL, GETPID, GETNCNT and GETZCNT.
func (ns *Namespace) SemValue(c *Caller, id, num, cmd int) (int, error) {
	ns.mu.Lock()
	defer ns.mu.Unlock()
	s, err := ns.sem.permitted(c, id, readable)
	if err != nil {
		return 0, err
	}
	if num < 0 || num >= len(s.sems) {
		return 0, linux.EINVAL
	}
	switch cmd {
	case linux.GETVAL:
		return int(s.sems[num].val), nil
	case linux.GETPID:
		return s.sems[num].pid, nil
	}
	n := 0
	for _, w := range s.waiting {
		if op := w.ops[w.blocked]; int(op.Num) == num && (op.Op == 0) == (cmd == linux.GETZCNT) {
			n++
		}
	}
	return n, nil
}

// SemValues is GETALL.
func (ns *Namespace) SemValues(c *Caller, id int) ([]uint16, error) {
	ns.mu.Lock()
	defer ns.mu.Unlock()
	s, err := ns.sem.permitted(c, id, readable)
	if err != nil {
		return nil, err
	}
	v := make([]uint16, len(s.sems))
	for i := range v {
		v[i] = uint16(s.sems[i].val)
	}
	return v, nil
}

// SemCount tells how many values SETALL takes.
func (ns *Namespace) SemCount(c *Caller, id int) (int, error) {
	ns.mu.Lock()
	defer ns.mu.Unlock()
	s, err := ns.sem.permitted(c, id, writeable)
	if err != nil {
		return 0, err
	}
	return len(s.sems), nil
}

// SemSetValue is SETVAL.
func (ns *Namespace) SemSetValue(c *Caller, id, num int, val int32) error {
	if val < 0 || val > semVMX {
		return linux.ERANGE
	}
	ns.mu.Lock()
	defer ns.mu.Unlock()
	s, err := ns.sem.find(id)
	if err != nil {
		return err
	}
	switch {
	case num < 0 || num >= len(s.sems):
		return linux.EINVAL
	case !c.may(&s.perm, writeable):
		return linux.EACCES
	}
	ns.assign(c, s, num, val)
	s.update(ns)
	return nil
}

// SemSetValues is SETALL, with as many values as SemCount told.
func (ns *Namespace) SemSetValues(c *Caller, id int, vals []uint16) error {
	ns.mu.Lock()
	defer ns.mu.Unlock()
	s, err := ns.sem.permitted(c, id, writeable)
	if err != nil {
		return err
	}
	if len(vals) != len(s.sems) {
		return linux.EIDRM // it is another set by now
	}
	for _, v := range vals {
		if v > semVMX {
			return linux.ERANGE
		}
	}
	for i, v := range vals {
		ns.assign(c, s, i, int32(v))
	}
	s.update(ns)
	return nil
}

// assign gives a semaphore a value, and nobody's end changes that.
func (ns *Namespace) assign(c *Caller, s *set, num int, val int32) {
	s.sems[num] = semaphore{val, c.PID}
	for u := range s.undos {
		u.adj[s][num] = 0
	}
	s.ctime = ns.now()
}
