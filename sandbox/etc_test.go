package sandbox

import (
	"strings"
	"testing"
)

var noNetwork = []Attachment{{Network: NetworkNone}}

// TestResolvConfNamesWhoAnswers: the kernel's name server, or those of --dns, and
// nobody without a network.
func TestResolvConfNamesWhoAnswers(t *testing.T) {
	for _, c := range []struct {
		cfg   Config
		want  string
		names bool
	}{
		{Config{}, "nameserver 127.0.0.11\n", true},
		{Config{DNS: []string{"192.0.2.1", "192.0.2.2"}}, "nameserver 192.0.2.1\nnameserver 192.0.2.2\n", true},
		{Config{Networks: noNetwork}, "", false},
		{Config{Networks: noNetwork, DNS: []string{"192.0.2.1"}}, "nameserver 192.0.2.1\n", false},
	} {
		got, _, ok := strings.Cut(resolvFile(c.cfg), "options ndots:0\n")
		if !ok || got != c.want {
			t.Errorf("%+v: %q", c.cfg, got)
		}
		if (newNames(c.cfg) != nil) != c.names {
			t.Errorf("%+v: has a resolver: %v", c.cfg, !c.names)
		}
	}
}
