package mm

import (
	"io"
	"os"
	"sync"

	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/cpu/memory"
)

// File is a file as mmap(2) is given it.
type File struct {
	Name     string // as /proc/PID/maps shows it
	Dev, Ino uint64
	Writable bool // opened for writing: shared maps may be written
	Readable bool
	Backing  Backing
}

// Backing is where the pages of a file come from.
type Backing interface {
	// Size is the file's, in bytes.
	Size() (int64, error)
	// Extent tells what n bytes from off, whole pages, are on the host: a file and
	// a place in it, which never changes, or nil when the bytes have to be read. run is
	// for how many bytes that holds, at least a page.
	Extent(off, n int64) (host *os.File, hostOff, run int64, err error)
	ReadAt(p []byte, off int64) (int, error)
	WriteAt(p []byte, off int64) (int, error)
	// Key is the same for every Backing of one inode.
	Key() any
	// Ref keeps the inode, and Unref lets it go.
	Ref()
	Unref()
}

// buildFile makes the areas of a file's map.
func (s *Space) buildFile(addr, n uint64, prot int, shared bool, f *File, off int64) ([]*area, error) {
	if !f.Readable || shared && prot&ProtWrite != 0 && !f.Writable {
		return nil, linux.EACCES
	}
	size, err := f.Backing.Size()
	if err != nil {
		return nil, err
	}
	pages := min(int64(n), max(int64(memory.PageUp(uint64(size)))-off, 0)) // of the map, that the file has
	if shared {
		return s.buildShared(addr, n, prot, f, off, pages)
	}
	o := &object{Name: f.Name, dev: f.Dev, ino: f.Ino}
	o.refs.Store(1)
	defer o.unref()
	var list []*area
	add := func(a *area, from, to int64) {
		a.start, a.end = addr+uint64(from), addr+uint64(to)
		a.prot, a.obj, a.off = prot, o.ref(), off+from
		if a.charged = prot&ProtWrite != 0 && s.pay(to-from) == nil; prot&ProtWrite != 0 && !a.charged {
			err = linux.ENOMEM
		}
		if k := len(list); k > 0 && list[k-1].joins(a) {
			list[k-1].end = a.end
			o.unref()
			return
		}
		list = append(list, a)
	}
	for at := int64(0); at < pages && err == nil; {
		host, hostOff, run, e := f.Backing.Extent(off+at, pages-at)
		if e != nil {
			err = e
			break
		}
		run = min(run, pages-at)
		if host != nil {
			add(&area{src: memory.Source{File: host, Offset: hostOff}}, at, at+run)
		} else if m, e := copyToMemory(f.Backing, off+at, run); e != nil {
			// Bytes that have to be read are copied to memory that the area then
			// maps privately: it costs nothing to fork.
			err = e
		} else {
			o.host = append(o.host, m)
			add(&area{src: memory.Source{File: m}}, at, at+run)
		}
		at += run
	}
	if err == nil && pages < int64(n) {
		add(&area{beyond: true}, pages, int64(n))
	}
	if err != nil {
		for _, a := range list {
			s.drop(a)
		}
		return nil, err
	}
	return list, nil
}

// copyToMemory makes shared memory with a part of a file, zeroed behind its end.
func copyToMemory(b Backing, off, n int64) (*os.File, error) {
	m, err := newSharedMemory(n)
	if err != nil {
		return nil, linux.ENOMEM
	}
	if err := copyRange(offsetFile{m, off}, b, off, off+n); err != nil {
		freeSharedMemory(m)
		return nil, err
	}
	return m, nil
}

// offsetFile writes to a file whose first byte counts as off.
type offsetFile struct {
	f   *os.File
	off int64
}

func (o offsetFile) WriteAt(p []byte, off int64) (int, error) { return o.f.WriteAt(p, off-o.off) }

// copyRange copies bytes of a file, as far as it goes.
func copyRange(to io.WriterAt, b Backing, from, end int64) error {
	buf := make([]byte, min(end-from, 256<<10))
	for from < end {
		k, err := b.ReadAt(buf[:min(end-from, int64(len(buf)))], from)
		if k > 0 {
			if _, err := to.WriteAt(buf[:k], from); err != nil {
				return linux.ENOMEM
			}
		}
		if err != nil || k == 0 {
			return nil // the end; an error is what touching a page would have given
		}
		from += int64(k)
	}
	return nil
}

// Files are the files that are mapped shared in the address spaces that were made
// with it: one memory for each inode.
type Files struct {
	mu   sync.Mutex
	open map[any]*sharedFile
}

// NewFiles makes an empty table.
func NewFiles() *Files { return &Files{open: map[any]*sharedFile{}} }

// sharedFile is the memory that all shared maps of one inode have in common. What
// is written to it reaches the file when a map of it is synced or goes.
type sharedFile struct {
	of      *Files
	refs    int
	backing Backing
	memory  *os.File
	size    int64            // of the memory; it has holes where nothing was mapped yet
	loaded  map[int64]uint64 // a bit for each page that was, by 64 of them
	held    int64            // bytes that were paid for
	let     func(n int64)
}
