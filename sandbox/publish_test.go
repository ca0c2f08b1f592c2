package sandbox

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sbxrun/sbx/abi/linux"
)

func TestParsePublish(t *testing.T) {
	for _, c := range []struct {
		spec string
		want []Publish
	}{
		{"80", []Publish{{Port: 80, Protocol: "tcp"}}},
		{"8080:80", []Publish{{HostPort: 8080, Port: 80, Protocol: "tcp"}}},
		{"8080:80/udp", []Publish{{HostPort: 8080, Port: 80, Protocol: "udp"}}},
		{"127.0.0.1:8080:80", []Publish{{HostIP: "127.0.0.1", HostPort: 8080, Port: 80, Protocol: "tcp"}}},
		{"127.0.0.1::80", []Publish{{HostIP: "127.0.0.1", Port: 80, Protocol: "tcp"}}},
		{"[::1]:8080:80/tcp", []Publish{{HostIP: "::1", HostPort: 8080, Port: 80, Protocol: "tcp"}}},
		{"8000-8001:80-81", []Publish{{HostPort: 8000, Port: 80, Protocol: "tcp"}, {HostPort: 8001, Port: 81, Protocol: "tcp"}}},
		{"8000-8009:80", []Publish{{HostPort: 8000, HostPortEnd: 8009, Port: 80, Protocol: "tcp"}}},
	} {
		got, err := ParsePublish(c.spec)
		slices.SortFunc(got, func(a, b Publish) int { return a.Port - b.Port })
		if err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%s: %+v, %v", c.spec, got, err)
		}
	}
	for _, bad := range []string{"", "x", "80:", "1:2:3:4", "host:80:80", "80/sctp", "70000", "8000-8001:80-82", "9-8:1-2", "-1"} {
		if got, err := ParsePublish(bad); !errors.Is(err, ErrInvalid) {
			t.Errorf("%q: %+v, %v", bad, got, err)
		}
	}
}

func FuzzParsePublish(f *testing.F) {
	for _, s := range []string{"80", "127.0.0.1:8000-8001:80-81/udp", "[::1]::80", "8000-8009:80", ":::"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		list, err := ParsePublish(s)
		if err != nil && !errors.Is(err, ErrInvalid) {
			t.Errorf("%q: %v", s, err)
		}
		for _, p := range list {
			if p.Port < 1 || p.Port > 65535 || p.HostPort < 0 || p.HostPort > 65535 || p.HostPortEnd < 0 || p.HostPortEnd > 65535 {
				t.Errorf("%q: %+v", s, p)
			}
		}
	})
}

func TestPortsText(t *testing.T) {
	pub := func(ip string, host, port int, proto string) PublishedPort {
		return PublishedPort{HostIP: ip, HostPort: host, Port: port, Protocol: proto}
	}
	for _, c := range []struct {
		pub     []PublishedPort
		exposed []string
		want    string
	}{
		{nil, []string{"80/tcp", "443/tcp"}, "80/tcp, 443/tcp"},
		{[]PublishedPort{pub("0.0.0.0", 8080, 80, "tcp"), pub("::", 8080, 80, "tcp")}, []string{"80/tcp", "443/tcp"}, "443/tcp, 0.0.0.0:8080->80/tcp, [::]:8080->80/tcp"},
		{[]PublishedPort{pub("127.0.0.1", 8001, 81, "tcp"), pub("127.0.0.1", 8000, 80, "tcp")}, nil, "127.0.0.1:8000-8001->80-81/tcp"},
		{[]PublishedPort{pub("127.0.0.1", 8000, 80, "tcp"), pub("127.0.0.1", 9001, 81, "tcp"), pub("127.0.0.1", 53, 53, "udp")}, nil,
			"127.0.0.1:8000->80/tcp, 127.0.0.1:9001->81/tcp, 127.0.0.1:53->53/udp"},
	} {
		if got := PortsText(c.pub, c.exposed); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}

// fakeGuest answers every connection of TCP with what it got, in capitals, when
// the client has said its last word, and datagrams one by one.
type fakeGuest struct {
	mu   sync.Mutex
	from []netip.AddrPort
}

func (g *fakeGuest) Connect(_ context.Context, network string, from, to netip.AddrPort) (net.Conn, error) {
	g.mu.Lock()
	g.from = append(g.from, from)
	g.mu.Unlock()
	if to.Port() != 80 {
		return nil, linux.ECONNREFUSED
	}
	if network == "udp" {
		mine, its := net.Pipe() // keeps bounds, since each write is one read
		go func() {
			b := make([]byte, maxPacket)
			for {
				n, err := its.Read(b)
				if err != nil {
					return
				}
				its.Write(bytes.ToUpper(b[:n]))
			}
		}()
		return mine, nil
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	go func() {
		defer l.Close()
		if c, err := l.Accept(); err == nil {
			b, _ := io.ReadAll(c)
			c.Write(bytes.ToUpper(b))
			c.Close()
		}
	}()
	return net.Dial("tcp", l.Addr().String())
}

// Adopt leaves the connections to the publisher.
func (g *fakeGuest) Adopt(context.Context, net.Conn, netip.AddrPort, netip.AddrPort) (bool, error) {
	return false, nil
}

func startPublisher(t *testing.T, g connector, want ...Publish) *publisher {
	ep := Endpoint{Addresses: []netip.Prefix{netip.MustParsePrefix("10.9.0.2/24")}, Gateways: []netip.Addr{netip.MustParseAddr("10.9.0.1")}}
	p, err := newPublisher(g, []Endpoint{ep}, want)
	if err != nil {
		t.Fatal(err)
	}
	p.start()
	t.Cleanup(p.close)
	return p
}

func TestPublishedTCP(t *testing.T) {
	g := &fakeGuest{}
	p := startPublisher(t, g, Publish{Port: 80, Protocol: "tcp"}, Publish{HostIP: "127.0.0.1", Port: 81, Protocol: "tcp"})
	big := strings.Repeat("all of it. ", 100_000)
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", p.ports[0].HostPort))
			if err != nil {
				t.Error(err)
				return
			}
			defer c.Close()
			go func() {
				io.WriteString(c, big)
				c.(*net.TCPConn).CloseWrite()
			}()
			if b, err := io.ReadAll(c); string(b) != strings.ToUpper(big) || err != nil {
				t.Errorf("client %d: %d bytes, %v", i, len(b), err)
			}
		})
	}
	wg.Wait()
	g.mu.Lock()
	if want := netip.MustParseAddrPort("10.9.0.1:0"); g.from[0] != want {
		t.Errorf("a client of this host comes from %v, want %v", g.from[0], want)
	}
	g.mu.Unlock()
	refused := p.ports[slices.IndexFunc(p.ports, func(q PublishedPort) bool { return q.Port == 81 })]
	c, err := net.Dial("tcp", refused.HostAddr())
	if err == nil {
		if n, err := c.Read(make([]byte, 1)); n != 0 || err == nil {
			t.Error("nobody listens, and yet there is an answer")
		}
		c.Close()
	}
	p.close()
	if c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", p.ports[0].HostPort)); err == nil {
		c.Close()
		t.Error("still open")
	}
}

