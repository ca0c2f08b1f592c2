package vfs

import (
	"sync/atomic"

	"github.com/sbxrun/sbx/abi/linux"
)

// OpenKeepSetID, in the flags of Super.Open, says that writes leave the set-id
// bits alone: the opener has CAP_FSETID. It is no flag of open(2).
const OpenKeepSetID = 1 << 30

// OpenKillSetGID, likewise, says that writes clear the set-group-id bit even of
// a file that the group may not execute: the opener is not in the group.
const OpenKillSetGID = 1 << 29

// file is a Handle of an FS. It has one pin.
type file struct {
	fs     *FS
	pin    *pin
	flags  uint32
	closed atomic.Bool
}

// Open implements Super. The access mode is not enforced: the kernel's file
// description does that.
func (fs *FS) Open(ino Ino, flags int) (Handle, error) { return fs.open(ino, nil, flags) }

// open is Open through a mount, which is busy until the Handle is closed.
func (fs *FS) open(ino Ino, m *Mount, flags int) (Handle, error) {
	fs.mu.RLock()
	defer fs.mu.RUnlock()
	mode, err := fs.mode(ino)
	if err != nil {
		return nil, err
	}
	switch mode & linux.S_IFMT {
	case linux.S_IFDIR:
		if flags&linux.O_ACCMODE != linux.O_RDONLY {
			return nil, linux.EISDIR
		}
	case linux.S_IFREG:
	case linux.S_IFLNK:
		return nil, linux.ELOOP
	default:
		return nil, linux.ENXIO
	}
	return &file{fs: fs, pin: fs.pins.take(ino, m), flags: uint32(flags)}, nil
}

// Close implements Handle; a second one is EBADF.
func (h *file) Close() error {
	if h.closed.Swap(true) {
		return linux.EBADF
	}
	h.fs.drop(h.pin)
	return nil
}

func (h *file) ino() Ino { return h.pin.ino }

// Sync implements Handle: memory has nothing to wait for.
func (h *file) Sync() error { return nil }

// ReadAt implements Handle.
func (h *file) ReadAt(p []byte, off int64) (int, error) {
	if off < 0 {
		return 0, linux.EINVAL
	}
	fs := h.fs
	fs.mu.RLock()
	n, r, err := fs.find(h.ino())
	if err != nil {
		fs.mu.RUnlock()
		return 0, linux.EIO
	}
	mode, size := uint32(0), int64(0)
	if n != nil {
		mode, size = n.mode, n.size
	} else {
		mode, size = r.mode(), r.size()
	}
	if mode&linux.S_IFMT != linux.S_IFREG {
		fs.mu.RUnlock()
		return 0, linux.EISDIR
	}
	if n != nil {
		if f := n.file(); f != nil {
			defer fs.mu.RUnlock()
			return fs.read(h.ino(), n, f, p, off)
		}
	}
	low := fs.lowerRef(h.ino())
	fs.mu.RUnlock()
	if off >= size || low.size == 0 {
		return 0, nil
	}
	p = p[:min(int64(len(p)), size-off)]
	if err := low.readAt(p, off); err != nil {
		return 0, err
	}
	return len(p), nil
}

// WriteAt implements Handle. With the quota used up it writes what fits, and
// answers ENOSPC when that is nothing.
func (h *file) WriteAt(p []byte, off int64) (int, error) {
	if off < 0 {
		return 0, linux.EINVAL
	}
	if off > maxFile-int64(len(p)) {
		return 0, linux.EFBIG
	}
	h.fs.mu.Lock()
	defer h.fs.mu.Unlock()
	return h.write(p, off)
}

func (h *file) write(p []byte, off int64) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	h.dropPrivileges()
	n, err := h.fs.write(h.ino(), p, off)
	if n > 0 {
		return n, nil
	}
	if err == linux.EINVAL {
		err = linux.EISDIR
	}
	return 0, err
}

// dropPrivileges does to the set-id bits what a write by the opener does.
func (h *file) dropPrivileges() {
	if h.flags&OpenKeepSetID == 0 {
		h.fs.dropPrivileges(h.ino(), h.flags&OpenKillSetGID != 0)
	}
}

// Append implements Handle.
func (h *file) Append(p []byte) (int64, int, error) {
	h.fs.mu.Lock()
	defer h.fs.mu.Unlock()
	n, err := h.fs.own(h.ino())
	if err != nil {
		return 0, 0, linux.EIO
	}
	off := n.size
	if off > maxFile-int64(len(p)) {
		return off, 0, linux.EFBIG
	}
	m, err := h.write(p, off)
	return off, m, err
}

// Allocate implements Handle.
func (h *file) Allocate(mode uint32, off, n int64) error {
	if err := checkAllocate(mode, off, n); err != nil {
		return err
	}
	h.fs.mu.Lock()
	defer h.fs.mu.Unlock()
	h.dropPrivileges()
	return h.fs.allocate(h.ino(), mode, off, n)
}

// SeekData implements Handle.
func (h *file) SeekData(off int64) (int64, error) {
	h.fs.mu.RLock()
	defer h.fs.mu.RUnlock()
	return h.fs.seek(h.ino(), off, true)
}

// SeekHole implements Handle.
func (h *file) SeekHole(off int64) (int64, error) {
	h.fs.mu.RLock()
	defer h.fs.mu.RUnlock()
	return h.fs.seek(h.ino(), off, false)
}

// ReadDir implements Handle.
func (h *file) ReadDir(cookie uint64, fn func(DirEntry) bool) error {
	return h.fs.readDir(h.ino(), cookie, fn)
}
