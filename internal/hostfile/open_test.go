package hostfile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

// What is opened behaves as if package os had opened it.
func TestAsPackageOS(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "file")
	if _, err := Open(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing file: %v", err)
	}
	var failed *fs.PathError
	if _, err := ReadFile(path); !errors.As(err, &failed) || failed.Path != path || failed.Op != "open" {
		t.Errorf("a missing file: %v", err)
	}
	for _, text := range []string{"long text", "short"} {
		if err := WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if b, err := ReadFile(path); err != nil || string(b) != text {
			t.Errorf("%q, %v after %q", b, err, text)
		}
	}
	if _, err := OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600); !errors.Is(err, fs.ErrExist) {
		t.Errorf("a file that exists: %v", err)
	}
	f, err := OpenFile(path, os.O_RDWR|os.O_APPEND, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteAt([]byte("x"), 0); err == nil {
		t.Error("WriteAt works on a file that is appended to")
	}
	if _, err := f.Write([]byte(" and more")); err != nil {
		t.Error(err)
	}
	var b [20]byte
	if n, _ := f.ReadAt(b[:], 0); string(b[:n]) != "short and more" || f.Name() != path {
		t.Errorf("%s has %q", f.Name(), b[:n])
	}
	if err := os.Chmod(path, 0); err == nil && os.Getuid() != 0 {
		if _, err := Open(path); !errors.Is(err, fs.ErrPermission) {
			t.Errorf("a file that may not be read: %v", err)
		}
	}
	other, plain := filepath.Join(dir, "other"), filepath.Join(dir, "plain")
	if err := errors.Join(WriteFile(other, nil, 0o666), os.WriteFile(plain, nil, 0o666)); err != nil {
		t.Fatal(err)
	}
	mine, err := os.Stat(other)
	theirs, perr := os.Stat(plain)
	if err != nil || perr != nil || mine.Mode() != theirs.Mode() {
		t.Errorf("mode %v, of package os %v", mine.Mode(), theirs.Mode())
	}
}
