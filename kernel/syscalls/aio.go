package syscalls

import (
	"sync"

	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/kernel"
	"github.com/sbxrun/sbx/kernel/mm"
)

// aioEvent is struct io_event: what a request came to.
type aioEvent struct {
	data, obj uint64
	res       int64
}

const aioEventLen = 32

func (e aioEvent) encode() []byte {
	b := make([]byte, 0, aioEventLen)
	for _, v := range [...]uint64{e.data, e.obj, uint64(e.res), 0} {
		b = le.AppendUint64(b, v)
	}
	return b
}

// aioContext is what io_setup(2) makes. Requests are done when they are submitted, as
// Linux does those of files that it has in memory; only polls wait.
type aioContext struct {
	k    *kernel.Kernel
	room int64 // as asked for, which counts against fs.aio-max-nr
	most int   // requests and events that nobody took yet
	q    kernel.Queue

	mu     sync.Mutex
	events []aioEvent
	polls  map[*aioPoll]struct{}
	dead   bool
}

// aioPoll is a request that waits.
type aioPoll struct {
	at     uint64 // where the program has it
	data   uint64
	cancel func() bool
	let    func() // lets its eventfd go
}

// aioTable has the contexts of an address space, by the addresses that they are known by.
type aioTable struct {
	mu sync.Mutex
	m  map[uint64]*aioContext
}

func (t *aioTable) find(id uint64) (*aioContext, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if x := t.m[id]; x != nil {
		return x, nil
	}
	return nil, linux.EINVAL
}

func (t *aioTable) take(id uint64) (*aioContext, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	x := t.m[id]
	if x == nil {
		return nil, linux.EINVAL
	}
	delete(t.m, id)
	return x, nil
}

// close ends all contexts.
func (t *aioTable) close() {
	t.mu.Lock()
	all := t.m
	t.m = nil
	t.mu.Unlock()
	for _, x := range all {
		x.close()
	}
}

// close ends a context: what waits is given up, and who waits for it finds it gone.
func (x *aioContext) close() {
	x.mu.Lock()
	polls := x.polls
	x.polls, x.events, x.dead = nil, nil, true
	x.mu.Unlock()
	for p := range polls {
		if p.cancel() {
			p.let()
		}
	}
	_ = x.k.HoldAIO(-x.room)
	x.q.Wake()
}

// full reports whether there is no room for another request; mu is held.
func (x *aioContext) full() bool { return len(x.events)+len(x.polls) >= x.most }

// complete makes an event of a request that is done.
func (x *aioContext) complete(e aioEvent) {
	x.mu.Lock()
	if !x.dead {
		x.events = append(x.events, e)
	}
	x.mu.Unlock()
	x.q.Wake()
}

// ringMap makes the memory whose address is the context's name. Linux has a ring of
// events there that programs may read; a page of zeros tells them to ask.
func (c *call) ringMap() (uint64, error) {
	return c.mm.Mmap(0, ringLen, mm.ProtRead|mm.ProtWrite, mm.MapPrivate|mm.MapAnonymous, nil, 0)
}

const ringLen = 4096

func sysIoSetup(c *call) (int64, error) {
	const most = 0x10000000 / aioEventLen / 2
	n := uint64(uint32(c.a[0]))
	old, err := c.mm.Uint64(c.a[1])
	switch {
	case err != nil:
		return 0, err
	case old != 0 || n == 0 || n > most:
		return 0, linux.EINVAL
	case n > kernel.AIOMax:
		return 0, linux.EAGAIN
	}
	k := c.t.Kernel()
	if err := k.HoldAIO(int64(n)); err != nil {
		return 0, err
	}
	x := &aioContext{k: k, room: int64(n), most: 2 * int(max(n, 4*uint64(c.t.CPUs()))), polls: map[*aioPoll]struct{}{}}
	at, err := c.ringMap()
	if err != nil {
		x.close()
		return 0, linux.ENOMEM
	}
	t := &c.common.aio
	t.mu.Lock()
	if t.m == nil {
		t.m = map[uint64]*aioContext{}
	}
	stale := t.m[at] // whose memory the program unmapped itself
	t.m[at] = x
	t.mu.Unlock()
	if stale != nil {
		stale.close()
	}
	if err := c.mm.PutUint64(c.a[1], at); err != nil {
		c.ioDestroy(at)
		return 0, err
	}
	return 0, nil
}

func (c *call) ioDestroy(id uint64) error {
	x, err := c.common.aio.take(id)
	if err != nil {
		return err
	}
	x.close()
	return c.mm.Munmap(id, ringLen)
}

func sysIoDestroy(c *call) (int64, error) { return 0, c.ioDestroy(c.a[0]) }

// sysIoCancel gives up a request that waits: EINPROGRESS is success.
func sysIoCancel(c *call) (int64, error) {
	const keyAt = 8
	key, err := c.mm.Uint32(c.a[1] + keyAt)
	if err != nil {
		return 0, err
	}
	x, err := c.common.aio.find(c.a[0])
	if err != nil || key != 0 {
		return 0, linux.EINVAL
	}
	p := x.remove(c.a[1])
	if p == nil || !p.cancel() {
		return 0, linux.EINVAL
	}
	p.let()
	x.complete(aioEvent{data: p.data, obj: p.at})
	return 0, linux.EINPROGRESS
}

// remove takes a request out of those that wait, by where the program has it.
func (x *aioContext) remove(at uint64) *aioPoll {
	x.mu.Lock()
	defer x.mu.Unlock()
	for p := range x.polls {
		if p.at == at {
			delete(x.polls, p)
			return p
		}
	}
	return nil
}

// ioGetevents waits for events, at least min, and writes at most n of them.
func (c *call) ioGetevents(mask *linux.SigSet) (int64, error) {
	timeout, err := c.looseTimeout(c.a[4])
	if err != nil {
		return 0, err
	}
	x, err := c.common.aio.find(c.a[0])
	if err != nil {
		return 0, err
	}
	least, n := int64(c.a[1]), int64(c.a[2])
	if least > n || least < 0 {
		return 0, linux.EINVAL
	}
	done := int64(0)
	var fault error
	try := func() bool {
		x.mu.Lock()
		defer x.mu.Unlock()
		for len(x.events) > 0 && done < n {
			if fault = c.mm.Write(c.a[3]+uint64(done)*aioEventLen, x.events[0].encode()); fault != nil {
				return true
			}
			x.events = x.events[1:]
			done++
		}
		if x.dead && done < least {
			fault = linux.EINVAL
		}
		return fault != nil || done >= least || done == n
	}
	wait := func() error { return c.t.Await(&x.q, timeout, try) }
	if mask != nil {
		err = c.t.WithSigmask(mask, wait)
	} else {
		err = wait()
	}
	switch {
	case done > 0:
		return done, nil
	case fault != nil:
		return 0, fault
	case err == linux.ETIMEDOUT:
		return 0, nil
	}
	return 0, err
}

func sysIoGetevents(c *call) (int64, error) { return c.ioGetevents(nil) }

func sysIoPgetevents(c *call) (int64, error) {
	if c.a[5] == 0 {
		return c.ioGetevents(nil)
	}
	b, err := c.bytes(c.a[5], 16)
	if err != nil {
		return 0, err
	}
	mask, err := c.mask(le.Uint64(b), le.Uint64(b[8:]))
	if err != nil {
		return 0, err
	}
	return c.ioGetevents(mask)
}
