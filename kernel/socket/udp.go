package socket

import (
	"net/netip"

	"github.com/sbxrun/sbx/abi/linux"
)

// udpProto is UDP, udp(7), and UDP-Lite, udplite(7), which stays within the sandbox.
type udpProto struct{}

func (udpProto) bind(s *Socket, sa linux.Sockaddr, _ any) error { return s.bindInet(sa) }

func (udpProto) connect(s *Socket, sa linux.Sockaddr, _ any) error {
	if sa.Family == linux.AF_UNSPEC {
		s.state, s.remote = idle, linux.SockaddrInet(uint16(s.domain), netip.AddrPort{})
		s.unconnect()
		return nil
	}
	to, err := destination(s, sa)
	if err != nil {
		return err
	}
	if to.Addr() == broadcast && !s.opt.broadcast {
		return linux.EACCES
	}
	src, err := s.st.source(to.Addr())
	if err != nil {
		return err
	}
	if err := s.autobind(src); err != nil {
		return err
	}
	s.state, s.remote = connected, linux.SockaddrInet(uint16(s.domain), to)
	return nil
}

var broadcast = netip.AddrFrom4([4]byte{255, 255, 255, 255})

func (udpProto) send(s *Socket, m *Message) (int, error) {
	if !s.bound {
		if err := s.takePort(netip.IPv4Unspecified(), 0); err != nil {
			return 0, linux.EAGAIN
		}
		s.opt.auto = true
	}
	if m.Flags&linux.MSG_OOB != 0 {
		return 0, linux.EOPNOTSUPP
	}
	if len(m.Data) > linux.UDP_MAX_PAYLOAD {
		return 0, linux.EMSGSIZE
	}
	var to netip.AddrPort
	switch {
	case m.HasTo:
		if m.Name.Family == linux.AF_UNSPEC && s.domain == linux.AF_INET {
			m.Name.Family = linux.AF_INET
		}
		var err error
		if to, err = destination(s, m.Name); err != nil {
			return 0, err
		}
		if to.Port() == 0 {
			return 0, linux.EINVAL
		}
	case s.state == connected:
		to = s.remote.AddrPort()
	default:
		return 0, linux.EDESTADDRREQ
	}
	if s.err != 0 && s.state == connected {
		return 0, s.takeErr()
	}
	if s.shutW {
		return 0, linux.EPIPE
	}
	if to.Addr() == broadcast && !s.opt.broadcast {
		return 0, linux.EACCES
	}
	h, src, err := s.header(to.Addr(), m.Control)
	if err != nil {
		return 0, err
	}
	if a := s.local.Addr.Unmap(); !src.IsValid() && !a.IsUnspecified() {
		src = a
	}
	if !src.IsValid() {
		if src, err = s.st.source(to.Addr()); err != nil {
			return 0, err
		}
	}
	return s.st.route(s, netip.AddrPortFrom(src, s.local.Port), to, m.Data, h)
}

// route sends a datagram.
func (st *Stack) route(s *Socket, from, to netip.AddrPort, data []byte, h ipHeader) (int, error) {
	if st.isNameServer(to.Addr()) {
		if to.Port() == 53 && s.num == linux.IPPROTO_UDP {
			st.ask(s, from, to, data)
		}
		return len(data), nil
	}
	o := st.best(portKey{s.num, to.Port()}, to, from, func(o *Socket) bool { return true })
	switch {
	case o != nil && (st.local(to.Addr()) || o.host):
		o.arrive(from, to, data, h)
	case st.local(to.Addr()):
		if s.state == connected && !s.host {
			s.err = linux.ECONNREFUSED
			s.notify(linux.POLLERR)
		}
	case s.num != linux.IPPROTO_UDP: // the host does not carry it
		return 0, linux.ENETUNREACH
	default:
		return s.sendOut(to, data)
	}
	return len(data), nil
}

// arrive queues a datagram, or loses it when there is no room.
func (s *Socket) arrive(from, to netip.AddrPort, data []byte, h ipHeader) {
	if s.rx.bytes+s.rx.count()*256+len(data) > s.opt.rcvbuf || s.shutR || !s.enough(h, len(data)) {
		return
	}
	family := uint16(s.domain)
	p := packet{from: linux.SockaddrInet(family, from), to: linux.SockaddrInet(family, to), ip: h}
	if s.enqueue(p, data, 64) == nil {
		s.notify(pollIn)
	}
}

func (udpProto) recv(s *Socket, m *Message, flags int) (int, error) {
	if s.err != 0 {
		return 0, s.takeErr()
	}
	if s.rx.empty() {
		if s.shutR {
			return 0, nil
		}
		return 0, linux.EAGAIN
	}
	return s.recvMessage(m, flags)
}

func (udpProto) shutdown(s *Socket, how int) error {
	bad := s.state != connected
	if how != linux.SHUT_WR {
		s.shutR = true
	}
	if how != linux.SHUT_RD {
		s.shutW = true
	}
	s.notify(^uint32(0))
	if bad {
		return linux.ENOTCONN
	}
	return nil
}

func (udpProto) ready(s *Socket) (m uint32) {
	if s.shutR && s.shutW {
		m |= linux.POLLHUP
	}
	if s.shutR {
		m |= linux.POLLRDHUP | pollIn
	}
	if !s.rx.empty() {
		m |= pollIn
	}
	return m | pollOut
}

func (udpProto) close(s *Socket) {
	s.unregister()
	s.closeFlows()
}
