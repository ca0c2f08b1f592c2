package mm

import (
	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/cpu/memory"
)

// buildShared makes the areas of a shared map of a file: its memory is one for
// all who map the inode.
func (s *Space) buildShared(addr, n uint64, prot int, f *File, off, pages int64) ([]*area, error) {
	sf, err := s.files.get(s, f.Backing, off, pages)
	if err != nil {
		return nil, err
	}
	o := &object{Name: f.Name, dev: f.Dev, ino: f.Ino, shared: true, file: sf, writable: f.Writable}
	o.refs.Store(1)
	var list []*area
	if pages > 0 {
		list = append(list, &area{start: addr, end: addr + uint64(pages), prot: prot, obj: o.ref(), off: off,
			src: memory.Source{File: sf.memory, Offset: off, Shared: true}})
	}
	if pages < int64(n) {
		list = append(list, &area{start: addr + uint64(pages), end: addr + n, prot: prot, obj: o.ref(), off: off + pages, beyond: true})
	}
	o.unref()
	return list, nil
}

// get returns the memory of an inode, with a reference, that has its bytes from off on.
func (fs *Files) get(s *Space, b Backing, off, n int64) (*sharedFile, error) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	sf := fs.open[b.Key()]
	if sf == nil {
		m, err := newSharedMemory(0)
		if err != nil {
			return nil, linux.ENOMEM
		}
		b.Ref()
		sf = &sharedFile{of: fs, backing: b, memory: m, loaded: map[int64]uint64{}, let: func(int64) {}}
		fs.open[b.Key()] = sf
	}
	sf.refs++
	if err := sf.load(s, off, n); err != nil {
		sf.unref()
		return nil, err
	}
	return sf, nil
}

// load fills in those of n bytes that were not mapped before.
func (sf *sharedFile) load(s *Space, off, n int64) error {
	if off+n > sf.size {
		if err := sf.memory.Truncate(off + n); err != nil {
			return linux.ENOMEM
		}
		sf.size = off + n
	}
	for at := off; at < off+n; at += pageSize {
		word, bit := at/pageSize/64, uint64(1)<<(at/pageSize%64)
		if sf.loaded[word]&bit != 0 {
			continue
		}
		let, err := s.hold(pageSize)
		if err != nil {
			return err
		}
		sf.held, sf.let = sf.held+pageSize, let
		if err := copyRange(sf.memory, sf.backing, at, at+pageSize); err != nil {
			return err
		}
		sf.loaded[word] |= bit
	}
	return nil
}

// release drops a reference. The last one lets the memory go.
func (sf *sharedFile) release() {
	sf.of.mu.Lock()
	defer sf.of.mu.Unlock()
	sf.unref()
}

// unref is release with the lock held.
func (sf *sharedFile) unref() {
	if sf.refs--; sf.refs > 0 {
		return
	}
	delete(sf.of.open, sf.backing.Key())
	freeSharedMemory(sf.memory)
	sf.let(sf.held)
	sf.backing.Unref()
}

// flush writes what maps have stored to the file, up to its end.
func (sf *sharedFile) flush(off, n int64) error {
	size, err := sf.backing.Size()
	if err != nil {
		return err
	}
	buf, old := make([]byte, pageSize), make([]byte, pageSize)
	for end := min(off+n, size, sf.size); off < end; off += pageSize {
		k := int(min(pageSize, end-off))
		if _, err := sf.memory.ReadAt(buf[:k], off); err != nil {
			return linux.EIO
		}
		got, _ := sf.backing.ReadAt(old[:k], off)
		if got == k && string(old[:k]) == string(buf[:k]) {
			continue // not a page that was written
		}
		if _, err := sf.backing.WriteAt(buf[:k], off); err != nil {
			return err
		}
	}
	return nil
}

// flushShared writes the shared files of a range back, before their maps go.
func (s *Space) flushShared(start, end uint64) {
	s.overlapping(start, end, func(a *area, from, to uint64) {
		if a.obj != nil && a.obj.file != nil && a.obj.writable && !a.beyond {
			_ = a.obj.file.flush(a.off+int64(from-a.start), int64(to-from))
		}
	})
}

// Msync is msync(2): shared maps of files reach them.
func (s *Space) Msync(addr, n uint64, flags int) error {
	const async, invalidate, sync = 1, 2, 4
	if flags&^(async|invalidate|sync) != 0 || flags&async != 0 && flags&sync != 0 {
		return linux.EINVAL
	}
	start, end, err := pageRange(addr, n)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.flushShared(start, end)
	if !s.covered(start, end) {
		return linux.ENOMEM
	}
	return nil
}
