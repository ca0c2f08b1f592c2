package sandbox

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"

	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/kernel/socket"
)

// guestNet is the network as one running container has it: its places on
// networks, the way out, names, and the ports that the host publishes for it.
type guestNet struct {
	e     *Engine
	id    string
	cfg   Config
	out   dialFunc // to other hosts; nil when offline
	names socket.Resolver

	mu  sync.Mutex
	eps []Endpoint
}

// join takes the container's places on its networks. A nil guestNet has none.
func (e *Engine) join(ctx context.Context, rec Record) (*guestNet, error) {
	g := &guestNet{e: e, id: rec.ID, cfg: rec.Config}
	if g.cfg.offline() {
		return g, nil
	}
	g.out, g.names = newDialer(g.cfg), newNames(g.cfg)
	for _, a := range g.cfg.attachments() {
		if _, err := g.attach(ctx, a); err != nil {
			g.leave()
			return nil, err
		}
	}
	return g, nil
}

// attach takes one more place.
func (g *guestNet) attach(ctx context.Context, a Attachment) (Endpoint, error) {
	n, err := g.e.Network(a.Network)
	if err != nil {
		return Endpoint{}, err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if slices.ContainsFunc(g.eps, func(ep Endpoint) bool { return ep.NetworkID == n.ID }) {
		return Endpoint{}, fail(ErrConflict, "container %s is on network %s already", ShortID(g.id), n.Name)
	}
	ep, err := g.e.claim(ctx, n, a, g.id, g.freeInterface())
	if err == nil {
		g.eps = append(g.eps, ep)
	}
	return ep, err
}

// freeInterface is the first of eth0, eth1… that is not in use. With g.mu held.
func (g *guestNet) freeInterface() string {
	for n := 0; ; n++ {
		name := fmt.Sprintf("eth%d", n)
		if !slices.ContainsFunc(g.eps, func(ep Endpoint) bool { return ep.Interface == name }) {
			return name
		}
	}
}

// detach gives a place back, and returns what it was.
func (g *guestNet) detach(networkID string) (Endpoint, bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	i := slices.IndexFunc(g.eps, func(ep Endpoint) bool { return ep.NetworkID == networkID })
	if i < 0 {
		return Endpoint{}, false
	}
	ep := g.eps[i]
	g.eps = slices.Delete(g.eps, i, i+1)
	g.e.release(ep)
	return ep, true
}

// leave gives all places back.
func (g *guestNet) leave() {
	if g == nil {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, ep := range g.eps {
		g.e.release(ep)
	}
	g.eps = nil
}

// endpoints are the places that the container has now.
func (g *guestNet) endpoints() []Endpoint {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Clone(g.eps)
}

// outside is the way out for the kernel; nil when there is none.
func (g *guestNet) outside() dialFunc {
	if g.out == nil {
		return nil
	}
	return g.dial
}

// resolver answers names for the kernel; nil when there is no network.
func (g *guestNet) resolver() socket.Resolver {
	if g.cfg.offline() {
		return nil
	}
	return g
}

// interfaces are the places as the kernel has them.
func (g *guestNet) interfaces() []socket.Interface {
	out := []socket.Interface{} // not nil, which is the kernel's default
	for _, ep := range g.endpoints() {
		out = append(out, ep.kernel())
	}
	return out
}

// kernel is an endpoint as the guests' kernel has it.
func (ep Endpoint) kernel() socket.Interface {
	return socket.Interface{Name: ep.Interface, Addresses: ep.Addresses, Gateways: ep.Gateways}
}

// place finds the network that an address is on.
func (g *guestNet) place(a netip.Addr) (Endpoint, bool) {
	for _, ep := range g.endpoints() {
		if slices.ContainsFunc(ep.Addresses, func(p netip.Prefix) bool { return p.Contains(a) }) {
			return ep, true
		}
	}
	return Endpoint{}, false
}

// dial opens connections for programs that name what they want, and for addresses
// that are on no network of the container.
func (g *guestNet) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, linux.EINVAL
	}
	ip, err := netip.ParseAddr(host)
	if err != nil {
		if found := g.lookup(host, nil); len(found) > 0 {
			ip = found[0]
		}
	}
	if ip.IsValid() {
		if to, err := netip.ParseAddrPort(net.JoinHostPort(ip.Unmap().String(), port)); err == nil {
			if ep, ok := g.place(to.Addr()); ok {
				i := slices.IndexFunc(ep.Addresses, func(p netip.Prefix) bool { return p.Contains(to.Addr()) })
				return g.neighbour(ctx, network, netip.AddrPortFrom(ep.Addresses[i].Addr(), 0), to)
			}
		}
	}
	if !slices.ContainsFunc(g.endpoints(), func(ep Endpoint) bool { return len(ep.Gateways) > 0 }) {
		return nil, linux.ENETUNREACH
	}
	return g.out(ctx, network, addr)
}

// neighbour opens connections to what is on the container's networks: other
// containers, and the host when the user named it.
func (g *guestNet) neighbour(ctx context.Context, network string, from, to netip.AddrPort) (net.Conn, error) {
	ep, ok := g.place(to.Addr())
	if !ok {
		return nil, linux.EHOSTUNREACH
	}
	if slices.Contains(ep.Gateways, to.Addr()) {
		if !g.cfg.reachesHost() {
			return nil, linux.ECONNREFUSED
		}
		return dialHost(ctx, network, to)
	}
	other, err := g.e.endpointAt(ep.NetworkID, to.Addr())
	if err != nil {
		return nil, err
	}
	if from.Port() == 0 && other.Container == g.id {
		return nil, linux.EHOSTUNREACH
	}
	return g.e.connect(ctx, g.id, other.Container, connectArgs{Network: network, From: from, To: to})
}

