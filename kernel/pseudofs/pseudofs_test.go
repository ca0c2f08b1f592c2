package pseudofs

import (
	"bytes"
	"errors"
	"testing"

	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/vfs"
)

var (
	_ vfs.Handle = (*File)(nil)
	_ vfs.Handle = (*Dir)(nil)
)

func TestFile(t *testing.T) {
	stored := ""
	f := &File{Render: func() ([]byte, error) { return []byte("hello"), nil }, Store: func(p []byte) error { stored = string(p); return nil }}
	p := make([]byte, 3)
	for _, c := range []struct {
		off  int64
		want string
		err  error
	}{{0, "hel", nil}, {3, "lo", nil}, {5, "", nil}, {1 << 40, "", nil}, {-1, "", linux.EINVAL}} {
		if n, err := f.ReadAt(p, c.off); string(p[:n]) != c.want || !errors.Is(err, c.err) {
			t.Errorf("at %d: %q, %v", c.off, p[:n], err)
		}
	}
	if n, err := f.WriteAt([]byte("new"), 4); n != 3 || err != nil || stored != "new" {
		t.Errorf("write: %d, %v, %q", n, err, stored)
	}
	if _, _, err := (&File{}).Append([]byte("x")); err != linux.EACCES {
		t.Errorf("write without Store: %v", err)
	}
	if off, err := f.SeekHole(2); off != 5 || err != nil {
		t.Errorf("hole at %d, %v", off, err)
	}
	if _, err := f.SeekData(5); err != linux.ENXIO {
		t.Errorf("data past the end: %v", err)
	}
	if err := f.ReadDir(0, nil); err != linux.ENOTDIR {
		t.Errorf("ReadDir: %v", err)
	}
}

// TestFileIsReadAnew reads a file whose content grows: it is another from the start on only.
func TestFileIsReadAnew(t *testing.T) {
	n := 0
	f := &File{Render: func() ([]byte, error) {
		if n++; n > 3 {
			return nil, linux.ESRCH
		}
		return bytes.Repeat([]byte{byte('0' + n)}, 2+n), nil
	}}
	p := make([]byte, 3)
	for _, c := range []struct {
		off  int64
		want string
		err  error
	}{{1, "11", nil}, {0, "222", nil}, {3, "2", nil}, {4, "", nil}, {0, "333", nil}, {3, "33", nil}, {0, "", linux.ESRCH}} {
		if n, err := f.ReadAt(p, c.off); string(p[:n]) != c.want || err != c.err {
			t.Errorf("at %d: %q, %v, want %q, %v", c.off, p[:n], err, c.want, c.err)
		}
	}
}

func TestDirStopsWhenTold(t *testing.T) {
	d := &Dir{Self: 1, Parent: 2, List: func(after uint64, fn func(vfs.DirEntry) bool) error {
		if after < 3 {
			fn(vfs.DirEntry{Name: "a", Ino: 3, Cookie: 3})
		}
		return nil
	}}
	for cookie, want := range []string{".", "..", "a", ""} {
		got := ""
		d.ReadDir(uint64(cookie), func(e vfs.DirEntry) bool { got = e.Name; return false })
		if got != want {
			t.Errorf("after %d comes %q, want %q", cookie, got, want)
		}
	}
	if _, err := d.ReadAt(nil, 0); err != linux.EISDIR {
		t.Errorf("read: %v", err)
	}
}

func TestBaseRefuses(t *testing.T) {
	var b Base
	if err := b.Setattr(1, &vfs.SetAttr{Valid: vfs.SetMode}); err != linux.EPERM {
		t.Errorf("chmod: %v", err)
	}
	if err := b.Setattr(1, &vfs.SetAttr{Valid: vfs.SetSize | vfs.SetMtime}); err != nil {
		t.Errorf("truncate: %v", err)
	}
	for name, err := range map[string]error{
		"link": b.Link(1, 2, "x"), "unlink": b.Unlink(1, "x"), "rmdir": b.Rmdir(1, "x"), "rename": b.Rename(1, "a", 1, "b", 0),
	} {
		if err != linux.EPERM {
			t.Errorf("%s: %v", name, err)
		}
	}
}
