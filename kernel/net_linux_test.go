package kernel

import (
	"encoding/binary"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sbxrun/sbx/abi/linux"
)

// compare runs a script on the host's Linux and in a guest and holds what both
// answered against each other.
func compare(t *testing.T, run func(s *script)) {
	t.Helper()
	dir, err := os.MkdirTemp("", "s")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	h := script{netSys: hostSys{dir}}
	run(&h)
	var g script
	w := newWorld(t)
	w.guest(func(task *Task) {
		task.Sigaction(linux.SIGPIPE, SigIgnore)
		g.netSys = guestSys{task}
		run(&g)
	})
	a, b := strings.Split(h.out.String(), "\n"), strings.Split(g.out.String(), "\n")
	for i := range max(len(a), len(b)) {
		var x, y string
		if i < len(a) {
			x = a[i]
		}
		if i < len(b) {
			y = b[i]
		}
		if x != y {
			t.Errorf("line %d:\n Linux %s\n guest %s\nafter\n %s", i+1, x, y, strings.Join(a[max(i-8, 0):min(i, len(a))], "\n "))
		}
	}
}

func unixAddr(s *script, name string) linux.Sockaddr {
	return linux.Sockaddr{Family: linux.AF_UNIX, Path: s.Dir() + "/" + name}
}

func TestSocketKindsLikeTheHost(t *testing.T) {
	compare(t, func(s *script) {
		for _, k := range [][3]int{
			{1, 1, 0}, {1, 2, 0}, {1, 5, 0}, {1, 3, 0}, {1, 4, 0}, {1, 1, 1}, {1, 1, 5}, {1, 11, 0}, {1, 0, 0},
			{2, 1, 0}, {2, 1, 6}, {2, 2, 17}, {2, 1, 17}, {2, 2, 6}, {2, 5, 0}, {2, 4, 0}, {10, 1, 0}, {10, 2, 0}, {2, 1, 300},
			{16, 3, 0}, {16, 2, 0}, {16, 1, 0}, {46, 1, 0}, {99, 1, 0}, {-1, 1, 0}, {0, 1, 0}, {2, 12, 0}, {2, 3, 0},
		} {
			s.Close(s.socket(k[0], k[1], k[2]))
		}
		_, _, err := s.Socketpair(linux.AF_INET, linux.SOCK_STREAM, 0)
		s.log("socketpair of inet %s", errName(err))
	})
}

func TestUnixPairsLikeTheHost(t *testing.T) {
	for _, typ := range []int{linux.SOCK_STREAM, linux.SOCK_SEQPACKET, linux.SOCK_DGRAM} {
		compare(t, func(s *script) {
			a, b := s.pair(typ)
			s.names(a)
			s.poll(a, b)
			s.send(a, "hello", 0)
			s.send(a, "world!", 0)
			s.poll(a, b)
			s.recv(b, 3, linux.MSG_PEEK)
			s.recv(b, 3, 0)
			s.recv(b, 100, 0)
			s.recv(b, 100, 0)
			s.recv(b, 100, linux.MSG_OOB)
			s.send(a, "x", linux.MSG_OOB&0)
			s.recv(b, 0, 0)
			s.recv(b, 10, linux.MSG_TRUNC)
			s.send(b, "back", 0)
			s.shutdown(a, linux.SHUT_WR)
			s.poll(a, b)
			s.send(a, "x", 0)
			s.recv(b, 1, 0)
			s.recv(a, 10, 0)
			s.shutdown(b, linux.SHUT_RD)
			s.poll(a, b)
			s.shutdown(b, 7)
			s.Close(a)
			s.poll(b)
			s.send(b, "x", 0)
			s.recv(b, 1, 0)
			s.soError(b)
			s.Close(b)
			c, d := s.pair(typ)
			s.send(c, "unread", 0)
			s.Close(d)
			s.poll(c)
			s.recv(c, 1, 0)
			s.recv(c, 1, 0)
			s.send(c, "x", 0)
			s.Close(c)
		})
	}
}

