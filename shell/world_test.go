package shell

import (
	"bytes"
	"context"
	"fmt"
	"runtime"
	"sort"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/kernel"
	"github.com/sbxrun/sbx/vfs"
)

// toolLoader runs "#!sbx:builtin NAME" files as functions: programs of another
// kind than the shell's own, for pipelines and PATH.
type toolLoader struct{ progs map[string]kernel.ProgramFunc }

const toolMagic = "#!tool "

func (l toolLoader) Name() string           { return "tools" }
func (l toolLoader) Match(head []byte) bool { return bytes.HasPrefix(head, []byte(toolMagic)) }
func (l toolLoader) Load(t *kernel.Task, f *kernel.File, path string, argv, env []string) (kernel.Program, error) {
	b := make([]byte, 100)
	n, _ := f.ReadAt(b, 0)
	p := l.progs[strings.TrimSpace(strings.TrimPrefix(string(b[:n]), toolMagic))]
	if p == nil {
		return nil, linux.ENOEXEC
	}
	return p, nil
}

// world is a small sandbox with a shell in it.
type world struct {
	tb testing.TB
	k  *kernel.Kernel
}

// syncBuffer is written by guests while a test may read it.
type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

func newWorld(tb testing.TB) *world {
	tb.Helper()
	fs := vfs.New(nil, nil, vfs.Options{Now: time.Now, Type: "tmpfs", Dev: 9})
	k, err := kernel.New(kernel.Config{Root: fs, Hostname: "box", Loaders: []kernel.Loader{Loader(), toolLoader{testTools}}})
	if err != nil {
		tb.Fatal(err)
	}
	w := &world{tb, k}
	tb.Cleanup(func() { k.Close() })
	for _, d := range []string{"/bin", "/tmp", "/tmp/w", "/etc", "/root"} {
		w.mkdir(d)
	}
	for _, name := range Names() {
		w.file("/bin/"+name, kernel.BuiltinMagic+name+"\n", 0o755)
	}
	for name := range testTools {
		w.file("/bin/"+name, toolMagic+name+"\n", 0o755)
	}
	w.file("/etc/passwd", "root:x:0:0:root:/root:/bin/bash\nbob:x:1000:1000::/home/bob:/bin/sh\n", 0o644)
	return w
}

func (w *world) walker() *vfs.Walker {
	root := w.k.Namespace().RootLoc()
	return &vfs.Walker{NS: w.k.Namespace(), Root: root, Cwd: root, Cred: vfs.RootCred()}
}

func (w *world) mkdir(path string) {
	w.tb.Helper()
	wk := w.walker()
	if err := wk.Mkdir(vfs.Loc{}, path, 0o755); err != nil {
		w.tb.Fatal(path, err)
	}
}

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

// result is what a command did.
type result struct {
	stdout, stderr string
	status         linux.WaitStatus
}

var testEnv = []string{"PATH=/bin:/usr/bin", "HOME=/root", "LC_ALL=C", "TZ=UTC0"}

// run runs a command as a child of an init process.
func (w *world) run(stdin string, argv ...string) result {
	w.tb.Helper()
	r, err := w.try(30*time.Second, stdin, argv...)
	if err != nil {
		buf := make([]byte, 1<<20)
		w.tb.Fatalf("%q: %v\nstdout %q\nstderr %q\n%s", argv, err, r.stdout, r.stderr, buf[:runtime.Stack(buf, true)])
	}
	return r
}

func (w *world) try(limit time.Duration, stdin string, argv ...string) (result, error) {
	w.tb.Helper()
	var out, errs syncBuffer
	var r result
	in := w.k.HostReader(strings.NewReader(stdin))
	return w.wait(limit, &r, &out, &errs, in, argv)
}

