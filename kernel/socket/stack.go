package socket

import (
	"context"
	"net"
	"net/netip"
	"sync"

	"github.com/sbxrun/sbx/abi/linux"
)

// Config says what a network is made of.
type Config struct {
	// Dial opens connections to the outside; nil means that there is no outside.
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)
	// Resolver answers what is asked of NameServer; nil leaves that address
	// to Dial.
	Resolver Resolver
	// NameServer is the address whose port 53 the resolver answers.
	NameServer netip.Addr
	// Addresses are those of eth0 besides the loopback's; the first IPv4
	// network's first address is that of the gateway.
	Addresses []netip.Prefix
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

	mu     sync.Mutex
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
}

// New makes a network.
func New(cfg Config) *Stack {
	if cfg.Charge == nil {
		cfg.Charge = func(int64) bool { return true }
	}
	return &Stack{
		cfg: cfg, all: map[*Socket]struct{}{}, unix: map[any]*Socket{}, ports: map[portKey][]*Socket{},
		next: linux.IP_LOCAL_PORT_FIRST, nlPID: 1 << 31,
	}
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
	st.unlock()
}

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
	for _, p := range st.cfg.Addresses {
		if p.Addr() == a {
			return true
		}
	}
	return false
}

// own returns the first address of a family that is not the loopback's.
func (st *Stack) own(v6 bool) (netip.Prefix, bool) {
	for _, p := range st.cfg.Addresses {
		if p.Addr().Is6() == v6 {
			return p, true
		}
	}
	return netip.Prefix{}, false
}

// gateway is where the outside seems to be.
func (st *Stack) gateway() netip.Addr {
	p, ok := st.own(false)
	if !ok {
		return netip.AddrFrom4([4]byte{127, 0, 0, 1})
	}
	g := p.Masked().Addr().Next()
	if g == p.Addr() {
		g = g.Next()
	}
	return g
}

// source is the address that packets to a destination come from.
func (st *Stack) source(dst netip.Addr) (netip.Addr, error) {
	switch {
	case dst.IsLoopback() && dst.Is4():
		return netip.AddrFrom4([4]byte{127, 0, 0, 1}), nil
	case dst.IsLoopback() || st.local(dst):
		return dst, nil
	case st.cfg.Dial == nil && !st.isNameServer(dst) && dst != st.gateway():
		return netip.Addr{}, linux.ENETUNREACH
	}
	p, ok := st.own(dst.Is6())
	if !ok {
		return netip.Addr{}, linux.ENETUNREACH
	}
	return p.Addr(), nil
}

func (st *Stack) isNameServer(a netip.Addr) bool {
	return st.cfg.Resolver != nil && a == st.cfg.NameServer
}
