package linux

import (
	"encoding/binary"
	"net/netip"
	"strings"
)

// Sizes of the socket addresses.
const (
	SockaddrInSize  = 16
	SockaddrIn6Size = 28
	SockaddrUnSize  = 110
	SockaddrNlSize  = 12
)

// Sockaddr is a socket address of any family. Which fields count depends on
// Family.
type Sockaddr struct {
	Family   uint16
	Addr     netip.Addr // AF_INET, AF_INET6; without zone
	Port     uint16
	Flowinfo uint32
	Scope    uint32
	Path     string // AF_UNIX: a path, an abstract name that begins with NUL, "" unnamed
	PID      uint32 // AF_NETLINK
	Groups   uint32
}

// AddrPort returns the address with IPv4 in IPv6 taken out.
func (s Sockaddr) AddrPort() netip.AddrPort { return netip.AddrPortFrom(s.Addr.Unmap(), s.Port) }

// SockaddrInet makes an address of family AF_INET or AF_INET6.
func SockaddrInet(family uint16, ap netip.AddrPort) Sockaddr {
	a := ap.Addr()
	switch {
	case family == AF_INET6 && !a.IsValid():
		a = netip.IPv6Unspecified()
	case family == AF_INET6 && a.Is4():
		if a.IsUnspecified() {
			a = netip.IPv6Unspecified()
		} else {
			a = netip.AddrFrom16(a.As16())
		}
	case !a.IsValid() || family == AF_INET && !a.Is4():
		a = netip.IPv4Unspecified()
	}
	return Sockaddr{Family: family, Addr: a, Port: ap.Port()}
}

// Encode returns the bytes of the address as Linux gives them out.
func (s Sockaddr) Encode() []byte {
	le := binary.LittleEndian
	switch s.Family {
	case AF_INET:
		b := make([]byte, SockaddrInSize)
		le.PutUint16(b, AF_INET)
		binary.BigEndian.PutUint16(b[2:], s.Port)
		if s.Addr.Is4() || s.Addr.Is4In6() {
			a := s.Addr.Unmap().As4()
			copy(b[4:], a[:])
		}
		return b
	case AF_INET6:
		b := make([]byte, SockaddrIn6Size)
		le.PutUint16(b, AF_INET6)
		binary.BigEndian.PutUint16(b[2:], s.Port)
		binary.BigEndian.PutUint32(b[4:], s.Flowinfo)
		if s.Addr.IsValid() {
			a := s.Addr.As16()
			copy(b[8:], a[:])
		}
		le.PutUint32(b[24:], s.Scope)
		return b
	case AF_UNIX:
		b := make([]byte, 2, 2+len(s.Path)+1)
		le.PutUint16(b, AF_UNIX)
		b = append(b, s.Path...)
		if s.Path != "" && s.Path[0] != 0 {
			b = append(b, 0)
		}
		return b
	case AF_NETLINK:
		b := make([]byte, SockaddrNlSize)
		le.PutUint16(b, AF_NETLINK)
		le.PutUint32(b[4:], s.PID)
		le.PutUint32(b[8:], s.Groups)
		return b
	}
	b := make([]byte, 2)
	le.PutUint16(b, s.Family)
	return b
}

// DecodeSockaddr reads an address. EINVAL when it is too short or too long for
// its family; of families without a layout here only the number is read.
func DecodeSockaddr(b []byte) (Sockaddr, error) {
	le := binary.LittleEndian
	if len(b) < 2 || len(b) > 128 {
		return Sockaddr{}, EINVAL
	}
	s := Sockaddr{Family: le.Uint16(b)}
	switch s.Family {
	case AF_INET:
		if len(b) < SockaddrInSize {
			return s, EINVAL
		}
		s.Port = binary.BigEndian.Uint16(b[2:])
		s.Addr = netip.AddrFrom4([4]byte(b[4:8]))
	case AF_INET6:
		if len(b) < SockaddrIn6Size-4 { // sin6_scope_id came later
			return s, EINVAL
		}
		s.Port = binary.BigEndian.Uint16(b[2:])
		s.Flowinfo = binary.BigEndian.Uint32(b[4:])
		s.Addr = netip.AddrFrom16([16]byte(b[8:24]))
		if len(b) >= SockaddrIn6Size {
			s.Scope = le.Uint32(b[24:])
		}
	case AF_UNIX:
		if len(b) > SockaddrUnSize {
			return s, EINVAL
		}
		s.Path = string(b[2:])
		if s.Path != "" && s.Path[0] != 0 {
			s.Path, _, _ = strings.Cut(s.Path, "\x00")
		}
	case AF_NETLINK:
		if len(b) < SockaddrNlSize {
			return s, EINVAL
		}
		s.PID, s.Groups = le.Uint32(b[4:]), le.Uint32(b[8:])
	}
	return s, nil
}
