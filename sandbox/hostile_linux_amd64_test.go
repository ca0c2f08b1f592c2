package sandbox

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/sbxrun/sbx/abi/linux"
)

// TestHostileGuests: programs that crash, run away or take all that they get end as they would in a container of the host's,
// and their end is all that comes of it.
func TestHostileGuests(t *testing.T) {
	dir := t.TempDir()
	build := exec.Command("go", "build", "-o", filepath.Join(dir, "hostile"), "./testdata/hostile")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Skipf("the program cannot be built here: %v: %s", err, out)
	}
	e, ctx := openEngine(t, t.TempDir()), context.Background()
	start := func(ctx context.Context, cfg Config, what string) (*Run, *watched) {
		t.Helper()
		cfg.Image, cfg.Cmd = "base", []string{"/guest/hostile", what}
		cfg.Mounts = []Mount{{Type: MountBind, Source: dir, Target: "/guest", ReadOnly: true}}
		out := newWatched()
		r, err := e.Run(ctx, cfg, CreateOptions{}, IO{Stdout: out})
		if err != nil {
			t.Fatal(what, err)
		}
		return r, out
	}
	wait := func(r *Run, what string, code int) {
		t.Helper()
		if got, err := r.Wait(context.Background()); got != code || err != nil {
			t.Errorf("%s: %d %v, want %d", what, got, err, code)
		}
	}
	crashes := func() {
		for what, sig := range map[string]linux.Signal{"pointer": linux.SIGSEGV, "read": linux.SIGSEGV, "jump": linux.SIGSEGV, "data": linux.SIGSEGV, "junk": linux.SIGILL} {
			r, _ := start(ctx, Config{AutoRemove: true}, what)
			wait(r, what, 128+int(sig))
		}
	}
	crashes()
	before := holds(t)
	crashes()

	// What runs away is stopped by a deadline, by a signal, and by the end of its engine's use.
	short, cancel := context.WithCancel(ctx)
	r, out := start(short, Config{AutoRemove: true}, "loop")
	out.until("on")
	cancel()
	wait(r, "loop, cancelled", 137)
	r, out = start(ctx, Config{AutoRemove: true, NanoCPUs: 2e8}, "loop")
	out.until("on")
	if err := r.Signal(linux.SIGTERM); err != nil {
		t.Error(err)
	}
	select {
	case <-r.Done():
		t.Error("a loop that ignores SIGTERM ended of it")
	case <-time.After(20 * time.Millisecond):
	}
	r.Kill()
	wait(r, "loop, killed", 137)

	// Bombs meet the limit, and go all at once.
	for _, what := range []string{"forks", "threads"} {
		r, out := start(ctx, Config{AutoRemove: true, PidsLimit: 50}, what)
		out.until("on")
		if what == "forks" {
			for len(r.kernel.Processes()) < 40 { // and some threads
				time.Sleep(time.Millisecond)
			}
			r.Kill()
			wait(r, what, 137)
			continue
		}
		wait(r, what, 2) // Go gives up when it gets no thread
	}

	// Hogs end at the limit of memory, which is told.
	for _, what := range []string{"memory", "reserved"} {
		r, _ := start(ctx, Config{Name: what, Memory: 100 << 20}, what)
		wait(r, what, 137)
		if c, err := e.Inspect(what); err != nil || !c.State.OOMKilled || c.State.ExitCode != 137 {
			t.Errorf("%s: %+v %v", what, c.State, err)
		}
		if err := e.Remove(ctx, what, RemoveOptions{}); err != nil {
			t.Error(err)
		}
	}
	r, out = start(ctx, Config{AutoRemove: true}, "files")
	out.until("true open /: too many open files")
	wait(r, "files", 0)

	var said bytes.Buffer
	r, err := e.Run(ctx, Config{Image: "base", AutoRemove: true, Cmd: []string{"sh", "-c", "echo fine"}}, CreateOptions{}, IO{Stdout: &said})
	if err != nil {
		t.Fatal(err)
	}
	wait(r, "afterwards", 0)
	if said.String() != "fine\n" {
		t.Errorf("afterwards: %q", said.String())
	}
	nothingMore(t, before)
}
