package syscalls

import (
	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/cpu"
	"github.com/sbxrun/sbx/kernel"
)

// sigstack is stack_t.
type sigstack struct {
	sp, size uint64
	flags    uint32
}

// Flags of sigaltstack(2).
const (
	ssOnstack    = 1
	ssDisable    = 2
	ssAutodisarm = 1 << 31
	minSigstksz  = 2048
)

func (s sigstack) has(sp uint64) bool { return s.size != 0 && sp > s.sp && sp-s.sp <= s.size }

func sysSigaltstack(c *call) (int64, error) {
	old, sp := c.altstack, c.r.GPR[cpu.RSP]
	on := old.has(sp) && old.flags&ssAutodisarm == 0
	if c.a[0] != 0 {
		b, err := c.bytes(c.a[0], 24)
		if err != nil {
			return 0, err
		}
		n := sigstack{le.Uint64(b), le.Uint64(b[16:]), le.Uint32(b[8:])}
		mode := n.flags &^ ssAutodisarm
		switch {
		case on:
			return 0, linux.EPERM
		case mode != 0 && mode != ssDisable && mode != ssOnstack:
			return 0, linux.EINVAL
		case mode == ssDisable:
			n = sigstack{}
		case n.size < minSigstksz:
			return 0, linux.ENOMEM
		}
		n.flags &= ssAutodisarm
		c.altstack = n
	}
	if c.a[1] == 0 {
		return 0, nil
	}
	return 0, c.mm.Write(c.a[1], old.encode(on))
}

// encode makes stack_t, 24 bytes.
func (s sigstack) encode(on bool) []byte {
	flags := s.flags
	switch {
	case s.size == 0:
		flags |= ssDisable
	case on:
		flags |= ssOnstack
	}
	b := le.AppendUint64(nil, s.sp)
	b = le.AppendUint64(b, uint64(flags))
	return le.AppendUint64(b, s.size)
}

const sigsetSize = 8

func sysSigaction(c *call) (int64, error) {
	if c.a[3] != sigsetSize {
		return 0, linux.EINVAL
	}
	var act *kernel.Action
	if c.a[1] != 0 {
		b, err := c.bytes(c.a[1], 32)
		if err != nil {
			return 0, err
		}
		act = &kernel.Action{Handler: le.Uint64(b), Flags: le.Uint64(b[8:]), Restorer: le.Uint64(b[16:]), Mask: linux.SigSet(le.Uint64(b[24:]))}
		switch act.Handler {
		case 0:
			act.Disp = kernel.SigDefault
		case 1:
			act.Disp = kernel.SigIgnore
		default:
			act.Disp = kernel.SigHandle
		}
	}
	old, err := c.t.SigactionFull(linux.Signal(c.int(0)), act)
	if err != nil || c.a[2] == 0 {
		return 0, err
	}
	if old.Disp == kernel.SigIgnore {
		old.Handler = 1
	}
	b := le.AppendUint64(nil, old.Handler)
	b = le.AppendUint64(b, old.Flags)
	b = le.AppendUint64(b, old.Restorer)
	return 0, c.mm.Write(c.a[2], le.AppendUint64(b, uint64(old.Mask)))
}

func (c *call) sigset(addr uint64) (linux.SigSet, error) {
	v, err := c.mm.Uint64(addr)
	return linux.SigSet(v), err
}

func sysSigprocmask(c *call) (int64, error) {
	if c.a[3] != sigsetSize {
		return 0, linux.EINVAL
	}
	var set *linux.SigSet
	if c.a[1] != 0 {
		v, err := c.sigset(c.a[1])
		if err != nil {
			return 0, err
		}
		set = &v
	}
	old, err := c.t.Sigmask(c.int(0), set)
	if err != nil || c.a[2] == 0 {
		return 0, err
	}
	return 0, c.mm.PutUint64(c.a[2], uint64(old))
}

func sysSigpending(c *call) (int64, error) {
	return 0, c.mm.PutUint64(c.a[0], uint64(c.t.Sigpending()))
}

func sysSigsuspend(c *call) (int64, error) {
	if c.a[1] != sigsetSize {
		return 0, linux.EINVAL
	}
	set, err := c.sigset(c.a[0])
	if err != nil {
		return 0, err
	}
	return 0, c.t.Sigsuspend(set)
}

func sysPause(c *call) (int64, error) { return 0, c.t.Pause() }
func sysKill(c *call) (int64, error)  { return 0, c.t.Kill(c.int(0), linux.Signal(c.int(1))) }

func sysTgkill(c *call) (int64, error) {
	return 0, c.t.Tgkill(c.int(0), c.int(1), linux.Signal(c.int(2)))
}

func sysTkill(c *call) (int64, error) {
	return 0, c.t.Tgkill(c.t.Getpid(), c.int(0), linux.Signal(c.int(1)))
}
