package kernel

import "github.com/sbxrun/sbx/abi/linux"

// Owner is whom a file's SIGIO is for, fcntl(2) F_SETOWN_EX and F_SETSIG.
type Owner struct {
	Kind  int // F_OWNER_TID, F_OWNER_PID or F_OWNER_PGRP
	ID    int // 0: nobody
	Signo linux.Signal

	uid, euid uint32 // of who set it
}

// Kinds of owners.
const (
	F_OWNER_TID  = 0
	F_OWNER_PID  = 1
	F_OWNER_PGRP = 2
)

// FileOwner returns what SetFileOwner set.
func (t *Task) FileOwner(fd int) (Owner, error) {
	f, err := t.file(fd)
	if err != nil {
		return Owner{}, err
	}
	defer f.decref(t)
	if o := f.owner.Load(); o != nil {
		return *o, nil
	}
	return Owner{Kind: F_OWNER_PID}, nil
}

// SetFileOwner is F_SETOWN_EX. EINVAL for a kind that there is not, ESRCH for an owner
// that there is not; id 0 is nobody.
func (t *Task) SetFileOwner(fd, kind, id int) error {
	f, err := t.file(fd)
	if err != nil {
		return err
	}
	defer f.decref(t)
	if kind < F_OWNER_TID || kind > F_OWNER_PGRP || id < 0 {
		return linux.EINVAL
	}
	o := t.newOwner(kind, id)
	if id != 0 {
		t.k.mu.Lock()
		found := t.k.ownerLocked(o)
		t.k.mu.Unlock()
		if !found {
			return linux.ESRCH
		}
	}
	t.k.async.begin(t.k)
	if o, ok := f.ops.(*sock); ok {
		o.s.Owned()
	}
	f.editOwner(func(now *Owner) {
		o.Signo = now.Signo
		*now = o
	})
	return nil
}

// SetFileSignal is F_SETSIG: 0 is SIGIO.
func (t *Task) SetFileSignal(fd, signo int) error {
	f, err := t.file(fd)
	if err != nil {
		return err
	}
	defer f.decref(t)
	if signo < 0 || signo >= linux.NSIG {
		return linux.EINVAL
	}
	f.editOwner(func(o *Owner) { o.Signo = linux.Signal(signo) })
	return nil
}

// editOwner changes a copy of the owner and puts it in its place.
func (f *File) editOwner(edit func(o *Owner)) {
	for {
		old := f.owner.Load()
		o := Owner{Kind: F_OWNER_PID}
		if old != nil {
			o = *old
		}
		edit(&o)
		if f.owner.CompareAndSwap(old, &o) {
			return
		}
	}
}

func (k *Kernel) ownerLocked(o Owner) bool {
	switch o.Kind {
	case F_OWNER_TID:
		return k.tasks[o.ID] != nil
	case F_OWNER_PID:
		return k.procs[o.ID] != nil
	}
	return k.groups[o.ID] != nil
}

// newOwner makes an owner of the task's.
func (t *Task) newOwner(kind, id int) Owner {
	c := t.cred.Load()
	return Owner{Kind: kind, ID: id, uid: c.UID, euid: c.EUID}
}

// SetAsync is FIOASYNC: ENOTTY for a file that tells nobody.
func (t *Task) SetAsync(fd int, on bool) error {
	f, err := t.file(fd)
	if err != nil {
		return err
	}
	defer f.decref(t)
	switch {
	case f.flags.Load()&linux.O_PATH != 0:
		return linux.EBADF
	case on != (f.flags.Load()&linux.O_ASYNC != 0):
		if !f.signals() {
			return linux.ENOTTY
		}
		f.setAsync(t, fd, on)
	}
	return nil
}
