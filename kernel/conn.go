package kernel

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"strconv"
	"sync"
	"time"

	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/vfs"
)

// DialOpts are what a connection may have besides an address.
type DialOpts struct {
	Timeout time.Duration // of connection and handshake; 0 is none of our own
	TLS     *TLS          // nil: the bare stream
}

// Dial opens a connection through Config.Dial, which is where the policy is:
// "tcp" or "udp", a host name or address, a port. Signals interrupt it. A
// failed handshake of TLS is a *TLSError.
func (t *Task) Dial(network, host string, port int, o DialOpts) (int, error) {
	if err := t.enter(); err != nil {
		return -1, err
	}
	if port < 0 || port > 65535 || host == "" {
		return -1, linux.EINVAL
	}
	if t.k.cfg.Dial == nil {
		return -1, linux.ENETUNREACH
	}
	var slot connSlot
	err := t.background(false, func(ctx context.Context) (err error) {
		defer func() {
			if recover() != nil {
				err = linux.EIO
			}
		}()
		if o.Timeout > 0 {
			var cancel context.CancelFunc
			ctx, cancel = context.WithTimeout(ctx, o.Timeout)
			defer cancel()
		}
		c, err := t.k.cfg.Dial(ctx, network, net.JoinHostPort(host, strconv.Itoa(port)))
		if err == nil && o.TLS != nil {
			c, err = o.TLS.handshake(ctx, t.k.clock, c, host)
		}
		if err == nil {
			slot.put(c)
		}
		return err
	})
	if err != nil {
		slot.abandon()
		return -1, dialErrno(err)
	}
	f, err := t.k.newConn(slot.c)
	if err != nil {
		_ = slot.c.Close()
		return -1, err
	}
	return t.install(f, 0, true)
}

// connSlot hands a connection over, or closes it when nobody waits any more.
type connSlot struct {
	mu   sync.Mutex
	c    net.Conn
	gone bool
}

func (s *connSlot) put(c net.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.c = c; s.gone {
		_ = c.Close()
	}
}

func (s *connSlot) abandon() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.gone = true; s.c != nil {
		_ = s.c.Close()
	}
}

// dialErrno makes an errno of what dialling gave, but for a *TLSError.
func dialErrno(err error) error {
	var dns *net.DNSError
	var ne net.Error
	var te *TLSError
	switch {
	case errors.As(err, &te):
		return te
	case errors.As(err, &dns):
		return linux.EHOSTUNREACH
	case errors.As(err, &ne) && ne.Timeout() && linux.ErrnoOf(err) != linux.EINTR:
		return linux.ETIMEDOUT
	}
	return linux.ErrnoOf(err)
}

// conn is a connection: a host stream in both directions.
type conn struct {
	in  hostIn
	out hostOut
	c   net.Conn
}

func (k *Kernel) newConn(c net.Conn) (*File, error) {
	s := &conn{c: c}
	s.in.r, s.out.w = connReader{c}, c
	f, err := k.newFile(s, linux.O_RDWR)
	if err != nil {
		return nil, err
	}
	f.name = bracket("socket", f.ino)
	return f, nil
}

// connReader makes errors of a connection those of Linux.
type connReader struct{ c net.Conn }

func (r connReader) Read(p []byte) (int, error) {
	n, err := r.c.Read(p)
	if err != nil && err != io.EOF && (errors.Is(err, net.ErrClosed) || errors.Is(err, os.ErrDeadlineExceeded)) {
		err = io.EOF
	}
	return n, err
}

func (s *conn) read(t *Task, f *File, p []byte) (int, error)  { return s.in.read(t, f, p) }
func (s *conn) write(t *Task, f *File, p []byte) (int, error) { return s.out.write(t, f, p) }

func (s *conn) ready(f *File) uint32 {
	m := s.in.ready(f)
	if m == linux.POLLHUP {
		m = pollIn | linux.POLLRDHUP // the other side is done; writing may still go
	}
	return m | s.out.ready(f)
}

func (s *conn) watch(f *File, w *waker) func() {
	a, b := s.in.watch(f, w), s.out.watch(f, w)
	return func() { a(); b() }
}

func (s *conn) attr(f *File, a *vfs.Attr) error { return f.anonAttr(a, linux.S_IFSOCK|0o777) }

// release closes the connection, which ends what is under way on it.
func (s *conn) release(*File) { _ = s.c.Close() }

// Shutdown is shutdown(2): how is 0 for reading, 1 for writing, 2 for both.
func (t *Task) Shutdown(fd, how int) error {
	f, err := t.file(fd)
	if err != nil {
		return err
	}
	defer f.decref(t)
	s, ok := f.ops.(*conn)
	if !ok {
		return linux.ENOTSOCK
	}
	if how < 0 || how > 2 {
		return linux.EINVAL
	}
	if c, ok := s.c.(interface{ CloseWrite() error }); ok && how != 0 {
		return linuxErr(c.CloseWrite())
	}
	return nil
}

// linuxErr makes any error an Errno, and nil nil.
func linuxErr(err error) error {
	if err == nil {
		return nil
	}
	return linux.ErrnoOf(err)
}
