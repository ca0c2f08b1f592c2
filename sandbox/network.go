package sandbox

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/kernel/socket"
)

// dialFunc opens a connection for a guest.
type dialFunc func(ctx context.Context, network, addr string) (net.Conn, error)

// dialTimeout is what Linux's own connect takes before ETIMEDOUT, about.
const dialTimeout = 127 * time.Second

// newDialer is the way out of a container: to other hosts, by the host's own
// routes and resolver (or --dns), never to the host's loopback or link (see
// allowed). A guest's loopback is its own, and nothing listens there yet.
func newDialer(c Config) dialFunc {
	policy, err := newPolicy(c.NetworkAllow)
	if c.offline() || err != nil {
		return nil
	}
	return dialWith(c.ExtraHosts, newResolver(c.DNS), policy)
}

// dialWith asks r, but for the names that are given as NAME:ADDRESS.
func dialWith(extraHosts []string, r *net.Resolver, policy *policy) dialFunc {
	hosts := map[string]string{}
	for _, h := range extraHosts {
		name, addr, _ := strings.Cut(h, ":")
		hosts[strings.ToLower(name)] = addr
	}
	d := &net.Dialer{Timeout: dialTimeout, Resolver: r}
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		d := *d
		check, err := policy.check(ctx, d.Resolver, addr)
		if err != nil {
			return nil, err
		}
		d.Control = check
		if host, port, err := net.SplitHostPort(addr); err == nil {
			if known, ok := hosts[strings.ToLower(host)]; ok {
				addr = net.JoinHostPort(known, port)
			}
		}
		return d.DialContext(ctx, network, addr)
	}
}

// Addresses in which another one of IPv4 is: a gateway or a tunnel of the host
// may lead to that one.
var (
	ipv4Compatible = netip.MustParsePrefix("::/96")
	ipv4Translated = netip.MustParsePrefix("::ffff:0:0:0/96")
	nat64          = netip.MustParsePrefix("64:ff9b::/96")
	sixToFour      = netip.MustParsePrefix("2002::/16")
)

// thisNetwork is all of 0/8, of which Linux takes only 0.0.0.0 for itself.
var thisNetwork = netip.MustParsePrefix("0.0.0.0/8")

// metadataIPv6 is where a cloud has its metadata outside of link-local ranges.
var metadataIPv6 = netip.MustParseAddr("fd00:ec2::254")

// allowed tells whether guests may connect to an address. The host's loopback
// is never theirs, nor is what belongs to the host's own link: metadata
// services give credentials of the host to whoever asks. Private ranges are
// allowed, as they are from a bridge.
func allowed(ip netip.Addr) error {
	ip = ip.Unmap().WithZone("")
	switch {
	case ip.IsLoopback(), ip.IsUnspecified():
		return linux.ECONNREFUSED
	case ip.IsLinkLocalUnicast(), ip.IsMulticast(), ip == metadataIPv6,
		ip == netip.AddrFrom4([4]byte{255, 255, 255, 255}), thisNetwork.Contains(ip):
		return linux.ENETUNREACH
	}
	if ip.Is4() {
		return nil
	}
	b := ip.As16()
	switch {
	case ipv4Compatible.Contains(ip), ipv4Translated.Contains(ip), nat64.Contains(ip):
		return allowed(netip.AddrFrom4([4]byte(b[12:])))
	case sixToFour.Contains(ip):
		return allowed(netip.AddrFrom4([4]byte(b[2:6])))
	}
	return nil
}

// GuestHTTP is a client of the host that reaches what guests may reach, and
// trusts nobody more than they do: for downloads that a guest's author asks for.
func (e *Engine) GuestHTTP(extraHosts []string) *http.Client {
	return &http.Client{Transport: &http.Transport{
		DialContext:         dialWith(extraHosts, nil, nil),
		TLSHandshakeTimeout: 30 * time.Second, ResponseHeaderTimeout: 2 * time.Minute,
		DisableKeepAlives: true, ForceAttemptHTTP2: true,
	}}
}

// nameServer answers the guests' questions inside the sandbox, where docker's
// embedded server does.
var nameServer = netip.AddrFrom4([4]byte{127, 0, 0, 11})

// newNames is what nameServer asks: the host's resolver, or the servers of --dns.
func newNames(c Config) socket.Resolver {
	if c.offline() {
		return nil
	}
	if r := newResolver(c.DNS); r != nil {
		return r
	}
	return net.DefaultResolver
}

// newResolver asks the servers given, in turn; nil is the host's resolver.
func newResolver(servers []string) *net.Resolver {
	if len(servers) == 0 {
		return nil
	}
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		var errs []error
		for _, s := range servers {
			c, err := new(net.Dialer).DialContext(ctx, network, net.JoinHostPort(s, "53"))
			if err == nil {
				return c, nil
			}
			errs = append(errs, err)
		}
		return nil, errors.Join(errs...)
	}}
}
