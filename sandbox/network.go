package sandbox

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strings"
	"syscall"
	"time"

	"github.com/sbxrun/sbx/abi/linux"
)

// dialFunc opens a connection for a guest.
type dialFunc func(ctx context.Context, network, addr string) (net.Conn, error)

// dialTimeout is what Linux's own connect takes before ETIMEDOUT, about.
const dialTimeout = 127 * time.Second

// newDialer is the way out of a container: to other hosts, by the host's own
// routes and resolver (or --dns), never to the host's loopback. A guest's
// loopback is its own, and nothing listens there yet.
func newDialer(c Config) dialFunc {
	if c.Network == NetworkNone {
		return nil
	}
	hosts := map[string]string{}
	for _, h := range c.ExtraHosts {
		name, addr, _ := strings.Cut(h, ":")
		hosts[strings.ToLower(name)] = addr
	}
	d := &net.Dialer{Timeout: dialTimeout, Control: refuseLoopback, Resolver: newResolver(c.DNS)}
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		if host, port, err := net.SplitHostPort(addr); err == nil {
			if known, ok := hosts[strings.ToLower(host)]; ok {
				addr = net.JoinHostPort(known, port)
			}
		}
		return d.DialContext(ctx, network, addr)
	}
}

// refuseLoopback runs after names were resolved, so that no name leads to
// the host's own services.
func refuseLoopback(_, addr string, _ syscall.RawConn) error {
	ap, err := netip.ParseAddrPort(addr)
	if err != nil {
		return linux.EINVAL
	}
	if ip := ap.Addr().Unmap(); ip.IsLoopback() || ip.IsUnspecified() {
		return linux.ECONNREFUSED
	}
	return nil
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
