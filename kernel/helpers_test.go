package kernel

import (
	"bytes"
	"context"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/vfs"
)

// testLoader loads "#!sbx:builtin NAME" files as functions.
type testLoader struct {
	mu     sync.Mutex
	progs  map[string]ProgramFunc
	cred   Credentials // those of the last one
	secure bool
}

func (l *testLoader) Name() string           { return "test" }
func (l *testLoader) Match(head []byte) bool { return bytes.HasPrefix(head, []byte(BuiltinMagic)) }
func (l *testLoader) Load(t *Task, f *File, path string, argv, env []string) (Program, error) {
	b := make([]byte, 200)
	n, err := f.ReadAt(b, 0)
	if err != nil {
		return nil, err
	}
	name := strings.TrimSpace(strings.TrimPrefix(string(b[:n]), BuiltinMagic))
	l.mu.Lock()
	defer l.mu.Unlock()
	l.cred, l.secure = t.ExecCredentials()
	p := l.progs[name]
	if p == nil {
		return nil, linux.ENOEXEC
	}
	return p, nil
}

// world is a small sandbox for tests.
type world struct {
	tb     testing.TB
	k      *Kernel
	fs     *vfs.FS
	loader *testLoader
}

func newWorld(tb testing.TB, edit ...func(c *Config)) *world {
	tb.Helper()
	w := &world{tb: tb, loader: &testLoader{progs: map[string]ProgramFunc{}}}
	c := Config{Loaders: []Loader{w.loader}, Hostname: "box"}
	for _, e := range edit {
		e(&c)
	}
	now := time.Now
	if c.Clock != nil {
		now = c.Clock.Now
	}
	w.fs = vfs.New(nil, nil, vfs.Options{Now: now, Type: "tmpfs", Dev: 9})
	c.Root = w.fs
	k, err := New(c)
	if err != nil {
		tb.Fatal(err)
	}
	w.k = k
	tb.Cleanup(func() { k.Close() })
	w.mkdir("/bin")
	w.mkdir("/tmp")
	return w
}

func (w *world) walker() *vfs.Walker {
	root := w.k.ns.RootLoc()
	return &vfs.Walker{NS: w.k.ns, Root: root, Cwd: root, Cred: vfs.RootCred()}
}

func (w *world) mkdir(path string) {
	w.tb.Helper()
	if err := w.walker().Mkdir(vfs.Loc{}, path, 0o755); err != nil {
		w.tb.Fatal(err)
	}
}

// file writes a file.
func (w *world) file(path, text string, mode uint32) {
	w.tb.Helper()
	wk := w.walker()
	_, h, err := wk.Open(vfs.Loc{}, path, linux.O_CREAT|linux.O_TRUNC|linux.O_WRONLY, mode)
	if err != nil {
		w.tb.Fatal(path, err)
	}
	if _, err := h.WriteAt([]byte(text), 0); err != nil {
		w.tb.Fatal(err)
	}
	h.Close()
	if err := wk.Chmod(vfs.Loc{}, path, mode, 0); err != nil {
		w.tb.Fatal(err)
	}
}

// prog makes /bin/NAME.
func (w *world) prog(name string, f ProgramFunc) {
	w.loader.mu.Lock()
	w.loader.progs[name] = f
	w.loader.mu.Unlock()
	w.file("/bin/"+name, BuiltinMagic+name+"\n", 0o755)
}

// start starts f as a process of the host's.
func (w *world) start(f ProgramFunc, files ...*File) *Process {
	w.tb.Helper()
	p, err := w.k.Start(Exec{Program: f, Argv: []string{"test"}, Env: []string{"PATH=/bin"}, Cred: RootCredentials(), Umask: 0o22, Files: files})
	if err != nil {
		w.tb.Fatal(err)
	}
	return p
}

// wait waits for the end of a process.
func (w *world) wait(p *Process) linux.WaitStatus {
	w.tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	st, err := p.Wait(ctx)
	if err != nil {
		buf := make([]byte, 1<<20)
		w.tb.Fatalf("wait: %v\n%s", err, buf[:runtime.Stack(buf, true)])
	}
	return st
}

// run runs f as process 1, or another one, to its end.
func (w *world) run(f ProgramFunc, files ...*File) linux.WaitStatus {
	w.tb.Helper()
	return w.wait(w.start(f, files...))
}

// guest runs f below an init that does nothing but wait for it, for tests in
// which the privileges of process 1 would get in the way.
func (w *world) guest(f func(t *Task)) {
	w.tb.Helper()
	st := w.run(func(t *Task) int {
		c, err := t.Fork(ProgramFunc(func(t *Task) int { f(t); return 0 }))
		if err != nil {
			w.tb.Error(err)
			return 1
		}
		for {
			pid, st, _, err := t.Wait4(-1, 0)
			if pid == c.tid {
				if st.Signaled() {
					w.tb.Errorf("the guest died of %v", st.TermSignal())
				}
				return st.ExitCode()
			}
			if err != nil {
				w.tb.Error("init:", err)
				return 1
			}
		}
	})
	if st != 0 {
		w.tb.Errorf("status %#x", st)
	}
}

// ok fails the test on an error.
func ok(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Error(err)
	}
}

// want fails the test unless got is want.
func want[T comparable](tb testing.TB, what string, got, want T) {
	tb.Helper()
	if got != want {
		tb.Errorf("%s: got %v, want %v", what, got, want)
	}
}

// child forks f.
func child(tb testing.TB, t *Task, f func(t *Task) int) int {
	tb.Helper()
	c, err := t.Fork(ProgramFunc(f))
	if err != nil {
		tb.Error(err)
		return -1
	}
	return c.tid
}

// reap waits for a child.
func reap(tb testing.TB, t *Task, pid int) linux.WaitStatus {
	tb.Helper()
	got, st, _, err := t.Wait4(pid, 0)
	if err != nil || got != pid {
		tb.Errorf("wait4(%d): %d, %v", pid, got, err)
	}
	return st
}
