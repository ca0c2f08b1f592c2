package syscalls_test

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/cpu"
	"github.com/sbxrun/sbx/cpu/memory"
	"github.com/sbxrun/sbx/cpu/rewrite"
	"github.com/sbxrun/sbx/kernel"
	"github.com/sbxrun/sbx/kernel/syscalls"
	"github.com/sbxrun/sbx/vfs"
)

// host makes windows and the fast executor.
type host struct{}

func (host) NewWindow() (*memory.Window, error) { return memory.New(rewrite.Room) }

func (host) NewExecutor(w *memory.Window, code cpu.Code) (cpu.Executor, error) {
	return rewrite.NewSpace(w, code)
}

// buildDir holds what gcc made, for all tests.
var buildDir string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "sbx-syscalls")
	if err != nil {
		panic(err)
	}
	buildDir = dir
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

var (
	buildMu sync.Mutex
	built   = map[string]error{}
)

// build compiles testdata/NAME.c to a static program and returns where it is.
func build(tb testing.TB, name string) string {
	tb.Helper()
	gcc, err := exec.LookPath("gcc")
	if err != nil {
		tb.Skip("no gcc to make guest programs with")
	}
	bin := filepath.Join(buildDir, name)
	buildMu.Lock()
	defer buildMu.Unlock()
	err, ok := built[name]
	if !ok {
		probe := exec.Command(gcc, "-static", "-x", "c", "-", "-o", bin)
		probe.Stdin = strings.NewReader("int main(void){return 0;}")
		if out, err := probe.CombinedOutput(); err != nil {
			tb.Skipf("gcc makes no static programs here: %s", out)
		}
		out, e := exec.Command(gcc, "-static", "-O1", "-mavx2", "-pthread", "-w", "-o", bin, filepath.Join("testdata", name+".c"), "-lm").CombinedOutput()
		if err = e; err != nil {
			tb.Logf("%s", out)
		}
		built[name] = err
	}
	if err != nil {
		tb.Fatalf("%s.c: %v", name, err)
	}
	return bin
}

// world is a kernel over an empty tmpfs that runs machine code.
type world struct {
	tb     testing.TB
	k      *kernel.Kernel
	fs     *vfs.FS
	w      *vfs.Walker
	loader *syscalls.Loader
}

func newWorld(tb testing.TB, edit ...func(*kernel.Config)) *world {
	tb.Helper()
	w := &world{tb: tb, fs: vfs.New(nil, nil, vfs.Options{Type: "tmpfs"}), loader: syscalls.New(syscalls.Config{Host: host{}})}
	c := kernel.Config{Processor: rewrite.Processor, Root: w.fs, Hostname: "box", Loaders: []kernel.Loader{w.loader}, CPUs: 2}
	for _, e := range edit {
		e(&c)
	}
	k, err := kernel.New(c)
	if err != nil {
		tb.Fatal(err)
	}
	w.k = k
	tb.Cleanup(w.close)
	if _, err := k.Start(kernel.Exec{Program: kernel.ProgramFunc(initProcess), Argv: []string{"init"}, Cred: kernel.RootCredentials()}); err != nil {
		tb.Fatal(err)
	}
	ns := k.Namespace()
	w.w = &vfs.Walker{NS: ns, Root: ns.RootLoc(), Cwd: ns.RootLoc(), Cred: vfs.RootCred()}
	for _, dir := range []string{"/bin", "/tmp"} {
		if err := w.w.Mkdir(vfs.Loc{}, dir, 0o777); err != nil {
			tb.Fatal(err)
		}
	}
	return w
}

// close ends the kernel: once is enough.
func (w *world) close() {
	if w.k == nil {
		return
	}
	if err := w.k.Close(); err != nil {
		w.tb.Error(err)
	}
	w.fs.Close()
	w.k = nil
}

// initProcess keeps the kernel up between runs: it ends with its process 1.
func initProcess(t *kernel.Task) int {
	t.Sigaction(linux.SIGCHLD, kernel.SigIgnore)
	for t.Context().Err() == nil {
		t.Pause()
	}
	return 0
}

