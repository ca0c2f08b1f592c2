package sandbox

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/internal/hostfile"
	"github.com/sbxrun/sbx/kernel/socket"
)

// Attachment asks for a place of a container on a network.
type Attachment struct {
	Network string   `json:"network"`
	Aliases []string `json:"aliases,omitempty"` // further names there
	IPv4    string   `json:"ipv4,omitempty"`    // default: any that is free
	IPv6    string   `json:"ipv6,omitempty"`
}

// Endpoint is the place of a running container on a network.
type Endpoint struct {
	Container string         `json:"container"`
	Network   string         `json:"network"` // its name
	NetworkID string         `json:"networkId"`
	Interface string         `json:"interface"` // "eth0"
	Addresses []netip.Prefix `json:"addresses"` // with the network's bits
	Gateways  []netip.Addr   `json:"gateways,omitempty"`
	Aliases   []string       `json:"aliases,omitempty"`
}

// MAC is the Ethernet address of the place.
func (ep Endpoint) MAC() string { return socket.HardwareAddr(ep.Addresses).String() }

// endpointFile is the file of the endpoint that has an address. That it is there
// is the claim to the address.
func (e *Engine) endpointFile(networkID string, a netip.Addr) string {
	return filepath.Join(e.networkDir(networkID), strings.ReplaceAll(a.String(), ":", "-")+".json")
}

// claim takes free addresses on a network for a container. What a killed sbx had
// is free. Locks are taken only to find out about such.
func (e *Engine) claim(ctx context.Context, n Network, a Attachment, container, iface string) (Endpoint, error) {
	ep := Endpoint{Container: container, Network: n.Name, NetworkID: n.ID, Interface: iface, Aliases: a.Aliases}
	if !n.Internal {
		ep.Gateways = n.Gateways
	}
	if n.Builtin() {
		if err := os.MkdirAll(e.networkDir(n.ID), 0o700); err != nil {
			return ep, diskError(err)
		}
	}
	for i, subnet := range n.Subnets {
		want := a.IPv4
		if subnet.Addr().Is6() {
			want = a.IPv6
		}
		if err := e.claimAddress(ctx, n, subnet, n.Gateways[i], want, &ep); err != nil {
			e.release(ep)
			return ep, err
		}
	}
	if len(ep.Addresses) > 1 { // what was written first does not know the rest
		for _, p := range ep.Addresses {
			if err := writeJSON(e.endpointFile(n.ID, p.Addr()), ep); err != nil {
				e.release(ep)
				return ep, err
			}
		}
	}
	return ep, nil
}

// claimAddress takes an address of a subnet for an endpoint, the lowest that is
// free.
func (e *Engine) claimAddress(ctx context.Context, n Network, subnet netip.Prefix, gateway netip.Addr, want string, ep *Endpoint) error {
	if want != "" {
		a, err := netip.ParseAddr(want)
		if err != nil || !subnet.Contains(a) || a == gateway || a == subnet.Addr() {
			return fail(ErrInvalid, "address %s is not one for containers of network %s (%s)", want, n.Name, subnet)
		}
		ok, err := e.takeAddress(ctx, n, netip.PrefixFrom(a, subnet.Bits()), ep)
		if err == nil && !ok {
			err = fail(ErrConflict, "address %s of network %s is in use", a, n.Name)
		}
		return err
	}
	a := subnet.Addr().Next()
	for tries := 0; tries < 1<<16 && subnet.Contains(a.Next()); tries++ { // the last one is the broadcast
		if a != gateway {
			if ok, err := e.takeAddress(ctx, n, netip.PrefixFrom(a, subnet.Bits()), ep); ok || err != nil {
				return err
			}
		}
		a = a.Next()
	}
	return fail(ErrConflict, "network %s has no free address left in %s", n.Name, subnet)
}

// takeAddress tries to add one address to an endpoint.
func (e *Engine) takeAddress(ctx context.Context, n Network, a netip.Prefix, ep *Endpoint) (bool, error) {
	claim := *ep
	claim.Addresses = append(slices.Clone(ep.Addresses), a)
	text, err := json.Marshal(claim)
	if err != nil {
		return false, err
	}
	path := e.endpointFile(n.ID, a.Addr())
	f, err := hostfile.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	switch {
	case err == nil:
		_, err = f.Write(text)
		*ep = claim
		return true, diskError(errors.Join(err, f.Close()))
	case errors.Is(err, fs.ErrNotExist):
		return false, fail(ErrNotFound, "network %s not found", n.Name)
	case !errors.Is(err, fs.ErrExist):
		return false, diskError(err)
	}
	if e.holds(path) {
		return false, nil
	}
	all, err := e.lockNetworks(ctx)
	if err != nil {
		return false, err
	}
	defer all.unlock()
	if e.holds(path) {
		return false, nil
	}
	if err := writeAtomic(path, text); err != nil {
		return false, err
	}
	*ep = claim
	return true, nil
}

