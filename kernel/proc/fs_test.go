package proc

import (
	"errors"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/vfs"
)

func splitPath(path string) []string {
	return strings.FieldsFunc(path, func(r rune) bool { return r == '/' })
}

func names(t testing.TB, fs vfs.Super, ino vfs.Ino) []vfs.DirEntry {
	t.Helper()
	h, err := fs.Open(ino, linux.O_RDONLY)
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	var out []vfs.DirEntry
	if err := h.ReadDir(0, func(e vfs.DirEntry) bool { out = append(out, e); return true }); err != nil {
		t.Fatal(err)
	}
	return out
}

// TestEveryInode walks each tree and checks that what directories list is what
// Lookup, Getattr, Parent and Open say, and that reading on from any cookie works.
func TestEveryInode(t *testing.T) {
	src := newFake()
	for name, fs := range map[string]vfs.Super{"proc": New(9, src), "sys": NewSys(10, src), "cgroup2": NewCgroup(11, src)} {
		t.Run(name, func(t *testing.T) {
			seen := map[vfs.Ino]string{}
			checkTree(t, fs, fs.Root(), fs.Root(), "", seen)
			if len(seen) < 30 {
				t.Errorf("%d inodes", len(seen))
			}
		})
	}
}

func checkTree(t *testing.T, fs vfs.Super, dir, parent vfs.Ino, path string, seen map[vfs.Ino]string) {
	list := names(t, fs, dir)
	if len(list) < 2 || list[0].Name != "." || list[0].Ino != dir || list[1].Name != ".." || list[1].Ino != parent {
		t.Errorf("%s: starts with %v", path, list)
	}
	checkCookies(t, fs, dir, list)
	if up, base, err := fs.Parent(dir); err != nil || up != parent || base != path[strings.LastIndexByte(path, '/')+1:] {
		t.Errorf("parent of %q: %d %q %v, want %d", path, up, base, err, parent)
	}
	for _, e := range list[2:] {
		p := path + "/" + e.Name
		if was, ok := seen[e.Ino]; ok {
			t.Errorf("%s and %s are both inode %#x", was, p, e.Ino)
		}
		seen[e.Ino] = p
		ino, err := fs.Lookup(dir, e.Name)
		if err != nil || ino != e.Ino {
			t.Errorf("lookup %s: %#x, %v, want %#x", p, ino, err, e.Ino)
		}
		var a vfs.Attr
		if err := fs.Getattr(e.Ino, &a); err != nil || linux.DirType(a.Mode) != e.Type || a.Ino != e.Ino || a.Dev != fs.Dev() || a.Nlink == 0 {
			t.Errorf("%s: attributes %+v, %v", p, a, err)
		}
		switch e.Type {
		case linux.DT_DIR:
			checkTree(t, fs, e.Ino, dir, p, seen)
		case linux.DT_LNK:
			if s, err := fs.Readlink(e.Ino); s == "" || err != nil {
				t.Errorf("readlink %s: %q, %v", p, s, err)
			}
			if _, err := fs.Open(e.Ino, 0); err != linux.ELOOP {
				t.Errorf("open of link %s: %v", p, err)
			}
		default:
			content(t, fs, p)
		}
	}
}

