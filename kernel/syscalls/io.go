package syscalls

import (
	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/kernel/mm"
	"github.com/sbxrun/sbx/vfs"
)

// direction is which way transfer moves bytes.
type direction int

const (
	out   direction = iota // from the guest
	in                     // to the guest
	again                  // to the guest, from where they can be read once more: it does not matter if they get nowhere
)

// transfer moves bytes between the guest and what do reads or writes, chunk by
// chunk; a short chunk ends it. An error after the first chunk is kept for the next call.
func (c *call) transfer(addr, n uint64, dir direction, do func(p []byte, done int64) (int, error)) (int64, error) {
	if n > mm.TaskSize || addr > mm.TaskSize-n {
		return 0, linux.EFAULT
	}
	n = min(n, maxIO)
	var b []byte
	if n <= smallIO {
		b = c.small()
	} else {
		large := buffers.Get().(*[chunk]byte)
		defer buffers.Put(large)
		b = large[:]
	}
	done := int64(0)
	for {
		p := b[:min(n-uint64(done), uint64(len(b)))]
		switch dir {
		case in:
			room := c.mm.Writable(addr+uint64(done), uint64(len(p)))
			if room == 0 && len(p) > 0 {
				return nowhere(done, do)
			}
			p = p[:room]
		case out:
			got := c.mm.ReadSome(addr+uint64(done), p)
			if got == 0 && len(p) > 0 {
				return fault(done)
			}
			p = p[:got]
		}
		k, err := do(p, done)
		if k > 0 && dir != out {
			if w := c.mm.WriteSome(addr+uint64(done), p[:k]); w < k {
				return fault(done + int64(w))
			}
		}
		if err != nil {
			if done > 0 {
				return done, nil
			}
			return 0, err
		}
		done += int64(k)
		if k < len(p) || uint64(done) == n || k == 0 {
			return done, nil
		}
		// More only where Linux would give it at once: a regular file.
		if len(p) < chunk {
			return done, nil
		}
	}
}

// nowhere is a read to memory that cannot be written: an error of the file comes
// before that of the memory.
func nowhere(done int64, do func(p []byte, done int64) (int, error)) (int64, error) {
	if done == 0 {
		if _, err := do(nil, 0); err != nil {
			return 0, err
		}
	}
	return fault(done)
}

func fault(done int64) (int64, error) {
	if done > 0 {
		return done, nil
	}
	return 0, linux.EFAULT
}

func sysRead(c *call) (int64, error) {
	fd := c.fd(0)
	return c.transfer(c.a[1], c.a[2], in, func(p []byte, done int64) (int, error) {
		if done > 0 && !c.more(fd) {
			return 0, nil
		}
		return c.t.Read(fd, p)
	})
}

// more reports whether a further chunk of a read can be had without waiting.
func (c *call) more(fd int) bool {
	var a vfs.Attr
	return c.t.Fstat(fd, &a) == nil && linux.S_ISREG(a.Mode)
}

func sysWrite(c *call) (int64, error) {
	fd := c.fd(0)
	return c.transfer(c.a[1], c.a[2], out, func(p []byte, _ int64) (int, error) { return c.t.Write(fd, p) })
}

func sysPread(c *call) (int64, error) {
	off := int64(c.a[3])
	return c.transfer(c.a[1], c.a[2], again, func(p []byte, done int64) (int, error) { return c.t.Pread(c.fd(0), p, off+done) })
}

func sysPwrite(c *call) (int64, error) {
	off := int64(c.a[3])
	return c.transfer(c.a[1], c.a[2], out, func(p []byte, done int64) (int, error) { return c.t.Pwrite(c.fd(0), p, off+done) })
}

// iovec is struct iovec.
type iovec struct{ base, len uint64 }

// iovecs reads a vector of buffers.
func (c *call) iovecs(addr, n uint64) ([]iovec, error) {
	const iovMax = 1024
	if n > iovMax {
		return nil, linux.EINVAL
	}
	b, err := c.bytes(addr, int(n)*16)
	if err != nil {
		return nil, err
	}
	v := make([]iovec, n)
	total := uint64(0)
	for i := range v {
		v[i] = iovec{le.Uint64(b[16*i:]), le.Uint64(b[16*i+8:])}
		if int64(v[i].len) < 0 {
			return nil, linux.EINVAL
		}
		v[i].len = min(v[i].len, maxIO-total)
		total += v[i].len
	}
	return v, nil
}

