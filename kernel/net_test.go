package kernel

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/netip"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sbxrun/sbx/abi/linux"
	"golang.org/x/net/dns/dnsmessage"
)

func TestSocketsBlockAndSignals(t *testing.T) {
	w := newWorld(t)
	w.guest(func(g *Task) {
		a, b, err := g.Socketpair(linux.AF_UNIX, linux.SOCK_STREAM, 0)
		ok(t, err)
		big := bytes.Repeat([]byte("0123456789abcdef"), 1<<16) // more than the buffers hold
		pid := child(t, g, func(c *Task) int {
			c.Close(a)
			got := make([]byte, len(big))
			m := SockMessage{Data: got}
			n, err := c.Recvmsg(b, &m, linux.MSG_WAITALL)
			want(t, "received", n, len(big))
			ok(t, err)
			want(t, "same", bytes.Equal(got, big), true)
			return 0
		})
		g.Close(b)
		n, err := g.Write(a, big)
		ok(t, err)
		want(t, "sent", n, len(big))
		reap(t, g, pid)
		pid = child(t, g, func(c *Task) int { c.Write(a, []byte("x")); return 0 })
		want(t, "SIGPIPE", reap(t, g, pid), linux.SignalStatus(linux.SIGPIPE, false))
		_, err = g.Sendmsg(a, &SockMessage{Data: []byte("x")}, linux.MSG_NOSIGNAL)
		want[error](t, "EPIPE", err, linux.EPIPE)
	})
}

func TestReceiveTimeout(t *testing.T) {
	clock := NewManualClock(time.Unix(1e9, 0))
	w := newWorld(t, func(c *Config) { c.Clock = clock })
	w.guest(func(g *Task) {
		a, _, _ := g.Socketpair(linux.AF_UNIX, linux.SOCK_STREAM, 0)
		tv := make([]byte, 16)
		tv[0] = 5
		ok(t, g.Setsockopt(a, linux.SOL_SOCKET, linux.SO_RCVTIMEO, tv))
		go advanceWhenWaited(clock, 5*time.Second)
		_, err := g.Read(a, make([]byte, 1))
		want[error](t, "timeout", err, linux.EAGAIN)
		fd, _ := g.Socket(linux.AF_INET, linux.SOCK_DGRAM, 0)
		g.Alarm(time.Second)
		g.Sigaction(linux.SIGALRM, SigHandle)
		go advanceWhenWaited(clock, time.Second)
		_, err = g.Read(fd, make([]byte, 1))
		want[error](t, "signal", err, linux.EINTR)
	})
}

// advanceWhenWaited moves the clock once somebody waits for it.
func advanceWhenWaited(c *ManualClock, d time.Duration) {
	for {
		n, added := c.Timers()
		if n > 0 {
			c.Advance(d)
			return
		}
		<-added
	}
}

// outside is a host with an echo server at 192.0.2.1:7, by TCP and UDP.
func outside(t *testing.T) func(context.Context, string, string) (net.Conn, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Skip("no loopback:", err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() { defer c.Close(); io.Copy(c, c) }()
		}
	}()
	u, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Skip("no loopback:", err)
	}
	t.Cleanup(func() { u.Close() })
	go func() {
		b := make([]byte, 65536)
		for {
			n, from, err := u.ReadFrom(b)
			if err != nil {
				return
			}
			u.WriteTo(b[:n], from)
		}
	}()
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		switch {
		case addr == "192.0.2.1:7" && network == "tcp":
			return new(net.Dialer).DialContext(ctx, "tcp", l.Addr().String())
		case addr == "192.0.2.1:7" && network == "udp":
			return new(net.Dialer).DialContext(ctx, "udp", u.LocalAddr().String())
		case addr == "192.0.2.2:7":
			<-ctx.Done()
			return nil, ctx.Err()
		}
		return nil, linux.EACCES
	}
}

