package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sbxrun/sbx/internal/testimage"
)

// aptScript installs Debian 12's packages from a mirror.
func aptScript(mirror, packages string) string {
	return fmt.Sprintf(`rm -rf /etc/apt/sources.list.d
echo 'deb [trusted=yes] %s bookworm main' >/etc/apt/sources.list
apt-get -q update
DEBIAN_FRONTEND=noninteractive apt-get -q install -y --no-install-recommends %s`, mirror, packages)
}

// published is where the host has a port of a container, at an address.
func (w *world) published(name, port, address string) string {
	w.t.Helper()
	for line := range strings.Lines(w.must("port", name, port)) {
		if at := strings.TrimSpace(line); strings.HasPrefix(at, address+":") {
			return at
		}
	}
	w.t.Fatalf("port %s of %s is not at %s", port, name, address)
	return ""
}

// eventually does something until it works.
func eventually(t *testing.T, do func() error) {
	t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		err := do()
		if err == nil {
			return
		}
		if time.Now().After(end) {
			t.Fatal(err)
		}
	}
}

// TestServersOnUDPAndIPv6 has Debian's dnsmasq and nginx serve the host and containers, by UDP and by IPv6, and containers reach
// servers of the host by IPv6.
func TestServersOnUDPAndIPv6(t *testing.T) {
	if os.Getenv(longVariable) == "" {
		t.Skipf("installs servers: %s asks for it", longVariable)
	}
	w := newRealWorld(t)
	w.must("run", "--name", "made", "debian:12", "sh", "-ec", aptScript(testimage.Mirror(t), "dnsmasq-base nginx curl"))
	w.must("commit", "made", "servers")
	w.must("network", "create", "--ipv6", "net")
	has6 := false
	if l, err := net.Listen("tcp", "[::1]:0"); err == nil {
		l.Close()
		has6 = true
	}
	t.Run("dns", func(t *testing.T) { w.on(t).dns(has6) })
	t.Run("http", func(t *testing.T) { w.on(t).http(has6) })
	t.Run("out", func(t *testing.T) {
		if !has6 {
			t.Skip("this host has no IPv6")
		}
		w.on(t).out6()
	})
}

// on is the same world for a subtest.
func (w *world) on(t *testing.T) *world {
	sub := *w
	sub.t = t
	return &sub
}

// dns asks dnsmasq in a container through published ports, many at once, each from a socket of its own.
func (w *world) dns(has6 bool) {
	const names = 40
	args := []string{"run", "-d", "--name", "dns", "-p", "127.0.0.1::53/udp", "-p", "127.0.0.1::53/tcp", "--network", "net"}
	if has6 {
		args = append(args, "-p", "[::1]::53/udp")
	}
	args = append(args, "servers", "dnsmasq", "-k", "--no-resolv", "--no-hosts", "--user=root", "--txt-record=long.test,"+strings.Repeat("x", 250))
	for i := range names {
		args = append(args, fmt.Sprintf("--address=/h%d.test/192.0.2.%d", i, i+1), fmt.Sprintf("--address=/h%d.test/2001:db8::%x", i, i+1))
	}
	w.must(args...)
	type place struct{ network, at string }
	places := []place{{"udp", w.published("dns", "53/udp", "127.0.0.1")}, {"tcp", w.published("dns", "53/tcp", "127.0.0.1")}}
	if has6 {
		places = append(places, place{"udp", w.published("dns", "53/udp", "[::1]")})
	}
	for _, p := range places {
		r := &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, p.network, p.at)
		}}
		eventually(w.t, func() error { _, err := r.LookupHost(w.t.Context(), "h0.test."); return err })
		var all sync.WaitGroup
		for i := range names {
			all.Go(func() {
				got, err := r.LookupHost(w.t.Context(), fmt.Sprintf("h%d.test.", i))
				slices.Sort(got)
				if want := []string{fmt.Sprintf("192.0.2.%d", i+1), fmt.Sprintf("2001:db8::%x", i+1)}; err != nil || !slices.Equal(got, want) {
					w.t.Errorf("%v: %v %v, want %v", p, got, err, want)
				}
			})
		}
		all.Wait()
		if got, err := r.LookupTXT(w.t.Context(), "long.test."); err != nil || len(got) != 1 || got[0] != strings.Repeat("x", 250) {
			w.t.Errorf("%v: %d %v", p, len(got), err)
		}
	}
	w.must("rm", "-f", "dns")
}

