package kernel

import (
	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/vfs"
)

// pidfd is a process by descriptor, pidfd_open(2).
type pidfd struct{ p *Process }

func (o *pidfd) read(*Task, *File, []byte) (int, error)  { return 0, linux.EINVAL }
func (o *pidfd) write(*Task, *File, []byte) (int, error) { return 0, linux.EINVAL }
func (o *pidfd) watch(_ *File, w *waker) func()          { return watchQueue(&o.p.endQ, w) }
func (o *pidfd) attr(f *File, a *vfs.Attr) error         { return f.anonAttr(a, 0o600) }
func (o *pidfd) release(*File)                           {}

func (o *pidfd) ready(f *File) uint32 {
	f.k.mu.Lock()
	defer f.k.mu.Unlock()
	switch {
	case o.p.reaped:
		return pollIn | linux.POLLHUP
	case o.p.zombie:
		return pollIn
	}
	return 0
}

// PidfdOpen is pidfd_open(2); flags may be PIDFD_NONBLOCK.
func (t *Task) PidfdOpen(pid, flags int) (int, error) {
	if flags&^linux.PIDFD_NONBLOCK != 0 || pid <= 0 {
		return -1, linux.EINVAL
	}
	k := t.k
	k.mu.Lock()
	p := k.procs[pid]
	thread := k.tasks[pid] != nil
	k.mu.Unlock()
	if p == nil {
		if thread {
			return -1, linux.ENOENT // a thread that leads no group
		}
		return -1, linux.ESRCH
	}
	return t.anonFile(&pidfd{p}, "anon_inode:[pidfd]", linux.O_RDWR|flags&linux.O_NONBLOCK, true)
}

func (t *Task) pidfd(fd int) (*File, *Process, error) {
	f, err := t.file(fd)
	if err != nil {
		return nil, nil, err
	}
	o, ok := f.ops.(*pidfd)
	if !ok {
		f.decref(t)
		return nil, nil, linux.EBADF
	}
	return f, o.p, nil
}

// folderPidfd finds a process by a descriptor of its folder in /proc.
func (t *Task) folderPidfd(fd int) (*File, *Process, error) {
	f, err := t.file(fd)
	if err != nil {
		return nil, nil, err
	}
	pid, err := 0, error(linux.EBADF)
	if _, dir := f.ops.(*directory); dir {
		if fs, ok := f.loc.Super().(interface {
			Folder(ino vfs.Ino) (pid int, err error)
		}); ok {
			pid, err = fs.Folder(f.loc.Ino)
		}
	}
	if err == nil {
		t.k.mu.Lock()
		p := t.k.procs[pid]
		t.k.mu.Unlock()
		if p != nil {
			return f, p, nil
		}
		err = linux.ESRCH
	}
	f.decref(t)
	return nil, nil, err
}

// PidfdSendSignal is pidfd_send_signal(2); a nil info is that of kill(2).
func (t *Task) PidfdSendSignal(fd int, sig linux.Signal, info *SigInfo, flags int) error {
	if flags != 0 {
		return linux.EINVAL
	}
	f, p, err := t.pidfd(fd)
	if err == linux.EBADF {
		f, p, err = t.folderPidfd(fd)
	}
	if err != nil {
		return err
	}
	defer f.decref(t)
	if sig != 0 && !sig.Valid() {
		return linux.EINVAL
	}
	i := SigInfo{Signo: sig, Code: SI_USER, PID: t.proc.pid, UID: t.cred.Load().UID}
	if info != nil {
		if info.Signo != sig {
			return linux.EINVAL
		}
		if (info.Code >= 0 || info.Code == SI_TKILL) && p != t.proc {
			return linux.EPERM
		}
		i = *info
		i.timer = nil
	}
	t.k.mu.Lock()
	defer t.k.mu.Unlock()
	if p.reaped {
		return linux.ESRCH
	}
	return t.killOneLocked(p, i)
}

// Waitid is waitid(2): kind is P_ALL, P_PID, P_PGID or P_PIDFD; options have at
// least one of WEXITED, WSTOPPED and WCONTINUED. With WNOHANG and nothing to
// tell, Signo of the answer is 0.
func (t *Task) Waitid(kind, id, options int) (SigInfo, Rusage, error) {
	if options&^(linux.WEXITED|linux.WSTOPPED|waitOptions) != 0 || options&(linux.WEXITED|linux.WSTOPPED|linux.WCONTINUED) == 0 {
		return SigInfo{}, Rusage{}, linux.EINVAL
	}
	if err := t.enter(); err != nil {
		return SigInfo{}, Rusage{}, err
	}
	w := waiter{t: t, pid: -1, options: options}
	nonblock := false
	switch kind {
	case linux.P_ALL:
	case linux.P_PID:
		if w.pid = id; id <= 0 {
			return SigInfo{}, Rusage{}, linux.EINVAL
		}
	case linux.P_PGID:
		if id < 0 {
			return SigInfo{}, Rusage{}, linux.EINVAL
		}
		if w.pid = -id; id == 1 { // not -1, which is any
			w.group = 1
		}
	case linux.P_PIDFD:
		f, p, err := t.pidfd(id)
		if err != nil {
			return SigInfo{}, Rusage{}, err
		}
		w.only, nonblock = p, f.nonblock()
		f.decref(t)
	default:
		return SigInfo{}, Rusage{}, linux.EINVAL
	}
	if options&linux.WNOHANG != 0 || nonblock {
		w.look()
		if w.got == 0 && w.err == nil && nonblock && options&linux.WNOHANG == 0 {
			w.err = linux.EAGAIN
		}
		return w.info, w.usage, w.err
	}
	if err := t.await(&t.proc.childQ, forever, w.look); err != nil {
		return SigInfo{}, Rusage{}, err
	}
	return w.info, w.usage, w.err
}

// PidfdDying reports whether the process of a pidfd is on its way out: ESRCH when it is
// gone.
func (t *Task) PidfdDying(fd int) (bool, error) {
	f, p, err := t.pidfd(fd)
	if err != nil {
		return false, err
	}
	defer f.decref(t)
	t.k.mu.Lock()
	defer t.k.mu.Unlock()
	if p.zombie {
		return false, linux.ESRCH
	}
	return p.exiting, nil
}
