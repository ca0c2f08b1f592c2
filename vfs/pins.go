package vfs

import (
	"math/bits"
	"math/rand/v2"
	"sync"
)

// pinTable counts pins by inode. It is a table with open addressing, because
// every open and close goes through it and a map's update costs more than the
// rest of them. A count that fell to zero keeps its slot until the table is laid
// out anew: what is opened again finds it.
type pinTable struct {
	mu    sync.Mutex
	slots []pinSlot // a power of two, more than half of them free
	used  int       // slots that have an inode
	live  int       // slots that have pins
	shift uint
	mul   uint64 // odd and not to be guessed: slots can't be made to collide
}

type pinSlot struct {
	ino Ino // 0: free
	n   int
}

const minPins = 16

// add changes the count of ino, which is not 0, and returns the new one. What
// is below zero stays zero.
func (t *pinTable) add(ino Ino, by int) int {
	t.mu.Lock()
	s := t.slot(ino)
	n := s.n + by
	switch {
	case n < 0:
		n = 0
	case s.n == 0 && n > 0:
		t.live++
	}
	if s.n > 0 && n == 0 {
		t.live--
	}
	s.n = n
	t.mu.Unlock()
	return n
}

// count returns the pins of ino.
func (t *pinTable) count(ino Ino) int { return t.add(ino, 0) }

// slot returns the slot of ino, a new one when it has none.
func (t *pinTable) slot(ino Ino) *pinSlot {
	if t.slots == nil {
		t.layOut()
	}
	mask := len(t.slots) - 1
	for i := int(ino * t.mul >> t.shift); ; i = (i + 1) & mask {
		s := &t.slots[i&mask]
		if s.ino == ino {
			return s
		}
		if s.ino != 0 {
			continue
		}
		if (t.used+1)*2 > len(t.slots) {
			t.layOut()
			return t.slot(ino)
		}
		t.used++
		s.ino = ino
		return s
	}
}

// layOut makes the table as large as what is pinned needs it, and forgets the
// rest.
func (t *pinTable) layOut() {
	old := t.slots
	n := minPins
	for n < t.live*4+4 {
		n *= 2
	}
	t.slots, t.used, t.live = make([]pinSlot, n), 0, 0
	t.shift = uint(64 - bits.TrailingZeros(uint(n)))
	t.mul = rand.Uint64() | 1
	for _, s := range old {
		if s.n > 0 {
			*t.slot(s.ino) = s
			t.live++
		}
	}
}
