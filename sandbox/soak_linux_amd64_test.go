package sandbox

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sbxrun/sbx/internal/testimage"
	"github.com/sbxrun/sbx/registry"
)

// labours are real programs with what they print and how they end, on Linux too.
var labours = []struct {
	name, script, want string
	code               int
}{
	{name: "bash", script: `bash -c 'declare -A m; for ((i = 0; i < 4000; i++)); do ((m[$((i % 7))] += i)); done; for k in 0 1 2 3 4 5 6; do printf "%d " ${m[$k]}; done
		s=; for w in {a..z}{0..9}; do s+=$w; done; echo ${#s} $(for i in 1 2 3 4 5 6 7 8; do echo $i & done | sort -n | tr -d "\n")'`,
		want: "1143142 1143714 1144286 1140858 1141429 1142000 1142571 520 12345678\n"},
	{name: "dash", script: `i=0; while [ $i -lt 5000 ]; do i=$((i+1)); echo $i; done | sed s/1/x/g | sort | uniq -c | sort -rn | md5sum; seq 20000 | grep -c 7; yes | head -n 30000 | cksum`,
		want: "66d45906702005d847c836bc13dc49b0  -\n6878\n2124528800 60000\n"},
	{name: "perl", script: `exec perl -e 'my %h; $h{$_ % 97} += $_ * $_ for 1 .. 30000; my $t = 0; $t = ($t * 31 + $h{$_}) % 1000003 for sort keys %h; my @p;
		for my $i (1 .. 5) { pipe my $r, my $w; if (!fork) { print $w $i ** 5; exit $i } close $w; push @p, $r } my $s = join ",", map { scalar <$_> } @p;
		my $e = 0; $e += $? >> 8 while wait > 0; $SIG{ALRM} = sub { print "$t $s $e\n"; exit 4 }; select undef, undef, undef, 0.01; kill ALRM => $$; sleep 99'`,
		want: "181722 1,32,243,1024,3125 15\n", code: 4},
	{name: "python", script: `exec python3 -c '
import os, hashlib, threading, signal, zlib
out = []
def work(n):
    h = hashlib.sha256()
    for i in range(300): h.update(bytes([n, i % 256]) * 500)
    out.append((n, h.hexdigest()[:8]))
ts = [threading.Thread(target=work, args=(n,)) for n in range(8)]
[t.start() for t in ts]; [t.join() for t in ts]
d = b"".join(b"%d," % (i * i) for i in range(20000))
assert zlib.decompress(zlib.compress(d, 6)) == d
p = os.fork()
if p == 0: os.kill(os.getpid(), signal.SIGTERM)
print("".join(h for n, h in sorted(out)), zlib.crc32(d), os.waitpid(p, 0)[1], sum(len(str(i ** 50)) for i in range(500)))'`,
		want: "5e4931304c98814ae4ef85274f63bca19dcd5a55e0bb21bfe51998bf867e3579 1625962204 15 56820\n"},
	{name: "archivers", script: `mkdir /tmp/t && cd /tmp/t && for i in 1 2 3 4 5 6 7 8; do seq $i 3000 > f$i; mkdir d$i; ln f$i d$i/l; ln -s ../f$i d$i/s; done
		tar --sort=name -cf ../t.tar . && gzip < ../t.tar > ../t.gz && xz -1 -T2 < ../t.tar > ../t.xz && bzip2 < ../t.tar > ../t.bz &&
		gzip -d < ../t.gz | cmp - ../t.tar && xz -d < ../t.xz | cmp - ../t.tar && bzip2 -d < ../t.bz | cmp - ../t.tar &&
		mkdir ../u && tar -xf ../t.tar -C ../u && diff -r . ../u && find ../u -type f -links 2 | wc -l; cat ../u/d*/s | md5sum`,
		want: "16\n354d48dc4b8ebc5cedff1fb877dcfa4b  -\n"},
	{name: "go", script: `exec /guests/soak`, want: "40000 c4c86c194b92 4000000 150 420000 50\n"},
	{name: "threads", script: `exec /guests/threads`, want: "63404000 480 748.922750222 300300 7 1\n"},
	{name: "crash", script: `sleep 99 & perl -e 'kill SEGV => $$'; echo $?; sh -c 'kill -9 $$'; echo $?`, want: "139\n137\n"},
	{name: "hang", script: `yes >/dev/null & cat </dev/zero | (sleep 99; cat) & while :; do :; done`, code: 137},
}

