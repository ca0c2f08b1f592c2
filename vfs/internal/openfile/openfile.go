// Package openfile is an open file as Go programs know it, with an offset, over a vfs.Walker. The faces
// vfs/aferofs and vfs/wazerofs are made of it. (A kernel's file descriptions are another thing: they are shared by
// dup and fork, and may be pipes, sockets and terminals.)
package openfile

import (
	"io"
	"sync"

	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/vfs"
)

// File is an open regular file or directory. It is safe for concurrent use. Its errors are linux.Errno, but for io.EOF.
type File struct {
	w     *vfs.Walker
	loc   vfs.Loc
	h     vfs.Handle
	dir   bool
	flags int

	mu     sync.Mutex
	closed bool
	off    int64  // of a file
	cookie uint64 // of a directory
}

// Open opens path, relative to the walker's directory, with flags of open(2). What is neither a file nor a directory is ENXIO.
func Open(w *vfs.Walker, path string, flags int, mode uint32) (*File, error) {
	loc, h, err := w.Open(vfs.Loc{}, path, flags, mode)
	if err != nil {
		return nil, err
	}
	if h == nil {
		loc.Unref()
		return nil, linux.ENXIO
	}
	f := &File{w: w, loc: loc, h: h, flags: flags}
	var a vfs.Attr
	if err := loc.Getattr(&a); err != nil {
		f.Close()
		return nil, err
	}
	f.dir = linux.S_ISDIR(a.Mode)
	return f, nil
}

// IsDir reports whether f is a directory.
func (f *File) IsDir() bool { return f.dir }

// Loc returns where f is, valid while it is open.
func (f *File) Loc() vfs.Loc { return f.loc }

// Getattr answers fstat.
func (f *File) Getattr(a *vfs.Attr) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return linux.EBADF
	}
	return f.loc.Getattr(a)
}

// Read reads at the offset and moves it; io.EOF at the end.
func (f *File) Read(p []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	n, err := f.readAt(p, f.off)
	f.off += int64(n)
	return n, err
}

// ReadAt reads at off. Fewer than len(p) bytes come with io.EOF, as io.ReaderAt wants it.
func (f *File) ReadAt(p []byte, off int64) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	total := 0
	for total < len(p) {
		n, err := f.readAt(p[total:], off+int64(total))
		total += n
		if err != nil {
			return total, err
		}
	}
	return total, nil
}

func (f *File) readAt(p []byte, off int64) (int, error) {
	switch {
	case f.closed || f.flags&linux.O_ACCMODE == linux.O_WRONLY:
		return 0, linux.EBADF
	case f.dir:
		return 0, linux.EISDIR
	case off < 0:
		return 0, linux.EINVAL
	case len(p) == 0:
		return 0, nil
	}
	n, err := f.h.ReadAt(p, off)
	if n == 0 && err == nil {
		err = io.EOF
	}
	return n, err
}

// Write writes at the offset, or at the end with O_APPEND, and moves the offset.
func (f *File) Write(p []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.flags&linux.O_APPEND == 0 {
		n, err := f.writeAt(p, f.off)
		f.off += int64(n)
		return n, err
	}
	if err := f.writable(); err != nil {
		return 0, err
	}
	off, n, err := f.h.Append(p)
	if err == nil {
		f.off = off + int64(n)
	}
	return n, err
}

// WriteAt writes at off.
func (f *File) WriteAt(p []byte, off int64) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.writeAt(p, off)
}

func (f *File) writeAt(p []byte, off int64) (int, error) {
	if err := f.writable(); err != nil {
		return 0, err
	}
	if off < 0 {
		return 0, linux.EINVAL
	}
	total := 0
	for total < len(p) {
		n, err := f.h.WriteAt(p[total:], off+int64(total))
		total += n
		if err != nil {
			return total, err
		}
		if n == 0 {
			return total, linux.EIO
		}
	}
	return total, nil
}

func (f *File) writable() error {
	if f.closed || f.dir || f.flags&linux.O_ACCMODE == linux.O_RDONLY {
		return linux.EBADF
	}
	return nil
}

// Seek moves the offset. A directory can only go back to its start, where reading it begins anew.
func (f *File) Seek(off int64, whence int) (int64, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return 0, linux.EBADF
	}
	if f.dir {
		if off != 0 || whence != io.SeekStart {
			return 0, linux.EINVAL
		}
		f.cookie = 0
		return 0, nil
	}
	switch whence {
	case io.SeekStart:
	case io.SeekCurrent:
		off += f.off
	case io.SeekEnd:
		var a vfs.Attr
		if err := f.loc.Getattr(&a); err != nil {
			return 0, err
		}
		off += a.Size
	default:
		return 0, linux.EINVAL
	}
	if off < 0 {
		return 0, linux.EINVAL
	}
	f.off = off
	return off, nil
}

// ReadDir returns up to n more entries, all that are left when n <= 0, without "." and "..".
func (f *File) ReadDir(n int) ([]vfs.DirEntry, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.closed:
		return nil, linux.EBADF
	case !f.dir:
		return nil, linux.ENOTDIR
	}
	var list []vfs.DirEntry
	err := f.h.ReadDir(f.cookie, func(e vfs.DirEntry) bool {
		f.cookie = e.Cookie
		if e.Name != "." && e.Name != ".." {
			list = append(list, e)
		}
		return n <= 0 || len(list) < n
	})
	return list, err
}

// Truncate sets the size.
func (f *File) Truncate(size int64) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.writable(); err != nil {
		return err
	}
	return f.w.TruncateLoc(f.loc, size)
}

// Utimens sets times as utimensat(2) does.
func (f *File) Utimens(t *[2]vfs.Timespec) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return linux.EBADF
	}
	return f.w.UtimensLoc(f.loc, t)
}

// Append reports whether writes go to the end.
func (f *File) Append() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.flags&linux.O_APPEND != 0
}

// SetAppend turns O_APPEND on or off.
func (f *File) SetAppend(on bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.flags &^= linux.O_APPEND
	if on {
		f.flags |= linux.O_APPEND
	}
}

// Sync writes to what lies below, if anything does.
func (f *File) Sync() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return linux.EBADF
	}
	return f.h.Sync()
}

// Close closes; EBADF the second time.
func (f *File) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return linux.EBADF
	}
	f.closed = true
	return f.h.Close()
}
