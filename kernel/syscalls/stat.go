package syscalls

import (
	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/vfs"
)

// encodeStat makes struct stat of x86-64, 144 bytes.
func encodeStat(a *vfs.Attr) []byte {
	b := make([]byte, 0, 144)
	b = le.AppendUint64(b, a.Dev)
	b = le.AppendUint64(b, uint64(a.Ino))
	b = le.AppendUint64(b, uint64(a.Nlink))
	for _, v := range [...]uint32{a.Mode, a.UID, a.GID, 0} {
		b = le.AppendUint32(b, v)
	}
	b = le.AppendUint64(b, a.Rdev)
	b = le.AppendUint64(b, uint64(a.Size))
	b = le.AppendUint64(b, uint64(a.Blksize))
	b = le.AppendUint64(b, uint64(a.Blocks))
	for _, t := range [...]vfs.Timespec{a.Atime, a.Mtime, a.Ctime} {
		b = le.AppendUint64(b, uint64(t.Sec))
		b = le.AppendUint64(b, uint64(t.Nsec))
	}
	return append(b, make([]byte, 24)...)
}

func (c *call) putStat(addr uint64, do func(a *vfs.Attr) error) (int64, error) {
	var a vfs.Attr
	if err := do(&a); err != nil {
		return 0, err
	}
	return 0, c.mm.Write(addr, encodeStat(&a))
}

func (c *call) statPath(dirfd, path, flags int, addr uint64) (int64, error) {
	p, err := c.path(path)
	if err != nil {
		return 0, err
	}
	return c.putStat(addr, func(a *vfs.Attr) error {
		if p == "" && flags&linux.AT_EMPTY_PATH != 0 && dirfd != cwd {
			return c.t.Fstat(dirfd, a)
		}
		return c.t.Stat(dirfd, p, flags, a)
	})
}

func sysStat(c *call) (int64, error)  { return c.statPath(cwd, 0, 0, c.a[1]) }
func sysLstat(c *call) (int64, error) { return c.statPath(cwd, 0, linux.AT_SYMLINK_NOFOLLOW, c.a[1]) }

func sysFstat(c *call) (int64, error) {
	return c.putStat(c.a[1], func(a *vfs.Attr) error { return c.t.Fstat(c.fd(0), a) })
}

func sysNewfstatat(c *call) (int64, error) {
	const known = linux.AT_SYMLINK_NOFOLLOW | linux.AT_EMPTY_PATH | 0x800 // AT_NO_AUTOMOUNT
	if c.int(3)&^known != 0 {
		return 0, linux.EINVAL
	}
	return c.statPath(c.fd(0), 1, c.int(3)&^0x800, c.a[2])
}

// sysStatx fills in struct statx, 256 bytes, with the basic fields and the birth time.
func sysStatx(c *call) (int64, error) {
	flags := c.int(2)
	const sync, known = 0x6000, linux.AT_SYMLINK_NOFOLLOW | linux.AT_EMPTY_PATH | 0x800
	if flags&^(known|sync) != 0 || flags&sync == sync || c.a[3]&(1<<31) != 0 {
		return 0, linux.EINVAL
	}
	p, err := c.path(1)
	if err != nil {
		return 0, err
	}
	var a vfs.Attr
	if p == "" && flags&linux.AT_EMPTY_PATH != 0 && c.fd(0) != cwd {
		err = c.t.Fstat(c.fd(0), &a)
	} else {
		err = c.t.Stat(c.fd(0), p, flags&(linux.AT_SYMLINK_NOFOLLOW|linux.AT_EMPTY_PATH), &a)
	}
	if err != nil {
		return 0, err
	}
	b := make([]byte, 0, 256)
	const basic, btime = 0x7ff, 0x800
	b = le.AppendUint32(b, basic|btime)
	b = le.AppendUint32(b, a.Blksize)
	b = le.AppendUint64(b, 0)
	for _, v := range [...]uint32{a.Nlink, a.UID, a.GID, a.Mode & 0xffff} {
		b = le.AppendUint32(b, v)
	}
	b = le.AppendUint64(b, uint64(a.Ino))
	b = le.AppendUint64(b, uint64(a.Size))
	b = le.AppendUint64(b, uint64(a.Blocks))
	b = le.AppendUint64(b, 0)
	for _, t := range [...]vfs.Timespec{a.Atime, a.Btime, a.Ctime, a.Mtime} {
		b = le.AppendUint64(b, uint64(t.Sec))
		b = le.AppendUint64(b, uint64(t.Nsec))
	}
	for _, d := range [...]uint64{a.Rdev, a.Dev} {
		b = le.AppendUint32(b, linux.Major(d))
		b = le.AppendUint32(b, linux.Minor(d))
	}
	return 0, c.mm.Write(c.a[4], append(b, make([]byte, 256-len(b))...))
}

func (c *call) putStatfs(addr uint64, st linux.Statfs, err error) (int64, error) {
	if err != nil {
		return 0, err
	}
	b := make([]byte, 0, 120)
	for _, v := range [...]uint64{uint64(st.Type), uint64(st.Bsize), st.Blocks, st.Bfree, st.Bavail, st.Files, st.Ffree} {
		b = le.AppendUint64(b, v)
	}
	b = le.AppendUint32(b, uint32(st.Fsid[0]))
	b = le.AppendUint32(b, uint32(st.Fsid[1]))
	for _, v := range [...]int64{st.Namelen, st.Frsize, st.Flags} {
		b = le.AppendUint64(b, uint64(v))
	}
	return 0, c.mm.Write(addr, append(b, make([]byte, 120-len(b))...))
}

func sysStatfs(c *call) (int64, error) {
	p, err := c.path(0)
	if err != nil {
		return 0, err
	}
	st, err := c.t.Statfs(p)
	return c.putStatfs(c.a[1], st, err)
}

func sysFstatfs(c *call) (int64, error) {
	st, err := c.t.Fstatfs(c.fd(0))
	return c.putStatfs(c.a[1], st, err)
}
