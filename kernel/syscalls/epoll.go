package syscalls

import (
	"time"

	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/kernel"
)

// epollEventLen is the size of struct epoll_event, which is packed.
const epollEventLen = 12

func sysEpollCreate(c *call) (int64, error) {
	if c.int(0) <= 0 {
		return 0, linux.EINVAL
	}
	return fdResult(c.t.EpollCreate(0))
}

func sysEpollCreate1(c *call) (int64, error) { return fdResult(c.t.EpollCreate(c.int(0))) }

func sysEpollCtl(c *call) (int64, error) {
	var ev kernel.EpollEvent
	if c.int(1) != linux.EPOLL_CTL_DEL {
		b, err := c.bytes(c.a[3], epollEventLen)
		if err != nil {
			return 0, err
		}
		ev = kernel.EpollEvent{Events: le.Uint32(b), Data: le.Uint64(b[4:])}
	}
	return 0, c.t.EpollCtl(c.fd(0), c.int(1), c.fd(2), ev)
}

func (c *call) epollWait(timeout time.Duration, mask *linux.SigSet) (int64, error) {
	limit := c.int(2)
	if limit <= 0 || limit > (1<<31-1)/epollEventLen {
		return 0, linux.EINVAL
	}
	list, err := c.t.EpollWait(c.fd(0), min(limit, 1<<16), timeout, mask)
	if err != nil {
		return 0, err
	}
	b := make([]byte, 0, len(list)*epollEventLen)
	for _, e := range list {
		b = le.AppendUint64(le.AppendUint32(b, e.Events), e.Data)
	}
	return int64(len(list)), c.mm.Write(c.a[1], b)
}

// milliseconds is a timeout in an int, negative for ever.
func (c *call) milliseconds(i int) time.Duration {
	if ms := c.int(i); ms >= 0 {
		return time.Duration(ms) * time.Millisecond
	}
	return forever
}

// mask reads a signal mask that may be absent.
func (c *call) mask(addr, size uint64) (*linux.SigSet, error) {
	if addr == 0 {
		return nil, nil
	}
	if size != sigsetSize {
		return nil, linux.EINVAL
	}
	set, err := c.sigset(addr)
	return &set, err
}

func sysEpollWait(c *call) (int64, error) { return c.epollWait(c.milliseconds(3), nil) }

func sysEpollPwait(c *call) (int64, error) {
	mask, err := c.mask(c.a[4], c.a[5])
	if err != nil {
		return 0, err
	}
	return c.epollWait(c.milliseconds(3), mask)
}

func sysEpollPwait2(c *call) (int64, error) {
	timeout, err := c.timeout(c.a[3])
	if err != nil {
		return 0, err
	}
	mask, err := c.mask(c.a[4], c.a[5])
	if err != nil {
		return 0, err
	}
	return c.epollWait(timeout, mask)
}
