package mm

import (
	"os"

	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/cpu/memory"
	"github.com/sbxrun/sbx/vfs"
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
	// a place in it, or nil when they are nowhere that could be mapped. run is for how
	// many bytes that holds, at least a page.
	Extent(off, n int64) (host *os.File, hostOff, run int64, err error)
	// Fixed reports whether the bytes that Extent finds never change where they are.
	Fixed() bool
	// Share maps bytes that others see when they are stored to: either a file of the
	// host's, in which they are at the same places, or a mapping whose Memory is one of
	// o.New. ENODEV when there is no such thing.
	Share(o vfs.MapOptions) (host *os.File, m *vfs.Mapping, err error)
	ReadAt(p []byte, off int64) (int, error)
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
	o := &object{Name: f.Name, dev: f.Dev, ino: f.Ino, shared: shared, backing: f.Backing, writable: f.Writable}
	o.refs.Store(1)
	o.backing.Ref()
	defer o.unref()
	return s.fileAreas(o, addr, n, prot, off)
}

// fileAreas makes areas that belong to the map of a file.
func (s *Space) fileAreas(o *object, addr, n uint64, prot int, off int64) ([]*area, error) {
	if o.shared {
		a := &area{start: addr, end: addr + n, prot: prot, off: off}
		if err := s.share(o, a); err != nil {
			return nil, err
		}
		a.obj = o.ref()
		return []*area{a}, nil
	}
	list, err := s.privateAreas(o, addr, n, prot, off)
	if err != nil {
		for _, a := range list {
			s.drop(a)
		}
		return nil, err
	}
	return list, nil
}

// privateAreas makes the areas of a private map. What the image has is mapped from
// there; what was changed is mapped from the memory that shared maps have too.
func (s *Space) privateAreas(o *object, addr, n uint64, prot int, off int64) (list []*area, err error) {
	size, err := o.backing.Size()
	if err != nil {
		return nil, err
	}
	pages := min(int64(n), max(int64(memory.PageUp(uint64(size)))-off, 0)) // of the map, that the file has
	for at := int64(0); at < int64(n); {
		a, run := &area{prot: prot, written: prot&ProtWrite != 0}, int64(n)-at
		if at < pages {
			if a.src, a.fixed, run, err = s.source(o, off+at, pages-at, run); err != nil {
				return list, err
			}
		} else {
			a.beyond = true
		}
		if a.charged = prot&ProtWrite != 0; a.charged {
			if err := s.pay(run); err != nil {
				return list, err
			}
		}
		a.start, a.end, a.obj, a.off = addr+uint64(at), addr+uint64(at+run), o.ref(), off+at
		if k := len(list); k > 0 && list[k-1].joins(a) {
			list[k-1].end = a.end
			o.unref()
		} else if list = append(list, a); s.full(k + 2) {
			return list, linux.ENOMEM
		}
		at += run
	}
	return list, nil
}

// source finds what the pages of a private map from off on are made of, and for how
// many bytes: of the n that the file has, or of all that are mapped, if what lies
// behind the end of the file is the same thing. fixed: they never change there.
func (s *Space) source(o *object, off, n, all int64) (src memory.Source, fixed bool, run int64, err error) {
	host, hostOff, run, err := o.backing.Extent(off, n)
	if err != nil {
		return src, false, 0, err
	}
	if run = min(run, n); host != nil {
		return memory.Source{File: host, Offset: hostOff}, o.backing.Fixed(), run, nil
	}
	for run < n { // what comes next is often of the same kind
		host, _, more, err := o.backing.Extent(off+run, n-run)
		if err != nil || host != nil {
			break
		}
		run = min(run+more, n)
	}
	whole := run
	if run == n {
		whole = all
	}
	file, m, err := o.backing.Share(vfs.MapOptions{Off: off, Len: whole, New: s.newMemory})
	if err == linux.ENODEV {
		if file, err = copyToMemory(o.backing, off, run); err == nil {
			o.own(file)
		}
		return memory.Source{File: file}, false, run, err
	}
	if m != nil {
		file = o.hold(m)
	}
	return memory.Source{File: file, Offset: off}, false, whole, err
}

// copyToMemory makes memory with a part of a file, zeroed behind its end.
func copyToMemory(b Backing, off, n int64) (*os.File, error) {
	m, err := newSharedMemory(n)
	if err != nil {
		return nil, linux.ENOMEM
	}
	buf := make([]byte, min(n, 256<<10))
	for at := int64(0); at < n; {
		k, err := b.ReadAt(buf[:min(n-at, int64(len(buf)))], off+at)
		if k > 0 {
			if _, err := m.WriteAt(buf[:k], at); err != nil {
				freeSharedMemory(m)
				return nil, linux.ENOMEM
			}
		}
		if err != nil || k == 0 {
			break // the end; an error is what touching a page would have given
		}
		at += int64(k)
	}
	return m, nil
}
