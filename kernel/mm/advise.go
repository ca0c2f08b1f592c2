package mm

import "github.com/sbxrun/sbx/abi/linux"

// Advice of madvise(2).
const (
	adviseDontneed    = 4
	adviseFree        = 8
	adviseRemove      = 9
	adviseDontfork    = 10
	adviseDofork      = 11
	adviseWipeonfork  = 18
	adviseKeeponfork  = 19
	advisePopRead     = 22
	adviseLast        = 25
	adviseDontneedLkd = 24
)

// Madvise is madvise(2). Most of it is advice, which is taken note of.
func (s *Space) Madvise(addr, n uint64, advice int) error {
	if advice < 0 || advice > adviseLast && advice != 100 && advice != 101 || advice >= 5 && advice <= 7 {
		return linux.EINVAL
	}
	start, end, err := pageRange(addr, n)
	if err != nil || n == 0 {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch advice {
	case adviseDontneed, adviseDontneedLkd, adviseFree:
		s.untouch(start, end)
		s.overlapping(start, end, func(a *area, from, to uint64) {
			if !a.beyond {
				_ = s.window.Discard(from, to-from)
			}
		})
	case adviseRemove:
		return linux.EOPNOTSUPP
	case adviseDontfork, adviseDofork, adviseWipeonfork, adviseKeeponfork:
		if s.full(2) {
			return linux.ENOMEM
		}
		for _, a := range s.cut(start, end) {
			switch advice {
			case adviseDontfork, adviseDofork:
				a.noFork = advice == adviseDontfork
			default:
				a.wipe = advice == adviseWipeonfork
			}
			s.put(a)
		}
	}
	if !s.covered(start, end) {
		return linux.ENOMEM
	}
	return nil
}

// Mincore is mincore(2): every mapped page counts as being there.
func (s *Space) Mincore(addr, n uint64) ([]byte, error) {
	start, end, err := pageRange(addr, n)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.covered(start, end) {
		return nil, linux.ENOMEM
	}
	v := make([]byte, (end-start)/pageSize)
	for i := range v {
		v[i] = 1
	}
	return v, nil
}

// Mapped reports whether there is anything at an address.
func (s *Space) Mapped(addr uint64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.at(addr) != nil
}

// Covered reports whether all of a range of whole pages is mapped.
func (s *Space) Covered(addr, n uint64) bool {
	start, end, err := pageRange(addr, n)
	s.mu.Lock()
	defer s.mu.Unlock()
	return err == nil && s.covered(start, end)
}
