package socket

import (
	"errors"
	"net/netip"
	"slices"

	"github.com/sbxrun/sbx/abi/linux"
)

// tcpProto is TCP, tcp(7), as two sockets that hand each other bytes.
type tcpProto struct{}

// errBegun is how connect says that it has begun, and perhaps ended.
var errBegun = errors.New("connection begun")

func (tcpProto) bind(s *Socket, sa linux.Sockaddr, _ any) error { return s.bindInet(sa) }

func (tcpProto) connect(s *Socket, sa linux.Sockaddr, _ any) error {
	if sa.Family == linux.AF_UNSPEC {
		s.disconnect()
		return nil
	}
	switch {
	case s.state == connecting:
		return linux.EALREADY
	case s.async:
		s.async = false
		if s.state == connected {
			return s.takeErr()
		}
		if s.err == 0 {
			return linux.ECONNABORTED
		}
		return s.takeErr()
	case s.state != idle:
		return linux.EISCONN
	}
	to, err := destination(s, sa)
	if err != nil {
		return err
	}
	if a := to.Addr(); a.IsMulticast() || a == netip.AddrFrom4([4]byte{255, 255, 255, 255}) {
		return linux.ENETUNREACH
	}
	src, err := s.st.source(to.Addr())
	if err != nil {
		return err
	}
	if err := s.autobind(src); err != nil {
		return err
	}
	s.err, s.done, s.shutR, s.shutW = 0, false, false, false
	s.remote = linux.SockaddrInet(uint16(s.domain), to)
	s.begin(to)
	return errBegun
}

// autobind gives a socket that connects its address, and a port if it has none.
func (s *Socket) autobind(src netip.Addr) error {
	if !s.bound {
		if s.domain == linux.AF_INET6 && s.opt.v6only && src.Is4() {
			return linux.ENETUNREACH
		}
		if err := s.takePort(src, 0); err != nil {
			return linux.EADDRNOTAVAIL
		}
		s.opt.auto = true
		return nil
	}
	if s.local.Addr.IsUnspecified() {
		s.opt.anyAddr = true
		s.local = linux.SockaddrInet(uint16(s.domain), netip.AddrPortFrom(src, s.local.Port))
	}
	return nil
}

// begin makes a connection to an address: at once when it is the sandbox's own.
func (s *Socket) begin(to netip.AddrPort) {
	switch st := s.st; {
	case st.isNameServer(to.Addr()):
		if to.Port() != 53 {
			s.fail(linux.ECONNREFUSED)
			return
		}
		st.serveNames(s)
	case st.local(to.Addr()):
		l := st.listener(to, s.local.AddrPort())
		switch {
		case l == nil:
			s.fail(linux.ECONNREFUSED)
		case l.full():
			s.state = connecting
			s.parent = l
			l.waiting = append(l.waiting, s)
		default:
			l.meet(s)
		}
	default:
		s.dial(to)
	}
}

// fail ends a connection that is being made.
func (s *Socket) fail(err linux.Errno) {
	s.state, s.err = idle, err
	s.shutR, s.shutW = true, true
	s.parent = nil
	s.unconnect()
	s.notify(^uint32(0))
}

// unconnect takes back what connect gave to the address.
func (s *Socket) unconnect() {
	if s.opt.auto {
		s.unregister()
		s.opt.auto = false
		s.local = linux.SockaddrInet(uint16(s.domain), netip.AddrPort{})
	} else if s.opt.anyAddr {
		s.local = linux.SockaddrInet(uint16(s.domain), netip.AddrPortFrom(netip.Addr{}, s.local.Port))
		s.opt.anyAddr = false
	}
}

