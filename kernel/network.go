package kernel

import (
	"context"
	"net"
	"net/netip"

	"github.com/sbxrun/sbx/kernel/socket"
)

// newStack makes the network of the kernel.
func (k *Kernel) newStack() *socket.Stack {
	c := socket.Config{
		Dial: k.cfg.Dial, Neighbour: k.cfg.Neighbour, Resolver: k.cfg.Resolver, NameServer: k.cfg.NameServer, Interfaces: k.cfg.Interfaces,
		Charge: k.admit, Context: k.ctx, Go: k.background,
	}
	if !c.NameServer.IsValid() {
		c.NameServer = netip.AddrFrom4([4]byte{10, 0, 2, 3})
	}
	if c.Interfaces == nil {
		c.Interfaces = []socket.Interface{{
			Name: "eth0", Addresses: []netip.Prefix{netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 0, 2, 15}), 24)},
			Gateways: []netip.Addr{netip.AddrFrom4([4]byte{10, 0, 2, 1})},
		}}
	}
	return socket.New(c)
}

// background runs f on a goroutine that Close waits for.
func (k *Kernel) background(f func()) {
	k.wg.Add(1)
	go func() {
		defer k.wg.Done()
		f()
	}()
}

// DialGuest connects the host to a port on which a guest listens: network is
// "tcp" or "udp". Published ports are made of it. The connection is as good as
// the kernel; Close ends it.
func (k *Kernel) DialGuest(ctx context.Context, network string, port int) (net.Conn, error) {
	return k.net.DialGuest(ctx, network, port)
}

// Connect connects a machine of a network that the guests are on to one of
// them; see socket.Stack.Connect.
func (k *Kernel) Connect(ctx context.Context, network string, from, to netip.AddrPort) (net.Conn, error) {
	return k.net.Connect(ctx, network, from, to)
}

// Adopt is Connect for a machine that is connected with this host by c, which a guest's
// socket then is; see socket.Stack.Adopt.
func (k *Kernel) Adopt(ctx context.Context, c net.Conn, from, to netip.AddrPort) (bool, error) {
	return k.net.Adopt(ctx, c, from, to)
}

// AddInterface connects the guests to one more network, while they run.
func (k *Kernel) AddInterface(i socket.Interface) error { return k.net.AddInterface(i) }

// RemoveInterface takes them off one.
func (k *Kernel) RemoveInterface(name string) error { return k.net.RemoveInterface(name) }
