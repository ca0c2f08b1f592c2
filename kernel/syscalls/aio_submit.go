package syscalls

import (
	"github.com/sbxrun/sbx/abi/linux"
)

// Operations of struct iocb.
const (
	aioPread, aioPwrite, aioFsync, aioFdsync = 0, 1, 2, 3
	aioPollOp, aioPreadv, aioPwritev         = 5, 7, 8

	aioResfd, aioIOPrio = 1, 2 // flags
)

const iocbLen = 64

// iocb is a request as a program writes it.
type iocb struct {
	at                  uint64 // where it is
	data                uint64
	rwFlags             uint32
	op                  uint16
	fd                  int
	buf, nbytes, offset uint64
	flags, resfd        uint32
}

func (c *call) iocb(at uint64) (r iocb, err error) {
	b, err := c.bytes(at, iocbLen)
	if err != nil {
		return r, err
	}
	r = iocb{at: at, data: le.Uint64(b), rwFlags: le.Uint32(b[12:]), op: le.Uint16(b[16:]), fd: int(int32(le.Uint32(b[20:]))),
		buf: le.Uint64(b[24:]), nbytes: le.Uint64(b[32:]), offset: le.Uint64(b[40:]), flags: le.Uint32(b[56:]), resfd: le.Uint32(b[60:])}
	if le.Uint64(b[48:]) != 0 || int64(r.nbytes) < 0 {
		return r, linux.EINVAL
	}
	return r, nil
}

func sysIoSubmit(c *call) (int64, error) {
	n := int64(c.a[1])
	if n < 0 {
		return 0, linux.EINVAL
	}
	x, err := c.common.aio.find(c.a[0])
	if err != nil {
		return 0, err
	}
	for i := range min(n, int64(x.most)) {
		at, err := c.mm.Uint64(c.a[2] + 8*uint64(i))
		if err == nil {
			err = c.submit(x, at)
		}
		if err != nil {
			if i > 0 {
				return i, nil
			}
			return 0, err
		}
	}
	return min(n, int64(x.most)), nil
}

// submit does one request. An error is about the request; how it went is its event's.
func (c *call) submit(x *aioContext, at uint64) error {
	r, err := c.iocb(at)
	if err != nil {
		return err
	}
	x.mu.Lock()
	full := x.full()
	x.mu.Unlock()
	if full {
		return linux.EAGAIN
	}
	flags, err := c.t.StatusFlags(r.fd)
	if err != nil {
		return err
	}
	if flags&linux.O_PATH != 0 {
		return linux.EBADF
	}
	tell, let := func() {}, func() {}
	if r.flags&aioResfd != 0 {
		if tell, let, err = c.t.Notifier(int(int32(r.resfd))); err != nil {
			return err
		}
	}
	const keyAt = 8
	if err := c.mm.PutUint32(at+keyAt, 0); err != nil {
		let()
		return err
	}
	if r.op == aioPollOp {
		return c.submitPoll(x, r, tell, let)
	}
	defer let()
	res, err := c.perform(r, flags&linux.O_ACCMODE)
	if err != nil {
		return err
	}
	x.complete(aioEvent{r.data, at, res})
	tell()
	return nil
}

// aioCalls are the calls that requests stand for, with an offset and, for files that
// have none, without.
var aioCalls = map[uint16]struct {
	at, stream func(*call) (int64, error)
	refused    int // the access mode that does not do
	vector     bool
}{
	aioPread: {sysPread, sysRead, linux.O_WRONLY, false}, aioPwrite: {sysPwrite, sysWrite, linux.O_RDONLY, false},
	aioPreadv: {sysPreadv, sysReadv, linux.O_WRONLY, true}, aioPwritev: {sysPwritev, sysWritev, linux.O_RDONLY, true},
}

// perform does a request that is done at once.
func (c *call) perform(r iocb, access int) (res int64, err error) {
	if r.op == aioFsync || r.op == aioFdsync {
		if r.buf|r.offset|r.nbytes|uint64(r.rwFlags) != 0 {
			return 0, linux.EINVAL
		}
		if err = c.t.Fsync(r.fd); err == linux.EINVAL {
			return 0, err
		}
		return outcome(0, err), nil
	}
	do, known := aioCalls[r.op]
	switch {
	case !known:
		return 0, linux.EINVAL
	case r.rwFlags&^rwfKnown != 0:
		return 0, linux.EOPNOTSUPP
	case access == do.refused:
		return 0, linux.EBADF
	case do.vector:
		if _, err := c.iovecs(r.buf, r.nbytes); err != nil {
			return 0, err
		}
	}
	if int64(r.offset) < 0 {
		return 0, linux.EINVAL
	}
	sub := &call{c.Program, c.t, [6]uint64{uint64(r.fd), r.buf, r.nbytes, r.offset}}
	v, err := do.at(sub)
	if err == linux.ESPIPE {
		v, err = do.stream(sub)
	}
	if err == linux.EISDIR {
		return 0, linux.EINVAL
	}
	return outcome(v, err), nil
}

// outcome is what a request came to, as events tell it.
func outcome(v int64, err error) int64 {
	if err != nil {
		return -int64(linux.ErrnoOf(err))
	}
	return v
}

// submitPoll begins to wait for a file.
func (c *call) submitPoll(x *aioContext, r iocb, tell, let func()) error {
	if r.buf > 0xffff || r.offset|r.nbytes|uint64(r.rwFlags) != 0 {
		let()
		return linux.EINVAL
	}
	p := &aioPoll{at: r.at, data: r.data, let: let}
	x.mu.Lock()
	now, cancel, err := c.t.PollAsync(r.fd, uint16(r.buf), func(revents uint16) {
		x.mu.Lock()
		delete(x.polls, p)
		x.mu.Unlock()
		x.complete(aioEvent{r.data, r.at, int64(revents)})
		tell()
		let()
	})
	if err == nil && now == 0 && !x.dead {
		p.cancel = cancel
		x.polls[p] = struct{}{}
	}
	x.mu.Unlock()
	switch {
	case err != nil:
		let()
		return err
	case now != 0:
		x.complete(aioEvent{r.data, r.at, int64(now)})
		tell()
		let()
	case p.cancel == nil && cancel(): // another thread ended the context
		let()
	}
	return nil
}
