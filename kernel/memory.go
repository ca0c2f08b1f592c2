package kernel

import (
	"sync/atomic"

	"github.com/sbxrun/sbx/abi/linux"
)

// ErrFull says that guests hold all the memory that they may: who makes room, by
// Task.OutOfMemory, may try again. To everybody else it is ENOMEM.
var ErrFull error = fullError{}

type fullError struct{}

func (fullError) Error() string { return "the processes hold all the memory that they may have" }
func (fullError) Unwrap() error { return linux.ENOMEM }

// charge adds n bytes to what the guests hold: ErrFull when the limit forbids it, ENOMEM when
// it would forbid that much even if they held nothing.
func (k *Kernel) charge(n int64) error {
	for {
		old := k.memory.Load()
		if most := k.maxMemory.Load(); n > 0 && most > 0 && old+n > most {
			if n > most {
				return linux.ENOMEM
			}
			return ErrFull
		}
		if k.memory.CompareAndSwap(old, max(old+n, 0)) {
			raise(&k.memoryPeak, old+n)
			return nil
		}
	}
}

// admit is charge for who is refused at the limit and does without.
func (k *Kernel) admit(n int64) bool { return k.charge(n) == nil }

// raise makes a at least n.
func raise(a *atomic.Int64, n int64) {
	for {
		if old := a.Load(); n <= old || a.CompareAndSwap(old, n) {
			return
		}
	}
}

// HoldMemory accounts delta bytes that belong to no process alone, as shared memory
// does: ErrFull at the kernel's limit. A negative delta gives back.
func (k *Kernel) HoldMemory(delta int64) error { return k.charge(delta) }

// GrowMemory accounts delta bytes (negative: given back) to the process, for
// programs that hold a memory. ENOMEM at RLIMIT_AS, ErrFull at the kernel's limit. Exec
// and exit give everything back.
func (t *Task) GrowMemory(delta int64) error {
	p := t.proc
	if delta < 0 {
		delta = -min(-delta, p.memory.Load())
	}
	if delta > 0 && uint64(p.memory.Load()+p.reserved.Load()+delta) > t.rlimit(linux.RLIMIT_AS) {
		return linux.ENOMEM
	}
	if err := t.k.charge(delta); err != nil {
		return err
	}
	raise(&p.maxMemory, p.memory.Add(delta))
	return nil
}

// ReserveMemory accounts memory that is charged for once it is used, and that counts for
// RLIMIT_AS only: ENOMEM.
func (t *Task) ReserveMemory(delta int64) error {
	p := t.proc
	if delta > 0 && uint64(p.memory.Load()+p.reserved.Load()+delta) > t.rlimit(linux.RLIMIT_AS) {
		return linux.ENOMEM
	}
	if p.reserved.Add(delta) < 0 { // what a program before exec had
		p.reserved.Store(0)
	}
	return nil
}

// freeMemory gives back what the process holds.
func (p *Process) freeMemory() {
	_ = p.k.charge(-p.memory.Swap(0))
	p.reserved.Store(0)
}

// MemoryLimited reports whether there is a limit of memory for all processes.
func (k *Kernel) MemoryLimited() bool { return k.maxMemory.Load() > 0 }

// OOMKills is how many processes were killed because memory had run out.
func (k *Kernel) OOMKills() int64 { return k.oomKills.Load() }

// OutOfMemory kills the process that has the most memory, as Linux does when a container
// is at its limit, and waits for its end. It reports whether the caller may go on: it is
// not the one.
func (t *Task) OutOfMemory() bool {
	k := t.k
	k.mu.Lock()
	victim := k.victimLocked()
	if victim == nil {
		victim = t.proc
	}
	killed := !victim.exiting
	if killed {
		k.oomKills.Add(1)
		victim.exitGroupLocked(linux.SignalStatus(linux.SIGKILL, false))
	}
	k.mu.Unlock()
	if killed && k.cfg.OnOOMKill != nil {
		k.cfg.OnOOMKill()
	}
	if victim == t.proc {
		return false
	}
	select {
	case <-victim.done:
		return true
	case <-t.ctx.Done():
		return false
	}
}

// victimLocked chooses who is killed when memory has run out: the one with the most, as
// oom_score_adj says, and one that is ending already before all others. nil when nobody
// may be.
func (k *Kernel) victimLocked() *Process {
	var most int64
	var victim *Process
	for _, p := range k.procs {
		have := p.memory.Load()
		switch {
		case p.zombie || have == 0:
			continue
		case p.exiting:
			return p
		case p.oomAdj <= -1000:
			continue
		}
		if score := have + int64(p.oomAdj)*(k.maxMemory.Load()/1000); victim == nil || score > most || score == most && p.pid > victim.pid {
			most, victim = score, p
		}
	}
	return victim
}
