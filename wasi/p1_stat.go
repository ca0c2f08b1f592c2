package wasi

import (
	"encoding/binary"

	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/vfs"
)

// Rights of preview 1, the bits that we look at.
const (
	rightDatasync    = 1 << 0
	rightRead        = 1 << 1
	rightSeek        = 1 << 2
	rightTell        = 1 << 5
	rightWrite       = 1 << 6
	rightAllocate    = 1 << 8
	rightReaddir     = 1 << 14
	rightSetSize     = 1 << 22
	rightsAll        = 1<<30 - 1
	rightsWriteKinds = rightDatasync | rightWrite | rightAllocate | rightSetSize
)

// rightsOf are the rights of a descriptor by its access mode.
func rightsOf(flags int) uint64 {
	switch flags & linux.O_ACCMODE {
	case linux.O_RDONLY:
		return rightsAll &^ rightsWriteKinds
	case linux.O_WRONLY:
		return rightsAll &^ (rightRead | rightReaddir)
	}
	return rightsAll
}

// File types of preview 1.
const (
	typeUnknown = iota
	typeBlock
	typeChar
	typeDir
	typeFile
	typeDgram
	typeStream
	typeSymlink
)

// fileType is preview 1's type of a mode. It has none for a FIFO.
func fileType(mode uint32) uint8 {
	switch mode & linux.S_IFMT {
	case linux.S_IFBLK:
		return typeBlock
	case linux.S_IFCHR:
		return typeChar
	case linux.S_IFDIR:
		return typeDir
	case linux.S_IFREG:
		return typeFile
	case linux.S_IFSOCK:
		return typeStream
	case linux.S_IFLNK:
		return typeSymlink
	}
	return typeUnknown
}

func (p *proc) fstat(n uint32, a *vfs.Attr) error {
	d, err := p.get(n)
	if err != nil {
		return err
	}
	if d.fd < 0 {
		return p.t.Stat(linux.AT_FDCWD, "/", 0, a)
	}
	return p.t.Fstat(d.fd, a)
}

// fdFdstatGet reports type, flags and rights. A terminal is a character device
// that cannot seek: that is how guests know one.
func fdFdstatGet(p *proc, a []uint64) error {
	n := uint32(a[0])
	d, err := p.get(n)
	if err != nil {
		return err
	}
	out, err := p.bytes(uint32(a[1]), 24)
	if err != nil {
		return err
	}
	var attr vfs.Attr
	if err := p.fstat(n, &attr); err != nil {
		return err
	}
	flags, base := 0, d.base
	if d.fd >= 0 {
		if flags, err = p.t.StatusFlags(d.fd); err != nil {
			return err
		}
	}
	typ := fileType(attr.Mode)
	if typ == typeUnknown || typ == typeStream || (typ == typeChar && p.t.Isatty(d.fd)) {
		base &^= rightSeek | rightTell
	}
	clear(out)
	out[0] = typ
	binary.LittleEndian.PutUint16(out[2:], guestFlags(flags))
	binary.LittleEndian.PutUint64(out[8:], base)
	binary.LittleEndian.PutUint64(out[16:], d.inherit)
	return nil
}

func guestFlags(flags int) uint16 {
	var out uint16
	if flags&linux.O_APPEND != 0 {
		out |= fdAppend
	}
	if flags&linux.O_NONBLOCK != 0 {
		out |= fdNonblock
	}
	if flags&linux.O_SYNC == linux.O_SYNC {
		out |= fdSyncFlag | fdRsync
	}
	if flags&linux.O_DSYNC != 0 {
		out |= fdDsync
	}
	return out
}

// fdFdstatSetRights only takes rights away, as preview 1 says.
func fdFdstatSetRights(p *proc, a []uint64) error {
	d, err := p.get(uint32(a[0]))
	if err != nil {
		return err
	}
	if a[1]&^d.base != 0 || a[2]&^d.inherit != 0 {
		return linux.EPERM
	}
	d.base, d.inherit = a[1], a[2]
	return nil
}