func TestOutside(t *testing.T) {
	dial := outside(t)
	w := newWorld(t, func(c *Config) { c.Dial = dial })
	w.guest(func(g *Task) {
		fd, _ := g.Socket(linux.AF_INET, linux.SOCK_STREAM, 0)
		ok(t, g.Connect(fd, inet("192.0.2.1:7").Encode()))
		sa, _ := g.Getsockname(fd)
		name, _ := linux.DecodeSockaddr(sa)
		want(t, "own address", name.Addr, netip.MustParseAddr("10.0.2.15"))
		text := bytes.Repeat([]byte("echo!"), 100000)
		pid := child(t, g, func(c *Task) int {
			n, err := c.Write(fd, text)
			want(t, "sent", n, len(text))
			ok(t, err)
			ok(t, c.Shutdown(fd, linux.SHUT_WR))
			return 0
		})
		got := make([]byte, len(text)+10)
		n, err := g.Recvmsg(fd, &SockMessage{Data: got}, linux.MSG_WAITALL)
		ok(t, err)
		want(t, "echo", bytes.Equal(got[:n], text), true)
		reap(t, g, pid)

		fd, _ = g.Socket(linux.AF_INET, linux.SOCK_STREAM, 0)
		want[error](t, "policy", g.Connect(fd, inet("192.0.2.9:7").Encode()), linux.EACCES)
		fd, _ = g.Socket(linux.AF_INET, nonblockStream, 0)
		want[error](t, "begun", g.Connect(fd, inet("192.0.2.2:7").Encode()), linux.EINPROGRESS)
		want[error](t, "going on", g.Connect(fd, inet("192.0.2.2:7").Encode()), linux.EALREADY)
		fd, _ = g.Socket(linux.AF_INET6, linux.SOCK_STREAM, 0)
		want[error](t, "no IPv6", g.Connect(fd, inet("[2001:db8::1]:7").Encode()), linux.ENETUNREACH)

		fd, _ = g.Socket(linux.AF_INET, linux.SOCK_DGRAM, 0)
		for _, s := range []string{"one", "two"} {
			_, err = g.Sendmsg(fd, &SockMessage{Name: inet("192.0.2.1:7").Encode(), Data: []byte(s)}, 0)
			ok(t, err)
			m := SockMessage{Data: make([]byte, 100)}
			n, err = g.Recvmsg(fd, &m, 0)
			ok(t, err)
			want(t, "datagram", string(m.Data[:n]), s)
			want(t, "from", bytes.Equal(m.Name, inet("192.0.2.1:7").Encode()), true)
		}
		fd, err = g.Dial("tcp", "192.0.2.1", 7, DialOpts{})
		ok(t, err)
		g.Write(fd, []byte("dialled"))
		b := make([]byte, 20)
		n, err = g.Read(fd, b)
		ok(t, err)
		want(t, "Dial", string(b[:n]), "dialled")
	})
}

func TestDialGuest(t *testing.T) {
	w := newWorld(t)
	ctx := context.Background()
	_, err := w.k.DialGuest(ctx, "tcp", 80)
	want[error](t, "nobody", err, linux.ECONNREFUSED)
	ready := make(chan struct{})
	p := w.start(func(g *Task) int {
		l, _ := g.Socket(linux.AF_INET6, linux.SOCK_STREAM, 0)
		ok(t, g.Bind(l, inet("[::]:80").Encode()))
		ok(t, g.Listen(l, 1))
		u, _ := g.Socket(linux.AF_INET, linux.SOCK_DGRAM, 0)
		ok(t, g.Bind(u, inet("0.0.0.0:53").Encode()))
		close(ready)
		fd, from, err := g.Accept(l, 0)
		ok(t, err)
		sa, _ := linux.DecodeSockaddr(from)
		want(t, "gateway", sa.Addr, netip.MustParseAddr("::ffff:10.0.2.1"))
		b := make([]byte, 100)
		n, err := g.Read(fd, b)
		ok(t, err)
		g.Write(fd, bytes.ToUpper(b[:n]))
		g.Close(fd)
		m := SockMessage{Data: b}
		n, err = g.Recvmsg(u, &m, 0)
		ok(t, err)
		_, err = g.Sendmsg(u, &SockMessage{Name: m.Name, Data: bytes.ToUpper(b[:n])}, 0)
		ok(t, err)
		return 0
	})
	<-ready
	c, err := w.k.DialGuest(ctx, "tcp", 80)
	if err != nil {
		t.Fatal(err)
	}
	io.WriteString(c, "hello")
	b, err := io.ReadAll(c)
	ok(t, err)
	want(t, "answer", string(b), "HELLO")
	c.Close()
	u, err := w.k.DialGuest(ctx, "udp", 53)
	if err != nil {
		t.Fatal(err)
	}
	u.Write([]byte("datagram"))
	b = make([]byte, 100)
	n, err := u.Read(b)
	ok(t, err)
	want(t, "udp", string(b[:n]), "DATAGRAM")
	u.SetReadDeadline(time.Unix(1, 0))
	if _, err := u.Read(b); !errors.Is(err, context.DeadlineExceeded) {
		var ne net.Error
		want(t, "deadline", errors.As(err, &ne) && ne.Timeout(), true)
	}
	u.Close()
	w.wait(p)
}

