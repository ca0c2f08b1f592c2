package kernel

import (
	"encoding/binary"
	"sync"

	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/vfs"
)

// eventfd is a counter to wait for, eventfd(2).
type eventfd struct {
	q         Queue
	semaphore bool
	mu        sync.Mutex
	n         uint64
}

// Eventfd is eventfd2(2) with EFD_SEMAPHORE, EFD_NONBLOCK and EFD_CLOEXEC.
func (t *Task) Eventfd(n uint32, flags int) (int, error) {
	if flags&^(linux.EFD_SEMAPHORE|linux.EFD_NONBLOCK|linux.EFD_CLOEXEC) != 0 {
		return -1, linux.EINVAL
	}
	e := &eventfd{n: uint64(n), semaphore: flags&linux.EFD_SEMAPHORE != 0}
	return t.anonFile(e, "anon_inode:[eventfd]", linux.O_RDWR|flags&linux.O_NONBLOCK, flags&linux.EFD_CLOEXEC != 0)
}

func (e *eventfd) read(t *Task, f *File, p []byte) (int, error) {
	if len(p) < 8 {
		return 0, linux.EINVAL
	}
	var n uint64
	err := t.untilReady(&e.q, f, func() bool {
		e.mu.Lock()
		defer e.mu.Unlock()
		if n = e.n; n == 0 {
			return false
		}
		if e.semaphore {
			n = 1
		}
		e.n -= n
		return true
	})
	if err != nil {
		return 0, err
	}
	e.q.wakeBits(pollOut)
	binary.LittleEndian.PutUint64(p, n)
	return 8, nil
}

func (e *eventfd) write(t *Task, f *File, p []byte) (int, error) {
	if len(p) < 8 {
		return 0, linux.EINVAL
	}
	n := binary.LittleEndian.Uint64(p)
	if n == ^uint64(0) {
		return 0, linux.EINVAL
	}
	err := t.untilReady(&e.q, f, func() bool {
		e.mu.Lock()
		defer e.mu.Unlock()
		if ^uint64(0)-e.n <= n {
			return false
		}
		e.n += n
		return true
	})
	if err != nil {
		return 0, err
	}
	e.q.wakeBits(pollIn)
	return 8, nil
}

// untilReady waits for try as O_NONBLOCK says.
func (t *Task) untilReady(q *Queue, f *File, try func() bool) error {
	if f.nonblock() {
		if !try() {
			return linux.EAGAIN
		}
		return nil
	}
	return t.await(q, forever, try)
}

func (e *eventfd) ready(*File) (m uint32) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.n > 0 {
		m |= linux.POLLIN
	}
	if e.n < ^uint64(0)-1 {
		m |= linux.POLLOUT
	}
	if e.n == ^uint64(0) {
		m |= linux.POLLERR
	}
	return m
}

func (e *eventfd) watch(_ *File, w *waker) func()  { return watchQueue(&e.q, w) }
func (e *eventfd) attr(f *File, a *vfs.Attr) error { return f.anonAttr(a, 0o600) }
func (e *eventfd) release(*File)                   {}
