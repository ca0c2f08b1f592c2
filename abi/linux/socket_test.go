package linux

import (
	"bytes"
	"net/netip"
	"testing"
)

func TestSockaddrRoundTrip(t *testing.T) {
	for _, sa := range []Sockaddr{
		{Family: AF_INET, Addr: netip.MustParseAddr("192.0.2.1"), Port: 80},
		{Family: AF_INET6, Addr: netip.MustParseAddr("2001:db8::1"), Port: 443, Flowinfo: 7, Scope: 2},
		{Family: AF_UNIX, Path: "/run/x.sock"},
		{Family: AF_UNIX, Path: "\x00abstract\x00name"},
		{Family: AF_UNIX},
		{Family: AF_NETLINK, PID: 5, Groups: 9},
	} {
		got, err := DecodeSockaddr(sa.Encode())
		if err != nil || got != sa {
			t.Errorf("%+v came back as %+v, %v", sa, got, err)
		}
	}
	want := []byte{2, 0, 0, 80, 192, 0, 2, 1, 0, 0, 0, 0, 0, 0, 0, 0}
	if got := (Sockaddr{Family: AF_INET, Addr: netip.MustParseAddr("192.0.2.1"), Port: 80}).Encode(); !bytes.Equal(got, want) {
		t.Errorf("sockaddr_in is % x", got)
	}
	for _, b := range [][]byte{nil, {1}, {2, 0, 0, 0}, append([]byte{10, 0}, make([]byte, 20)...), append([]byte{1, 0}, make([]byte, 109)...), make([]byte, 129)} {
		if _, err := DecodeSockaddr(b); err != EINVAL {
			t.Errorf("%d bytes: %v", len(b), err)
		}
	}
}

func TestSockaddrInetMaps(t *testing.T) {
	ap := netip.MustParseAddrPort("192.0.2.1:9")
	if s := SockaddrInet(AF_INET6, ap); s.Addr.String() != "::ffff:192.0.2.1" || s.AddrPort() != ap {
		t.Errorf("mapped: %v, back %v", s.Addr, s.AddrPort())
	}
	if s := SockaddrInet(AF_INET6, netip.MustParseAddrPort("0.0.0.0:9")); s.Addr != netip.IPv6Unspecified() {
		t.Errorf("unspecified: %v", s.Addr)
	}
}

func TestCmsgs(t *testing.T) {
	b, cut := AppendCmsg(nil, 100, Cmsg{SOL_SOCKET, SCM_RIGHTS, []byte{1, 2, 3, 4}})
	b, cut2 := AppendCmsg(b, 100, Cmsg{SOL_SOCKET, SCM_CREDENTIALS, Ucred{1, 2, 3}.Encode()})
	if cut || cut2 || len(b) != CmsgSpace(4)+CmsgSpace(12) {
		t.Fatalf("%v %v %d bytes", cut, cut2, len(b))
	}
	m, err := DecodeCmsgs(b)
	if err != nil || len(m) != 2 || m[0].Type != SCM_RIGHTS || len(m[0].Data) != 4 {
		t.Fatalf("%+v %v", m, err)
	}
	if u, err := DecodeUcred(m[1].Data); err != nil || u != (Ucred{1, 2, 3}) {
		t.Errorf("%v %v", u, err)
	}
	if _, cut := AppendCmsg(nil, 18, Cmsg{1, 1, []byte{1, 2, 3, 4}}); !cut {
		t.Error("not cut")
	}
	if out, cut := AppendCmsg(nil, 15, Cmsg{1, 1, nil}); !cut || len(out) != 0 {
		t.Error("no room for a header")
	}
	b[0] = 200
	if _, err := DecodeCmsgs(b); err != EINVAL {
		t.Errorf("a lie: %v", err)
	}
}

func TestInotifyEncoding(t *testing.T) {
	if got := len(AppendInotify(nil, 1, IN_CREATE, 0, "")); got != 16 {
		t.Errorf("without a name %d bytes", got)
	}
	for n, want := range map[int]int{1: 32, 15: 32, 16: 48} {
		b := AppendInotify(nil, 1, IN_CREATE, 0, string(make([]byte, n)))
		if len(b) != want || InotifyLen(string(make([]byte, n))) != want {
			t.Errorf("a name of %d: %d bytes", n, len(b))
		}
	}
}

func TestFutexOp(t *testing.T) {
	op := FutexOp(FUTEX_OP_ADD<<28 | FUTEX_OP_CMP_LT<<24 | 0xfff<<12 | 0xffe) // += -1, < -2
	if v, err := op.Apply(10); v != 9 || err != nil {
		t.Error(v, err)
	}
	if yes, err := op.Compare(^uint32(2)); !yes || err != nil {
		t.Error(yes, err)
	}
	shift := FutexOp(1<<31 | FUTEX_OP_OR<<28 | 5<<12)
	if v, _ := shift.Apply(1); v != 33 {
		t.Error(v)
	}
	if _, err := FutexOp(7 << 28).Apply(0); err != ENOSYS {
		t.Error(err)
	}
	if _, err := FutexOp(9 << 24).Compare(0); err != ENOSYS {
		t.Error(err)
	}
}

func FuzzSocketDecoders(f *testing.F) {
	f.Add([]byte{2, 0, 0, 80, 127, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0})
	f.Add([]byte{1, 0, '/', 'x', 0})
	b, _ := AppendCmsg(nil, 100, Cmsg{SOL_SOCKET, SCM_RIGHTS, []byte{1, 2, 3, 4}})
	f.Add(b)
	f.Add(AppendNl(nil, NlHeader{Type: RTM_GETLINK, Flags: NLM_F_REQUEST}, []byte{1, 2, 3}))
	f.Fuzz(func(t *testing.T, b []byte) {
		if sa, err := DecodeSockaddr(b); err == nil {
			again, err := DecodeSockaddr(sa.Encode())
			if sa.Family == AF_INET || sa.Family == AF_INET6 || sa.Family == AF_NETLINK {
				if err != nil || again != sa {
					t.Errorf("%+v became %+v, %v", sa, again, err)
				}
			}
		}
		_, _ = DecodeCmsgs(b)
		for rest := b; len(rest) > 0; {
			_, _, more, err := DecodeNl(rest)
			if err != nil {
				break
			}
			rest = more
		}
	})
}
