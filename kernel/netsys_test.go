package kernel

import (
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/sbxrun/sbx/abi/linux"
)

// netSys are the calls that scripts of operations make: of a guest, or of the
// host's Linux.
type netSys interface {
	Socket(domain, typ, proto int) (int, error)
	Socketpair(domain, typ, proto int) (int, int, error)
	Bind(fd int, sa []byte) error
	Connect(fd int, sa []byte) error
	Listen(fd, backlog int) error
	Accept(fd, flags int) (int, []byte, error)
	Name(fd int) ([]byte, error)
	Peer(fd int) ([]byte, error)
	Send(fd int, data, to, control []byte, flags int) (int, error)
	Recv(fd, n, room, flags int) (data, control, from []byte, out int, err error)
	Shutdown(fd, how int) error
	Close(fd int) error
	Poll(fd int) uint16
	Getopt(fd, level, name int) ([]byte, error)
	Setopt(fd, level, name int, v []byte) error
	Ioctl(fd int, req uint32, buf []byte) error
	Read(fd, n int) ([]byte, error)
	Write(fd int, p []byte) (int, error)
	Pipe() (int, int, error)
	EpollCreate() (int, error)
	EpollCtl(ep, op, fd int, ev EpollEvent) error
	EpollWait(ep, n int) ([]EpollEvent, error)
	Eventfd(n uint32, flags int) (int, error)
	Timerfd(clock int) (int, error)
	TimerfdSet(fd, flags int, value, interval time.Duration) error
	Memfd(name string, flags int) (int, error)
	Seals(fd int) (int, error)
	AddSeals(fd, set int) error
	Ftruncate(fd int, n int64) error
	Dup(fd int) (int, error)
	Inotify() (int, error)
	AddWatch(fd int, path string, mask uint32) (int, error)
	RmWatch(fd, wd int) error
	File(path, text string) error
	Mkdir(path string) error
	Rename(from, to string) error
	Unlink(path string) error
	Rmdir(path string) error
	Dir() string // a folder of one's own
}

// script writes down what calls answer.
type script struct {
	netSys
	out strings.Builder
}

func (s *script) log(format string, a ...any) { fmt.Fprintf(&s.out, format+"\n", a...) }

// err shows an error by name.
func errName(err error) string {
	if err == nil {
		return "ok"
	}
	return linux.ErrnoOf(err).Name()
}

// addr shows an address without what differs between kernels.
func (s *script) addr(b []byte) string {
	sa, err := linux.DecodeSockaddr(b)
	if err != nil {
		return fmt.Sprintf("%d bytes", len(b))
	}
	port := "0"
	if sa.Port != 0 {
		port = "P"
	}
	path := strings.ReplaceAll(sa.Path, s.Dir(), "DIR")
	return fmt.Sprintf("%d %v:%s %q", sa.Family, sa.Addr, port, path)
}

func (s *script) socket(domain, typ, proto int) int {
	fd, err := s.Socket(domain, typ, proto)
	s.log("socket(%d,%#x,%d) %s", domain, typ, proto, errName(err))
	return fd
}

func (s *script) pair(typ int) (int, int) {
	a, b, err := s.Socketpair(linux.AF_UNIX, typ, 0)
	s.log("socketpair(%#x) %s", typ, errName(err))
	return a, b
}

func (s *script) bind(fd int, sa linux.Sockaddr) {
	s.log("bind %s", errName(s.Bind(fd, sa.Encode())))
}

func (s *script) connect(fd int, sa linux.Sockaddr) {
	s.log("connect %s", errName(s.Connect(fd, sa.Encode())))
}

func (s *script) listen(fd, n int) { s.log("listen %s", errName(s.Listen(fd, n))) }

func (s *script) accept(fd int) int {
	n, from, err := s.Accept(fd, linux.SOCK_NONBLOCK)
	s.log("accept %s from %s", errName(err), s.addr(from))
	return n
}

func (s *script) send(fd int, data string, flags int) {
	n, err := s.Send(fd, []byte(data), nil, nil, flags|linux.MSG_NOSIGNAL)
	s.log("send %d %s", n, errName(err))
}

func (s *script) sendTo(fd int, data string, to linux.Sockaddr) {
	n, err := s.Send(fd, []byte(data), to.Encode(), nil, linux.MSG_NOSIGNAL)
	s.log("sendto %d %s", n, errName(err))
}

func (s *script) recv(fd, n, flags int) {
	b, c, from, out, err := s.Recv(fd, n, 64, flags|linux.MSG_DONTWAIT)
	s.log("recv %q %s flags %#x from %s control %d", b, errName(err), out, s.addr(from), len(c))
}

func (s *script) poll(fds ...int) {
	for _, fd := range fds {
		s.log("poll %#x", s.Poll(fd))
	}
}

func (s *script) shutdown(fd, how int) {
	s.log("shutdown(%d) %s", how, errName(s.Shutdown(fd, how)))
}

func (s *script) names(fd int) {
	a, err := s.Name(fd)
	b, err2 := s.Peer(fd)
	s.log("name %s %s peer %s %s", s.addr(a), errName(err), s.addr(b), errName(err2))
}

func (s *script) soError(fd int) {
	v, err := s.Getopt(fd, linux.SOL_SOCKET, linux.SO_ERROR)
	s.log("SO_ERROR %v %s", v, errName(err))
}

// self is the address that a socket was given.
func (s *script) self(fd int) linux.Sockaddr {
	b, _ := s.Name(fd)
	sa, _ := linux.DecodeSockaddr(b)
	return sa
}

// guestSys are the calls of a guest.
type guestSys struct{ t *Task }

