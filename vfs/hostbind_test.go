package vfs

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"testing"

	"github.com/sbxrun/sbx/abi/linux"
)

// bind makes a folder with a secret beside it, and binds the folder.
func bind(t *testing.T, readOnly bool) (*HostFS, string) {
	t.Helper()
	top := t.TempDir()
	dir := filepath.Join(top, "shared")
	for name, text := range map[string]string{"secret": "s3cret", "shared/a": "hello", "shared/d/b": "deep"} {
		p := filepath.Join(top, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	h, err := HostBind(dir, readOnly)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.Close() })
	return h, dir
}

// walk looks names up one after another.
func hostWalk(t *testing.T, h *HostFS, names ...string) Ino {
	t.Helper()
	at := h.Root()
	for _, name := range names {
		next, err := h.Lookup(at, name)
		if err != nil {
			t.Fatalf("lookup %s of %v: %v", name, names, err)
		}
		at = next
	}
	return at
}

func hostRead(t *testing.T, h *HostFS, ino Ino) string {
	t.Helper()
	f, err := h.Open(ino, linux.O_RDONLY)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	buf := make([]byte, 100)
	n, err := f.ReadAt(buf, 0)
	if err != nil {
		t.Fatal(err)
	}
	return string(buf[:n])
}

func TestHostBindReadsAndWrites(t *testing.T) {
	h, dir := bind(t, false)
	if got := hostRead(t, h, hostWalk(t, h, "d", "b")); got != "deep" {
		t.Errorf("d/b holds %q", got)
	}
	ino, err := h.Create(hostWalk(t, h, "d"), "new", CreateOpts{Mode: linux.S_IFREG | 0o664})
	if err != nil {
		t.Fatal(err)
	}
	f, err := h.Open(ino, linux.O_RDWR)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []string{"one ", "two"} {
		if _, _, err := f.Append([]byte(s)); err != nil {
			t.Fatal(err)
		}
	}
	if err := h.Unlink(h.Root(), "a"); err != nil {
		t.Fatal(err)
	}
	if err := h.Rename(hostWalk(t, h, "d"), "new", h.Root(), "moved", 0); err != nil {
		t.Fatal(err)
	}
	if got := hostWalk(t, h, "moved"); runtime.GOOS != "windows" && got != ino {
		t.Errorf("a rename changed the inode number: %d, was %d", got, ino)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(filepath.Join(dir, "moved")); err != nil || string(text) != "one two" {
		t.Errorf("the host sees %q, %v", text, err)
	}
	if _, err := os.Stat(filepath.Join(dir, "a")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("unlink did not reach the host: %v", err)
	}
	var a Attr
	if err := h.Getattr(ino, &a); runtime.GOOS == "linux" && (err != nil || a.Mode != linux.S_IFREG|0o664 || a.Size != 7) {
		t.Errorf("attr %+v, %v; want mode 664 whatever the host's umask, size 7", a, err)
	}
}

func TestHostBindReadOnly(t *testing.T) {
	h, _ := bind(t, true)
	a := hostWalk(t, h, "a")
	_, create := h.Create(h.Root(), "x", CreateOpts{Mode: linux.S_IFREG | 0o644})
	_, open := h.Open(a, linux.O_WRONLY)
	for what, err := range map[string]error{
		"create": create, "open for writing": open,
		"unlink": h.Unlink(h.Root(), "a"), "rmdir": h.Rmdir(h.Root(), "d"),
		"rename": h.Rename(h.Root(), "a", h.Root(), "z", 0), "link": h.Link(a, h.Root(), "z"),
		"chmod": h.Setattr(a, &SetAttr{Valid: SetMode, Mode: 0}),
	} {
		if err != linux.EROFS {
			t.Errorf("%s: %v, want EROFS", what, err)
		}
	}
	if got := hostRead(t, h, a); got != "hello" {
		t.Errorf("a holds %q", got)
	}
}

func TestHostBindNeverLeavesItsFolder(t *testing.T) {
	h, dir := bind(t, false)
	if err := os.Symlink("../secret", filepath.Join(dir, "out")); err != nil {
		t.Skipf("no symbolic links here: %v", err)
	}
	os.Symlink("..", filepath.Join(dir, "up"))
	os.Symlink(filepath.Dir(dir), filepath.Join(dir, "abs"))
	for _, name := range []string{"..", ".", "", "../secret", "d/../../secret", "up/secret", "a\x00b"} {
		if ino, err := h.Lookup(h.Root(), name); err == nil {
			t.Errorf("lookup %q found inode %d", name, ino)
		}
		if _, err := h.Create(h.Root(), name, CreateOpts{Mode: linux.S_IFREG | 0o644}); err == nil {
			t.Errorf("create %q worked", name)
		}
	}
	for _, name := range []string{"out", "up", "abs"} {
		link := hostWalk(t, h, name)
		if _, err := h.Open(link, linux.O_RDONLY); err == nil {
			t.Errorf("open followed the link %s", name)
		}
		if ino, err := h.Lookup(link, "secret"); err == nil {
			t.Errorf("%s/secret is inode %d", name, ino)
		}
		if err := h.Setattr(link, &SetAttr{Valid: SetSize}); err == nil {
			t.Errorf("truncate followed the link %s", name)
		}
		if _, err := h.Create(link, "made", CreateOpts{Mode: linux.S_IFREG | 0o644}); err == nil {
			t.Errorf("create worked through the link %s", name)
		}
	}
	if text, _ := os.ReadFile(filepath.Join(filepath.Dir(dir), "secret")); string(text) != "s3cret" {
		t.Errorf("the secret is %q now", text)
	}
}

// TestHostBindRace swaps a folder for a link to the outside again and again while the guest reads through it.
func TestHostBindRace(t *testing.T) {
	h, dir := bind(t, false)
	out := filepath.Join(filepath.Dir(dir), "outside")
	if err := os.Mkdir(out, 0o755); err != nil {
		t.Fatal(err)
	}
	os.WriteFile(filepath.Join(out, "b"), []byte("s3cret"), 0o644)
	if err := os.Symlink(out, filepath.Join(dir, "link")); err != nil {
		t.Skipf("no symbolic links here: %v", err)
	}
	stop := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				os.Rename(filepath.Join(dir, "d"), filepath.Join(dir, "aside"))
				os.Rename(filepath.Join(dir, "link"), filepath.Join(dir, "d"))
				os.Rename(filepath.Join(dir, "d"), filepath.Join(dir, "link"))
				os.Rename(filepath.Join(dir, "aside"), filepath.Join(dir, "d"))
			}
		}
	})
	for range 3000 {
		d, err := h.Lookup(h.Root(), "d")
		if err != nil {
			continue
		}
		b, err := h.Lookup(d, "b")
		if err != nil {
			continue
		}
		f, err := h.Open(b, linux.O_RDONLY)
		if err != nil {
			continue
		}
		buf := make([]byte, 16)
		if n, _ := f.ReadAt(buf, 0); string(buf[:n]) == "s3cret" {
			t.Error("read a file outside the folder")
		}
		f.Close()
	}
	close(stop)
	wg.Wait()
}

