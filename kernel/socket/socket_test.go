package socket

import (
	"context"
	"net"
	"net/netip"
	"sync"
	"testing"

	"github.com/sbxrun/sbx/abi/linux"
	"golang.org/x/net/dns/dnsmessage"
)

// newStack makes a network whose goroutines end with the test.
func newStack(tb testing.TB, edit func(c *Config)) *Stack {
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	c := Config{Context: ctx, Interfaces: []Interface{{Name: "eth0", Addresses: []netip.Prefix{netip.MustParsePrefix("10.0.2.15/24")}, Gateways: []netip.Addr{netip.MustParseAddr("10.0.2.1")}}}, NameServer: netip.MustParseAddr("10.0.2.3"),
		Go: func(f func()) { wg.Add(1); go func() { defer wg.Done(); f() }() }}
	if edit != nil {
		edit(&c)
	}
	st := New(c)
	tb.Cleanup(func() { cancel(); st.Close(); wg.Wait() })
	return st
}

func open(tb testing.TB, st *Stack, domain, typ int) *Socket {
	tb.Helper()
	s, err := st.NewSocket(domain, typ, 0, Owner{PID: 7}, false, nil)
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

// everything is a resolver that knows every name.
type everything struct{}

func (everything) LookupNetIP(_ context.Context, network, _ string) ([]netip.Addr, error) {
	if network == "ip6" {
		return nil, &net.DNSError{IsNotFound: true}
	}
	return []netip.Addr{netip.MustParseAddr("192.0.2.1")}, nil
}

func (everything) LookupAddr(context.Context, string) ([]string, error) {
	return []string{"a.test.", "not a name..", "b.test"}, nil
}

func FuzzNameServer(f *testing.F) {
	st := newStack(f, func(c *Config) { c.Resolver = everything{} })
	for _, typ := range []dnsmessage.Type{dnsmessage.TypeA, dnsmessage.TypeAAAA, dnsmessage.TypePTR} {
		q := dnsmessage.Message{Header: dnsmessage.Header{ID: 1}, Questions: []dnsmessage.Question{{
			Name: dnsmessage.MustNewName("1.2.0.192.in-addr.arpa."), Type: typ, Class: dnsmessage.ClassINET}}}
		b, err := q.Pack()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, query []byte) {
		b := st.answer(context.Background(), query, dnsUDP)
		if b == nil {
			return
		}
		var m dnsmessage.Message
		if err := m.Unpack(b); err != nil || !m.Response || len(b) > 4096 {
			t.Errorf("%d bytes of answer: %v", len(b), err)
		}
	})
}

func FuzzNetlink(f *testing.F) {
	st := newStack(f, nil)
	f.Add(linux.AppendNl(nil, linux.NlHeader{Type: linux.RTM_GETLINK, Flags: linux.NLM_F_REQUEST}, append(make([]byte, 16), 8, 0, 3, 0, 'l', 'o', 0, 0)))
	f.Add(linux.AppendNl(nil, linux.NlHeader{Type: linux.RTM_GETADDR, Flags: linux.NLM_F_REQUEST | linux.NLM_F_DUMP}, []byte{2}))
	f.Fuzz(func(t *testing.T, b []byte) {
		s := open(t, st, linux.AF_NETLINK, linux.SOCK_RAW)
		defer s.Close()
		_, _ = s.Send(&Message{Data: b})
		for {
			m := Message{Data: make([]byte, 8192)}
			n, err := s.Recv(&m)
			if err != nil {
				break
			}
			for rest := m.Data[:n]; len(rest) > 0; {
				_, _, more, err := linux.DecodeNl(rest)
				if err != nil {
					t.Fatalf("% x: %v", rest, err)
				}
				rest = more
			}
		}
	})
}

func TestMemoryOfQueuesIsCharged(t *testing.T) {
	held, limit := int64(0), int64(100000)
	st := newStack(t, func(c *Config) {
		c.Charge = func(n int64) bool {
			if n > 0 && held+n > limit {
				return false
			}
			held += n
			return true
		}
	})
	a, b := open(t, st, linux.AF_UNIX, linux.SOCK_STREAM), open(t, st, linux.AF_UNIX, linux.SOCK_STREAM)
	Pair(a, b)
	sent := 0
	for {
		n, err := a.Send(&Message{Data: make([]byte, 8192)})
		if err != nil {
			break
		}
		sent += n
	}
	if sent == 0 || int64(sent) > limit {
		t.Errorf("sent %d with room for %d", sent, limit)
	}
	b.Close()
	if held != 0 {
		t.Errorf("%d bytes are still charged", held)
	}
}

func TestInterfaceRequests(t *testing.T) {
	st := newStack(t, nil)
	s := open(t, st, linux.AF_INET, linux.SOCK_DGRAM)
	req := func(name string) []byte { b := make([]byte, linux.IfreqSize); copy(b, name); return b }
	b := req("eth0")
	if err := s.Ioctl(linux.SIOCGIFADDR, b); err != nil {
		t.Fatal(err)
	}
	if sa, err := linux.DecodeSockaddr(b[16:32]); err != nil || sa.Addr != netip.MustParseAddr("10.0.2.15") {
		t.Error(sa, err)
	}
	b = req("lo")
	if err := s.Ioctl(linux.SIOCGIFMTU, b); err != nil || b[18] != 1 {
		t.Error(b, err)
	}
	if err := s.Ioctl(linux.SIOCGIFMTU, req("wlan0")); err != linux.ENODEV {
		t.Error(err)
	}
	if err := s.Ioctl(0x1234, b); err != linux.ENOTTY {
		t.Error(err)
	}
	if n := s.Ifconf(nil); n != 2*linux.IfreqSize {
		t.Error(n)
	}
	if n := s.Ifconf(make([]byte, 50)); n != linux.IfreqSize {
		t.Error(n)
	}
}

func TestReversedNames(t *testing.T) {
	for name, want := range map[string]string{
		"4.3.2.1.in-addr.arpa": "1.2.3.4",
		"1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.B.D.0.1.0.0.2.ip6.arpa": "2001:db8::1",
	} {
		if a, ok := reverse(name); !ok || a.String() != want {
			t.Errorf("%s: %v", name, a)
		}
	}
	for _, name := range []string{"", "in-addr.arpa", "1.2.3.in-addr.arpa", "x.2.3.4.in-addr.arpa", "ip6.arpa", "g.ip6.arpa"} {
		if a, ok := reverse(name); ok {
			t.Errorf("%q is %v", name, a)
		}
	}
}
