package sandbox

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"github.com/sbxrun/sbx/abi/linux"
)

func TestNetworksComeAndGo(t *testing.T) {
	e := openEngine(t, t.TempDir())
	ctx := t.Context()
	a, err := e.CreateNetwork(ctx, NetworkOptions{Name: "front", IPv6: true, Labels: map[string]string{"k": "v"}})
	if err != nil {
		t.Fatal(err)
	}
	if len(a.Subnets) != 2 || !a.Subnets[0].Addr().Is4() || !a.Subnets[1].Addr().IsPrivate() || a.Gateways[0] != a.Subnets[0].Addr().Next() {
		t.Errorf("subnets %v, gateways %v", a.Subnets, a.Gateways)
	}
	b, err := e.CreateNetwork(ctx, NetworkOptions{Name: "back", Subnets: []string{"10.77.0.9/24"}, Gateways: []string{"10.77.0.254"}, Internal: true})
	if err != nil {
		t.Fatal(err)
	}
	if b.Subnets[0] != netip.MustParsePrefix("10.77.0.0/24") || b.Gateways[0] != netip.MustParseAddr("10.77.0.254") {
		t.Errorf("subnet %v, gateway %v", b.Subnets, b.Gateways)
	}
	for _, c := range []struct {
		o    NetworkOptions
		want error
	}{
		{NetworkOptions{Name: "front"}, ErrConflict},
		{NetworkOptions{Name: "bridge"}, ErrConflict},
		{NetworkOptions{Name: "host"}, ErrInvalid},
		{NetworkOptions{Name: "../up"}, ErrInvalid},
		{NetworkOptions{Name: "over", Subnets: []string{"10.77.0.128/25"}}, ErrConflict},
		{NetworkOptions{Name: "bad", Subnets: []string{"10.78.0.1"}}, ErrInvalid},
		{NetworkOptions{Name: "wide", Subnets: []string{"0.0.0.0/0"}}, ErrInvalid},
		{NetworkOptions{Name: "two", Subnets: []string{"10.78.0.0/24", "10.79.0.0/24"}}, ErrInvalid},
		{NetworkOptions{Name: "gate", Subnets: []string{"10.78.0.0/24"}, Gateways: []string{"10.79.0.1"}}, ErrInvalid},
		{NetworkOptions{Name: "drive", Driver: "overlay"}, ErrInvalid},
	} {
		if _, err := e.CreateNetwork(ctx, c.o); !errors.Is(err, c.want) {
			t.Errorf("%+v: %v, want %v", c.o, err, c.want)
		}
	}
	list, err := e.Networks()
	var names []string
	for _, n := range list {
		names = append(names, n.Name)
	}
	if err != nil || !slices.Equal(names, []string{"bridge", "none", "back", "front"}) {
		t.Errorf("networks: %v, %v", names, err)
	}
	for _, ref := range []string{"front", a.ID, ShortID(a.ID)} {
		if n, err := e.Network(ref); err != nil || n.ID != a.ID {
			t.Errorf("%s: %v, %v", ref, n.Name, err)
		}
	}
	if _, err := e.RemoveNetwork(ctx, "bridge"); !errors.Is(err, ErrConflict) {
		t.Error("the bridge can be removed: ", err)
	}
	if name, err := e.RemoveNetwork(ctx, ShortID(a.ID)); name != "front" || err != nil {
		t.Error(name, err)
	}
	if gone, err := e.PruneNetworks(ctx); err != nil || !slices.Equal(gone, []string{"back"}) {
		t.Error(gone, err)
	}
	if _, err := e.Network("front"); !errors.Is(err, ErrNotFound) {
		t.Error("still there: ", err)
	}
}

// fakeContainer makes what a claim looks at: a folder whose lock is held until
// free is called.
func fakeContainer(t *testing.T, e *Engine) (id string, free func()) {
	id = newID()
	if err := os.MkdirAll(e.disk.dir(id), 0o700); err != nil {
		t.Fatal(err)
	}
	lock, err := tryLock(e.disk.file(id, lockName))
	if err != nil {
		t.Fatal(err)
	}
	return id, lock.unlock
}

