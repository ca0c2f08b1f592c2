package socket

import (
	"context"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"

	"github.com/sbxrun/sbx/abi/linux"
)

// Config says what a network is made of.
type Config struct {
	// Dial opens connections to the outside; nil means that there is no outside. On
	// Linux a *net.TCPConn becomes the guest's socket.
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)
	// Resolver answers what is asked of NameServer; nil leaves that address
	// to Dial.
	Resolver Resolver
	// NameServer is the address whose port 53 the resolver answers.
	NameServer netip.Addr
	// Neighbour opens connections to what is on a network that an interface has
	// an address of, from an address of that interface: "tcp", or "udp" whose
	// connection keeps the bounds of datagrams. nil leaves those to Dial.
	Neighbour func(ctx context.Context, network string, from, to netip.AddrPort) (net.Conn, error)
	// Interfaces are those besides the loopback's, to begin with.
	Interfaces []Interface
	// Charge accounts bytes that sockets hold; false means that there is no room.
	Charge func(n int64) bool
	// Context ends what goes on in the background, and Go starts it.
	Context context.Context
	Go      func(f func())
}

// Right is a file in a control message.
type Right interface {
	// Hold returns another reference.
	Hold() Right
	// Close drops the reference.
	Close() error
}

// Stack is the network of one sandbox.
type Stack struct {
	cfg Config

	in, out atomic.Int64           // bytes from and to other machines
	poll    atomic.Pointer[poller] // nil before the first wire

	mu     sync.Mutex
	nics   []iface // the loopback's first
	index  int     // of the interface that came last
	all    map[*Socket]struct{}
	unix   map[any]*Socket       // bound names: of the filesystem and abstract ones
	ports  map[portKey][]*Socket // bound ports
	trash  []Right               // to be closed once mu is free
	next   uint32                // where the search for ephemeral ports goes on
	abs    uint32                // the last abstract name of autobind
	nlPID  uint32                // the last netlink port
	rights int                   // files in flight
	asking int                   // name server requests under way
	closed bool
	far    map[*HostConn]struct{} // streams of guests whose end nobody outside has heard
	heard  chan struct{}          // closed when one of them leaves
}

// New makes a network.
func New(cfg Config) *Stack {
	if cfg.Charge == nil {
		cfg.Charge = func(int64) bool { return true }
	}
	st := &Stack{
		cfg: cfg, all: map[*Socket]struct{}{}, unix: map[any]*Socket{}, ports: map[portKey][]*Socket{},
		far: map[*HostConn]struct{}{}, heard: make(chan struct{}),
		next: linux.IP_LOCAL_PORT_FIRST, nlPID: 1 << 31, nics: []iface{loopback}, index: loopback.index,
	}
	for _, i := range cfg.Interfaces {
		st.add(i)
	}
	return st
}

// unlock ends a call and lets go of the files that it dropped.
func (st *Stack) unlock() {
	trash := st.trash
	st.trash = nil
	st.mu.Unlock()
	for _, r := range trash {
		_ = r.Close()
	}
}

// Close closes all sockets, with the files that are in flight between them.
func (st *Stack) Close() {
	st.mu.Lock()
	st.closed = true
	for s := range st.all {
		s.closeLocked()
	}
	p := st.poll.Load()
	st.unlock()
	p.close()
}

// Hear wakes at once those for whom something came from the outside; otherwise they are woken
// a little later. It is for who is about to wait for that.
func (st *Stack) Hear() { st.poll.Load().hear() }

// Open counts the sockets that live, for tests.
func (st *Stack) Open() int {
	st.mu.Lock()
	defer st.mu.Unlock()
	return len(st.all)
}

// InFlight counts the files in control messages that nobody has received.
func (st *Stack) InFlight() int {
	st.mu.Lock()
	defer st.mu.Unlock()
	return st.rights
}

// local reports whether an address is the sandbox's own.
func (st *Stack) local(a netip.Addr) bool {
	if a.IsLoopback() || a.IsUnspecified() {
		return true
	}
	for _, i := range st.nics[1:] {
		for _, p := range i.addrs {
			if p.Addr() == a {
				return true
			}
		}
	}
	return false
}

// own returns the address of a family that packets to the outside have, with
// its gateway: of the first interface that has one.
func (st *Stack) own(v6 bool) (p netip.Prefix, gateway netip.Addr, ok bool) {
	for _, i := range st.nics[1:] {
		for _, a := range i.addrs {
			switch {
			case a.Addr().Is6() != v6:
			case i.gateways[family(v6)].IsValid():
				return a, i.gateways[family(v6)], true
			case !ok:
				p, ok = a, true
			}
		}
	}
	return p, gateway, ok
}

// link returns the interface, and its address, on whose network an address is.
func (st *Stack) link(a netip.Addr) (i *iface, p netip.Prefix, ok bool) {
	for n := range st.nics[1:] {
		i = &st.nics[1+n]
		for _, p := range i.addrs {
			if p.Contains(a) {
				return i, p, true
			}
		}
	}
	return nil, p, false
}

// source is the address that packets to a destination come from.
func (st *Stack) source(dst netip.Addr) (netip.Addr, error) {
	switch {
	case dst.IsLoopback() && dst.Is4():
		return netip.AddrFrom4([4]byte{127, 0, 0, 1}), nil
	case dst.IsLoopback() || st.local(dst):
		return dst, nil
	}
	if _, p, ok := st.link(dst); ok {
		return p.Addr(), nil
	}
	p, _, ok := st.own(dst.Is6())
	if !ok || st.cfg.Dial == nil && !st.isNameServer(dst) {
		return netip.Addr{}, linux.ENETUNREACH
	}
	return p.Addr(), nil
}

func (st *Stack) isNameServer(a netip.Addr) bool {
	return st.cfg.Resolver != nil && a == st.cfg.NameServer
}

// Traffic is how many bytes came from other machines, and went to them.
func (st *Stack) Traffic() (in, out int64) { return st.in.Load(), st.out.Load() }
