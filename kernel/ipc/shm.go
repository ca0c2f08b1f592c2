package ipc

import "github.com/sbxrun/sbx/abi/linux"

// Memory is the pages of a segment.
type Memory interface {
	// Attached is how many maps there are of it.
	Attached() int
	// Resident is how many of its bytes were ever touched.
	Resident() int64
	// Release gives up the segment's own hold. Maps keep the memory.
	Release()
}

// segment is shared memory, shmget(2).
type segment struct {
	header
	size                uint64
	mem                 Memory
	atime, dtime, ctime int64
	cpid, lpid          int
	users               int // calls that are about to attach it
	dead                bool
}

func (s *segment) pages() uint64 { return (s.size + pageSize - 1) / pageSize }

// NewMemory makes the memory of a segment. touch is to be called after a process
// attached or detached it.
type NewMemory func(id int, key int32, size uint64, touch func(pid int, attached bool)) (Memory, error)

// Shmget is shmget(2).
func (ns *Namespace) Shmget(c *Caller, key int32, size uint64, flags int, alloc NewMemory) (int, error) {
	ns.mu.Lock()
	defer ns.mu.Unlock()
	fits := func(s *segment) bool { return s.size >= size }
	return ns.shm.get(c, key, flags, fits, func(h header) error {
		s := &segment{header: h, size: size, ctime: ns.now(), cpid: c.PID}
		switch {
		case size < 1 || size > ShmMax:
			return linux.EINVAL
		case ns.shmPages+s.pages() > ShmAll:
			return linux.ENOSPC
		case flags&linux.SHM_HUGETLB != 0:
			return linux.ENOMEM // there are no huge pages
		}
		var err error
		if s.mem, err = alloc(h.id, key, size, func(pid int, attached bool) { ns.touched(s, pid, attached) }); err != nil {
			return err
		}
		ns.shmPages += s.pages()
		ns.shm.add(s)
		return nil
	})
}

// touched notes who attached or detached a segment last. What nobody has any more
// goes when it was removed.
func (ns *Namespace) touched(s *segment, pid int, attached bool) {
	ns.mu.Lock()
	defer ns.mu.Unlock()
	s.lpid = pid
	if attached {
		s.atime = ns.now()
		return
	}
	s.dtime = ns.now()
	ns.reap(s)
}

// reap destroys a removed segment that nobody uses.
func (ns *Namespace) reap(s *segment) {
	if s.perm.Mode&linux.SHM_DEST != 0 && s.users == 0 && s.mem.Attached() == 0 {
		ns.destroy(s)
	}
}

func (ns *Namespace) destroy(s *segment) {
	if s.dead {
		return
	}
	s.dead = true
	ns.shm.remove(s)
	ns.shmPages -= s.pages()
	s.mem.Release()
}

// Shmat returns the memory of a segment for shmat(2), if the caller may have it. It
// stays until done is called.
func (ns *Namespace) Shmat(c *Caller, id, flags int) (m Memory, done func(), err error) {
	ns.mu.Lock()
	defer ns.mu.Unlock()
	rights := uint32(readable)
	if flags&linux.SHM_RDONLY == 0 {
		rights |= writeable
	}
	if flags&linux.SHM_EXEC != 0 {
		rights |= 0o111
	}
	s, err := ns.shm.permitted(c, id, rights)
	if err != nil {
		return nil, nil, err
	}
	s.users++
	return s.mem, func() {
		ns.mu.Lock()
		defer ns.mu.Unlock()
		s.users--
		ns.reap(s)
	}, nil
}

// ShmStat is IPC_STAT, or by index SHM_STAT and SHM_STAT_ANY. It returns the
// identifier too.
func (ns *Namespace) ShmStat(c *Caller, id int, byIndex, anybody bool) (int, linux.ShmidDs, error) {
	ns.mu.Lock()
	defer ns.mu.Unlock()
	s, err := ns.shm.stat(c, id, byIndex, anybody)
	if err != nil {
		return 0, linux.ShmidDs{}, err
	}
	return s.id, linux.ShmidDs{Perm: s.perm, Size: s.size, Atime: s.atime, Dtime: s.dtime, Ctime: s.ctime,
		CPID: s.cpid, LPID: s.lpid, Nattch: uint64(s.mem.Attached())}, nil
}

// ShmSet is IPC_SET.
func (ns *Namespace) ShmSet(c *Caller, id int, uid, gid, mode uint32) error {
	ns.mu.Lock()
	defer ns.mu.Unlock()
	s, err := ns.shm.owned(c, id)
	if err == nil {
		s.change(uid, gid, mode)
		s.ctime = ns.now()
	}
	return err
}

// ShmRemove is IPC_RMID: who is attached stays so.
func (ns *Namespace) ShmRemove(c *Caller, id int) error {
	ns.mu.Lock()
	defer ns.mu.Unlock()
	s, err := ns.shm.owned(c, id)
	if err != nil {
		return err
	}
	s.perm.Mode |= linux.SHM_DEST
	ns.shm.hide(s)
	ns.reap(s)
	return nil
}

// ShmLock is SHM_LOCK and SHM_UNLOCK: memory is never swapped, so only the mode
// changes. may says that the caller's RLIMIT_MEMLOCK is not 0.
func (ns *Namespace) ShmLock(c *Caller, id int, lock, may bool) error {
	ns.mu.Lock()
	defer ns.mu.Unlock()
	s, err := ns.shm.find(id)
	if err != nil {
		return err
	}
	if !c.has(linux.CAP_IPC_LOCK) && (c.UID != s.perm.UID && c.UID != s.perm.CUID || lock && !may) {
		return linux.EPERM
	}
	s.perm.Mode &^= linux.SHM_LOCKED
	if lock {
		s.perm.Mode |= linux.SHM_LOCKED
	}
	return nil
}

// ShmUsage is SHM_INFO: segments, their pages, those that were touched, and the
// highest index.
func (ns *Namespace) ShmUsage() (segments int, pages, resident uint64, highest int) {
	ns.mu.Lock()
	defer ns.mu.Unlock()
	for _, s := range ns.shm.items {
		resident += uint64(s.mem.Resident()) / pageSize
	}
	return len(ns.shm.items), ns.shmPages, resident, ns.shm.highest()
}
