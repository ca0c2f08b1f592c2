package kernel

import (
	"net"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sbxrun/sbx/abi/linux"
)

// urgently sends bytes of which the last is urgent, as the host does.
func urgently(t *testing.T, c *net.TCPConn, data string) {
	t.Helper()
	raw, err := c.SyscallConn()
	ok(t, err)
	ok(t, raw.Write(func(fd uintptr) bool {
		err = unix.Sendto(int(fd), []byte(data), unix.MSG_OOB, nil)
		return err != syscall.EAGAIN
	}))
	ok(t, err)
}

// urgentByte waits for an urgent byte of the host's connection.
func urgentByte(t *testing.T, c *net.TCPConn) (b byte) {
	t.Helper()
	raw, err := c.SyscallConn()
	ok(t, err)
	ok(t, raw.Control(func(fd uintptr) {
		p := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLPRI}}
		for range 100 {
			if n, _ := unix.Poll(p, 100); n > 0 {
				break
			}
		}
		var one [1]byte
		_, _, err = unix.Recvfrom(int(fd), one[:], unix.MSG_OOB)
		b = one[0]
	}))
	ok(t, err)
	return b
}

// TestWireUrgent: urgent bytes go both ways, and the guest hears of them.
func TestWireUrgent(t *testing.T) {
	wired(t, func(g *Task, fd int) {
		urg := linux.SigSet(1 << (linux.SIGURG - 1))
		_, err := g.Sigmask(linux.SIG_BLOCK, &urg)
		ok(t, err)
		ok(t, g.SetFileOwner(fd, F_OWNER_PID, g.Getpid()))
		mark := func() byte {
			var four [4]byte
			_, err := g.SocketIoctl(fd, linux.SIOCATMARK, four[:])
			ok(t, err)
			return four[0]
		}
		read := func(flags int) string {
			b := make([]byte, 10)
			m := SockMessage{Data: b}
			n, err := g.Recvmsg(fd, &m, flags|linux.MSG_DONTWAIT)
			if err != nil {
				return err.Error()
			}
			want(t, "MSG_OOB", m.Flags&linux.MSG_OOB, flags&linux.MSG_OOB)
			return string(b[:n])
		}
		heard := func() {
			t.Helper()
			if info, err := g.Sigtimedwait(urg, time.Minute); err != nil || info.Signo != linux.SIGURG {
				t.Error("SIGURG:", info.Signo, err)
			}
		}
		g.Write(fd, []byte("go"))
		heard()
		fds := []PollFd{{FD: fd, Events: linux.POLLPRI}}
		n, err := g.Poll(fds, time.Minute)
		ok(t, err)
		want(t, "poll", n, 1)
		want(t, "POLLPRI", fds[0].Revents, linux.POLLPRI)
		want(t, "before", mark(), 0)
		want(t, "urgent", read(linux.MSG_OOB), "!")
		want(t, "urgent again", read(linux.MSG_OOB), linux.EINVAL.Error())
		want(t, "those before", read(0), "abc")
		want(t, "at the mark", mark(), 1)
		ok(t, g.Setsockopt(fd, linux.SOL_SOCKET, linux.SO_OOBINLINE, []byte{1, 0, 0, 0}))
		g.Write(fd, []byte("on"))
		heard()
		g.Poll([]PollFd{{FD: fd, Events: linux.POLLIN}}, time.Minute)
		_, err = g.Sendmsg(fd, &SockMessage{Data: []byte("ab?")}, linux.MSG_OOB)
		ok(t, err)
		for b := make([]byte, 10); ; {
			if n, err := g.Read(fd, b); n == 0 || err != nil {
				return
			}
		}
	}, func(c *net.TCPConn) {
		b := make([]byte, 2)
		c.Read(b)
		urgently(t, c, "abc!")
		c.Read(b)
		urgently(t, c, "?")
		want(t, "the guest's", urgentByte(t, c), '?')
		c.CloseWrite()
	})
}