// dialHost connects to the loopback of the host for a guest that named a gateway: in IPv6 if that is one of IPv6 and the host
// answers there, else in IPv4.
func dialHost(ctx context.Context, network string, gateway netip.AddrPort) (net.Conn, error) {
	d := net.Dialer{Timeout: dialTimeout}
	if gateway.Addr().Is6() {
		if c, err := d.DialContext(ctx, network, netip.AddrPortFrom(netip.IPv6Loopback(), gateway.Port()).String()); err == nil || ctx.Err() != nil {
			return c, err
		}
	}
	return d.DialContext(ctx, network, netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), gateway.Port()).String())
}

// hostGateway is the address in --add-host that stands for the host.
const hostGateway = "host-gateway"

// reachesHost reports whether the user gave the host a name, and so leave to
// reach what listens on its loopback.
func (c *Config) reachesHost() bool {
	return slices.ContainsFunc(c.ExtraHosts, func(h string) bool {
		_, addr, _ := strings.Cut(h, ":")
		return addr == hostGateway
	})
}

// gatewayOf is the host, as the container sees it.
func gatewayOf(eps []Endpoint) (netip.Addr, bool) {
	for _, ep := range eps {
		if len(ep.Gateways) > 0 {
			return ep.Gateways[0], true
		}
	}
	return netip.Addr{}, false
}

// lookup finds the addresses that a container's name has on the networks that it
// shares with this one; ours that of the container itself too. Networks that were
// not made by a user know no names, as docker's do not.
func (g *guestNet) lookup(host string, v6 *bool) []netip.Addr {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	var out []netip.Addr
	for _, mine := range g.endpoints() {
		if mine.Network == NetworkBridge {
			continue
		}
		name := strings.TrimSuffix(host, "."+strings.ToLower(mine.Network))
		for _, ep := range g.e.endpoints(Network{ID: mine.NetworkID}) {
			if !g.e.named(ep, name) {
				continue
			}
			for _, p := range ep.Addresses {
				if v6 == nil || p.Addr().Is6() == *v6 {
					out = append(out, p.Addr())
				}
			}
		}
	}
	return out
}

// named reports whether a name is one of an endpoint's.
func (e *Engine) named(ep Endpoint, name string) bool {
	if slices.ContainsFunc(ep.Aliases, func(a string) bool { return strings.EqualFold(a, name) }) || name == ShortID(ep.Container) {
		return true
	}
	rec, err := e.disk.record(ep.Container)
	return err == nil && (strings.EqualFold(rec.Name, name) || strings.EqualFold(rec.Config.Hostname, name) && name != "")
}

// LookupNetIP implements socket.Resolver: containers first, then the outside.
func (g *guestNet) LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error) {
	v6 := network == "ip6"
	if found := g.lookup(host, &v6); len(found) > 0 {
		return found, nil
	}
	other := !v6
	if len(g.lookup(host, &other)) > 0 || g.names == nil || g.isolated() {
		return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
	}
	return g.names.LookupNetIP(ctx, network, host)
}

// isolated reports whether no network of the container leads out.
func (g *guestNet) isolated() bool {
	_, ok := gatewayOf(g.endpoints())
	return !ok
}

// LookupAddr implements socket.Resolver.
func (g *guestNet) LookupAddr(ctx context.Context, addr string) ([]string, error) {
	a, err := netip.ParseAddr(addr)
	if err != nil {
		return nil, err
	}
	notFound := &net.DNSError{Err: "no such host", Name: addr, IsNotFound: true}
	if ep, ok := g.place(a); ok {
		other, err := g.e.endpointAt(ep.NetworkID, a)
		if err != nil {
			return nil, notFound
		}
		rec, err := g.e.disk.record(other.Container)
		if err != nil {
			return nil, notFound
		}
		return []string{rec.Name + "." + ep.Network + "."}, nil
	}
	if g.names == nil || g.isolated() {
		return nil, notFound
	}
	return g.names.LookupAddr(ctx, addr)
}

// connectArgs is one connection from a container to another.
type connectArgs struct {
	Network string         `json:"network"` // "tcp" or "udp"
	From    netip.AddrPort `json:"from"`
	To      netip.AddrPort `json:"to"`
}

// connect opens a connection of one container, asker, to another, which this engine runs or another
// sbx. Errors are errnos.
func (e *Engine) connect(ctx context.Context, asker, id string, a connectArgs) (net.Conn, error) {
	e.mu.Lock()
	r := e.running[id]
	e.mu.Unlock()
	if r != nil {
		return r.connectTo(ctx, a)
	}
	st := e.disk.state(id, false)
	if st.Status != StatusRunning {
		return nil, linux.EHOSTUNREACH
	}
	c, err := e.connectControl(ctx, asker, id, st, a)
	var errno linux.Errno
	switch {
	case err == nil:
		return c, nil
	case errors.As(err, &errno):
		return nil, errno
	}
	return nil, linux.EHOSTUNREACH
}

// connectTo is a connection to a container that this engine runs.
func (r *Run) connectTo(ctx context.Context, a connectArgs) (net.Conn, error) {
	k := r.reach.Load()
	if k == nil {
		return nil, linux.EHOSTUNREACH
	}
	return k.Connect(ctx, a.Network, a.From, a.To)
}
