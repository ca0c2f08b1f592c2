package socket

import (
	"os"
	"sync"
	"sync/atomic"
	"syscall"

	"golang.org/x/sys/unix"
)

// poller hears from the host what happens on the wires of a stack. One goroutine waits.
type poller struct {
	st  *Stack
	f   *os.File // an epoll of the host's
	raw syscall.RawConn

	mu    sync.Mutex // a leaf
	wires map[int32]*wire
	used  atomic.Int32 // how many there are
}

// poller returns the stack's poller, which the first wire makes; nil when the host has
// none, or the stack is closed.
func (st *Stack) poller() *poller {
	st.mu.Lock()
	defer st.mu.Unlock()
	if p := st.poll.Load(); p != nil || st.closed {
		return p
	}
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil
	}
	if err := unix.SetNonblock(fd, true); err != nil { // so that Go's own poller waits for it
		_ = unix.Close(fd)
		return nil
	}
	p := &poller{st: st, f: os.NewFile(uintptr(fd), "epoll"), wires: map[int32]*wire{}}
	if p.raw, err = p.f.SyscallConn(); err != nil {
		_ = p.f.Close()
		return nil
	}
	st.poll.Store(p)
	st.cfg.Go(p.run)
	return p
}

// run tells of events until close.
func (p *poller) run() {
	_ = p.raw.Read(func(fd uintptr) bool {
		p.tell(int(fd))
		return false
	})
}

// hear tells of what has happened by now.
func (p *poller) hear() {
	if p != nil && p.used.Load() > 0 {
		_ = p.raw.Control(func(fd uintptr) { p.tell(int(fd)) })
	}
}

// close ends run. The wires are closed already.
func (p *poller) close() {
	if p != nil {
		_ = p.f.Close()
	}
}

func (p *poller) add(w *wire) bool {
	p.mu.Lock()
	p.wires[int32(w.fd)] = w
	p.used.Store(int32(len(p.wires)))
	p.mu.Unlock()
	ok := false
	_ = p.raw.Control(func(fd uintptr) {
		ev := unix.EpollEvent{Fd: int32(w.fd), Events: unix.EPOLLIN | unix.EPOLLPRI | unix.EPOLLOUT | unix.EPOLLRDHUP | unix.EPOLLET}
		ok = unix.EpollCtl(int(fd), unix.EPOLL_CTL_ADD, w.fd, &ev) == nil
	})
	if !ok {
		p.forget(w)
	}
	return ok
}

// remove is called while w.fd is open.
func (p *poller) remove(w *wire) {
	_ = p.raw.Control(func(fd uintptr) { _ = unix.EpollCtl(int(fd), unix.EPOLL_CTL_DEL, w.fd, nil) })
	p.forget(w)
}

func (p *poller) forget(w *wire) {
	p.mu.Lock()
	if p.wires[int32(w.fd)] == w {
		delete(p.wires, int32(w.fd))
		p.used.Store(int32(len(p.wires)))
	}
	p.mu.Unlock()
}

// tell wakes who waits for what has happened.
func (p *poller) tell(fd int) {
	var events [64]unix.EpollEvent
	for {
		n, err := epollNow(fd, events[:])
		if err == unix.EINTR {
			continue
		}
		if n <= 0 {
			return
		}
		var wires [len(events)]*wire
		p.mu.Lock()
		for i := range events[:n] {
			wires[i] = p.wires[events[i].Fd]
		}
		p.mu.Unlock()
		p.st.mu.Lock()
		for i, w := range wires[:n] {
			if w == nil || w.s == nil {
				continue
			}
			bits := events[i].Events
			if bits&unix.EPOLLOUT != 0 && !w.full.Swap(false) && bits&(unix.EPOLLERR|unix.EPOLLHUP) == 0 {
				bits &^= unix.EPOLLOUT
			}
			if w.hasUrgent(bits&unix.EPOLLPRI != 0) {
				w.s.tellUrgent()
			}
			w.s.notify(normal(bits))
		}
		p.st.unlock()
		if n < len(events) {
			return
		}
	}
}
