package kernel

import (
	"strings"
	"testing"

	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/vfs"
)

// TestCgroup: a guest reads the sandbox's limits where it does on Linux.
func TestCgroup(t *testing.T) {
	w := newWorld(t, func(c *Config) { c.Limits = Limits{Memory: 64 << 20, Tasks: 20} })
	w.guest(func(g *Task) {
		for file, text := range map[string]string{"memory.max": "67108864\n", "pids.max": "20\n", "pids.current": "2\n", "cpu.max": "max 100000\n", "cgroup.procs": "1\n2\n"} {
			want(t, file, slurp(t, g, "/sys/fs/cgroup/"+file), text)
		}
		st, err := g.Statfs("/sys/fs/cgroup")
		ok(t, err)
		want(t, "type", st.Type, int64(linux.CGROUP2_SUPER_MAGIC))
	})
	free := newWorld(t)
	free.guest(func(g *Task) {
		want(t, "no limit", slurp(t, g, "/sys/fs/cgroup/memory.max")+slurp(t, g, "/sys/fs/cgroup/pids.max"), "max\nmax\n")
	})
}

// TestDevicesDiffer: every mount has a device number of its own, the root too
// when it brings none.
func TestDevicesDiffer(t *testing.T) {
	k, err := New(Config{Root: vfs.New(nil, nil, vfs.Options{Type: "overlay"}), ShmBytes: 1 << 20})
	ok(t, err)
	defer k.Close()
	seen := map[uint64]string{}
	for _, m := range k.Namespace().Mounts() {
		if other, twice := seen[m.Dev]; twice {
			t.Errorf("%s and %s are both device %d", other, m.Path, m.Dev)
		}
		seen[m.Dev] = m.Path
		if m.Path == "/" {
			want(t, "source of the root", m.Source, "overlay")
		}
	}
	if len(seen) != 8 {
		t.Error("mounts:", seen)
	}
}

// TestFileMount: a mount on a file is listed with its path.
func TestFileMount(t *testing.T) {
	w := newWorld(t)
	w.file("/f", "", 0o644)
	over := vfs.New(nil, nil, vfs.Options{})
	ino, err := over.Create(over.Root(), "x", vfs.CreateOpts{Mode: linux.S_IFREG | 0o644})
	ok(t, err)
	at, err := w.walker().Resolve(vfs.Loc{}, "/f", 0)
	ok(t, err)
	_, err = w.k.ns.Mount(at, over, vfs.MountOpts{Source: "me", Root: ino, Path: "/f"})
	ok(t, err)
	w.guest(func(g *Task) {
		if s := slurp(t, g, "/proc/mounts"); !strings.Contains(s, "\nme /f tmpfs rw") {
			t.Error(s)
		}
	})
}

// TestTerminalHasAName: /proc/self/fd leads to the terminal that the host gave.
func TestTerminalHasAName(t *testing.T) {
	onTerminal(t, func(g *Task, host *TTY) int {
		for fd := range 3 {
			got, err := g.Readlink(linux.AT_FDCWD, "/proc/self/fd/"+string(rune('0'+fd)))
			ok(t, err)
			want(t, "link", got, "/dev/pts/0")
		}
		return 0
	})
}

// TestTerminate: process 1 dies of what it leaves at its default, and of nothing
// that it handles or ignores.
func TestTerminate(t *testing.T) {
	for _, c := range []struct {
		name string
		act  Disposition
		code int
	}{{"default", SigDefault, 128 + 15}, {"ignored", SigIgnore, 128 + 9}} {
		w := newWorld(t)
		up := make(chan struct{})
		p := w.start(func(g *Task) int {
			_, err := g.Sigaction(linux.SIGTERM, c.act)
			ok(t, err)
			close(up)
			g.Pause()
			return 1
		})
		<-up
		ok(t, p.Terminate(linux.SIGTERM))
		if c.act == SigIgnore {
			ok(t, p.Signal(linux.SIGKILL))
		}
		want(t, c.name, w.wait(p).ShellCode(), c.code)
		if err := p.Terminate(linux.SIGTERM); c.act == SigDefault && err != linux.ESRCH {
			t.Error("of a dead one:", err)
		}
		want[error](t, "no signal", p.Terminate(0), linux.EINVAL)
	}
}