// meet connects s to the listener.
func (l *Socket) meet(s *Socket) {
	c := l.st.newLocked(l.p, l.domain, l.typ, l.num, l.owner, nil)
	c.opt = l.opt.inherit()
	to := s.remote.AddrPort()
	c.local = linux.SockaddrInet(uint16(l.domain), to)
	c.remote = linux.SockaddrInet(uint16(l.domain), s.local.AddrPort())
	c.register()
	c.shutR, c.shutW = l.shutR, l.shutW
	join(s, c)
	s.parent = nil
	c.parent = l
	if s.bearer != nil {
		c.become(s.bearer)
		s.bearer = nil
	}
	l.accepts = append(l.accepts, c)
	l.notify(pollIn)
	s.notify(pollOut)
}

// admit lets those in who wait for room in the backlog.
func (s *Socket) admit() {
	for len(s.waiting) > 0 && !s.full() {
		c := s.waiting[0]
		s.waiting = s.waiting[1:]
		s.meet(c)
	}
}

// disconnect is connect(2) to AF_UNSPEC.
func (s *Socket) disconnect() {
	s.unwire(true)
	tcpProto{}.leave(s, true)
	s.rx.drop(s)
	s.state, s.async, s.err = idle, false, 0
	s.shutR, s.shutW, s.done = false, false, false
	s.unconnect()
	s.notify(^uint32(0))
}

func (tcpProto) listen(s *Socket) error {
	if s.state == listening {
		return nil
	}
	if s.state != idle {
		return linux.EINVAL
	}
	if !s.bound {
		if err := s.takePort(netip.IPv4Unspecified(), 0); err != nil {
			return err
		}
	}
	s.state = listening
	if s.conflicts(s.local.Addr.Unmap(), s.local.Port) {
		s.state = idle
		return linux.EADDRINUSE
	}
	return nil
}

func (tcpProto) send(s *Socket, m *Message) (int, error) {
	if m.Flags&linux.MSG_OOB != 0 && s.peer != nil && s.peer.host && !s.peer.passes {
		return 0, linux.EOPNOTSUPP // the outside gets plain bytes only
	}
	if m.Flags&linux.MSG_FASTOPEN != 0 {
		return 0, linux.EOPNOTSUPP
	}
	if s.state == connecting {
		return 0, linux.EAGAIN
	}
	if s.err != 0 {
		return 0, s.takeErr()
	}
	if s.shutW || s.state != connected {
		return 0, linux.EPIPE
	}
	o := s.peer
	if o == nil { // it is gone, and says so when this arrives
		s.err, s.shutW, s.shutR = linux.EPIPE, true, true
		s.state = idle
		s.notify(^uint32(0))
		return len(m.Data), nil
	}
	if len(m.Data) == 0 {
		return 0, nil
	}
	if o.shutW && o.shutR && !o.done { // nobody is there to take it any more
		o.reset(linux.ECONNRESET)
		s.reset(linux.ECONNRESET)
		return len(m.Data), nil
	}
	room := s.sendRoom()
	if room <= 0 {
		return 0, linux.EAGAIN
	}
	n := min(room, len(m.Data))
	if err := o.push(packet{owner: s}, m.Data[:n]); err != nil {
		if o.rx.empty() {
			return 0, err
		}
		return 0, linux.EAGAIN // room comes when the other side reads
	}
	if m.Flags&linux.MSG_OOB != 0 {
		if !o.host {
			o.markUrgent(n)
			return n, nil
		}
		o.marks.add(o.rx.bytes)
	}
	o.notify(pollIn)
	return n, nil
}

// sendRoom is how much may be under way.
func (s *Socket) sendRoom() int {
	limit := s.opt.sndbuf
	if s.peer != nil {
		limit += s.peer.opt.rcvbuf
	}
	return limit - s.wmem
}

func (tcpProto) recv(s *Socket, m *Message, flags int) (int, error) {
	switch {
	case s.state == listening:
		return 0, linux.ENOTCONN
	case flags&linux.MSG_OOB != 0:
		return s.recvUrgent(m, flags)
	case s.rx.empty():
		return s.nothing()
	case s.urg.state != notUrgent:
		return s.recvMarked(m, flags)
	}
	return s.recvStream(m, flags)
}