func checkCookies(t *testing.T, fs vfs.Super, dir vfs.Ino, list []vfs.DirEntry) {
	h, err := fs.Open(dir, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	for i, e := range list {
		var rest []vfs.DirEntry
		h.ReadDir(e.Cookie, func(e vfs.DirEntry) bool { rest = append(rest, e); return len(rest) < 3 })
		if want := list[i+1 : min(i+4, len(list))]; !slices.Equal(rest, want) {
			t.Errorf("after %s: %v, want %v", e.Name, rest, want)
		}
	}
}

type caller struct {
	pid, tid int
	blind    bool
}

func (c caller) ProcSelf() (int, int) { return c.pid, c.tid }
func (c caller) ProcAccess(int) bool  { return !c.blind }

func TestSelf(t *testing.T) {
	fs := New(9, newFake())
	cl := fs.(vfs.CallerLinker)
	for name, want := range map[string]string{"self": "10", "thread-self": "10/task/12"} {
		got, ok, err := cl.ReadlinkFor(walk(t, fs, name), caller{10, 12, false})
		if got != want || !ok || err != nil {
			t.Errorf("%s: %q, %v, %v", name, got, ok, err)
		}
	}
	if _, ok, _ := cl.ReadlinkFor(walk(t, fs, "self"), nil); ok {
		t.Error("answered nobody")
	}
	_, ok, err := cl.ReadlinkFor(walk(t, fs, "10/exe"), caller{1, 1, true})
	if !ok || err != linux.EACCES {
		t.Errorf("exe of a foreign process: %v, %v", ok, err)
	}
	if s, err := fs.Readlink(walk(t, fs, "self")); s != "1" || err != nil {
		t.Errorf("self of the host: %q, %v", s, err)
	}
}

func TestMagicLinks(t *testing.T) {
	fs := New(9, newFake())
	ml := fs.(vfs.MagicLinker)
	for path, want := range map[string]struct {
		ino   vfs.Ino
		text  string
		magic bool
	}{
		"10/exe": {100, "/bin/sh", true}, "10/cwd": {101, "/tmp", true}, "10/root": {102, "/", true},
		"10/fd/0": {7, "/dev/pts/3", true}, "10/task/12/fd/5": {9, "/etc/passwd", true},
		"mounts": {0, "self/mounts", false}, "10/cmdline": {0, "", false},
	} {
		ino := walk(t, fs, path)
		l, magic, err := ml.FollowMagic(ino)
		if l.Ino != want.ino || magic != want.magic || err != nil {
			t.Errorf("%s leads to %v, %v, %v", path, l, magic, err)
		}
		if s, _ := fs.Readlink(ino); s != want.text {
			t.Errorf("%s reads %q", path, s)
		}
	}
	if _, magic, err := ml.FollowMagic(walk(t, fs, "10/fd/1")); !magic || !errors.Is(err, linux.ENOENT) {
		t.Errorf("a descriptor that leads nowhere: %v, %v", magic, err)
	}
}

func TestMissing(t *testing.T) {
	src := newFake()
	fs := New(9, src)
	for path, want := range map[string]error{
		"99": linux.ENOENT, "010": linux.ENOENT, "-1": linux.ENOENT, "99999999999999999999": linux.ENOENT, "10/nope": linux.ENOENT,
		"10/fd/9": linux.ENOENT, "10/fd/00": linux.ENOENT, "10/task/33": linux.ENOENT, "10/stat/x": linux.ENOTDIR,
		"uptime/x": linux.ENOTDIR, "10/task/12/task": linux.ENOENT, "10/fd/0/x": linux.ENOTDIR,
	} {
		if _, err := lookup(fs, path); err != want {
			t.Errorf("%s: %v, want %v", path, err, want)
		}
	}
	if _, err := lookup(fs, "12/status"); err != nil {
		t.Errorf("a thread by its own id: %v", err)
	}
	dir := walk(t, fs, "10/fd")
	src.tasks[10].st.Serial += 100 // another process now has this id
	var a vfs.Attr
	for _, err := range []error{fs.Getattr(dir, &a), fs.Setattr(dir, &vfs.SetAttr{}), func() error { _, err := fs.Open(dir, 0); return err }()} {
		if err != linux.ENOENT {
			t.Errorf("a gone process: %v", err)
		}
	}
}

func TestAttributes(t *testing.T) {
	fs := New(9, newFake())
	for path, want := range map[string]struct {
		mode     uint32
		uid, gid uint32
	}{
		"": {linux.S_IFDIR | 0o555, 0, 0}, "self": {linux.S_IFLNK | 0o777, 0, 0}, "meminfo": {linux.S_IFREG | 0o444, 0, 0},
		"sys/kernel/hostname": {linux.S_IFREG | 0o644, 0, 0}, "10": {linux.S_IFDIR | 0o555, 1001, 6},
		"10/environ": {linux.S_IFREG | 0o400, 1001, 6}, "10/fd": {linux.S_IFDIR | 0o500, 1001, 6},
		"10/fd/0": {linux.S_IFLNK | 0o700, 1001, 6}, "10/fd/1": {linux.S_IFLNK | 0o300, 1001, 6},
		"10/fd/5": {linux.S_IFLNK | 0o500, 1001, 6}, "10/ns": {linux.S_IFDIR | 0o511, 1001, 6},
	} {
		var a vfs.Attr
		if err := fs.Getattr(walk(t, fs, path), &a); err != nil || a.Mode != want.mode || a.UID != want.uid || a.GID != want.gid {
			t.Errorf("%q: mode %o owner %d:%d, %v", path, a.Mode, a.UID, a.GID, err)
		}
	}
	if err := fs.Setattr(walk(t, fs, "10/comm"), &vfs.SetAttr{Valid: vfs.SetMode}); err != linux.EPERM {
		t.Errorf("chmod: %v", err)
	}
	if _, err := fs.Create(1, "x", vfs.CreateOpts{}); err == nil {
		t.Error("created a file")
	}
}

func TestStores(t *testing.T) {
	src := newFake()
	fs := New(9, src)
	put := func(path, s string) error {
		h, err := fs.Open(walk(t, fs, path), linux.O_WRONLY)
		if err != nil {
			t.Fatal(err)
		}
		_, err = h.WriteAt([]byte(s), 0)
		return err
	}
	if err := put("sys/kernel/hostname", "new\n"); err != nil || content(t, fs, "sys/kernel/hostname") != "new\n" {
		t.Errorf("hostname: %v", err)
	}
	if err := put("10/comm", strings.Repeat("n", 30)+"\n"); err != nil || len(src.tasks[10].comm) != 15 {
		t.Errorf("comm: %v, %q", err, src.tasks[10].comm)
	}
	if err := put("10/oom_score_adj", "-500\n"); err != nil || src.tasks[10].oom != -500 {
		t.Errorf("oom_score_adj: %v", err)
	}
	for path, s := range map[string]string{"10/oom_score_adj": "1001", "10/stat": "x", "sys/kernel/domainname": "x", "sys/vm/swappiness": "1"} {
		if err := put(path, s); err == nil {
			t.Errorf("%s took %q", path, s)
		}
	}
}

func TestReadingOn(t *testing.T) {
	src := newFake()
	fs := New(9, src)
	h, _ := fs.Open(walk(t, fs, "sys/kernel/hostname"), 0)
	for _, name := range []string{"box", "changed"} { // all of one name, and the new one when read again
		src.hostname = name
		p := make([]byte, 2)
		h.ReadAt(p, 0)
		src.hostname = "other"
		q := make([]byte, 10)
		n, _ := h.ReadAt(q, 2)
		if got := string(p) + string(q[:n]); got != name+"\n" {
			t.Errorf("%q, want %q", got, name)
		}
	}
}

func FuzzInodes(f *testing.F) {
	for _, p := range []string{"10", "10/fd/5", "10/task/12/stat", "uptime", "self"} {
		ino, _ := lookup(New(9, newFake()), p)
		f.Add(ino, p)
	}
	f.Add(^uint64(0), "10/"+strconv.FormatInt(1<<40, 10))
	f.Fuzz(func(t *testing.T, ino uint64, name string) {
		fs := New(9, newFake())
		var a vfs.Attr
		fs.Getattr(ino, &a)
		fs.Lookup(ino, name)
		fs.Parent(ino)
		fs.Readlink(ino)
		fs.(vfs.MagicLinker).FollowMagic(ino)
		fs.(vfs.CallerLinker).ReadlinkFor(ino, caller{10, 12, false})
		if h, err := fs.Open(ino, 0); err == nil {
			h.ReadAt(make([]byte, 100), int64(len(name)))
			h.ReadDir(uint64(len(name)), func(vfs.DirEntry) bool { return true })
			h.Close()
		}
	})
}

func BenchmarkStat(b *testing.B) {
	fs := New(9, newFake())
	ino := walk(b, fs, "10/stat")
	p := make([]byte, 4096)
	b.ReportAllocs()
	for b.Loop() {
		h, err := fs.Open(ino, 0)
		if err != nil {
			b.Fatal(err)
		}
		h.ReadAt(p, 0)
		h.Close()
	}
}
