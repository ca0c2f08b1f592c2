package syscalls

import (
	"github.com/sbxrun/sbx/abi/linux"
)

func sysIoctl(c *call) (int64, error) {
	fd, req, arg := c.fd(0), uint32(c.a[1]), c.a[2]
	if _, err := c.t.FdFlags(fd); err != nil {
		return 0, err
	}
	switch req {
	case linux.FIOCLEX:
		return 0, c.t.SetFdFlags(fd, 1)
	case linux.FIONCLEX:
		return 0, c.t.SetFdFlags(fd, 0)
	case linux.FIONBIO:
		v, err := c.mm.Uint32(arg)
		if err != nil {
			return 0, err
		}
		flags, err := c.t.StatusFlags(fd)
		if err != nil {
			return 0, err
		}
		flags &^= linux.O_NONBLOCK
		if v != 0 {
			flags |= linux.O_NONBLOCK
		}
		return 0, c.t.SetStatusFlags(fd, flags)
	case linux.FIOASYNC:
		v, err := c.mm.Uint32(arg)
		if err != nil {
			return 0, err
		}
		return 0, c.t.SetAsync(fd, v != 0)
	case linux.FIONREAD:
		n, err := c.t.Readable(fd)
		if err != nil {
			return 0, err
		}
		return 0, c.mm.PutUint32(arg, uint32(n))
	}
	return c.ttyIoctl(fd, req, arg)
}