func TestUnixNamesLikeTheHost(t *testing.T) {
	for _, typ := range []int{linux.SOCK_STREAM, linux.SOCK_SEQPACKET} {
		compare(t, func(s *script) {
			l := s.socket(linux.AF_UNIX, typ|linux.SOCK_NONBLOCK, 0)
			s.listen(l, 1)
			s.poll(l)
			s.names(l)
			s.bind(l, unixAddr(s, "sock"))
			s.bind(l, unixAddr(s, "sock2"))
			s.names(l)
			c := s.socket(linux.AF_UNIX, typ|linux.SOCK_NONBLOCK, 0)
			s.connect(c, unixAddr(s, "none"))
			s.connect(c, unixAddr(s, "sock"))
			s.listen(l, 1)
			s.poll(l)
			s.accept(l)
			s.connect(c, unixAddr(s, "sock"))
			s.poll(l, c)
			s.names(c)
			s.connect(c, unixAddr(s, "sock"))
			s.send(c, "early", 0)
			c2 := s.socket(linux.AF_UNIX, typ|linux.SOCK_NONBLOCK, 0)
			s.connect(c2, unixAddr(s, "sock"))
			c3 := s.socket(linux.AF_UNIX, typ|linux.SOCK_NONBLOCK, 0)
			s.connect(c3, unixAddr(s, "sock"))
			n := s.accept(l)
			s.names(n)
			s.recv(n, 10, 0)
			s.connect(c3, unixAddr(s, "sock"))
			s.Close(l)
			s.poll(c2, c3)
			s.recv(c2, 1, 0)
			s.recv(c2, 1, 0)
			s.connect(s.socket(linux.AF_UNIX, typ, 0), unixAddr(s, "sock"))
			d := s.socket(linux.AF_UNIX, linux.SOCK_DGRAM, 0)
			s.bind(d, unixAddr(s, "sock"))
			s.log("unlink %s", errName(s.Unlink(s.Dir()+"/sock")))
			s.bind(d, unixAddr(s, "sock"))
			s.connect(s.socket(linux.AF_UNIX, typ, 0), unixAddr(s, "sock"))
			s.connect(c, linux.Sockaddr{Family: linux.AF_INET})
			s.File(s.Dir()+"/plain", "")
			s.connect(s.socket(linux.AF_UNIX, typ, 0), unixAddr(s, "plain"))
		})
	}
}

func TestUnixDatagramsLikeTheHost(t *testing.T) {
	compare(t, func(s *script) {
		typ := linux.SOCK_DGRAM | linux.SOCK_NONBLOCK
		a, b := s.socket(linux.AF_UNIX, typ, 0), s.socket(linux.AF_UNIX, typ, 0)
		s.poll(a)
		s.send(a, "x", 0)
		s.bind(a, unixAddr(s, "a"))
		s.sendTo(b, "anonymous", unixAddr(s, "a"))
		s.bind(b, unixAddr(s, "b"))
		s.sendTo(b, "named", unixAddr(s, "a"))
		s.recv(a, 20, 0)
		s.recv(a, 2, 0)
		s.connect(b, unixAddr(s, "a"))
		for range 13 {
			s.send(b, "fill", 0)
		}
		s.poll(b)
		s.recv(a, 20, 0)
		s.poll(b)
		s.send(b, "again", 0)
		s.connect(a, unixAddr(s, "b"))
		c := s.socket(linux.AF_UNIX, typ, 0)
		s.sendTo(c, "x", unixAddr(s, "a"))
		s.connect(c, unixAddr(s, "a"))
		s.names(b)
		s.listen(b, 1)
		s.accept(b)
		s.Close(a)
		s.poll(b)
		s.send(b, "x", 0)
		s.sendTo(b, "x", unixAddr(s, "a"))
		s.send(b, strings.Repeat("x", 300000), 0)
	})
}

