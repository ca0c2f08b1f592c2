package sandbox

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"maps"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// The networks that are there without being made.
const (
	NetworkBridge = "bridge" // the default: a network of its own, and the outside through the host
	NetworkNone   = "none"   // the loopback alone: ENETUNREACH
	networkHost   = "host"
)

// Network is what containers reach each other on: by address, and by name on
// those that a user made. It is network.json in $SBX_HOME/networks/<id>, beside a
// file for each endpoint.
type Network struct {
	ID       string            `json:"id"`
	Name     string            `json:"name"`
	Created  time.Time         `json:"created"`
	Internal bool              `json:"internal,omitempty"` // no way out
	Labels   map[string]string `json:"labels,omitempty"`
	// Subnets are the network's addresses, at most one of a family, and Gateways
	// where in each the host is.
	Subnets  []netip.Prefix `json:"subnets"`
	Gateways []netip.Addr   `json:"gateways"`
}

// NetworkOptions are what a user may ask of a new network.
type NetworkOptions struct {
	Name     string
	Driver   string // "bridge", or ""
	Internal bool
	IPv6     bool     // addresses of IPv6 too
	Subnets  []string // default: one that is free
	Gateways []string // default: the first address of each subnet
	Labels   map[string]string
}

const networkFileName = "network.json"

// bridgeNetwork is the default network: never on the disk, always there.
var bridgeNetwork = Network{
	ID: fixedID(NetworkBridge), Name: NetworkBridge,
	Subnets:  []netip.Prefix{netip.MustParsePrefix("172.17.0.0/16")},
	Gateways: []netip.Addr{netip.MustParseAddr("172.17.0.1")},
}

// builtinNetworks are the names that `network ls` shows in any home.
var builtinNetworks = []Network{bridgeNetwork, {ID: fixedID(NetworkNone), Name: NetworkNone}}

func fixedID(name string) string {
	sum := sha256.Sum256([]byte("sbx network " + name))
	return hex.EncodeToString(sum[:])
}

// Builtin reports whether the network is one that is always there.
func (n Network) Builtin() bool { return n.Name == NetworkBridge || n.Name == NetworkNone }

func (e *Engine) networksDir() string { return filepath.Join(e.home, "networks") }

func (e *Engine) networkDir(id string) string { return filepath.Join(e.networksDir(), id) }

// Networks lists the networks, those that are always there first, then by name.
func (e *Engine) Networks() ([]Network, error) {
	list, err := os.ReadDir(e.networksDir())
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var made []Network
	for _, d := range list {
		if len(d.Name()) != idLen || !isHex(d.Name()) {
			continue
		}
		var n Network
		err := readJSON(filepath.Join(e.networkDir(d.Name()), networkFileName), &n)
		if err == nil && n.ID == d.Name() && n.sound() {
			made = append(made, n)
		} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, fail(ErrCorrupt, "network %s is damaged: remove the folder %s", ShortID(d.Name()), e.networkDir(d.Name()))
		}
	}
	slices.SortFunc(made, func(a, b Network) int { return strings.Compare(a.Name, b.Name) })
	return append(slices.Clone(builtinNetworks), made...), nil
}

// sound checks what was read from the disk.
func (n Network) sound() bool {
	if len(n.Subnets) == 0 || len(n.Subnets) != len(n.Gateways) || !validName(n.Name) {
		return false
	}
	for i, p := range n.Subnets {
		if !p.IsValid() || !p.Contains(n.Gateways[i]) {
			return false
		}
	}
	return true
}

// Network finds a network by name, id, or unique prefix of its id.
func (e *Engine) Network(ref string) (Network, error) {
	switch ref {
	case "", "default", NetworkBridge:
		return bridgeNetwork, nil // without looking at the disk
	}
	list, err := e.Networks()
	if err != nil {
		return Network{}, err
	}
	var found []Network
	for _, n := range list {
		if n.Name == ref || n.ID == ref {
			return n, nil
		}
		if isHex(ref) && strings.HasPrefix(n.ID, ref) {
			found = append(found, n)
		}
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return Network{}, fail(ErrNotFound, "network %s not found", ref)
	}
	return Network{}, fail(ErrInvalid, "network %s is ambiguous (%d found): use more of the id", ref, len(found))
}

