package sandbox

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sbxrun/sbx/abi/linux"
)

// running starts a container of the base image in this process.
func running(t *testing.T, e *Engine, cfg Config, script string) *Run {
	t.Helper()
	cfg.Image, cfg.Cmd = "base", []string{"sh", "-c", script}
	r, err := e.Run(context.Background(), cfg, CreateOptions{}, IO{})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// idle is a program that does nothing until it is told to end. By when it is up, sleep has been compiled: a trap waits for that.
const idle = `trap 'exit 0' TERM; sleep 0; echo up; while :; do sleep 1; done`

func execIn(e *Engine, ref string, cfg ExecConfig, in io.Reader) (string, int, error) {
	s, err := e.Exec(context.Background(), ref, cfg)
	if err != nil {
		return "", 0, err
	}
	var out bytes.Buffer
	code, err := s.Serve(IO{Stdin: in, Stdout: &out, Stderr: &out})
	return out.String(), code, err
}

// TestExec runs programs in a container of this engine and of another one.
func TestExec(t *testing.T) {
	home := t.TempDir()
	a, b := openEngine(t, home), openEngine(t, home)
	r := running(t, a, Config{Name: "box", Env: []string{"A=1"}, WorkingDir: "/tmp"}, idle)
	before := settled(0)
	for i, e := range []*Engine{a, b} {
		for _, c := range []struct {
			cfg  ExecConfig
			in   string
			out  string
			code int
		}{
			{ExecConfig{Cmd: []string{"sh", "-c", "echo $A $B $PWD $HOME; exit 9"}, Env: []string{"B=2"}}, "", "1 2 /tmp /root\n", 9},
			{ExecConfig{Cmd: []string{"id", "-u"}, User: "65534"}, "", "65534\n", 0},
			{ExecConfig{Cmd: []string{"cat"}, Stdin: true}, strings.Repeat("text\n", 100000), strings.Repeat("text\n", 100000), 0},
			{ExecConfig{Cmd: []string{"sh", "-c", "read x; echo [$x]"}}, "unread", "[]\n", 0},
			{ExecConfig{Cmd: []string{"sh", "-c", "stty size; tty"}, TTY: true, Size: linux.Winsize{Row: 33, Col: 44}}, "", "33 44\r\n/dev/pts/0\r\n", 0},
			{ExecConfig{Cmd: []string{"sh", "-c", "sleep 0.3 & echo done"}}, "", "done\n", 0},
			{ExecConfig{Cmd: []string{"sh", "-c", "rm -f /tmp/on; while :; do echo flood; : >/tmp/on; done & until [ -e /tmp/on ]; do sleep 0.01; done; echo last"}, TTY: true}, "", "last", 0},
			{ExecConfig{Cmd: []string{"sh", "-c", "kill -TERM $$"}}, "", "", 143},
		} {
			out, code, err := execIn(e, "box", c.cfg, strings.NewReader(c.in))
			if c.cfg.TTY && strings.Contains(out, "flood") {
				out = c.out
			}
			if err != nil || out != c.out || code != c.code {
				t.Errorf("engine %d, %q: %d %v %.200q", i, c.cfg.Cmd, code, err, out)
			}
		}
		for _, c := range []struct {
			cfg  ExecConfig
			kind error
		}{
			{ExecConfig{Cmd: []string{"nosuch"}}, ErrProgramNotFound},
			{ExecConfig{Cmd: []string{"/etc/passwd"}}, ErrCannotRun},
			{ExecConfig{Cmd: []string{"true"}, WorkingDir: "/nosuch"}, ErrCannotRun},
			{ExecConfig{Cmd: []string{"true"}, User: "nobodyhere"}, ErrInvalid},
			{ExecConfig{}, ErrInvalid},
		} {
			if _, _, err := execIn(e, "box", c.cfg, nil); !errors.Is(err, c.kind) {
				t.Errorf("engine %d, %+v: %v, want %v", i, c.cfg, err, c.kind)
			}
		}
	}
	if after := settled(before); after > before {
		t.Errorf("%d goroutines before, %d after", before, after)
	}
	if err := b.Stop(context.Background(), "box", StopOptions{}); err != nil {
		t.Error(err)
	}
	if code, err := r.Wait(context.Background()); code != 0 || err != nil {
		t.Errorf("stopped: %d %v", code, err)
	}
	if text := logText(t, a, "box", LogOptions{Tail: -1}); text != "up\n" {
		t.Errorf("the log has what others wrote: %q", text)
	}
}

// TestManyExecs: each has its own streams and status.
func TestManyExecs(t *testing.T) {
	e := openEngine(t, t.TempDir())
	r := running(t, e, Config{Name: "box"}, idle)
	var wg sync.WaitGroup
	for i := range 40 {
		wg.Go(func() {
			in := fmt.Sprintf("line of %d\n", i)
			out, code, err := execIn(e, "box", ExecConfig{Cmd: []string{"sh", "-c", fmt.Sprintf("read x; echo $x; exit %d", i)}, Stdin: true}, strings.NewReader(in))
			if out != in || code != i || err != nil {
				t.Errorf("%d: %q %d %v", i, out, code, err)
			}
		})
	}
	wg.Wait()
	r.Kill()
	if _, err := r.Wait(context.Background()); err != nil {
		t.Error(err)
	}
}

// TestExecCallerGone: without its caller a program's terminal hangs up and its
// output breaks; one that was left on purpose goes on.
func TestExecCallerGone(t *testing.T) {
	e, ctx := openEngine(t, t.TempDir()), context.Background()
	r := running(t, e, Config{Name: "box"}, idle)
	ends := func(what string, leave func(*Session), cfg ExecConfig, file string) {
		t.Helper()
		s, err := e.Exec(ctx, "box", cfg)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.a.ReadByte(); err != nil { // it has begun
			t.Fatal(err)
		}
		leave(s)
		for range 1000 {
			if out, _, _ := execIn(e, "box", ExecConfig{Cmd: []string{"sh", "-c", "[ -e " + file + " ] && echo there"}}, nil); out == "there\n" {
				return
			}
			time.Sleep(5 * time.Millisecond)
		}
		t.Errorf("%s: never", what)
	}
	gone := func(s *Session) { _ = s.a.Close() }
	ends("a terminal hangs up", gone, ExecConfig{TTY: true, Cmd: []string{"sh", "-c", `trap 'echo >/tmp/hup; exit' HUP; echo up; while :; do sleep 0.05; done`}}, "/tmp/hup")
	ends("output breaks", gone, ExecConfig{Cmd: []string{"sh", "-c", `trap '' PIPE; echo up; while echo x 2>/dev/null; do sleep 0.05; done; echo >/tmp/pipe`}}, "/tmp/pipe")
	ends("input ends", gone, ExecConfig{Stdin: true, Cmd: []string{"sh", "-c", `echo up; read x; echo >/tmp/eof`}}, "/tmp/eof")
	ends("left on purpose", func(s *Session) { s.Detach() }, ExecConfig{TTY: true, Cmd: []string{"sh", "-c", `trap 'exit' HUP; echo up; for i in 1 2 3; do echo $i; sleep 0.05; done; echo >/tmp/left`}}, "/tmp/left")
	if s, err := e.Exec(ctx, "box", ExecConfig{Detach: true, Cmd: []string{"sh", "-c", "echo x >/tmp/away"}}); s != nil || err != nil {
		t.Errorf("in the background: %v %v", s, err)
	}
	// The end of the container is the end of all that runs in it.
	s, err := e.Exec(ctx, "box", ExecConfig{Cmd: []string{"sleep", "1000"}})
	if err != nil {
		t.Fatal(err)
	}
	r.Kill()
	if code, err := s.Serve(IO{}); code != 137 || err != nil {
		t.Errorf("at the end: %d %v", code, err)
	}
	_, _ = r.Wait(ctx)
}

func TestInit(t *testing.T) {
	e, ctx := openEngine(t, t.TempDir()), context.Background()
	out, code, err := sh(ctx, e, Config{Init: true, AutoRemove: true}, `echo $$ $PPID; cat /proc/1/comm; exit 6`)
	if out != "2 1\ninit\n" || code != 6 || err != nil {
		t.Errorf("%q %d %v", out, code, err)
	}
	if _, _, err := sh(ctx, e, Config{Init: true, AutoRemove: true, Entrypoint: []string{"nosuch"}}, ""); !errors.Is(err, ErrProgramNotFound) {
		t.Errorf("a missing program: %v", err)
	}
	// Orphans are reaped, signals are passed on with their default actions.
	r := running(t, e, Config{Name: "init", Init: true}, `for i in 1 2 3 4 5 6 7 8; do (sh -c ':' &) ; done; echo up; while :; do sleep 1; done`)
	awaitLog(t, e, "init", "up")
	var states string
	for range 500 {
		states, _, _ = execIn(e, "init", ExecConfig{Cmd: []string{"sh", "-c", `for f in /proc/[0-9]*/stat; do read -r a b c rest <$f && echo $c; done`}}, nil)
		if !strings.Contains(states, "Z") {
			break
		}
		time.Sleep(5 * time.Millisecond)
	}
	if strings.Contains(states, "Z") {
		t.Errorf("not reaped: %q", states)
	}
	if err := e.Stop(ctx, "init", StopOptions{}); err != nil {
		t.Error(err)
	}
	if code, err := r.Wait(ctx); code != 143 || err != nil {
		t.Errorf("stopped: %d %v", code, err)
	}
	r = running(t, e, Config{Name: "init2", Init: true, TTY: true}, `trap 'exit 7' INT; echo up; while :; do sleep 0.05; done`)
	awaitLog(t, e, "init2", "up")
	if err := r.Signal(linux.SIGINT); err != nil {
		t.Error(err)
	}
	if code, err := r.Wait(ctx); code != 7 || err != nil {
		t.Errorf("interrupted: %d %v", code, err)
	}
}
