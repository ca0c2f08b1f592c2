package socket

import (
	"context"
	"io"
	"net"
	"os"
	"sync"
	"time"

	"github.com/sbxrun/sbx/abi/linux"
)

// HostConn is the host's end of a connection with a guest: a net.Conn.
type HostConn struct {
	s     *Socket
	given bool // to who called Connect, and hears the guest by Read or WriteTo

	mu      sync.Mutex
	changed chan struct{} // closed and replaced when anything changed
	read    time.Time
	write   time.Time
}

// poke is the wake function.
func (h *HostConn) poke(uint32) {
	h.mu.Lock()
	close(h.changed)
	h.changed = make(chan struct{})
	h.mu.Unlock()
}

// wait does op until it does not answer EAGAIN. The deadline is read each time,
// for setting it wakes.
func (h *HostConn) wait(ctx context.Context, deadline *time.Time, op func() (int, error)) (int, error) {
	for {
		h.mu.Lock()
		changed := h.changed
		var end time.Time
		if deadline != nil {
			end = *deadline
		}
		h.mu.Unlock()
		if !end.IsZero() && !time.Now().Before(end) {
			return 0, os.ErrDeadlineExceeded
		}
		n, err := op()
		if err != linux.EAGAIN {
			return n, err
		}
		if h.closed() {
			return 0, net.ErrClosed // nothing will change any more
		}
		var timer <-chan time.Time
		var t *time.Timer
		if !end.IsZero() {
			t = time.NewTimer(time.Until(end))
			timer = t.C
		}
		select {
		case <-changed:
		case <-timer:
		case <-ctx.Done():
			err = ctx.Err()
		}
		if t != nil {
			t.Stop()
		}
		if err != linux.EAGAIN {
			return 0, err
		}
	}
}

// Read implements net.Conn.
func (h *HostConn) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	n, err := h.wait(context.Background(), &h.read, func() (int, error) {
		n, err := h.s.Recv(&Message{Data: p})
		if n == 0 && err == nil {
			if h.closed() {
				return 0, net.ErrClosed
			}
			return 0, io.EOF
		}
		return n, err
	})
	if err != nil && err != os.ErrDeadlineExceeded {
		h.told()
	}
	return n, err
}

// told notes that who was given the connection knows how it ended.
func (h *HostConn) told() {
	if h.given {
		h.s.st.heardOut(h)
	}
}

// WriteTo implements io.WriterTo for streams: the guest's bytes go from where they are queued.
func (h *HostConn) WriteTo(w io.Writer) (done int64, err error) {
	defer h.told()
	for {
		var p packet
		_, err := h.wait(context.Background(), &h.read, func() (n int, err error) {
			p, err = h.s.takePiece()
			return 0, err
		})
		switch {
		case err != nil:
			return done, err
		case p.data == nil && h.closed():
			return done, net.ErrClosed
		case p.data == nil:
			return done, nil
		}
		n, err := w.Write(p.data)
		freePiece(p.buf)
		if done += int64(n); err != nil {
			return done, err
		}
	}
}

func (h *HostConn) closed() bool {
	h.s.st.mu.Lock()
	defer h.s.st.mu.Unlock()
	return h.s.state == dead
}

// Write implements net.Conn.
func (h *HostConn) Write(p []byte) (int, error) {
	done := 0
	for done < len(p) {
		n, err := h.wait(context.Background(), &h.write, func() (int, error) { return h.s.Send(&Message{Data: p[done:]}) })
		if done += n; err != nil {
			return done, err
		}
	}
	return done, nil
}

// CloseWrite tells the guest that nothing more comes.
func (h *HostConn) CloseWrite() error { return h.s.Shutdown(linux.SHUT_WR) }

// Close implements net.Conn.
func (h *HostConn) Close() error {
	h.s.Close()
	h.told()
	return nil
}

// SetLinger is net.TCPConn's: with 0 Close resets the connection.
func (h *HostConn) SetLinger(sec int) error {
	st := h.s.st
	st.mu.Lock()
	defer st.unlock()
	h.s.opt.linger, h.s.opt.lingerTime = sec >= 0, int32(max(sec, 0))
	return nil
}

// fail gives the guest an error.
func (h *HostConn) fail(err linux.Errno) {
	st := h.s.st
	st.mu.Lock()
	defer st.unlock()
	o := h.s.peer
	if o == nil {
		return
	}
	if err != linux.ECONNRESET && err != linux.ETIMEDOUT && err != linux.EPIPE {
		err = linux.ECONNRESET
	}
	h.s.peer = nil
	h.s.shutR, h.s.done = true, true
	o.reset(err)
	h.s.notify(^uint32(0))
}

// waitGone waits until the guest has closed its end; false when ctx came first.
func (h *HostConn) waitGone(ctx context.Context) bool {
	_, err := h.wait(ctx, nil, func() (int, error) {
		h.s.st.mu.Lock()
		defer h.s.st.mu.Unlock()
		if h.s.peer != nil {
			return 0, linux.EAGAIN
		}
		return 0, nil
	})
	return err == nil
}

// LocalAddr implements net.Conn.
func (h *HostConn) LocalAddr() net.Addr { return h.addr(h.s.local) }

// RemoteAddr implements net.Conn: the guest's address.
func (h *HostConn) RemoteAddr() net.Addr { return h.addr(h.s.remote) }

func (h *HostConn) addr(sa linux.Sockaddr) net.Addr {
	if h.s.num == linux.IPPROTO_UDP {
		return net.UDPAddrFromAddrPort(sa.AddrPort())
	}
	return net.TCPAddrFromAddrPort(sa.AddrPort())
}

// SetDeadline implements net.Conn.
func (h *HostConn) SetDeadline(t time.Time) error {
	return h.set(func() { h.read, h.write = t, t })
}

// SetReadDeadline implements net.Conn.
func (h *HostConn) SetReadDeadline(t time.Time) error { return h.set(func() { h.read = t }) }

// SetWriteDeadline implements net.Conn.
func (h *HostConn) SetWriteDeadline(t time.Time) error { return h.set(func() { h.write = t }) }

func (h *HostConn) set(f func()) error {
	h.mu.Lock()
	f()
	h.mu.Unlock()
	h.poke(0)
	return nil
}
