package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/sbxrun/sbx/internal/testimage"
)

// realCommand is sbx with a home of its own and the registry of real images, and a run of it that has to succeed.
func realCommand(t *testing.T) (c *command, must func(args ...string) string) {
	if testing.Short() {
		t.Skip("short")
	}
	mirror := testimage.Serve(t)
	dir := t.TempDir()
	c = &command{t: t, path: builtCommand(t), dir: dir, home: filepath.Join(dir, "home")}
	c.env = append(os.Environ(), "SBX_HOME="+c.home, "SBX_REGISTRY_MIRROR="+mirror, "HOME="+dir)
	return c, func(args ...string) string {
		t.Helper()
		out, err := c.run(args...)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
}

// TestRealLife has a container of Debian live: its own machine code detached, entered, on a terminal with job control, left,
// joined again and stopped.
func TestRealLife(t *testing.T) {
	c, must := realCommand(t)
	defer endAll(t, c.home)
	must("pull", "-q", "debian:12")
	must("run", "-d", "--name", "tick", "debian:12", "bash", "-c", `trap 'echo bye; exit 4' TERM; echo on >&2; while :; do echo tick; sleep 0.1; done`)
	if out := must("exec", "tick", "bash", "-c", "tr '\\0' ' ' </proc/1/cmdline | head -c 7; id -un; exit 0"); out != "bash -croot\n" {
		t.Errorf("%q", out)
	}
	if out := must("exec", "-u", "nobody:tty", "-w", "/tmp", "-e", "A=1", "tick", "sh", "-c", "id -un; id -gn; pwd; echo $A"); out != "nobody\ntty\n/tmp\n1\n" {
		t.Errorf("%q", out)
	}
	for out := ""; strings.Count(out, "tick\n") < 3; out = must("logs", "tick") {
		time.Sleep(20 * time.Millisecond)
	}
	c.want("tick\n", "stop", "tick")
	c.want("bye\n", "logs", "--tail", "1", "tick")
	c.want("4\n", "wait", "tick")

	m := newTmux(t, append(c.env, "PATH="+filepath.Dir(c.path)+":"+os.Getenv("PATH")))
	m.session(90, 24)
	m.line("sbx run -it --name box debian:12")
	m.shows(":/#\n")
	prompt := regexp.MustCompile(`root@([0-9a-f]{12}):/#`).FindStringSubmatch(m.do("capture-pane", "-p", "-t", m.pane))
	if prompt == nil || !strings.HasPrefix(must("inspect", "-f", "{{.Id}}", "box"), prompt[1]) {
		t.Errorf("prompt %q", prompt)
	}
	m.line("clear; sh -c 'echo on; exec sleep 1000'")
	m.shows("on\n")
	m.keys("C-z")
	m.shows("Stopped")
	m.line("clear; bg; jobs; kill %1; while kill -0 %1 2>/dev/null; do sleep 0.1; done")
	m.shows("Terminated")
	m.line("clear; echo typed; cat")
	m.shows("typed\n")
	m.keys("-l", "half")
	m.keys("C-w")
	m.line("whole")
	m.shows("whole\nwhole\n")
	m.keys("C-c")
	m.line("s=$?; clear; echo code $s")
	m.shows("code 130\n")
	m.keys("C-p", "C-q")
	m.shows("host$\n")
	m.line("clear; sbx exec -it box bash")
	m.shows(":/#\n")
	m.line("clear; tty; ps -eo tty,args --no-headers | sort | head -n 2; exit 3")
	m.shows("pts/1\n")
	m.shows("host$\n")
	m.line("s=$?; clear; echo status $s; sbx attach box")
	m.shows("status 3\n")
	m.keys("Enter")
	m.shows(":/#\n")
	m.line("exit 7")
	m.shows("host$\n")
	m.line("s=$?; clear; echo status $s; sbx ps -a -f name=box --format '{{.State}}'")
	m.shows("status 7\nexited\n")
	c.awaitSupervisors()
	c.checkProcesses()
}

// TestRealPause freezes machine code that computes in two processes and one that
// sleeps, and has stats tell of it; a stop lets it go on and end.
func TestRealPause(t *testing.T) {
	c, must := realCommand(t)
	defer endAll(t, c.home)
	until := func(want string, args ...string) {
		t.Helper()
		for end := time.Now().Add(patience); time.Now().Before(end); {
			if out, err := c.run(args...); err == nil && out == want {
				return
			}
			time.Sleep(25 * time.Millisecond)
		}
		t.Fatalf("sbx %q: never %q", args, want)
	}
	must("pull", "-q", "debian:12")
	must("network", "create", "net")
	must("run", "-d", "--name", "spin", "--network", "net", "debian:12", "perl", "-e", `
		$SIG{TERM} = sub { print "told\n"; exit 6 };
		$SIG{WINCH} = $SIG{CONT} = sub { print "noticed\n" };
		$| = 1;
		if (!fork) { while (1) { $n++ } }
		if (!fork) { select undef, undef, undef, 0.5; open F, ">/slept"; sleep 1000 }
		while (1) { $n++; if ($n % 100000 == 0) { open F, ">/n"; print F $n; close F } }`)
	until("1\n", "exec", "spin", "sh", "-c", "test -s /n && echo 1")
	must("pause", "spin")
	before := must("cp", "spin:/n", "-")
	if out := must("stats", "--no-stream", "--format", "{{.CPUPerc}} {{.PIDs}}", "spin"); out != "0.00% 3\n" {
		t.Errorf("paused: %q", out)
	}
	if after := must("cp", "spin:/n", "-"); after != before {
		t.Error("a paused container wrote")
	}
	must("unpause", "spin")
	until("1\n", "exec", "spin", "sh", "-c", "test -e /slept && echo 1")
	if out := must("stats", "--no-stream", "--format", "{{.CPUPerc}}", "spin"); out == "0.00%\n" {
		t.Errorf("going on: %q", out)
	}
	must("pause", "spin")
	c.want("spin\n", "stop", "spin")
	c.want("6\n", "wait", "spin")
	c.want("told\n", "logs", "spin")

	must("run", "-d", "--name", "server", "--network", "net", "debian:12", "perl", "-MIO::Socket::INET", "-e", `
		$l = IO::Socket::INET->new(Listen => 5, LocalPort => 80, ReuseAddr => 1) or die;
		$| = 1; print "ready\n";
		while ($c = $l->accept) { <$c>; print $c "x" x 100000; close $c }`)
	until("ready\n", "logs", "server")
	must("run", "-d", "--name", "client", "--network", "net", "debian:12", "bash", "-c", `exec 3<>/dev/tcp/server/80; echo hello >&3; wc -c <&3; sleep 1000`)
	until("100000\n", "logs", "client")
	until("client 100kB / 6B\nserver 6B / 100kB\n", "stats", "--no-stream", "--format", "{{.Name}} {{.NetIO}}")
}
