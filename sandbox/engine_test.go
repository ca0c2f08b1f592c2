package sandbox

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/registry"
)

func openEngine(t *testing.T, home string) *Engine {
	t.Helper()
	e, err := Open(home)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.Close() })
	return e
}

// sh runs a script in the embedded image and returns what it printed.
func sh(ctx context.Context, e *Engine, cfg Config, script string) (string, int, error) {
	cfg.Image, cfg.Cmd = "base", []string{"sh", "-c", script}
	var out bytes.Buffer
	r, err := e.Run(ctx, cfg, CreateOptions{}, IO{Stdout: &out, Stderr: &out})
	if err != nil {
		return "", 0, err
	}
	code, err := r.Wait(context.Background())
	return out.String(), code, err
}

func TestRunAndStart(t *testing.T) {
	e, ctx := openEngine(t, t.TempDir()), context.Background()
	out, code, err := sh(ctx, e, Config{Name: "first"}, "echo hi; echo kept >/kept; exit 3")
	if err != nil || code != 3 || out != "hi\n" {
		t.Fatalf("run: %q %d %v", out, code, err)
	}
	c, err := e.Inspect("first")
	if err != nil || c.State.Status != StatusExited || c.State.ExitCode != 3 || c.State.Engine != EngineBuiltin {
		t.Fatalf("inspect: %+v %v", c.State, err)
	}
	changes, err := e.Diff(ctx, "first")
	if err != nil || !slices.Equal(changes, []Change{{Kind: 'A', Path: "/kept"}}) {
		t.Errorf("diff: %+v %v", changes, err)
	}
	r, err := e.Start(ctx, c.ID[:10], IO{})
	if err != nil {
		t.Fatal(err)
	}
	if code, err := r.Wait(ctx); code != 3 || err != nil {
		t.Errorf("start: %d %v", code, err)
	}
	if err := e.Remove(ctx, "first", RemoveOptions{}); err != nil {
		t.Error(err)
	}
	if _, err := e.Inspect("first"); !errors.Is(err, ErrNotFound) {
		t.Errorf("after remove: %v", err)
	}
}

// TestManySandboxes runs many containers at the same time, from two engines
// on one home, and checks that nothing of them stays.
func TestManySandboxes(t *testing.T) {
	home, ctx := t.TempDir(), context.Background()
	warm := openEngine(t, home) // brings the image in
	if _, _, err := sh(ctx, warm, Config{AutoRemove: true}, ":"); err != nil {
		t.Fatal(err)
	}
	if err := warm.Close(); err != nil {
		t.Fatal(err)
	}
	before := settled(0)
	a, b := openEngine(t, home), openEngine(t, home)
	var wg sync.WaitGroup
	for i := range 40 {
		e := a
		if i%2 == 1 {
			e = b
		}
		wg.Go(func() {
			want := fmt.Sprintf("%d %d\n", i, i*i)
			out, code, err := sh(ctx, e, Config{AutoRemove: true}, fmt.Sprintf("echo %d $((%d*%d)) >/f; while read l; do echo \"$l\"; done </f", i, i, i))
			if err != nil || code != 0 || out != want {
				t.Errorf("container %d: %q %d %v", i, out, code, err)
			}
		})
	}
	wg.Wait()
	list, err := a.List(ListOptions{All: true})
	if err != nil || len(list) != 0 {
		t.Errorf("%d containers left, %v", len(list), err)
	}
	if err := errors.Join(a.Close(), b.Close()); err != nil {
		t.Error(err)
	}
	if after := settled(before); after > before {
		buf := make([]byte, 1<<16)
		t.Errorf("%d goroutines before, %d after\n%s", before, after, buf[:runtime.Stack(buf, true)])
	}
}

// settled counts goroutines once those that are ending have ended.
func settled(want int) int {
	n := runtime.NumGoroutine()
	for i := 0; i < 200 || want > 0 && i < 6000; i++ {
		if n = runtime.NumGoroutine(); n <= want {
			break
		}
		time.Sleep(5 * time.Millisecond)
	}
	return n
}

