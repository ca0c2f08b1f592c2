package vfs

import (
	"fmt"
	"strings"
	"testing"

	"github.com/sbxrun/sbx/abi/linux"
)

func mountAt(t *testing.T, w *Walker, path string, s Super, o MountOpts) *Mount {
	t.Helper()
	l, err := w.Resolve(Loc{}, path, 0)
	check(t, err, nil)
	m, err := w.NS.Mount(l, s, o)
	check(t, err, nil)
	return m
}

func newTmp(t *testing.T) *FS {
	fs := New(nil, nil, Options{})
	t.Cleanup(func() { fs.Close() })
	return fs
}

func TestMounts(t *testing.T) {
	w, _ := newTestWalker(t, Options{})
	for _, d := range []string{"/mnt", "/mnt/sub", "/other"} {
		check(t, w.Mkdir(Loc{}, d, 0o755), nil)
	}
	writeFile(t, w, "/mnt/below", "below")
	tmp := newTmp(t)
	m := mountAt(t, w, "/mnt", tmp, MountOpts{Source: "tmpfs", NoSuid: true})
	var a, b Attr
	check(t, w.Stat(Loc{}, "/mnt/below", 0, &a), linux.ENOENT)
	check(t, w.Mkdir(Loc{}, "/mnt/x", 0o755), nil)
	check(t, w.Stat(Loc{}, "/mnt/x/..", 0, &a), nil)
	check(t, w.Stat(Loc{}, "/mnt/x/../..", 0, &b), nil)
	if a.Dev == b.Dev || b.Ino != rootIno {
		t.Error(a, b)
	}
	check(t, w.Rename(Loc{}, "/mnt/x", Loc{}, "/y", 0), linux.EXDEV)
	check(t, w.Link(Loc{}, "/mnt/x", Loc{}, "/y", 0), linux.EXDEV)
	check(t, w.Rmdir(Loc{}, "/mnt"), linux.EBUSY)
	check(t, w.Rename(Loc{}, "/mnt", Loc{}, "/z", 0), linux.EBUSY)
	x, err := w.Resolve(Loc{}, "/mnt/x", 0)
	check(t, err, nil)
	if p, ok, err := w.NS.Path(w.Root, x); p != "/mnt/x" || !ok || err != nil {
		t.Error(p, ok, err)
	}
	_, err = w.Resolve(Loc{}, "/mnt/x", NoXDev)
	check(t, err, linux.EXDEV)

	// A bind mount of a part, read-only.
	mountAt(t, w, "/other", tmp, MountOpts{Root: x.Ino, ReadOnly: true})
	check(t, w.Mkdir(Loc{}, "/other/n", 0o755), linux.EROFS)
	check(t, w.Mkdir(Loc{}, "/mnt/x/n", 0o755), nil)
	check(t, w.Stat(Loc{}, "/other/n", 0, &a), nil)
	for _, f := range []func() error{
		func() error { return w.Chmod(Loc{}, "/other/n", 0, 0) },
		func() error { return w.Rmdir(Loc{}, "/other/n") },
		func() error { return w.Access(Loc{}, "/other/n", linux.W_OK, 0) },
		func() error { return w.Setxattr(Loc{}, "/other/n", "user.a", nil, 0, 0) },
		func() error { return w.Utimens(Loc{}, "/other/n", nil, 0) },
		func() error { _, _, err := w.Open(Loc{}, "/other/f", linux.O_CREAT, 0); return err },
	} {
		check(t, f(), linux.EROFS)
	}
	var got []string
	for _, i := range w.NS.Mounts() {
		got = append(got, fmt.Sprintf("%s:%s:%s:%x", i.Path, i.Root, i.Type, i.Flags))
	}
	if s := strings.Join(got, " "); s != "/:/:tmpfs:0 /mnt:/:tmpfs:2 /other:/x:tmpfs:1" {
		t.Error(s)
	}

	// Unmount.
	x.Ref()
	check(t, w.NS.Unmount(m.Root(), 0), linux.EBUSY)
	check(t, w.NS.Unmount(x, 0), linux.EINVAL)
	x.Unref()
	check(t, w.NS.Unmount(m.Root(), 0), nil)
	check(t, w.NS.Unmount(m.Root(), 0), linux.EINVAL)
	if readFile(t, w, "/mnt/below") != "below" {
		t.Error("what was below is gone")
	}
	if _, ok, _ := w.NS.Path(w.Root, x); ok {
		t.Error("a detached place is reachable")
	}
	check(t, w.NS.Unmount(w.Root, 0), linux.EBUSY)
}

