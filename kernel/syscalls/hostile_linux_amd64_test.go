package syscalls_test

import (
	"bytes"
	"fmt"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/cpu/memory"
	"github.com/sbxrun/sbx/kernel"
)

// holdings is what a Go process has of its host.
type holdings struct{ goroutines, maps, fds int }

func held(tb testing.TB) holdings {
	tb.Helper()
	maps, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		tb.Skip(err)
	}
	fds, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		tb.Skip(err)
	}
	n := 0
	for line := range strings.Lines(string(maps)) {
		// Windows, by the rooms around them that nobody may touch, caches and shared memory: what Go maps for
		// itself grows as it likes, and so do the pages of States that lie idle.
		var lo, hi uint64
		if _, err := fmt.Sscanf(line, "%x-%x", &lo, &hi); err != nil {
			tb.Fatal(line, err)
		}
		if strings.Contains(line, "memfd:") || hi-lo >= memory.GuardBelow {
			n++
		}
	}
	return holdings{runtime.NumGoroutine(), n, len(fds)}
}

// leaves runs f once to warm up, and then some more times, after which nothing may be left.
func leaves(t *testing.T, f func()) {
	t.Helper()
	f()
	before := held(t)
	for range 3 {
		f()
	}
	var after holdings
	for range 4000 { // goroutines need a moment to go
		after = held(t)
		if after.goroutines <= before.goroutines && after.maps <= before.maps && after.fds <= before.fds {
			return
		}
		runtime.GC() // os.File
		time.Sleep(5 * time.Millisecond)
	}
	t.Errorf("left behind: %+v before, %+v after", before, after)
	b := make([]byte, 1<<16)
	t.Logf("%s", b[:runtime.Stack(b, true)])
}

// signalWriter tells when something was written.
type signalWriter struct {
	mu    sync.Mutex
	once  sync.Once
	ready chan struct{}
}

func (w *signalWriter) Write(p []byte) (int, error) {
	w.once.Do(func() { close(w.ready) })
	return len(p), nil
}

// startReady starts the hostile program and waits until it says that it is ready.
func (w *world) startReady(args ...string) *kernel.Process {
	w.tb.Helper()
	sw := &signalWriter{ready: make(chan struct{})}
	to := w.k.HostWriter(sw)
	defer to.Close()
	p, err := w.k.Start(kernel.Exec{Argv: append([]string{"hostile"}, args...), Env: guestEnv, Cred: kernel.RootCredentials(), Files: []*kernel.File{nil, to, to}})
	if err != nil {
		w.tb.Fatal(err)
	}
	select {
	case <-sw.ready:
	case <-p.Done():
		w.tb.Fatal("it ended before it was ready")
	}
	return p
}

func TestKillLoop(t *testing.T) {
	bin := build(t, "hostile")
	leaves(t, func() {
		w := newWorld(t)
		defer w.close()
		w.copyIn(bin)
		for _, what := range []string{"loop", "threads"} {
			p := w.startReady(what)
			p.Signal(linux.SIGKILL)
			if st := w.wait(p, new(bytes.Buffer)); st.TermSignal() != linux.SIGKILL {
				t.Errorf("status %#x", st)
			}
		}
	})
}

func TestCloseWhileTheyRun(t *testing.T) {
	bin := build(t, "hostile")
	leaves(t, func() {
		w := newWorld(t)
		w.copyIn(bin)
		w.startReady("loop")
		w.startReady("threads")
		w.close()
	})
}

func TestBombs(t *testing.T) {
	bin := build(t, "hostile")
	leaves(t, func() {
		w := newWorld(t, func(c *kernel.Config) { c.Limits.Tasks = 40 })
		defer w.close()
		w.copyIn(bin)
		if r := w.run("hostile", "bomb"); r.out != "EAGAIN after 1\nthread EAGAIN\n" || r.status.TermSignal() != linux.SIGKILL {
			t.Errorf("%q %#x", r.out, r.status)
		}
		p := w.start(new(bytes.Buffer), "hostile", "wildbomb")
		for len(w.k.Processes()) < 40 {
			select {
			case <-p.Done():
				t.Fatal("the bomb ended by itself")
			case <-time.After(time.Millisecond):
			}
		}
	})
}

func TestHog(t *testing.T) {
	bin := build(t, "hostile")
	leaves(t, func() {
		w := newWorld(t, func(c *kernel.Config) { c.Limits.Memory = 64 << 20 })
		defer w.close()
		w.copyIn(bin)
		r := w.run("hostile", "hog")
		if want := "9 9 ENOMEM fork 1\n"; r.out != want || w.k.OOMKills() != 2 {
			t.Errorf("%q, want %q; %d were killed", r.out, want, w.k.OOMKills())
		}
		if r := w.run("hostile", "maps"); r.out != "1\n" {
			t.Errorf("maps: %q %#x", r.out, r.status)
		}
	})
}

// TestGreed: where memory has run out the greedy die, and those do not who have little.
func TestGreed(t *testing.T) {
	bin := build(t, "hostile")
	leaves(t, func() {
		w := newWorld(t, func(c *kernel.Config) { c.Limits.Memory = 64 << 20 })
		defer w.close()
		w.copyIn(bin)
		if r := w.run("hostile", "greed"); r.out != "9 9 9 9 60 threads, alive\n" {
			t.Errorf("%q %#x", r.out, r.status)
		}
		if n := w.k.OOMKills(); n != 4 {
			t.Errorf("%d were killed", n)
		}
	})
}

func TestWildPrograms(t *testing.T) {
	bin := build(t, "hostile")
	leaves(t, func() {
		w := newWorld(t)
		defer w.close()
		w.copyIn(bin)
		for _, what := range []string{"stackgone", "badreturn", "junkreturn"} {
			if r := w.run("hostile", what); r.status.TermSignal() != linux.SIGSEGV {
				t.Errorf("%s: status %#x %q", what, r.status, r.out)
			}
		}
		if r := w.run("hostile", "code", "1"); r.status != 0 {
			t.Errorf("noise as code: status %#x %q", r.status, r.out)
		}
	})
}

// randomCalls runs processes that make random system calls.
func randomCalls(t *testing.T, seed int64, processes int) {
	w := newWorld(t, func(c *kernel.Config) {
		c.Limits.Memory, c.Limits.Tasks = 512<<20, 64
	})
	defer w.close()
	w.copyIn(build(t, "hostile"))
	var out bytes.Buffer
	p := w.start(&out, "hostile", "calls", fmt.Sprint(seed), fmt.Sprint(processes))
	select {
	case <-p.Done():
	case <-time.After(20 * time.Second): // what they called may have stopped them
		p.Signal(linux.SIGKILL)
	}
}

func TestRandomCalls(t *testing.T) {
	build(t, "hostile")
	leaves(t, func() { randomCalls(t, 7, 40) })
}

func FuzzSyscalls(f *testing.F) {
	for seed := range int64(4) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, seed int64) { randomCalls(t, seed, 10) })
}
