package syscalls

import (
	"crypto/rand"
	"runtime"
	"sync/atomic"

	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/cpu"
	"github.com/sbxrun/sbx/kernel"
	"github.com/sbxrun/sbx/kernel/mm"
)

func yield()              { runtime.Gosched() }
func fillRandom(p []byte) { _, _ = rand.Read(p) }

// Flags of clone(2).
const (
	cloneVM, cloneFS, cloneFiles, cloneSighand              = 0x100, 0x200, 0x400, 0x800
	clonePidfd, cloneVfork, cloneParent, cloneThread        = 0x1000, 0x4000, 0x8000, 0x10000
	cloneSysvsem, cloneSettls, cloneParentSettid            = 0x40000, 0x80000, 0x100000
	cloneChildCleartid, cloneDetached, cloneUntraced        = 0x200000, 0x400000, 0x800000
	cloneChildSettid, cloneIO, cloneClearSighand            = 0x1000000, 0x80000000, 0x100000000
	cloneNamespaces                                         = 0x20000 | 0x2000000 | 0x4000000 | 0x8000000 | 0x10000000 | 0x20000000 | 0x40000000 | 0x80
	cloneSignal                                      uint64 = 0xff
)

// cloneArgs are what clone(2) and clone3(2) ask for.
type cloneArgs struct {
	flags               uint64
	signal              linux.Signal
	stack               uint64 // stack pointer of the child; 0: the parent's
	parentTID, childTID uint64
	pidfd               uint64
	tls                 uint64
}

func sysFork(c *call) (int64, error) { return c.clone(cloneArgs{signal: linux.SIGCHLD}) }
func sysVfork(c *call) (int64, error) {
	return c.clone(cloneArgs{flags: cloneVM | cloneVfork, signal: linux.SIGCHLD})
}

func sysClone(c *call) (int64, error) {
	return c.clone(cloneArgs{
		flags: c.a[0] &^ cloneSignal, signal: linux.Signal(c.a[0] & cloneSignal), stack: c.a[1],
		parentTID: c.a[2], pidfd: c.a[2], childTID: c.a[3], tls: c.a[4],
	})
}

// sysClone3 reads struct clone_args.
func sysClone3(c *call) (int64, error) {
	const first, known = 64, 88
	if c.a[1] < first {
		return 0, linux.EINVAL
	}
	if c.a[1] > 4096 {
		return 0, linux.E2BIG
	}
	b, err := c.bytes(c.a[0], int(c.a[1]))
	if err != nil {
		return 0, err
	}
	w := func(i int) uint64 {
		if 8*i+8 > len(b) {
			return 0
		}
		return le.Uint64(b[8*i:])
	}
	for i := known; i < len(b); i++ {
		if b[i] != 0 {
			return 0, linux.E2BIG
		}
	}
	if w(4) >= linux.NSIG || w(8) != 0 || w(0)&(cloneSignal|cloneDetached) != 0 || (w(5) == 0) != (w(6) == 0) {
		return 0, linux.EINVAL
	}
	a := cloneArgs{flags: w(0), pidfd: w(1), childTID: w(2), parentTID: w(3), signal: linux.Signal(w(4)), tls: w(7)}
	if w(5) != 0 {
		a.stack = w(5) + w(6)
	}
	return c.clone(a)
}

