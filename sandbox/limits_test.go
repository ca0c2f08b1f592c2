package sandbox

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"github.com/sbxrun/sbx/abi/linux"
)

// TestLimits: what a guest meets at each limit, and that it reads the limits.
func TestLimits(t *testing.T) {
	e, ctx := openEngine(t, t.TempDir()), context.Background()
	for _, c := range []struct {
		name   string
		cfg    Config
		script string
		want   string
	}{
		{"cgroup", Config{Memory: 64 << 20, PidsLimit: 20}, "cd /sys/fs/cgroup; cat memory.max pids.max cpu.max", "67108864\n20\nmax 100000\n"},
		{"no limits", Config{PidsLimit: -1}, "cd /sys/fs/cgroup; cat memory.max pids.max cpu.max", "max\nmax\nmax 100000\n"},
		{"pids", Config{PidsLimit: 3}, "(sleep 5 & sleep 5 & sleep 5 & wait) 2>&1; echo rc $?", "sh: 1: Cannot fork\nrc 2\n"},
		{"memory", Config{Memory: 24 << 20}, "head -c 100m /dev/zero | sort 2>&1; echo rc $?", "sort: memory exhausted\nrc 2\n"},
		{"disk", Config{StorageSize: 1 << 20}, "head -c 2m /dev/zero 2>&1 >/big; wc -c </big; rm /big; echo again >/f; cat /f",
			"head: write error: No space left on device\n1048576\nagain\n"},
		{"shm", Config{ShmSize: 64 << 10}, "head -c 1m /dev/zero 2>&1 >/dev/shm/f; wc -c </dev/shm/f; grep -c shm /proc/mounts",
			"head: write error: No space left on device\n65536\n1\n"},
		{"tmpfs", Config{Mounts: []Mount{{Type: MountTmpfs, Target: "/mem", Size: 64 << 10, Mode: 0o700}}}, "stat -c %a /mem; head -c 1m /dev/zero 2>/dev/null >/mem/f; wc -c </mem/f", "700\n65536\n"},
		{"open files", Config{}, "ulimit -n 20; ulimit -n; for i in 3 4 5 6 7 8 9; do eval \"exec $i</etc/passwd\"; done; ls /proc/self/fd | wc -l; cat /proc/self/limits | grep 'open files'",
			"20\n11\nMax open files            20                   20                   files     \n"},
	} {
		c.cfg.AutoRemove = true
		if out, _, err := sh(ctx, e, c.cfg, c.script); err != nil || out != c.want {
			t.Errorf("%s: got %q, want %q; %v", c.name, out, c.want, err)
		}
	}
}

// TestFullContainerStarts: one that filled its disk to the last byte starts
// again, still full.
func TestFullContainerStarts(t *testing.T) {
	e, ctx := openEngine(t, t.TempDir()), context.Background()
	if _, _, err := sh(ctx, e, Config{Name: "full", StorageSize: 256 << 10}, "echo go; head -c 1m /dev/zero >/big; echo x >/more; [ -s /more ] || echo full"); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		var out bytes.Buffer
		r, err := e.Start(ctx, "full", IO{Stdout: &out})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := r.Wait(ctx); err != nil || out.String() != "go\nfull\n" {
			t.Errorf("%q %v", out.String(), err)
		}
	}
}

// TestTerminal: a guest's terminal has a name, a size that follows the host's,
// and ends with the line.
func TestTerminal(t *testing.T) {
	e, ctx := openEngine(t, t.TempDir()), context.Background()
	var out bytes.Buffer
	r, err := e.Run(ctx, Config{Name: "term", Image: "base", TTY: true, Cmd: []string{"sh", "-c", "tty; readlink /proc/self/fd/0; echo $TERM; [ -t 0 ] && echo yes"}},
		CreateOptions{}, IO{Stdout: &out, Size: linux.Winsize{Row: 33, Col: 101}})
	if err != nil {
		t.Fatal(err)
	}
	if code, err := r.Wait(ctx); code != 0 || err != nil || out.String() != strings.ReplaceAll("/dev/pts/0\n/dev/pts/0\nxterm\nyes\n", "\n", "\r\n") {
		t.Errorf("%d %v %q", code, err, out.String())
	}
	screen := newWatched()
	r, err = e.Run(ctx, Config{Name: "lost", Image: "base", TTY: true, OpenStdin: true, Cmd: []string{"sh", "-c", "trap 'echo x >/hup; exit 5' HUP; trap 'echo resized' WINCH; echo up; while :; do sleep 0.01; done"}},
		CreateOptions{}, IO{Stdin: screen, Stdout: screen, Size: linux.Winsize{Row: 10, Col: 20}})
	if err != nil {
		t.Fatal(err)
	}
	screen.until("up")
	r.Resize(linux.Winsize{Row: 11, Col: 21})
	screen.until("resized")
	r.Hangup()
	screen.Close()
	if code, err := r.Wait(ctx); code != 5 || err != nil {
		t.Errorf("hung up: %d %v", code, err)
	}
	if list, err := e.Diff(ctx, "lost"); err != nil || len(list) != 1 || list[0].Path != "/hup" {
		t.Errorf("saved: %v %v", list, err)
	}
}

// TestTerminate: what ends sbx ends the container, which is saved.
func TestTerminate(t *testing.T) {
	e, ctx := openEngine(t, t.TempDir()), context.Background()
	for _, c := range []struct {
		name, trap string
		code       int
	}{{"default", "", 143}, {"handled", "trap 'echo y >/g; exit 9' TERM; ", 9}} {
		screen := newWatched()
		r, err := e.Run(ctx, Config{Name: c.name, Image: "base", Cmd: []string{"sh", "-c", c.trap + "echo x >/f; echo up; while :; do sleep 0.01; done"}}, CreateOptions{}, IO{Stdout: screen})
		if err != nil {
			t.Fatal(err)
		}
		screen.until("up")
		if err := r.Terminate(linux.SIGTERM); err != nil {
			t.Error(err)
		}
		if code, err := r.Wait(ctx); code != c.code || err != nil {
			t.Errorf("%s: %d %v", c.name, code, err)
		}
		st, err := e.Inspect(c.name)
		if err != nil || st.State.Status != StatusExited || st.State.ExitCode != c.code {
			t.Errorf("%s: %+v %v", c.name, st.State, err)
		}
		if list, err := e.Diff(ctx, c.name); err != nil || len(list) == 0 || list[0].Path != "/f" {
			t.Errorf("%s: saved %v %v", c.name, list, err)
		}
	}
}

// watched is a stream that a test waits for words in; nothing can be read from
// it until it is closed.
type watched struct {
	words chan string
	end   chan struct{}
	text  string
}

func newWatched() *watched {
	return &watched{words: make(chan string, 1000), end: make(chan struct{})}
}

func (w *watched) Read([]byte) (int, error) {
	<-w.end
	return 0, context.Canceled
}
func (w *watched) Close() { close(w.end) }
func (w *watched) Write(p []byte) (int, error) {
	w.words <- string(p)
	return len(p), nil
}

func (w *watched) until(s string) {
	for !strings.Contains(w.text, s) {
		w.text += <-w.words
	}
	_, w.text, _ = strings.Cut(w.text, s)
}
