package sandbox

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sbxrun/sbx/abi/linux"
)

// superviseWord is the first argument of the test binary as a container's process.
const superviseWord = "supervise-for-a-test"

// superviseChild is such a process.
func superviseChild(id string) {
	e, err := Open("")
	if err == nil {
		flushEvery = 20 * time.Millisecond
		var code int
		code, err = e.Supervise(context.Background(), id, os.Stdin, os.Stdout)
		_ = e.Close()
		if err == nil {
			os.Exit(code)
		}
	}
	os.Exit(ExitEngine)
}

// launch makes a container of the base image and gives it a process of its own.
func launch(t *testing.T, e *Engine, cfg Config, script string, attach *AttachOptions) (Container, *Session, error) {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cfg.Image, cfg.Cmd = "base", []string{"sh", "-c", script}
	c, err := e.Create(context.Background(), cfg, CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		err := e.Remove(context.Background(), c.ID, RemoveOptions{Force: true})
		if err != nil && !errors.Is(err, ErrNotFound) && !errors.Is(err, ErrClosed) {
			t.Error(err)
		}
	})
	s, err := e.Launch(context.Background(), c.ID, LaunchOptions{Command: []string{exe, "sbx", superviseWord}, Attach: attach})
	return c, s, err
}

// logText is all that a container has written.
func logText(t *testing.T, e *Engine, ref string, o LogOptions) string {
	t.Helper()
	var b strings.Builder
	err := e.Logs(context.Background(), ref, o, func(l LogEntry) error {
		b.Write(l.Line)
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	return b.String()
}

// awaitLog waits until a container has written some text.
func awaitLog(t *testing.T, e *Engine, ref, text string) {
	t.Helper()
	for range 2000 {
		if strings.Contains(logText(t, e, ref, LogOptions{Tail: -1}), text) {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Fatalf("%s never wrote %q", ref, text)
}

func TestLaunchAttached(t *testing.T) {
	e, ctx := openEngine(t, t.TempDir()), context.Background()
	c, s, err := launch(t, e, Config{OpenStdin: true, StdinOnce: true}, `echo one; while read x; do echo "<$x>"; done; echo two >&2; echo kept >/f; exit 4`,
		&AttachOptions{Stdin: true, Stdout: true, Stderr: true})
	if err != nil {
		t.Fatal(err)
	}
	var out, errs bytes.Buffer
	code, err := s.Serve(IO{Stdin: strings.NewReader("a\nb\n"), Stdout: &out, Stderr: &errs})
	if code != 4 || err != nil || out.String() != "one\n<a>\n<b>\n" || errs.String() != "two\n" {
		t.Errorf("%d %v %q %q", code, err, out.String(), errs.String())
	}
	got, err := e.Inspect(c.ID)
	if err != nil || got.State.Status != StatusExited || got.State.ExitCode != 4 || got.State.HostPID != 0 || got.State.Control != "" {
		t.Errorf("%+v %v", got.State, err)
	}
	if text := logText(t, e, c.ID, LogOptions{Tail: -1}); text != "one\n<a>\n<b>\ntwo\n" {
		t.Errorf("log: %q", text)
	}
	for _, name := range []string{crashName, filepath.Join("..", "..", "run", ShortID(c.ID)+".sock")} {
		if _, err := os.Stat(e.disk.file(c.ID, name)); err == nil {
			t.Errorf("%s is still there", name)
		}
	}
	if code, err := e.Wait(ctx, c.ID); code != 4 || err != nil {
		t.Errorf("wait: %d %v", code, err)
	}
}

func TestLaunchFails(t *testing.T) {
	e := openEngine(t, t.TempDir())
	c, err := e.Create(context.Background(), Config{Image: "base", Cmd: []string{"nosuch"}}, CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	exe, _ := os.Executable()
	_, err = e.Launch(context.Background(), c.ID, LaunchOptions{Command: []string{exe, "sbx", superviseWord}})
	if !errors.Is(err, ErrProgramNotFound) || ExitCode(err) != 127 {
		t.Errorf("a missing program: %v", err)
	}
	_, err = e.Launch(context.Background(), c.ID, LaunchOptions{Command: []string{"/nosuch", "sbx"}})
	if err == nil {
		t.Error("a missing supervisor")
	}
	_, err = e.Launch(context.Background(), c.ID, LaunchOptions{Command: []string{exe, "sbx", "-test.run=^$"}})
	if err == nil || !strings.Contains(err.Error(), "ended before it ran") {
		t.Errorf("another program: %v", err)
	}
	if got, _ := e.Inspect(c.ID); got.State.Status != StatusCreated || got.State.ExitCode != 127 {
		t.Errorf("%+v", got.State)
	}
}

// TestManyAttached: everybody sees everything from when he came; who does not
// read is cut off and holds up nobody for ever; leaving is not the end.
func TestManyAttached(t *testing.T) {
	was := attachStall
	attachStall = 2 * time.Second
	defer func() { attachStall = was }()
	e, ctx := openEngine(t, t.TempDir()), context.Background()
	const lines = 40000
	script := fmt.Sprintf(`read go; i=0; while [ $i -lt %d ]; do echo "line $i of the many that are written"; i=$((i+1)); done; exit 2`, lines)
	r, err := e.Run(ctx, Config{Name: "talk", Image: "base", Cmd: []string{"sh", "-c", script}, OpenStdin: true}, CreateOptions{}, IO{})
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 3 {
		s, err := e.Attach(ctx, "talk", AttachOptions{Stdout: true})
		if err != nil {
			t.Fatal(err)
		}
		wg.Go(func() {
			var out bytes.Buffer
			code, err := s.Serve(IO{Stdout: &out})
			if code != 2 || err != nil || strings.Count(out.String(), "\n") != lines || !strings.HasSuffix(out.String(), fmt.Sprintf("line %d of the many that are written\n", lines-1)) {
				t.Errorf("%d %v, %d bytes", code, err, out.Len())
			}
		})
	}
	deaf, err := e.Attach(ctx, "talk", AttachOptions{Stdout: true})
	if err != nil {
		t.Fatal(err)
	}
	leaver, err := e.Attach(ctx, "talk", AttachOptions{Stdin: true, Stdout: true})
	if err != nil {
		t.Fatal(err)
	}
	go leaver.copyIn(io.MultiReader(strings.NewReader("go\n"), detachReader{}))
	if _, err := leaver.Serve(IO{}); !errors.Is(err, ErrDetached) {
		t.Errorf("who left: %v", err)
	}
	wg.Wait()
	if code, err := r.Wait(ctx); code != 2 || err != nil {
		t.Errorf("%d %v", code, err)
	}
	if _, err := deaf.Serve(IO{}); !errors.Is(err, ErrLost) {
		t.Errorf("who did not read: %v", err)
	}
	if got := strings.Count(logText(t, e, "talk", LogOptions{Tail: -1}), "\n"); got != lines {
		t.Errorf("%d lines in the log", got)
	}
}

// detachReader leaves.
type detachReader struct{}

func (detachReader) Read([]byte) (int, error) { return 0, ErrDetached }

// TestSupervisorKilled: a process that is killed leaves a container of which
// everybody learns the truth, and which starts again with what was flushed.
func TestSupervisorKilled(t *testing.T) {
	e, ctx := openEngine(t, t.TempDir()), context.Background()
	exe, _ := os.Executable()
	c, s, err := launch(t, e, Config{Name: "victim"}, `n=0; [ -e /count ] && read n </count; echo run $n; echo $((n+1)) >/count; while :; do sleep 1; done`, &AttachOptions{Stdout: true})
	if err != nil {
		t.Fatal(err)
	}
	for round := range 3 {
		awaitLog(t, e, "victim", fmt.Sprintf("run %d\n", round))
		upper := e.disk.file(c.ID, upperName)
		for old, _ := os.Stat(upper); ; time.Sleep(5 * time.Millisecond) { // flushed again
			if fi, err := os.Stat(upper); err == nil && (old == nil || !os.SameFile(old, fi)) {
				break
			}
			if text, _ := os.ReadFile(upper); bytes.Contains(text, []byte(fmt.Sprintf("\x00%d\n\x00", round+1))) {
				break
			}
		}
		got, _ := e.Inspect("victim")
		p, err := os.FindProcess(got.State.HostPID)
		if err != nil || got.State.Status != StatusRunning {
			t.Fatalf("%+v %v", got.State, err)
		}
		waited := make(chan int)
		go func() {
			code, _ := e.Wait(ctx, "victim")
			waited <- code
		}()
		followed := make(chan struct{})
		go func() {
			defer close(followed)
			_ = e.Logs(ctx, "victim", LogOptions{Follow: true, Tail: -1}, func(LogEntry) error { return nil })
		}()
		if err := p.Kill(); err != nil {
			t.Fatal(err)
		}
		if s != nil {
			if _, err := s.Serve(IO{}); !errors.Is(err, ErrLost) {
				t.Errorf("attached: %v", err)
			}
		}
		if code := <-waited; code != 137 {
			t.Errorf("waited: %d", code)
		}
		<-followed
		got, err = e.Inspect("victim")
		if err != nil || got.State.Status != StatusExited || got.State.ExitCode != 137 || got.State.Control != "" {
			t.Errorf("%+v %v", got.State, err)
		}
		if _, err := e.Exec(ctx, "victim", ExecConfig{Cmd: []string{"true"}}); !errors.Is(err, ErrConflict) {
			t.Errorf("exec: %v", err)
		}
		if s, err = e.Launch(ctx, "victim", LaunchOptions{Command: []string{exe, "sbx", superviseWord}}); err != nil {
			t.Fatal(err)
		}
	}
	if err := e.Stop(ctx, "victim", StopOptions{Signal: linux.SIGKILL}); err != nil {
		t.Error(err)
	}
}
