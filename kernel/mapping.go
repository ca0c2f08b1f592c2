package kernel

import (
	"os"
	"sync/atomic"

	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/vfs"
)

// FileMapping is a regular file as who maps it sees it: it holds the inode, not
// the description.
type FileMapping struct {
	h    vfs.Handle
	m    *vfs.Mapping // nil for files that can only be read
	key  mappingKey
	name string
	dev  uint64
	refs atomic.Int64
}

type mappingKey struct {
	super vfs.Super
	ino   vfs.Ino
}

// Map prepares a file for mmap(2): ENODEV for what has no pages. The FileMapping has
// one reference.
func (f *File) Map(t *Task) (*FileMapping, error) {
	switch f.ops.(type) {
	case *regular, *execFile:
	default:
		return nil, linux.ENODEV
	}
	// A handle of its own: the description may be closed before the map goes.
	h, err := f.loc.Super().Open(f.loc.Ino, f.Flags()&linux.O_ACCMODE)
	if err != nil {
		return nil, err
	}
	fm := &FileMapping{h: h, key: mappingKey{f.loc.Super(), f.loc.Ino}, name: f.link(t)}
	fm.refs.Store(1)
	var a vfs.Attr
	if err := f.Attr(&a); err != nil {
		_ = h.Close()
		return nil, err
	}
	fm.dev = a.Dev
	inner := h
	for {
		u, ok := inner.(interface{ Unwrap() vfs.Handle })
		if !ok {
			break
		}
		inner = u.Unwrap()
	}
	if mapper, ok := inner.(vfs.Mapper); ok {
		m, err := mapper.Map(nil)
		if err != nil {
			_ = h.Close()
			return nil, err
		}
		fm.m = m
	}
	return fm, nil
}

// Ref takes another reference.
func (m *FileMapping) Ref() { m.refs.Add(1) }

// Unref gives one back; the last lets the inode go.
func (m *FileMapping) Unref() {
	if m.refs.Add(-1) > 0 {
		return
	}
	if m.m != nil {
		_ = m.m.Close()
	}
	_ = m.h.Close()
}

// Name is the path as /proc/PID/maps shows it; Dev and Ino are its file's numbers.
func (m *FileMapping) Name() string { return m.name }

// Dev is the number of the file's filesystem.
func (m *FileMapping) Dev() uint64 { return m.dev }

// Ino is the file's inode number.
func (m *FileMapping) Ino() uint64 { return uint64(m.key.ino) }

// Key is the same for every mapping of the inode.
func (m *FileMapping) Key() any { return m.key }

// Size is the file's size in bytes.
func (m *FileMapping) Size() (int64, error) {
	var a vfs.Attr
	err := m.key.super.Getattr(m.key.ino, &a)
	return a.Size, err
}

// Extent tells what n bytes from off, whole pages, are on the host: a file and a
// place in it that never changes, or nil when the bytes have to be read; and for how
// many bytes that holds.
func (m *FileMapping) Extent(off, n int64) (host *os.File, hostOff, run int64, err error) {
	if m.m == nil {
		return nil, 0, n, nil
	}
	r, err := m.m.Fault(off, false)
	if err != nil {
		return nil, 0, 0, err
	}
	run = r.Off + r.Len - off
	if r.Content != nil {
		if f, ok := vfs.HostFile(r.Content); ok && r.Offset%4096 == 0 {
			return f, r.Offset + off - r.Off, run, nil
		}
	}
	return nil, 0, run, nil
}

// ReadAt reads the file.
func (m *FileMapping) ReadAt(p []byte, off int64) (int, error) { return m.h.ReadAt(p, off) }

// WriteAt writes to it.
func (m *FileMapping) WriteAt(p []byte, off int64) (int, error) { return m.h.WriteAt(p, off) }
