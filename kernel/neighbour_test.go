package kernel

import (
	"bytes"
	"context"
	"net"
	"net/netip"
	"testing"

	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/kernel/socket"
)

// twoWorlds are two kernels on one network, 192.0.2.0/24 and 2001:db8::/64: the
// first is .1 and ::1 there, the second .2 and ::2.
func twoWorlds(t *testing.T) (a, b *world) {
	var worlds [2]*world
	reach := func(ctx context.Context, network string, from, to netip.AddrPort) (net.Conn, error) {
		for n, w := range worlds {
			if to.Addr() == host4(n) || to.Addr() == host6(n) {
				return w.k.Connect(ctx, network, from, to)
			}
		}
		return nil, linux.EHOSTUNREACH
	}
	for n := range worlds {
		worlds[n] = newWorld(t, func(c *Config) {
			c.Neighbour = reach
			c.Interfaces = []socket.Interface{{Name: "eth0", Addresses: []netip.Prefix{netip.PrefixFrom(host4(n), 24), netip.PrefixFrom(host6(n), 64)}}}
		})
	}
	return worlds[0], worlds[1]
}

func host4(n int) netip.Addr { return netip.AddrFrom4([4]byte{192, 0, 2, byte(1 + n)}) }
func host6(n int) netip.Addr {
	return netip.AddrFrom16([16]byte{0x20, 0x01, 0x0d, 0xb8, 15: byte(1 + n)})
}

func TestNeighbours(t *testing.T) {
	for _, c := range []struct{ listen, from, to string }{
		{"0.0.0.0:80", "192.0.2.1", "192.0.2.2:80"},
		{"[::]:81", "2001:db8::1", "[2001:db8::2]:81"},
		{"192.0.2.2:82", "192.0.2.1", "192.0.2.2:82"},
	} {
		for _, typ := range []int{linux.SOCK_STREAM, linux.SOCK_DGRAM} {
			a, b := twoWorlds(t)
			ready := make(chan struct{})
			p := b.start(func(g *Task) int { upperServer(t, g, typ, c.listen, c.from, ready); return 0 })
			<-ready
			a.guest(func(g *Task) {
				to := inet(c.to)
				fd, _ := g.Socket(int(to.Family), typ, 0)
				ok(t, g.Connect(fd, to.Encode()))
				_, err := g.Write(fd, []byte("hello"))
				ok(t, err)
				buf := make([]byte, 100)
				n, err := g.Read(fd, buf)
				ok(t, err)
				want(t, c.to, string(buf[:n]), "HELLO")
			})
			b.wait(p)
		}
	}
	a, _ := twoWorlds(t)
	a.guest(func(g *Task) {
		fd, _ := g.Socket(linux.AF_INET, linux.SOCK_STREAM, 0)
		want[error](t, "nobody listens", g.Connect(fd, inet("192.0.2.2:9").Encode()), linux.ECONNREFUSED)
		want[error](t, "nobody there", g.Connect(fd, inet("192.0.2.77:9").Encode()), linux.EHOSTUNREACH)
		want[error](t, "no gateway", g.Connect(fd, inet("198.51.100.1:9").Encode()), linux.ENETUNREACH)
	})
}

// upperServer answers one client in capitals, and checks where it came from.
func upperServer(t *testing.T, g *Task, typ int, at, from string, ready chan struct{}) {
	sa := inet(at)
	l, _ := g.Socket(int(sa.Family), typ, 0)
	ok(t, g.Bind(l, sa.Encode()))
	if typ == linux.SOCK_STREAM {
		ok(t, g.Listen(l, 1))
	}
	close(ready)
	buf := make([]byte, 100)
	m := SockMessage{Data: buf}
	if typ == linux.SOCK_STREAM {
		fd, name, err := g.Accept(l, 0)
		ok(t, err)
		n, err := g.Read(fd, buf)
		ok(t, err)
		_, err = g.Write(fd, bytes.ToUpper(buf[:n]))
		ok(t, err)
		m.Name = name
	} else {
		n, err := g.Recvmsg(l, &m, 0)
		ok(t, err)
		_, err = g.Sendmsg(l, &SockMessage{Name: m.Name, Data: bytes.ToUpper(buf[:n])}, 0)
		ok(t, err)
	}
	peer, err := linux.DecodeSockaddr(m.Name)
	ok(t, err)
	want(t, "client", peer.Addr.Unmap(), netip.MustParseAddr(from))
	ok(t, g.Close(l))
}

func TestInterfaceComesAndGoes(t *testing.T) {
	a, b := twoWorlds(t)
	added := socket.Interface{Name: "eth1", Addresses: []netip.Prefix{netip.MustParsePrefix("203.0.113.9/24")}}
	ok(t, a.k.AddInterface(added))
	want[error](t, "twice", a.k.AddInterface(added), linux.EEXIST)
	ready, gone := make(chan struct{}), make(chan struct{})
	p := b.start(func(g *Task) int {
		l, _ := g.Socket(linux.AF_INET, linux.SOCK_STREAM, 0)
		ok(t, g.Bind(l, inet("0.0.0.0:80").Encode()))
		ok(t, g.Listen(l, 1))
		close(ready)
		fd, _, err := g.Accept(l, 0)
		ok(t, err)
		<-gone
		_, err = g.Read(fd, make([]byte, 1))
		want[error](t, "reset", err, linux.ECONNRESET)
		return 0
	})
	<-ready
	a.guest(func(g *Task) {
		s, _ := g.Socket(linux.AF_INET, linux.SOCK_STREAM, 0)
		ok(t, g.Bind(s, inet("203.0.113.9:7").Encode()))
		fd, _ := g.Socket(linux.AF_INET, linux.SOCK_STREAM, 0)
		ok(t, g.Connect(fd, inet("192.0.2.2:80").Encode()))
		ok(t, a.k.RemoveInterface("eth0"))
		_, err := g.Read(fd, make([]byte, 1))
		want[error](t, "read after", err, linux.ETIMEDOUT)
		close(gone)
		s, _ = g.Socket(linux.AF_INET, linux.SOCK_STREAM, 0)
		want[error](t, "bind after", g.Bind(s, inet("192.0.2.1:7").Encode()), linux.EADDRNOTAVAIL)
	})
	b.wait(p)
	want[error](t, "again", a.k.RemoveInterface("eth0"), linux.ENODEV)
	want[error](t, "lo", a.k.RemoveInterface("lo"), linux.ENODEV)
}
