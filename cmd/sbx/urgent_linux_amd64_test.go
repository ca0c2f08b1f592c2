package main

import (
	"os/exec"
	"strings"
	"testing"
	"time"
)

// urgentServer tells what comes of a connection with an urgent byte in it, and answers with one; urgentClient is the other side.
const (
	urgentServer = `use Socket; use Fcntl; $| = 1;
socket(L, AF_INET, SOCK_STREAM, 0) or die; bind(L, sockaddr_in(7, INADDR_ANY)) or die $!; listen(L, 1) or die; print "ready\n";
$heard = 0; $SIG{URG} = sub { $heard++ }; accept(C, L) or die; fcntl(C, F_SETOWN, $$ + 0) or die $!;
send(C, "go", 0); vec($e, fileno(C), 1) = 1; select(undef, undef, $x = $e, 20);
recv(C, $u, 1, MSG_OOB); sysread(C, $a, 10); sysread(C, $b, 10); print "$u $a $b ", $heard ? "heard" : "not heard", "\n";
send(C, "answer!", MSG_OOB); sysread(C, $a, 1); print "end $a\n"`
	urgentClient = `use Socket; socket(C, AF_INET, SOCK_STREAM, 0); connect(C, sockaddr_in($ARGV[1], inet_aton($ARGV[0]))) or die $!;
sysread(C, $a, 2); send(C, "abc?", MSG_OOB); send(C, "def", 0); vec($e, fileno(C), 1) = 1; select(undef, undef, $x = $e, 20);
recv(C, $u, 1, MSG_OOB); sysread(C, $a, 20); print "$u $a\n"; send(C, "x", 0)`
)

// TestUrgentBetween: an urgent byte from container to container, and over a published port from the host, with SIGURG.
func TestUrgentBetween(t *testing.T) {
	w := newRealWorld(t)
	serve := func(flags ...string) {
		t.Helper()
		w.must(append(append([]string{"run", "-d", "--name", "far"}, flags...), "debian:12", "perl", "-e", urgentServer)...)
		w.ready("far")
	}
	check := func(client string) {
		t.Helper()
		if client != "! answer" {
			t.Errorf("the client got %q", client)
		}
		w.must("wait", "far")
		if got := w.must("logs", "far"); got != "ready\n? abc def heard\nend x" {
			t.Errorf("the server got %q", got)
		}
		w.must("rm", "far")
	}
	w.must("network", "create", "near")
	serve("--network", "near")
	check(w.must("run", "--rm", "--network", "near", "debian:12", "perl", "-e", urgentClient, "far", "7"))

	if _, err := exec.LookPath("perl"); err != nil {
		t.Skip("no perl on this host")
	}
	serve("-p", "127.0.0.1:0:7")
	host, port, _ := strings.Cut(w.must("port", "far", "7/tcp"), ":")
	client := exec.Command("perl", "-e", urgentClient, host, port)
	timer := time.AfterFunc(time.Minute, func() { client.Process.Kill() })
	defer timer.Stop()
	out, err := client.CombinedOutput()
	if err != nil {
		t.Errorf("%v: %s", err, out)
	}
	check(strings.TrimSpace(string(out)))
}
