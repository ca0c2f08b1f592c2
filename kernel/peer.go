package kernel

import (
	"cmp"
	"reflect"
	"slices"

	"github.com/sbxrun/sbx/abi/linux"
)

// Peer finds a thread whose memory or files the task wants to see, by its id: ESRCH, and
// EPERM as ptrace(2) has it under "Ptrace access mode checking".
func (t *Task) Peer(id int) (*Task, error) {
	t.k.mu.Lock()
	defer t.k.mu.Unlock()
	return t.peerLocked(id)
}

func (t *Task) peerLocked(id int) (*Task, error) {
	u := t.k.tasks[id]
	if id == 0 {
		u = t
	}
	if u == nil || u.exited {
		return nil, linux.ESRCH
	}
	if !t.maySeeLocked(u) {
		return nil, linux.EPERM
	}
	return u, nil
}

// maySeeLocked is PTRACE_MODE_READ_REALCREDS.
func (t *Task) maySeeLocked(u *Task) bool {
	c := t.cred.Load()
	return t.seesLocked(u, c.UID, c.GID, c.Permitted)
}

// ProcAccess reports whether t may look into another process through /proc, by
// PTRACE_MODE_READ_FSCREDS.
func (t *Task) ProcAccess(pid int) bool {
	t.k.mu.Lock()
	defer t.k.mu.Unlock()
	u := t.k.tasks[pid]
	if u == nil {
		return true // the call finds out that there is none
	}
	c := t.cred.Load()
	return t.seesLocked(u, c.FSUID, c.FSGID, c.Effective)
}

// seesLocked: threads of one process may see each other, who has the other's ids and as
// much as it may, unless the other hides, and CAP_SYS_PTRACE.
func (t *Task) seesLocked(u *Task, uid, gid uint32, caps uint64) bool {
	if u.proc == t.proc || t.cred.Load().Has(linux.CAP_SYS_PTRACE) {
		return true
	}
	o := u.cred.Load()
	return !u.proc.undumpable && o.Permitted&^caps == 0 &&
		uid == o.UID && uid == o.EUID && uid == o.SUID && gid == o.GID && gid == o.EGID && gid == o.SGID
}

// Running is the program that the task runs, which may end at any time; nil before its
// first.
func (t *Task) Running() Program {
	if p := t.running.Load(); p != nil {
		return *p
	}
	return nil
}

// Dumpable is PR_GET_DUMPABLE, and SetDumpable sets it: others of the same user may not
// see what a process has that is not.
func (t *Task) Dumpable() bool {
	t.k.mu.Lock()
	defer t.k.mu.Unlock()
	return !t.proc.undumpable
}

// SetDumpable is PR_SET_DUMPABLE.
func (t *Task) SetDumpable(on bool) {
	t.k.mu.Lock()
	defer t.k.mu.Unlock()
	t.proc.undumpable = !on
}

// What kcmp(2) compares, and the kernel knows of.
const (
	KCMP_FILE    = 0
	KCMP_FILES   = 2
	KCMP_FS      = 3
	KCMP_SIGHAND = 4
	KCMP_IO      = 5
	KCMP_SYSVSEM = 6
)

// Same is kcmp(2) for two threads that the task may see: 0 when they share what kind
// says, or for KCMP_FILE when two descriptors are one description; else their order.
func (t *Task) Same(a, b *Task, kind, fd1, fd2 int) (order int, err error) {
	switch kind {
	case KCMP_FILE:
		f, err := a.theirFiles().get(fd1)
		if err != nil {
			return 0, err
		}
		defer f.decref(nil)
		g, err := b.theirFiles().get(fd2)
		if err != nil {
			return 0, err
		}
		defer g.decref(nil)
		return Order(f, g), nil
	case KCMP_FILES:
		return Order(a.theirFiles(), b.theirFiles()), nil
	case KCMP_IO:
		return 0, nil // nobody has any
	}
	t.k.mu.Lock()
	defer t.k.mu.Unlock()
	switch kind {
	case KCMP_FS:
		return Order(a.fs, b.fs), nil
	case KCMP_SIGHAND:
		return Order(a.proc.sigs, b.proc.sigs), nil
	case KCMP_SYSVSEM:
		return Order(a.undo, b.undo), nil
	}
	return 0, linux.EINVAL
}

// SameWatched is KCMP_EPOLL_TFD: a's descriptor fd beside what b's epoll epfd watches as
// the descriptor watched, of those the one with the index.
func (t *Task) SameWatched(a, b *Task, fd, epfd, watched, index int) (int, error) {
	f, err := a.theirFiles().get(fd)
	if err != nil {
		return 0, err
	}
	defer f.decref(nil)
	ef, err := b.theirFiles().get(epfd)
	if err != nil {
		return 0, err
	}
	defer ef.decref(nil)
	ep, ok := ef.ops.(*epoll)
	if !ok {
		return 0, linux.EINVAL
	}
	ep.mu.Lock()
	defer ep.mu.Unlock()
	var list []*File
	for k := range ep.items {
		if k.fd == watched {
			list = append(list, k.f)
		}
	}
	if index < 0 || index >= len(list) {
		return 0, linux.ENOENT
	}
	slices.SortFunc(list, func(x, y *File) int { return cmp.Compare(x.ino, y.ino) })
	return Order(f, list[index]), nil
}

// theirFiles is the descriptor table, for others than the task.
func (t *Task) theirFiles() *fdTable {
	t.k.mu.Lock()
	defer t.k.mu.Unlock()
	return t.files
}

// Order is how kcmp(2) tells two things apart, which pointers are to: 0 is the same.
func Order(a, b any) int {
	switch x, y := reflect.ValueOf(a).Pointer(), reflect.ValueOf(b).Pointer(); {
	case x == y:
		return 0
	case x < y:
		return 1
	}
	return 2
}

// PidfdPeer is Peer for a pidfd.
func (t *Task) PidfdPeer(fd int) (*Task, error) {
	f, p, err := t.pidfd(fd)
	if err != nil {
		return nil, err
	}
	defer f.decref(t)
	t.k.mu.Lock()
	defer t.k.mu.Unlock()
	switch u := p.leader; {
	case p.zombie || u.exited:
		return nil, linux.ESRCH
	case !t.maySeeLocked(u):
		return nil, linux.EPERM
	default:
		return u, nil
	}
}

// PidfdGetfd is pidfd_getfd(2): the process's descriptor as one of the task's.
func (t *Task) PidfdGetfd(pidfd, fd, flags int) (int, error) {
	if flags != 0 {
		return -1, linux.EINVAL
	}
	u, err := t.PidfdPeer(pidfd)
	if err != nil {
		return -1, err
	}
	g, err := u.theirFiles().get(fd)
	if err != nil {
		return -1, err
	}
	return t.install(g, 0, true)
}

// Mempolicy is that of set_mempolicy(2), as it was asked for: there is one node.
type Mempolicy struct {
	Mode, Flags int
	Nodes       uint64
}

// Mempolicy tells the thread's own; children have it too.
func (t *Task) Mempolicy() Mempolicy { return t.mempolicy }

// SetMempolicy changes it.
func (t *Task) SetMempolicy(p Mempolicy) { t.mempolicy = p }
