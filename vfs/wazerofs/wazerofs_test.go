package wazerofs

import (
	"bytes"
	"context"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/experimental/sys"
	"github.com/tetratelabs/wazero/experimental/sysfs"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"
	wsys "github.com/tetratelabs/wazero/sys"

	"github.com/sbxrun/sbx/vfs"
)

func newFS() *FS {
	ns := vfs.NewNamespace(vfs.New(nil, nil, vfs.Options{}))
	return New(&vfs.Walker{NS: ns, Root: ns.RootLoc(), Cwd: ns.RootLoc(), Cred: vfs.RootCred()})
}

// TestSameAsAFolder runs one list of operations here and on wazero's own face of a real folder.
func TestSameAsAFolder(t *testing.T) {
	open := func(path string, flag sys.Oflag, use func(sys.File) sys.Errno) func(sys.FS) sys.Errno {
		return func(f sys.FS) sys.Errno {
			file, err := f.OpenFile(path, flag, 0o644)
			if err != 0 {
				return err
			}
			defer file.Close()
			return use(file)
		}
	}
	write := func(file sys.File) sys.Errno { _, err := file.Write([]byte("hello")); return err }
	read := func(want string) func(sys.File) sys.Errno {
		return func(file sys.File) sys.Errno {
			buf := make([]byte, 64)
			n, err := file.Read(buf)
			if string(buf[:n]) != want {
				t.Errorf("read %q, want %q", buf[:n], want)
			}
			return err
		}
	}
	steps := []struct {
		name string
		do   func(sys.FS) sys.Errno
	}{
		{"mkdir", func(f sys.FS) sys.Errno { return f.Mkdir("d", 0o755) }},
		{"mkdir again", func(f sys.FS) sys.Errno { return f.Mkdir("d", 0o755) }},
		{"open nothing", open("none", sys.O_RDONLY, write)},
		{"create", open("d/a", sys.O_CREAT|sys.O_WRONLY, write)},
		{"append", open("d/a", sys.O_APPEND|sys.O_WRONLY, write)},
		{"read", open("d/a", sys.O_RDONLY, read("hellohello"))},
		{"write to a reader", open("d/a", sys.O_RDONLY, write)},
		{"exclusive", open("d/a", sys.O_CREAT|sys.O_EXCL|sys.O_WRONLY, write)},
		{"write a directory", open("d", sys.O_RDWR, write)},
		{"truncate", open("d/a", sys.O_RDWR, func(f sys.File) sys.Errno { return f.Truncate(3) })},
		{"read again", open("d/a", sys.O_RDONLY, read("hel"))},
		{"symlink", func(f sys.FS) sys.Errno { return f.Symlink("a", "d/l") }},
		{"through it", open("d/l", sys.O_RDONLY, read("hel"))},
		{"readlink", func(f sys.FS) sys.Errno {
			got, err := f.Readlink("d/l")
			if got != "a" {
				t.Errorf("readlink %q", got)
			}
			return err
		}},
		{"link", func(f sys.FS) sys.Errno { return f.Link("d/a", "d/h") }},
		{"stat", func(f sys.FS) sys.Errno {
			st, err := f.Stat("d/h")
			if st.Nlink != 2 || st.Size != 3 || st.Mode.Type() != 0 {
				t.Errorf("stat %+v", st)
			}
			return err
		}},
		{"lstat", func(f sys.FS) sys.Errno {
			st, err := f.Lstat("d/l")
			if st.Mode.Type() != fs.ModeSymlink {
				t.Errorf("lstat %+v", st)
			}
			return err
		}},
		{"utimens", func(f sys.FS) sys.Errno { return f.Utimens("d/a", sys.UTIME_OMIT, -1_500_000_001) }},
		{"its time", func(f sys.FS) sys.Errno {
			st, err := f.Stat("d/a")
			if st.Mtim != -1_500_000_001 {
				t.Errorf("mtime %d", st.Mtim)
			}
			return err
		}},
		{"readdir", open("d", sys.O_RDONLY, func(f sys.File) sys.Errno {
			list, err := f.Readdir(-1)
			if len(list) != 3 {
				t.Errorf("entries %v", list)
			}
			return err
		})},
		{"readdir of a file", open("d/a", sys.O_RDONLY, func(f sys.File) sys.Errno { _, err := f.Readdir(-1); return err })},
		{"rmdir full", func(f sys.FS) sys.Errno { return f.Rmdir("d") }},
		{"unlink", func(f sys.FS) sys.Errno { return f.Unlink("d/a") }},
		{"rename", func(f sys.FS) sys.Errno { return f.Rename("d/h", "moved") }},
		{"rmdir a file", func(f sys.FS) sys.Errno { return f.Rmdir("moved") }},
		{"chmod", func(f sys.FS) sys.Errno { return f.Chmod("moved", 0o600) }},
	}
	ours, theirs := sys.FS(newFS()), sysfs.DirFS(t.TempDir())
	for _, s := range steps {
		if got, want := s.do(ours), s.do(theirs); got != want {
			t.Errorf("%s: %v, on a folder %v", s.name, got, want)
		}
	}
}

const guest = `package main

import (
	"fmt"
	"os"
)

func main() {
	check := func(err error) {
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
	}
	check(os.MkdirAll("/a/b", 0o755))
	check(os.WriteFile("/a/b/file", []byte("from the guest"), 0o644))
	check(os.Rename("/a/b/file", "/a/moved"))
	entries, err := os.ReadDir("/a")
	check(err)
	for _, e := range entries {
		fmt.Println(e.Name(), e.IsDir())
	}
}
`

// TestUnderWazero runs a Go program built for WASI with this as its files.
func TestUnderWazero(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "main.go"), []byte(guest), 0o644); err != nil {
		t.Fatal(err)
	}
	build := exec.Command("go", "build", "-o", "guest.wasm", "main.go")
	build.Dir, build.Env = dir, append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm")
	if out, err := build.CombinedOutput(); err != nil {
		t.Skipf("cannot build for wasip1: %v %s", err, out)
	}
	code, err := os.ReadFile(filepath.Join(dir, "guest.wasm"))
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	r := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfigInterpreter())
	defer r.Close(ctx)
	wasi_snapshot_preview1.MustInstantiate(ctx, r)
	files := newFS()
	var out bytes.Buffer
	config := wazero.NewModuleConfig().WithStdout(&out).WithStderr(&out).
		WithFSConfig(wazero.NewFSConfig().(sysfs.FSConfig).WithSysFSMount(files, "/"))
	_, err = r.InstantiateWithConfig(ctx, code, config)
	if exit, isExit := err.(*wsys.ExitError); err != nil && (!isExit || exit.ExitCode() != 0) {
		t.Fatalf("%v: %s", err, out.String())
	}
	if got := strings.Fields(out.String()); strings.Join(got, " ") != "b true moved false" {
		t.Errorf("it printed %q", got)
	}
	if st, e := files.Stat("a/moved"); e != 0 || st.Size != 14 {
		t.Errorf("the file it made: %+v, %v", st, e)
	}
}
