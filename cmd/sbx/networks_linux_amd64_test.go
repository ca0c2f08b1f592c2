package main

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sbxrun/sbx/internal/testimage"
)

// upperServer is a server of Debian's perl that answers each line in capitals,
// with who asked, on TCP and on UDP.
const upperServer = `
use IO::Socket::INET; use IO::Select;
my $t = IO::Socket::INET->new(Listen => 100, LocalPort => 7, ReuseAddr => 1) or die $!;
my $u = IO::Socket::INET->new(Proto => "udp", LocalPort => 7) or die $!;
$| = 1; print "ready\n";
my $s = IO::Select->new($t, $u);
while (1) { for my $r ($s->can_read) {
	if ($r == $u) { my $from = recv($u, my $m, 1000, 0); my ($p, $a) = sockaddr_in($from); send($u, uc($m) . " " . inet_ntoa($a), 0, $from); next }
	if ($r == $t) { my $c = $t->accept; $s->add($c); next }
	if (defined(my $l = <$r>)) { chomp $l; print $r uc($l) . " " . $r->peerhost . "\n"; $r->flush } else { $s->remove($r); close $r }
} }`

// askTCP and askUDP are clients of it: perl -e ask HOST TEXT.
const (
	askTCP = `use IO::Socket::INET; $c = IO::Socket::INET->new(PeerAddr => "$ARGV[0]:7", Timeout => 10) or do { print "no: $!\n"; exit 1 }; print $c "$ARGV[1]\n"; print scalar <$c>`
	askUDP = `use IO::Socket::INET; $c = IO::Socket::INET->new(Proto => "udp", PeerAddr => "$ARGV[0]:7") or do { print "no: $!\n"; exit 1 }; $c->send($ARGV[1]); $SIG{ALRM} = sub { print "lost\n"; exit 1 }; alarm 10; $c->recv(my $m, 1000); print "$m\n"`
)

// world is a home with the image debian:12 in it.
type world struct {
	t       *testing.T
	command string
	env     []string
}

func newRealWorld(t *testing.T) *world {
	if testing.Short() {
		t.Skip("short")
	}
	mirror := testimage.Serve(t)
	home := filepath.Join(t.TempDir(), "home")
	w := &world{t, builtCommand(t), append(os.Environ(), "SBX_HOME="+home, "SBX_REGISTRY_MIRROR="+mirror)}
	w.must("pull", "-q", "debian:12")
	t.Cleanup(func() { endAll(t, home) })
	return w
}

func (w *world) run(args ...string) (string, error) {
	cmd := exec.Command(w.command, args...)
	cmd.Env = w.env
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	return strings.TrimSpace(out.String()), err
}

func (w *world) must(args ...string) string {
	w.t.Helper()
	out, err := w.run(args...)
	if err != nil {
		w.t.Fatalf("sbx %q: %v: %s", args, err, out)
	}
	return out
}

// serve starts the server in a detached container and waits until it is ready.
func (w *world) serve(name string, flags ...string) {
	w.t.Helper()
	w.must(append(append([]string{"run", "-d", "--name", name}, flags...), "debian:12", "perl", "-e", upperServer)...)
	w.ready(name)
}

func (w *world) ready(name string) {
	w.t.Helper()
	for end := time.Now().Add(patience); w.must("logs", "--tail", "1", name) != "ready"; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			w.t.Fatalf("%s is not ready: %s", name, w.must("logs", name))
		}
	}
}

// ask runs a client in a container of its own.
func (w *world) ask(program, host, text string, flags ...string) string {
	out, _ := w.run(append(append([]string{"run", "--rm"}, flags...), "debian:12", "perl", "-e", program, host, text)...)
	return out
}

