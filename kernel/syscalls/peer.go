package syscalls

import (
	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/kernel"
	"github.com/sbxrun/sbx/kernel/mm"
)

// peer is a thread whose memory the caller may see.
type peer struct{ t *kernel.Task }

// target finds a thread by its id. zero says that 0 is none, and not the caller.
func (c *call) target(id int, zero bool) (peer, error) {
	if id == 0 && zero {
		return peer{}, linux.ESRCH
	}
	u, err := c.t.Peer(id)
	return peer{u}, err
}

// space returns the thread's memory, which done lets go: ESRCH when it has none, or not
// any more.
func (p peer) space() (s *mm.Space, done func(), err error) {
	q, ok := p.t.Running().(*Program)
	if !ok || !q.mm.TryRef() {
		return nil, nil, linux.ESRCH
	}
	return q.mm, q.mm.Unref, nil
}

func sysKcmp(c *call) (int64, error) {
	a, err := c.target(c.int(0), true)
	if err != nil {
		return 0, err
	}
	b, err := c.target(c.int(1), true)
	if err != nil {
		return 0, err
	}
	const kcmpVM, kcmpEpoll = 1, 7
	switch kind := c.int(2); kind {
	case kcmpVM:
		s, done, err := a.space()
		if err != nil {
			return 0, err
		}
		defer done()
		r, done, err := b.space()
		if err != nil {
			return 0, err
		}
		defer done()
		return int64(kernel.Order(s, r)), nil
	case kcmpEpoll:
		return c.kcmpEpoll(a, b)
	default:
		return fdResult(c.t.Same(a.t, b.t, kind, int(c.a[3]), int(c.a[4])))
	}
}

// kcmpEpoll compares a descriptor with one that an epoll watches.
func (c *call) kcmpEpoll(a, b peer) (int64, error) {
	const slotLen = 12
	s, err := c.bytes(c.a[4], slotLen)
	if err != nil {
		return 0, err
	}
	return fdResult(c.t.SameWatched(a.t, b.t, int(int32(c.a[3])), int(int32(le.Uint32(s))), int(int32(le.Uint32(s[4:]))), int(le.Uint32(s[8:]))))
}

// processVM moves bytes between the caller's memory and that of another.
func (c *call) processVM(write bool) (int64, error) {
	if c.a[5] != 0 {
		return 0, linux.EINVAL
	}
	local, err := c.iovecs(c.a[1], c.a[2])
	if err != nil {
		return 0, err
	}
	total := uint64(0)
	for _, x := range local {
		total += x.len
	}
	if total == 0 {
		return 0, nil
	}
	remote, err := c.iovecs(c.a[3], c.a[4])
	if err != nil {
		return 0, err
	}
	u, err := c.target(c.int(0), true)
	if err != nil {
		return 0, err
	}
	space, done, err := u.space()
	if err != nil {
		return 0, err
	}
	defer done()
	b, free := buf(chunk)
	defer free()
	moved := int64(0)
	for i, j := 0, 0; ; {
		for i < len(local) && local[i].len == 0 {
			i++
		}
		for j < len(remote) && remote[j].len == 0 {
			j++
		}
		if i == len(local) || j == len(remote) || c.t.Context().Err() != nil {
			return moved, nil
		}
		l, r := &local[i], &remote[j]
		p := b[:min(l.len, r.len, chunk)]
		var n int
		if write {
			n = space.WriteSome(r.base, p[:c.mm.ReadSome(l.base, p)])
		} else {
			n = c.mm.WriteSome(l.base, p[:space.ReadSome(r.base, p)])
		}
		moved += int64(n)
		if n < len(p) {
			return fault(moved)
		}
		l.base, l.len = l.base+uint64(n), l.len-uint64(n)
		r.base, r.len = r.base+uint64(n), r.len-uint64(n)
	}
}

func sysProcessVMReadv(c *call) (int64, error)  { return c.processVM(false) }
func sysProcessVMWritev(c *call) (int64, error) { return c.processVM(true) }

func sysPidfdGetfd(c *call) (int64, error) {
	return fdResult(c.t.PidfdGetfd(c.fd(0), c.fd(1), c.int(2)))
}

// sysProcessMadvise gives another process the advice that nobody takes.
func sysProcessMadvise(c *call) (int64, error) {
	const willneed, cold, pageout = 3, 20, 21
	if c.a[4] != 0 {
		return 0, linux.EINVAL
	}
	v, err := c.iovecs(c.a[1], c.a[2])
	if err != nil {
		return 0, err
	}
	u, err := c.t.PidfdPeer(c.fd(0))
	if err != nil {
		return 0, err
	}
	switch c.int(3) {
	case willneed, cold, pageout:
	default:
		return 0, linux.EINVAL
	}
	if !c.nicer() {
		return 0, linux.EPERM
	}
	space, done, err := peer{u}.space()
	if err != nil {
		return 0, err
	}
	defer done()
	total := int64(0)
	for _, x := range v {
		if err := space.Madvise(x.base, x.len, c.int(3)); err != nil {
			if total > 0 {
				return total, nil
			}
			return 0, err
		}
		total += int64(x.len)
	}
	return total, nil
}