// clone makes a thread or a process.
func (c *call) clone(a cloneArgs) (int64, error) {
	f := a.flags
	if f&cloneThread != 0 && f&cloneSighand == 0 || f&cloneSighand != 0 && f&cloneVM == 0 || f&(cloneFS|0x20000) == cloneFS|0x20000 ||
		f&clonePidfd != 0 && f&(cloneThread|cloneDetached) != 0 {
		return 0, linux.EINVAL
	}
	if a.signal >= linux.NSIG {
		a.signal = 0 // clone(2) takes what is no signal, which then is never sent
	}
	if f&cloneNamespaces != 0 {
		return 0, linux.EPERM // as for who has no privileges
	}
	child := &Program{l: c.l, start: *c.r, vectors: append([]byte(nil), c.th.Vectors()...)}
	child.start.GPR[cpu.RAX] = 0
	if a.stack != 0 {
		child.start.GPR[cpu.RSP] = a.stack
	}
	if f&cloneSettls != 0 {
		child.start.FSBase = a.tls
	}
	if f&cloneVM == 0 || f&cloneVfork != 0 {
		child.altstack = c.altstack
	}
	if f&cloneChildCleartid != 0 {
		child.clearTID = a.childTID
	}
	var wait chan struct{}
	if f&cloneVfork != 0 {
		wait = make(chan struct{})
		child.onRelease = func() { close(wait) }
	}
	if f&cloneVM != 0 {
		child.mm, child.common = c.mm.Ref(), c.common.ref()
	} else {
		var err error
		owner := &payer{k: c.t.Kernel(), reserve: true}
		if child.mm, err = c.mm.Fork(owner); err != nil {
			return 0, err
		}
		child.payer, child.common = owner, c.common.fork()
	}
	opts := kernel.CloneOpts{
		Thread: f&cloneThread != 0, Files: f&cloneFiles != 0, FS: f&cloneFS != 0, Sighand: f&cloneSighand != 0, SysVSem: f&cloneSysvsem != 0,
		Parent: f&cloneParent != 0, ExitSignal: a.signal,
	}
	ready := make(chan int, 1)
	child.ready = ready
	t, err := c.t.Clone(opts, child)
	if err != nil {
		child.common.unref()
		child.mm.Unref()
		return 0, err
	}
	tid := t.Gettid()
	if f&cloneParentSettid != 0 {
		_ = c.mm.PutUint32(a.parentTID, uint32(tid))
	}
	if f&cloneChildSettid != 0 {
		_ = child.mm.PutUint32(a.childTID, uint32(tid))
	}
	if f&clonePidfd != 0 {
		fd, err := c.t.PidfdOpen(t.Getpid(), 0)
		if err == nil {
			_ = c.t.SetFdFlags(fd, linux.FD_CLOEXEC)
			_ = c.mm.PutUint32(a.pidfd, uint32(fd))
		}
	}
	ready <- tid
	if wait != nil {
		select {
		case <-wait:
		case <-c.t.Context().Done():
		}
	}
	return int64(tid), nil
}

// payer pays for an address space while it is being made, and then makes the task
// that runs in it pay. What exec(2) makes is not paid for yet, for it frees what its
// task had before; what fork(2) copies is.
type payer struct {
	k       *kernel.Kernel
	reserve bool
	t       atomic.Pointer[kernel.Task]
	early   atomic.Int64
	later   atomic.Int64 // Reserve's
}

var _ mm.Account = (*payer)(nil)

// Charge implements mm.Account.
func (y *payer) Charge(delta int64) error {
	if t := y.t.Load(); t != nil {
		return t.GrowMemory(delta)
	}
	if y.reserve {
		if err := y.k.HoldMemory(delta); err != nil {
			return err
		}
	}
	y.early.Add(delta)
	return nil
}

// Reserve implements mm.Account.
func (y *payer) Reserve(delta int64) error {
	if t := y.t.Load(); t != nil {
		return t.ReserveMemory(delta)
	}
	y.later.Add(delta)
	return nil
}

// Limited implements mm.Account.
func (y *payer) Limited() bool { return y.k.MemoryLimited() }

// OutOfMemory implements mm.Account.
func (y *payer) OutOfMemory() bool {
	t := y.t.Load()
	return t != nil && t.OutOfMemory()
}

// Hold implements mm.Account.
func (y *payer) Hold(delta int64) error { return y.k.HoldMemory(delta) }

// PID implements mm.Account.
func (y *payer) PID() int {
	if t := y.t.Load(); t != nil {
		return t.Getpid()
	}
	return 0
}

// adopt makes a task pay, for what there is already too.
func (y *payer) adopt(t *kernel.Task) error {
	y.t.Store(t)
	n := y.early.Swap(0)
	if y.reserve {
		_ = y.k.HoldMemory(-n)
	}
	if err := t.ReserveMemory(y.later.Swap(0)); err != nil {
		return err
	}
	return t.GrowMemory(n)
}

func sysSetTIDAddress(c *call) (int64, error) {
	c.clearTID = c.a[0]
	return int64(c.t.Gettid()), nil
}