// names is a resolver of a few names.
type names map[string][]netip.Addr

func (r names) LookupNetIP(_ context.Context, network, host string) ([]netip.Addr, error) {
	var out []netip.Addr
	for _, a := range r[strings.ToLower(host)] {
		if a.Is4() == (network == "ip4") {
			out = append(out, a)
		}
	}
	if host == "broken.test" {
		return nil, &net.DNSError{Err: "server misbehaving", IsTemporary: true}
	}
	if len(out) == 0 {
		return nil, &net.DNSError{Err: "no such host", IsNotFound: true}
	}
	return out, nil
}

func (r names) LookupAddr(_ context.Context, addr string) ([]string, error) {
	for n, as := range r {
		for _, a := range as {
			if a.String() == addr {
				return []string{n + "."}, nil
			}
		}
	}
	return nil, &net.DNSError{Err: "no such host", IsNotFound: true}
}

func TestNameServer(t *testing.T) {
	many := make([]netip.Addr, 60)
	for i := range many {
		many[i] = netip.AddrFrom4([4]byte{192, 0, 2, byte(i)})
	}
	r := names{"host.test": {netip.MustParseAddr("192.0.2.77"), netip.MustParseAddr("2001:db8::7")}, "four.test": {netip.MustParseAddr("192.0.2.4")}, "many.test": many}
	w := newWorld(t, func(c *Config) { c.Resolver = r })
	server := inet("10.0.2.3:53")
	w.guest(func(g *Task) {
		udp, _ := g.Socket(linux.AF_INET, linux.SOCK_DGRAM, 0)
		ok(t, g.Connect(udp, server.Encode()))
		tcp, _ := g.Socket(linux.AF_INET, linux.SOCK_STREAM, 0)
		ok(t, g.Connect(tcp, server.Encode()))
		ask := func(name string, typ dnsmessage.Type, stream bool) dnsmessage.Message {
			q := dnsmessage.Message{Header: dnsmessage.Header{ID: 99, RecursionDesired: true},
				Questions: []dnsmessage.Question{{Name: dnsmessage.MustNewName(name), Type: typ, Class: dnsmessage.ClassINET}}}
			b, err := q.Pack()
			ok(t, err)
			reply := make([]byte, 4096)
			fd := udp
			if stream {
				fd, b = tcp, append(binary.BigEndian.AppendUint16(nil, uint16(len(b))), b...)
			}
			_, err = g.Write(fd, b)
			ok(t, err)
			var n int
			if stream {
				g.Recvmsg(fd, &SockMessage{Data: reply[:2]}, linux.MSG_WAITALL)
				n, err = g.Recvmsg(fd, &SockMessage{Data: reply[:binary.BigEndian.Uint16(reply)]}, linux.MSG_WAITALL)
			} else {
				n, err = g.Read(fd, reply)
			}
			ok(t, err)
			var m dnsmessage.Message
			ok(t, m.Unpack(reply[:n]))
			want(t, "id", m.ID, 99)
			return m
		}
		for _, c := range []struct {
			name    string
			typ     dnsmessage.Type
			answers int
			code    dnsmessage.RCode
		}{
			{"host.test.", dnsmessage.TypeA, 1, dnsmessage.RCodeSuccess},
			{"HOST.test.", dnsmessage.TypeAAAA, 1, dnsmessage.RCodeSuccess},
			{"four.test.", dnsmessage.TypeAAAA, 0, dnsmessage.RCodeSuccess},
			{"none.test.", dnsmessage.TypeA, 0, dnsmessage.RCodeNameError},
			{"broken.test.", dnsmessage.TypeA, 0, dnsmessage.RCodeServerFailure},
			{"77.2.0.192.in-addr.arpa.", dnsmessage.TypePTR, 1, dnsmessage.RCodeSuccess},
			{"7.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa.", dnsmessage.TypePTR, 1, dnsmessage.RCodeSuccess},
			{"x.in-addr.arpa.", dnsmessage.TypePTR, 0, dnsmessage.RCodeNameError},
			{"host.test.", dnsmessage.TypeMX, 0, dnsmessage.RCodeSuccess},
			{"host.test.", dnsmessage.TypeALL, 0, dnsmessage.RCodeNotImplemented},
		} {
			for _, stream := range []bool{false, true} {
				m := ask(c.name, c.typ, stream)
				want(t, c.name+" code", m.RCode, c.code)
				want(t, c.name+" answers", len(m.Answers), c.answers)
			}
		}
		m := ask("many.test.", dnsmessage.TypeA, false)
		want(t, "truncated", m.Truncated, true)
		m = ask("many.test.", dnsmessage.TypeA, true)
		want(t, "all", len(m.Answers), len(many))
		fd, _ := g.Socket(linux.AF_INET, linux.SOCK_STREAM, 0)
		want[error](t, "another port", g.Connect(fd, inet("10.0.2.3:80").Encode()), linux.ECONNREFUSED)
	})
}

