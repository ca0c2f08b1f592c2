package vfs

import (
	"io"
	"os"

	"github.com/sbxrun/sbx/abi/linux"
)

// Mapper is a Handle whose bytes can be put into a guest's memory, mmap(2). The
// Handles of FS are; Unwrap leads to them.
type Mapper interface {
	Handle
	// Map starts a mapping. It pins the inode until its Close, whatever becomes of
	// the Handle. ENODEV for what has no pages.
	Map(o MapOptions) (*Mapping, error)
	// Extent tells where n bytes from off, whole pages, are in the image: in a
	// content, from a place on, and for how many bytes that holds, at least a page.
	// The content is nil for bytes that were changed, for holes, and for what lies
	// behind the end. It must only be read.
	Extent(off, n int64) (c Content, place, run int64, err error)
}

// HostFiler is a Handle of a file that is the host's. Mapping it maps the host's file,
// as long as the Handle is open.
type HostFiler interface {
	Handle
	HostFile() *os.File
}

// HostFile returns the file of the host that holds a layer's contents, when
// there is one. It stays its owner's.
func HostFile(c Content) (*os.File, bool) {
	f, ok := c.(*os.File)
	return f, ok
}

// Memory holds the bytes of a file while it is mapped, each in its place. The FS reads
// and writes it, and so does who maps the file: what one stores the other sees. It
// is as long as the file, and nobody may reach what lies behind its end. It comes
// zeroed.
type Memory interface {
	io.ReaderAt
	io.WriterAt
	io.Closer
	Truncate(size int64) error
	// Punch makes a range read as zeros and gives its memory back.
	Punch(off, n int64) error
	// Data returns the first range of whole pages at or after off that has memory;
	// false when there is none.
	Data(off int64) (from, to int64, ok bool)
	// Hold is told how many bytes more, or fewer, who maps the file can reach; an
	// error refuses more. Close gives back what is left.
	Hold(delta int64) error
}

// MapOptions says what is mapped.
type MapOptions struct {
	Off, Len int64 // the range, which may go beyond the end of the file
	// New makes the Memory of an inode that is not mapped yet.
	New func() (Memory, error)
	// Clean makes the next store to any byte of the mapping wait for Dirty. It is
	// called without locks of vfs, and may be nil when nobody stores.
	Clean func()
	// Later says that the bytes need not be in the memory before Load has been called for them.
	Later bool
}

// Mapping is one mapping of an inode. It is safe for concurrent use.
type Mapping struct {
	fs          *FS
	ino         Ino
	mem         Memory
	first, last uint64 // chunks
	clean       func()
	closed      bool // guarded by fs.mu
}

// Map implements Mapper.
func (h *file) Map(o MapOptions) (*Mapping, error) {
	if o.Off < 0 || o.Len <= 0 || o.Off%pageSize != 0 || o.Off > maxFile-o.Len {
		return nil, linux.EINVAL
	}
	fs, ino := h.fs, h.ino()
	fs.mu.Lock()
	defer fs.mu.Unlock()
	mode, err := fs.mode(ino)
	if err != nil {
		return nil, linux.EIO
	}
	if mode&linux.S_IFMT != linux.S_IFREG {
		return nil, linux.ENODEV
	}
	im, err := fs.mapsOf(ino, o.New)
	if err != nil {
		return nil, err
	}
	m := &Mapping{fs: fs, ino: ino, mem: im.mem, clean: o.Clean,
		first: uint64(o.Off) >> chunkShift, last: uint64(o.Off+o.Len-1) >> chunkShift}
	for i := m.first; i <= m.last; i++ {
		if err := fs.useChunk(ino, im, i, o.Later); err != nil {
			fs.unuseChunks(ino, im, m.first, i)
			return nil, err
		}
	}
	im.maps[m] = true
	fs.Ref(ino)
	return m, nil
}

// Memory is where the bytes are, the same for all mappings of the inode.
func (m *Mapping) Memory() Memory { return m.mem }

