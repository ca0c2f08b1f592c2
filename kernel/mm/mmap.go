package mm

import (
	"os"

	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/cpu/memory"
)

// Flags of mmap(2).
const (
	MapShared         = 0x01
	MapPrivate        = 0x02
	MapSharedValidate = 0x03
	mapType           = 0x0f
	MapFixed          = 0x10
	MapAnonymous      = 0x20
	Map32Bit          = 0x40
	MapGrowsdown      = 0x0100
	MapNoreserve      = 0x4000
	mapHugetlb        = 0x40000
	MapFixedNoreplace = 0x100000
)

// Mmap is mmap(2). f is nil for anonymous memory.
func (s *Space) Mmap(addr, n uint64, prot, flags int, f *File, off int64) (uint64, error) {
	if n == 0 || off%pageSize != 0 || off < 0 || prot&^(ProtRead|ProtWrite|ProtExec|0x01000000|0x02000000) != 0 {
		return 0, linux.EINVAL
	}
	kind := flags & mapType
	if kind != MapShared && kind != MapPrivate && kind != MapSharedValidate {
		return 0, linux.EINVAL
	}
	switch {
	case flags&mapHugetlb != 0 && f != nil:
		return 0, linux.EINVAL
	case flags&mapHugetlb != 0 || n > memory.Size: // no huge pages are set aside
		return 0, linux.ENOMEM
	}
	n = memory.PageUp(n)
	if f != nil && uint64(off)+n < n {
		return 0, linux.EOVERFLOW
	}
	prot &= ProtRead | ProtWrite | ProtExec
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.full(2) {
		return 0, linux.ENOMEM
	}
	addr, err := s.choose(addr, n, prot, flags)
	if err != nil {
		return 0, err
	}
	list, err := s.build(addr, n, prot, flags, f, off)
	if err != nil {
		return 0, err
	}
	err = s.changeCode(addr, addr+n, func() error { return s.install(addr, addr+n, list) })
	if err != nil {
		return 0, err
	}
	return addr, nil
}

// choose finds where a map goes.
func (s *Space) choose(addr, n uint64, prot, flags int) (uint64, error) {
	if flags&(MapFixed|MapFixedNoreplace) != 0 {
		start, end, err := pageRange(addr, n)
		if err != nil {
			return 0, err
		}
		if start < minAddr {
			return 0, linux.EPERM
		}
		if flags&MapFixedNoreplace != 0 {
			if i := s.search(start); i < len(s.areas) && s.areas[i].start < end {
				return 0, linux.EEXIST
			}
		}
		return start, nil
	}
	if hint := memory.PageDown(addr); hint >= minAddr && hint <= memory.Size && memory.Size-hint >= n {
		if i := s.search(hint); i == len(s.areas) || s.areas[i].start >= hint+n {
			return hint, nil
		}
	}
	upper := func() uint64 { return s.free(upperStart, upperTop, n, true) }
	lower := func() uint64 { return s.free(minAddr, lowerTop, n, true) }
	first, second := lower, upper
	if n >= large && prot&ProtExec == 0 && flags&Map32Bit == 0 {
		first, second = upper, lower
	}
	if at := first(); at != 0 {
		return at, nil
	}
	if at := second(); at != 0 && flags&Map32Bit == 0 {
		return at, nil
	}
	return 0, linux.ENOMEM
}

// build makes the areas of a new map, charged for.
func (s *Space) build(addr, n uint64, prot, flags int, f *File, off int64) ([]*area, error) {
	shared := flags&mapType != MapPrivate
	if f != nil {
		return s.buildFile(addr, n, prot, shared, f, off)
	}
	a := &area{start: addr, end: addr + n, prot: prot}
	if !shared {
		a.blank = prot&ProtWrite == 0
		if err := s.charge(a, flags&MapNoreserve != 0); err != nil {
			return nil, err
		}
		return []*area{a}, nil
	}
	let, err := s.hold(int64(n))
	if err != nil {
		return nil, err
	}
	host, err := newSharedMemory(int64(n))
	if err != nil {
		let(int64(n))
		return nil, linux.ENOMEM
	}
	a.obj = &object{Name: "/dev/zero (deleted)", shared: true, host: []*os.File{host}, held: int64(n), let: let, dev: 1}
	a.obj.refs.Store(1)
	a.src = memory.Source{File: host, Shared: true}
	return []*area{a}, nil
}

// install puts areas in place of what is there.
func (s *Space) install(start, end uint64, list []*area) error {
	before := s.cut(start, end)
	for _, old := range before {
		s.drop(old)
	}
	for _, a := range list {
		if err := s.mapArea(a, len(before) == 0); err != nil {
			_ = s.window.Unmap(start, end-start)
			for _, a := range list {
				s.drop(a)
			}
			return linux.ENOMEM
		}
	}
	s.put(list...)
	return nil
}

// mapArea makes the window hold what an area says. hole says that nothing is there yet.
func (s *Space) mapArea(a *area, hole bool) error {
	if a.beyond {
		if hole {
			return nil
		}
		return s.window.Unmap(a.start, a.end-a.start)
	}
	return s.mapAs(a, a.windowProt(), hole)
}

