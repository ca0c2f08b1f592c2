package rewrite

import (
	"github.com/sbxrun/sbx/cpu/rewrite/verify"
)

// Option changes how a Space works.
type Option func(*settings)

type settings struct {
	cacheSize int
	verify    bool
}

// CacheSize bounds the memory for code, in bytes; less than 64 KiB counts as that.
func CacheSize(n int) Option { return func(s *settings) { s.cacheSize = n } }

// Verified has package verify look at all code before it is executed. Code that
// does not pass makes the threads that want it exit with cpu.Failed.
func Verified() Option { return func(s *settings) { s.verify = true } }

// verified checks a block in the cache, if that was asked for. With s.mu held.
func (s *Space) verified(b *block) bool {
	if s.checker == nil {
		return true
	}
	if s.failed.Load() != nil {
		return false
	}
	if err := s.checker.Check(s.codeOf(b)); err != nil {
		s.failed.CompareAndSwap(nil, &err)
		b.dead = true
		delete(s.blocks, b.pc)
		return false
	}
	return true
}

// codeOf describes a block to the verifier.
func (s *Space) codeOf(b *block) *verify.Code {
	start := b.host - entrySize
	c := &verify.Code{
		Bytes: s.cache.rw[start : b.host+b.size],
		Host:  uint64(s.cache.rx) + uint64(start),
		Entry: entrySize,
		Entered: func(host uint64) bool {
			to := s.blockAt(host)
			return to != nil && !to.dead && uint64(s.cache.rx)+uint64(to.host) == host
		},
	}
	for _, t := range b.sites {
		c.Stubs = append(c.Stubs, t.stub)
	}
	return c
}