// gather reads the bytes of a vector, at most limit.
func (c *call) gather(v []iovec, limit uint64) ([]byte, error) {
	total := uint64(0)
	for _, x := range v {
		total += x.len
	}
	total = min(total, limit)
	out := make([]byte, 0, total)
	for _, x := range v {
		n := min(x.len, total-uint64(len(out)))
		at := len(out)
		out = out[:at+int(n)]
		if err := c.mm.Read(x.base, out[at:]); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// scatter writes bytes to a vector.
func (c *call) scatter(v []iovec, b []byte) error {
	for _, x := range v {
		n := min(x.len, uint64(len(b)))
		if err := c.mm.Write(x.base, b[:n]); err != nil {
			return err
		}
		if b = b[n:]; len(b) == 0 {
			break
		}
	}
	return nil
}

// maxVector bounds what one readv or writev moves at a time: a short count is allowed.
const maxVector = 1 << 20

func sysReadv(c *call) (int64, error) {
	v, err := c.iovecs(c.a[1], c.a[2])
	if err != nil {
		return 0, err
	}
	total, asked := uint64(0), uint64(0)
	for _, x := range v {
		asked += x.len
		room := c.mm.Writable(x.base, min(x.len, maxVector))
		if total += room; room < x.len {
			break
		}
	}
	b := make([]byte, min(total, maxVector))
	n, err := c.t.Read(c.fd(0), b)
	if err == nil && asked > 0 && total == 0 {
		err = linux.EFAULT
	}
	if err != nil {
		return 0, err
	}
	return int64(n), c.scatter(v, b[:n])
}

func sysWritev(c *call) (int64, error) {
	v, err := c.iovecs(c.a[1], c.a[2])
	if err != nil {
		return 0, err
	}
	b, err := c.gather(v, maxVector)
	if err != nil {
		return 0, err
	}
	n, err := c.t.Write(c.fd(0), b)
	return int64(n), err
}

func sysLseek(c *call) (int64, error) { return c.t.Lseek(c.fd(0), int64(c.a[1]), c.int(2)) }
func sysClose(c *call) (int64, error) { return 0, c.t.Close(c.fd(0)) }

func sysCloseRange(c *call) (int64, error) {
	const unshare, cloexec = 2, 4
	if c.a[2]&^(unshare|cloexec) != 0 {
		return 0, linux.EINVAL
	}
	if c.a[2]&unshare != 0 {
		c.t.Unshare(true, false)
	}
	return 0, c.t.CloseRange(int(min(uint32(c.a[0]), 1<<30)), int(min(uint32(c.a[1]), 1<<30)), c.a[2]&cloexec != 0)
}

func fdResult(fd int, err error) (int64, error) { return int64(fd), err }

func sysDup(c *call) (int64, error)  { return fdResult(c.t.Dup(c.fd(0))) }
func sysDup2(c *call) (int64, error) { return fdResult(c.t.Dup2(c.fd(0), c.fd(1))) }
func sysDup3(c *call) (int64, error) { return fdResult(c.t.Dup3(c.fd(0), c.fd(1), c.int(2))) }
func sysPipe(c *call) (int64, error) { return c.pipe(0) }
func sysPipe2(c *call) (int64, error) {
	return c.pipe(c.int(1))
}

func (c *call) pipe(flags int) (int64, error) {
	r, w, err := c.t.Pipe(flags)
	if err != nil {
		return 0, err
	}
	if err := c.putPair(c.a[0], r, w); err != nil {
		_ = c.t.Close(r)
		_ = c.t.Close(w)
		return 0, err
	}
	return 0, nil
}

func (c *call) putPair(addr uint64, a, b int) error {
	return c.mm.Write(addr, le.AppendUint32(le.AppendUint32(nil, uint32(a)), uint32(b)))
}

func sysFsync(c *call) (int64, error)     { return 0, c.t.Fsync(c.fd(0)) }
func sysFtruncate(c *call) (int64, error) { return 0, c.t.Ftruncate(c.fd(0), int64(c.a[1])) }
func sysFlock(c *call) (int64, error)     { return 0, c.t.Flock(c.fd(0), c.int(1)) }

// Headers of the entries that getdents(2) and getdents64(2) give: with the type behind
// the name, or before it.
const direntLen, dirent64Len = 18, 19

func sysGetdents64(c *call) (int64, error) {
	return c.getdents(dirent64Len+1, func(b []byte, e *vfs.DirEntry, n int) []byte {
		b = append(b, e.Type)
		return append(b, e.Name...)
	})
}

func sysGetdents(c *call) (int64, error) {
	return c.getdents(direntLen+2, func(b []byte, e *vfs.DirEntry, n int) []byte {
		at := len(b) - direntLen
		b = append(b, e.Name...)
		b = append(b, make([]byte, at+n-1-len(b))...)
		return append(b, e.Type)
	})
}

// getdents lists a directory. An entry without its name has extra bytes, the zero byte
// among them; put appends what comes after the inode, the cookie and the length n.
func (c *call) getdents(extra int, put func(b []byte, e *vfs.DirEntry, n int) []byte) (int64, error) {
	fd, room := c.fd(0), int(min(c.a[2]&0xffffffff, chunk))
	out := make([]byte, 0, room)
	full := false
	err := c.t.ReadDir(fd, func(e vfs.DirEntry) bool {
		n := (extra + len(e.Name) + 7) &^ 7
		if len(out)+n > room {
			full = true
			return false
		}
		at := len(out)
		out = le.AppendUint64(out, uint64(e.Ino))
		out = le.AppendUint64(out, e.Cookie)
		out = le.AppendUint16(out, uint16(n))
		out = put(out, &e, n)
		out = append(out, make([]byte, at+n-len(out))...)
		return true
	})
	if err != nil {
		return 0, err
	}
	if len(out) == 0 && full {
		return 0, linux.EINVAL
	}
	return int64(len(out)), c.mm.Write(c.a[1], out)
}

// Commands of fcntl(2).
const (
	fDupfd, fGetfd, fSetfd, fGetfl, fSetfl = 0, 1, 2, 3, 4
	fGetlk, fSetlk, fSetlkw                = 5, 6, 7
	fOfdGetlk, fOfdSetlk, fOfdSetlkw       = 36, 37, 38
	fDupfdCloexec, fSetpipe, fGetpipe      = 1030, 1031, 1032
	fAddSeals, fGetSeals                   = 1033, 1034
)

func sysFcntl(c *call) (int64, error) {
	fd, arg := c.fd(0), c.a[2]
	switch cmd := c.int(1); cmd {
	case fDupfd, fDupfdCloexec:
		return fdResult(c.t.DupFrom(fd, int(int32(arg)), cmd == fDupfdCloexec))
	case fGetfd:
		return fdResult(c.t.FdFlags(fd))
	case fSetfd:
		return 0, c.t.SetFdFlags(fd, int(arg&1))
	case fGetfl:
		return fdResult(c.t.StatusFlags(fd))
	case fSetfl:
		return 0, c.t.SetStatusFlags(fd, int(arg))
	case fGetlk, fSetlk, fSetlkw, fOfdGetlk, fOfdSetlk, fOfdSetlkw:
		return c.lock(fd, cmd, arg)
	case fSetpipe:
		return fdResult(c.t.SetPipeSize(fd, int(arg)))
	case fGetpipe:
		return fdResult(c.t.PipeSize(fd))
	case fAddSeals:
		return 0, c.t.AddSeals(fd, int(arg))
	case fGetSeals:
		return fdResult(c.t.Seals(fd))
	case linux.F_NOTIFY:
		return 0, c.t.NotifyDirectory(fd, uint32(arg))
	}
	if v, err, ok := c.fileOwner(fd, c.int(1), arg); ok {
		return v, err
	}
	if _, err := c.t.FdFlags(fd); err != nil {
		return 0, err
	}
	return 0, linux.EINVAL
}
