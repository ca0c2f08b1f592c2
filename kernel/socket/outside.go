package socket

import (
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"time"

	"github.com/sbxrun/sbx/abi/linux"
)

// lastWords is how long the outside may take for what a closed socket had sent.
const lastWords = 10 * time.Second

// farewell is how long the end of a sandbox waits for that.
const farewell = time.Second

// Linger waits until what guests have sent over connections that they have closed is with the outside, and the end of it, for
// as long as a sandbox that ends should wait: what is closed with the Stack looks to the outside as if it broke. Until dead
// is closed guests are about to close theirs.
func (st *Stack) Linger(dead <-chan struct{}) {
	limit := time.NewTimer(farewell)
	defer limit.Stop()
	for alive := true; ; {
		st.mu.Lock()
		leaving := false
		for h := range st.far {
			leaving = leaving || alive || h.s.peer == nil
		}
		heard := st.heard
		st.mu.Unlock()
		if !leaving {
			return
		}
		select {
		case <-heard:
		case <-dead:
			dead, alive = nil, false
		case <-limit.C:
			return
		}
	}
}

// heardOut notes that whoever h tells what a guest says has heard the end of it.
func (st *Stack) heardOut(h *HostConn) {
	st.mu.Lock()
	defer st.mu.Unlock()
	if _, ok := st.far[h]; ok {
		delete(st.far, h)
		close(st.heard)
		st.heard = make(chan struct{})
	}
}

// Errno makes an errno of what dialling gave.
func Errno(err error) linux.Errno {
	var dns *net.DNSError
	var ne net.Error
	switch {
	case errors.As(err, &dns):
		return linux.EHOSTUNREACH
	case errors.As(err, &ne) && ne.Timeout() && linux.ErrnoOf(err) != linux.EINTR:
		return linux.ETIMEDOUT
	}
	return linux.ErrnoOf(err)
}

// dialOut calls the dial function that is for an address; its panics are errors.
func (st *Stack) dialOut(ctx context.Context, network string, from, to netip.AddrPort) (c net.Conn, err error) {
	defer func() {
		if recover() != nil {
			c, err = nil, linux.EIO
		}
	}()
	st.mu.Lock()
	_, p, near := st.link(to.Addr())
	st.mu.Unlock()
	switch {
	case near && st.cfg.Neighbour != nil:
		if from.Addr().IsUnspecified() {
			from = netip.AddrPortFrom(p.Addr(), from.Port())
		}
		c, err = st.cfg.Neighbour(ctx, network, from, to)
	case st.cfg.Dial == nil:
		return nil, linux.ENETUNREACH
	default:
		c, err = st.cfg.Dial(ctx, network, to.String())
	}
	if err == nil && c == nil {
		err = linux.EIO
	}
	return c, err
}

// dial connects to the outside in the background.
func (s *Socket) dial(to netip.AddrPort) {
	ctx, cancel := context.WithCancel(s.st.cfg.Context)
	s.state, s.cancel = connecting, cancel
	from := unmap(s.local.AddrPort())
	s.st.cfg.Go(func() {
		defer cancel()
		c, err := s.st.dialOut(ctx, "tcp", from, to)
		var w *wire
		if err == nil {
			w = s.st.newWire(c)
		}
		s.st.mu.Lock()
		if s.state != connecting || ctx.Err() != nil {
			s.st.unlock()
			switch {
			case w != nil:
				w.close(false)
			case err == nil:
				_ = c.Close()
			}
			return
		}
		s.cancel = nil
		if err != nil {
			s.fail(Errno(err))
			s.st.unlock()
			return
		}
		if w != nil {
			s.become(w)
			s.st.unlock()
			return
		}
		h := s.farEnd()
		s.st.far[h] = struct{}{}
		s.st.unlock()
		h.pump(c)
	})
}

// Attach makes a connected TCP socket of a connection of the host's, which the
// socket owns from now on.
func (st *Stack) Attach(c net.Conn, owner Owner, wake func(bits uint32)) (*Socket, error) {
	local, remote := ends(c)
	w := st.newWire(c)
	st.mu.Lock()
	if st.closed {
		st.unlock()
		if w != nil {
			w.close(false)
		}
		return nil, linux.ENETDOWN
	}
	s := st.newLocked(tcpProto{}, linux.AF_INET, linux.SOCK_STREAM, linux.IPPROTO_TCP, owner, wake)
	s.local, s.remote = local, remote
	s.domain = int(s.local.Family)
	if w != nil {
		s.become(w)
		st.unlock()
		return s, nil
	}
	h := s.farEnd()
	st.far[h] = struct{}{}
	st.unlock()
	st.cfg.Go(func() { h.pump(c) })
	return s, nil
}

