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
			if !fs.paths.has("a/b/c") || !fs.paths.has(p[1:]) {
				t.Fatal("nothing is remembered")
			}
			check(t, tc.change(w), nil)
			for range 2 {
				check(t, me.Stat(Loc{}, p, 0, &a), tc.want)
				_, h, err := me.Open(Loc{}, p, 0, 0)
				check(t, err, tc.want)
				if err == nil {
					check(t, h.Close(), nil)
				}
			}
		})
	}
}

// What a whole path leads to is what its last directory says now, and its
// permissions are what they are now.
func TestRememberedNames(t *testing.T) {
	const p = "/a/f"
	over := indexOf(t, []LayerEntry{dirEntry("a"), fileEntry("a/f", 0), fileEntry("a/g", 0)})
	for name, tc := range map[string]struct {
		change func(w *Walker) error
		stat   error
		open   error
		moved  bool // to another inode
	}{
		"replaced by rename":   {func(w *Walker) error { return w.Rename(Loc{}, "/a/g", Loc{}, p, 0) }, nil, nil, true},
		"replaced by exchange": {func(w *Walker) error { return w.Rename(Loc{}, "/a/g", Loc{}, p, linux.RENAME_EXCHANGE) }, nil, nil, true},
		"unlinked and made again": {func(w *Walker) error {
			if err := w.Unlink(Loc{}, p); err != nil {
				return err
			}
			return w.Mknod(Loc{}, p, 0o644, 0)
		}, nil, nil, true},
		"a link instead": {func(w *Walker) error {
			if err := w.Unlink(Loc{}, p); err != nil {
				return err
			}
			return w.Symlink("g", Loc{}, p)
		}, nil, nil, true},
		"a directory instead": {func(w *Walker) error {
			if err := w.Unlink(Loc{}, p); err != nil {
				return err
			}
			return w.Mkdir(Loc{}, p, 0o700)
		}, nil, linux.EACCES, true},
		"forbidden":  {func(w *Walker) error { return w.Chmod(Loc{}, p, 0o600, 0) }, nil, linux.EACCES, false},
		"given away": {func(w *Walker) error { return w.Chown(Loc{}, p, 7, 7, 0) }, nil, nil, false},
		"mounted over": {func(w *Walker) error {
			at, err := w.Resolve(Loc{}, p, 0)
			if err != nil {
				return err
			}
			other := New(nil, nil, Options{})
			ino, err := other.Create(rootIno, "x", CreateOpts{Mode: linux.S_IFREG | 0o600})
			if err != nil {
				return err
			}
			_, err = w.NS.Mount(at, other, MountOpts{Root: ino})
			return err
		}, nil, linux.EACCES, true},
	} {
		t.Run(name, func(t *testing.T) {
			fs := New(over, nil, Options{})
			defer fs.Close()
			ns := NewNamespace(fs)
			defer ns.Close()
			w := &Walker{NS: ns, Root: ns.RootLoc(), Cwd: ns.RootLoc(), Cred: RootCred()}
			me := *w
			me.Cred = &Cred{UID: 7, GID: 7}
			var before, after Attr
			for range 3 {
				check(t, me.Stat(Loc{}, p, 0, &before), nil)
			}
			if !fs.paths.has(p[1:]) {
				t.Fatal("nothing is remembered")
			}
			check(t, tc.change(w), nil)
			for range 3 {
				check(t, me.Stat(Loc{}, p, 0, &after), tc.stat)
				moved := after.Ino != before.Ino || after.Dev != before.Dev
				o, err := me.OpenFile(Loc{}, p, linux.O_RDONLY, 0, 0)
				check(t, err, tc.open)
				if err == nil {
					if o.Loc.Ino != after.Ino || o.Loc.Mount.super.Dev() != after.Dev || o.Name == "" {
						t.Errorf("opened %+v, which is not %+v", o, after)
					}
					o.Close()
				}
				if moved != tc.moved {
					t.Errorf("moved: %v", moved)
				}
			}
		})
	}
}

// has reports whether a path is remembered.
func (c *pathCache) has(path string) bool {
	for _, slots := range []*[pathSlots]pathSlot{&c.slots().dirs, &c.slots().ends} {
		for i := range slots {
			if p := slots[i].kept.Load(); p != nil && p.path == path {
				return true
			}
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
	if fs.paths.has("x/private/y/f") || fs.paths.has("x/private/y") || fs.paths.has("x/private") {
		t.Error("the way is remembered")
	}
	me := *w
	me.Cred = &Cred{UID: 7, GID: 7}
	check(t, me.Stat(Loc{}, "/x/private/y/f", 0, &a), linux.EACCES)
}
