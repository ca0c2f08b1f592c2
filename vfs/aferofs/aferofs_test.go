package aferofs

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/spf13/afero"

	"github.com/sbxrun/sbx/vfs"
)

func newFS() *FS { return Of(vfs.New(nil, nil, vfs.Options{})) }

func must[T any](t *testing.T) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestIsAnIOFS(t *testing.T) {
	f := newFS()
	for _, name := range []string{"/etc/passwd", "/etc/ssl/certs/a.pem", "/bin/sh", "/empty"} {
		ok(t, f.MkdirAll(name[:strings.LastIndexByte(name, '/')+1], 0o755))
		ok(t, afero.WriteFile(f, name, []byte("content of "+name), 0o644))
	}
	ok(t, f.MkdirAll("/var/empty", 0o700))
	if err := fstest.TestFS(afero.NewIOFS(f), "etc/passwd", "etc/ssl/certs/a.pem", "bin/sh", "empty", "var/empty"); err != nil {
		t.Error(err)
	}
}

// each runs a test on our face and on a real folder, which has to pass it as well: it is the truth.
func each(t *testing.T, test func(t *testing.T, f afero.Fs)) {
	t.Run("sbx", func(t *testing.T) { test(t, newFS()) })
	t.Run("os", func(t *testing.T) { test(t, afero.NewBasePathFs(afero.NewOsFs(), t.TempDir())) })
}

func TestRemoveOfAFullDirectoryFails(t *testing.T) {
	each(t, func(t *testing.T, f afero.Fs) {
		ok(t, f.MkdirAll("/d/e", 0o755))
		if err := f.Remove("/d"); err == nil {
			t.Error("it was removed")
		}
		if _, err := f.Stat("/d/e"); err != nil {
			t.Errorf("what it held: %v", err)
		}
		ok(t, f.RemoveAll("/d"))
		if _, err := f.Stat("/d"); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("after RemoveAll: %v", err)
		}
	})
}

func TestErrorsOfTheWrongKind(t *testing.T) {
	each(t, func(t *testing.T, f afero.Fs) {
		ok(t, afero.WriteFile(f, "/file", nil, 0o644))
		ok(t, f.Mkdir("/dir", 0o755))
		if err := f.Mkdir("/dir", 0o755); !errors.Is(err, fs.ErrExist) {
			t.Errorf("mkdir over a directory: %v", err)
		}
		if err := f.Mkdir("/none/dir", 0o755); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("mkdir without a parent: %v", err)
		}
		if err := f.MkdirAll("/file/below", 0o755); err == nil {
			t.Error("mkdir below a file worked")
		}
		if _, err := f.OpenFile("/file", os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644); !errors.Is(err, fs.ErrExist) {
			t.Errorf("O_EXCL on a file: %v", err)
		}
		if _, err := f.OpenFile("/dir", os.O_WRONLY, 0); err == nil {
			t.Error("a directory was opened for writing")
		}
		if err := f.Rename("/dir", "/file"); err == nil {
			t.Error("a directory replaced a file")
		}
		if err := f.Remove("/none"); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("remove of nothing: %v", err)
		}
		r := must[afero.File](t)(f.Open("/file"))
		defer r.Close()
		if _, err := r.Write([]byte("x")); err == nil {
			t.Error("wrote to a file opened for reading")
		}
	})
}

func TestTwoAppendersDoNotOverwrite(t *testing.T) {
	each(t, func(t *testing.T, f afero.Fs) {
		const writers, lines = 4, 200
		var wg sync.WaitGroup
		for w := range writers {
			file := must[afero.File](t)(f.OpenFile("/log", os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644))
			wg.Go(func() {
				defer file.Close()
				for i := range lines {
					fmt.Fprintf(file, "writer %d line %03d\n", w, i)
				}
			})
		}
		wg.Wait()
		text := must[[]byte](t)(afero.ReadFile(f, "/log"))
		got := strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
		slices.Sort(got)
		if len(slices.Compact(got)) != writers*lines {
			t.Errorf("%d different lines, want %d", len(slices.Compact(got)), writers*lines)
		}
	})
}

func TestConcurrentReadAt(t *testing.T) {
	each(t, func(t *testing.T, f afero.Fs) {
		data := make([]byte, 1<<16)
		for i := range data {
			data[i] = byte(i >> 8)
		}
		ok(t, afero.WriteFile(f, "/data", data, 0o644))
		file := must[afero.File](t)(f.Open("/data"))
		defer file.Close()
		var wg sync.WaitGroup
		for w := range 8 {
			wg.Go(func() {
				buf := make([]byte, 16)
				for i := range 500 {
					off := (i*37 + w) % 256 * 256
					if _, err := file.ReadAt(buf, int64(off)); err != nil || buf[0] != byte(off>>8) || buf[15] != buf[0] {
						t.Errorf("at %d: %v %v", off, buf, err)
						return
					}
				}
			})
		}
		wg.Wait()
	})
}

