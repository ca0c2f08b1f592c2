package syscalls

import (
	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/vfs"
)

const cwd = linux.AT_FDCWD

// onPath calls f with the path in argument i.
func (c *call) onPath(i int, f func(path string) error) (int64, error) {
	path, err := c.path(i)
	if err != nil {
		return 0, err
	}
	return 0, f(path)
}

// onPaths does for two.
func (c *call) onPaths(i, j int, f func(a, b string) error) (int64, error) {
	return c.onPath(i, func(a string) error {
		b, err := c.path(j)
		if err != nil {
			return err
		}
		return f(a, b)
	})
}

func (c *call) open(dirfd, path, flags int, mode uint64) (int64, error) {
	p, err := c.path(path)
	if err != nil {
		return 0, err
	}
	return fdResult(c.t.Open(dirfd, p, flags, uint32(mode)))
}

func sysOpen(c *call) (int64, error)   { return c.open(cwd, 0, c.int(1), c.a[2]) }
func sysOpenat(c *call) (int64, error) { return c.open(c.fd(0), 1, c.int(2), c.a[3]) }
func sysCreat(c *call) (int64, error) {
	return c.open(cwd, 0, linux.O_CREAT|linux.O_WRONLY|linux.O_TRUNC, c.a[1])
}

func (c *call) access(dirfd, path int, mode uint64, flags int) (int64, error) {
	if mode&^7 != 0 || flags&^(linux.AT_EACCESS|linux.AT_SYMLINK_NOFOLLOW|linux.AT_EMPTY_PATH) != 0 {
		return 0, linux.EINVAL
	}
	return c.onPath(path, func(p string) error { return c.t.Access(dirfd, p, uint32(mode), flags) })
}

func sysAccess(c *call) (int64, error)     { return c.access(cwd, 0, c.a[1], 0) }
func sysFaccessat(c *call) (int64, error)  { return c.access(c.fd(0), 1, c.a[2], 0) }
func sysFaccessat2(c *call) (int64, error) { return c.access(c.fd(0), 1, c.a[2], c.int(3)) }

func sysTruncate(c *call) (int64, error) {
	return c.onPath(0, func(p string) error { return c.t.Truncate(p, int64(c.a[1])) })
}

func sysGetcwd(c *call) (int64, error) {
	dir, err := c.t.Getcwd()
	if err != nil {
		return 0, err
	}
	if uint64(len(dir)+1) > c.a[1] {
		return 0, linux.ERANGE
	}
	return int64(len(dir) + 1), c.mm.Write(c.a[0], append([]byte(dir), 0))
}

func sysChdir(c *call) (int64, error)  { return c.onPath(0, c.t.Chdir) }
func sysFchdir(c *call) (int64, error) { return 0, c.t.Fchdir(c.fd(0)) }
func sysChroot(c *call) (int64, error) { return c.onPath(0, c.t.Chroot) }
func sysUmask(c *call) (int64, error)  { return int64(c.t.Umask(uint32(c.a[0]))), nil }

func sysRename(c *call) (int64, error) {
	return c.onPaths(0, 1, func(a, b string) error { return c.t.Rename(cwd, a, cwd, b, 0) })
}

func sysRenameat(c *call) (int64, error) {
	return c.onPaths(1, 3, func(a, b string) error { return c.t.Rename(c.fd(0), a, c.fd(2), b, 0) })
}

func sysRenameat2(c *call) (int64, error) {
	return c.onPaths(1, 3, func(a, b string) error { return c.t.Rename(c.fd(0), a, c.fd(2), b, uint32(c.a[4])) })
}

func sysMkdir(c *call) (int64, error) {
	return c.onPath(0, func(p string) error { return c.t.Mkdir(cwd, p, uint32(c.a[1])) })
}

func sysMkdirat(c *call) (int64, error) {
	return c.onPath(1, func(p string) error { return c.t.Mkdir(c.fd(0), p, uint32(c.a[2])) })
}

func sysRmdir(c *call) (int64, error) {
	return c.onPath(0, func(p string) error { return c.t.Unlink(cwd, p, linux.AT_REMOVEDIR) })
}

