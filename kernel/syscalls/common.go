package syscalls

import "sync/atomic"

// common is what the threads of an address space share beside it.
type common struct {
	users    atomic.Int32
	barriers atomic.Uint32 // the membarrier(2) that it registered for
	aio      aioTable
}

// newCommon makes one with one user.
func newCommon() *common {
	c := &common{}
	c.users.Store(1)
	return c
}

// ref counts another user in.
func (s *common) ref() *common {
	s.users.Add(1)
	return s
}

// unref counts one out; the last ends what there is.
func (s *common) unref() {
	if s.users.Add(-1) == 0 {
		s.aio.close()
	}
}

// fork is that of a copy of the address space.
func (s *common) fork() *common {
	c := newCommon()
	c.barriers.Store(s.barriers.Load())
	return c
}
