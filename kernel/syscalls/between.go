package syscalls

import (
	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/kernel"
	"github.com/sbxrun/sbx/vfs"
)

// spliceEnd is a file that bytes are moved from or to: at an offset of the guest's, or with
// 0 at the file's own.
func (c *call) spliceEnd(fd int, at uint64) *kernel.SpliceEnd {
	e := &kernel.SpliceEnd{FD: fd}
	if at != 0 {
		e.Load = func() (int64, error) {
			v, err := c.mm.Uint64(at)
			return int64(v), err
		}
	}
	return e
}

// moved writes the offset of the guest's back when something was moved.
func (c *call) moved(n int, err error, e *kernel.SpliceEnd, at uint64) (int, error) {
	if err == nil && at != 0 {
		err = c.mm.PutUint64(at, uint64(e.Off))
	}
	return n, err
}

func sysSendfile(c *call) (int64, error) {
	in := c.spliceEnd(c.fd(1), c.a[2])
	n, err := c.t.Sendfile(c.fd(0), in, c.a[3])
	return fdResult(c.moved(n, err, in, c.a[2]))
}

func sysCopyFileRange(c *call) (int64, error) {
	in, out := c.spliceEnd(c.fd(0), c.a[1]), c.spliceEnd(c.fd(2), c.a[3])
	n, err := c.t.CopyFileRange(in, out, c.a[4], c.int(5))
	n, err = c.moved(n, err, in, c.a[1])
	return fdResult(c.moved(n, err, out, c.a[3]))
}

func sysSplice(c *call) (int64, error) {
	in, out := c.spliceEnd(c.fd(0), c.a[1]), c.spliceEnd(c.fd(2), c.a[3])
	n, err := c.t.Splice(in, out, c.a[4], c.int(5))
	if c.a[4] == 0 {
		return 0, err
	}
	n, err = c.moved(n, err, in, c.a[1])
	return fdResult(c.moved(n, err, out, c.a[3]))
}

func sysTee(c *call) (int64, error) {
	return fdResult(c.t.Tee(c.fd(0), c.fd(1), c.a[2], c.int(3)))
}

// sysVmsplice copies between memory and a pipe.
func sysVmsplice(c *call) (int64, error) {
	if c.int(3)&^linux.SPLICE_F_ALL != 0 {
		return 0, linux.EINVAL
	}
	flags, err := c.t.StatusFlags(c.fd(0))
	if err != nil {
		return 0, err
	}
	if flags&linux.O_PATH != 0 {
		return 0, linux.EBADF
	}
	v, err := c.iovecs(c.a[1], c.a[2])
	if err != nil {
		return 0, err
	}
	if flags&linux.O_ACCMODE != linux.O_RDONLY {
		b, err := c.gather(v, maxVector)
		if err != nil {
			return 0, err
		}
		return fdResult(c.t.WritePipe(c.fd(0), c.int(3), b))
	}
	total := uint64(0)
	for _, x := range v {
		total += x.len
	}
	b := make([]byte, min(total, maxVector))
	n, err := c.t.ReadPipe(c.fd(0), c.int(3), b)
	if err != nil {
		return 0, err
	}
	return int64(n), c.scatter(v, b[:n])
}

// regular reports whether a descriptor is a regular file.
func (c *call) regular(fd int) (bool, error) {
	var a vfs.Attr
	err := c.t.Fstat(fd, &a)
	return err == nil && linux.S_ISREG(a.Mode), err
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