func sysUnlink(c *call) (int64, error) {
	return c.onPath(0, func(p string) error { return c.t.Unlink(cwd, p, 0) })
}

func sysUnlinkat(c *call) (int64, error) {
	return c.onPath(1, func(p string) error { return c.t.Unlink(c.fd(0), p, c.int(2)) })
}

func sysLink(c *call) (int64, error) {
	return c.onPaths(0, 1, func(a, b string) error { return c.t.Link(cwd, a, cwd, b, 0) })
}

func sysLinkat(c *call) (int64, error) {
	return c.onPaths(1, 3, func(a, b string) error { return c.t.Link(c.fd(0), a, c.fd(2), b, c.int(4)) })
}

func sysSymlink(c *call) (int64, error) {
	return c.onPaths(0, 1, func(a, b string) error { return c.t.Symlink(a, cwd, b) })
}

func sysSymlinkat(c *call) (int64, error) {
	return c.onPaths(0, 2, func(a, b string) error { return c.t.Symlink(a, c.fd(1), b) })
}

func (c *call) readlink(dirfd, path int, addr, n uint64) (int64, error) {
	if int64(n) <= 0 {
		return 0, linux.EINVAL
	}
	p, err := c.path(path)
	if err != nil {
		return 0, err
	}
	target, err := c.t.Readlink(dirfd, p)
	if err != nil {
		return 0, err
	}
	b := []byte(target)[:min(uint64(len(target)), n)]
	return int64(len(b)), c.mm.Write(addr, b)
}

func sysReadlink(c *call) (int64, error)   { return c.readlink(cwd, 0, c.a[1], c.a[2]) }
func sysReadlinkat(c *call) (int64, error) { return c.readlink(c.fd(0), 1, c.a[2], c.a[3]) }

func sysChmod(c *call) (int64, error) {
	return c.onPath(0, func(p string) error { return c.t.Chmod(cwd, p, uint32(c.a[1]), 0) })
}

func sysFchmod(c *call) (int64, error) { return 0, c.t.Fchmod(c.fd(0), uint32(c.a[1])) }

func sysFchmodat(c *call) (int64, error) {
	return c.onPath(1, func(p string) error { return c.t.Chmod(c.fd(0), p, uint32(c.a[2]), 0) })
}

func sysChown(c *call) (int64, error) {
	return c.onPath(0, func(p string) error { return c.t.Chown(cwd, p, uint32(c.a[1]), uint32(c.a[2]), 0) })
}

func sysLchown(c *call) (int64, error) {
	return c.onPath(0, func(p string) error {
		return c.t.Chown(cwd, p, uint32(c.a[1]), uint32(c.a[2]), linux.AT_SYMLINK_NOFOLLOW)
	})
}

func sysFchown(c *call) (int64, error) {
	return 0, c.t.Fchown(c.fd(0), uint32(c.a[1]), uint32(c.a[2]))
}

func sysFchownat(c *call) (int64, error) {
	return c.onPath(1, func(p string) error { return c.t.Chown(c.fd(0), p, uint32(c.a[2]), uint32(c.a[3]), c.int(4)) })
}

func sysUtimensat(c *call) (int64, error) {
	var ts *[2]vfs.Timespec
	if c.a[2] != 0 {
		b, err := c.bytes(c.a[2], 32)
		if err != nil {
			return 0, err
		}
		ts = &[2]vfs.Timespec{}
		for i := range ts {
			nsec := le.Uint64(b[16*i+8:])
			const now, omit = 0x3fffffff, 0x3ffffffe
			if nsec >= 1e9 && nsec != now && nsec != omit {
				return 0, linux.EINVAL
			}
			ts[i] = vfs.Timespec{Sec: int64(le.Uint64(b[16*i:])), Nsec: uint32(nsec)}
		}
	}
	if c.a[1] == 0 && c.fd(0) != cwd {
		return 0, c.t.Futimens(c.fd(0), ts)
	}
	return c.onPath(1, func(p string) error { return c.t.Utimens(c.fd(0), p, ts, c.int(3)) })
}
