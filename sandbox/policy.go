package sandbox

import (
	"context"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/sbxrun/sbx/abi/linux"
)

// NetworkAnywhere, alone in Config.NetworkAllow, takes the policy off: guests
// reach whatever the host does, but for its own loopback.
const NetworkAnywhere = "any"

// policy is what a container may reach outside of its networks. nil is the
// default: everything but the host's loopback and its link (see allowed).
type policy struct {
	anywhere bool
	rules    []rule
}

// rule allows one destination.
type rule struct {
	name   string       // lower case; "" when prefix is set
	prefix netip.Prefix // an address is one of all its bits
	port   int          // 0: all
}

// newPolicy reads Config.NetworkAllow.
func newPolicy(allow []string) (*policy, error) {
	if len(allow) == 0 {
		return nil, nil
	}
	p := &policy{}
	for _, s := range allow {
		if s == NetworkAnywhere {
			if len(allow) > 1 {
				return nil, fail(ErrInvalid, "--network-allow any cannot be combined with others")
			}
			return &policy{anywhere: true}, nil
		}
		r, ok := parseRule(s)
		if !ok {
			return nil, fail(ErrInvalid, "invalid destination %q to allow: use HOST, ADDRESS or PREFIX, with :PORT or not ([ADDRESS]:PORT of IPv6), or any", s)
		}
		p.rules = append(p.rules, r)
	}
	return p, nil
}

func parseRule(s string) (r rule, ok bool) {
	if p, err := netip.ParsePrefix(s); err == nil {
		return rule{prefix: p.Masked()}, true
	}
	if a, err := netip.ParseAddr(s); err == nil {
		return rule{prefix: netip.PrefixFrom(a.Unmap(), a.Unmap().BitLen())}, true
	}
	host := s
	if i := strings.LastIndexByte(s, ':'); i >= 0 {
		n, err := strconv.ParseUint(s[i+1:], 10, 16)
		if err != nil || n == 0 {
			return r, false
		}
		host, r.port = s[:i], int(n)
	}
	host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	if p, err := netip.ParsePrefix(host); err == nil {
		r.prefix = p.Masked()
		return r, true
	}
	if a, err := netip.ParseAddr(host); err == nil {
		r.prefix = netip.PrefixFrom(a.Unmap(), a.Unmap().BitLen())
		return r, true
	}
	r.name = strings.ToLower(strings.TrimSuffix(host, "."))
	return r, r.name != "" && !strings.ContainsAny(r.name, "/ :[]")
}

// check makes the test that every address which is dialled has to pass; it runs
// after names were resolved, on the very address, so that no name leads where no
// address may. Guests dial addresses that they have resolved, so that a name which
// is allowed allows the addresses that it has now.
func (p *policy) check(ctx context.Context, r *net.Resolver, addr string) (func(network, addr string, c syscall.RawConn) error, error) {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, linux.EINVAL
	}
	var names []rule
	if p != nil {
		for _, rule := range p.rules {
			if rule.name == "" {
				continue
			}
			if strings.EqualFold(strings.TrimSuffix(host, "."), rule.name) {
				names = append(names, rule)
				continue
			}
			names = append(names, p.resolve(ctx, r, rule)...)
		}
	}
	return func(_, addr string, _ syscall.RawConn) error {
		ap, err := netip.ParseAddrPort(addr)
		if err != nil {
			return linux.EINVAL
		}
		return p.allows(ap, names)
	}, nil
}

// resolve makes rules of a name's addresses.
func (p *policy) resolve(ctx context.Context, r *net.Resolver, named rule) (out []rule) {
	if r == nil {
		r = net.DefaultResolver
	}
	addrs, _ := r.LookupNetIP(ctx, "ip", named.name)
	for _, a := range addrs {
		out = append(out, rule{prefix: netip.PrefixFrom(a.Unmap(), a.Unmap().BitLen()), port: named.port})
	}
	return out
}

// allows judges one address. The rules open nothing that the default keeps shut,
// but for what they name by address.
func (p *policy) allows(to netip.AddrPort, names []rule) error {
	a := to.Addr().Unmap().WithZone("")
	if a.IsLoopback() || a.IsUnspecified() {
		return linux.ECONNREFUSED
	}
	if p == nil {
		return allowed(a)
	}
	if p.anywhere {
		return nil
	}
	fits := func(r rule) bool { return r.port == 0 || r.port == int(to.Port()) }
	if slices.ContainsFunc(p.rules, func(r rule) bool { return r.name == "" && r.prefix.Contains(a) && fits(r) }) {
		return nil
	}
	if slices.ContainsFunc(names, func(r rule) bool { return (r.name != "" || r.prefix.Contains(a)) && fits(r) }) {
		return allowed(a)
	}
	return linux.EACCES
}
