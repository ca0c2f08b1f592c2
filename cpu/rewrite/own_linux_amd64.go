package rewrite

import (
	"sort"

	"github.com/sbxrun/sbx/cpu/memory"
)

// ownChunk is a chunk of a Space's own code.
type ownChunk struct {
	chunk
	placed []*block // in the order of the chunk, dead ones too
}

// make makes the block at pc. It returns nil when pc cannot be executed.
func (s *Space) make(pc uint64) *block {
	if len(s.guarded) > maxGuarded {
		s.flush()
	}
	for {
		var buf [maxBytes]byte
		code, ok := s.fetch(pc, buf[:])
		if !ok {
			return nil
		}
		b, ok := s.place(pc, fromCode, code, s.isChecked(pc, len(code)))
		if !ok {
			continue // its pages are guarded anew
		}
		for p := b.pc / memory.PageSize; b != nil && p <= (b.pc+uint64(len(b.code))-1)/memory.PageSize; p++ {
			s.pages[p] = append(s.pages[p], b)
		}
		if b != nil {
			s.blocks[pc] = b
			for _, w := range b.ways {
				if w.on {
					s.blocks[w.pc] = b
				}
			}
		}
		if b == nil || !s.verified(b) {
			return nil
		}
		return b
	}
}

// away returns the block that leads to pc through the table.
func (s *Space) away(pc uint64) *block {
	for {
		if b := s.aways[pc]; b != nil {
			return b
		}
		b, ok := s.place(pc, leadAway, nil, false)
		if !ok {
			continue
		}
		if b != nil {
			s.aways[pc] = b
		}
		if b == nil || !s.verified(b) {
			return nil
		}
		return b
	}
}

// leadIn returns where the table may lead for pc, where a block is entered that has no way in of its own. It
// returns 0 if there is no memory.
func (s *Space) leadIn(pc uint64) (at uint32) {
	b := s.ins[pc]
	if b != nil {
		return b.host
	}
	b, ok := s.place(pc, leadIn, nil, false)
	if !ok || b == nil {
		return 0
	}
	s.ins[pc] = b
	if !s.linkOwn(branch{rel: b.host + s.emit.sites[0].rel, own: b, target: pc}) {
		return 0
	}
	return b.host
}

// place makes a block of code and puts it into a chunk. ok is false when all code had to be
// forgotten for it, and it is to be tried again; b is nil when there is no memory.
func (s *Space) place(pc uint64, k kind, code []byte, checked bool) (b *block, ok bool) {
	for {
		if n := len(s.chunks); n > 0 {
			c := s.chunks[n-1]
			host, size := c.assemble(&s.emit, pc, k, code, checked, s.known)
			if c.hasRoom(host, len(s.emit.b)) {
				c.put(host, s.emit.b)
				b := &block{made: made{pc: pc, kind: k, code: append([]byte(nil), code[:size]...), host: host, size: uint32(len(s.emit.b)), checked: checked}}
				for _, w := range s.emit.ways {
					w.host += host
					b.ways = append(b.ways, w)
				}
				c.placed = append(c.placed, b)
				return b, true
			}
		}
		switch {
		case s.grow():
		case len(s.chunks) == 0:
			s.fail(errArena)
			return nil, true
		default:
			s.flush()
			return nil, false
		}
	}
}

// known reports whether a block of our own is entered at pc.
func (s *Space) known(pc uint64) bool { return s.blocks[pc] != nil }

// grow takes another chunk, if it may and there is one.
func (s *Space) grow() bool {
	var sum uint32
	for _, c := range s.chunks {
		sum += c.end - c.start
	}
	n := min(chunkSize, s.limit-sum)
	if n == 0 {
		return false
	}
	left := uint64(0)
	if sum > 0 {
		left = leftBySpace
	}
	c, ok := s.arena.take(n, left)
	if !ok && dropIdle() {
		c, ok = s.arena.take(n, left)
	}
	if ok {
		s.chunks = append(s.chunks, &ownChunk{chunk: c})
	}
	return ok
}

// fetch reads the code at pc, as far as it may be executed, after it
// write-protected its pages, so that it can't change behind our back.
func (s *Space) fetch(pc uint64, buf []byte) (code []byte, ok bool) {
	for n := 0; n < len(buf); {
		at := pc + uint64(n)
		end, writable, ok := s.code.Executable(at)
		if !ok || end > memory.Size || end <= at {
			break
		}
		want := int(min(end-at, uint64(len(buf)-n)))
		if writable && !s.code.Aliased(at) {
			s.guard(at, want)
		}
		got := s.window.Read(at, buf[n:n+want])
		n += got
		code = buf[:n]
		if got < want {
			break
		}
	}
	return code, len(code) > 0
}

// maxGuarded bounds how many pages are write-protected one by one: each may be a map
// of the host's, of which the process has only so many.
const maxGuarded = 4096

// guard write-protects the pages of n bytes.
func (s *Space) guard(addr uint64, n int) {
	for p := memory.PageDown(addr); p < addr+uint64(n); p += memory.PageSize {
		if _, writable, ok := s.code.Executable(p); !s.guarded[p] && !s.checked[p] && ok && writable {
			s.guarded[p] = true
			_ = s.window.Protect(p, memory.PageSize, memory.Read)
		}
	}
}