func TestMountOverMountAndClone(t *testing.T) {
	w, _ := newTestWalker(t, Options{})
	check(t, w.Mkdir(Loc{}, "/m", 0o755), nil)
	one, two := newTmp(t), newTmp(t)
	mountAt(t, w, "/m", one, MountOpts{})
	check(t, w.Mkdir(Loc{}, "/m/one", 0o755), nil)
	top := mountAt(t, w, "/m", two, MountOpts{})
	var a Attr
	check(t, w.Stat(Loc{}, "/m/one", 0, &a), linux.ENOENT)
	c := w.NS.Clone()
	defer c.Close()
	check(t, w.NS.Unmount(top.Root(), 0), nil)
	check(t, w.Stat(Loc{}, "/m/one", 0, &a), nil)
	in := &Walker{NS: c, Root: c.Translate(w.Root), Cwd: c.Translate(w.Cwd), Cred: w.Cred}
	check(t, in.Stat(Loc{}, "/m/one", 0, &a), linux.ENOENT)
	check(t, in.Stat(Loc{}, "/m", 0, &a), nil)
	if a.Dev != two.Dev() {
		t.Error(a)
	}
}

func TestResolveFlags(t *testing.T) {
	w, _ := newTestWalker(t, Options{})
	for _, d := range []string{"/a", "/a/b", "/a/b/c"} {
		check(t, w.Mkdir(Loc{}, d, 0o755), nil)
	}
	check(t, w.Symlink("/a", Loc{}, "/a/abs"), nil)
	check(t, w.Symlink("../..", Loc{}, "/a/b/up"), nil)
	check(t, w.Symlink("b/c", Loc{}, "/a/in"), nil)
	check(t, w.Symlink("loop", Loc{}, "/a/loop"), nil)
	at, err := w.Resolve(Loc{}, "/a", 0)
	check(t, err, nil)
	for _, c := range []struct {
		path  string
		flags ResolveFlags
		want  error
		is    string
	}{
		{"b/c", Beneath, nil, "/a/b/c"}, {"in", Beneath, nil, "/a/b/c"}, {"b/..", Beneath, nil, "/a"},
		{"..", Beneath, linux.EXDEV, ""}, {"/a", Beneath, linux.EXDEV, ""}, {"abs", Beneath, linux.EXDEV, ""}, {"b/up", Beneath, linux.EXDEV, ""},
		{"..", InRoot, nil, "/a"}, {"/b/c", InRoot, nil, "/a/b/c"}, {"b/up", InRoot, nil, "/a"}, {"abs", InRoot, linux.ENOENT, ""},
		{"in", NoSymlinks, linux.ELOOP, ""}, {"in", NoFollow, nil, ""}, {"in/", NoFollow, nil, "/a/b/c"}, {"in", NoFollow | Directory, linux.ENOTDIR, ""},
		{"loop", 0, linux.ELOOP, ""}, {"", 0, linux.ENOENT, ""}, {"", EmptyPath, nil, "/a"},
		{"../../../a/b", 0, nil, "/a/b"},
	} {
		l, err := w.Resolve(at, c.path, c.flags)
		if err != c.want {
			t.Errorf("%q %x: %v, want %v", c.path, c.flags, err, c.want)
			continue
		}
		if c.is != "" {
			if p, _, _ := w.NS.Path(w.Root, l); p != c.is {
				t.Errorf("%q %x: %s, want %s", c.path, c.flags, p, c.is)
			}
		}
	}
}

func TestLoopLimitIsForty(t *testing.T) {
	w, _ := newTestWalker(t, Options{})
	writeFile(t, w, "/l0", "")
	for i := range 41 {
		check(t, w.Symlink(fmt.Sprintf("l%d", i), Loc{}, fmt.Sprintf("/l%d", i+1)), nil)
	}
	var a Attr
	check(t, w.Stat(Loc{}, "/l40", 0, &a), nil)
	check(t, w.Stat(Loc{}, "/l41", 0, &a), linux.ELOOP)
}

