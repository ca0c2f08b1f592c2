package syscalls

import (
	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/vfs"
)

// side is a file that bytes are moved from or to: at an offset of the guest's, or
// at the file's own.
type side struct {
	fd  int
	at  uint64 // address of the offset; 0: the file's own
	off int64
}

func (c *call) side(fd int, at uint64) (s side, err error) {
	s = side{fd: fd, at: at}
	if at != 0 {
		v, err := c.mm.Uint64(at)
		if err != nil {
			return s, err
		}
		if s.off = int64(v); s.off < 0 {
			return s, linux.EINVAL
		}
	}
	return s, nil
}

func (c *call) sideRead(s *side, p []byte) (n int, err error) {
	if s.at == 0 {
		return c.t.Read(s.fd, p)
	}
	n, err = c.t.Pread(s.fd, p, s.off)
	s.off += int64(n)
	return n, err
}

func (c *call) sideWrite(s *side, p []byte) (n int, err error) {
	if s.at == 0 {
		return c.t.Write(s.fd, p)
	}
	n, err = c.t.Pwrite(s.fd, p, s.off)
	s.off += int64(n)
	return n, err
}

// move copies at most n bytes, until a read is short. What was read from a file and
// could not be written is given back to it.
func (c *call) move(from, to side, n uint64) (int64, error) {
	b, free := buf(chunk)
	defer free()
	done := int64(0)
	var err error
	for uint64(done) < n {
		var got, put int
		got, err = c.sideRead(&from, b[:min(n-uint64(done), chunk)])
		if err != nil || got == 0 {
			break
		}
		put, err = c.sideWrite(&to, b[:got])
		done += int64(max(put, 0))
		if rest := got - max(put, 0); rest > 0 {
			c.giveBack(&from, rest)
			break
		}
		if err != nil || got < chunk {
			break
		}
	}
	for _, s := range [...]side{from, to} {
		if s.at != 0 {
			if perr := c.mm.PutUint64(s.at, uint64(s.off)); perr != nil {
				return 0, perr
			}
		}
	}
	if done > 0 {
		return done, nil
	}
	return 0, err
}

func (c *call) giveBack(s *side, n int) {
	if s.at != 0 {
		s.off -= int64(n)
		return
	}
	const seekCur = 1
	_, _ = c.t.Lseek(s.fd, -int64(n), seekCur)
}

// regular reports whether a descriptor is a regular file.
func (c *call) regular(fd int) (bool, error) {
	var a vfs.Attr
	err := c.t.Fstat(fd, &a)
	return err == nil && linux.S_ISREG(a.Mode), err
}

func sysSendfile(c *call) (int64, error) {
	in, out := c.fd(1), c.fd(0)
	reg, err := c.regular(in)
	if err != nil {
		return 0, err
	}
	if !reg {
		return 0, linux.EINVAL // what cannot be given back is not taken
	}
	flags, err := c.t.StatusFlags(out)
	if err != nil {
		return 0, err
	}
	if flags&linux.O_APPEND != 0 {
		return 0, linux.EINVAL
	}
	from, err := c.side(in, c.a[2])
	if err != nil {
		return 0, err
	}
	return c.move(from, side{fd: out}, min(c.a[3], maxIO))
}

func sysCopyFileRange(c *call) (int64, error) {
	if c.a[5] != 0 {
		return 0, linux.EINVAL
	}
	in, out := c.fd(0), c.fd(2)
	for _, fd := range [...]int{in, out} {
		switch reg, err := c.regular(fd); {
		case err != nil:
			return 0, err
		case !reg:
			return 0, linux.EINVAL
		}
	}
	flags, err := c.t.StatusFlags(out)
	if err != nil {
		return 0, err
	}
	if flags&linux.O_APPEND != 0 {
		return 0, linux.EBADF
	}
	from, err := c.side(in, c.a[1])
	if err != nil {
		return 0, err
	}
	to, err := c.side(out, c.a[3])
	if err != nil {
		return 0, err
	}
	n := min(c.a[4], maxIO)
	if err := c.apart(from, to, n); err != nil {
		return 0, err
	}
	return c.move(from, to, n)
}

// apart refuses to copy n bytes, as far as there are any, of a file over themselves.
func (c *call) apart(from, to side, n uint64) error {
	var a, b vfs.Attr
	if err := c.t.Fstat(from.fd, &a); err != nil {
		return err
	}
	if err := c.t.Fstat(to.fd, &b); err != nil {
		return err
	}
	if a.Dev != b.Dev || a.Ino != b.Ino {
		return nil
	}
	for _, s := range [...]*side{&from, &to} {
		if s.at != 0 {
			continue
		}
		const seekCur = 1
		var err error
		if s.off, err = c.t.Lseek(s.fd, 0, seekCur); err != nil {
			return err
		}
	}
	count := min(int64(n), a.Size-from.off)
	if count > 0 && to.off+count > from.off && to.off < from.off+count {
		return linux.EINVAL
	}
	return nil
}

func sysFallocate(c *call) (int64, error) {
	return 0, c.t.Fallocate(c.fd(0), uint32(c.a[1]), int64(c.a[2]), int64(c.a[3]))
}

// sysReadahead has nothing to read ahead: files are in memory.
func sysReadahead(c *call) (int64, error) {
	switch reg, err := c.regular(c.fd(0)); {
	case err != nil:
		return 0, err
	case !reg:
		return 0, linux.EINVAL
	}
	return 0, nil
}

func sysSyncFileRange(c *call) (int64, error) {
	if c.a[3]&^7 != 0 || int64(c.a[1]) < 0 || int64(c.a[2]) < 0 {
		return 0, linux.EINVAL
	}
	_, err := c.t.FdFlags(c.fd(0))
	return 0, err
}

func sysSyncfs(c *call) (int64, error) {
	_, err := c.t.FdFlags(c.fd(0))
	return 0, err
}

// unspliceable answers splice(2) and its like as for files that cannot do it: callers
// read and write then.
func unspliceable(*call) (int64, error) { return 0, linux.EINVAL }
