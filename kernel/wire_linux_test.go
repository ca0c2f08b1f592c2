package kernel

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"net/netip"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sbxrun/sbx/abi/linux"
)

var (
	wireGate  = netip.MustParseAddrPort("10.0.2.1:0")
	wireGuest = netip.MustParseAddrPort("10.0.2.15:80")
)

// hostPair is a connection of the host's loopback: the client's end, and the one to be adopted.
func hostPair(t *testing.T) (client, server *net.TCPConn) {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Skip("no loopback:", err)
	}
	defer l.Close()
	c, err := net.Dial("tcp4", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	s, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close(); s.Close() })
	c.SetDeadline(time.Now().Add(time.Minute))
	return c.(*net.TCPConn), s.(*net.TCPConn)
}

// listens makes a guest that listens, and gives it to f with the listener.
func listens(w *world, f func(g *Task, l int)) *Process {
	ready := make(chan struct{})
	p := w.start(func(g *Task) int {
		g.Sigaction(linux.SIGPIPE, SigIgnore)
		l, _ := g.Socket(linux.AF_INET, linux.SOCK_STREAM, 0)
		ok(w.tb, g.Bind(l, inet("0.0.0.0:80").Encode()))
		ok(w.tb, g.Listen(l, 1))
		close(ready)
		f(g, l)
		return 0
	})
	<-ready
	return p
}

// adopt gives a connection to the guest that listens.
func adopt(t *testing.T, w *world, s net.Conn) {
	t.Helper()
	done, err := w.k.Adopt(context.Background(), s, wireGate, wireGuest)
	want(t, "adopted", done, true)
	ok(t, err)
}

// wired runs a guest and a client of the host whose connection the guest has accepted.
func wired(t *testing.T, guest func(g *Task, fd int), client func(c *net.TCPConn)) {
	t.Helper()
	c, s := hostPair(t)
	w := newWorld(t)
	p := listens(w, func(g *Task, l int) {
		fd, _, err := g.Accept(l, 0)
		ok(t, err)
		guest(g, fd)
	})
	adopt(t, w, s)
	client(c)
	w.wait(p)
}

func noise(n int) []byte {
	b := make([]byte, n)
	r := rand.NewChaCha8([32]byte{byte(n)})
	r.Read(b)
	return b
}

// slowly reads as who has other things to do, too.
func slowly(r io.Reader, n int) []byte {
	var out bytes.Buffer
	b := make([]byte, 300_000)
	for turn := 0; out.Len() < n; turn++ {
		if turn%8 == 0 {
			time.Sleep(2 * time.Millisecond)
		}
		k, err := r.Read(b[:1+turn*7919%len(b)])
		out.Write(b[:k])
		if err != nil {
			break
		}
	}
	return out.Bytes()
}

// TestWireBothWays: what does not fit waits, in both directions at once.
func TestWireBothWays(t *testing.T) {
	up, down := noise(24<<20), noise(24<<20+1)
	wired(t, func(g *Task, fd int) {
		pid := child(t, g, func(c *Task) int {
			n, err := c.Write(fd, down)
			want(t, "sent", n, len(down))
			ok(t, err)
			ok(t, c.Shutdown(fd, linux.SHUT_WR))
			return 0
		})
		got := make([]byte, len(up)+10)
		n, err := g.Recvmsg(fd, &SockMessage{Data: got}, linux.MSG_WAITALL)
		ok(t, err)
		want(t, "all of it", sha256.Sum256(got[:n]), sha256.Sum256(up))
		reap(t, g, pid)
	}, func(c *net.TCPConn) {
		go func() {
			for at := 0; at < len(up); at += 1 << 20 {
				c.Write(up[at:min(at+1<<20, len(up))])
				time.Sleep(time.Millisecond)
			}
			c.CloseWrite()
		}()
		got := slowly(c, len(down)+1)
		want(t, "answer", sha256.Sum256(got), sha256.Sum256(down))
	})
}