// claimGrace is how long a claim that cannot be read may be one that is just
// being written.
const claimGrace = 5 * time.Second

// holds reports whether the container that took an address still is there for it.
func (e *Engine) holds(path string) bool {
	var ep Endpoint
	if err := readJSON(path, &ep); err != nil || len(ep.Container) != idLen || !isHex(ep.Container) {
		st, serr := os.Stat(path)
		return serr == nil && time.Since(st.ModTime()) < claimGrace
	}
	return e.disk.held(ep.Container)
}

// held reports whether somebody runs, starts or changes a container.
func (d disk) held(id string) bool {
	f, err := hostfile.OpenFile(d.file(id, lockName), os.O_RDWR, 0)
	if err != nil {
		return false
	}
	defer f.Close()
	return lockFile(f) != nil
}

// release gives the addresses of an endpoint back.
func (e *Engine) release(ep Endpoint) {
	for _, p := range ep.Addresses {
		_ = os.Remove(e.endpointFile(ep.NetworkID, p.Addr()))
	}
}

// endpoints lists who is on a network now, each once.
func (e *Engine) endpoints(n Network) []Endpoint {
	list, _ := os.ReadDir(e.networkDir(n.ID))
	var out []Endpoint
	seen := map[string]bool{}
	for _, f := range list {
		if f.Name() == networkFileName || !strings.HasSuffix(f.Name(), ".json") {
			continue
		}
		var ep Endpoint
		err := readJSON(filepath.Join(e.networkDir(n.ID), f.Name()), &ep)
		if err == nil && ep.NetworkID == n.ID && !seen[ep.Container] && e.disk.held(ep.Container) {
			seen[ep.Container] = true
			out = append(out, ep)
		}
	}
	return out
}

// Endpoints lists the running containers of a network.
func (e *Engine) Endpoints(n Network) []Endpoint { return e.endpoints(n) }

// endpointAt finds who has an address on a network.
func (e *Engine) endpointAt(networkID string, a netip.Addr) (Endpoint, error) {
	var ep Endpoint
	err := readJSON(e.endpointFile(networkID, a), &ep)
	if err != nil || ep.NetworkID != networkID {
		return ep, linux.EHOSTUNREACH
	}
	return ep, nil
}

// attachments are the networks of a container, by the config: the bridge when it
// names none.
func (c *Config) attachments() []Attachment {
	if len(c.Networks) == 0 {
		return []Attachment{{Network: NetworkBridge}}
	}
	return c.Networks
}

// offline reports whether the container has no network but its loopback.
func (c *Config) offline() bool {
	return len(c.Networks) == 1 && c.Networks[0].Network == NetworkNone
}

// checkNetworks validates what can be judged without the disk.
func (c *Config) checkNetworks() error {
	for i := range c.Networks {
		a := &c.Networks[i]
		switch {
		case a.Network == "" || a.Network == "default":
			a.Network = NetworkBridge
		case a.Network == networkHost:
			return fail(ErrInvalid, "network host is not supported: a guest has a network of its own; publish ports with -p, and reach the host by --add-host NAME:host-gateway")
		case strings.HasPrefix(a.Network, "container:"):
			return fail(ErrInvalid, "network %s is not supported: put both containers on one network (sbx network create)", a.Network)
		}
		if a.Network == NetworkNone && len(c.Networks) > 1 {
			return fail(ErrInvalid, "network none cannot be combined with others")
		}
		if (a.Network == NetworkBridge || a.Network == NetworkNone) && (len(a.Aliases) > 0 || a.IPv4 != "" || a.IPv6 != "") {
			return fail(ErrInvalid, "aliases and addresses can be given on networks that a user made: sbx network create NAME")
		}
		if slices.ContainsFunc(c.Networks[:i], func(b Attachment) bool { return b.Network == a.Network }) {
			return fail(ErrInvalid, "network %s is named twice", a.Network)
		}
	}
	return nil
}
