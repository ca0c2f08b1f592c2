package socket

import (
	"encoding/binary"
	"net/netip"

	"github.com/sbxrun/sbx/abi/linux"
)

const (
	loMTU  = 65536
	ethMTU = 1500
)

// iface is a network interface.
type iface struct {
	name  string
	index int
	flags uint32
	mtu   int
	hw    []byte
	kind  uint16
}

var interfaces = [...]iface{
	{"lo", 1, linux.IFF_UP | linux.IFF_LOOPBACK | linux.IFF_RUNNING, loMTU, make([]byte, 6), linux.ARPHRD_LOOPBACK},
	{"eth0", 2, linux.IFF_UP | linux.IFF_BROADCAST | linux.IFF_RUNNING | linux.IFF_MULTICAST, ethMTU,
		[]byte{0x02, 0x42, 0x0a, 0, 0x02, 0x0f}, linux.ARPHRD_ETHER},
}

func interfaceNamed(name string) *iface {
	for i := range interfaces {
		if interfaces[i].name == name {
			return &interfaces[i]
		}
	}
	return nil
}

// ifaces lists those that the sandbox has: eth0 only with an address.
func (st *Stack) ifaces() []iface {
	if len(st.cfg.Addresses) == 0 {
		return interfaces[:1]
	}
	return interfaces[:]
}

// addrs lists the addresses of an interface.
func (st *Stack) addrs(i *iface) []netip.Prefix {
	if i.index == 1 {
		return []netip.Prefix{netip.MustParsePrefix("127.0.0.1/8"), netip.MustParsePrefix("::1/128")}
	}
	return st.cfg.Addresses
}

// addr4 is the first IPv4 address of an interface.
func (st *Stack) addr4(i *iface) (netip.Prefix, bool) {
	for _, p := range st.addrs(i) {
		if p.Addr().Is4() {
			return p, true
		}
	}
	return netip.Prefix{}, false
}

// Ioctl is ioctl(2) of netdevice(7) with a struct ifreq in b.
func (s *Socket) Ioctl(req uint32, b []byte) error {
	if len(b) < linux.IfreqSize {
		return linux.EFAULT
	}
	if req == linux.SIOCGIFNAME {
		index := int(int32(binary.LittleEndian.Uint32(b[linux.IFNAMSIZ:])))
		for _, i := range s.st.ifaces() {
			if i.index == index {
				clear(b[:linux.IFNAMSIZ])
				copy(b, i.name)
				return nil
			}
		}
		return linux.ENODEV
	}
	i := interfaceNamed(string(cstring(b[:linux.IFNAMSIZ])))
	if i == nil || i.index > len(s.st.ifaces()) {
		switch req {
		case linux.SIOCGIFFLAGS, linux.SIOCGIFADDR, linux.SIOCGIFDSTADDR, linux.SIOCGIFBRDADDR, linux.SIOCGIFNETMASK,
			linux.SIOCGIFMETRIC, linux.SIOCGIFMTU, linux.SIOCGIFHWADDR, linux.SIOCGIFINDEX, linux.SIOCGIFTXQLEN:
			return linux.ENODEV
		}
		return linux.ENOTTY
	}
	return s.st.ifreq(i, req, b[linux.IFNAMSIZ:linux.IfreqSize])
}

// ifreq fills in the union of a struct ifreq.
func (st *Stack) ifreq(i *iface, req uint32, u []byte) error {
	le := binary.LittleEndian
	p, has := st.addr4(i)
	put := func(a netip.Addr) error {
		if !has {
			return linux.EADDRNOTAVAIL
		}
		clear(u[:16])
		copy(u, linux.Sockaddr{Family: linux.AF_INET, Addr: a}.Encode())
		return nil
	}
	switch req {
	case linux.SIOCGIFFLAGS:
		le.PutUint16(u, uint16(i.flags))
	case linux.SIOCGIFINDEX:
		le.PutUint32(u, uint32(i.index))
	case linux.SIOCGIFMTU:
		le.PutUint32(u, uint32(i.mtu))
	case linux.SIOCGIFMETRIC:
		le.PutUint32(u, 0)
	case linux.SIOCGIFTXQLEN:
		le.PutUint32(u, 1000)
	case linux.SIOCGIFHWADDR:
		clear(u[:16])
		le.PutUint16(u, i.kind)
		copy(u[2:], i.hw)
	case linux.SIOCGIFADDR, linux.SIOCGIFDSTADDR:
		return put(p.Addr())
	case linux.SIOCGIFNETMASK:
		return put(mask4(p))
	case linux.SIOCGIFBRDADDR:
		if i.index == 1 {
			return put(netip.IPv4Unspecified())
		}
		return put(broadcast4(p))
	default:
		return linux.ENOTTY
	}
	return nil
}

func mask4(p netip.Prefix) netip.Addr {
	if !p.IsValid() {
		return netip.IPv4Unspecified()
	}
	var b [4]byte
	binary.BigEndian.PutUint32(b[:], uint32(uint64(0xffffffff)<<(32-p.Bits())))
	return netip.AddrFrom4(b)
}

func broadcast4(p netip.Prefix) netip.Addr {
	if !p.IsValid() {
		return netip.IPv4Unspecified()
	}
	b := p.Addr().As4()
	n := binary.BigEndian.Uint32(b[:]) | uint32(uint64(0xffffffff)>>p.Bits())
	binary.BigEndian.PutUint32(b[:], n)
	return netip.AddrFrom4(b)
}

// Ifconf is SIOCGIFCONF: the struct ifreq of each IPv4 address, as many as fit
// into b, or the size of all of them when b is nil.
func (s *Socket) Ifconf(b []byte) int {
	n := 0
	for _, i := range s.st.ifaces() {
		p, ok := s.st.addr4(&i)
		if !ok {
			continue
		}
		if b != nil {
			if len(b)-n < linux.IfreqSize {
				break
			}
			r := b[n : n+linux.IfreqSize]
			clear(r)
			copy(r, i.name)
			copy(r[linux.IFNAMSIZ:], linux.Sockaddr{Family: linux.AF_INET, Addr: p.Addr()}.Encode())
		}
		n += linux.IfreqSize
	}
	return n
}