func TestRightsLikeTheHost(t *testing.T) {
	for _, typ := range []int{linux.SOCK_STREAM, linux.SOCK_DGRAM} {
		compare(t, func(s *script) {
			a, b := s.pair(typ)
			r, w, _ := s.Pipe()
			send := func(text string, control []byte) {
				n, err := s.Send(a, []byte(text), nil, control, 0)
				s.log("send %d %s", n, errName(err))
			}
			recv := func(n, room, flags int) []int {
				d, c, _, out, err := s.Recv(b, n, room, flags|linux.MSG_DONTWAIT)
				s.log("recv %q %s flags %#x", d, errName(err), out)
				var fds []int
				msgs, _ := linux.DecodeCmsgs(c)
				for _, m := range msgs {
					s.log(" level %d type %d len %d", m.Level, m.Type, len(m.Data))
					for i := 0; i+4 <= len(m.Data) && m.Type == linux.SCM_RIGHTS; i += 4 {
						fds = append(fds, int(binary.LittleEndian.Uint32(m.Data[i:])))
					}
				}
				return fds
			}
			send("plain", nil)
			send("files", fdsMessageOf(r, w))
			send("after", nil)
			recv(3, 64, linux.MSG_PEEK)
			fds := recv(100, 64, 0)
			if typ == linux.SOCK_DGRAM {
				fds = recv(100, 64, 0)
			}
			recv(100, 64, 0)
			if len(fds) == 2 {
				s.Close(r)
				s.Close(w)
				n, err := s.Write(fds[1], []byte("through"))
				s.log("write %d %s", n, errName(err))
				d, err := s.Read(fds[0], 10)
				s.log("read %q %s", d, errName(err))
				send("two", fdsMessageOf(fds...))
				recv(10, linux.CmsgHeader+4, 0)
				send("none", fdsMessageOf(fds...))
				recv(10, 0, 0)
			}
			send("bad", fdsMessageOf(12345))
			many := make([]int, 254)
			for i := range many {
				many[i] = a
			}
			send("many", fdsMessageOf(many...))
			bad := fdsMessageOf(a)
			bad[0] = 100
			send("lie", bad)
			one := binary.LittleEndian.AppendUint32(nil, 1)
			s.log("passcred %s", errName(s.Setopt(b, linux.SOL_SOCKET, linux.SO_PASSCRED, one)))
			send("who", nil)
			recv(10, 64, 0)
		})
	}
}