// CreateNetwork makes a network.
func (e *Engine) CreateNetwork(ctx context.Context, o NetworkOptions) (Network, error) {
	n := Network{ID: newID(), Name: o.Name, Created: time.Now().UTC(), Internal: o.Internal, Labels: maps.Clone(o.Labels)}
	switch {
	case !validName(o.Name):
		return n, fail(ErrInvalid, "invalid network name %q: use letters, digits, '_', '.' and '-', two or more, a letter or digit first (%s+)", o.Name, nameRule)
	case o.Driver != "" && o.Driver != "bridge":
		return n, fail(ErrInvalid, "network driver %q is not supported: there is bridge", o.Driver)
	case o.Name == networkHost || o.Name == "default":
		return n, fail(ErrInvalid, "the network name %q has a meaning of its own: use another", o.Name)
	}
	all, err := e.lockNetworks(ctx)
	if err != nil {
		return n, err
	}
	defer all.unlock()
	others, err := e.Networks()
	if err != nil {
		return n, err
	}
	if slices.ContainsFunc(others, func(m Network) bool { return m.Name == o.Name }) {
		return n, fail(ErrConflict, "network with name %s already exists", o.Name)
	}
	if err := n.plan(o, others); err != nil {
		return n, err
	}
	dir := e.networkDir(n.ID)
	if err := os.Mkdir(dir, 0o700); err != nil {
		return n, diskError(err)
	}
	if err := writeJSON(filepath.Join(dir, networkFileName), n); err != nil {
		_ = os.RemoveAll(dir)
		return n, err
	}
	return n, nil
}

// lockNetworks takes the lock under which networks come and go.
func (e *Engine) lockNetworks(ctx context.Context) (*fileLock, error) {
	if err := os.MkdirAll(e.networksDir(), 0o700); err != nil {
		return nil, diskError(err)
	}
	return waitLock(ctx, filepath.Join(e.networksDir(), allLock))
}

// plan chooses subnets and gateways.
func (n *Network) plan(o NetworkOptions, others []Network) error {
	taken := hostSubnets()
	for _, m := range others {
		taken = append(taken, m.Subnets...)
	}
	for _, s := range o.Subnets {
		p, err := netip.ParsePrefix(s)
		if err != nil || p.Addr().Is4In6() || p.Addr().Is4() && (p.Bits() < 8 || p.Bits() > 30) || p.Addr().Is6() && (p.Bits() < 16 || p.Bits() > 126) {
			return fail(ErrInvalid, "invalid subnet %q: use a form such as 10.1.0.0/24 or fd12:3456::/64", s)
		}
		p = p.Masked()
		for _, m := range others {
			if i := slices.IndexFunc(m.Subnets, p.Overlaps); i >= 0 {
				return fail(ErrConflict, "subnet %s overlaps with that of network %s (%s)", p, m.Name, m.Subnets[i])
			}
		}
		if slices.ContainsFunc(n.Subnets, func(q netip.Prefix) bool { return q.Addr().Is4() == p.Addr().Is4() }) {
			return fail(ErrInvalid, "two subnets of one family: %s", s)
		}
		n.Subnets = append(n.Subnets, p)
	}
	has := func(v4 bool) bool {
		return slices.ContainsFunc(n.Subnets, func(p netip.Prefix) bool { return p.Addr().Is4() == v4 })
	}
	if !has(true) {
		p, ok := freeSubnet(taken)
		if !ok {
			return fail(ErrConflict, "no free subnet is left: give one by --subnet, or remove networks (sbx network prune)")
		}
		n.Subnets = append([]netip.Prefix{p}, n.Subnets...)
	}
	if o.IPv6 && !has(false) {
		n.Subnets = append(n.Subnets, randomSubnet6())
	}
	for _, p := range n.Subnets {
		n.Gateways = append(n.Gateways, p.Addr().Next())
	}
	for _, g := range o.Gateways {
		a, err := netip.ParseAddr(g)
		i := slices.IndexFunc(n.Subnets, func(p netip.Prefix) bool { return err == nil && p.Contains(a) })
		if i < 0 {
			return fail(ErrInvalid, "gateway %q is in no subnet of the network", g)
		}
		n.Gateways[i] = a
	}
	return nil
}

