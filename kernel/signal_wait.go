package kernel

import (
	"time"

	"github.com/sbxrun/sbx/abi/linux"
)

// Sigtimedwait is sigtimedwait(2): it takes a pending signal of the set, which
// the caller should block, and waits for one if there is none. A negative
// timeout is none; EAGAIN when it has passed, EINTR for any other signal.
func (t *Task) Sigtimedwait(set linux.SigSet, timeout time.Duration) (SigInfo, error) {
	if err := t.enter(); err != nil {
		return SigInfo{}, err
	}
	set &^= unblockable
	t.setAwaited(set)
	defer t.setAwaited(0)
	var info SigInfo
	err := t.await(nil, timeout, func() bool {
		t.k.mu.Lock()
		defer t.k.mu.Unlock()
		var ok bool
		if info, ok = t.pending.take(^set); !ok {
			info, ok = t.proc.pending.take(^set)
		}
		return ok
	})
	if err == linux.ETIMEDOUT {
		err = linux.EAGAIN
	}
	return info, err
}

func (t *Task) setAwaited(set linux.SigSet) {
	t.k.mu.Lock()
	t.awaited = set
	t.k.mu.Unlock()
}

// awaitedLocked wakes the threads that wait for a signal which became pending.
func (p *Process) awaitedLocked(sig linux.Signal) {
	for _, t := range p.tasks {
		if t.awaited.Has(sig) {
			t.waker.poke()
		}
	}
}
