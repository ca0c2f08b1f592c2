package rewrite

import "slices"

// notes are the branches of blocks that were emitted lately, by offset in the arena: a new block is soon left by
// each of them for the first time, and to make it again each time would cost more than all else.
type notes struct {
	gen   uint64
	sites map[uint32][]site
}

const maxNotes = 64

// note keeps the branches of what was emitted last. With s.mu held.
func (s *Space) note() {
	e, n := &s.emit, &s.noted
	if !e.whole {
		return
	}
	if gen := s.gen.Load(); n.sites == nil || n.gen != gen || len(n.sites) >= maxNotes {
		n.gen, n.sites = gen, make(map[uint32][]site)
	}
	if at := uint32(e.host - uint64(s.arena.rx)); n.sites[at] == nil {
		n.sites[at] = slices.Clone(e.sites)
	}
}

// sitesOf returns the branches of a block. With s.mu held.
func (s *Space) sitesOf(m *made) []site {
	if n := &s.noted; n.gen == s.gen.Load() {
		if sites := n.sites[m.host]; sites != nil {
			return sites
		}
	}
	s.emit.again(m, s.arena.rx)
	s.note()
	return s.emit.sites
}
