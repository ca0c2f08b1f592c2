package main

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sbxrun/sbx/internal/testimage"
)

// TestHostilePrograms: programs of a real image that crash, run away or take all that they get end with the
// statuses that they end with under docker.
func TestHostilePrograms(t *testing.T) {
	if testing.Short() {
		t.Skip("short")
	}
	env := append(os.Environ(), "SBX_REGISTRY_MIRROR="+testimage.Serve(t), "SBX_HOME="+filepath.Join(t.TempDir(), "home"))
	command := builtCommand(t)
	sbx := func(args ...string) (out string, code int) {
		t.Helper()
		cmd := exec.Command(command, args...)
		cmd.Env = env
		var diag bytes.Buffer
		cmd.Stderr = &diag
		text, err := cmd.Output()
		var exit *exec.ExitError
		if err != nil && !errors.As(err, &exit) {
			t.Fatal(err)
		}
		if diag.Len() > 0 {
			t.Logf("sbx %.60q: %s", args, &diag)
		}
		return string(text), cmd.ProcessState.ExitCode()
	}
	expect := func(code int, out string, args ...string) {
		t.Helper()
		if got, c := sbx(args...); c != code || got != out {
			t.Errorf("sbx %q: %q and %d, want %q and %d", args, got, c, out, code)
		}
	}
	const image = "debian:12"
	if _, code := sbx("pull", "-q", image); code != 0 {
		t.Fatal("no image")
	}
	run := func(more ...string) []string { return append([]string{"run", "--rm", "--network", "none"}, more...) }

	// Wild pointers, of process 1 and of a child.
	const wild = `print unpack "p", pack "Q", 0x1234567`
	expect(139, "", run(image, "perl", "-e", wild)...)
	expect(0, "139\n", run(image, "sh", "-c", `perl -e '`+wild+`'; echo $?`)...)
	expect(0, "134\n", run(image, "sh", "-c", `perl -e 'require POSIX; POSIX::abort()'; echo $?`)...)

	// Loops: a signal ends one that is no process 1; process 1 is killed once its time is up.
	for _, loop := range []struct {
		code, time string
		args       []string
	}{{"143", "60", []string{"--init"}}, {"137", "1", nil}} {
		if _, code := sbx(append(append([]string{"run", "-d", "--name", "loop", "--network", "none"}, loop.args...), image, "perl", "-e", "1 while 1")...); code != 0 {
			t.Fatal(code)
		}
		expect(0, "loop\n", "stop", "-t", loop.time, "loop")
		expect(0, loop.code+"\n", "wait", "loop")
		expect(0, "false\n", "inspect", "-f", "{{.State.OOMKilled}}", "loop")
		expect(0, "loop\n", "rm", "loop")
	}

	// A loop that gets a part of a processor is held up, and goes on; another is killed while it is.
	expect(0, "held up\n", run("--cpus", "0.1", image, "sh", "-c", `until grep -q "nr_throttled [2-9]" /sys/fs/cgroup/cpu.stat; do :; done; echo held up`)...)
	if _, code := sbx("run", "-d", "--name", "slow", "--network", "none", "--cpus", "0.01", image, "perl", "-e", "1 while 1"); code != 0 {
		t.Fatal(code)
	}
	expect(0, "slow\n", "kill", "slow")
	expect(0, "137\n", "wait", "slow")

	// Forks that come to the limit.
	expect(0, "20 Resource temporarily unavailable\n", run("--pids-limit", "20", image, "perl", "-e",
		`my $n = 1; for (;;) { my $p = fork; if (!defined $p) { print "$n $!\n"; exit } if (!$p) { sleep 100; exit } $n++ }`)...)
	bomb := exec.Command(command, run("--name", "bomb", "--pids-limit", "40", image, "perl", "-e", `$| = 1; print "on\n"; fork while 1`)...)
	bomb.Env = env
	out, err := bomb.StdoutPipe()
	if err == nil {
		err = bomb.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	if _, err := out.Read(make([]byte, 1)); err != nil {
		t.Error(err)
	}
	expect(0, "bomb\n", "kill", "bomb")
	if _ = bomb.Wait(); bomb.ProcessState.ExitCode() != 137 {
		t.Errorf("a bomb that was killed: %v", bomb.ProcessState)
	}

	// Hogs: the largest process is killed, and what looks on goes on.
	const hog = `my @x; push @x, "x" x 100000 while 1`
	expect(137, "", "run", "--name", "hog", "--network", "none", "-m", "64m", image, "perl", "-e", hog)
	expect(0, "true 137 67108864\n", "inspect", "-f", "{{.State.OOMKilled}} {{.State.ExitCode}} {{.HostConfig.Memory}}", "hog")
	expect(0, "137\n67108864\noom_kill 1\n", run("-m", "64m", image, "sh", "-c",
		`perl -e '`+hog+`'; echo $?; cd /sys/fs/cgroup; cat memory.max; grep -w oom_kill memory.events`)...)
	got, code := sbx(run("-m", "64m", image, "perl", "-e", `sub now { open my $f, "/sys/fs/cgroup/memory.current" or die; my $n = <$f>; $n }
		my $a = now; my $x = "x" x (20 << 20); my $b = now; undef $x; my $c = now; print join " ", map { $_ >> 20 } $b - $a, $c - $a`)...)
	if f := strings.Fields(got); code != 0 || len(f) != 2 || f[0] != "20" && f[0] != "40" || f[1] != "0" {
		t.Errorf("memory.current: 20 MiB more is %q (%d)", got, code)
	}
	expect(0, "fine\n", run("-m", "64m", image, "echo", "fine")...)
}

// TestEventOfOOM: that a process was killed at the limit of memory is told while its container goes on.
func TestEventOfOOM(t *testing.T) {
	w := newRealWorld(t)
	w.must("run", "-d", "--name", "hog", "-m", "64m", "debian:12", "sh", "-c", `perl -e 'my @x; push @x, "x" x 100000 while 1'; echo ready; sleep 1000`)
	w.ready("hog")
	if got := w.must("events", "--since", "1h", "--until", "0s", "-f", "container=hog", "-f", "event=oom", "-f", "event=die", "--format", "{{.Action}}"); got != "oom" {
		t.Errorf("events: %q", got)
	}
}
