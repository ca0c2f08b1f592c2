package pseudofs

import (
	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/vfs"
)

// File is an open file with fixed content. Store, when not nil, takes each
// write; without it writes are EACCES.
type File struct {
	Content []byte
	Store   func(p []byte) error
}

// ReadAt reads the content that was fixed at open.
func (f *File) ReadAt(p []byte, off int64) (int, error) {
	if off < 0 {
		return 0, linux.EINVAL
	}
	if off >= int64(len(f.Content)) {
		return 0, nil
	}
	return copy(p, f.Content[off:]), nil
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
	if off < 0 || off >= int64(len(f.Content)) {
		return 0, linux.ENXIO
	}
	return off, nil
}

// SeekHole finds the end.
func (f *File) SeekHole(off int64) (int64, error) {
	if off < 0 || off >= int64(len(f.Content)) {
		return 0, linux.ENXIO
	}
	return int64(len(f.Content)), nil
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