func TestNetlinkDumps(t *testing.T) {
	w := newWorld(t)
	w.guest(func(g *Task) {
		fd, err := g.Socket(linux.AF_NETLINK, linux.SOCK_RAW, linux.NETLINK_ROUTE)
		ok(t, err)
		ok(t, g.Bind(fd, linux.Sockaddr{Family: linux.AF_NETLINK}.Encode()))
		dump := func(typ uint16) (n int, end uint16) {
			req := linux.AppendNl(nil, linux.NlHeader{Type: typ, Flags: linux.NLM_F_REQUEST | linux.NLM_F_DUMP, Seq: 5}, make([]byte, 16))
			_, err := g.Sendmsg(fd, &SockMessage{Data: req, Name: linux.Sockaddr{Family: linux.AF_NETLINK}.Encode()}, 0)
			ok(t, err)
			for {
				b := make([]byte, 8192)
				got, err := g.Read(fd, b)
				if err != nil {
					t.Error(err)
					return n, end
				}
				for rest := b[:got]; len(rest) > 0; {
					h, _, more, err := linux.DecodeNl(rest)
					ok(t, err)
					want(t, "seq", h.Seq, 5)
					if h.Type == linux.NLMSG_DONE || h.Type == linux.NLMSG_ERROR {
						return n, h.Type
					}
					n++
					rest = more
				}
			}
		}
		for typ, count := range map[uint16]int{linux.RTM_GETLINK: 2, linux.RTM_GETADDR: 3, linux.RTM_GETROUTE: 2} {
			n, end := dump(typ)
			want(t, "messages", n, count)
			want(t, "end", end, linux.NLMSG_DONE)
		}
		_, end := dump(50)
		want(t, "unknown", end, linux.NLMSG_ERROR)
	})
}