func (w *world) wait(limit time.Duration, r *result, out, errs *syncBuffer, in *kernel.File, argv []string) (result, error) {
	initProgram := kernel.ProgramFunc(func(t *kernel.Task) int {
		pid, err := t.Spawn(kernel.SpawnOpts{Path: argv[0], Argv: argv, Env: testEnv, Cwd: "/tmp/w"})
		if err != nil {
			fmt.Fprintf(errs, "spawn %s: %v\n", argv[0], err)
			return 127
		}
		for {
			got, st, _, err := t.Wait4(-1, 0)
			if got == pid && err == nil {
				r.status = st
				return 0
			}
			if err != nil && t.Context().Err() != nil {
				return 1
			}
		}
	})
	fo, fe := w.k.HostWriter(out), w.k.HostWriter(errs)
	p, err := w.k.Start(kernel.Exec{Program: initProgram, Argv: []string{"init"}, Env: testEnv, Cred: kernel.RootCredentials(), Umask: 0o22,
		Files: []*kernel.File{in, fo, fe}})
	in.Close()
	fo.Close()
	fe.Close()
	if err != nil {
		return *r, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	if _, err = p.Wait(ctx); err != nil {
		_ = p.Signal(linux.SIGKILL)
	}
	r.stdout, r.stderr = out.String(), errs.String()
	return *r, err
}

func readIn(t *kernel.Task, fd int) string {
	var sb strings.Builder
	b := make([]byte, 4096)
	for {
		n, err := t.Read(fd, b)
		if n <= 0 || err != nil {
			return sb.String()
		}
		sb.Write(b[:n])
	}
}

func put(t *kernel.Task, s string) int {
	for len(s) > 0 {
		n, err := t.Write(1, []byte(s))
		if err != nil {
			return 1
		}
		s = s[n:]
	}
	return 0
}

// each runs f for every operand.
func each(t *kernel.Task, f func(name string) error) int {
	code := 0
	for _, a := range t.Argv()[1:] {
		if strings.HasPrefix(a, "-") {
			continue
		}
		if err := f(a); err != nil {
			t.Write(2, []byte(t.Argv()[0]+": "+a+": "+err.Error()+"\n"))
			code = 1
		}
	}
	return code
}

var testTools = map[string]kernel.ProgramFunc{
	"cat": func(t *kernel.Task) int {
		if len(t.Argv()) == 1 {
			b := make([]byte, 4096)
			for {
				n, err := t.Read(0, b)
				if n <= 0 || err != nil {
					return 0
				}
				if _, err := t.Write(1, b[:n]); err != nil {
					return 1
				}
			}
		}
		return each(t, func(name string) error {
			fd, err := t.Open(linux.AT_FDCWD, name, linux.O_RDONLY, 0)
			if err != nil {
				return err
			}
			defer t.Close(fd)
			put(t, readIn(t, fd))
			return nil
		})
	},
	"sleep": func(t *kernel.Task) int {
		f, _ := strconv.ParseFloat(t.Argv()[1], 64)
		t.Nanosleep(time.Duration(f * float64(time.Second)))
		return 0
	},
	"env":      func(t *kernel.Task) int { return put(t, strings.Join(t.Env(), "\n")+"\n") },
	"printenv": printenv,
	"mkdir": func(t *kernel.Task) int {
		return each(t, func(n string) error { return t.Mkdir(linux.AT_FDCWD, n, 0o777) })
	},
	"rm": func(t *kernel.Task) int {
		return each(t, func(n string) error { return t.Unlink(linux.AT_FDCWD, n, 0) })
	},
	"touch": func(t *kernel.Task) int {
		return each(t, func(n string) error {
			fd, err := t.Open(linux.AT_FDCWD, n, linux.O_WRONLY|linux.O_CREAT, 0o666)
			if err == nil {
				t.Close(fd)
			}
			return err
		})
	},
	"chmod": func(t *kernel.Task) int {
		m, _ := strconv.ParseUint(t.Argv()[1], 8, 32)
		return int(truth(t.Chmod(linux.AT_FDCWD, t.Argv()[2], uint32(m), 0) != nil))
	},
	"mkfifo": func(t *kernel.Task) int {
		return each(t, func(n string) error { return t.Mknod(linux.AT_FDCWD, n, linux.S_IFIFO|0o666, 0) })
	},
	"sort": func(t *kernel.Task) int {
		lines := strings.SplitAfter(readIn(t, 0), "\n")
		sort.Strings(lines)
		return put(t, strings.Join(lines, ""))
	},
	"seq": func(t *kernel.Task) int {
		n, _ := strconv.Atoi(t.Argv()[len(t.Argv())-1])
		var sb strings.Builder
		for i := range n {
			sb.WriteString(strconv.Itoa(i+1) + "\n")
		}
		return put(t, sb.String())
	},
}

func printenv(t *kernel.Task) int {
	for _, e := range t.Env() {
		if name, v, _ := strings.Cut(e, "="); len(t.Argv()) > 1 && name == t.Argv()[1] {
			return put(t, v+"\n")
		}
	}
	return 1
}