func TestTCPLikeTheHost(t *testing.T) {
	for _, any := range []string{"127.0.0.1:0", "[::1]:0"} {
		compare(t, func(s *script) {
			f := int(inet(any).Family)
			l := s.socket(f, nonblockStream, 0)
			s.poll(l)
			s.accept(l)
			s.recv(l, 1, 0)
			s.send(l, "x", 0)
			s.shutdown(l, linux.SHUT_RD)
			s.bind(l, inet(any))
			s.bind(l, inet(any))
			s.names(l)
			s.listen(l, 5)
			s.poll(l)
			s.accept(l)
			s.send(l, "x", 0)
			s.recv(l, 1, 0)
			to := s.self(l)
			c := s.socket(f, linux.SOCK_STREAM, 0)
			s.connect(c, to)
			s.poll(l, c)
			s.connect(c, to)
			s.names(c)
			n := s.accept(l)
			s.names(n)
			s.poll(n)
			s.send(c, "hello", 0)
			s.send(c, "world", 0)
			s.recv(n, 3, linux.MSG_PEEK)
			s.recv(n, 100, 0)
			s.recv(n, 100, 0)
			s.shutdown(c, linux.SHUT_WR)
			s.poll(c, n)
			s.send(c, "x", 0)
			s.recv(n, 1, 0)
			s.send(n, "half", 0)
			s.recv(c, 10, 0)
			s.Close(n)
			s.poll(c)
			s.recv(c, 1, 0)
			s.soError(c)
			s.Close(c)

			// the other side closes first, then a write to it
			c = s.socket(f, linux.SOCK_STREAM, 0)
			s.connect(c, to)
			n = s.accept(l)
			s.Close(n)
			s.poll(c)
			s.send(c, "lost", 0)
			s.poll(c)
			s.send(c, "broken", 0)
			s.recv(c, 1, 0)
			s.Close(c)

			// unread bytes make a reset
			c = s.socket(f, linux.SOCK_STREAM, 0)
			s.connect(c, to)
			n = s.accept(l)
			s.send(c, "unread", 0)
			s.send(n, "before", 0)
			s.Close(n)
			s.poll(c)
			s.recv(c, 10, 0)
			s.recv(c, 10, 0)
			s.recv(c, 10, 0)
			s.send(c, "x", 0)
			s.names(c)
			s.Close(c)

			// SO_LINGER 0 as well
			c = s.socket(f, linux.SOCK_STREAM, 0)
			s.connect(c, to)
			n = s.accept(l)
			s.log("linger %s", errName(s.Setopt(n, linux.SOL_SOCKET, linux.SO_LINGER, []byte{1, 0, 0, 0, 0, 0, 0, 0})))
			s.Close(n)
			s.poll(c)
			s.send(c, "x", 0)
			s.send(c, "x", 0)
			s.Close(c)

			// not blocking, and refused
			c = s.socket(f, nonblockStream, 0)
			s.connect(c, to)
			s.poll(c)
			s.connect(c, to)
			s.connect(c, to)
			s.Close(l)
			s.poll(c)
			s.recv(c, 1, 0)
			c = s.socket(f, nonblockStream, 0)
			s.connect(c, to)
			s.poll(c)
			s.soError(c)
			s.soError(c)
			c = s.socket(f, nonblockStream, 0)
			s.connect(c, to)
			s.connect(c, to)
			c = s.socket(f, linux.SOCK_STREAM, 0)
			s.connect(c, to)
			s.connect(c, linux.Sockaddr{Family: linux.AF_UNIX, Path: "x"})
		})
	}
}

func TestPortsLikeTheHost(t *testing.T) {
	on := []byte{1, 0, 0, 0}
	compare(t, func(s *script) {
		bind := func(addr string, port uint16, listen bool, opts ...int) int {
			sa := inet(addr)
			sa.Port = port
			fd := s.socket(int(sa.Family), linux.SOCK_STREAM, 0)
			for _, o := range opts {
				level := linux.SOL_SOCKET
				if o == linux.IPV6_V6ONLY {
					level = linux.IPPROTO_IPV6
				}
				s.Setopt(fd, level, o, on)
			}
			s.bind(fd, sa)
			if listen {
				s.listen(fd, 1)
			}
			return fd
		}
		l := bind("127.0.0.1:0", 0, true)
		p := s.self(l).Port
		for _, a := range []string{"127.0.0.1:0", "0.0.0.0:0", "127.0.0.2:0", "[::]:0", "[::1]:0", "8.8.8.8:0"} {
			s.Close(bind(a, p, false))
			s.Close(bind(a, p, false, linux.SO_REUSEADDR))
			s.Close(bind(a, p, false, linux.IPV6_V6ONLY))
		}
		s.Close(l)
		l = bind("[::]:0", p, true, linux.SO_REUSEADDR)
		c := s.socket(linux.AF_INET, linux.SOCK_STREAM, 0)
		sa := inet("127.0.0.1:0")
		sa.Port = p
		s.connect(c, sa)
		s.names(s.accept(l))
		s.Close(bind("0.0.0.0:0", p, false, linux.SO_REUSEADDR))
		s.Close(l)
		a := bind("127.0.0.1:0", 0, true, linux.SO_REUSEPORT)
		p = s.self(a).Port
		s.Close(bind("127.0.0.1:0", p, true, linux.SO_REUSEPORT))
		s.Close(bind("127.0.0.1:0", p, true))
	})
}

