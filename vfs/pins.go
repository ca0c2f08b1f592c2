package vfs

import (
	"math"
	"math/bits"
	"math/rand/v2"
	"sync"
	"sync/atomic"
)

// pinTable counts what keeps inodes: open files, working directories, mappings.
// It counts by inode and by the mount through which they were reached, so that one
// count serves unlink, which asks for the inode, and umount, which asks for the
// mount. Every open and close goes through it: an inode that was pinned before is
// found again without a lock, and a file that keeps its *pin is closed by one
// atomic operation. A count that fell to zero keeps its place until the table is
// laid out anew.
type pinTable struct {
	slots atomic.Pointer[pinSlots]
	mu    sync.Mutex // adding and laying out
	used  int        // slots that have a pin; guarded by mu
}

// pinSlots is a table with open addressing, by inode.
type pinSlots struct {
	pins  []atomic.Pointer[pin] // a power of two, more than half of them nil
	shift uint
	mul   uint64 // odd and not to be guessed: slots can't be made to collide
}

// pin is what keeps one inode through one mount, or through none.
type pin struct {
	ino   Ino
	mount *Mount
	n     atomic.Int64 // far below zero: not in the table any more
}

const (
	minPins = 32
	pinGone = math.MinInt64 / 2
)

// take adds to the count of ino, which is not 0, and returns where it is kept.
func (t *pinTable) take(ino Ino, m *Mount) *pin {
	if p := t.find(ino, m); p != nil && p.n.Add(1) > 0 {
		return p
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	p := t.find(ino, m)
	if p == nil {
		p = t.add(ino, m)
	}
	p.n.Add(1)
	return p
}

// drop takes one away and reports whether that was the last. What is zero stays
// zero.
func (p *pin) drop() bool {
	for {
		n := p.n.Load()
		if n <= 0 {
			return false
		}
		if p.n.CompareAndSwap(n, n-1) {
			return n == 1
		}
	}
}

// find returns the pin of ino through m, or nil.
func (t *pinTable) find(ino Ino, m *Mount) *pin {
	s := t.slots.Load()
	if s == nil {
		return nil
	}
	for i := s.start(ino); ; i++ {
		p := s.pins[i&(len(s.pins)-1)].Load()
		if p == nil || p.ino == ino && p.mount == m {
			return p
		}
	}
}

func (s *pinSlots) start(ino Ino) int { return int(ino * s.mul >> s.shift) }

// count returns the pins of ino, through whatever mount.
func (t *pinTable) count(ino Ino) (n int64) {
	s := t.slots.Load()
	if s == nil {
		return 0
	}
	for i := s.start(ino); ; i++ {
		p := s.pins[i&(len(s.pins)-1)].Load()
		if p == nil {
			return n
		}
		if p.ino == ino {
			n += max(p.n.Load(), 0)
		}
	}
}

// through reports whether m keeps anything.
func (t *pinTable) through(m *Mount) bool {
	if s := t.slots.Load(); s != nil {
		for i := range s.pins {
			if p := s.pins[i].Load(); p != nil && p.mount == m && p.n.Load() > 0 {
				return true
			}
		}
	}
	return false
}

// add gives ino a pin, whose count is 0. The caller holds mu.
func (t *pinTable) add(ino Ino, m *Mount) *pin {
	s := t.slots.Load()
	if s == nil || (t.used+1)*2 > len(s.pins) {
		s = t.layOut(s)
	}
	p := &pin{ino: ino, mount: m}
	s.put(p)
	t.used++
	return p
}

func (s *pinSlots) put(p *pin) {
	for i := s.start(p.ino); ; i++ {
		if slot := &s.pins[i&(len(s.pins)-1)]; slot.Load() == nil {
			slot.Store(p)
			return
		}
	}
}

// layOut makes a table as large as what is pinned needs it, and forgets the rest.
func (t *pinTable) layOut(old *pinSlots) *pinSlots {
	var live []*pin
	if old != nil {
		for i := range old.pins {
			if p := old.pins[i].Load(); p != nil && !p.n.CompareAndSwap(0, pinGone) {
				live = append(live, p)
			}
		}
	}
	n := minPins
	for n < len(live)*4+4 {
		n *= 2
	}
	s := &pinSlots{pins: make([]atomic.Pointer[pin], n), shift: uint(64 - bits.TrailingZeros(uint(n))), mul: rand.Uint64() | 1}
	for _, p := range live {
		s.put(p)
	}
	t.slots.Store(s)
	t.used = len(live)
	return s
}
