package syscalls

import (
	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/kernel"
)

func sysEventfd(c *call) (int64, error)  { return fdResult(c.t.Eventfd(uint32(c.a[0]), 0)) }
func sysEventfd2(c *call) (int64, error) { return fdResult(c.t.Eventfd(uint32(c.a[0]), c.int(1))) }

func (c *call) signalfd(flags int) (int64, error) {
	if c.a[2] != sigsetSize {
		return 0, linux.EINVAL
	}
	set, err := c.sigset(c.a[1])
	if err != nil {
		return 0, err
	}
	return fdResult(c.t.Signalfd(c.fd(0), set, flags))
}

func sysSignalfd(c *call) (int64, error)  { return c.signalfd(0) }
func sysSignalfd4(c *call) (int64, error) { return c.signalfd(c.int(3)) }

func sysInotifyInit(c *call) (int64, error)  { return fdResult(c.t.InotifyInit(0)) }
func sysInotifyInit1(c *call) (int64, error) { return fdResult(c.t.InotifyInit(c.int(0))) }

func sysInotifyAddWatch(c *call) (int64, error) {
	p, err := c.path(1)
	if err != nil {
		return 0, err
	}
	return fdResult(c.t.InotifyAddWatch(c.fd(0), p, uint32(c.a[2])))
}

func sysInotifyRmWatch(c *call) (int64, error) { return 0, c.t.InotifyRmWatch(c.fd(0), c.int(1)) }

func sysMemfdCreate(c *call) (int64, error) {
	const nameMax = 250
	name, err := c.mm.String(c.a[0], nameMax)
	if err == linux.ENAMETOOLONG {
		err = linux.EINVAL
	}
	if err != nil {
		return 0, err
	}
	return fdResult(c.t.MemfdCreate(name, c.int(1)))
}

func sysPidfdOpen(c *call) (int64, error) { return fdResult(c.t.PidfdOpen(c.int(0), c.int(1))) }

func sysPidfdSendSignal(c *call) (int64, error) {
	var info *kernel.SigInfo
	if c.a[2] != 0 {
		i, err := c.siginfo(c.a[2])
		if err != nil {
			return 0, err
		}
		info = &i
	}
	return 0, c.t.PidfdSendSignal(c.fd(0), linux.Signal(c.int(1)), info, c.int(3))
}

// siginfo reads a siginfo_t as a program makes one to send.
func (c *call) siginfo(addr uint64) (kernel.SigInfo, error) {
	b, err := c.bytes(addr, siginfoLen)
	if err != nil {
		return kernel.SigInfo{}, err
	}
	return kernel.SigInfo{
		Signo: linux.Signal(le.Uint32(b)), Code: int32(le.Uint32(b[8:])),
		PID: int(int32(le.Uint32(b[16:]))), UID: le.Uint32(b[20:]), Value: le.Uint64(b[24:]),
	}, nil
}