func TestOpenFilesOutliveTheirNames(t *testing.T) {
	each(t, func(t *testing.T, f afero.Fs) {
		file := must[afero.File](t)(f.Create("/a"))
		defer file.Close()
		ok(t, f.Remove("/a"))
		must[int](t)(file.WriteString("still here"))
		must[int64](t)(file.Seek(0, io.SeekStart))
		if text := must[[]byte](t)(io.ReadAll(file)); string(text) != "still here" {
			t.Errorf("read %q", text)
		}
	})
}

func TestHolesAndTruncate(t *testing.T) {
	each(t, func(t *testing.T, f afero.Fs) {
		file := must[afero.File](t)(f.Create("/sparse"))
		defer file.Close()
		must[int](t)(file.WriteAt([]byte("end"), 1<<20))
		buf := make([]byte, 8)
		if _, err := file.ReadAt(buf, 4096); err != nil || string(buf) != strings.Repeat("\x00", 8) {
			t.Errorf("a hole holds %q, %v", buf, err)
		}
		ok(t, file.Truncate(10))
		ok(t, file.Truncate(20))
		if info := must[os.FileInfo](t)(file.Stat()); info.Size() != 20 {
			t.Errorf("size %d", info.Size())
		}
		if n, err := file.ReadAt(buf, 16); n != 4 || err != io.EOF {
			t.Errorf("ReadAt over the end: %d, %v", n, err)
		}
	})
}

func TestReaddirInParts(t *testing.T) {
	each(t, func(t *testing.T, f afero.Fs) {
		ok(t, f.Mkdir("/d", 0o755))
		for i := range 25 {
			ok(t, afero.WriteFile(f, fmt.Sprintf("/d/%02d", i), nil, 0o600))
		}
		dir := must[afero.File](t)(f.Open("/d"))
		defer dir.Close()
		var names []string
		for {
			part, err := dir.Readdir(10)
			for _, info := range part {
				names = append(names, info.Name())
				ok(t, f.Remove("/d/"+info.Name())) // removing while reading loses no other
			}
			if err == io.EOF {
				break
			}
			ok(t, err)
		}
		if slices.Sort(names); len(slices.Compact(names)) != 25 {
			t.Errorf("%d names: %q", len(names), names)
		}
	})
}

func TestModesTimesAndLinks(t *testing.T) {
	f := newFS()
	ok(t, f.MkdirAll("/d", 0o755))
	ok(t, afero.WriteFile(f, "/d/file", []byte("x"), 0o640))
	ok(t, f.Chmod("/d/file", 0o755|fs.ModeSetuid))
	if m := must[os.FileInfo](t)(f.Stat("/d/file")).Mode(); m != 0o755|fs.ModeSetuid {
		t.Errorf("mode %v", m)
	}
	when := time.Date(2001, 2, 3, 4, 5, 6, 789, time.UTC)
	ok(t, f.Chtimes("/d/file", time.Time{}, when))
	if got := must[os.FileInfo](t)(f.Stat("/d/file")).ModTime(); !got.Equal(when) {
		t.Errorf("time %v", got)
	}
	ok(t, f.SymlinkIfPossible("file", "/d/link"))
	info, _, err := f.LstatIfPossible("/d/link")
	ok(t, err)
	if info.Mode().Type() != fs.ModeSymlink {
		t.Errorf("lstat of a link: %v", info.Mode())
	}
	if got := must[string](t)(f.ReadlinkIfPossible("/d/link")); got != "file" {
		t.Errorf("readlink: %q", got)
	}
	if text := must[[]byte](t)(afero.ReadFile(f, "/d/link")); string(text) != "x" {
		t.Errorf("through the link: %q", text)
	}
	ok(t, f.Link("/d/file", "/hard"))
	ok(t, afero.WriteFile(f, "/hard", []byte("both"), 0))
	if text := must[[]byte](t)(afero.ReadFile(f, "/d/file")); string(text) != "both" {
		t.Errorf("through the other name: %q", text)
	}
	if a := must[os.FileInfo](t)(f.Stat("/hard")).Sys().(*vfs.Attr); a.Nlink != 2 {
		t.Errorf("%d names", a.Nlink)
	}
	ok(t, f.Chown("/hard", 5, -1))
	if a := must[os.FileInfo](t)(f.Stat("/d/file")).Sys().(*vfs.Attr); a.UID != 5 || a.GID != 0 {
		t.Errorf("owner %d:%d", a.UID, a.GID)
	}
	ok(t, f.RemoveAll("/d"))
	if text := must[[]byte](t)(afero.ReadFile(f, "/hard")); string(text) != "both" {
		t.Errorf("after its other name is gone: %q", text)
	}
}