// http asks nginx in a container by IPv6: from the host through a published port, and from a container by address and by name.
func (w *world) http(has6 bool) {
	args := []string{"run", "-d", "--name", "web", "--network", "net", "-p", "127.0.0.1::80"}
	if has6 {
		args = append(args, "-p", "[::1]::80")
	}
	w.must(append(args, "servers", "nginx", "-g", "daemon off;")...)
	hosts := []string{w.published("web", "80", "127.0.0.1")}
	if has6 {
		hosts = append(hosts, w.published("web", "80", "[::1]"))
	}
	for _, at := range hosts {
		client := &http.Client{Timeout: patience, Transport: &http.Transport{DisableKeepAlives: true}}
		eventually(w.t, func() error {
			res, err := client.Get("http://" + at + "/")
			if err != nil {
				return err
			}
			defer res.Body.Close()
			if res.StatusCode != 200 || !strings.HasPrefix(res.Header.Get("Server"), "nginx") {
				return fmt.Errorf("%s: %s of %q", at, res.Status, res.Header.Get("Server"))
			}
			return nil
		})
	}
	address := w.must("inspect", "-f", `{{.NetworkSettings.Networks.net.GlobalIPv6Address}}`, "web")
	const curl = "curl -sg6 -o /dev/null -w %{http_code}_%{remote_ip} http://"
	for _, host := range []string{"[" + address + "]", "web"} {
		if got := w.must(append([]string{"run", "--rm", "--network", "net", "servers"}, strings.Fields(curl+host)...)...); got != "200_"+address {
			w.t.Errorf("%s: %q, want 200_%s", host, got, address)
		}
	}
	w.must("rm", "-f", "web")
}

// out6 asks servers of the host from containers by IPv6.
func (w *world) out6() {
	serve := func(host string) (port string) {
		l, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
		if err != nil {
			w.t.Fatal(err)
		}
		s := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "the host's") })}
		go s.Serve(l)
		w.t.Cleanup(func() { s.Close() })
		_, port, _ = net.SplitHostPort(l.Addr().String())
		return port
	}
	ask := func(url string, flags ...string) string {
		out, _ := w.run(append(append([]string{"run", "--rm", "--network", "net"}, flags...), "servers", "curl", "-sg6", "-w", "%{exitcode}", "http://"+url)...)
		return out
	}
	gateway := w.must("network", "inspect", "-f", `{{(index .IPAM.Config 1).Gateway}}`, "net")
	loop := "[" + gateway + "]:" + serve("::1")
	if got := ask(loop, "--add-host", "host:host-gateway"); got != "the host's0" {
		w.t.Errorf("the host's loopback by a gateway: %q", got)
	}
	for _, c := range []struct{ url, flags string }{
		{loop, ""}, // the loopback is for who names the host
		{"[::1]:" + serve("::1"), "--network-allow"}, // this is the container's own
	} {
		var flags []string
		if c.flags != "" {
			flags = []string{c.flags, c.url}
		}
		if got := ask(c.url, flags...); got != "7" { // curl: could not connect
			w.t.Errorf("%s: %q", c.url, got)
		}
	}
	addrs, _ := net.InterfaceAddrs()
	for _, a := range addrs {
		ip, ok := a.(*net.IPNet)
		if !ok || ip.IP.To4() != nil || !ip.IP.IsGlobalUnicast() {
			continue
		}
		at := net.JoinHostPort(ip.IP.String(), serve(ip.IP.String()))
		if got := ask(at, "--network-allow", at); got != "the host's0" {
			w.t.Errorf("%s, allowed: %q", at, got)
		}
		if got := ask(at, "--network-allow", "2001:db8::1"); got != "7" {
			w.t.Errorf("%s, not allowed: %q", at, got)
		}
		return
	}
	w.t.Log("this host has no other address of IPv6")
}