func TestAddressesAreClaimedOnce(t *testing.T) {
	e := openEngine(t, t.TempDir())
	n, err := e.CreateNetwork(t.Context(), NetworkOptions{Name: "net", Subnets: []string{"10.77.0.0/24"}})
	if err != nil {
		t.Fatal(err)
	}
	const containers = 40
	eps := make([]Endpoint, containers)
	frees := make([]func(), containers)
	var wg sync.WaitGroup
	for i := range containers {
		id, free := fakeContainer(t, e)
		frees[i] = free
		wg.Go(func() {
			other := openEngine(t, e.Home()) // as another sbx would
			var err error
			if eps[i], err = other.claim(context.Background(), n, Attachment{Network: "net"}, id, "eth0"); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	seen := map[netip.Prefix]bool{}
	for _, ep := range eps {
		if a := ep.Addresses[0]; seen[a] || a.Addr() == n.Gateways[0] {
			t.Errorf("%v twice", a)
		} else {
			seen[a] = true
		}
	}
	if !seen[netip.MustParsePrefix("10.77.0.41/24")] || seen[netip.MustParsePrefix("10.77.0.42/24")] {
		t.Error("not the lowest addresses")
	}
	if got := len(e.endpoints(n)); got != containers {
		t.Errorf("%d endpoints", got)
	}
	if _, err := e.RemoveNetwork(t.Context(), "net"); !errors.Is(err, ErrConflict) {
		t.Error("a network in use is removed: ", err)
	}
	frees[3]() // as by kill -9
	id, free := fakeContainer(t, e)
	defer free()
	ep, err := e.claim(t.Context(), n, Attachment{IPv4: eps[3].Addresses[0].Addr().String()}, id, "eth0")
	if err != nil || ep.Addresses[0] != eps[3].Addresses[0] {
		t.Errorf("what a killed container had: %v, %v", ep.Addresses, err)
	}
	for want, a := range map[error]string{ErrConflict: eps[4].Addresses[0].Addr().String(), ErrInvalid: n.Gateways[0].String()} {
		if _, err := e.claim(t.Context(), n, Attachment{IPv4: a}, id, "eth1"); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", a, err, want)
		}
	}
	e.release(ep)
	if _, err := e.endpointAt(n.ID, ep.Addresses[0].Addr()); !errors.Is(err, linux.EHOSTUNREACH) {
		t.Error("released and there: ", err)
	}
	for _, free := range frees {
		free()
	}
}

func TestFullNetwork(t *testing.T) {
	e := openEngine(t, t.TempDir())
	n, err := e.CreateNetwork(t.Context(), NetworkOptions{Name: "tiny", Subnets: []string{"10.77.0.0/30"}})
	if err != nil {
		t.Fatal(err)
	}
	id, free := fakeContainer(t, e)
	defer free()
	if _, err := e.claim(t.Context(), n, Attachment{}, id, "eth0"); err != nil {
		t.Fatal(err)
	}
	if _, err := e.claim(t.Context(), n, Attachment{}, id, "eth1"); !errors.Is(err, ErrConflict) {
		t.Error("a second one: ", err)
	}
}

func TestDamagedNetworkFiles(t *testing.T) {
	e := openEngine(t, t.TempDir())
	n, err := e.CreateNetwork(t.Context(), NetworkOptions{Name: "net", Subnets: []string{"10.77.0.0/24"}})
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"", "{", `{"container":"../../etc"}`, fmt.Sprintf(`{"container":%q,"networkId":"x"}`, newID())} {
		if err := os.WriteFile(e.endpointFile(n.ID, netip.MustParseAddr("10.77.0.9")), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := e.endpoints(n); len(got) != 0 {
			t.Errorf("%q: %v", text, got)
		}
	}
	if err := os.WriteFile(filepath.Join(e.networkDir(n.ID), networkFileName), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := e.Networks(); !errors.Is(err, ErrCorrupt) {
		t.Error(err)
	}
	if n, err := e.Network("bridge"); err != nil || n.Name != "bridge" {
		t.Error("the bridge: ", err)
	}
}

func TestNetworkConfig(t *testing.T) {
	for _, c := range []struct {
		networks []Attachment
		want     error
	}{
		{nil, nil}, {[]Attachment{{Network: ""}}, nil}, {[]Attachment{{Network: "none"}}, nil}, {[]Attachment{{Network: "a"}, {Network: "b"}}, nil},
		{[]Attachment{{Network: "host"}}, ErrInvalid}, {[]Attachment{{Network: "container:x"}}, ErrInvalid},
		{[]Attachment{{Network: "none"}, {Network: "a"}}, ErrInvalid}, {[]Attachment{{Network: "a"}, {Network: "a"}}, ErrInvalid},
		{[]Attachment{{Network: "bridge", Aliases: []string{"x"}}}, ErrInvalid},
	} {
		cfg := Config{Image: "x", Networks: c.networks}
		if err := cfg.check(); !errors.Is(err, c.want) || c.want == nil && err != nil {
			t.Errorf("%+v: %v", c.networks, err)
		}
	}
}

func TestPolicy(t *testing.T) {
	allow := []string{"192.0.2.0/24", "198.51.100.7:443", "[2001:db8::1]:80", "169.254.1.1"}
	p, err := newPolicy(allow)
	if err != nil {
		t.Fatal(err)
	}
	for to, want := range map[string]error{
		"192.0.2.9:1": nil, "198.51.100.7:443": nil, "198.51.100.7:80": linux.EACCES, "[2001:db8::1]:80": nil, "[2001:db8::2]:80": linux.EACCES,
		"8.8.8.8:53": linux.EACCES, "127.0.0.1:80": linux.ECONNREFUSED, "169.254.1.1:80": nil, "169.254.169.254:80": linux.EACCES, "[::ffff:192.0.2.1]:9": nil,
	} {
		if got := p.allows(netip.MustParseAddrPort(to), nil); got != want {
			t.Errorf("%s: %v, want %v", to, got, want)
		}
	}
	any, err := newPolicy([]string{NetworkAnywhere})
	if err != nil {
		t.Fatal(err)
	}
	for to, want := range map[string]error{"169.254.169.254:80": nil, "127.0.0.1:80": linux.ECONNREFUSED, "[::1]:80": linux.ECONNREFUSED} {
		if got := any.allows(netip.MustParseAddrPort(to), nil); got != want {
			t.Errorf("any: %s: %v, want %v", to, got, want)
		}
	}
	for _, bad := range []string{"", "a b", "http://x", "host:0", "host:99999", "[::1", ":80"} {
		if _, err := newPolicy([]string{bad}); !errors.Is(err, ErrInvalid) {
			t.Errorf("%q: %v", bad, err)
		}
	}
	if _, err := newPolicy([]string{NetworkAnywhere, "x"}); !errors.Is(err, ErrInvalid) {
		t.Error("any with others: ", err)
	}
}