func TestUDPLikeTheHost(t *testing.T) {
	compare(t, func(s *script) {
		typ := linux.SOCK_DGRAM | linux.SOCK_NONBLOCK
		a, b := s.socket(linux.AF_INET, typ, 0), s.socket(linux.AF_INET, typ, 0)
		s.send(a, "x", 0)
		s.bind(a, inet("127.0.0.1:0"))
		to := s.self(a)
		s.poll(a, b)
		s.recv(a, 1, 0)
		s.sendTo(b, "hello", to)
		s.names(b)
		s.poll(a)
		buf := make([]byte, 4)
		s.log("FIONREAD %s %v", errName(s.Ioctl(a, linux.FIONREAD, buf)), buf)
		s.recv(a, 2, linux.MSG_PEEK)
		s.recv(a, 2, linux.MSG_TRUNC)
		s.sendTo(b, "", to)
		s.recv(a, 2, 0)
		s.connect(b, to)
		s.names(b)
		s.send(b, "connected", 0)
		s.recv(a, 20, 0)
		s.Close(a)
		s.send(b, "refused", 0)
		s.poll(b)
		s.send(b, "told", 0)
		s.recv(b, 1, 0)
		s.soError(b)
		s.connect(b, linux.Sockaddr{})
		s.names(b)
		s.shutdown(b, 2)
		s.listen(b, 1)
		s.accept(b)
		s.sendTo(b, strings.Repeat("x", 65508), to)
		to.Port = 0
		c := s.socket(linux.AF_INET, typ, 0)
		s.sendTo(c, "x", to)
		s.sendTo(c, "x", inet("255.255.255.255:9"))
		s.recv(c, 1, linux.MSG_ERRQUEUE)
		s.sendTo(c, "x", inet("[::1]:9"))
		d := s.socket(linux.AF_INET6, typ, 0)
		s.bind(d, inet("[::]:0"))
		e := s.socket(linux.AF_INET, typ, 0)
		v4 := inet("127.0.0.1:0")
		v4.Port = s.self(d).Port
		s.sendTo(e, "mapped", v4)
		s.recv(d, 10, 0)
		_ = c
	})
}

func TestSocketOptionsLikeTheHost(t *testing.T) {
	for _, k := range [][2]int{{linux.AF_UNIX, 1}, {linux.AF_UNIX, 2}, {linux.AF_INET, 1}, {linux.AF_INET, 2}, {linux.AF_INET6, 1}, {linux.AF_INET6, 2}} {
		compare(t, func(s *script) {
			fd := s.socket(k[0], k[1], 0)
			try := func(level, name int, values ...int32) {
				v, err := s.Getopt(fd, level, name)
				s.log("%d/%d is %v %s", level, name, v, errName(err))
				for _, n := range values {
					err := s.Setopt(fd, level, name, binary.LittleEndian.AppendUint32(nil, uint32(n)))
					v, _ := s.Getopt(fd, level, name)
					s.log(" set %d %s: %v", n, errName(err), v)
				}
			}
			for _, o := range []int{linux.SO_TYPE, linux.SO_PROTOCOL, linux.SO_DOMAIN, linux.SO_ERROR, linux.SO_ACCEPTCONN} {
				try(linux.SOL_SOCKET, o, 1)
			}
			for _, o := range []int{linux.SO_REUSEADDR, linux.SO_KEEPALIVE, linux.SO_BROADCAST, linux.SO_OOBINLINE, linux.SO_DONTROUTE} {
				try(linux.SOL_SOCKET, o, 5, 0)
			}
			try(linux.SOL_SOCKET, linux.SO_REUSEPORT, 1)
			try(linux.SOL_SOCKET, linux.SO_SNDBUF, 1, 10000, 50000)
			try(linux.SOL_SOCKET, linux.SO_RCVBUF, 1, 10000, 50000)
			try(linux.SOL_SOCKET, linux.SO_RCVLOWAT)
			try(linux.SOL_SOCKET, linux.SO_PRIORITY, 3)
			try(linux.SOL_SOCKET, 9999, 1)
			try(linux.SOL_SOCKET, linux.SO_PEERCRED)
			for _, v := range [][]byte{{1}, {1, 0, 0, 0}, {1, 0, 0, 0, 7, 0, 0, 0}, make([]byte, 8)} {
				s.log("linger %s", errName(s.Setopt(fd, linux.SOL_SOCKET, linux.SO_LINGER, v)))
				try(linux.SOL_SOCKET, linux.SO_LINGER)
			}
			tv := make([]byte, 16)
			tv[0], tv[8] = 2, 100
			s.log("timeout %s", errName(s.Setopt(fd, linux.SOL_SOCKET, linux.SO_RCVTIMEO, tv)))
			tv[8+3] = 1
			s.log("timeout %s", errName(s.Setopt(fd, linux.SOL_SOCKET, linux.SO_SNDTIMEO, tv)))
			try(linux.IPPROTO_TCP, 999, 1)
			try(linux.IPPROTO_TCP, linux.TCP_NODELAY, 1, 0, 7)
			try(linux.IPPROTO_TCP, linux.TCP_CORK, 1, 0)
			for _, o := range []int{linux.TCP_KEEPIDLE, linux.TCP_KEEPINTVL, linux.TCP_KEEPCNT, linux.TCP_USER_TIMEOUT} {
				try(linux.IPPROTO_TCP, o, 10, -1)
			}
			try(linux.IPPROTO_IP, linux.IP_TOS, 16)
			try(linux.IPPROTO_IP, linux.IP_TTL, 10, 0, 300)
			try(linux.IPPROTO_IP, linux.IP_RECVERR, 1)
			try(linux.IPPROTO_IP, 999, 1)
			try(linux.IPPROTO_IPV6, linux.IPV6_V6ONLY, 1, 0)
			try(linux.IPPROTO_IPV6, linux.IPV6_UNICAST_HOPS, 10, 300)
			try(12345, 1, 1)
		})
	}
}

