package kernel

import (
	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/vfs"
)

const (
	pollBoth = linux.POLLIN | linux.POLLOUT | linux.POLLRDNORM | linux.POLLWRNORM
	pollIn   = linux.POLLIN | linux.POLLRDNORM
	pollOut  = linux.POLLOUT | linux.POLLWRNORM
)

// maxRW is the largest transfer of one call, MAX_RW_COUNT.
const maxRW = 0x7ffff000

// regular is an open regular file.
type regular struct {
	h       vfs.Handle
	writing bool
	seals   *seals // of a file of memfd_create
}

func (r *regular) read(t *Task, f *File, p []byte) (int, error) {
	f.pos.Lock()
	defer f.pos.Unlock()
	n, err := r.pread(t, f, p, f.off)
	f.off += int64(n)
	return n, err
}

func (r *regular) write(t *Task, f *File, p []byte) (int, error) {
	f.pos.Lock()
	defer f.pos.Unlock()
	if f.flags.Load()&linux.O_APPEND != 0 {
		return r.append(t, f, p)
	}
	n, err := r.pwrite(t, f, p, f.off)
	f.off += int64(n)
	return n, err
}

func (r *regular) append(t *Task, f *File, p []byte) (int, error) {
	var a vfs.Attr
	if limit := t.rlimit(linux.RLIMIT_FSIZE); limit != linux.RLIM_INFINITY {
		if err := r.h.Sync(); err == nil {
			_ = f.loc.Getattr(&a)
		}
		var err error
		if p, err = t.fitSize(p, a.Size, limit); err != nil {
			return 0, err
		}
	}
	if r.seals != nil {
		var a vfs.Attr
		_ = f.loc.Getattr(&a)
		done, err := r.seals.change(f, a.Size+int64(len(p)), sealWrite)
		if err != nil {
			return 0, err
		}
		defer done()
	}
	off, n, err := r.h.Append(p)
	if n > 0 {
		f.off = off + int64(n)
		r.wrote(t, f, n)
	}
	return n, err
}

func (r *regular) pread(t *Task, f *File, p []byte, off int64) (int, error) {
	if off < 0 {
		return 0, linux.EINVAL
	}
	n, err := r.h.ReadAt(p, off)
	if n > 0 {
		t.proc.inBytes.Add(int64(n))
		err = nil
	}
	return n, err
}

func (r *regular) pwrite(t *Task, f *File, p []byte, off int64) (int, error) {
	if off < 0 {
		return 0, linux.EINVAL
	}
	if len(p) == 0 {
		return 0, nil
	}
	p, err := t.fitSize(p, off, t.rlimit(linux.RLIMIT_FSIZE))
	if err != nil {
		return 0, err
	}
	if r.seals != nil {
		done, err := r.seals.change(f, off+int64(len(p)), sealWrite)
		if err != nil {
			return 0, err
		}
		defer done()
	}
	n, err := r.h.WriteAt(p, off)
	if n > 0 {
		r.wrote(t, f, n)
		err = nil
	}
	return n, err
}

// wrote accounts a write and tells inotify.
func (r *regular) wrote(t *Task, f *File, n int) {
	t.proc.outBytes.Add(int64(n))
	f.k.notify(f, linux.IN_MODIFY)
}

// fitSize cuts a write at RLIMIT_FSIZE and at the largest offset: SIGXFSZ and
// EFBIG when nothing is left.
func (t *Task) fitSize(p []byte, off int64, limit uint64) ([]byte, error) {
	const most = 1<<63 - 1
	if off == most {
		return nil, linux.EFBIG
	}
	if int64(len(p)) > most-off {
		p = p[:most-off]
	}
	if limit == linux.RLIM_INFINITY || uint64(off)+uint64(len(p)) <= limit {
		return p, nil
	}
	if uint64(off) >= limit {
		t.raise(linux.SIGXFSZ)
		return nil, linux.EFBIG
	}
	return p[:limit-uint64(off)], nil
}

func (r *regular) seek(t *Task, f *File, off int64, whence int) (int64, error) {
	f.pos.Lock()
	defer f.pos.Unlock()
	base := int64(0)
	switch whence {
	case linux.SEEK_SET:
	case linux.SEEK_CUR:
		base = f.off
	case linux.SEEK_END:
		var a vfs.Attr
		if err := f.loc.Getattr(&a); err != nil {
			return 0, err
		}
		base = a.Size
	case linux.SEEK_DATA, linux.SEEK_HOLE:
		return r.seekHole(f, off, whence)
	default:
		return 0, linux.EINVAL
	}
	if off > 0 && base > 1<<63-1-off {
		return 0, linux.EOVERFLOW
	}
	if base+off < 0 {
		return 0, linux.EINVAL
	}
	f.off = base + off
	return f.off, nil
}

func (r *regular) seekHole(f *File, off int64, whence int) (int64, error) {
	if off < 0 {
		return 0, linux.ENXIO
	}
	find := r.h.SeekData
	if whence == linux.SEEK_HOLE {
		find = r.h.SeekHole
	}
	n, err := find(off)
	if err != nil {
		return 0, err
	}
	f.off = n
	return n, nil
}

func (r *regular) ready(*File) uint32              { return pollBoth }
func (r *regular) watch(*File, *waker) func()      { return nil }
func (r *regular) attr(f *File, a *vfs.Attr) error { return f.loc.Getattr(a) }
func (r *regular) release(f *File) {
	f.k.notifyClose(f)
	f.k.sealsDone(f.loc, r.seals)
	_ = r.h.Close()
}

// directory is an open directory; its offset is a cookie.
type directory struct {
	h     vfs.Handle
	notes dirNotes
}

func (d *directory) read(*Task, *File, []byte) (int, error)  { return 0, linux.EISDIR }
func (d *directory) write(*Task, *File, []byte) (int, error) { return 0, linux.EBADF }
func (d *directory) ready(*File) uint32                      { return pollBoth }
func (d *directory) watch(*File, *waker) func()              { return nil }
func (d *directory) attr(f *File, a *vfs.Attr) error         { return f.loc.Getattr(a) }
func (d *directory) release(f *File) {
	d.notes.endAll()
	f.k.notifyClose(f)
	_ = d.h.Close()
}
func (d *directory) pread(*Task, *File, []byte, int64) (int, error) { return 0, linux.EISDIR }
func (d *directory) pwrite(*Task, *File, []byte, int64) (int, error) {
	return 0, linux.EBADF
}

func (d *directory) seek(t *Task, f *File, off int64, whence int) (int64, error) {
	f.pos.Lock()
	defer f.pos.Unlock()
	if whence == linux.SEEK_CUR {
		off += f.off
	} else if whence != linux.SEEK_SET {
		return 0, linux.EINVAL
	}
	if off < 0 {
		return 0, linux.EINVAL
	}
	f.off = off
	return off, nil
}

// located is a file opened with O_PATH: a place and nothing more.
type located struct{}

func (located) read(*Task, *File, []byte) (int, error)  { return 0, linux.EBADF }
func (located) write(*Task, *File, []byte) (int, error) { return 0, linux.EBADF }
func (located) ready(*File) uint32                      { return linux.POLLNVAL }
func (located) watch(*File, *waker) func()              { return nil }
func (located) attr(f *File, a *vfs.Attr) error         { return f.loc.Getattr(a) }
func (located) release(*File)                           {}
