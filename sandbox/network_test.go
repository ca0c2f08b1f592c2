package sandbox

import (
	"context"
	"errors"
	"net"
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
	if newDialer(Config{Network: NetworkNone}) != nil {
		t.Error("--network none has a dialer")
	}
}