// unguard gives a page back its right to be written.
func (s *Space) unguard(p uint64) {
	delete(s.guarded, p)
	if _, writable, ok := s.code.Executable(p); ok && writable {
		_ = s.window.Protect(p, memory.PageSize, memory.Read|memory.Write)
	}
}

// linkOwn links a branch of our own code.
func (s *Space) linkOwn(t branch) bool {
	to := s.blocks[t.target]
	if to == nil {
		to = s.away(t.target)
	}
	if to == nil {
		return false
	}
	if t.own.dead {
		return true
	}
	at, _ := to.at(t.target)
	s.arena.patch(t.rel, at)
	to.incoming = append(to.incoming, t.rel)
	return s.verified(t.own)
}

// ownAt returns the block of our own that a host address lies in.
func (s *Space) ownAt(host uint64) *block {
	for _, c := range s.chunks {
		if !c.holds(host) {
			continue
		}
		off := uint32(host - uint64(s.arena.rx))
		if i := sort.Search(len(c.placed), func(i int) bool { return c.placed[i].host-entrySize > off }) - 1; i >= 0 {
			return c.placed[i]
		}
	}
	return nil
}

// flush forgets all code of our own: there is no room for more.
func (s *Space) flush() {
	s.stop()
	defer s.start()
	s.settleAll()
	for i, c := range s.chunks {
		for _, b := range c.placed {
			b.dead = true
			s.clearSlots(b)
		}
		c.placed = nil
		if i == 0 {
			c.clear()
		} else {
			s.arena.giveBack(&c.chunk)
		}
	}
	s.chunks = s.chunks[:min(len(s.chunks), 1)]
	for p := range s.guarded {
		s.unguard(p)
	}
	s.forget()
	s.gen.Add(1)
}

// clearSlots empties those slots that lead to a block.
func (s *Space) clearSlots(b *block) {
	s.clearSlot(b.pc, b.host)
	for _, w := range b.ways {
		if w.entry {
			s.clearSlot(w.pc, w.host)
		}
	}
}

func (s *Space) clearSlot(pc uint64, at uint32) {
	if getSlot(s.tableTop, pc) == s.hostOf(at) {
		setSlot(s.tableTop, pc, 0)
	}
}

// Invalidate implements cpu.Executor.
func (s *Space) Invalidate(addr, n uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := 0; i < len(s.regions); i++ {
		if r := s.regions[i]; r.start < addr+n && r.end > addr {
			s.leave(r)
			i--
		}
	}
	for p := range s.alone {
		if p >= addr && p < addr+n {
			delete(s.alone, p)
		}
	}
	s.invalidate(addr, n)
	for p := range s.faults {
		if p+memory.PageSize > addr && p < addr+n {
			delete(s.faults, p)
			delete(s.checked, p)
		}
	}
}

// invalidate forgets the blocks of n bytes and unprotects their pages. It reports
// whether any page was protected.
func (s *Space) invalidate(addr, n uint64) (guarded bool) {
	first, last := addr/memory.PageSize, (addr+n-1)/memory.PageSize
	if n == 0 {
		return false
	}
	var pages []uint64
	if last-first < uint64(len(s.pages)) {
		for p := first; p <= last; p++ {
			if len(s.pages[p]) > 0 || s.guarded[p*memory.PageSize] {
				pages = append(pages, p)
			}
		}
	} else {
		for p := range s.pages {
			if p >= first && p <= last {
				pages = append(pages, p)
			}
		}
	}
	if len(pages) == 0 {
		return false
	}
	s.stop()
	defer s.start()
	s.settleAll()
	for _, p := range pages {
		for _, b := range s.pages[p] {
			s.kill(b)
		}
		delete(s.pages, p)
		if s.guarded[p*memory.PageSize] {
			guarded = true
			s.unguard(p * memory.PageSize)
		}
	}
	s.gen.Add(1)
	return guarded
}

// kill makes a block unreachable. No thread is in guest mode.
func (s *Space) kill(b *block) {
	if b.dead {
		return
	}
	s.forgetBlock(b)
	for _, rel := range b.incoming {
		from := s.ownAt(uint64(s.arena.rx) + uint64(rel))
		s.emit.again(&from.made, s.arena.rx)
		for _, t := range s.emit.sites {
			if from.host+t.rel == rel {
				s.arena.patch(rel, from.host+t.stub)
			}
		}
	}
	b.incoming = nil
}

// forgetBlock takes a block out of the maps.
func (s *Space) forgetBlock(b *block) {
	b.dead = true
	s.clearSlots(b)
	if s.blocks[b.pc] == b {
		delete(s.blocks, b.pc)
	}
	for _, w := range b.ways {
		if s.blocks[w.pc] == b {
			delete(s.blocks, w.pc)
		}
	}
	for _, m := range [...]map[uint64]*block{s.aways, s.ins} {
		if m[b.pc] == b {
			delete(m, b.pc)
		}
	}
}

// Written implements cpu.Executor.
func (s *Space) Written(addr, n uint64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.invalidate(addr, n)
}

// writtenBy is Written for a write by guest code at pc.
func (s *Space) writtenBy(addr, pc uint64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.guarded[memory.PageDown(addr)] {
		s.wrote(addr, pc)
	}
	return s.invalidate(memory.PageDown(addr), 1)
}