// TestWireEdges: a server of edges, which waits only when something was cut short.
func TestWireEdges(t *testing.T) {
	up, down := noise(8<<20), noise(16<<20)
	wired(t, func(g *Task, fd int) {
		ok(t, g.SetStatusFlags(fd, linux.O_NONBLOCK))
		ep, _ := g.EpollCreate(0)
		ok(t, g.EpollCtl(ep, linux.EPOLL_CTL_ADD, fd, EpollEvent{Events: linux.EPOLLIN | linux.EPOLLOUT | linux.EPOLLRDHUP | linux.EPOLLET}))
		var got []byte
		sent, ended, b := 0, false, make([]byte, 100_000)
		for !ended || sent < len(down) {
			evs, err := g.EpollWait(ep, 8, 20*time.Second, nil)
			if err != nil || len(evs) == 0 {
				t.Errorf("no event after %d bytes in and %d out: %v", len(got), sent, err)
				return
			}
			for evs[0].Events&linux.EPOLLOUT != 0 && sent < len(down) {
				end := min(len(down), sent+700_000)
				n, err := g.Write(fd, down[sent:end])
				if sent += max(n, 0); err == linux.EAGAIN || n < end-sent+n {
					break
				}
				ok(t, err)
			}
			for evs[0].Events&linux.EPOLLIN != 0 {
				n, err := g.Read(fd, b)
				if err == linux.EAGAIN {
					break
				}
				ok(t, err)
				got = append(got, b[:n]...)
				if n < len(b) && evs[0].Events&linux.EPOLLRDHUP == 0 {
					break // as nginx does: the end would be told of
				}
				if ended = n == 0; ended {
					break
				}
			}
		}
		want(t, "all of it", sha256.Sum256(got), sha256.Sum256(up))
		ok(t, g.Close(fd))
	}, func(c *net.TCPConn) {
		go func() {
			for at := 0; at < len(up); at += 64 << 10 {
				c.Write(up[at:min(at+64<<10, len(up))])
			}
			c.CloseWrite()
		}()
		want(t, "answer", sha256.Sum256(slowly(c, len(down)+1)), sha256.Sum256(down))
	})
}

// TestWireHalfClosed: each side goes on after the other's last word.
func TestWireHalfClosed(t *testing.T) {
	wired(t, func(g *Task, fd int) {
		b := make([]byte, 100)
		fds := []PollFd{{FD: fd, Events: linux.POLLIN | linux.POLLRDHUP}}
		n, err := g.Recvmsg(fd, &SockMessage{Data: b}, linux.MSG_WAITALL)
		want(t, "first words", string(b[:n]), "over")
		ok(t, err)
		g.Poll(fds, 10*time.Second)
		want(t, "the end", fds[0].Revents, uint16(linux.POLLIN|linux.POLLRDHUP))
		g.Write(fd, []byte("and out"))
		ok(t, g.Shutdown(fd, linux.SHUT_WR))
		_, err = g.Write(fd, b)
		want[error](t, "after shutdown", err, linux.EPIPE)
	}, func(c *net.TCPConn) {
		io.WriteString(c, "over")
		c.CloseWrite()
		b, err := io.ReadAll(c)
		want(t, "answer", string(b), "and out")
		ok(t, err)
	})
	wired(t, func(g *Task, fd int) {
		ok(t, g.Shutdown(fd, linux.SHUT_WR))
		b := make([]byte, 100)
		n, err := g.Recvmsg(fd, &SockMessage{Data: b}, linux.MSG_WAITALL)
		want(t, "still heard", string(b[:n]), "late")
		ok(t, err)
	}, func(c *net.TCPConn) {
		b, err := io.ReadAll(c)
		want(t, "answer", string(b), "")
		ok(t, err)
		io.WriteString(c, "late")
		c.CloseWrite()
	})
}

// TestWireResets: in the middle of a transfer, from either side.
func TestWireResets(t *testing.T) {
	wired(t, func(g *Task, fd int) {
		big := noise(32 << 20)
		n, err := g.Write(fd, big)
		if n > 0 && err == nil { // cut short: the next one tells
			if n == len(big) {
				t.Error("all was sent to somebody who is gone")
			}
			_, err = g.Write(fd, big)
		}
		if err != linux.ECONNRESET && err != linux.EPIPE {
			t.Error("a write after the reset:", err)
		}
		_, err = g.Write(fd, big)
		want[error](t, "and the next", err, linux.EPIPE)
		_, err = g.Getpeername(fd)
		want[error](t, "peer", err, linux.ENOTCONN)
		fds := []PollFd{{FD: fd, Events: linux.POLLIN | linux.POLLOUT}}
		g.Poll(fds, 0)
		want(t, "poll", fds[0].Revents&linux.POLLHUP, uint16(linux.POLLHUP))
	}, func(c *net.TCPConn) {
		io.ReadFull(c, make([]byte, 1<<20))
		c.SetLinger(0)
		c.Close()
	})
	wired(t, func(g *Task, fd int) {
		_, err := g.Read(fd, make([]byte, 10))
		want[error](t, "read", err, linux.ECONNRESET)
		n, err := g.Read(fd, make([]byte, 10))
		want(t, "then", n, 0)
		ok(t, err)
	}, func(c *net.TCPConn) {
		c.SetLinger(0)
		c.Close()
	})
	wired(t, func(g *Task, fd int) {
		ok(t, g.Setsockopt(fd, linux.SOL_SOCKET, linux.SO_LINGER, []byte{1, 0, 0, 0, 0, 0, 0, 0}))
		g.Write(fd, []byte("x"))
		g.Read(fd, make([]byte, 1))
		ok(t, g.Close(fd))
	}, func(c *net.TCPConn) {
		io.ReadFull(c, make([]byte, 1))
		io.WriteString(c, "y")
		if _, err := c.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
			t.Error("the guest's reset:", err)
		}
	})
}

