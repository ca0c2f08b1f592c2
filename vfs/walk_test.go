package vfs

import (
	"testing"

	"github.com/sbxrun/sbx/abi/linux"
)

func newTestWalker(t testing.TB, o Options) (*Walker, *FS) {
	t.Helper()
	fs := New(nil, nil, o)
	ns := NewNamespace(fs)
	t.Cleanup(func() {
		ns.Close()
		if err := fs.Close(); err != nil {
			t.Error(err)
		}
	})
	return &Walker{NS: ns, Root: ns.RootLoc(), Cwd: ns.RootLoc(), Cred: RootCred(), Umask: 0o022}, fs
}

func check(t testing.TB, got, want error) {
	t.Helper()
	if got != want {
		t.Fatalf("got %v, want %v", got, want)
	}
}

func writeFile(t testing.TB, w *Walker, path, data string) {
	t.Helper()
	_, h, err := w.Open(Loc{}, path, linux.O_WRONLY|linux.O_CREAT|linux.O_TRUNC, 0o644)
	check(t, err, nil)
	_, err = h.WriteAt([]byte(data), 0)
	check(t, err, nil)
	check(t, h.Close(), nil)
}

func readFile(t testing.TB, w *Walker, path string) string {
	t.Helper()
	_, h, err := w.Open(Loc{}, path, linux.O_RDONLY, 0)
	check(t, err, nil)
	defer h.Close()
	var out []byte
	buf := make([]byte, 100)
	for {
		n, err := h.ReadAt(buf, int64(len(out)))
		check(t, err, nil)
		if n == 0 {
			return string(out)
		}
		out = append(out, buf[:n]...)
	}
}

func TestWalkerBasics(t *testing.T) {
	w, _ := newTestWalker(t, Options{})
	check(t, w.Mkdir(Loc{}, "/a", 0o777), nil)
	check(t, w.Mkdir(Loc{}, "a/b", 0o777), nil)
	writeFile(t, w, "/a/b/f", "hello")
	check(t, w.Symlink("b/f", Loc{}, "/a/l"), nil)
	check(t, w.Link(Loc{}, "/a/l", Loc{}, "/h", linux.AT_SYMLINK_FOLLOW), nil)
	if s := readFile(t, w, "a/l"); s != "hello" {
		t.Fatal(s)
	}
	var a, b Attr
	check(t, w.Stat(Loc{}, "/h", 0, &a), nil)
	check(t, w.Stat(Loc{}, "/a/../a/./b/f", 0, &b), nil)
	if a != b || a.Nlink != 2 || a.Size != 5 || a.Mode != linux.S_IFREG|0o644 {
		t.Fatal(a, b)
	}
	check(t, w.Rename(Loc{}, "/a", Loc{}, "/a/b/c", 0), linux.EINVAL)
	check(t, w.Rename(Loc{}, "/a/b", Loc{}, "/b", 0), nil)
	check(t, w.Rmdir(Loc{}, "/b"), linux.ENOTEMPTY)
	check(t, w.Unlink(Loc{}, "/b"), linux.EISDIR)
	check(t, w.Unlink(Loc{}, "/b/f"), nil)
	check(t, w.Rmdir(Loc{}, "/b"), nil)
	if s := readFile(t, w, "/h"); s != "hello" {
		t.Fatal(s)
	}
	check(t, w.Stat(Loc{}, "/a/l", 0, &a), linux.ENOENT)
}
