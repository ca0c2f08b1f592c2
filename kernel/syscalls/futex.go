package syscalls

import (
	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/kernel"
	"github.com/sbxrun/sbx/kernel/mm"
)

// word is a futex in guest memory.
type word struct {
	mm   *mm.Space
	addr uint64
}

func (w word) Load() (uint32, error) { return w.mm.Load32(w.addr) }

func (w word) CompareAndSwap(old, next uint32) (bool, error) {
	was, err := w.mm.CompareAndSwap32(w.addr, old, next)
	return was == old, err
}

// wakeWord wakes n waiters of a word, as the kernel itself does: those who wait
// for a word that may be shared. In private memory that is everybody.
func (p *Program) wakeWord(addr uint64, n int) {
	if key, err := p.mm.KeyOf(addr, false); err == nil {
		_, _ = p.t.Kernel().FutexWake(key, ^uint32(0), n)
	}
}

// Operations of futex(2).
const (
	futexWait, futexWake, futexRequeue, futexCmpRequeue     = 0, 1, 3, 4
	futexWakeOp, futexLockPI, futexUnlockPI, futexTrylockPI = 5, 6, 7, 8
	futexWaitBitset, futexWakeBitset, futexLockPI2          = 9, 10, 13
	futexPrivate, futexRealtime                             = 128, 256
)

func sysFutex(c *call) (int64, error) {
	op := c.int(1)
	private, realtime := op&futexPrivate != 0, op&futexRealtime != 0
	op &^= futexPrivate | futexRealtime
	key, err := c.mm.KeyOf(c.a[0], private)
	if err != nil {
		return 0, err
	}
	w := word{c.mm, c.a[0]}
	k := c.t.Kernel()
	if k.MemoryLimited() { // the words may be of memory that is not charged for, and none may be left: that waits, without locks
		_, _ = w.Load()
		if op == futexWakeOp {
			_, _ = c.mm.Load32(c.a[4])
		}
	}
	bits := uint32(c.a[5])
	switch op {
	case futexWait, futexWake:
		bits = ^uint32(0)
	case futexWaitBitset, futexWakeBitset:
		if bits == 0 {
			return 0, linux.EINVAL
		}
	}
	switch op {
	case futexWait, futexWaitBitset, futexLockPI, futexLockPI2:
		end := kernel.Deadline{Realtime: realtime || op == futexLockPI, Absolute: op != futexWait}
		if c.a[3] != 0 {
			if end.D, err = c.duration(c.a[3]); err != nil {
				return 0, err
			}
			end.Set = true
		}
		if op == futexLockPI || op == futexLockPI2 {
			return 0, c.t.FutexLockPI(key, w, false, end)
		}
		return 0, c.t.FutexWait(key, w.Load, uint32(c.a[2]), bits, end)
	case futexWake, futexWakeBitset:
		n, err := k.FutexWake(key, bits, c.int(2))
		return int64(n), err
	case futexTrylockPI:
		return 0, c.t.FutexLockPI(key, w, true, kernel.Deadline{})
	case futexUnlockPI:
		return 0, c.t.FutexUnlockPI(key, w)
	}
	second, err := c.mm.KeyOf(c.a[4], private)
	if err != nil {
		return 0, err
	}
	switch op {
	case futexRequeue, futexCmpRequeue:
		load := w.Load
		if op == futexRequeue {
			load = nil
		}
		woken, moved, err := k.FutexRequeue(key, second, load, uint32(c.a[5]), c.int(2), c.int(3))
		if op == futexRequeue {
			moved = 0
		}
		return int64(woken + moved), err
	case futexWakeOp:
		n, err := k.FutexWakeOp(key, second, word{c.mm, c.a[4]}, linux.FutexOp(uint32(c.a[5])), c.int(2), c.int(3))
		return int64(n), err
	}
	return 0, linux.ENOSYS
}

func sysSetRobustList(c *call) (int64, error) {
	const headLen = 24
	if c.a[1] != headLen {
		return 0, linux.EINVAL
	}
	c.robust = c.a[0]
	return 0, nil
}

// exitRobust marks the locks that a dying thread holds, set_robust_list(2). The list
// is the guest's: it is walked so far and no farther.
func (p *Program) exitRobust() {
	head := p.robust
	p.robust = 0
	if head == 0 {
		return
	}
	const limit = 2048
	next, err := p.mm.Uint64(head)
	off, err2 := p.mm.Uint64(head + 8)
	pending, err3 := p.mm.Uint64(head + 16)
	if err != nil || err2 != nil || err3 != nil {
		return
	}
	for n := 0; next != head && next != 0 && n < limit; n++ {
		at := next
		if next, err = p.mm.Uint64(at &^ 1); err != nil {
			break
		}
		if at != pending {
			p.ownerDied(at, off)
		}
	}
	if pending != 0 {
		p.ownerDied(pending, off)
	}
}

func (p *Program) ownerDied(entry, off uint64) {
	addr := entry&^1 + off
	if key, err := p.mm.KeyOf(addr, false); err == nil {
		_ = p.t.Kernel().FutexOwnerDied(key, word{p.mm, addr}, p.t.Gettid(), entry&1 != 0)
	}
}
