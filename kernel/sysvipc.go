package kernel

import (
	"time"

	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/kernel/ipc"
)

// IPC returns the sandbox's System V IPC and the task as who uses it, for the calls
// that do not wait. Those that may are Semop, Msgsnd and Msgrcv.
func (t *Task) IPC() (*ipc.Namespace, *ipc.Caller) {
	c := t.cred.Load()
	return t.k.ipc, &ipc.Caller{PID: t.proc.pid, UID: c.EUID, GID: c.EGID, Groups: c.Groups, Caps: c.Effective}
}

// semUndo returns what the task's end takes back; only its own goroutine may ask.
func (t *Task) semUndo() *ipc.Undo {
	if t.undo == nil {
		u := t.k.ipc.NewUndo()
		t.k.mu.Lock()
		t.undo = u
		t.k.mu.Unlock()
	}
	return t.undo
}

// UnshareSem is unshare(2) with CLONE_SYSVSEM: what was done with SEM_UNDO is taken
// back unless other threads share it.
func (t *Task) UnshareSem() {
	u := t.undo
	if u == nil {
		return
	}
	pid := 0 // of a task that never came to be
	t.k.mu.Lock()
	t.undo = nil
	if t.proc != nil {
		pid = t.proc.pid
	}
	t.k.mu.Unlock()
	u.Leave(pid)
}

// settleIPC waits for what ipc could not do at once.
func (t *Task) settleIPC(w *ipc.Wait, timeout time.Duration) error {
	if w == nil {
		return nil
	}
	return w.End(t.await(nil, timeout, w.Over))
}

// Semop is semtimedop(2); a negative timeout waits for ever. EAGAIN when it has passed.
func (t *Task) Semop(id int, ops []linux.Sembuf, timeout time.Duration) error {
	if err := t.enter(); err != nil {
		return err
	}
	ns, c := t.IPC()
	w, err := ns.Semop(c, id, ops, t.semUndo(), t.waker.poke)
	if err != nil {
		return err
	}
	err = t.settleIPC(w, timeout)
	if err == linux.ETIMEDOUT {
		err = linux.EAGAIN
	}
	return err
}

// Msgsnd is msgsnd(2). The message's bytes are the queue's from then on.
func (t *Task) Msgsnd(id int, m *ipc.Message, flags int) error {
	if err := t.enter(); err != nil {
		return err
	}
	ns, c := t.IPC()
	w, err := ns.Msgsnd(c, id, m, flags, t.waker.poke)
	if err != nil {
		return err
	}
	return t.settleIPC(w, forever)
}

// Msgrcv is msgrcv(2). A message that is longer than size comes whole.
func (t *Task) Msgrcv(id int, size uint64, typ int64, flags int) (*ipc.Message, error) {
	if err := t.enter(); err != nil {
		return nil, err
	}
	for {
		ns, c := t.IPC()
		m, r, err := ns.Msgrcv(c, id, size, typ, flags, t.waker.poke)
		if r == nil {
			return m, err
		}
		switch err := t.settleIPC(r.Wait, forever); err {
		case nil:
			return r.Message(), nil
		case linux.EAGAIN: // the queue's rights have changed: ask again
		default:
			return nil, err
		}
	}
}