func TestHostBindOfOneFile(t *testing.T) {
	_, dir := bind(t, false)
	h, err := HostBind(filepath.Join(dir, "a"), false)
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	if got := hostRead(t, h, h.Root()); got != "hello" {
		t.Errorf("the root holds %q", got)
	}
	if _, err := h.Lookup(h.Root(), "d"); err != linux.ENOTDIR {
		t.Errorf("lookup below a file: %v", err)
	}
	if _, err := HostBind(filepath.Join(dir, "none"), false); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("binding nothing: %v", err)
	}
}

func TestHostBindUnlinkedFileStaysReadable(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows does not remove open files")
	}
	h, _ := bind(t, false)
	a := hostWalk(t, h, "a")
	f, err := h.Open(a, linux.O_RDWR)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := h.Unlink(h.Root(), "a"); err != nil {
		t.Fatal(err)
	}
	if _, _, err := f.Append([]byte(" again")); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 32)
	if n, err := f.ReadAt(buf, 0); err != nil || string(buf[:n]) != "hello again" {
		t.Errorf("read %q, %v", buf[:n], err)
	}
	var at Attr
	if err := h.Getattr(a, &at); err != nil || at.Size != 11 || at.Nlink != 0 {
		t.Errorf("attr %+v, %v", at, err)
	}
}

func TestHostBindListsAndForgets(t *testing.T) {
	h, dir := bind(t, false)
	d, err := h.Open(h.Root(), linux.O_RDONLY)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	var names []string
	if err := d.ReadDir(0, func(e DirEntry) bool { names = append(names, e.Name); return true }); err != nil {
		t.Fatal(err)
	}
	slices.Sort(names)
	if want := []string{".", "..", "a", "d"}; !slices.Equal(names, want) {
		t.Errorf("names %q, want %q", names, want)
	}
	pinned := hostWalk(t, h, "a")
	h.Ref(pinned)
	deep := hostWalk(t, h, "d", "b")
	for i := range 3 * hostCacheInodes { // two turns of the generations, without making so many files
		h.at(h.top, "x", hostID{path: filepath.Join(dir, "x", string(rune(i)))})
	}
	if len(h.fresh.byIno)+len(h.stale.byIno) > 2*hostCacheInodes+8 {
		t.Errorf("%d inodes are remembered", len(h.fresh.byIno)+len(h.stale.byIno))
	}
	if got := hostWalk(t, h, "a"); got != pinned {
		t.Errorf("a pinned inode was forgotten: %d, was %d", got, pinned)
	}
	var a Attr
	if err := h.Getattr(deep, &a); err != linux.ESTALE {
		t.Errorf("a forgotten inode: %v, want ESTALE", err)
	}
	if hostRead(t, h, hostWalk(t, h, "d", "b")) != "deep" {
		t.Error("it cannot be looked up again")
	}
	h.Unref(pinned)
}
