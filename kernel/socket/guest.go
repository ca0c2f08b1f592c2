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
	st.mu.Lock()
	p, gateway, ok := st.own(false)
	st.unlock()
	to := p.Addr()
	if !ok {
		to = netip.AddrFrom4([4]byte{127, 0, 0, 1})
	}
	if !gateway.IsValid() {
		gateway = to
	}
	return st.Connect(ctx, network, netip.AddrPortFrom(gateway, 0), netip.AddrPortFrom(to, uint16(port)))
}

// Connect is a connection from a machine of the network to a guest that listens:
// network is "tcp" or "udp", from is the address that the guest sees, whose port
// is chosen when it is 0. EHOSTUNREACH when to is not an address of the sandbox,
// ECONNREFUSED when nobody listens; a full backlog waits for ctx.
func (st *Stack) Connect(ctx context.Context, network string, from, to netip.AddrPort) (net.Conn, error) {
	h, err := st.connect(ctx, network, from, to, nil)
	if err != nil {
		return nil, err
	}
	return h, nil
}

// Adopt is Connect for a machine that is connected with this host by c: the guest's
// end is going to be c itself, which is closed when that fails. It reports false, and has
// done nothing, when c or this host are not of that kind; who has c then moves the bytes.
func (st *Stack) Adopt(ctx context.Context, c net.Conn, from, to netip.AddrPort) (bool, error) {
	w := st.newWire(c)
	if w == nil {
		return false, nil
	}
	if _, err := st.connect(ctx, "tcp", from, to, w); err != nil {
		w.close(true)
		return true, err
	}
	return true, nil
}

// connect is Connect, or Adopt when w is not nil.
func (st *Stack) connect(ctx context.Context, network string, from, to netip.AddrPort, w *wire) (*HostConn, error) {
	from, to = unmap(from), unmap(to)
	if to.Port() == 0 || from.Addr().Is4() != to.Addr().Is4() {
		return nil, linux.EINVAL
	}
	h := &HostConn{given: true, changed: make(chan struct{})}
	var p protocol
	domain, typ, num := linux.AF_INET, linux.SOCK_STREAM, linux.IPPROTO_TCP
	if to.Addr().Is6() {
		domain = linux.AF_INET6
	}
	switch network {
	case "tcp", "tcp4", "tcp6":
		p = tcpProto{}
	case "udp", "udp4", "udp6":
		p, typ, num = udpProto{}, linux.SOCK_DGRAM, linux.IPPROTO_UDP
	default:
		return nil, linux.EPROTONOSUPPORT
	}
	st.mu.Lock()
	defer st.unlock()
	if st.closed {
		return nil, linux.ENETDOWN
	}
	if !st.local(to.Addr()) {
		return nil, linux.EHOSTUNREACH
	}
	s := st.newLocked(p, domain, typ, num, Owner{}, h.poke)
	s.host, h.s, s.bearer = true, s, w
	if from.Port() != 0 { // the port of another machine, which is none of ours
		s.local = linux.SockaddrInet(uint16(domain), from)
		s.register()
	} else if err := s.takePort(from.Addr(), 0); err != nil {
		s.closeLocked()
		return nil, err
	}
	s.remote = linux.SockaddrInet(uint16(domain), to)
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
	if w == nil {
		st.far[h] = struct{}{}
	}
	return h, nil
}

// unmap makes plain IPv4 of an address that is mapped into IPv6.
func unmap(a netip.AddrPort) netip.AddrPort {
	return netip.AddrPortFrom(a.Addr().Unmap(), a.Port())
}