func (s *script) epoll(ep, n int) {
	ev, err := s.EpollWait(ep, n)
	if n > len(ev) { // all there are: their order means nothing
		slices.SortFunc(ev, func(a, b EpollEvent) int { return int(a.Data) - int(b.Data) })
	}
	s.log("epoll_wait %v %s", ev, errName(err))
}

func (s *script) ctl(ep, op, fd int, events uint32, data uint64) {
	s.log("epoll_ctl(%d, %#x) %s", op, events, errName(s.EpollCtl(ep, op, fd, EpollEvent{events, data})))
}

func TestEpollLikeTheHost(t *testing.T) {
	const add, del, mod = linux.EPOLL_CTL_ADD, linux.EPOLL_CTL_DEL, linux.EPOLL_CTL_MOD
	compare(t, func(s *script) {
		ep, err := s.EpollCreate()
		s.log("epoll %s", errName(err))
		r, w, _ := s.Pipe()
		s.ctl(ep, add, r, linux.EPOLLIN, 1)
		s.ctl(ep, add, r, linux.EPOLLIN, 1)
		s.ctl(ep, mod, w, linux.EPOLLOUT, 2)
		s.ctl(ep, add, w, linux.EPOLLOUT, 2)
		s.epoll(ep, 10)
		s.epoll(ep, 0)
		s.Write(w, []byte("abc"))
		s.epoll(ep, 1)
		s.epoll(ep, 1)
		s.epoll(ep, 10)
		s.ctl(ep, mod, w, 0, 2)
		s.ctl(ep, mod, r, linux.EPOLLIN|linux.EPOLLET, 3)
		s.epoll(ep, 10)
		s.epoll(ep, 10)
		s.Read(r, 1)
		s.epoll(ep, 10)
		s.Write(w, []byte("d"))
		s.epoll(ep, 10)
		s.ctl(ep, mod, r, linux.EPOLLIN|linux.EPOLLONESHOT, 4)
		s.epoll(ep, 10)
		s.Write(w, []byte("d"))
		s.epoll(ep, 10)
		s.ctl(ep, mod, r, linux.EPOLLIN, 5)
		s.epoll(ep, 10)
		s.ctl(ep, del, w, 0, 0)
		s.ctl(ep, del, w, 0, 0)
		s.ctl(ep, 9, r, 0, 0)
		s.ctl(ep, add, ep, linux.EPOLLIN, 0)
		s.ctl(r, add, w, linux.EPOLLIN, 0)
		s.ctl(ep, add, 9999, linux.EPOLLIN, 0)
		s.ctl(ep, mod, r, linux.EPOLLIN|linux.EPOLLEXCLUSIVE, 0)
		s.File(s.Dir()+"/f", "")
		m, _ := s.Memfd("m", 0)
		s.ctl(ep, add, m, linux.EPOLLIN, 0)

		// another epoll around it, and a loop
		outer, _ := s.EpollCreate()
		s.ctl(outer, add, ep, linux.EPOLLIN, 7)
		s.epoll(outer, 10)
		s.poll(outer, ep)
		s.ctl(ep, add, outer, linux.EPOLLIN, 0)
		s.Close(w)
		s.epoll(ep, 10)
		d, _ := s.Dup(r)
		s.Close(r)
		s.epoll(ep, 10) // the description lives on
		s.Close(d)
		s.epoll(ep, 10)
		s.epoll(outer, 10)

		a, b := s.pair(linux.SOCK_STREAM)
		s.ctl(ep, add, a, linux.EPOLLIN|linux.EPOLLOUT|linux.EPOLLRDHUP|linux.EPOLLET, 8)
		s.epoll(ep, 10)
		s.epoll(ep, 10)
		s.send(b, "x", 0)
		s.epoll(ep, 10)
		s.shutdown(b, linux.SHUT_WR)
		s.epoll(ep, 10)
		s.Close(b)
		s.epoll(ep, 10)
		s.epoll(ep, 10)
		chain := make([]int, 7)
		for i := range chain {
			chain[i], _ = s.EpollCreate()
			if i > 0 {
				s.ctl(chain[i], add, chain[i-1], linux.EPOLLIN, 0)
			}
		}
	})
}