// TestNothingIsLeft passes sockets through themselves, leaves connections, flows,
// timers and watches open, and looks at what is left after Close.
func TestNothingIsLeft(t *testing.T) {
	before := runtime.NumGoroutine()
	dial := outside(t)
	helpers := runtime.NumGoroutine() - before
	w := newWorld(t, func(c *Config) { c.Dial = dial })
	var waiting atomic.Bool
	p := w.start(func(g *Task) int {
		a, b, _ := g.Socketpair(linux.AF_UNIX, linux.SOCK_STREAM, 0)
		for range 3 {
			_, err := g.Sendmsg(a, &SockMessage{Data: []byte("x"), Control: fdsMessageOf(a, b)}, 0)
			ok(t, err)
		}
		g.Close(a)
		g.Close(b)
		want(t, "in flight", w.k.net.InFlight(), 6)
		fd, _ := g.Socket(linux.AF_INET, linux.SOCK_STREAM, 0)
		ok(t, g.Connect(fd, inet("192.0.2.1:7").Encode()))
		fd, _ = g.Socket(linux.AF_INET, nonblockStream, 0)
		g.Connect(fd, inet("192.0.2.2:7").Encode())
		fd, _ = g.Socket(linux.AF_INET, linux.SOCK_DGRAM, 0)
		g.Sendmsg(fd, &SockMessage{Name: inet("192.0.2.1:7").Encode(), Data: []byte("x")}, 0)
		ep, _ := g.EpollCreate(0)
		ok(t, g.EpollCtl(ep, linux.EPOLL_CTL_ADD, fd, EpollEvent{Events: linux.EPOLLIN}))
		tf, _ := g.TimerfdCreate(linux.CLOCK_MONOTONIC, 0)
		g.TimerfdSettime(tf, 0, time.Hour, time.Hour)
		in, _ := g.InotifyInit(0)
		g.InotifyAddWatch(in, "/tmp", linux.IN_ALL_EVENTS)
		g.MemfdCreate("m", 0)
		id, _ := g.TimerCreate(linux.CLOCK_MONOTONIC, nil)
		g.TimerSettime(id, 0, time.Hour, 0)
		waiting.Store(true)
		g.FutexWait("nobody", func() (uint32, error) { return 0, nil }, 0, 1, Deadline{})
		return 0
	})
	for !waiting.Load() {
		runtime.Gosched()
	}
	ok(t, w.k.Close())
	w.wait(p)
	want(t, "files", w.k.openFiles.Load(), 0)
	want(t, "sockets", w.k.net.Open(), 0)
	want(t, "in flight", w.k.net.InFlight(), 0)
	want(t, "memory", w.k.memory.Load(), 0)
	for range 20000 { // the host's servers notice in their own time
		if runtime.NumGoroutine() <= before+helpers {
			return
		}
		time.Sleep(time.Millisecond)
	}
	buf := make([]byte, 1<<20)
	t.Errorf("%d goroutines, %d before\n%s", runtime.NumGoroutine(), before+helpers, buf[:runtime.Stack(buf, true)])
}

func fdsMessageOf(fds ...int) []byte {
	var b []byte
	for _, fd := range fds {
		b = binary.LittleEndian.AppendUint32(b, uint32(fd))
	}
	out, _ := linux.AppendCmsg(nil, 4096, linux.Cmsg{Level: linux.SOL_SOCKET, Type: linux.SCM_RIGHTS, Data: b})
	return out
}

func BenchmarkLoopbackTCP(b *testing.B) {
	w := newWorld(b)
	w.guest(func(g *Task) {
		l, _ := g.Socket(linux.AF_INET, linux.SOCK_STREAM, 0)
		g.Listen(l, 1)
		sa, _ := g.Getsockname(l)
		child(b, g, func(c *Task) int {
			fd, _, _ := c.Accept(l, 0)
			buf := make([]byte, 65536)
			for {
				if n, err := c.Read(fd, buf); n == 0 || err != nil {
					return 0
				}
			}
		})
		fd, _ := g.Socket(linux.AF_INET, linux.SOCK_STREAM, 0)
		ok(b, g.Connect(fd, sa))
		buf := make([]byte, 65536)
		b.SetBytes(int64(len(buf)))
		b.ReportAllocs()
		for b.Loop() {
			g.Write(fd, buf)
		}
		g.Close(fd)
	})
}