// mapAs is mapArea with another protection. A hole is private memory already, and only to be opened: that costs
// the host half of what new memory in its place does.
func (s *Space) mapAs(a *area, p memory.Prot, hole bool) error {
	switch {
	case !hole || a.src.File != nil:
		return s.window.Map(a.start, a.end-a.start, p, a.src)
	case p == memory.None:
		return nil
	}
	return s.window.Protect(a.start, a.end-a.start, p)
}

// clear makes a hole of where an area is: what is private memory is emptied and closed.
func (s *Space) clear(a *area) {
	n := a.end - a.start
	if a.src.File != nil || s.window.Discard(a.start, n) != nil || s.window.Protect(a.start, n, memory.None) != nil {
		_ = s.window.Unmap(a.start, n)
	}
}

// Munmap is munmap(2). Nothing is mapped above the window, and nothing is what is left there.
func (s *Space) Munmap(addr, n uint64) error {
	if n == 0 || addr%pageSize != 0 || addr > TaskSize || n > TaskSize-addr {
		return linux.EINVAL
	}
	start, end := addr, min(addr+memory.PageUp(n), memory.Size)
	if start >= end {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.full(1) && s.splits(start, end) {
		return linux.ENOMEM
	}
	return s.unmap(start, end)
}

func (s *Space) unmap(start, end uint64) error {
	return s.changeCode(start, end, func() error {
		old := s.cut(start, end)
		for _, a := range old {
			s.clear(a)
			s.drop(a)
		}
		return nil
	})
}

// Mprotect is mprotect(2).
func (s *Space) Mprotect(addr, n uint64, prot int) error {
	const growsDown, growsUp = 0x01000000, 0x02000000
	if prot&^(ProtRead|ProtWrite|ProtExec|growsDown|growsUp) != 0 {
		return linux.EINVAL
	}
	start, end, err := pageRange(addr, n)
	if err != nil || n == 0 {
		return err
	}
	prot &= ProtRead | ProtWrite | ProtExec
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.full(2) {
		return linux.ENOMEM
	}
	// What lies before the first page that is missing, or that must not be, changes.
	var stop error
	at := start
	s.overlapping(start, end, func(a *area, from, to uint64) {
		switch {
		case stop != nil:
			return
		case from != at:
			stop = linux.ENOMEM
			return
		case prot&ProtWrite != 0 && (a.readOnly || a.obj != nil && a.obj.shared && a.obj.backing != nil && !a.obj.writable):
			stop = linux.EACCES
			return
		}
		at = to
	})
	if stop == nil && at != end {
		stop = linux.ENOMEM
	}
	if at == start {
		return stop
	}
	end = at
	if a := s.at(start); a.prot == prot && end <= a.end {
		return stop // it is so, and stays one area
	}
	if err := s.fetchAll(start, end); err != nil {
		return linux.ENOMEM
	}
	paid, err := s.payFor(start, end, prot)
	if err != nil {
		return err
	}
	err = s.changeCode(start, end, func() error {
		for _, a := range s.cut(start, end) {
			if len(paid) > 0 && paid[0].start == a.start {
				a.charged, a.lazy = paid[0].charged, paid[0].lazy
				paid = paid[1:]
			}
			a.absent = false
			a.prot, a.blank, a.written = prot, a.blank && prot&ProtWrite == 0, a.written || (a.prot|prot)&ProtWrite != 0
			var err error
			switch {
			case a.waits() && a.always():
				err = s.tell(a)
			case !a.beyond:
				err = s.window.Protect(a.start, a.end-a.start, a.windowProt())
			}
			s.put(a)
			if err != nil {
				return linux.ENOMEM
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return stop
}

// SetBreak places the break behind a program that was loaded.
func (s *Space) SetBreak(addr uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.brkStart = memory.PageUp(addr)
	s.brk = s.brkStart
}

// Brk is brk(2) as the kernel has it: it returns the break as it is now. limit is
// RLIMIT_DATA in bytes.
func (s *Space) Brk(addr, limit uint64) uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	if addr < s.brkStart || addr > memory.Size || addr-s.brkStart > limit {
		return s.brk
	}
	old, want := memory.PageUp(s.brk), memory.PageUp(addr)
	switch {
	case want > old:
		if i := s.search(old); i < len(s.areas) && s.areas[i].start < want {
			return s.brk
		}
		a := &area{start: old, end: want, prot: ProtRead | ProtWrite, obj: s.heapObject()}
		if s.full(1) || s.charge(a, s.limited()) != nil {
			a.obj.unref()
			return s.brk
		}
		a.off = int64(old - s.brkStart)
		if s.install(old, want, []*area{a}) != nil {
			return s.brk
		}
	case want < old:
		_ = s.unmap(want, old)
	}
	s.brk = addr
	return s.brk
}

// heapObject names the heap.
func (s *Space) heapObject() *object {
	if a := s.at(s.brkStart); a != nil && a.obj != nil && a.obj.Name == "[heap]" {
		return a.obj.ref()
	}
	o := &object{Name: "[heap]"}
	o.refs.Store(1)
	return o
}

// MapNamed maps private memory at a fixed place under a name: a stack, the vdso.
func (s *Space) MapNamed(addr, n uint64, prot int, name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	o := &object{Name: name}
	o.refs.Store(1)
	a := &area{start: addr, end: addr + n, prot: prot, obj: o}
	if err := s.charge(a, true); err != nil {
		return err
	}
	return s.changeCode(addr, addr+n, func() error { return s.install(addr, addr+n, []*area{a}) })
}