func TestEventfdLikeTheHost(t *testing.T) {
	num := func(n uint64) []byte { return binary.LittleEndian.AppendUint64(nil, n) }
	for _, flags := range []int{0, linux.EFD_SEMAPHORE} {
		compare(t, func(s *script) {
			fd, err := s.Eventfd(3, flags|linux.EFD_NONBLOCK)
			s.log("eventfd %s", errName(err))
			write := func(b []byte) { n, err := s.Write(fd, b); s.log("write %d %s", n, errName(err)) }
			read := func(n int) { b, err := s.Read(fd, n); s.log("read %v %s", b, errName(err)) }
			s.poll(fd)
			read(7)
			read(9)
			read(8)
			write(num(2))
			read(8)
			read(8)
			read(8)
			s.poll(fd)
			write(num(^uint64(0)))
			write(num(^uint64(0) - 1))
			s.poll(fd)
			write(num(1))
			write([]byte("short"))
			write(num(0))
			read(8)
			_, err = s.Eventfd(0, 1<<10)
			s.log("flags %s", errName(err))
		})
	}
}

func TestTimerfdLikeTheHost(t *testing.T) {
	compare(t, func(s *script) {
		for _, clock := range []int{0, 1, 7, 2, 3, 4, 99} {
			fd, err := s.Timerfd(clock)
			s.log("timerfd(%d) %s", clock, errName(err))
			if err != nil {
				continue
			}
			s.poll(fd)
			_, err = s.Read(fd, 8)
			s.log("read %s", errName(err))
			s.log("set %s", errName(s.TimerfdSet(fd, 0, time.Hour, 0)))
			s.log("flags %s", errName(s.TimerfdSet(fd, 16, time.Hour, 0)))
			s.log("past %s", errName(s.TimerfdSet(fd, linux.TFD_TIMER_ABSTIME, 1, 0)))
			for range 1000 { // it may take a moment
				if s.Poll(fd) != 0 {
					break
				}
				time.Sleep(time.Millisecond)
			}
			s.poll(fd)
			b, err := s.Read(fd, 8)
			s.log("read %v %s", b, errName(err))
			_, err = s.Write(fd, b)
			s.log("write %s", errName(err))
			s.log("negative %s", errName(s.TimerfdSet(fd, 0, -time.Second, 0)))
		}
	})
}

