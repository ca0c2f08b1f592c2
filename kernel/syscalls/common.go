package syscalls

import "sync/atomic"

// common is what the threads of an address space share beside it.
type common struct {
	barriers atomic.Uint32 // the membarrier(2) that it registered for
}

// fork is that of a copy of the address space.
func (s *common) fork() *common {
	c := &common{}
	c.barriers.Store(s.barriers.Load())
	return c
}
