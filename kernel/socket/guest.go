package socket

import (
	"context"
	"net"
	"net/netip"

	"github.com/sbxrun/sbx/abi/linux"
)

// DialGuest connects the host to a port on which a guest listens, as seen from the
// gateway of the guests' network. network is "tcp" or "udp". ECONNREFUSED when
// nobody listens; a full backlog waits for ctx.
func (st *Stack) DialGuest(ctx context.Context, network string, port int) (net.Conn, error) {
	if port <= 0 || port > 65535 {
		return nil, linux.EINVAL
	}
	to := netip.AddrPortFrom(st.guestAddr(), uint16(port))
	h := &HostConn{changed: make(chan struct{})}
	var p protocol
	typ, num := linux.SOCK_STREAM, linux.IPPROTO_TCP
	switch network {
	case "tcp", "tcp4":
		p = tcpProto{}
	case "udp", "udp4":
		p, typ, num = udpProto{}, linux.SOCK_DGRAM, linux.IPPROTO_UDP
	default:
		return nil, linux.EPROTONOSUPPORT
	}
	st.mu.Lock()
	defer st.unlock()
	if st.closed {
		return nil, linux.ENETDOWN
	}
	s := st.newLocked(p, linux.AF_INET, typ, num, Owner{}, h.poke)
	s.host, h.s = true, s
	if err := s.takePort(st.gateway(), 0); err != nil {
		s.closeLocked()
		return nil, err
	}
	s.remote = linux.SockaddrInet(linux.AF_INET, to)
	if num == linux.IPPROTO_UDP {
		s.state = connected
		return h, nil
	}
	s.begin(to)
	for s.state == connecting {
		h.mu.Lock()
		changed := h.changed
		h.mu.Unlock()
		st.unlock()
		select {
		case <-changed:
		case <-ctx.Done():
		}
		st.mu.Lock()
		if err := ctx.Err(); err != nil && s.state == connecting {
			s.closeLocked()
			return nil, err
		}
	}
	if s.state != connected {
		err := s.takeErr()
		s.closeLocked()
		if err == nil {
			err = linux.ECONNREFUSED
		}
		return nil, err
	}
	return h, nil
}

// guestAddr is where the outside finds the guests.
func (st *Stack) guestAddr() netip.Addr {
	if p, ok := st.own(false); ok {
		return p.Addr()
	}
	return netip.AddrFrom4([4]byte{127, 0, 0, 1})
}
