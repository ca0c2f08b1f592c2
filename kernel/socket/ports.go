package socket

import (
	"net/netip"
	"slices"

	"github.com/sbxrun/sbx/abi/linux"
)

// portKey is a port of TCP or UDP.
type portKey struct {
	num  int
	port uint16
}

// checkInet checks the address of a bind.
func (s *Socket) checkInet(sa linux.Sockaddr) (netip.Addr, error) {
	if s.domain == linux.AF_INET && sa.Family == linux.AF_UNSPEC {
		return netip.IPv4Unspecified(), nil
	}
	if int(sa.Family) != s.domain {
		return netip.Addr{}, linux.EAFNOSUPPORT
	}
	a := sa.Addr
	if s.opt.v6only && a.Is4In6() {
		return a, linux.EINVAL
	}
	if a = a.Unmap(); !s.st.local(a) && !s.opt.freebind {
		return a, linux.EADDRNOTAVAIL
	}
	return a, nil
}

// bindInet is bind(2) of AF_INET and AF_INET6.
func (s *Socket) bindInet(sa linux.Sockaddr) error {
	a, err := s.checkInet(sa)
	if err != nil {
		return err
	}
	if s.bound || s.state != idle {
		return linux.EINVAL
	}
	return s.takePort(a, sa.Port)
}

// takePort puts the socket at a port; 0 is any that is free.
func (s *Socket) takePort(a netip.Addr, port uint16) error {
	if s.domain == linux.AF_INET6 && a == netip.IPv4Unspecified() {
		a = netip.IPv6Unspecified()
	}
	if port == 0 {
		var err error
		if port, err = s.ephemeral(a); err != nil {
			return err
		}
	} else if s.conflicts(a, port) {
		return linux.EADDRINUSE
	}
	s.local = linux.SockaddrInet(uint16(s.domain), netip.AddrPortFrom(a, port))
	s.register()
	return nil
}

// register enters the socket at its port.
func (s *Socket) register() {
	k := portKey{s.num, s.local.Port}
	s.st.ports[k] = append(s.st.ports[k], s)
	s.bound = true
}

func (s *Socket) unregister() {
	if !s.bound {
		return
	}
	s.bound = false
	k := portKey{s.num, s.local.Port}
	rest := slices.DeleteFunc(s.st.ports[k], func(o *Socket) bool { return o == s })
	if len(rest) == 0 {
		delete(s.st.ports, k)
	} else {
		s.st.ports[k] = rest
	}
}

// ephemeral finds a port that nobody has.
func (s *Socket) ephemeral(a netip.Addr) (uint16, error) {
	st := s.st
	for range linux.IP_LOCAL_PORT_LAST - linux.IP_LOCAL_PORT_FIRST + 1 {
		port := uint16(st.next)
		if st.next++; st.next > linux.IP_LOCAL_PORT_LAST {
			st.next = linux.IP_LOCAL_PORT_FIRST
		}
		if len(st.ports[portKey{s.num, port}]) == 0 {
			return port, nil
		}
	}
	return 0, linux.EADDRINUSE
}

// covers says of which families an address of the socket is.
func (s *Socket) covers(a netip.Addr) (v4, v6 bool) {
	switch {
	case s.domain == linux.AF_INET || a.Is4() && !a.IsUnspecified():
		return true, false
	case a.IsUnspecified():
		return !s.opt.v6only, true
	}
	return false, true
}

// overlaps reports whether two sockets at a port would get the same packets.
func (s *Socket) overlaps(a netip.Addr, o *Socket) bool {
	b := o.local.Addr.Unmap()
	a4, a6 := s.covers(a)
	b4, b6 := o.covers(b)
	if !(a4 && b4 || a6 && b6) {
		return false
	}
	return a.IsUnspecified() || b.IsUnspecified() || a == b
}

// conflicts is what bind(2) gives EADDRINUSE for.
func (s *Socket) conflicts(a netip.Addr, port uint16) bool {
	for _, o := range s.st.ports[portKey{s.num, port}] {
		switch {
		case o == s || o.host || !s.overlaps(a, o): // the host's ends have ports of other machines
		case s.opt.reuseport && o.opt.reuseport && s.owner.UID == o.owner.UID:
		case s.opt.reuseaddr && o.opt.reuseaddr && (s.datagrams() || o.state != listening && s.state != listening):
		default:
			return true
		}
	}
	return false
}

// listener finds who listens at an address: an exact one before a wildcard.
func (st *Stack) listener(to, from netip.AddrPort) *Socket {
	return st.best(portKey{linux.IPPROTO_TCP, to.Port()}, to, from, func(o *Socket) bool { return o.state == listening })
}

// best finds the socket of a port that fits an address best; among equals that
// share by SO_REUSEPORT the sender decides, otherwise the newest.
func (st *Stack) best(k portKey, to, from netip.AddrPort, fits func(o *Socket) bool) *Socket {
	var found []*Socket
	top := -1
	for _, o := range st.ports[k] {
		if !fits(o) || o.state == dead {
			continue
		}
		score := o.score(to, from)
		if score < 0 || score < top {
			continue
		}
		if score > top {
			found, top = found[:0], score
		}
		found = append(found, o)
	}
	if len(found) == 0 {
		return nil
	}
	last := found[len(found)-1]
	if len(found) > 1 && last.opt.reuseport {
		return found[hash(from)%len(found)]
	}
	return last
}

// score says how well a socket fits; below 0 not at all.
func (o *Socket) score(to, from netip.AddrPort) int {
	a := o.local.Addr.Unmap()
	v4, v6 := o.covers(a)
	if to.Addr().Is4() && !v4 || to.Addr().Is6() && !v6 {
		return -1
	}
	n := 0
	if !a.IsUnspecified() {
		if a != to.Addr() {
			return -1
		}
		n += 2
	}
	if o.domain == linux.AF_INET {
		n++
	}
	if o.state == connected && o.datagrams() {
		if o.remote.AddrPort() != from {
			return -1
		}
		n += 4
	}
	return n
}

func hash(a netip.AddrPort) int {
	h := uint32(2166136261)
	b := a.Addr().As16()
	for _, c := range append(b[:], byte(a.Port()), byte(a.Port()>>8)) {
		h = (h ^ uint32(c)) * 16777619
	}
	return int(h >> 1)
}

// destination is where a packet to an address goes: the unspecified one is the
// loopback's.
func destination(s *Socket, sa linux.Sockaddr) (netip.AddrPort, error) {
	if int(sa.Family) != s.domain {
		if s.domain == linux.AF_INET6 && sa.Family == linux.AF_INET && s.datagrams() && !s.opt.v6only {
			return dest4(sa), nil
		}
		return netip.AddrPort{}, linux.EAFNOSUPPORT
	}
	if s.opt.v6only && sa.Addr.Is4In6() {
		return netip.AddrPort{}, linux.ENETUNREACH
	}
	return dest4(sa), nil
}

func dest4(sa linux.Sockaddr) netip.AddrPort {
	a := sa.Addr.Unmap()
	if a.IsUnspecified() {
		if a.Is4() {
			a = netip.AddrFrom4([4]byte{127, 0, 0, 1})
		} else {
			a = netip.IPv6Loopback()
		}
	}
	return netip.AddrPortFrom(a, sa.Port)
}
