package syscalls_test

import (
	"archive/tar"
	"bytes"
	"encoding/binary"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/kernel"
	"github.com/sbxrun/sbx/vfs"
)

// lines is the output of a program, a line at a time.
type lines struct {
	mu  sync.Mutex
	buf bytes.Buffer
	ch  chan string
}

func newLines() *lines { return &lines{ch: make(chan string, 1000)} }

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.buf.Write(p)
	for {
		s, err := l.buf.ReadString('\n')
		if err != nil {
			l.buf.WriteString(s)
			return len(p), nil
		}
		l.ch <- strings.TrimSpace(s)
	}
}

func (w *world) startWith(in io.Reader, out io.Writer, argv ...string) *kernel.Process {
	w.tb.Helper()
	files := []*kernel.File{w.k.HostReader(in), w.k.HostWriter(out), w.k.HostWriter(out)}
	defer func() {
		for _, f := range files {
			f.Close()
		}
	}()
	p, err := w.k.Start(kernel.Exec{Argv: argv, Env: guestEnv, Cwd: "/tmp", Cred: kernel.RootCredentials(), Files: files})
	if err != nil {
		w.tb.Fatalf("start %q: %v", argv, err)
	}
	return p
}

// content reads a file of a fork.
func content(t *testing.T, fs *vfs.FS, path string) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := fs.Diff(&b, vfs.DiffOptions{}); err != nil {
		t.Fatal(err)
	}
	for r := tar.NewReader(&b); ; {
		h, err := r.Next()
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		if strings.Trim(h.Name, "/") == path {
			text, err := io.ReadAll(r)
			if err != nil {
				t.Fatal(err)
			}
			return text
		}
	}
}

// A fork that is taken while a program stores to a mapped file is one moment of it.
func TestForkWhileItIsStoredTo(t *testing.T) {
	const size = 300_000
	w := newWorld(t)
	w.copyIn(build(t, "store"))
	out := newLines()
	p := w.startWith(strings.NewReader(""), out, "store", "count", "/tmp/f", "300000")
	if s := <-out.ch; s != "stores" {
		t.Fatal(s)
	}
	var first, last uint64
	for n := 0; n < 30 || last == first && n < 10000; n++ {
		f := w.fs.Fork()
		text := content(t, f, "tmp/f")
		f.Close()
		if len(text) != size {
			t.Fatalf("%d bytes", len(text))
		}
		a, b := binary.LittleEndian.Uint64(text), binary.LittleEndian.Uint64(text[size-8:])
		if a != b && a != b+1 {
			t.Fatalf("the start has %d, the end %d", a, b)
		}
		if a < last {
			t.Errorf("%d after %d", a, last)
		}
		if last = a; n == 0 {
			first = a
		}
		time.Sleep(time.Millisecond) // the program's turn
	}
	if last == first {
		t.Errorf("%d from first to last: nothing was stored meanwhile", last)
	}
	p.Signal(linux.SIGKILL)
	<-p.Done()
}

// Who saves a filesystem notices every store since the last time, and nothing else.
func TestStoresAreNoticed(t *testing.T) {
	w := newWorld(t)
	w.copyIn(build(t, "store"))
	w.write("/tmp/f", []byte("0"), 0o600)
	in, to := io.Pipe()
	out := newLines()
	p := w.startWith(in, out, "store", "once", "/tmp/f")
	for _, c := range "abc" {
		if s := <-out.ch; s != "ready" {
			t.Fatal(s)
		}
		f := w.fs.Fork()
		saved := f.Generation()
		f.Close()
		if w.fs.Generation() != saved {
			t.Error("a change without a store")
		}
		if _, err := io.WriteString(to, string(c)); err != nil {
			t.Fatal(err)
		}
		if s := <-out.ch; s != "ready" {
			t.Fatal(s)
		}
		if w.fs.Generation() == saved {
			t.Errorf("the store of %c is not noticed", c)
		}
		out.ch <- "ready"
		f = w.fs.Fork()
		if text := content(t, f, "tmp/f"); string(text) != string(c) {
			t.Errorf("%q is saved, not %c", text, c)
		}
		f.Close()
	}
	to.Close()
	<-p.Done()
}

