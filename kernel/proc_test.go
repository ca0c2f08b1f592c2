package kernel

import (
	"fmt"
	"strings"
	"testing"

	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/vfs"
)

// slurp reads a file of the guest.
func slurp(t *testing.T, g *Task, path string) string {
	t.Helper()
	fd, err := g.Open(linux.AT_FDCWD, path, linux.O_RDONLY, 0)
	if err != nil {
		t.Errorf("%s: %v", path, err)
		return ""
	}
	defer g.Close(fd)
	var out strings.Builder
	b := make([]byte, 4096)
	for {
		n, err := g.Read(fd, b)
		if err != nil {
			t.Errorf("%s: %v", path, err)
		}
		if n <= 0 {
			return out.String()
		}
		out.Write(b[:n])
	}
}

func TestProc(t *testing.T) {
	w := newWorld(t, func(c *Config) { c.Limits.Memory = 256 << 20; c.CPUs = 3 })
	w.prog("look", func(g *Task) int {
		me := fmt.Sprint(g.Getpid())
		self, err := g.Readlink(linux.AT_FDCWD, "/proc/self")
		ok(t, err)
		want(t, "self", self, me)
		want(t, "cmdline", slurp(t, g, "/proc/self/cmdline"), "look\x00a b\x00")
		want(t, "environ", slurp(t, g, "/proc/self/environ"), "X=1\x00")
		want(t, "comm", slurp(t, g, "/proc/self/comm"), "look\n")
		for _, line := range []string{"Name:\tlook\n", "Pid:\t" + me + "\n", "Uid:\t7\t7\t7\t7\n", "Umask:\t0022\n"} {
			if s := slurp(t, g, "/proc/self/status"); !strings.Contains(s, line) {
				t.Errorf("status has no %q:\n%s", line, s)
			}
		}
		if s := slurp(t, g, "/proc/self/stat"); !strings.HasPrefix(s, me+" (look) R ") {
			t.Errorf("stat: %q", s)
		}
		for link, path := range map[string]string{"exe": "/bin/look", "cwd": "/tmp", "root": "/", "fd/0": "/f"} {
			got, err := g.Readlink(linux.AT_FDCWD, "/proc/self/"+link)
			ok(t, err)
			want(t, link, got, path)
		}
		if s, _ := g.Readlink(linux.AT_FDCWD, "/proc/self/fd/1"); !strings.HasPrefix(s, "pipe:[") {
			t.Error("fd/1:", s)
		}
		want(t, "magic link", slurp(t, g, "/proc/self/fd/0"), "text")
		if s := slurp(t, g, "/proc/self/mounts"); !strings.Contains(s, " /proc proc ") {
			t.Error("mounts:", s)
		}
		if s := slurp(t, g, "/proc/meminfo"); !strings.Contains(s, "262144 kB") {
			t.Error("meminfo:", s)
		}
		want(t, "cpus", strings.Count(slurp(t, g, "/proc/cpuinfo"), "processor\t:"), 3)
		want(t, "hostname", slurp(t, g, "/proc/sys/kernel/hostname"), "box\n")
		return 0
	})
	w.file("/f", "text", 0o644)
	w.guest(func(g *Task) {
		fd, _ := g.Open(linux.AT_FDCWD, "/f", linux.O_RDONLY, 0)
		want(t, "fd", fd, 0)
		_, wr, _ := g.Pipe(0)
		g.Setuid(7)
		pid, err := g.Spawn(SpawnOpts{Path: "/bin/look", Argv: []string{"look", "a b"}, Env: []string{"X=1"},
			Files: map[int]int{0: 0, 1: wr}, CloseOthers: true, Cwd: "/tmp"})
		ok(t, err)
		want(t, "status", reap(t, g, pid), 0)
		_, err = g.Open(linux.AT_FDCWD, fmt.Sprintf("/proc/%d/stat", pid), linux.O_RDONLY, 0)
		want[error](t, "reaped", err, linux.ENOENT)
	})
}

func TestProcShowsZombies(t *testing.T) {
	w := newWorld(t)
	w.guest(func(g *Task) {
		pid := child(t, g, func(c *Task) int { return 1 })
		g.Wait4(pid, linux.WNOWAIT)
		if s := slurp(t, g, fmt.Sprintf("/proc/%d/stat", pid)); !strings.Contains(s, ") Z ") {
			t.Error(s)
		}
		want(t, "cmdline", slurp(t, g, fmt.Sprintf("/proc/%d/cmdline", pid)), "")
		reap(t, g, pid)
	})
}

func TestDev(t *testing.T) {
	w := newWorld(t)
	w.guest(func(g *Task) {
		open := func(path string) int {
			fd, err := g.Open(linux.AT_FDCWD, path, linux.O_RDWR, 0)
			ok(t, err)
			return fd
		}
		b := []byte("abcd")
		null := open("/dev/null")
		n, err := g.Read(null, b)
		ok(t, err)
		want(t, "null", n, 0)
		n, _ = g.Write(null, b)
		want(t, "write", n, 4)
		g.Read(open("/dev/zero"), b)
		want(t, "zero", string(b), "\x00\x00\x00\x00")
		_, err = g.Write(open("/dev/full"), b)
		want[error](t, "full", err, linux.ENOSPC)
		x, y := make([]byte, 32), make([]byte, 32)
		g.Read(open("/dev/urandom"), x)
		g.Read(open("/dev/urandom"), y)
		want(t, "random", string(x) == string(y), false)
		var a vfs.Attr
		ok(t, g.Fstat(null, &a))
		want(t, "rdev", a.Rdev, linux.Makedev(1, 3))
		_, err = g.Open(linux.AT_FDCWD, "/dev/tty", linux.O_RDWR, 0)
		want[error](t, "no terminal", err, linux.ENXIO)
		ok(t, g.Mknod(linux.AT_FDCWD, "/mynull", linux.S_IFCHR|0o666, linux.Makedev(1, 3)))
		open("/mynull")

		// A pair made by the guest itself.
		m := open("/dev/ptmx")
		num, err := g.PtyNumber(m)
		ok(t, err)
		_, err = g.Open(linux.AT_FDCWD, ptsName(num), linux.O_RDWR|linux.O_NOCTTY, 0)
		want[error](t, "locked", err, linux.EIO)
		ok(t, g.PtyLock(m, false))
		s, err := g.Open(linux.AT_FDCWD, ptsName(num), linux.O_RDWR|linux.O_NOCTTY, 0)
		ok(t, err)
		g.Write(m, []byte("hi\n"))
		n, _ = g.Read(s, x)
		want(t, "typed", string(x[:n]), "hi\n")
	})
}
