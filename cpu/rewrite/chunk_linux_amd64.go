package rewrite

import "golang.org/x/sys/unix"

// chunk is a part of the arena in which blocks are placed one behind the other.
// Offsets are the arena's.
type chunk struct {
	arena            *arena
	start, end, used uint32
}

// next is where the next block's branches will enter.
func (c *chunk) next(align uint32) uint32 { return (c.used + entrySize + align - 1) &^ (align - 1) }

// hasRoom reports whether a block of n bytes fits at an offset.
func (c *chunk) hasRoom(at uint32, n int) bool { return uint64(at)+uint64(n) <= uint64(c.end) }

// put stores a block's code at an offset that next told, with the way in from the table before it.
func (c *chunk) put(at uint32, code []byte) {
	copy(c.arena.rw[at-entrySize:], entryCode)
	copy(c.arena.rw[at:], code)
	c.used = at + uint32(len(code))
}

var entryCode = entry()

// clear forgets all code and gives its memory back.
func (c *chunk) clear() {
	_ = unix.Madvise(c.arena.rw[c.start:min((c.used+4095)&^4095, c.end)], unix.MADV_REMOVE)
	c.used = c.start + entrySize
}

// holds reports whether a host address lies in the chunk.
func (c *chunk) holds(host uint64) bool {
	off := host - uint64(c.arena.rx)
	return off >= uint64(c.start) && off < uint64(c.end)
}

// assemble makes the code of a block where it would come next. host is its place, size how
// much of the guest's code it is made from. known is as for translate.
func (c *chunk) assemble(e *emitter, pc uint64, k kind, code []byte, checked bool, known func(pc uint64) bool) (host uint32, size int) {
	if k != fromCode {
		host = c.next(alignment)
		e.lead(pc, uint64(c.arena.rx)+uint64(host), k)
		e.stubs()
		return host, 0
	}
	for align := uint32(alignment); ; align = loopAlign {
		host = c.next(align)
		size = e.translate(pc, uint64(c.arena.rx)+uint64(host), code, checked, known)
		e.stubs()
		if host%loopAlign == 0 || !e.loops() {
			return host, size
		}
	}
}
