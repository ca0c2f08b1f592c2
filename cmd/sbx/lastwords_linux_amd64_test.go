package main

import (
	"strings"
	"testing"
)

// lastServer answers one client, and the container ends with that: it has closed the connection, or it dies with it open.
const lastServer = `
use IO::Socket::INET;
my $l = IO::Socket::INET->new(Listen => 10, LocalPort => 7, ReuseAddr => 1) or die $!;
$| = 1; print "ready\n";
my $c = $l->accept; my $line = <$c>;
syswrite($c, "words" x 20000) == 100000 or die "short";
close $c if $line eq "close\n";
use POSIX; POSIX::_exit(0);`

const lastClient = `
use IO::Socket::INET;
my $c = IO::Socket::INET->new(PeerAddr => "$ARGV[0]:7", Timeout => 10) or die "no: $!\n";
print $c "$ARGV[1]\n"; $c->flush;
my $all = 0; my $n;
while ($n = sysread($c, my $b, 1000)) { $all += $n; select undef, undef, undef, 0.001 }
print $all, defined $n ? " end\n" : " error: $!\n"`

// TestLastWordsOfAServer: a server whose container ends right after its answer is heard to the end by the container that asked.
func TestLastWordsOfAServer(t *testing.T) {
	w := newRealWorld(t)
	w.must("network", "create", "net")
	for _, how := range []string{"close", "exit"} {
		for range 3 {
			w.must("run", "-d", "--name", "srv", "--network", "net", "debian:12", "perl", "-e", lastServer)
			w.ready("srv")
			if out := w.ask(lastClient, "srv", how, "--network", "net"); strings.TrimSpace(out) != "100000 end" {
				t.Errorf("%s: %q", how, out)
			}
			if code := w.must("wait", "srv"); code != "0" {
				t.Errorf("%s: the server's status is %s", how, code)
			}
			w.must("rm", "srv")
		}
	}
}
