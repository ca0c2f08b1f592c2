package vfs

import (
	"testing"

	"github.com/sbxrun/sbx/abi/linux"
)

// A way that was walked often enough to be remembered is still what the tree
// says after anything on it changed.
func TestRememberedPaths(t *testing.T) {
	const p = "/a/b/c/f"
	over := indexOf(t, []LayerEntry{dirEntry("a"), dirEntry("a/b"), dirEntry("a/b/c"), dirEntry("other"), fileEntry("a/b/c/f", 0)})
	user := &Cred{UID: 7, GID: 7}
	for name, tc := range map[string]struct {
		change func(w *Walker) error
		want   error
	}{
		"file comes":     {func(w *Walker) error { return w.Mknod(Loc{}, "/a/b/c/g", 0o644, 0) }, nil},
		"file goes":      {func(w *Walker) error { return w.Unlink(Loc{}, p) }, linux.ENOENT},
		"directory away": {func(w *Walker) error { return w.Rename(Loc{}, "/a/b", Loc{}, "/z", 0) }, linux.ENOENT},
		"exchanged":      {func(w *Walker) error { return w.Rename(Loc{}, "/a/b", Loc{}, "/other", linux.RENAME_EXCHANGE) }, linux.ENOENT},
		"moved and a link instead": {func(w *Walker) error {
			if err := w.Rename(Loc{}, "/a/b", Loc{}, "/z", 0); err != nil {
				return err
			}
			return w.Symlink("/nowhere", Loc{}, "/a/b")
		}, linux.ENOENT},
		"forbidden": {func(w *Walker) error { return w.Chmod(Loc{}, "/a/b", 0o700, 0) }, linux.EACCES},
		"given away and forbidden": {func(w *Walker) error {
			if err := w.Chmod(Loc{}, "/a", 0o710, 0); err != nil {
				return err
			}
			return w.Chown(Loc{}, "/a", 0, 3, 0)
		}, linux.EACCES},
		"mounted over": {func(w *Walker) error {
			at, err := w.Resolve(Loc{}, "/a/b", 0)
			if err != nil {
				return err
			}
			_, err = w.NS.Mount(at, New(nil, nil, Options{}), MountOpts{})
			return err
		}, linux.ENOENT},
		"closed": {func(w *Walker) error { return w.Root.Mount.super.(*FS).Close() }, linux.ENOENT},
	} {
		t.Run(name, func(t *testing.T) {
			fs := New(over, nil, Options{})
			defer fs.Close()
			ns := NewNamespace(fs)
			defer ns.Close()
			w := &Walker{NS: ns, Root: ns.RootLoc(), Cwd: ns.RootLoc(), Cred: RootCred()}
			me := *w
			me.Cred = user
			var a Attr
			for _, p := range []string{"a/b/c/../c/f", p} {
				for range 3 {
					check(t, me.Stat(Loc{}, p, 0, &a), nil)
				}
			}
			if !fs.paths.has("a/b/c") {
				t.Fatal("nothing is remembered")
			}
			check(t, tc.change(w), nil)
			for range 2 {
				check(t, me.Stat(Loc{}, p, 0, &a), tc.want)
				l, h, err := me.Open(Loc{}, p, 0, 0)
				check(t, err, tc.want)
				if err == nil {
					check(t, h.Close(), nil)
					l.Unref()
				}
			}
		})
	}
}

// has reports whether a path is remembered.
func (c *pathCache) has(path string) bool {
	for i := range c.slots {
		if p := c.slots[i].kept.Load(); p != nil && p.path == path {
			return true
		}
	}
	return false
}

// A directory that not everybody may search is asked each time.
func TestGuardedPathsAreNotRemembered(t *testing.T) {
	w, fs := newTestWalker(t, Options{})
	for _, d := range []string{"/x", "/x/private", "/x/private/y"} {
		check(t, w.Mkdir(Loc{}, d, 0o755), nil)
	}
	check(t, w.Chmod(Loc{}, "/x/private", 0o700, 0), nil)
	writeFile(t, w, "/x/private/y/f", "secret")
	var a Attr
	for range 4 {
		check(t, w.Stat(Loc{}, "/x/private/y/f", 0, &a), nil)
	}
	if fs.paths.has("x/private/y") || fs.paths.has("x/private") {
		t.Error("the way is remembered")
	}
	me := *w
	me.Cred = &Cred{UID: 7, GID: 7}
	check(t, me.Stat(Loc{}, "/x/private/y/f", 0, &a), linux.EACCES)
}

func TestPinTable(t *testing.T) {
	var p pinTable
	want := map[Ino]int{}
	for i := range 20_000 {
		ino := Ino(i*i%997 + 1)
		by := 1 - 2*(i/7%2)
		if want[ino]+by < 0 {
			by = 1
		}
		want[ino] += by
		if got := p.add(ino, by); got != want[ino] {
			t.Fatalf("inode %d: %d pins, want %d", ino, got, want[ino])
		}
	}
	live := 0
	for ino, n := range want {
		if got := p.count(ino); got != n {
			t.Errorf("inode %d: %d pins, want %d", ino, got, n)
		}
		if n > 0 {
			live++
		}
	}
	if p.live != live || len(p.slots) > 8*997 {
		t.Errorf("%d live in %d slots, want %d", p.live, len(p.slots), live)
	}
	for i := range 1_000_000 { // as many files opened and closed
		p.add(Ino(i+10_000), 1)
		p.add(Ino(i+10_000), -1)
	}
	if len(p.slots) > 8*997 {
		t.Errorf("the table grew to %d slots", len(p.slots))
	}
}
