package socket

import (
	"encoding/binary"
	"net"
	"net/netip"
	"slices"

	"github.com/sbxrun/sbx/abi/linux"
)

const (
	loMTU  = 65536
	ethMTU = 1500
)

// Interface is a network interface of the sandbox besides the loopback's.
type Interface struct {
	Name      string         // "eth0"
	Addresses []netip.Prefix // its own, each with its network
	// Gateways are where the outside is reached through, at most one of a
	// family: addresses on the networks. Without one the outside is not reached.
	Gateways []netip.Addr
}

// iface is a network interface.
type iface struct {
	name     string
	index    int
	flags    uint32
	mtu      int
	hw       []byte
	kind     uint16
	addrs    []netip.Prefix
	gateways [2]netip.Addr // of IPv4 and IPv6
}

var loopback = iface{
	name: "lo", index: 1, flags: linux.IFF_UP | linux.IFF_LOOPBACK | linux.IFF_RUNNING, mtu: loMTU, hw: make([]byte, 6), kind: linux.ARPHRD_LOOPBACK,
	addrs: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/8"), netip.MustParsePrefix("::1/128")},
}

// family is the index of an address's family in an iface's gateways.
func family(v6 bool) int {
	if v6 {
		return 1
	}
	return 0
}

// AddInterface connects the sandbox to one more network: EEXIST when there is an
// interface of that name.
func (st *Stack) AddInterface(i Interface) error {
	st.mu.Lock()
	defer st.unlock()
	if st.named(i.Name) != nil {
		return linux.EEXIST
	}
	st.add(i)
	return nil
}

func (st *Stack) add(i Interface) {
	st.index++
	n := iface{
		name: i.Name, index: st.index, flags: linux.IFF_UP | linux.IFF_BROADCAST | linux.IFF_RUNNING | linux.IFF_MULTICAST,
		mtu: ethMTU, kind: linux.ARPHRD_ETHER, addrs: slices.Clone(i.Addresses),
	}
	n.hw = HardwareAddr(n.addrs)
	for _, g := range i.Gateways {
		n.gateways[family(g.Is6())] = g
	}
	st.nics = append(st.nics, n)
}

// HardwareAddr is the Ethernet address of an interface: made of its IPv4 one, as
// docker does.
func HardwareAddr(addrs []netip.Prefix) net.HardwareAddr {
	hw := net.HardwareAddr{0x02, 0x42, 0, 0, 0, 0}
	for _, p := range addrs {
		if p.Addr().Is4() {
			copy(hw[2:], p.Addr().AsSlice())
			break
		}
	}
	return hw
}

// RemoveInterface takes the sandbox off a network: what was connected from or to
// its addresses is reset. ENODEV when there is no such interface.
func (st *Stack) RemoveInterface(name string) error {
	st.mu.Lock()
	defer st.unlock()
	i := st.named(name)
	if i == nil || i.index == loopback.index {
		return linux.ENODEV
	}
	gone := i.addrs
	st.nics = slices.DeleteFunc(st.nics, func(l iface) bool { return l.name == name })
	for s := range st.all {
		if s.num == linux.IPPROTO_TCP && s.state == connected && slices.ContainsFunc(gone, func(p netip.Prefix) bool { return p.Addr() == s.local.Addr.Unmap() }) {
			if o := s.peer; o != nil {
				o.reset(linux.ECONNRESET)
			}
			s.reset(linux.ETIMEDOUT)
		}
	}
	return nil
}

// named finds an interface; nil when there is none of that name.
func (st *Stack) named(name string) *iface {
	for n := range st.nics {
		if st.nics[n].name == name {
			return &st.nics[n]
		}
	}
	return nil
}

// addr4 is the first IPv4 address of an interface.
func (i *iface) addr4() (netip.Prefix, bool) {
	for _, p := range i.addrs {
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
	s.st.mu.Lock()
	defer s.st.unlock()
	if req == linux.SIOCGIFNAME {
		index := int(int32(binary.LittleEndian.Uint32(b[linux.IFNAMSIZ:])))
		for _, i := range s.st.nics {
			if i.index == index {
				clear(b[:linux.IFNAMSIZ])
				copy(b, i.name)
				return nil
			}
		}
		return linux.ENODEV
	}
	i := s.st.named(string(cstring(b[:linux.IFNAMSIZ])))
	if i == nil {
		switch req {
		case linux.SIOCGIFFLAGS, linux.SIOCGIFADDR, linux.SIOCGIFDSTADDR, linux.SIOCGIFBRDADDR, linux.SIOCGIFNETMASK,
			linux.SIOCGIFMETRIC, linux.SIOCGIFMTU, linux.SIOCGIFHWADDR, linux.SIOCGIFINDEX, linux.SIOCGIFTXQLEN:
			return linux.ENODEV
		}
		return linux.ENOTTY
	}
	return i.ifreq(req, b[linux.IFNAMSIZ:linux.IfreqSize])
}

// ifreq fills in the union of a struct ifreq.
func (i *iface) ifreq(req uint32, u []byte) error {
	le := binary.LittleEndian
	p, has := i.addr4()
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
	s.st.mu.Lock()
	defer s.st.unlock()
	n := 0
	for _, i := range s.st.nics {
		p, ok := i.addr4()
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
