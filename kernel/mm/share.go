package mm

import (
	"os"

	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/cpu/memory"
	"github.com/sbxrun/sbx/vfs"
)

// A shared map of a file is its file's memory, so what is stored there is in the file
// at once. The file has to know of stores, though: for its times, its quota, and
// because it is saved when it changed. So a map that may be written begins as one that
// may only be read; the first store faults, tells the file, and opens the whole area.
// Now and then the file wants to be told again (clean).

// waits reports whether stores to an area must be told of first.
func (a *area) waits() bool { return !a.told && a.prot&ProtWrite != 0 && a.tracked() }

// tracked reports whether a file is to be told of stores.
func (a *area) tracked() bool { return a.obj != nil && a.obj.tracked }

// always reports whether stores can't be held back: to code that may be written, the
// executor looks after the protection.
func (a *area) always() bool { return a.prot&(ProtWrite|ProtExec) == ProtWrite|ProtExec }

// windowProt is what the window allows of an area.
func (a *area) windowProt() memory.Prot {
	p := windowProt(a.prot)
	if a.waits() {
		p &^= memory.Write
	}
	if a.closed() {
		p = memory.None
	}
	return p
}

// share makes an area of a shared map of a file.
func (s *Space) share(o *object, a *area) error {
	opt := vfs.MapOptions{Off: a.off, Len: int64(a.end - a.start), New: s.newMemory, Later: a.prot == ProtRead && a.end-a.start >= lazyMin}
	if o.writable {
		opt.Clean = o.clean
	}
	host, m, err := o.backing.Share(opt)
	if err != nil {
		return err
	}
	if m != nil {
		host, a.absent = o.hold(m), opt.Later
		if o.writable && !o.tracked {
			o.tracked = true
		}
		if o.tracked {
			o.users.add(s)
		}
	}
	a.src = memory.Source{File: host, Offset: a.off, Shared: true}
	if o.tracked && a.always() {
		a.told = true
		return m.Dirty(opt.Off, opt.Len)
	}
	return nil
}

// tell tells the file of an area that it is stored to from now on, and lets that happen.
func (s *Space) tell(a *area) error {
	if err := a.obj.dirty(a.off, int64(a.end-a.start)); err != nil {
		return err
	}
	a.told = true
	s.tellings.Add(1)
	if a.beyond {
		return nil
	}
	return s.window.Protect(a.start, a.end-a.start, a.windowProt())
}

// again reports whether a store to the guest that failed at addr may do if it is tried
// once more. tellings is what Space.tellings was before it was tried.
func (s *Space) again(addr uint64, tellings int64) bool {
	if !memory.Inside(addr, 1) {
		return false
	}
	if s.exec.Written(memory.PageDown(addr), 1) {
		return true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if a := s.at(addr); a != nil && a.waits() {
		return s.tell(a) == nil
	}
	return s.settle(addr, tellings)
}

// clean makes the next store to any area of an object fault again.
func (o *object) clean() {
	for _, s := range o.users.list() {
		s.mu.Lock()
		for _, a := range s.areas {
			if a.obj != o || !a.told {
				continue
			}
			a.told = false
			if a.always() || s.window.Protect(a.start, a.end-a.start, a.windowProt()) != nil {
				a.told = true
				_ = o.dirty(a.off, int64(a.end-a.start))
			}
		}
		s.mu.Unlock()
	}
}

// unused is called when an area is gone from a space: with the last of its object the
// space is none of its users any more.
func (s *Space) unused(o *object) {
	for _, a := range s.areas {
		if a.obj == o {
			return
		}
	}
	o.users.remove(s)
}

// Msync is msync(2): what is stored to a map is in its file already.
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
	if !s.covered(start, end) {
		return linux.ENOMEM
	}
	return nil
}

// fileOf is the file behind a memory of newMemory's.
func fileOf(m *vfs.Mapping) *os.File { return m.Memory().(*fileMemory).f }