// ends gives the remote address of a connection; the host's own is nobody's
// business.
func ends(c net.Conn) (local, remote linux.Sockaddr) {
	family := uint16(linux.AF_INET)
	var ap netip.AddrPort
	if a := c.RemoteAddr(); a != nil {
		ap, _ = netip.ParseAddrPort(a.String())
	}
	if a := ap.Addr().Unmap(); a.Is6() {
		family = linux.AF_INET6
	}
	return linux.SockaddrInet(family, netip.AddrPort{}), linux.SockaddrInet(family, netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port()))
}

// farEnd makes the host's side of a connection of s. With the lock held.
func (s *Socket) farEnd() *HostConn {
	h := &HostConn{changed: make(chan struct{})}
	far := s.st.newLocked(tcpProto{}, s.domain, linux.SOCK_STREAM, s.num, Owner{}, h.poke)
	far.host = true
	far.local, far.remote = s.remote, s.local
	h.s = far
	join(s, far)
	s.notify(pollOut)
	return h
}

// pump moves bytes between the connection and the outside until both are done.
func (h *HostConn) pump(c net.Conn) {
	defer h.s.st.heardOut(h)
	ctx, cancel := context.WithCancel(h.s.st.cfg.Context)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { _ = c.Close() })
	defer stop()
	down := make(chan struct{})
	h.s.st.cfg.Go(func() { defer close(down); h.pumpIn(c) })
	gone := make(chan struct{})
	h.s.st.cfg.Go(func() {
		defer close(gone)
		if h.waitGone(ctx) {
			_ = c.SetReadDeadline(time.Unix(1, 0))
			_ = c.SetWriteDeadline(time.Now().Add(lastWords))
		}
	})
	h.pumpOut(c, down)
	<-down
	_ = h.Close()
	_ = c.Close()
	cancel()
	<-gone
}

// pumpIn moves what the outside sends.
func (h *HostConn) pumpIn(c net.Conn) {
	b := make([]byte, 32<<10)
	for {
		n, err := readConn(c, b)
		if n > 0 {
			if _, werr := h.Write(b[:n]); werr != nil {
				return
			}
		}
		switch {
		case err == io.EOF:
			_ = h.CloseWrite()
			return
		case err != nil:
			h.fail(linux.ErrnoOf(err))
			return
		}
	}
}

// readConn reads from a connection that may be anything.
func readConn(c net.Conn, b []byte) (n int, err error) {
	defer func() {
		if recover() != nil || n < 0 || n > len(b) {
			n, err = 0, linux.EIO
		}
	}()
	for range 100 {
		if n, err = c.Read(b); n != 0 || err != nil {
			return n, err
		}
	}
	return 0, io.ErrNoProgress
}

// writeConn writes to one.
func writeConn(c net.Conn, b []byte) (err error) {
	defer func() {
		if recover() != nil {
			err = linux.EIO
		}
	}()
	n, err := c.Write(b)
	if err == nil && n < len(b) {
		err = io.ErrShortWrite
	}
	return err
}

// pumpOut moves what the guest sends, until down at most when the outside takes no more.
func (h *HostConn) pumpOut(c net.Conn, down <-chan struct{}) {
	b := make([]byte, 32<<10)
	for {
		n, err := h.Read(b)
		if n > 0 {
			if werr := writeConn(c, b[:n]); werr != nil {
				select { // what the outside said before it was gone has come before that
				case <-down:
				case <-time.After(farewell):
				}
				h.fail(linux.ErrnoOf(werr))
				_ = c.SetReadDeadline(time.Unix(1, 0))
				return
			}
		}
		if err == nil {
			continue
		}
		if l, ok := c.(interface{ SetLinger(int) error }); ok && err != io.EOF {
			_ = l.SetLinger(0) // the guest reset it
		}
		if w, ok := c.(interface{ CloseWrite() error }); ok && err == io.EOF {
			_ = w.CloseWrite()
		} else {
			_ = c.SetReadDeadline(time.Unix(1, 0))
		}
		return
	}
}
