package syscalls

import (
	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/vfs"
)

func sysMknod(c *call) (int64, error) {
	return c.onPath(0, func(p string) error { return c.t.Mknod(cwd, p, uint32(c.a[1]), uint64(uint32(c.a[2]))) })
}

func sysMknodat(c *call) (int64, error) {
	return c.onPath(1, func(p string) error { return c.t.Mknod(c.fd(0), p, uint32(c.a[2]), uint64(uint32(c.a[3]))) })
}

func sysFchmodat2(c *call) (int64, error) {
	if c.int(3)&^(linux.AT_SYMLINK_NOFOLLOW|linux.AT_EMPTY_PATH) != 0 {
		return 0, linux.EINVAL
	}
	return c.onPath(1, func(p string) error {
		if p == "" && c.int(3)&linux.AT_EMPTY_PATH != 0 && c.fd(0) != cwd {
			return c.t.Fchmod(c.fd(0), uint32(c.a[2]))
		}
		return c.t.Chmod(c.fd(0), p, uint32(c.a[2]), c.int(3))
	})
}

// resolveBits are the flags RESOLVE_* of openat2(2), bit by bit.
var resolveBits = [...]vfs.ResolveFlags{vfs.NoXDev, vfs.NoMagic, vfs.NoSymlinks, vfs.Beneath, vfs.InRoot}

func sysOpenat2(c *call) (int64, error) {
	const howLen, resolveCached = 24, 32
	if c.a[3] < howLen {
		return 0, linux.EINVAL
	}
	if c.a[3] > 4096 {
		return 0, linux.E2BIG
	}
	b, err := c.bytes(c.a[2], int(c.a[3]))
	if err != nil {
		return 0, err
	}
	for _, v := range b[howLen:] {
		if v != 0 {
			return 0, linux.E2BIG
		}
	}
	flags, mode, resolve := le.Uint64(b), le.Uint64(b[8:]), le.Uint64(b[16:])
	const tmpfile = linux.O_TMPFILE &^ linux.O_DIRECTORY
	switch {
	case flags>>31 != 0, mode&^0o7777 != 0, mode != 0 && flags&(linux.O_CREAT|tmpfile) == 0:
		return 0, linux.EINVAL
	case resolve&resolveCached != 0:
		return 0, linux.EAGAIN // nothing is known to be in a cache
	case resolve>>len(resolveBits) != 0:
		return 0, linux.EINVAL
	}
	var rf vfs.ResolveFlags
	for i, f := range resolveBits {
		if resolve>>i&1 != 0 {
			rf |= f
		}
	}
	if rf&vfs.Beneath != 0 && rf&vfs.InRoot != 0 {
		return 0, linux.EINVAL
	}
	p, err := c.path(1)
	if err != nil {
		return 0, err
	}
	return fdResult(c.t.Openat2(c.fd(0), p, int(flags), uint32(mode), rf))
}

// setTimes is utimes(2) and its like: struct timeval, or seconds alone.
func (c *call) setTimes(dirfd, path int, addr uint64, unit int) (int64, error) {
	var ts *[2]vfs.Timespec
	if addr != 0 {
		b, err := c.bytes(addr, 2*unit)
		if err != nil {
			return 0, err
		}
		ts = &[2]vfs.Timespec{}
		for i := range ts {
			ts[i].Sec = int64(le.Uint64(b[unit*i:]))
			if unit == 16 {
				usec := le.Uint64(b[unit*i+8:])
				if usec >= 1e6 {
					return 0, linux.EINVAL
				}
				ts[i].Nsec = uint32(usec) * 1000
			}
		}
	}
	if c.a[path] == 0 && dirfd != cwd {
		return 0, c.t.Futimens(dirfd, ts)
	}
	return c.onPath(path, func(p string) error { return c.t.Utimens(dirfd, p, ts, 0) })
}

func sysUtime(c *call) (int64, error)     { return c.setTimes(cwd, 0, c.a[1], 8) }
func sysUtimes(c *call) (int64, error)    { return c.setTimes(cwd, 0, c.a[1], 16) }
func sysFutimesat(c *call) (int64, error) { return c.setTimes(c.fd(0), 1, c.a[2], 16) }

func (c *call) setNodename(set func(string) error) (int64, error) {
	const most = 64
	n := c.int(1)
	if n < 0 || n > most {
		return 0, linux.EINVAL
	}
	b, err := c.bytes(c.a[0], n)
	if err != nil {
		return 0, err
	}
	return 0, set(string(b))
}

func sysSethostname(c *call) (int64, error)   { return c.setNodename(c.t.Sethostname) }
func sysSetdomainname(c *call) (int64, error) { return c.setNodename(c.t.Setdomainname) }