func (w *world) write(name string, text []byte, mode uint32) {
	w.tb.Helper()
	_, h, err := w.w.Open(vfs.Loc{}, name, linux.O_CREAT|linux.O_TRUNC|linux.O_WRONLY, mode)
	if err != nil {
		w.tb.Fatal(name, err)
	}
	defer h.Close()
	for off := 0; off < len(text); {
		n, err := h.WriteAt(text[off:], int64(off))
		if err != nil {
			w.tb.Fatal(name, err)
		}
		off += n
	}
}

// copyIn puts a program of the host's into /bin.
func (w *world) copyIn(bin string) string {
	w.tb.Helper()
	text, err := os.ReadFile(bin)
	if err != nil {
		w.tb.Fatal(err)
	}
	name := "/bin/" + filepath.Base(bin)
	w.write(name, text, 0o755)
	return name
}

// result is how a program ended.
type result struct {
	out    string
	status linux.WaitStatus
}

var guestEnv = []string{"PATH=/bin", "LC_ALL=C", "FOO=bar baz"}

// start starts a program; its output, both, goes to out.
func (w *world) start(out *bytes.Buffer, argv ...string) *kernel.Process {
	w.tb.Helper()
	in, to := w.k.HostReader(strings.NewReader("")), w.k.HostWriter(out)
	defer in.Close()
	defer to.Close()
	p, err := w.k.Start(kernel.Exec{Argv: argv, Env: guestEnv, Cwd: "/tmp", Cred: kernel.RootCredentials(), Umask: 0o22, Files: []*kernel.File{in, to, to}})
	if err != nil {
		w.tb.Fatalf("start %q: %v", argv, err)
	}
	return p
}

// wait waits for a process to end; one that hangs is a failure.
func (w *world) wait(p *kernel.Process, out *bytes.Buffer) linux.WaitStatus {
	w.tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	st, err := p.Wait(ctx)
	if err != nil {
		b := make([]byte, 1<<18)
		b = b[:runtime.Stack(b, true)]
		p.Signal(linux.SIGKILL)
		<-p.Done()
		w.tb.Fatalf("%v; output %q\n%s", err, out, b)
	}
	return st
}

func (w *world) run(argv ...string) result {
	w.tb.Helper()
	var out bytes.Buffer
	st := w.wait(w.start(&out, argv...), &out)
	return result{out.String(), st}
}

// native runs a program on the host as start does in the world.
func native(tb testing.TB, bin string, args ...string) result {
	tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	c := exec.CommandContext(ctx, bin, args...)
	c.Args[0], c.Env, c.Dir = filepath.Base(bin), guestEnv, tb.TempDir()
	c.WaitDelay = time.Second // for what it left behind, which has its output too
	var out bytes.Buffer
	c.Stdout, c.Stderr = &out, &out
	err := c.Run()
	if c.ProcessState == nil {
		tb.Fatal(err)
	}
	if ctx.Err() != nil {
		tb.Fatalf("%s hangs on the host; output %q", bin, &out)
	}
	st := c.ProcessState.Sys().(syscall.WaitStatus)
	return result{out.String(), linux.WaitStatus(st &^ 0x80)} // whether a core was written is the host's affair
}

// compare runs a program here and there: the same output, the same status.
func compare(t *testing.T, name string, args ...string) {
	t.Helper()
	bin := build(t, name)
	want := native(t, bin, args...)
	w := newWorld(t)
	w.copyIn(bin)
	got := w.run(append([]string{name}, args...)...)
	if got.status &^= 0x80; got.status != want.status {
		t.Errorf("status %#x, want %#x", got.status, want.status)
	}
	if got.out == want.out {
		return
	}
	a, b := strings.Split(got.out, "\n"), strings.Split(want.out, "\n")
	shown := 0
	for i := 0; i < max(len(a), len(b)) && shown < 60; i++ {
		var x, y string
		if i < len(a) {
			x = a[i]
		}
		if i < len(b) {
			y = b[i]
		}
		if x != y {
			t.Errorf("line %d: got %q, want %q", i+1, x, y)
			shown++
		}
	}
	if m := w.loader.Missing(); len(m) > 0 {
		t.Logf("calls without a handler: %v", m)
	}
}
