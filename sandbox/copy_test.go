package sandbox

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sbxrun/sbx/abi/linux"
)

// endless reads as an archive of one file that has no end, and fails after limit bytes with err, if that is set.
type endless struct {
	head  io.Reader
	limit int
	err   error
}

func newEndless(limit int, err error) *endless {
	var b bytes.Buffer
	_ = tar.NewWriter(&b).WriteHeader(&tar.Header{Name: "big", Mode: 0o644, Size: 1 << 40})
	return &endless{head: &b, limit: limit, err: err}
}

func (e *endless) Read(p []byte) (int, error) {
	if n, _ := e.head.Read(p); n > 0 {
		return n, nil
	}
	if e.limit -= len(p); e.limit < 0 && e.err != nil {
		return 0, e.err
	}
	clear(p)
	p[0] = 1 // a hole would take no room
	return len(p), nil
}

// TestCopyOfRunningEnds has copies to and from a container that this engine runs, and one that another runs, end early: the room
// is used up, the source fails, the reader has enough, the caller gives up, the container ends. Each says why, and nothing stays.
func TestCopyOfRunningEnds(t *testing.T) {
	e := openEngine(t, t.TempDir())
	other := openEngine(t, e.Home())
	before := settled(0)
	errMine := errors.New("the source failed")
	for name, by := range map[string]*Engine{"same": e, "other": other} {
		r := running(t, e, Config{Name: "box", StorageSize: 8 << 20}, "mkdir /d; "+idle)
		awaitLog(t, e, "box", "up")
		ctx := t.Context()
		if err := by.CopyToTar(ctx, newEndless(0, nil), "box", "/d", CopyOptions{}); !errors.Is(err, linux.ENOSPC) {
			t.Errorf("%s: no room: %v", name, err)
		}
		if err := by.CopyToTar(ctx, newEndless(1<<20, errMine), "box", "/d", CopyOptions{}); err == nil || !strings.Contains(err.Error(), errMine.Error()) {
			t.Errorf("%s: the source: %v", name, err)
		}
		if err := by.CopyToTar(ctx, io.MultiReader(bytes.NewReader(make([]byte, 1024)), strings.NewReader(strings.Repeat("behind", 100000))), "box", "/d", CopyOptions{}); err != nil {
			t.Errorf("%s: more behind the archive: %v", name, err)
		}
		if _, err := execIn0(e, "head -c 3000000 /dev/zero >/d/out"); err != nil {
			t.Error(err)
		}
		if err := by.CopyFromTar(ctx, "box", "/d", &fullWriter{room: 1 << 20, err: errMine}, CopyOptions{}); err == nil || !strings.Contains(err.Error(), errMine.Error()) {
			t.Errorf("%s: the reader: %v", name, err)
		}
		mine, cancel := context.WithCancel(ctx)
		r1, w1 := io.Pipe()
		done := make(chan error, 1)
		go func() { done <- by.CopyToTar(mine, r1, "box", "/d", CopyOptions{}) }()
		_, _ = w1.Write(make([]byte, 512)) // and then nothing
		cancel()
		_ = w1.Close()
		if err := <-done; err == nil {
			t.Errorf("%s: given up: no error", name)
		}
		// The container ends under it.
		r2, w2 := io.Pipe()
		go func() { done <- by.CopyToTar(ctx, r2, "box", "/d", CopyOptions{}) }()
		var head bytes.Buffer
		_ = tar.NewWriter(&head).WriteHeader(&tar.Header{Name: "part", Mode: 0o644, Size: 1 << 20})
		_, _ = w2.Write(append(head.Bytes(), make([]byte, 70<<10)...))
		if err := e.Stop(ctx, "box", StopOptions{}); err != nil {
			t.Error(err)
		}
		select {
		case err := <-done:
			if !errors.Is(err, ErrConflict) {
				t.Errorf("%s: the end: %v", name, err)
			}
		case <-time.After(time.Minute):
			t.Fatal("it does not end with its container")
		}
		_ = w2.Close()
		if _, err := r.Wait(ctx); err != nil {
			t.Error(err)
		}
		// Now that it has ended it is written to in another way.
		if _, err := by.CopyTo(ctx, writeTemp(t, "kept"), "box", "/d/kept", CopyOptions{}); err != nil {
			t.Error(err)
		}
		var out bytes.Buffer
		if err := by.CopyFromTar(ctx, "box", "/d/kept", &out, CopyOptions{}); err != nil || !strings.Contains(out.String(), "kept") {
			t.Error(err)
		}
		if err := e.Remove(ctx, "box", RemoveOptions{}); err != nil {
			t.Error(err)
		}
	}
	if after := settled(before); after > before {
		t.Errorf("%d goroutines before, %d after", before, after)
	}
}

func execIn0(e *Engine, script string) (string, error) {
	out, code, err := execIn(e, "box", ExecConfig{Cmd: []string{"sh", "-c", script}}, nil)
	if err == nil && code != 0 {
		err = errors.New(out)
	}
	return out, err
}

// fullWriter takes so many bytes and then fails.
type fullWriter struct {
	room int
	err  error
}

func (w *fullWriter) Write(p []byte) (int, error) {
	if w.room -= len(p); w.room < 0 {
		return 0, w.err
	}
	return len(p), nil
}

func writeTemp(t *testing.T, text string) string {
	name := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return name
}

// TestCopyFailsMidway: what was copied before an error stays where the container runs; one that does not is as it was, but for its volumes.
func TestCopyFailsMidway(t *testing.T) {
	e := openEngine(t, t.TempDir())
	ctx := t.Context()
	var broken bytes.Buffer
	tw := tar.NewWriter(&broken)
	if err := tw.WriteHeader(&tar.Header{Name: "first", Mode: 0o644, Size: 4}); err != nil {
		t.Fatal(err)
	}
	io.WriteString(tw, "text")
	tw.Flush()
	broken.WriteString(strings.Repeat("no header at all", 64))
	has := func(dir string) bool {
		return e.CopyFromTar(ctx, "box", dir+"/first", io.Discard, CopyOptions{}) == nil
	}
	r := running(t, e, Config{Name: "box", Mounts: []Mount{{Type: MountVolume, Source: "kept", Target: "/kept"}}}, "mkdir /runs /stopped; "+idle)
	awaitLog(t, e, "box", "up")
	if err := e.CopyToTar(ctx, bytes.NewReader(broken.Bytes()), "box", "/runs", CopyOptions{}); err == nil || !has("/runs") {
		t.Errorf("running: %v, there: %v", err, has("/runs"))
	}
	r.Kill()
	if _, err := r.Wait(ctx); err != nil {
		t.Fatal(err)
	}
	for dir, stays := range map[string]bool{"/stopped": false, "/kept": true} {
		if err := e.CopyToTar(ctx, bytes.NewReader(broken.Bytes()), "box", dir, CopyOptions{}); err == nil || has(dir) != stays {
			t.Errorf("stopped, %s: %v, there: %v", dir, err, has(dir))
		}
	}
}
