package wasi

import (
	"encoding/binary"

	"github.com/sbxrun/sbx/abi/linux"
)

// Flags of descriptors in preview 1.
const (
	fdAppend   = 1
	fdDsync    = 2
	fdNonblock = 4
	fdRsync    = 8
	fdSyncFlag = 16
)

func fdClose(p *proc, a []uint64) error {
	n := uint32(a[0])
	d, err := p.get(n)
	if err != nil {
		return err
	}
	delete(p.fds, n)
	if d.fd < 0 {
		return nil
	}
	return p.t.Close(d.fd)
}

func fdRead(p *proc, a []uint64) error {
	fd, err := p.fd(uint32(a[0]))
	if err != nil {
		return err
	}
	return p.transfer(a[1], a[2], a[3], readv, func(b []byte) (int, error) { return p.t.Read(fd, b) })
}

func fdWrite(p *proc, a []uint64) error {
	fd, err := p.fd(uint32(a[0]))
	if err != nil {
		return err
	}
	return p.transfer(a[1], a[2], a[3], writev, func(b []byte) (int, error) { return p.t.Write(fd, b) })
}

func fdPread(p *proc, a []uint64) error {
	fd, err := p.fd(uint32(a[0]))
	if err != nil {
		return err
	}
	off := int64(a[3])
	return p.transfer(a[1], a[2], a[4], readv, func(b []byte) (int, error) { return p.t.Pread(fd, b, off) })
}

func fdPwrite(p *proc, a []uint64) error {
	fd, err := p.fd(uint32(a[0]))
	if err != nil {
		return err
	}
	off := int64(a[3])
	return p.transfer(a[1], a[2], a[4], writev, func(b []byte) (int, error) { return p.t.Pwrite(fd, b, off) })
}

type vector func([][]byte, int, func([]byte) (int, error)) (int, error)

// transfer reads or writes a list of vectors and stores how much that was. The
// result's place is checked first: nothing is lost over a bad pointer.
func (p *proc) transfer(list, count, result uint64, how vector, do func([]byte) (int, error)) error {
	vecs, total, err := p.iovecs(uint32(list), uint32(count))
	if err != nil {
		return err
	}
	if _, err := p.bytes(uint32(result), 4); err != nil {
		return err
	}
	n, err := how(vecs, total, do)
	if err != nil {
		return err
	}
	return p.putU32(uint32(result), uint32(n))
}

func fdSeek(p *proc, a []uint64) error {
	fd, err := p.fd(uint32(a[0]))
	if err != nil {
		return err
	}
	if uint32(a[2]) > linux.SEEK_END {
		return linux.EINVAL
	}
	n, err := p.t.Lseek(fd, int64(a[1]), int(uint32(a[2])))
	if err != nil {
		return err
	}
	return p.putU64(uint32(a[3]), uint64(n))
}

func fdTell(p *proc, a []uint64) error {
	fd, err := p.fd(uint32(a[0]))
	if err != nil {
		return err
	}
	n, err := p.t.Lseek(fd, 0, linux.SEEK_CUR)
	if err != nil {
		return err
	}
	return p.putU64(uint32(a[1]), uint64(n))
}

func fdSync(p *proc, a []uint64) error {
	fd, err := p.fd(uint32(a[0]))
	if err != nil {
		return err
	}
	return p.t.Fsync(fd)
}

// fdAdvise checks its arguments, as posix_fadvise(2) does, and needs no advice.
func fdAdvise(p *proc, a []uint64) error {
	if _, err := p.fd(uint32(a[0])); err != nil {
		return err
	}
	if uint32(a[3]) > 5 || int64(a[2]) < 0 {
		return linux.EINVAL
	}
	return nil
}

func fdAllocate(p *proc, a []uint64) error {
	fd, err := p.fd(uint32(a[0]))
	if err != nil {
		return err
	}
	return p.t.Fallocate(fd, 0, int64(a[1]), int64(a[2]))
}

// fdRenumber makes to what from is, and from nothing: dup2 and close.
func fdRenumber(p *proc, a []uint64) error {
	from, to := uint32(a[0]), uint32(a[1])
	d, err := p.get(from)
	if err != nil {
		return err
	}
	if from == to {
		return nil
	}
	if err := p.dupTo(d, to); err != nil {
		return err
	}
	delete(p.fds, from)
	if d.fd >= 0 && p.fds[to] != d {
		p.t.Close(d.fd)
	}
	return nil
}

// dupTo makes guest descriptor to a duplicate of d. Below 3 the kernel's number
// is the guest's, so that children inherit it.
func (p *proc) dupTo(d *descriptor, to uint32) error {
	if to >= maxFds {
		return linux.EBADF
	}
	fd := -1
	if d.fd >= 0 {
		var err error
		if to <= 2 {
			fd, err = p.t.Dup2(d.fd, int(to))
		} else {
			fd, err = p.t.DupFrom(d.fd, 0, true)
		}
		if err != nil {
			return err
		}
	}
	if old := p.fds[to]; old != nil && old.fd >= 0 && old.fd != fd {
		p.t.Close(old.fd)
	}
	dup := *d
	dup.fd = fd
	p.fds[to] = &dup
	return nil
}

func fdFdstatSetFlags(p *proc, a []uint64) error {
	fd, err := p.fd(uint32(a[0]))
	if err != nil {
		return err
	}
	if a[1]&^(fdAppend|fdDsync|fdNonblock|fdRsync|fdSyncFlag) != 0 {
		return linux.EINVAL
	}
	return p.t.SetStatusFlags(fd, openFlags(uint16(a[1])))
}

// openFlags are the flags of open(2) for preview 1's flags of a descriptor.
func openFlags(flags uint16) int {
	out := 0
	for _, m := range [...]struct {
		wasi  uint16
		linux int
	}{{fdAppend, linux.O_APPEND}, {fdDsync, linux.O_DSYNC}, {fdNonblock, linux.O_NONBLOCK}, {fdRsync, linux.O_RSYNC}, {fdSyncFlag, linux.O_SYNC}} {
		if flags&m.wasi != 0 {
			out |= m.linux
		}
	}
	return out
}

func fdPrestatGet(p *proc, a []uint64) error {
	d, err := p.get(uint32(a[0]))
	if err != nil {
		return err
	}
	if !d.preopen {
		return linux.EBADF
	}
	b, err := p.bytes(uint32(a[1]), 8)
	if err != nil {
		return err
	}
	binary.LittleEndian.PutUint64(b, 1<<32) // a directory whose name has 1 byte
	return nil
}

func fdPrestatDirName(p *proc, a []uint64) error {
	d, err := p.get(uint32(a[0]))
	if err != nil {
		return err
	}
	if !d.preopen {
		return linux.EBADF
	}
	if uint32(a[2]) < 1 {
		return linux.ENAMETOOLONG
	}
	b, err := p.bytes(uint32(a[1]), 1)
	if err != nil {
		return err
	}
	b[0] = '/'
	return nil
}
