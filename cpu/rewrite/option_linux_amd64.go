package rewrite

import (
	"slices"

	"github.com/sbxrun/sbx/cpu/rewrite/verify"
)

// Option changes how a Space works.
type Option func(*settings)

type settings struct {
	cacheSize int
	verify    bool
	cache     *Cache
}

// CacheSize bounds the memory for a Space's own code, in bytes; less than 64 KiB counts as that.
func CacheSize(n int) Option { return func(s *settings) { s.cacheSize = n } }

// Verified has package verify look at all code before it is executed. Code that
// does not pass makes the threads that want it exit with cpu.Failed.
func Verified() Option { return func(s *settings) { s.verify = true } }

// describe describes a block to the verifier. entered tells where its branches may lead.
func (a *arena) describe(e *emitter, m *made, entered func(host uint64) bool) *verify.Code {
	start := m.host - entrySize
	c := &verify.Code{Bytes: a.rw[start : m.host+m.size], Host: uint64(a.rx) + uint64(start), Entry: entrySize, Entered: entered}
	e.again(m, a.rx)
	for _, t := range e.sites {
		c.Stubs = append(c.Stubs, t.stub)
	}
	for _, w := range e.ways {
		c.Ways = append(c.Ways, w.host)
		if w.entry {
			c.Ways = append(c.Ways, w.host-entrySize)
		}
	}
	return c
}

// codeOf describes a block of the Space's own.
func (s *Space) codeOf(b *block) *verify.Code {
	return s.arena.describe(&s.emit, &b.made, func(host uint64) bool {
		to := s.ownAt(host)
		at := uint32(host - uint64(s.arena.rx))
		return to != nil && !to.dead && (to.host == at || slices.ContainsFunc(to.ways, func(w way) bool { return w.on && w.host == at }))
	})
}

// verified checks a block of the Space's own, if that was asked for. With s.mu held.
func (s *Space) verified(b *block) bool {
	if s.checker == nil {
		return true
	}
	if s.failed.Load() != nil {
		return false
	}
	if err := s.checker.Check(s.codeOf(b)); err != nil {
		s.fail(err)
		s.forgetBlock(b)
		return false
	}
	return true
}

// fail makes the Space's threads exit: code cannot be made.
func (s *Space) fail(err error) { s.failed.CompareAndSwap(nil, &err) }