// hostSubnets are the networks that the host itself is on: a guest could not
// reach them if one of ours were the same.
func hostSubnets() []netip.Prefix {
	var out []netip.Prefix
	addrs, _ := net.InterfaceAddrs()
	for _, a := range addrs {
		if p, err := netip.ParsePrefix(a.String()); err == nil {
			out = append(out, p.Masked())
		}
	}
	return out
}

// freeSubnet is the first of docker's own default pools that overlaps with none.
func freeSubnet(taken []netip.Prefix) (netip.Prefix, bool) {
	free := func(p netip.Prefix) bool { return !slices.ContainsFunc(taken, p.Overlaps) }
	for b := 18; b <= 31; b++ {
		if p := netip.PrefixFrom(netip.AddrFrom4([4]byte{172, byte(b)}), 16); free(p) {
			return p, true
		}
	}
	for c := 0; c < 256; c += 16 {
		if p := netip.PrefixFrom(netip.AddrFrom4([4]byte{192, 168, byte(c)}), 20); free(p) {
			return p, true
		}
	}
	for b := range 256 * 256 {
		if p := netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(b >> 8), byte(b)}), 24); free(p) {
			return p, true
		}
	}
	return netip.Prefix{}, false
}

// randomSubnet6 is a unique local network, RFC 4193.
func randomSubnet6() netip.Prefix {
	a := [16]byte{0xfd}
	_, _ = rand.Read(a[1:6])
	return netip.PrefixFrom(netip.AddrFrom16(a), 64)
}

// RemoveNetwork removes a network that no running container is on, and returns
// its name.
func (e *Engine) RemoveNetwork(ctx context.Context, ref string) (string, error) {
	n, err := e.Network(ref)
	if err != nil {
		return "", err
	}
	if n.Builtin() {
		return "", fail(ErrConflict, "%s is a pre-defined network and cannot be removed", n.Name)
	}
	all, err := e.lockNetworks(ctx)
	if err != nil {
		return "", err
	}
	defer all.unlock()
	if list := e.endpoints(n); len(list) > 0 {
		return "", fail(ErrConflict, "network %s has active endpoints: container %s is on it: stop or disconnect that one first", n.Name, ShortID(list[0].Container))
	}
	return n.Name, os.RemoveAll(e.networkDir(n.ID))
}

// PruneNetworks removes the networks that no container, running or not, is on.
func (e *Engine) PruneNetworks(ctx context.Context) ([]string, error) {
	list, err := e.Networks()
	if err != nil {
		return nil, err
	}
	containers, err := e.List(ListOptions{All: true})
	if err != nil {
		return nil, err
	}
	used := map[string]bool{}
	for _, c := range containers {
		for _, a := range c.Config.Networks {
			if n, err := e.Network(a.Network); err == nil {
				used[n.ID] = true
			}
		}
	}
	var gone []string
	for _, n := range list {
		if n.Builtin() || used[n.ID] {
			continue
		}
		if _, err := e.RemoveNetwork(ctx, n.ID); err == nil {
			gone = append(gone, n.Name)
		} else if !errors.Is(err, ErrConflict) {
			return gone, err
		}
	}
	return gone, nil
}
