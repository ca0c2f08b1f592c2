package main

import (
	"errors"
	"io"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"
)

// resetServer is a server that answers a line and then ends the connection as the line says, or tells how the client ended it.
const resetServer = `
use IO::Socket::INET; use Socket;
my $l = IO::Socket::INET->new(Listen => 10, LocalPort => 7, ReuseAddr => 1) or die $!;
$| = 1; print "ready\n";
while (my $c = $l->accept) {
	my $line = <$c>; print $c "got\n"; $c->flush;
	if ($line eq "wait\n") { my $n = sysread($c, my $b, 10); print defined $n ? "end $n\n" : "error: $!\n"; next }
	sysread($c, my $b, 1); # what says that the answer was read
	setsockopt($c, SOL_SOCKET, SO_LINGER, pack("ii", 1, 0)) if $line eq "reset\n";
	close $c;
}`

// resetClient asks HOST with LINE: it tells how the server ended the connection, or ends it by a reset or in peace.
const resetClient = `
use IO::Socket::INET; use Socket;
my ($host, $line, $how) = @ARGV;
my $c = IO::Socket::INET->new(PeerAddr => "$host:7", Timeout => 10) or die "no: $!\n";
print $c "$line\n"; $c->flush; my $got = <$c>;
if ($line eq "wait") { setsockopt($c, SOL_SOCKET, SO_LINGER, pack("ii", 1, 0)) if $how eq "reset"; close $c; exit }
syswrite($c, "x"); my $n = sysread($c, my $b, 10); print defined $n ? "end $n\n" : "error: $!\n"`

// TestResetsArrive: who resets a connection is heard to do so, and who ends it in peace too, from container to container, and
// from and to the host.
func TestResetsArrive(t *testing.T) {
	w := newRealWorld(t)
	w.must("network", "create", "net")
	w.must("run", "-d", "--name", "srv", "--network", "net", "-p", "127.0.0.1::7", "debian:12", "perl", "-e", resetServer)
	w.ready("srv")
	last := func(want string) {
		t.Helper()
		got := ""
		for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
			if got = w.must("logs", "--tail", "1", "srv"); got == want {
				return
			}
		}
		t.Errorf("the server was told %q, want %q", got, want)
	}
	const reset, end = "error: Connection reset by peer", "end 0"
	for _, c := range []struct{ line, how, client, server string }{
		{"reset", "", reset, ""}, {"end", "", end, ""}, {"wait", "reset", "", reset}, {"wait", "end", "", end},
	} {
		out, err := w.run("run", "--rm", "--network", "net", "debian:12", "perl", "-e", resetClient, "srv", c.line, c.how)
		if err != nil || out != c.client {
			t.Errorf("a client of %q: %q, %v, want %q", c.line, out, err, c.client)
		}
		if c.server != "" {
			last(c.server)
		}
	}
	addr := w.must("port", "srv", "7")
	for _, c := range []struct {
		line, server string
		want         error
	}{{"reset", "", syscall.ECONNRESET}, {"end", "", io.EOF}, {"wait", reset, nil}, {"wait", end, nil}} {
		conn, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		conn.SetDeadline(time.Now().Add(patience))
		b := make([]byte, 10)
		if _, err := io.WriteString(conn, c.line+"\n"); err != nil {
			t.Fatal(err)
		}
		if n, err := conn.Read(b); string(b[:n]) != "got\n" {
			t.Fatalf("%q, %v", b[:n], err)
		}
		if c.want == nil {
			if strings.HasPrefix(c.server, "error") {
				conn.(*net.TCPConn).SetLinger(0)
			}
			conn.Close()
			last(c.server)
			continue
		}
		io.WriteString(conn, "x")
		if _, err := conn.Read(b); !errors.Is(err, c.want) {
			t.Errorf("a client of the host, %q: %v, want %v", c.line, err, c.want)
		}
		conn.Close()
	}
}
