package kernel

import "github.com/sbxrun/sbx/abi/linux"

// Owner is whom a file's SIGIO is for, fcntl(2) F_SETOWN_EX and F_SETSIG. It is
// remembered and told; the kernel sends no SIGIO.
type Owner struct {
	Kind  int // F_OWNER_TID, F_OWNER_PID or F_OWNER_PGRP
	ID    int // 0: nobody
	Signo linux.Signal
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

// SetFileOwner changes the owner of a description. EINVAL for a kind or a signal
// that there is not, ESRCH for an owner that there is not.
func (t *Task) SetFileOwner(fd int, o Owner) error {
	f, err := t.file(fd)
	if err != nil {
		return err
	}
	defer f.decref(t)
	if o.Kind < F_OWNER_TID || o.Kind > F_OWNER_PGRP || o.ID < 0 || o.Signo != 0 && !o.Signo.Valid() {
		return linux.EINVAL
	}
	if o.ID != 0 {
		t.k.mu.Lock()
		found := t.k.ownerLocked(o)
		t.k.mu.Unlock()
		if !found {
			return linux.ESRCH
		}
	}
	f.owner.Store(&o)
	return nil
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
