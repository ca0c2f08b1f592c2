package socket

import (
	"encoding/binary"
	"net/netip"

	"github.com/sbxrun/sbx/abi/linux"
)

// ipHeader is what of the headers of a datagram programs say and are told.
type ipHeader struct {
	ttl, tos uint8
	covered  uint16 // UDP-Lite: how many bytes the checksum is of; 0 is all
}

// fromOutside is the header of what comes from elsewhere, which nobody tells of.
var fromOutside = ipHeader{ttl: 64}

// intOpt is the value of a plain option.
func (s *Socket) intOpt(level, name int) int32 {
	if n, set := s.opt.ints[optKey{level, name}]; set {
		return n
	}
	return s.table(level)[name].start
}

// header is that of a datagram which the socket sends with control messages; src is the address that they say it is to come from, if
// any. EINVAL for those that ip(7) and ipv6(7) do not know, or not with such values.
func (s *Socket) header(to netip.Addr, control []linux.Cmsg) (h ipHeader, src netip.Addr, err error) {
	h.covered = uint16(s.intOpt(linux.IPPROTO_UDPLITE, linux.UDPLITE_SEND_CSCOV))
	if to.Is4() {
		h.ttl, h.tos = uint8(s.intOpt(linux.IPPROTO_IP, linux.IP_TTL)), uint8(s.intOpt(linux.IPPROTO_IP, linux.IP_TOS))
	} else {
		h.ttl, h.tos = uint8(s.intOpt(linux.IPPROTO_IPV6, linux.IPV6_UNICAST_HOPS)), uint8(s.intOpt(linux.IPPROTO_IPV6, linux.IPV6_TCLASS))
	}
	for _, c := range control {
		var a netip.Addr
		switch {
		case int(c.Level) == linux.IPPROTO_IP && to.Is4():
			a, err = h.control4(c)
		case int(c.Level) == linux.IPPROTO_IPV6 && to.Is6():
			a, err = h.control6(c)
		case int(c.Level) == linux.IPPROTO_IPV6 && s.domain == linux.AF_INET6 && c.Type == linux.IPV6_PKTINFO:
			a, err = packetSource6(c)
			if a = a.Unmap(); err == nil && a.IsValid() && !a.Is4() {
				err = linux.EINVAL
			}
		}
		if err == nil && a.IsValid() && !a.IsUnspecified() && !s.st.local(a) && !s.opt.freebind {
			if err = linux.EINVAL; to.Is4() {
				err = linux.ENETUNREACH
			}
		}
		if err != nil {
			return h, src, err
		}
		if a.IsValid() && !a.IsUnspecified() {
			src = a
		}
	}
	return h, src, nil
}

// control4 takes a control message of IPPROTO_IP.
func (h *ipHeader) control4(c linux.Cmsg) (src netip.Addr, err error) {
	switch c.Type {
	case linux.IP_PKTINFO:
		if len(c.Data) != 12 {
			return src, linux.EINVAL
		}
		return netip.AddrFrom4([4]byte(c.Data[4:])), nil // ipi_spec_dst
	case linux.IP_TTL:
		return src, setByte(&h.ttl, c.Data, 1, 0)
	case linux.IP_TOS:
		if len(c.Data) == 1 {
			h.tos = c.Data[0]
			return src, nil
		}
		return src, setByte(&h.tos, c.Data, 0, 0)
	}
	return src, linux.EINVAL
}

// control6 takes one of IPPROTO_IPV6.
func (h *ipHeader) control6(c linux.Cmsg) (src netip.Addr, err error) {
	switch c.Type {
	case linux.IPV6_PKTINFO:
		return packetSource6(c)
	case linux.IPV6_HOPLIMIT:
		return src, setByte(&h.ttl, c.Data, -1, h.ttl)
	case linux.IPV6_TCLASS:
		return src, setByte(&h.tos, c.Data, -1, 0xff)
	}
	return src, linux.EINVAL
}

// packetSource6 is the address of a struct in6_pktinfo.
func packetSource6(c linux.Cmsg) (netip.Addr, error) {
	if len(c.Data) < 20 {
		return netip.Addr{}, linux.EINVAL
	}
	return netip.AddrFrom16([16]byte(c.Data)), nil
}

// setByte reads an int from low to 255; one below 0 is usual.
func setByte(to *uint8, v []byte, low int32, usual uint8) error {
	if len(v) != 4 {
		return linux.EINVAL
	}
	n := int32(binary.LittleEndian.Uint32(v))
	if n < low || n > 255 {
		return linux.EINVAL
	}
	if *to = uint8(n); n < 0 {
		*to = usual
	}
	return nil
}

// told are the control messages that a datagram comes with, as the socket's options ask.
func (s *Socket) told(p *packet) (out []linux.Cmsg) {
	on := func(level, name int) bool { return s.opt.ints[optKey{level, name}] != 0 }
	put := func(level, typ int, data []byte) {
		out = append(out, linux.Cmsg{Level: int32(level), Type: int32(typ), Data: data})
	}
	if !p.to.Addr.IsValid() || s.opt.ints == nil {
		return nil
	}
	to, index := p.to.Addr.Unmap(), uint32(s.st.arrivesAt(p.to.Addr.Unmap()))
	if s.domain == linux.AF_INET6 {
		if on(linux.IPPROTO_IPV6, linux.IPV6_RECVPKTINFO) {
			b := p.to.Addr.As16()
			put(linux.IPPROTO_IPV6, linux.IPV6_PKTINFO, binary.LittleEndian.AppendUint32(b[:], index))
		}
		if to.Is6() {
			if on(linux.IPPROTO_IPV6, linux.IPV6_RECVHOPLIMIT) {
				put(linux.IPPROTO_IPV6, linux.IPV6_HOPLIMIT, int4(int32(p.ip.ttl)))
			}
			if on(linux.IPPROTO_IPV6, linux.IPV6_RECVTCLASS) {
				put(linux.IPPROTO_IPV6, linux.IPV6_TCLASS, int4(int32(p.ip.tos)))
			}
			return out
		}
	}
	if on(linux.IPPROTO_IP, linux.IP_PKTINFO) {
		a := to.As4()
		put(linux.IPPROTO_IP, linux.IP_PKTINFO, append(append(binary.LittleEndian.AppendUint32(nil, index), a[:]...), a[:]...))
	}
	if on(linux.IPPROTO_IP, linux.IP_RECVTTL) {
		put(linux.IPPROTO_IP, linux.IP_TTL, int4(int32(p.ip.ttl)))
	}
	if on(linux.IPPROTO_IP, linux.IP_RECVTOS) {
		put(linux.IPPROTO_IP, linux.IP_TOS, []byte{p.ip.tos})
	}
	return out
}

// arrivesAt is the index of the interface that has an address: the loopback's own for those that it has, and for those that none has.
func (st *Stack) arrivesAt(a netip.Addr) int {
	if i, _, ok := st.link(a); ok && !a.IsLoopback() {
		return i.index
	}
	return loopback.index
}

// enough reports whether a datagram of UDP-Lite has a checksum of as much as the socket asks for.
func (s *Socket) enough(h ipHeader, n int) bool {
	const head = 8
	if s.num != linux.IPPROTO_UDPLITE || h.covered == 0 || int(h.covered) >= n+head {
		return true
	}
	least, set := s.opt.ints[optKey{linux.IPPROTO_UDPLITE, linux.UDPLITE_RECV_CSCOV}]
	return !set || least != 0 && int32(h.covered) >= least
}