// Load brings a range of a mapping that was made with Later to its memory: as much of it as the mapping and the file have. An
// error is that of reading the image, or of the memory.
func (m *Mapping) Load(off, n int64) error {
	fs := m.fs
	fs.mu.Lock()
	defer fs.mu.Unlock()
	im := fs.maps[m.ino]
	if m.closed || im == nil {
		return linux.EBADF
	}
	first, last := max(uint64(off)>>chunkShift, m.first), min(uint64(off+n-1)>>chunkShift, m.last)
	for i := first; i <= last; i++ {
		if err := fs.needChunk(m.ino, im, i); err != nil {
			return err
		}
	}
	return nil
}

// Dirty is called before bytes of a range are stored to for the first time, and for
// the first time after Clean: times and the quota (ENOSPC) are settled here, for all
// of the range that the file has.
func (m *Mapping) Dirty(off, n int64) error {
	fs := m.fs
	fs.mu.Lock()
	defer fs.mu.Unlock()
	im := fs.maps[m.ino]
	if m.closed || im == nil {
		return linux.EBADF
	}
	node, f, err := fs.ownFile(m.ino)
	if err != nil {
		return err
	}
	first, last := max(uint64(off)>>chunkShift, m.first), min(uint64(off+n-1)>>chunkShift, m.last)
	for i := first; i <= last; i++ {
		if u := im.chunks[i]; !u.dirty {
			u.dirty = true
			im.chunks[i] = u
			im.dirty++
		}
		if err := fs.reachChunk(m.ino, f, i, im.size); err != nil {
			return err
		}
	}
	node.mtime = fs.now()
	node.ctime = node.mtime
	return nil
}

// Close ends the mapping; its memory must not be used any more. A second one is
// EBADF.
func (m *Mapping) Close() error {
	fs := m.fs
	fs.mu.Lock()
	if m.closed {
		fs.mu.Unlock()
		return linux.EBADF
	}
	m.closed = true
	if _, ok := fs.orphans[m.ino]; ok && fs.pins.count(m.ino) == 1 {
		// The last of a file without a name: nobody will see its bytes again.
		fs.pins.find(m.ino, nil).drop()
		fs.delOrphan(m.ino)
		fs.destroy(m.ino)
		fs.mu.Unlock()
		return nil
	}
	if im := fs.maps[m.ino]; im != nil {
		delete(im.maps, m)
		fs.unuseChunks(m.ino, im, m.first, m.last+1)
	}
	fs.mu.Unlock()
	fs.Unref(m.ino)
	return nil
}

// Extent implements Mapper.
func (h *file) Extent(off, n int64) (c Content, place, run int64, err error) {
	fs, ino := h.fs, h.ino()
	fs.mu.RLock()
	defer fs.mu.RUnlock()
	node, r, err := fs.find(ino)
	if err != nil {
		return nil, 0, 0, linux.EIO
	}
	low := fs.lowerRef(ino)
	size, whole, f := int64(0), low.size, (*fileBody)(nil)
	if node != nil {
		size, f = node.size, node.file()
	} else {
		size = r.size()
	}
	if whole = pageUp(whole); f != nil && f.lowerLen < low.size {
		whole = f.lowerLen &^ (pageSize - 1) // the rest of the page was cut off
	}
	end := min(off+n, pageUp(size))
	if off < 0 || off%pageSize != 0 || off >= end {
		return nil, 0, n, nil
	}
	clean := func(at int64) bool {
		return at < whole && (f == nil || f.chunk(uint64(at)>>chunkShift) == nil) &&
			(len(low.holes) == 0 || low.pages(at, at+pageSize) > 0)
	}
	is, step := clean(off), int64(pageSize)
	if len(low.holes) == 0 {
		step = chunkSize // then a whole chunk is of one kind, but for the end
	}
	at := off
	for at < end && clean(at) == is {
		at = min((at+step)&^(step-1), end)
		if at > whole && is {
			at = whole
		}
	}
	if !is || low.content == nil || low.off > maxFile-end {
		return nil, 0, at - off, nil
	}
	return low.content, low.off + off, at - off, nil
}

func pageUp(n int64) int64 {
	if n > maxFile-pageSize {
		return maxFile &^ (pageSize - 1)
	}
	return (n + pageSize - 1) &^ (pageSize - 1)
}
