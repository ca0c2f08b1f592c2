package kernel

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/sbxrun/sbx/abi/linux"
)

// AIOMax is fs.aio-max-nr: the requests that all contexts of io_setup(2) may have room for.
const AIOMax = 65536

// HoldAIO counts room for requests in: EAGAIN at the limit. A negative number gives back.
func (k *Kernel) HoldAIO(n int64) error {
	if k.aio.Add(n) > AIOMax && n > 0 {
		k.aio.Add(-n)
		return linux.EAGAIN
	}
	return nil
}

// AIO is fs.aio-nr.
func (k *Kernel) AIO() int64 { return k.aio.Load() }

// Await blocks until try reports true, which it is asked after each wake-up of q; for
// executors whose calls wait for something of their own. EINTR for a signal, ETIMEDOUT
// after a timeout, which is none when negative.
func (t *Task) Await(q *Queue, timeout time.Duration, try func() bool) error {
	if err := t.enter(); err != nil {
		return err
	}
	return t.await(q, timeout, try)
}

// PollAsync returns what is ready of the events. If nothing is, it has done called once
// something is, from a goroutine. cancel, which may be called at any time, reports
// whether that will not happen any more.
func (t *Task) PollAsync(fd int, events uint16, done func(revents uint16)) (now uint16, cancel func() bool, err error) {
	f, err := t.file(fd)
	if err != nil {
		return 0, nil, err
	}
	if f.flags.Load()&linux.O_PATH != 0 {
		f.decref(t)
		return 0, nil, linux.EBADF
	}
	ready := func() uint16 {
		return uint16(f.ops.ready(f)) & (events | linux.POLLERR | linux.POLLHUP)
	}
	w := newWaker()
	unwatch := f.ops.watch(f, w)
	if unwatch == nil {
		unwatch = func() {}
	}
	if r := ready(); r != 0 {
		unwatch()
		f.decref(t)
		return r, nil, nil
	}
	var settled atomic.Bool // done was called, or will not be
	stop := make(chan struct{})
	t.k.background(func() {
		defer f.decref(nil)
		defer unwatch()
		for {
			if r := ready(); r != 0 {
				if settled.CompareAndSwap(false, true) {
					done(r)
				}
				return
			}
			select {
			case <-w.ch:
			case <-stop:
				return
			case <-t.k.ctx.Done():
				return
			}
		}
	})
	var once sync.Once
	return 0, func() bool {
		once.Do(func() { close(stop) })
		return settled.CompareAndSwap(false, true)
	}, nil
}

// Notifier returns what adds 1 to an eventfd, for completions, and release, which lets
// it go: EINVAL for another file.
func (t *Task) Notifier(fd int) (add, release func(), err error) {
	f, err := t.file(fd)
	if err != nil {
		return nil, nil, err
	}
	e, ok := f.ops.(*eventfd)
	if !ok {
		f.decref(t)
		return nil, nil, linux.EINVAL
	}
	return e.add, func() { f.decref(nil) }, nil
}

// add adds 1 unless that is too much.
func (e *eventfd) add() {
	e.mu.Lock()
	if e.n < ^uint64(0)-1 {
		e.n++
	}
	e.mu.Unlock()
	e.q.wakeBits(pollIn)
}