// TestWireOptions: what only the host knows, and what it has to be told.
func TestWireOptions(t *testing.T) {
	wired(t, func(g *Task, fd int) {
		int4 := func(level, name int) uint32 {
			v, err := g.Getsockopt(fd, level, name)
			ok(t, err)
			return uint32(v[0])
		}
		peer, err := g.Getpeername(fd)
		ok(t, err)
		sa, _ := linux.DecodeSockaddr(peer)
		want(t, "peer", sa.Addr, wireGate.Addr())
		g.Poll([]PollFd{{FD: fd, Events: linux.POLLIN}}, 10*time.Second)
		var four [4]byte
		_, err = g.SocketIoctl(fd, linux.FIONREAD, four[:])
		ok(t, err)
		want(t, "FIONREAD", four[0], 5)
		b := make([]byte, 10)
		m := SockMessage{Data: b[:3]}
		n, _ := g.Recvmsg(fd, &m, linux.MSG_PEEK)
		want(t, "peek", string(b[:n]), "hel")
		n, _ = g.Recvmsg(fd, &m, linux.MSG_TRUNC)
		want(t, "thrown away", n, 3)
		n, _ = g.Read(fd, b)
		want(t, "the rest", string(b[:n]), "lo")
		_, err = g.Recvmsg(fd, &m, linux.MSG_DONTWAIT)
		want[error](t, "nothing", err, linux.EAGAIN)
		want(t, "TCP_NODELAY", int4(linux.IPPROTO_TCP, linux.TCP_NODELAY), 0)
		want(t, "SO_ERROR", int4(linux.SOL_SOCKET, linux.SO_ERROR), 0)
		want(t, "state", int4(linux.IPPROTO_TCP, linux.TCP_INFO), linux.TCP_ESTABLISHED)
		want[error](t, "connect", g.Connect(fd, inet("192.0.2.1:7").Encode()), linux.EISCONN)
		want[error](t, "listen", g.Listen(fd, 1), linux.EINVAL)
		want[error](t, "bind", g.Bind(fd, inet("0.0.0.0:81").Encode()), linux.EINVAL)
		_, err = g.Sendmsg(fd, &SockMessage{Data: b}, linux.MSG_OOB)
		want[error](t, "out of band", err, linux.EOPNOTSUPP)
		ok(t, g.Setsockopt(fd, linux.IPPROTO_TCP, linux.TCP_CORK, []byte{1, 0, 0, 0}))
		for range 50 { // the host has not sent it either, for a moment
			g.Write(fd, []byte("corked "))
			_, err = g.SocketIoctl(fd, linux.SIOCOUTQ, four[:])
			ok(t, err)
			if four[0] == 7 {
				break
			}
		}
		want(t, "SIOCOUTQ", four[0], 7)
		ok(t, g.Setsockopt(fd, linux.IPPROTO_TCP, linux.TCP_CORK, []byte{0, 0, 0, 0}))
		ok(t, g.Connect(fd, linux.Sockaddr{Family: linux.AF_UNSPEC}.Encode()))
		_, err = g.Write(fd, b)
		want[error](t, "disconnected", err, linux.EPIPE)
		_, err = g.Getpeername(fd)
		want[error](t, "no peer", err, linux.ENOTCONN)
	}, func(c *net.TCPConn) {
		io.WriteString(c, "hello")
		b, err := io.ReadAll(c)
		want(t, "answer", len(b) > 0 && strings.ReplaceAll(string(b), "corked ", "") == "", true)
		if err != nil && !errors.Is(err, syscall.ECONNRESET) {
			t.Error(err)
		}
	})
}
