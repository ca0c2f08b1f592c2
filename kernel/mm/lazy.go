package mm

import (
	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/cpu/memory"
)

// Where memory is limited, the heap and large private maps are charged for as they are
// touched, as Linux does it, and not when they are made: most are larger than what is used of them.
// Until then their pages can't be touched in the window. The fault of the first access
// to a part pays for that part; when there is no memory left somebody has to go.
//
// In the same way the bytes of a file get into the memory that its shared maps are of, if they are only read: who maps a large file seldom
// reads all of it.
const (
	lazyPart = 256 << 10 // what is paid for, or copied, at a time, aligned
	lazyMin  = lazyPart  // smaller maps are paid for, or copied, when they are made
)

// closed reports whether an area can't be touched in the window yet.
func (a *area) closed() bool { return a.lazy || a.absent }

// lazily reports whether an area of private memory is charged for when it is touched,
// which a small one is too if nothing was to be set aside for it.
func (s *Space) lazily(a *area, noreserve bool) bool {
	return s.limited() && a.prot&(ProtWrite|ProtExec) == ProtWrite && !a.beyond && (noreserve || a.end-a.start >= lazyMin)
}

func (s *Space) limited() bool { return s.account != nil && s.account.Limited() }

// charge pays for an area of private memory, or notes that it is to be paid for later.
// noreserve says that it is free where memory is not limited.
func (s *Space) charge(a *area, noreserve bool) error {
	n := a.end - a.start
	switch {
	case a.prot&ProtWrite == 0 || a.charged:
		return nil
	case s.lazily(a, noreserve):
		if s.account.Reserve(int64(n)) != nil {
			return linux.ENOMEM
		}
		a.lazy = true
		return nil
	case noreserve && !s.limited():
		return nil
	}
	if err := s.pay(int64(n)); err != nil {
		return err
	}
	a.charged = true
	return nil
}

// uncharge gives back what charge took.
func (s *Space) uncharge(a *area) {
	n := int64(a.end - a.start)
	if a.charged {
		_ = s.pay(-n)
	}
	if a.lazy {
		_ = s.account.Reserve(-n)
	}
	a.charged, a.lazy = false, false
}

// touch pays for the part of a lazy area that an address lies in, and opens it.
func (s *Space) touch(a *area, addr uint64) error {
	start, end := s.part(a, addr)
	n := int64(end - start)
	_ = s.account.Reserve(-n)
	if err := s.pay(n); err != nil {
		_ = s.account.Reserve(n)
		return err
	}
	return s.open(start, end, func(a *area) { a.lazy, a.charged = false, true })
}

// part is the range to open of a closed area for an address.
func (s *Space) part(a *area, addr uint64) (start, end uint64) {
	if s.full(2) { // no more areas: all of it, then
		return a.start, a.end
	}
	start = addr &^ (lazyPart - 1)
	return max(a.start, start), min(a.end, start+lazyPart)
}

// open lets a range of a closed area be touched, after change has noted why.
func (s *Space) open(start, end uint64, change func(a *area)) (err error) {
	s.tellings.Add(1)
	for _, part := range s.cut(start, end) {
		change(part)
		if s.window.Protect(part.start, part.end-part.start, part.windowProt()) != nil {
			err = linux.ENOMEM
		}
		s.put(part)
	}
	return err
}

// fetch copies the part of an absent area that an address lies in to its file's memory, and opens it.
func (s *Space) fetch(a *area, addr uint64) error {
	start, end := s.part(a, addr)
	if err := a.obj.load(a.off+int64(start-a.start), int64(end-start)); err != nil {
		return err
	}
	return s.open(start, end, func(a *area) { a.absent = false })
}

// fetchAll does so with all of a range.
func (s *Space) fetchAll(start, end uint64) error {
	var err error
	s.overlapping(start, end, func(a *area, from, to uint64) {
		if err == nil && a.absent {
			err = a.obj.load(a.off+int64(from-a.start), int64(to-from))
		}
	})
	return err
}

// untouch gives back what was paid for private memory that is about to be dropped, and closes it
// until it is touched again. Less than lazyLeast at a time is not worth an area of its own.
func (s *Space) untouch(start, end uint64) {
	const lazyLeast = 64 << 10
	if !s.limited() {
		return
	}
	var list [][2]uint64
	s.overlapping(start, end, func(a *area, from, to uint64) {
		if a.charged && a.anonymous() && a.prot&(ProtWrite|ProtExec) == ProtWrite && to-from >= lazyLeast {
			list = append(list, [2]uint64{from, to})
		}
	})
	for _, r := range list {
		n := int64(r[1] - r[0])
		if s.full(2) || s.window.Protect(r[0], uint64(n), memory.None) != nil {
			return
		}
		for _, a := range s.cut(r[0], r[1]) {
			s.uncharge(a)
			if a.lazy = s.account.Reserve(n) == nil; !a.lazy {
				a.charged = s.pay(n) == nil
				_ = s.window.Protect(a.start, uint64(n), a.windowProt())
			}
			s.put(a)
		}
	}
}

// settle tries an access again that failed at addr: it reports false when the area there
// is none that waits for it. tellings is what Space.tellings was before. Space.mu is held,
// and let go of while there is no memory.
func (s *Space) settle(addr uint64, tellings int64) bool {
	a := s.at(addr)
	switch {
	case !a.isClosed():
		return s.tellings.Load() != tellings
	case a.absent:
		return s.fetch(a, addr) == nil
	case s.touch(a, addr) == nil:
		return true
	}
	s.mu.Unlock()
	defer s.mu.Lock()
	return s.account.OutOfMemory()
}

// readable reports whether a read from the guest that failed at addr may do if it is
// tried once more.
func (s *Space) readable(addr uint64, tellings int64) bool {
	if !memory.Inside(addr, 1) {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.settle(addr, tellings)
}

// payFor pays for a range that is to be protected otherwise, part by part of the areas
// there, and returns how each of them counts then.
func (s *Space) payFor(start, end uint64, prot int) (paid []area, err error) {
	var before []area
	s.overlapping(start, end, func(a *area, from, to uint64) {
		if err != nil || a.obj != nil && a.obj.shared {
			return
		}
		b := area{start: from, end: to, prot: prot, charged: a.charged, beyond: a.beyond}
		if err = s.charge(&b, a.lazy); err == nil {
			before = append(before, area{start: from, end: to, charged: a.charged, lazy: a.lazy})
			paid = append(paid, b)
		}
	})
	for i := range before {
		old, b := &before[i], paid[i]
		if err != nil { // nothing changes
			b.charged = b.charged && !old.charged
			s.uncharge(&b)
		} else if old.lazy {
			old.charged = false
			s.uncharge(old)
		}
	}
	return paid, err
}

// opened is readable for what lies within n bytes from addr.
func (s *Space) opened(addr, n uint64, tellings int64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	at := addr
	s.overlapping(addr, addr+n, func(a *area, from, _ uint64) {
		if a.closed() && !s.at(at).isClosed() {
			at = from
		}
	})
	return s.settle(at, tellings)
}

func (a *area) isClosed() bool { return a != nil && a.closed() }

// parts reports whether two areas of private memory may be parts of one map.
func (a *area) parts(b *area) bool {
	return b.obj == nil && (a.lazy || a.charged) == (b.lazy || b.charged) && a.noFork == b.noFork && a.wipe == b.wipe
}
