package socket

import (
	"net"
	"os"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"github.com/sbxrun/sbx/abi/linux"
)

// wire is a TCP connection of the host that a socket is. Its calls never wait. They are
// safe for concurrent use, also with close: errGone is what comes after it.
type wire struct {
	fd   int
	poll *poller
	s    *Socket // guarded by the stack's lock
	// full says that room is waited for: only then it is told of, for the host tells
	// of everything that holds whenever anything changes.
	full atomic.Bool
	// urged says that an urgent byte was told of that is still there: it is told of once, for the same reason.
	urged  atomic.Bool
	closed atomic.Bool
	uses   atomic.Int32 // calls under way, and one until close
}

// newWire takes a connection of the host's over; nil when it is none that can be.
func (st *Stack) newWire(c net.Conn) *wire {
	tcp, ok := c.(*net.TCPConn)
	if !ok {
		return nil
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return nil
	}
	p := st.poller()
	if p == nil {
		return nil
	}
	w := &wire{fd: -1, poll: p}
	w.uses.Store(1)
	if err := raw.Control(func(fd uintptr) {
		w.fd, err = unix.FcntlInt(fd, unix.F_DUPFD_CLOEXEC, 0)
	}); err != nil || w.fd < 0 {
		return nil
	}
	if !p.add(w) {
		_ = unix.Close(w.fd)
		return nil
	}
	_ = c.Close() // the connection stays, by our descriptor
	return w
}

// take begins a call; false after close.
func (w *wire) take() bool {
	for !w.closed.Load() {
		if n := w.uses.Load(); n > 0 && w.uses.CompareAndSwap(n, n+1) {
			return true
		}
	}
	return false
}

// drop ends a call; the last one closes.
func (w *wire) drop() {
	if w.uses.Add(-1) == 0 {
		_ = unix.Close(w.fd)
	}
}

// close ends the connection when the calls that are under way are done; abort is by RST.
func (w *wire) close(abort bool) {
	if w.closed.Swap(true) {
		return
	}
	w.poll.remove(w)
	if abort {
		_ = unix.SetsockoptLinger(w.fd, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1})
	}
	w.drop()
}

func (w *wire) send(p []byte, flags int) (n int, err error) {
	if !w.take() {
		return 0, errGone
	}
	defer w.drop()
	for {
		n, err = sendto(w.fd, p, flags&(linux.MSG_MORE|linux.MSG_OOB)|unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL)
		if err != unix.EINTR {
			return n, errnoOf(err)
		}
	}
}

func (w *wire) recv(p []byte, flags int) (n int, err error) {
	if !w.take() {
		return 0, errGone
	}
	defer w.drop()
	for {
		n, err = recvfrom(w.fd, p, flags&(linux.MSG_PEEK|linux.MSG_TRUNC|linux.MSG_OOB)|unix.MSG_DONTWAIT)
		if err != unix.EINTR {
			return n, errnoOf(err)
		}
	}
}

// sendFile sends n bytes of a file of the host's.
func (w *wire) sendFile(f *os.File, off int64, n int) (done int, err error) {
	if !w.take() {
		return 0, errGone
	}
	defer w.drop()
	raw, err := f.SyscallConn()
	if err != nil {
		return 0, linux.EIO
	}
	if cerr := raw.Control(func(fd uintptr) {
		for {
			done, err = unix.Sendfile(w.fd, int(fd), &off, n)
			if err != unix.EINTR {
				return
			}
		}
	}); cerr != nil {
		return 0, linux.EIO
	}
	return max(done, 0), errnoOf(err)
}

// ready returns the POLL* bits that hold.
func (w *wire) ready() (uint32, error) {
	if !w.take() {
		return 0, errGone
	}
	defer w.drop()
	m, err := w.look()
	if err == nil && m&unix.POLLOUT == 0 && !w.full.Swap(true) {
		m, err = w.look() // the poller may have dropped what it did not know to be waited for
	}
	return m, err
}

// normal adds the bits that say the same.
func normal(m uint32) uint32 {
	if m&unix.POLLIN != 0 {
		m |= linux.POLLRDNORM
	}
	if m&unix.POLLOUT != 0 {
		m |= linux.POLLWRNORM
	}
	return m
}

func (w *wire) look() (uint32, error) {
	p := unix.PollFd{Fd: int32(w.fd), Events: unix.POLLIN | unix.POLLPRI | unix.POLLOUT | unix.POLLRDHUP}
	for {
		if err := pollNow(&p); err != unix.EINTR {
			return normal(uint32(uint16(p.Revents))), errnoOf(err)
		}
	}
}

func (w *wire) shutdown(how int) error {
	if !w.take() {
		return linux.ENOTCONN
	}
	defer w.drop()
	return errnoOf(unix.Shutdown(w.fd, how))
}

// setInt sets an option of the connection; one that the host does not know is left out.
func (w *wire) setInt(level, name, v int) {
	if w.take() {
		defer w.drop()
		setsockopt(w.fd, level, name, int32(v))
	}
}

// takeErr is SO_ERROR.
func (w *wire) takeErr() linux.Errno {
	if !w.take() {
		return 0
	}
	defer w.drop()
	n, _ := unix.GetsockoptInt(w.fd, unix.SOL_SOCKET, unix.SO_ERROR)
	return linux.Errno(n)
}

// connected is what getpeername(2) tells.
func (w *wire) connected() bool {
	if !w.take() {
		return false
	}
	defer w.drop()
	_, err := unix.Getpeername(w.fd)
	return err == nil
}

// tcpState is TCP_*.
func (w *wire) tcpState() int {
	if !w.take() {
		return linux.TCP_CLOSE
	}
	defer w.drop()
	i, err := unix.GetsockoptTCPInfo(w.fd, unix.IPPROTO_TCP, unix.TCP_INFO)
	if err != nil {
		return linux.TCP_CLOSE
	}
	return int(i.State)
}

// unread and unsent are FIONREAD and SIOCOUTQ.
func (w *wire) unread() (int, error) { return w.count(unix.TIOCINQ) }
func (w *wire) unsent() (int, error) { return w.count(unix.TIOCOUTQ) }

// hasUrgent notes whether there is an urgent byte to be read, and reports one that was not told of yet.
func (w *wire) hasUrgent(there bool) bool {
	if !there {
		w.urged.Store(false)
		return false
	}
	return !w.urged.Swap(true)
}

// atMark is SIOCATMARK.
func (w *wire) atMark() (bool, error) {
	n, err := w.count(linux.SIOCATMARK)
	return n != 0, err
}

func (w *wire) count(req uint) (int, error) {
	if !w.take() {
		return 0, nil
	}
	defer w.drop()
	n, err := unix.IoctlGetInt(w.fd, req)
	return n, errnoOf(err)
}

func errnoOf(err error) error {
	if err == nil {
		return nil
	}
	return linux.ErrnoOf(err)
}
