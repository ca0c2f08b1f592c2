package pseudofs

import (
	"sync"

	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/vfs"
)

// File is an open file. Render makes its content when it is read from the
// start, as it is then; reads further on continue in the same content. Without
// it the file is empty. Store, when not nil, takes each write; without it
// writes are EACCES.
type File struct {
	Render func() ([]byte, error)
	Store  func(p []byte) error

	mu       sync.Mutex
	content  []byte
	rendered bool
}

// ReadAt reads, and makes the content if it has to.
func (f *File) ReadAt(p []byte, off int64) (int, error) {
	if off < 0 {
		return 0, linux.EINVAL
	}
	b, err := f.text(off == 0)
	if err != nil || off >= int64(len(b)) {
		return 0, err
	}
	return copy(p, b[off:]), nil
}

// text is the content, made anew if it was never made or is to be fresh.
func (f *File) text(fresh bool) ([]byte, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.Render == nil || f.rendered && !fresh {
		return f.content, nil
	}
	b, err := f.Render()
	if err != nil {
		return nil, err
	}
	f.content, f.rendered = b, true
	return b, nil
}

// WriteAt hands p to Store; the offset does not matter, as in sysctl files.
func (f *File) WriteAt(p []byte, _ int64) (int, error) {
	if f.Store == nil {
		return 0, linux.EACCES
	}
	if err := f.Store(p); err != nil {
		return 0, err
	}
	return len(p), nil
}

// Append is WriteAt.
func (f *File) Append(p []byte) (int64, int, error) {
	n, err := f.WriteAt(p, 0)
	return 0, n, err
}

// Allocate refuses with EOPNOTSUPP.
func (f *File) Allocate(uint32, int64, int64) error { return linux.EOPNOTSUPP }

// SeekData finds all of the content to be data.
func (f *File) SeekData(off int64) (int64, error) {
	if b, err := f.text(false); err != nil {
		return 0, err
	} else if off < 0 || off >= int64(len(b)) {
		return 0, linux.ENXIO
	}
	return off, nil
}

// SeekHole finds the end.
func (f *File) SeekHole(off int64) (int64, error) {
	b, err := f.text(false)
	if err != nil {
		return 0, err
	}
	if off < 0 || off >= int64(len(b)) {
		return 0, linux.ENXIO
	}
	return int64(len(b)), nil
}

// ReadDir refuses: it is no directory.
func (f *File) ReadDir(uint64, func(vfs.DirEntry) bool) error { return linux.ENOTDIR }

// Sync does nothing.
func (f *File) Sync() error { return nil }

// Close does nothing.
func (f *File) Close() error { return nil }

// Dir is an open directory. List calls fn for the entries proper whose cookie is
// greater than after, in ascending order of their cookies, which are above 2.
type Dir struct {
	Self, Parent vfs.Ino
	List         func(after uint64, fn func(vfs.DirEntry) bool) error
}

// ReadDir gives ".", ".." (cookies 1 and 2) and what List gives.
func (d *Dir) ReadDir(cookie uint64, fn func(vfs.DirEntry) bool) error {
	if cookie < 1 && !fn(vfs.DirEntry{Name: ".", Ino: d.Self, Type: linux.DT_DIR, Cookie: 1}) {
		return nil
	}
	if cookie < 2 && !fn(vfs.DirEntry{Name: "..", Ino: d.Parent, Type: linux.DT_DIR, Cookie: 2}) {
		return nil
	}
	return d.List(max(cookie, 2), fn)
}

// ReadAt refuses: it is a directory.
func (d *Dir) ReadAt([]byte, int64) (int, error) { return 0, linux.EISDIR }

// WriteAt refuses.
func (d *Dir) WriteAt([]byte, int64) (int, error) { return 0, linux.EISDIR }

// Append refuses.
func (d *Dir) Append([]byte) (int64, int, error) { return 0, 0, linux.EISDIR }

// Allocate refuses.
func (d *Dir) Allocate(uint32, int64, int64) error { return linux.EISDIR }

// SeekData refuses.
func (d *Dir) SeekData(int64) (int64, error) { return 0, linux.EINVAL }

// SeekHole refuses.
func (d *Dir) SeekHole(int64) (int64, error) { return 0, linux.EINVAL }

// Sync does nothing.
func (d *Dir) Sync() error { return nil }

// Close does nothing.
func (d *Dir) Close() error { return nil }