// takingGuest takes connections over, as a kernel does on Linux, and answers as fakeGuest.
type takingGuest struct{ fakeGuest }

func (g *takingGuest) Adopt(_ context.Context, c net.Conn, from, to netip.AddrPort) (bool, error) {
	f, err := c.(*net.TCPConn).File()
	if err != nil {
		return false, err
	}
	mine, err := net.FileConn(f)
	f.Close()
	if err != nil {
		return false, err
	}
	g.mu.Lock()
	g.from = append(g.from, from, to)
	g.mu.Unlock()
	go func() {
		b, _ := io.ReadAll(mine)
		mine.Write(bytes.ToUpper(b))
		mine.Close()
	}()
	return true, nil
}

// TestPublishedTCPIsTaken: what the guest has taken over is none of the publisher's any more.
func TestPublishedTCPIsTaken(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("a connection cannot be taken over there")
	}
	g := &takingGuest{}
	p := startPublisher(t, g, Publish{HostIP: "127.0.0.1", Port: 80, Protocol: "tcp"})
	c, err := net.Dial("tcp", p.ports[0].HostAddr())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for done := false; !done; time.Sleep(time.Millisecond) {
		g.mu.Lock()
		done = len(g.from) > 0
		g.mu.Unlock()
	}
	p.close()
	io.WriteString(c, "still here")
	c.(*net.TCPConn).CloseWrite()
	if b, err := io.ReadAll(c); string(b) != "STILL HERE" || err != nil {
		t.Errorf("%q, %v", b, err)
	}
	if want := []netip.AddrPort{netip.MustParseAddrPort("10.9.0.1:0"), netip.MustParseAddrPort("10.9.0.2:80")}; !slices.Equal(g.from, want) {
		t.Errorf("from and to %v, want %v", g.from, want)
	}
}

func TestPublishedUDP(t *testing.T) {
	p := startPublisher(t, &fakeGuest{}, Publish{HostIP: "127.0.0.1", Port: 80, Protocol: "udp"})
	for range 3 {
		c, err := net.Dial("udp", p.ports[0].HostAddr())
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range []string{"one", "two"} {
			io.WriteString(c, text)
			b := make([]byte, 100)
			c.SetReadDeadline(time.Now().Add(10 * time.Second))
			n, err := c.Read(b)
			if string(b[:n]) != strings.ToUpper(text) || err != nil {
				t.Errorf("%q, %v", b[:n], err)
			}
		}
		c.Close()
	}
}

func TestPublishTakenPorts(t *testing.T) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Skip("no loopback: ", err)
	}
	defer l.Close()
	port := l.Addr().(*net.TCPAddr).Port
	_, err = newPublisher(&fakeGuest{}, nil, []Publish{{HostIP: "127.0.0.1", HostPort: port, Port: 80, Protocol: "tcp"}})
	if want := fmt.Sprintf("Bind for 127.0.0.1:%d failed: port is already allocated", port); !errors.Is(err, ErrConflict) || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
	if port < 65535 {
		p := startPublisher(t, &fakeGuest{}, Publish{HostIP: "127.0.0.1", HostPort: port, HostPortEnd: min(port+20, 65535), Port: 80, Protocol: "tcp"})
		if got := p.ports[0].HostPort; got <= port {
			t.Errorf("port %d of a range whose first, %d, is taken", got, port)
		}
	}
	if _, err := newPublisher(&fakeGuest{}, nil, []Publish{{HostIP: "192.0.2.1", Port: 80, Protocol: "tcp"}}); !errors.Is(err, ErrConflict) {
		t.Error("an address that is not this host's: ", err)
	}
}
