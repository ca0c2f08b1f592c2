package sandbox

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"sync/atomic"
	"testing"

	"github.com/sbxrun/sbx/abi/linux"
)

func TestDialerKeepsHostLoopbackAway(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Skip("no loopback: ", err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	dial := newDialer(Config{ExtraHosts: []string{"alias:127.0.0.1", "six:::1"}})
	for _, host := range []string{"127.0.0.1", "localhost", "alias", "ALIAS", "six", "::1", "::ffff:127.0.0.1", "0.0.0.0", "127.9.9.9"} {
		c, err := dial(context.Background(), "tcp", net.JoinHostPort(host, port))
		if err == nil {
			c.Close()
			t.Errorf("%s reaches the host", host)
		} else if !errors.Is(err, linux.ECONNREFUSED) {
			t.Logf("%s: %v", host, err)
		}
	}
	if newDialer(Config{Networks: noNetwork}) != nil {
		t.Error("--network none has a dialer")
	}
}

func TestAllowedAddresses(t *testing.T) {
	for addr, want := range map[string]error{
		"127.0.0.1": linux.ECONNREFUSED, "127.255.0.3": linux.ECONNREFUSED, "::1": linux.ECONNREFUSED, "0.0.0.0": linux.ECONNREFUSED,
		"::": linux.ECONNREFUSED, "::ffff:127.0.0.1": linux.ECONNREFUSED, "::ffff:0.0.0.0": linux.ECONNREFUSED,
		"::127.0.0.1": linux.ECONNREFUSED, "64:ff9b::127.0.0.1": linux.ECONNREFUSED, "::ffff:0:127.0.0.1": linux.ECONNREFUSED,
		"2002:7f00:1::":   linux.ECONNREFUSED,
		"169.254.169.254": linux.ENETUNREACH, "::ffff:169.254.169.254": linux.ENETUNREACH, "64:ff9b::169.254.169.254": linux.ENETUNREACH,
		"fe80::1": linux.ENETUNREACH, "fe80::1%eth0": linux.ENETUNREACH, "febf::1": linux.ENETUNREACH, "fd00:ec2::254": linux.ENETUNREACH,
		"224.0.0.1": linux.ENETUNREACH, "239.255.255.250": linux.ENETUNREACH, "ff02::1": linux.ENETUNREACH, "ff0e::1": linux.ENETUNREACH,
		"::ffff:224.0.0.1": linux.ENETUNREACH, "255.255.255.255": linux.ENETUNREACH, "0.1.2.3": linux.ENETUNREACH,
		"10.0.0.1": nil, "172.16.0.1": nil, "192.168.1.1": nil, "fd00::1": nil, "fec0::1": nil, "8.8.8.8": nil, "2606:4700::1111": nil,
		"::ffff:10.0.0.1": nil, "64:ff9b::8.8.8.8": nil, "169.253.0.1": nil, "170.0.0.1": nil, "128.0.0.1": nil, "1.0.0.1": nil,
	} {
		if got := allowed(netip.MustParseAddr(addr)); got != want {
			t.Errorf("%s: %v, want %v", addr, got, want)
		}
		full := net.JoinHostPort(addr, "80")
		var everything *policy
		check, err := everything.check(t.Context(), nil, full)
		if err != nil {
			t.Fatal(err)
		}
		if got := check("tcp", full, nil); got != want {
			t.Errorf("%s: %v, want %v", full, got, want)
		}
		if err := check("tcp", "name:80", nil); err != linux.EINVAL {
			t.Error("a name as an address: ", err)
		}
	}
}

// rebinder is a name server for one dial after the other. It answers each
// question for IPv4 with the next address and those for IPv6 with none.
func rebinder(t *testing.T, asked *atomic.Int32, answers ...string) *net.Resolver {
	pc, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Skip("no loopback: ", err)
	}
	t.Cleanup(func() { pc.Close() })
	go func() {
		q := make([]byte, 512)
		for {
			n, from, err := pc.ReadFrom(q)
			if err != nil {
				return
			}
			end := 12
			for end < n && q[end] != 0 {
				end += 1 + int(q[end])
			}
			if end += 5; end > n {
				continue
			}
			reply := append([]byte(nil), q[:end]...)
			copy(reply[2:], []byte{0x81, 0x80, 0, 1, 0, 0, 0, 0, 0, 0})
			if reply[end-3] == 1 { // type A
				i := min(int(asked.Add(1)), len(answers)) - 1
				ip := netip.MustParseAddr(answers[i]).As4()
				reply[7] = 1
				reply = append(reply, 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4)
				reply = append(reply, ip[:]...)
			}
			_, _ = pc.WriteTo(reply, from)
		}
	}()
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "udp", pc.LocalAddr().String())
	}}
}

// TestDialerChecksWhatItDials has a name whose address changes between a
// check and a use: there must be one question, and its answer is checked.
func TestDialerChecksWhatItDials(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Skip("no loopback: ", err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	for addr, want := range map[string]error{"127.0.0.1": linux.ECONNREFUSED, "169.254.169.254": linux.ENETUNREACH} {
		var asked atomic.Int32
		dial := dialWith(nil, rebinder(t, &asked, addr, "127.0.0.1"), nil)
		c, err := dial(t.Context(), "tcp", net.JoinHostPort("rebind.example.", port))
		if err == nil {
			c.Close()
			t.Errorf("%s: reaches the host", addr)
		}
		if !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", addr, err, want)
		}
		if asked.Load() != 1 {
			t.Errorf("%s: %d questions", addr, asked.Load())
		}
	}
}