func (g guestSys) Socket(d, ty, p int) (int, error)           { return g.t.Socket(d, ty, p) }
func (g guestSys) Socketpair(d, ty, p int) (int, int, error)  { return g.t.Socketpair(d, ty, p) }
func (g guestSys) Bind(fd int, sa []byte) error               { return g.t.Bind(fd, sa) }
func (g guestSys) Connect(fd int, sa []byte) error            { return g.t.Connect(fd, sa) }
func (g guestSys) Listen(fd, n int) error                     { return g.t.Listen(fd, n) }
func (g guestSys) Accept(fd, flags int) (int, []byte, error)  { return g.t.Accept(fd, flags) }
func (g guestSys) Name(fd int) ([]byte, error)                { return g.t.Getsockname(fd) }
func (g guestSys) Peer(fd int) ([]byte, error)                { return g.t.Getpeername(fd) }
func (g guestSys) Shutdown(fd, how int) error                 { return g.t.Shutdown(fd, how) }
func (g guestSys) Close(fd int) error                         { return g.t.Close(fd) }
func (g guestSys) Getopt(fd, level, name int) ([]byte, error) { return g.t.Getsockopt(fd, level, name) }
func (g guestSys) Setopt(fd, level, name int, v []byte) error {
	return g.t.Setsockopt(fd, level, name, v)
}
func (g guestSys) Write(fd int, p []byte) (int, error)          { return g.t.Write(fd, p) }
func (g guestSys) Pipe() (int, int, error)                      { return g.t.Pipe(linux.O_NONBLOCK) }
func (g guestSys) EpollCreate() (int, error)                    { return g.t.EpollCreate(0) }
func (g guestSys) EpollCtl(ep, op, fd int, ev EpollEvent) error { return g.t.EpollCtl(ep, op, fd, ev) }
func (g guestSys) EpollWait(ep, n int) ([]EpollEvent, error)    { return g.t.EpollWait(ep, n, 0, nil) }
func (g guestSys) Eventfd(n uint32, flags int) (int, error)     { return g.t.Eventfd(n, flags) }
func (g guestSys) Timerfd(clock int) (int, error) {
	return g.t.TimerfdCreate(clock, linux.TFD_NONBLOCK)
}
func (g guestSys) Memfd(name string, flags int) (int, error) { return g.t.MemfdCreate(name, flags) }
func (g guestSys) Seals(fd int) (int, error)                 { return g.t.Seals(fd) }
func (g guestSys) AddSeals(fd, set int) error                { return g.t.AddSeals(fd, set) }
func (g guestSys) Ftruncate(fd int, n int64) error           { return g.t.Ftruncate(fd, n) }
func (g guestSys) Dup(fd int) (int, error)                   { return g.t.Dup(fd) }
func (g guestSys) Inotify() (int, error)                     { return g.t.InotifyInit(linux.IN_NONBLOCK) }
func (g guestSys) RmWatch(fd, wd int) error                  { return g.t.InotifyRmWatch(fd, wd) }
func (g guestSys) Mkdir(path string) error                   { return g.t.Mkdir(linux.AT_FDCWD, path, 0o755) }
func (g guestSys) Unlink(path string) error                  { return g.t.Unlink(linux.AT_FDCWD, path, 0) }
func (g guestSys) Rmdir(path string) error {
	return g.t.Unlink(linux.AT_FDCWD, path, linux.AT_REMOVEDIR)
}
func (g guestSys) Dir() string { return "/tmp" }
func (g guestSys) AddWatch(fd int, p string, m uint32) (int, error) {
	return g.t.InotifyAddWatch(fd, p, m)
}

func (g guestSys) Rename(a, b string) error {
	return g.t.Rename(linux.AT_FDCWD, a, linux.AT_FDCWD, b, 0)
}

func (g guestSys) TimerfdSet(fd, flags int, value, interval time.Duration) error {
	_, _, err := g.t.TimerfdSettime(fd, flags, value, interval)
	return err
}

func (g guestSys) Send(fd int, data, to, control []byte, flags int) (int, error) {
	return g.t.Sendmsg(fd, &SockMessage{Name: to, Data: data, Control: control}, flags)
}

func (g guestSys) Recv(fd, n, room, flags int) (data, control, from []byte, out int, err error) {
	m := SockMessage{Data: make([]byte, n), Control: make([]byte, 0, room)}
	got, err := g.t.Recvmsg(fd, &m, flags)
	return m.Data[:min(got, n)], m.Control, m.Name, m.Flags, err
}

func (g guestSys) Poll(fd int) uint16 {
	fds := []PollFd{{FD: fd, Events: pollEvents}}
	g.t.Poll(fds, 0)
	return fds[0].Revents
}

const pollEvents = linux.POLLIN | linux.POLLOUT | linux.POLLRDHUP | linux.POLLPRI

func (g guestSys) Ioctl(fd int, req uint32, buf []byte) error {
	_, err := g.t.SocketIoctl(fd, req, buf)
	return err
}

func (g guestSys) Read(fd, n int) ([]byte, error) {
	b := make([]byte, n)
	m, err := g.t.Read(fd, b)
	return b[:max(m, 0)], err
}

func (g guestSys) File(path, text string) error {
	fd, err := g.t.Open(linux.AT_FDCWD, path, linux.O_CREAT|linux.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer g.t.Close(fd)
	_, err = g.t.Write(fd, []byte(text))
	return err
}

const nonblockStream = linux.SOCK_STREAM | linux.SOCK_NONBLOCK

func inet(a string) linux.Sockaddr {
	ap := netip.MustParseAddrPort(a)
	f := uint16(linux.AF_INET)
	if ap.Addr().Is6() {
		f = linux.AF_INET6
	}
	return linux.Sockaddr{Family: f, Addr: ap.Addr(), Port: ap.Port()}
}