// nothing is what a read of a stream gives that finds nothing.
func (s *Socket) nothing() (int, error) {
	if s.domain == linux.AF_UNIX {
		return unixProto{}.nothing(s)
	}
	switch {
	case s.done:
		return 0, nil
	case s.err != 0:
		return 0, s.takeErr()
	case s.shutR:
		return 0, nil
	case s.state == idle:
		return 0, linux.ENOTCONN
	}
	return 0, linux.EAGAIN
}

func (t tcpProto) shutdown(s *Socket, how int) error {
	switch s.state {
	case idle:
		s.shutR = s.shutR || how != linux.SHUT_WR
		s.shutW = s.shutW || how != linux.SHUT_RD
		s.notify(^uint32(0))
		return linux.ENOTCONN
	case listening:
		if how != linux.SHUT_WR {
			t.leave(s, true)
			s.state = idle
			s.notify(^uint32(0))
		}
		return nil
	case connecting:
		t.leave(s, true)
		s.fail(0)
		return nil
	}
	if how != linux.SHUT_WR {
		s.shutR = true
	}
	if how != linux.SHUT_RD && !s.shutW {
		s.shutW = true
		s.finish()
	}
	s.notify(^uint32(0))
	return nil
}

// finish tells the other side that nothing more comes.
func (s *Socket) finish() {
	if o := s.peer; o != nil {
		o.done, o.shutR = true, true
		o.notify(pollIn | linux.POLLRDHUP | linux.POLLHUP)
		if s.done { // both sides are: the connection is over
			s.peer, o.peer = nil, nil
			s.state, o.state = idle, idle
		}
	}
}

// reset is the arrival of a RST.
func (s *Socket) reset(err linux.Errno) {
	s.unwire(true)
	if s.done && err == linux.ECONNRESET {
		err = linux.EPIPE
	}
	s.peer, s.err = nil, err
	s.shutR, s.shutW = true, true
	s.state = idle
	s.notify(^uint32(0))
}

func (tcpProto) ready(s *Socket) (m uint32) {
	if s.state == listening {
		if len(s.accepts) > 0 {
			m = pollIn
		}
		return m
	}
	if s.shutR && s.shutW || s.state == idle {
		m |= linux.POLLHUP
	}
	if s.shutR {
		m |= pollIn | linux.POLLRDHUP
	}
	if s.state == connecting {
		return m
	}
	want := max(s.opt.rcvlowat, 1)
	if s.atMark() && !s.inline() {
		want++
	}
	if s.rx.bytes >= want {
		m |= pollIn
	}
	if s.urg.state == urgentHere {
		m |= linux.POLLPRI
	}
	if s.shutW || s.state == idle || s.peer == nil || s.sendRoom()*3 >= s.opt.sndbuf+s.peer.opt.rcvbuf {
		m |= pollOut
	}
	return m
}

func (t tcpProto) close(s *Socket) {
	t.leave(s, s.opt.linger && s.opt.lingerTime == 0)
	s.unregister()
}

// leave ends a connection, or a listener; abort is by RST, as is leaving unread
// bytes behind.
func (tcpProto) leave(s *Socket, abort bool) {
	if s.cancel != nil {
		s.cancel()
		s.cancel = nil
	}
	if l := s.parent; l != nil && s.state == connecting {
		l.waiting = slices.DeleteFunc(l.waiting, func(o *Socket) bool { return o == s })
		s.parent = nil
	}
	for _, w := range s.waiting {
		w.fail(linux.ECONNREFUSED)
	}
	s.waiting = nil
	accepts := s.accepts
	s.accepts = nil
	for _, c := range accepts {
		c.closeLocked()
	}
	o := s.peer
	if o == nil {
		return
	}
	s.peer = nil
	if abort || !s.rx.empty() || s.parent != nil {
		s.parent = nil
		o.reset(linux.ECONNRESET)
		return
	}
	o.peer = nil
	o.done, o.shutR = true, true
	o.notify(^uint32(0))
}
