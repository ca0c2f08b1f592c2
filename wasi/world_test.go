package wasi_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/kernel"
	"github.com/sbxrun/sbx/shell"
	"github.com/sbxrun/sbx/tools"
	"github.com/sbxrun/sbx/vfs"
	"github.com/sbxrun/sbx/wasi"
)

// engine is shared by the tests, as it is by the containers of one sbx.
var engine *wasi.Engine

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "sbx-wasi")
	if err != nil {
		panic(err)
	}
	engine = wasi.New(wasi.Config{CacheDir: dir})
	code := m.Run()
	if err := engine.Close(); err != nil {
		fmt.Fprintln(os.Stderr, "close:", err)
		code = 1
	}
	os.RemoveAll(dir)
	os.Exit(code)
}

// baseFS is the userland that every world is a fork of.
var baseFS = sync.OnceValue(func() *vfs.FS {
	fs := vfs.New(nil, nil, vfs.Options{Type: "tmpfs"})
	w := rootWalker(fs)
	for _, dir := range []string{"/bin", "/etc", "/lib", "/tmp", "/usr", "/usr/lib", "/usr/share", "/root"} {
		must(w.Mkdir(vfs.Loc{}, dir, 0o755))
	}
	must(w.Chmod(vfs.Loc{}, "/tmp", 0o1777, 0))
	for _, m := range tools.Modules() {
		file := "/lib/" + m.Name + ".wasm"
		writeFile(w, file, m.Wasm(), 0o755)
		for _, tool := range m.Tools {
			if err := w.Link(vfs.Loc{}, file, vfs.Loc{}, "/bin/"+tool, 0); err != nil && err != linux.EEXIST {
				panic(err)
			}
		}
	}
	for _, sh := range []string{"sh", "bash"} {
		writeFile(w, "/bin/"+sh, []byte(kernel.BuiltinMagic+sh+"\n"), 0o755)
	}
	for _, name := range []string{"/etc/passwd", "/etc/group"} {
		text, err := os.ReadFile(name)
		if err != nil {
			text = []byte("root:x:0:0:root:/root:/bin/sh\ndaemon:x:1:1:daemon:/:/bin/sh\n")
		}
		writeFile(w, name, text, 0o644)
	}
	return fs
})

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func rootWalker(fs vfs.Super) *vfs.Walker {
	ns := vfs.NewNamespace(fs)
	return &vfs.Walker{NS: ns, Root: ns.RootLoc(), Cwd: ns.RootLoc(), Cred: vfs.RootCred()}
}

func writeFile(w *vfs.Walker, name string, text []byte, mode uint32) {
	_, h, err := w.Open(vfs.Loc{}, name, linux.O_CREAT|linux.O_TRUNC|linux.O_WRONLY, mode)
	must(err)
	defer h.Close()
	for off := 0; off < len(text); {
		n, err := h.WriteAt(text[off:], int64(off))
		must(err)
		off += n
	}
}

// world is one sandbox with the userland in it.
type world struct {
	tb testing.TB
	k  *kernel.Kernel
	w  *vfs.Walker
}

func newWorld(tb testing.TB, edit ...func(*kernel.Config)) *world {
	tb.Helper()
	fs := baseFS().Fork()
	c := kernel.Config{Root: fs, Hostname: "box", Loaders: []kernel.Loader{shell.Loader(), engine}}
	for _, e := range edit {
		e(&c)
	}
	k, err := kernel.New(c)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		k.Close()
		fs.Close()
	})
	if _, err := k.Start(kernel.Exec{Program: kernel.ProgramFunc(initProcess), Argv: []string{"init"}, Cred: kernel.RootCredentials()}); err != nil {
		tb.Fatal(err)
	}
	ns := k.Namespace()
	return &world{tb: tb, k: k, w: &vfs.Walker{NS: ns, Root: ns.RootLoc(), Cwd: ns.RootLoc(), Cred: vfs.RootCred()}}
}

// initProcess keeps the kernel up between runs: it ends with its process 1.
func initProcess(t *kernel.Task) int {
	t.Sigaction(linux.SIGCHLD, kernel.SigIgnore)
	for t.Context().Err() == nil {
		t.Pause()
	}
	return 0
}

func (w *world) mkdirAll(dir string) {
	w.tb.Helper()
	made := ""
	for part := range strings.SplitSeq(strings.Trim(dir, "/"), "/") {
		made += "/" + part
		if err := w.w.Mkdir(vfs.Loc{}, made, 0o755); err != nil && err != linux.EEXIST {
			w.tb.Fatal(made, err)
		}
	}
}

func (w *world) write(name string, text []byte, mode uint32) {
	w.mkdirAll(path.Dir(name))
	writeFile(w.w, name, text, mode)
}

// run is one program to run in a world.
type run struct {
	argv    []string
	env     []string
	cwd     string
	stdin   string
	timeout time.Duration
}

type result struct {
	out, err string
	status   linux.WaitStatus
}

func (r result) String() string {
	return fmt.Sprintf("stdout %q, stderr %q, status %d (%v)", r.out, r.err, r.status.ShellCode(), r.status.Signaled())
}

func (w *world) start(r run, out, errOut *bytes.Buffer) *kernel.Process {
	w.tb.Helper()
	files := []*kernel.File{w.k.HostReader(strings.NewReader(r.stdin)), w.k.HostWriter(out), w.k.HostWriter(errOut)}
	env := append(slices.Clone(r.env), "PATH=/bin", "LC_ALL=C", "TZ=UTC", "HOME=/root", "TERM=xterm")
	p, err := w.k.Start(kernel.Exec{Argv: r.argv, Env: env, Cwd: r.cwd, Cred: kernel.RootCredentials(), Umask: 0o22, Files: files})
	for _, f := range files {
		f.Close()
	}
	if err != nil {
		w.tb.Fatalf("start %q: %v", r.argv, err)
	}
	return p
}

func (w *world) run(r run) result {
	w.tb.Helper()
	if r.timeout == 0 {
		r.timeout = 60 * time.Second
	}
	var out, errOut bytes.Buffer
	p := w.start(r, &out, &errOut)
	ctx, cancel := context.WithTimeout(context.Background(), r.timeout)
	defer cancel()
	st, err := p.Wait(ctx)
	if err != nil {
		p.Signal(linux.SIGKILL)
		<-p.Done()
		w.tb.Errorf("%q: %v; stdout %q stderr %q", r.argv, err, out.String(), errOut.String())
	}
	return result{out.String(), errOut.String(), st}
}

// sh runs a command line.
func (w *world) sh(line string) result {
	w.tb.Helper()
	return w.run(run{argv: []string{"sh", "-c", line}, cwd: "/tmp"})
}