func fdFilestatGet(p *proc, a []uint64) error {
	var attr vfs.Attr
	if err := p.fstat(uint32(a[0]), &attr); err != nil {
		return err
	}
	return p.putFilestat(uint32(a[1]), &attr)
}

// putFilestat writes struct filestat, 64 bytes.
func (p *proc) putFilestat(ptr uint32, a *vfs.Attr) error {
	b, err := p.bytes(ptr, 64)
	if err != nil {
		return err
	}
	clear(b)
	le := binary.LittleEndian
	le.PutUint64(b, a.Dev)
	le.PutUint64(b[8:], a.Ino)
	b[16] = fileType(a.Mode)
	le.PutUint64(b[24:], uint64(a.Nlink))
	le.PutUint64(b[32:], uint64(a.Size))
	le.PutUint64(b[40:], nanos(a.Atime))
	le.PutUint64(b[48:], nanos(a.Mtime))
	le.PutUint64(b[56:], nanos(a.Ctime))
	return nil
}

func nanos(t vfs.Timespec) uint64 { return uint64(t.Sec*1e9 + int64(t.Nsec)) }

func fdFilestatSetSize(p *proc, a []uint64) error {
	fd, err := p.fd(uint32(a[0]))
	if err != nil {
		return err
	}
	return p.t.Ftruncate(fd, int64(a[1]))
}

// Flags of the set_times functions.
const (
	timeAtim = 1 << iota
	timeAtimNow
	timeMtim
	timeMtimNow
)

// fileTimes makes utimensat(2)'s times.
func fileTimes(atim, mtim, flags uint64) (*[2]vfs.Timespec, error) {
	if flags&(timeAtim|timeAtimNow) == timeAtim|timeAtimNow || flags&(timeMtim|timeMtimNow) == timeMtim|timeMtimNow || flags > 15 {
		return nil, linux.EINVAL
	}
	one := func(ns, set, now uint64) vfs.Timespec {
		switch {
		case flags&now != 0:
			return vfs.Timespec{Nsec: linux.UTIME_NOW}
		case flags&set == 0:
			return vfs.Timespec{Nsec: linux.UTIME_OMIT}
		}
		sec, rest := int64(ns)/1e9, int64(ns)%1e9
		if rest < 0 {
			sec, rest = sec-1, rest+1e9
		}
		return vfs.Timespec{Sec: sec, Nsec: uint32(rest)}
	}
	return &[2]vfs.Timespec{one(atim, timeAtim, timeAtimNow), one(mtim, timeMtim, timeMtimNow)}, nil
}

func fdFilestatSetTimes(p *proc, a []uint64) error {
	fd, err := p.fd(uint32(a[0]))
	if err != nil {
		return err
	}
	ts, err := fileTimes(a[1], a[2], a[3])
	if err != nil {
		return err
	}
	return p.t.Futimens(fd, ts)
}

// fdReaddir fills the buffer with entries from cookie on. The last may be cut
// short: a full buffer says that there are more.
func fdReaddir(p *proc, a []uint64) error {
	fd, err := p.fd(uint32(a[0]))
	if err != nil {
		return err
	}
	buf, err := p.bytes(uint32(a[1]), uint32(a[2]))
	if err != nil {
		return err
	}
	if _, err := p.t.Lseek(fd, int64(a[3]), linux.SEEK_SET); err != nil {
		return err
	}
	used := 0
	err = p.t.ReadDir(fd, func(e vfs.DirEntry) bool {
		var head [24]byte
		binary.LittleEndian.PutUint64(head[:], e.Cookie)
		binary.LittleEndian.PutUint64(head[8:], e.Ino)
		binary.LittleEndian.PutUint32(head[16:], uint32(len(e.Name)))
		head[20] = fileType(uint32(e.Type) << 12)
		used += copy(buf[used:], head[:])
		used += copy(buf[used:], e.Name)
		return used < len(buf)
	})
	if err != nil {
		return err
	}
	return p.putU32(uint32(a[4]), uint32(used))
}