func TestContainersReachEachOther(t *testing.T) {
	w := newRealWorld(t)
	w.must("network", "create", "--subnet", "10.123.0.0/24", "front")
	w.must("network", "create", "--subnet", "10.124.0.0/24", "--internal", "back")
	w.serve("srv", "--network", "front", "--network-alias", "upper")
	for _, c := range []struct{ program, host, want string }{
		{askTCP, "srv", "ONE 10.123.0.3"}, {askTCP, "upper", "ONE 10.123.0.3"}, {askTCP, "SRV.front", "ONE 10.123.0.3"}, {askTCP, "10.123.0.2", "ONE 10.123.0.3"},
		{askUDP, "srv", "ONE 10.123.0.3"}, {askUDP, "10.123.0.2", "ONE 10.123.0.3"},
	} {
		if got := w.ask(c.program, c.host, "one", "--network", "front"); got != c.want {
			t.Errorf("%s: %q, want %q", c.host, got, c.want)
		}
	}
	for _, c := range []struct {
		host, want string
		flags      []string
	}{
		{"10.123.0.99", "no: No route to host", []string{"--network", "front"}},
		{"10.123.0.1", "no: Connection refused", []string{"--network", "front"}},
		{"srv", "no: ", nil}, // the default network has no names
		{"10.123.0.2", "no: Network is unreachable", []string{"--network", "back"}},
		{"10.123.0.2", "no: Network is unreachable", []string{"--network", "none"}},
	} {
		if got := w.ask(askTCP, c.host, "one", c.flags...); !strings.HasPrefix(got, c.want) {
			t.Errorf("%s %v: %q, want %q", c.host, c.flags, got, c.want)
		}
	}
	w.must("network", "connect", "--alias", "other", "back", "srv")
	if got := w.ask(askTCP, "other", "two", "--network", "back"); got != "TWO 10.124.0.3" {
		t.Errorf("after connect: %q", got)
	}
	w.must("network", "disconnect", "front", "srv")
	if got := w.ask(askTCP, "10.123.0.2", "two", "--network", "front", "--ip", "10.123.0.50"); got != "no: No route to host" {
		t.Errorf("after disconnect: %q", got)
	}
}

// askHost asks the server through a port of the host.
func askHost(network, addr, text string) (string, error) {
	c, err := net.DialTimeout(network, addr, patience)
	if err != nil {
		return "", err
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(patience))
	fmt.Fprintln(c, text)
	b := make([]byte, 1000)
	n, err := c.Read(b)
	if err == io.EOF {
		err = nil
	}
	return strings.TrimSpace(string(b[:n])), err
}

func TestPublishedPorts(t *testing.T) {
	w := newRealWorld(t)
	w.serve("srv", "-p", "127.0.0.1::7", "-p", "127.0.0.1::7/udp")
	tcp, udp := w.must("port", "srv", "7"), w.must("port", "srv", "7/udp")
	if got, err := askHost("tcp", tcp, "one"); got != "ONE 172.17.0.1" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	if got, err := askHost("udp", udp, "one"); !strings.HasPrefix(got, "ONE") || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	conns := make([]net.Conn, 200)
	for i := range conns {
		c, err := net.Dial("tcp", tcp)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		conns[i] = c
	}
	for i, c := range conns {
		c.SetDeadline(time.Now().Add(patience))
		fmt.Fprintf(c, "client %d\n", i)
	}
	for i, c := range conns {
		b := make([]byte, 100)
		n, err := c.Read(b)
		if want := fmt.Sprintf("CLIENT %d 172.17.0.1\n", i); string(b[:n]) != want || err != nil {
			t.Fatalf("%q, %v, want %q", b[:n], err, want)
		}
	}

	out, err := w.run("run", "-d", "-p", tcp+":7", "debian:12", "true")
	if err == nil || !strings.Contains(out, "port is already allocated") {
		t.Errorf("a port twice: %v: %s", err, out)
	}
	var pid int
	fmt.Sscan(w.must("inspect", "-f", "{{.State.Pid}}", "srv"), &pid)
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		if status := w.must("ps", "-a", "--format", "{{.Status}} {{.Ports}}", "--filter", "name=srv"); strings.HasPrefix(status, "Exited (137)") && !strings.Contains(status, "->") {
			break
		} else if time.Now().After(end) {
			t.Fatalf("after kill -9: %s", status)
		}
	}
	w.must("start", "srv")
	for end := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		if got, err := askHost("tcp", w.must("port", "srv", "7"), "again"); got == "AGAIN 172.17.0.1" {
			break
		} else if time.Now().After(end) {
			t.Fatalf("after a start: %q, %v", got, err)
		}
	}
	w.must("rm", "-f", "srv")
	if c, err := net.Dial("tcp", tcp); err == nil {
		c.Close()
		t.Error("the port is still open")
	}
}