func TestMemfdLikeTheHost(t *testing.T) {
	compare(t, func(s *script) {
		for _, flags := range []int{0, linux.MFD_ALLOW_SEALING, 1 << 12} {
			fd, err := s.Memfd("name", flags)
			s.log("memfd(%#x) %s", flags, errName(err))
			if err != nil {
				continue
			}
			n, err := s.Seals(fd)
			s.log("seals %#x %s", n, errName(err))
			w, err := s.Write(fd, []byte("hello"))
			s.log("write %d %s", w, errName(err))
			for _, set := range []int{64, linux.F_SEAL_GROW, linux.F_SEAL_SHRINK, linux.F_SEAL_WRITE, linux.F_SEAL_SEAL, linux.F_SEAL_GROW} {
				s.log("add %#x %s", set, errName(s.AddSeals(fd, set)))
				n, _ := s.Seals(fd)
				s.log(" now %#x", n)
				s.log(" grow %s", errName(s.Ftruncate(fd, 100)))
				s.log(" shrink %s", errName(s.Ftruncate(fd, 1)))
				w, err := s.Write(fd, []byte("x"))
				s.log(" write %d %s", w, errName(err))
			}
		}
		_, err := s.Memfd(strings.Repeat("x", 250), 0)
		s.log("long %s", errName(err))
		r, _, _ := s.Pipe()
		_, err = s.Seals(r)
		s.log("pipe %s", errName(err))
	})
}

func TestInotifyLikeTheHost(t *testing.T) {
	compare(t, func(s *script) {
		fd, err := s.Inotify()
		s.log("inotify %s", errName(err))
		cookies := map[uint32]int{0: 0}
		read := func() {
			b, err := s.Read(fd, 4096)
			s.log("read %s", errName(err))
			for len(b) >= linux.InotifyEventSize {
				le := binary.LittleEndian
				n := int(le.Uint32(b[12:]))
				c := le.Uint32(b[8:])
				if _, ok := cookies[c]; !ok {
					cookies[c] = len(cookies)
				}
				s.log(" wd %d mask %#x cookie %d len %d %q", int32(le.Uint32(b)), le.Uint32(b[4:]), cookies[c], n,
					strings.TrimRight(string(b[16:16+n]), "\x00"))
				b = b[16+n:]
			}
		}
		watch := func(path string, mask uint32) {
			wd, err := s.AddWatch(fd, s.Dir()+path, mask)
			s.log("add %s %#x: %d %s", path, mask, wd, errName(err))
		}
		watch("/none", linux.IN_ALL_EVENTS)
		watch("/", 0)
		watch("/", linux.IN_CREATE|linux.IN_DELETE|linux.IN_MOVE|linux.IN_MODIFY|linux.IN_CLOSE_WRITE)
		s.File(s.Dir()+"/a", "text")
		s.Mkdir(s.Dir() + "/d")
		s.Rename(s.Dir()+"/a", s.Dir()+"/d/b")
		s.Rename(s.Dir()+"/d/b", s.Dir()+"/c")
		read()
		read()
		watch("/c", linux.IN_MODIFY|linux.IN_ONESHOT)
		s.File(s.Dir()+"/c", "more")
		s.File(s.Dir()+"/c", "more")
		read()
		watch("/d", linux.IN_DELETE_SELF|linux.IN_ONLYDIR)
		watch("/c", linux.IN_DELETE_SELF|linux.IN_ONLYDIR)
		s.Rmdir(s.Dir() + "/d")
		read()
		s.Unlink(s.Dir() + "/c")
		s.log("rm %s", errName(s.RmWatch(fd, 1)))
		s.log("rm %s", errName(s.RmWatch(fd, 1)))
		s.poll(fd)
		_, err = s.Read(fd, 10)
		s.log("short %s", errName(err))
		read()
	})
}
