package syscalls

import (
	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/kernel"
)

func sysSigtimedwait(c *call) (int64, error) {
	if c.a[3] != sigsetSize {
		return 0, linux.EINVAL
	}
	set, err := c.sigset(c.a[0])
	if err != nil {
		return 0, err
	}
	timeout, err := c.timeout(c.a[2])
	if err != nil {
		return 0, err
	}
	info, err := c.t.Sigtimedwait(set, timeout)
	if err != nil {
		return 0, err
	}
	if c.a[1] != 0 {
		if err := c.mm.Write(c.a[1], encodeSiginfo(info)); err != nil {
			return 0, err
		}
	}
	return int64(info.Signo), nil
}

// queued reads what rt_sigqueueinfo(2) sends. Only to oneself may a signal look as
// if the kernel or kill(2) had sent it.
func (c *call) queued(pid int, sig uint64, at uint64) (kernel.SigInfo, error) {
	info, err := c.siginfo(at)
	if err != nil {
		return info, err
	}
	info.Signo = linux.Signal(int32(sig))
	if (info.Code >= 0 || info.Code == kernel.SI_TKILL) && pid != c.t.Getpid() {
		return info, linux.EPERM
	}
	return info, nil
}

func sysSigqueueinfo(c *call) (int64, error) {
	info, err := c.queued(c.int(0), c.a[1], c.a[2])
	if err != nil {
		return 0, err
	}
	return 0, c.t.SendInfo(c.int(0), 0, info)
}

func sysTgsigqueueinfo(c *call) (int64, error) {
	if c.int(0) <= 0 || c.int(1) <= 0 {
		return 0, linux.EINVAL
	}
	info, err := c.queued(c.int(0), c.a[2], c.a[3])
	if err != nil {
		return 0, err
	}
	return 0, c.t.SendInfo(c.int(0), c.int(1), info)
}

func sysWaitid(c *call) (int64, error) {
	info, usage, err := c.t.Waitid(c.int(0), c.int(1), c.int(3))
	if err != nil {
		return 0, err
	}
	if info.Signo != 0 && c.a[4] != 0 {
		if err := c.putRusage(c.a[4], usage); err != nil {
			return 0, err
		}
	}
	if c.a[2] == 0 {
		return 0, nil
	}
	// Linux writes the first 28 bytes: all that a child has.
	const childLen = 28
	return 0, c.mm.Write(c.a[2], encodeSiginfo(info)[:childLen])
}

// sysFutexWaitv waits for any of several words.
func sysFutexWaitv(c *call) (int64, error) {
	const waiterLen, size32, private = 24, 2, 128
	n := c.a[1]
	if n == 0 || n > linux.FUTEX_WAITV_MAX || c.a[2] != 0 {
		return 0, linux.EINVAL
	}
	var end kernel.Deadline
	if c.a[3] != 0 {
		clock := c.int(4)
		if clock != linux.CLOCK_MONOTONIC && clock != linux.CLOCK_REALTIME {
			return 0, linux.EINVAL
		}
		d, err := c.duration(c.a[3])
		if err != nil {
			return 0, err
		}
		end = kernel.Deadline{Set: true, Absolute: true, Realtime: clock == linux.CLOCK_REALTIME, D: d}
	}
	b, err := c.bytes(c.a[0], int(n)*waiterLen)
	if err != nil {
		return 0, err
	}
	list := make([]kernel.FutexWaitv, n)
	for i := range list {
		e := b[waiterLen*i:]
		val, addr, flags := le.Uint64(e), le.Uint64(e[8:]), le.Uint32(e[16:])
		if flags&^private != size32 || le.Uint32(e[20:]) != 0 {
			return 0, linux.EINVAL
		}
		key, err := c.mm.KeyOf(addr, flags&private != 0)
		if err != nil {
			return 0, err
		}
		list[i] = kernel.FutexWaitv{Key: key, Load: word{c.mm, addr}.Load, Val: uint32(val)}
	}
	return fdResult(c.t.FutexWaitMany(list, end))
}

func sysGetRobustList(c *call) (int64, error) {
	const headLen = 24
	if !c.own(c.int(0)) {
		return 0, linux.EPERM
	}
	if err := c.mm.PutUint64(c.a[1], c.robust); err != nil {
		return 0, err
	}
	return 0, c.mm.PutUint64(c.a[2], headLen)
}