func TestChrootHoldsDotDot(t *testing.T) {
	w, _ := newTestWalker(t, Options{})
	check(t, w.Mkdir(Loc{}, "/jail", 0o755), nil)
	writeFile(t, w, "/secret", "")
	check(t, w.Symlink("/secret", Loc{}, "/jail/l"), nil)
	jail, err := w.Resolve(Loc{}, "/jail", 0)
	check(t, err, nil)
	in := *w
	in.Root, in.Cwd = jail, jail
	var a Attr
	for _, p := range []string{"/secret", "../secret", "/../../secret", "l"} {
		check(t, in.Stat(Loc{}, p, 0, &a), linux.ENOENT)
	}
	if _, ok, _ := w.NS.Path(jail, w.Root); ok {
		t.Error("outside is reachable")
	}
}

func TestTextBusy(t *testing.T) {
	w, _ := newTestWalker(t, Options{})
	writeFile(t, w, "/prog", "#!")
	l, err := w.Resolve(Loc{}, "/prog", 0)
	check(t, err, nil)
	check(t, w.NS.DenyWrite(l), nil)
	_, _, err = w.Open(Loc{}, "/prog", linux.O_RDWR, 0)
	check(t, err, linux.ETXTBSY)
	check(t, w.Truncate(Loc{}, "/prog", 0), linux.ETXTBSY)
	w.NS.AllowWrite(l)
	_, h, err := w.Open(Loc{}, "/prog", linux.O_WRONLY, 0)
	check(t, err, nil)
	check(t, w.NS.DenyWrite(l), linux.ETXTBSY)
	check(t, h.Close(), nil)
	check(t, w.NS.DenyWrite(l), nil)
	w.NS.AllowWrite(l)
	if len(w.NS.texts.n) != 0 {
		t.Error(w.NS.texts.n)
	}
}

func TestWatches(t *testing.T) {
	w, _ := newTestWalker(t, Options{})
	check(t, w.Mkdir(Loc{}, "/d", 0o755), nil)
	writeFile(t, w, "/d/f", "")
	var log []string
	watch := func(p, tag string) *Watch {
		l, err := w.Resolve(Loc{}, p, 0)
		check(t, err, nil)
		return w.NS.Watches().Add(l, linux.IN_ALL_EVENTS, func(e Event) {
			log = append(log, fmt.Sprintf("%s:%x:%s", tag, e.Mask, e.Name))
		})
	}
	d, f := watch("/d", "d"), watch("/d/f", "f")
	check(t, w.Chmod(Loc{}, "/d/f", 0o600, 0), nil)
	check(t, w.Mkdir(Loc{}, "/d/s", 0o755), nil)
	check(t, w.Rename(Loc{}, "/d/f", Loc{}, "/d/g", 0), nil)
	check(t, w.Unlink(Loc{}, "/d/g"), nil)
	check(t, w.Rmdir(Loc{}, "/d/s"), nil)
	w.NS.Notify(f.loc, d.loc, "g", linux.IN_MODIFY)
	w.NS.Watches().Remove(f)
	w.NS.Watches().Remove(f)
	w.NS.Watches().Remove(d)
	check(t, w.Mkdir(Loc{}, "/d/unseen", 0o755), nil)
	want := fmt.Sprintf("d:%x:f f:%x: d:%x:s d:%x:f d:%x:g f:%x: f:%x: d:%x:g d:%x:s d:%x:g f:%x:",
		linux.IN_ATTRIB, linux.IN_ATTRIB, linux.IN_CREATE|linux.IN_ISDIR, linux.IN_MOVED_FROM, linux.IN_MOVED_TO, linux.IN_MOVE_SELF,
		linux.IN_DELETE_SELF, linux.IN_DELETE, linux.IN_DELETE|linux.IN_ISDIR, linux.IN_MODIFY, linux.IN_MODIFY)
	if got := strings.Join(log, " "); got != want {
		t.Errorf("\n%s\n%s", got, want)
	}
}
