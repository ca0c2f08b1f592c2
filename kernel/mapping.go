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
	m    vfs.Mapper // h, or nil
	host *os.File   // of a file that is the host's, or nil
	key  mappingKey
	name string
	dev  uint64
	refs atomic.Int64

	seals  *seals // of a file of memfd_create
	stores bool   // counted as a shared map that may be written
}

type mappingKey struct {
	super vfs.Super
	ino   vfs.Ino
}

// Map prepares a file for mmap(2): ENODEV for what has no pages. The FileMapping has
// one reference.
func (f *File) Map(t *Task) (*FileMapping, error) {
	var sealed *seals
	switch ops := f.ops.(type) {
	case *regular:
		sealed = ops.seals
	case *execFile:
	default:
		return nil, linux.ENODEV
	}
	// A handle of its own: the description may be closed before the map goes.
	h, err := f.loc.Super().Open(f.loc.Ino, f.Flags()&linux.O_ACCMODE)
	if err != nil {
		return nil, err
	}
	fm := &FileMapping{h: h, key: mappingKey{f.loc.Super(), f.loc.Ino}, name: f.link(t), seals: sealed}
	fm.refs.Store(1)
	var a vfs.Attr
	if err := f.Attr(&a); err != nil {
		_ = h.Close()
		return nil, err
	}
	fm.dev = a.Dev
	switch inner := innermost(h).(type) {
	case vfs.Mapper:
		fm.m = inner
	case vfs.HostFiler:
		fm.host = inner.HostFile()
	}
	return fm, nil
}

// innermost is the handle that others stand in front of.
func innermost(h vfs.Handle) vfs.Handle {
	for {
		u, ok := h.(interface{ Unwrap() vfs.Handle })
		if !ok {
			return h
		}
		h = u.Unwrap()
	}
}

// Zero tells whether the file is /dev/zero, whose maps are memory without a file.
func (f *File) Zero() bool {
	d, ok := f.ops.(*device)
	return ok && d.rdev == linux.Makedev(1, 5)
}

// Ref takes another reference.
func (m *FileMapping) Ref() { m.refs.Add(1) }

// Unref gives one back; the last lets the inode go.
func (m *FileMapping) Unref() {
	if m.refs.Add(-1) > 0 {
		return
	}
	if m.stores {
		m.seals.unmapWritable()
	}
	_ = m.h.Close()
}

// MayStore says of a shared map of a file that was opened for writing whether it may
// be written, now or later: not when seals forbid it. It is to be asked once, before
// the FileMapping is anybody else's.
func (m *FileMapping) MayStore() bool {
	if m.seals == nil {
		return true
	}
	m.stores = m.seals.mapWritable()
	return m.stores
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

// Extent tells where n bytes from off, whole pages, are on the host: a file and a
// place in it, or nil when they are nowhere that could be mapped; and for how many
// bytes that holds.
func (m *FileMapping) Extent(off, n int64) (host *os.File, hostOff, run int64, err error) {
	if m.m == nil {
		return m.host, off, n, nil
	}
	c, place, run, err := m.m.Extent(off, n)
	if err != nil {
		return nil, 0, 0, err
	}
	if f, ok := vfs.HostFile(c); ok && place%4096 == 0 {
		return f, place, run, nil
	}
	return nil, 0, run, nil
}

// Fixed reports whether what Extent finds never changes: it is an image's.
func (m *FileMapping) Fixed() bool { return m.m != nil }

// Share maps bytes that others see when they are stored to: in a file of the host's,
// or in memory that vfs has in common with who maps it. ENODEV for what has neither.
func (m *FileMapping) Share(o vfs.MapOptions) (*os.File, *vfs.Mapping, error) {
	switch {
	case m.host != nil:
		return m.host, nil, nil
	case m.m == nil:
		return nil, nil, linux.ENODEV
	}
	mapped, err := m.m.Map(o)
	return nil, mapped, err
}

// ReadAt reads the file.
func (m *FileMapping) ReadAt(p []byte, off int64) (int, error) { return m.h.ReadAt(p, off) }