func TestCancelKillsAndCloseWaits(t *testing.T) {
	e := openEngine(t, t.TempDir())
	ctx, cancel := context.WithCancel(context.Background())
	out, in := io.Pipe()
	start := func(ctx context.Context, name string) *Run {
		r, err := e.Run(ctx, Config{Name: name, Image: "base", Cmd: []string{"sh", "-c", "echo on; while :; do :; done"}}, CreateOptions{}, IO{Stdout: in})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(out, make([]byte, 3)); err != nil {
			t.Fatal(err)
		}
		return r
	}
	r := start(ctx, "one")
	if err := e.Remove(context.Background(), "one", RemoveOptions{}); !errors.Is(err, ErrConflict) {
		t.Errorf("remove of a running one: %v", err)
	}
	cancel()
	if code, err := r.Wait(context.Background()); code != 137 || err != nil {
		t.Errorf("cancelled: %d %v", code, err)
	}
	start(context.Background(), "two")
	if err := e.Signal(context.Background(), "two", linux.SIGKILL); err != nil {
		t.Error(err)
	}
	r = start(context.Background(), "three")
	if err := e.Close(); err != nil {
		t.Error(err)
	}
	if code, _ := r.Wait(context.Background()); code != 137 {
		t.Errorf("closed: %d", code)
	}
	if _, err := e.Create(context.Background(), Config{Image: "base"}, CreateOptions{}); !errors.Is(err, ErrClosed) {
		t.Errorf("after close: %v", err)
	}
}

func TestOtherEngineSeesTheRunning(t *testing.T) {
	home, ctx := t.TempDir(), context.Background()
	a, b := openEngine(t, home), openEngine(t, home)
	out, in := io.Pipe()
	r, err := a.Run(ctx, Config{Name: "live", Image: "base", Cmd: []string{"sh", "-c", "echo data >/file; echo on; while :; do :; done"}}, CreateOptions{}, IO{Stdout: in})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(out, make([]byte, 3)); err != nil {
		t.Fatal(err)
	}
	changes, err := b.Diff(ctx, "live")
	if err != nil || len(changes) != 1 || changes[0].Path != "/file" {
		t.Errorf("diff of a running one: %+v %v", changes, err)
	}
	dir := t.TempDir()
	if _, err := b.CopyFrom(ctx, "live", "/file", dir, CopyOptions{}); err != nil {
		t.Error(err)
	}
	if text, err := os.ReadFile(filepath.Join(dir, "file")); err != nil || string(text) != "data\n" {
		t.Errorf("copied %q %v", text, err)
	}
	if err := b.Remove(ctx, "live", RemoveOptions{Force: true}); err != nil {
		t.Error(err)
	}
	if code, _ := r.Wait(ctx); code != 137 {
		t.Errorf("killed: %d", code)
	}
}

// TestBaseIsDeterministic: the same binary makes the same image everywhere.
func TestBaseIsDeterministic(t *testing.T) {
	ctx := context.Background()
	var ids []registry.Digest
	for range 2 {
		img, err := openEngine(t, t.TempDir()).Image(ctx, "base")
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, img.ID(), img.Digest())
	}
	if ids[0] != ids[2] || ids[1] != ids[3] {
		t.Errorf("two homes, two images: %v", ids)
	}
}

func TestStorageLimitKeepsTheContainer(t *testing.T) {
	e, ctx := openEngine(t, t.TempDir()), context.Background()
	out, _, err := sh(ctx, e, Config{Name: "small", StorageSize: 64 << 10}, `
		i=0; while [ $i -lt 3000 ]; do echo 01234567890123456789012345678901234567890123456789 || break; i=$((i+1)); done >/big 2>/dev/null
		[ $i -lt 3000 ] && echo full >&2`)
	if err != nil || !strings.Contains(out, "full") {
		t.Errorf("%q %v", out, err)
	}
	if changes, err := e.Diff(ctx, "small"); err != nil || len(changes) == 0 {
		t.Errorf("diff: %v %v", changes, err)
	}
}

func BenchmarkRun(b *testing.B) {
	e, err := Open(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	defer e.Close()
	b.ReportAllocs()
	for b.Loop() {
		if _, code, err := sh(context.Background(), e, Config{AutoRemove: true}, ":"); err != nil || code != 0 {
			b.Fatal(code, err)
		}
	}
}