// The quota of a filesystem and the limit of a sandbox hold for what is stored to
// mapped files, and all of it is given back.
func TestMappedFilesCount(t *testing.T) {
	const mega = 1 << 20
	for _, tc := range []struct {
		name          string
		quota, memory int64
		args          string
		out           string
		signal        linux.Signal
	}{
		{"nothing", 0, 0, "fill /tmp/f 33554432", "filled\n", 0},
		{"quota holds", 34 * mega, 0, "fill /tmp/f 33554432", "filled\n", 0},
		{"quota", 16 * mega, 0, "fill /tmp/f 33554432", "", linux.SIGBUS},
		{"quota, growing", 16 * mega, 0, "later /tmp/f 33554432", "ftruncate: No space left on device\n", 0},
		{"quota, reading", 16 * mega, 0, "look /tmp/f 33554432", "read 0\n", 0},
		{"limit", 0, 24 * mega, "fill /tmp/f 33554432", "mmap: Cannot allocate memory\n", 0},
		{"limit, growing", 0, 24 * mega, "later /tmp/f 33554432", "ftruncate: Cannot allocate memory\n", 0},
		{"limit, reading", 0, 24 * mega, "look /tmp/f 33554432", "mmap: Cannot allocate memory\n", 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			disk := vfs.New(nil, nil, vfs.Options{MaxBytes: tc.quota})
			w := newWorld(t, func(c *kernel.Config) { c.Limits.Memory = tc.memory })
			w.copyIn(build(t, "store"))
			at, err := w.w.Resolve(vfs.Loc{}, "/tmp", 0)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := w.k.Namespace().Mount(at, disk, vfs.MountOpts{}); err != nil {
				t.Fatal(err)
			}
			got := w.run(append([]string{"store"}, strings.Fields(tc.args)...)...)
			if got.out != tc.out || linux.Signal(got.status&0x7f) != tc.signal {
				t.Errorf("output %q, status %#x", got.out, got.status)
			}
			used := disk.Usage().Bytes
			if tc.out == "filled\n" && used != 32*mega || tc.out != "filled\n" && used > mega {
				t.Errorf("the file has %d bytes", used)
			}
			if err := w.w.Unlink(vfs.Loc{}, "/tmp/f"); err != nil {
				t.Error(err)
			}
			if u := disk.Usage(); u.Bytes != 0 || u.Inodes != 0 {
				t.Errorf("left over: %+v", u)
			}
			for range 3 { // what was held is free again
				if got := w.run("store", "fill", "/tmp/f", "15000000"); got.out != "filled\n" {
					t.Fatalf("afterwards: %q", got.out)
				}
				if err := w.w.Unlink(vfs.Loc{}, "/tmp/f"); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

// A mapped file of the host's is the host's own.
func TestMapOfABoundFile(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "f")
	if err := os.WriteFile(file, []byte("0123"), 0o600); err != nil {
		t.Fatal(err)
	}
	bound, err := vfs.HostBind(dir, false)
	if err != nil {
		t.Fatal(err)
	}
	defer bound.Close()
	w := newWorld(t)
	w.copyIn(build(t, "store"))
	at, err := w.w.Resolve(vfs.Loc{}, "/tmp", 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.k.Namespace().Mount(at, bound, vfs.MountOpts{}); err != nil {
		t.Fatal(err)
	}
	in, to := io.Pipe()
	out := newLines()
	p := w.startWith(in, out, "store", "once", "/tmp/f")
	for _, c := range "abc" {
		if s := <-out.ch; s != "ready" {
			t.Fatal(s)
		}
		if _, err := io.WriteString(to, string(c)); err != nil {
			t.Fatal(err)
		}
		s := <-out.ch
		if text, err := os.ReadFile(file); err != nil || string(text) != string(c)+"123" {
			t.Errorf("the host reads %q, %v", text, err)
		}
		out.ch <- s
	}
	to.Close()
	<-p.Done()
}