// TestSoak runs real programs in many containers of this process, while Go collects its garbage all the time.
// Every result is looked at, and in the end nothing is left behind.
func TestSoak(t *testing.T) {
	length := time.Minute
	switch {
	case os.Getenv("SBX_TEST_LONG") != "":
		length = 10 * time.Minute
	case testing.Short():
		length = 4 * time.Second
	}
	mirror := testimage.Serve(t)
	t.Setenv("SBX_REGISTRY_MIRROR", mirror)
	guests, home, ctx := buildGuests(t), t.TempDir(), context.Background()
	e := openEngine(t, home)
	ref, err := registry.ParseRef("debian:12")
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := e.Pull(ctx, ref, registry.PullOptions{}); err != nil {
		t.Fatal(err)
	}
	labour := func(i int) {
		l := labours[i]
		if err := runLabour(ctx, e, guests, i); err != nil {
			t.Errorf("%s: %v", l.name, err)
		}
	}
	for i := range labours {
		labour(i) // what is made once is made
	}
	if t.Failed() {
		return
	}
	before := holds(t)

	defer debug.SetGCPercent(debug.SetGCPercent(5))
	var stop atomic.Bool
	var gc, workers sync.WaitGroup
	gc.Go(func() {
		for !stop.Load() {
			runtime.GC()
		}
	})
	var runs [16]atomic.Int64
	deadline := time.Now().Add(length)
	for w := range 4 {
		rnd := rand.New(rand.NewPCG(uint64(w), 1))
		workers.Go(func() {
			for time.Now().Before(deadline) && !t.Failed() {
				i := rnd.IntN(len(labours))
				labour(i)
				runs[i].Add(1)
			}
		})
	}
	workers.Wait()
	stop.Store(true)
	gc.Wait()
	var did []string
	for i, l := range labours {
		did = append(did, fmt.Sprint(l.name, " ", runs[i].Load()))
	}
	t.Logf("%s", strings.Join(did, ", "))
	nothingMore(t, before)
}

// runLabour runs one of the labours in a container of its own.
func runLabour(ctx context.Context, e *Engine, guests string, i int) error {
	l := labours[i]
	var out, diag bytes.Buffer
	cfg := Config{Image: "debian:12", AutoRemove: true, Cmd: []string{"sh", "-c", l.script}, Env: []string{"LC_ALL=C"},
		Mounts: []Mount{{Type: MountBind, Source: guests, Target: "/guests", ReadOnly: true}}}
	killed := l.code == 137
	if !killed {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, 5*time.Minute)
		defer cancel()
	}
	r, err := e.Run(ctx, cfg, CreateOptions{}, IO{Stdout: &out, Stderr: &diag})
	if err != nil {
		return err
	}
	if killed {
		time.Sleep(50 * time.Millisecond)
		r.Kill()
	}
	code, err := r.Wait(context.Background())
	if err != nil || code != l.code || out.String() != l.want {
		return fmt.Errorf("%v, code %d, not %d; it printed %q, not %q; %s", err, code, l.code, out.String(), l.want, diag.String())
	}
	return nil
}

// buildGuests makes the programs of testdata that are no part of the image.
func buildGuests(t *testing.T) string {
	dir := t.TempDir()
	for _, b := range [][]string{
		{"go", "build", "-o", filepath.Join(dir, "soak"), "./testdata/soak"},
		{"gcc", "-static", "-O1", "-pthread", "-o", filepath.Join(dir, "threads"), "testdata/threads.c"},
	} {
		cmd := exec.Command(b[0], b[1:]...)
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Skipf("%v: %v: %s", b, err, out)
		}
	}
	return dir
}

// holdings is what this process has of its host: goroutines, descriptors, and what it has mapped for guests.
type holdings struct {
	goroutines int
	maps, fds  []string
}

func holds(t *testing.T) (h holdings) {
	t.Helper()
	maps, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		t.Skip(err)
	}
	for line := range strings.Lines(string(maps)) {
		// Windows by the rooms around them, code and shared memory by name: Go's own maps come and go.
		var lo, hi uint64
		if _, err := fmt.Sscanf(line, "%x-%x", &lo, &hi); err != nil {
			t.Fatal(line, err)
		}
		if strings.Contains(line, "memfd:") || hi-lo >= 1<<30 {
			h.maps = append(h.maps, strings.TrimSpace(line))
		}
	}
	fds, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Skip(err)
	}
	for _, fd := range fds {
		to, err := os.Readlink("/proc/self/fd/" + fd.Name())
		if err == nil && !strings.HasSuffix(to, "/mem") && !strings.HasSuffix(to, "/pagemap") { // of /proc/self, opened once
			h.fds = append(h.fds, to)
		}
	}
	slices.Sort(h.fds)
	h.goroutines = runtime.NumGoroutine()
	return h
}

// nothingMore waits until this process has no more of its host than it had before.
func nothingMore(t *testing.T, before holdings) {
	t.Helper()
	var after holdings
	for range 1000 {
		after = holds(t)
		if after.goroutines <= before.goroutines && len(after.maps) <= len(before.maps) && len(after.fds) <= len(before.fds) {
			return
		}
		runtime.GC()
		time.Sleep(5 * time.Millisecond)
	}
	stacks := make([]byte, 1<<16)
	t.Errorf("%+v before, %+v after\n%s", before, after, stacks[:runtime.Stack(stacks, true)])
}
