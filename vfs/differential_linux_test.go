package vfs

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"github.com/sbxrun/sbx/abi/linux"
)

// op is one operation, done on both sides and compared.
type op struct {
	text string
	do   func(t target) (string, error)
}

func noText(err error) (string, error) { return "", err }

type user struct {
	uid, gid uint32
	groups   []uint32
}

var users = []user{{0, 0, nil}, {0, 0, nil}, {1000, 1000, []uint32{50, 60}}, {1001, 1001, nil}, {1002, 50, []uint32{1000}}}

// generator makes random operations over few names, so that they meet.
type generator struct {
	r     *rand.Rand
	slots map[int]bool // open, and whether there is a Handle
	uid   uint32

	noReserve bool // no fallocate of pages: an index does not keep those
}

func pick[T any](r *rand.Rand, of ...T) T { return of[r.IntN(len(of))] }

func (g *generator) name() string {
	switch g.r.IntN(60) {
	case 0:
		return "."
	case 1:
		return ".."
	case 2:
		return strings.Repeat("n", pick(g.r, 255, 256))
	}
	return pick(g.r, "a", "b", "c", "d", "e")
}

func (g *generator) path() string {
	if g.r.IntN(300) == 0 {
		return pick(g.r, "", "/", strings.Repeat("a/", 2047)+"a", strings.Repeat("a/", 2048))
	}
	n := 1 + g.r.IntN(3)
	parts := make([]string, n)
	for i := range parts {
		parts[i] = g.name()
	}
	p := strings.Join(parts, "/")
	switch g.r.IntN(12) {
	case 0, 1, 2, 3:
		p = "/" + p
	case 4:
		p += "/"
	case 5:
		p = strings.ReplaceAll(p, "/", "//")
	}
	return p
}

func (g *generator) mode() uint32 {
	m := pick[uint32](g.r, 0o777, 0o755, 0o700, 0o644, 0o600, 0o070, 0o007, 0o711, 0)
	if g.r.IntN(4) == 0 {
		m |= pick[uint32](g.r, 0o4000, 0o2000, 0o1000, 0o6000, 0o7000)
	}
	return m
}

func (g *generator) id() uint32 { return pick[uint32](g.r, 0, 1000, 1001, 50, 60, NoID) }

func (g *generator) next() op {
	if g.r.IntN(3) == 0 && len(g.slots) > 0 {
		return g.fdOp()
	}
	if g.r.IntN(3) == 0 {
		return g.treeOp()
	}
	return g.pathOp()
}

func (g *generator) treeOp() op {
	p, q := g.path(), g.path()
	mode := g.mode()
	switch g.r.IntN(9) {
	case 0, 1:
		return op{fmt.Sprintf("mkdir %q %o", p, mode), func(t target) (string, error) { return noText(t.mkdir(p, mode)) }}
	case 2:
		typ := pick[uint32](g.r, linux.S_IFIFO, linux.S_IFSOCK, linux.S_IFCHR, linux.S_IFBLK, linux.S_IFREG, 0, linux.S_IFDIR, linux.S_IFLNK)
		return op{fmt.Sprintf("mknod %q %o", p, typ|mode), func(t target) (string, error) { return noText(t.mknod(p, typ|mode, linux.Makedev(1, 3))) }}
	case 3:
		to := pick(g.r, g.path(), g.name(), "../"+g.name())
		return op{fmt.Sprintf("symlink %q %q", to, p), func(t target) (string, error) { return noText(t.symlink(to, p)) }}
	case 4:
		flags := pick(g.r, 0, 0, linux.AT_SYMLINK_FOLLOW)
		return op{fmt.Sprintf("link %q %q %x", p, q, flags), func(t target) (string, error) { return noText(t.link(p, q, flags)) }}
	case 5:
		return op{fmt.Sprintf("unlink %q", p), func(t target) (string, error) { return noText(t.unlink(p)) }}
	case 6:
		return op{fmt.Sprintf("rmdir %q", p), func(t target) (string, error) { return noText(t.rmdir(p)) }}
	}
	flags := pick[uint32](g.r, 0, 0, 0, linux.RENAME_NOREPLACE, linux.RENAME_EXCHANGE, linux.RENAME_EXCHANGE|linux.RENAME_NOREPLACE)
	return op{fmt.Sprintf("rename %q %q %x", p, q, flags), func(t target) (string, error) { return noText(t.rename(p, q, flags)) }}
}

func (g *generator) pathOp() op {
	p, mode := g.path(), g.mode()
	switch g.r.IntN(15) {
	case 0:
		return op{fmt.Sprintf("chmod %q %o", p, mode), func(t target) (string, error) { return noText(t.chmod(p, mode)) }}
	case 1:
		u, gid, fl := g.id(), g.id(), pick(g.r, 0, linux.AT_SYMLINK_NOFOLLOW)
		return op{fmt.Sprintf("chown %q %d %d %x", p, u, gid, fl), func(t target) (string, error) { return noText(t.chown(p, u, gid, fl)) }}
	case 2:
		return g.utimensOp(p)
	case 3:
		n := pick[int64](g.r, 0, 1, 100, 4096, 70000, 5000, -1)
		return op{fmt.Sprintf("truncate %q %d", p, n), func(t target) (string, error) { return noText(t.truncate(p, n)) }}
	case 4:
		m := uint32(g.r.IntN(8))
		return op{fmt.Sprintf("access %q %d", p, m), func(t target) (string, error) { return noText(t.access(p, m)) }}
	case 5:
		return op{fmt.Sprintf("readlink %q", p), func(t target) (string, error) { return t.readlink(p) }}
	case 6:
		fl := pick(g.r, 0, linux.AT_SYMLINK_NOFOLLOW)
		return op{fmt.Sprintf("stat %q %x", p, fl), func(t target) (string, error) { return t.stat(p, fl) }}
	case 7:
		return op{fmt.Sprintf("readdir %q", p), func(t target) (string, error) { return t.readdir(p) }}
	case 8:
		return g.xattrOp(p)
	case 9:
		u, m := pick(g.r, users...), pick[uint32](g.r, 0, 0o22, 0o77)
		g.uid = u.uid
		return op{fmt.Sprintf("as %v umask %o", u, m), func(t target) (string, error) {
			t.as(u.uid, u.gid, u.groups)
			t.umask(m)
			return "", nil
		}}
	case 10:
		if g.r.IntN(2) == 0 {
			p = "/"
		}
		return op{fmt.Sprintf("chdir %q", p), func(t target) (string, error) { return noText(t.chdir(p)) }}
	}
	return g.openOp(p, mode)
}

func (g *generator) utimensOp(p string) op {
	ts := &[2]Timespec{}
	for i := range ts {
		ts[i] = Timespec{int64(g.r.IntN(1_000_000)), pick[uint32](g.r, 0, 1, 999_999_999, linux.UTIME_NOW, linux.UTIME_OMIT, 1_000_000_000)}
	}
	if g.r.IntN(3) == 0 {
		ts = nil
	}
	fl := pick(g.r, 0, linux.AT_SYMLINK_NOFOLLOW)
	return op{fmt.Sprintf("utimens %q %v %x", p, ts, fl), func(t target) (string, error) { return noText(t.utimens(p, ts, fl)) }}
}

func (g *generator) xattrOp(p string) op {
	n := pick(g.r, "user.x", "user.y", "trusted.t", "security.s", "user", "nosuch.x", "user."+strings.Repeat("n", 251))
	v := pick(g.r, "", "1", strings.Repeat("v", 100))
	fl := pick(g.r, 0, 0, linux.XATTR_CREATE, linux.XATTR_REPLACE)
	switch g.r.IntN(4) {
	case 0:
		return op{fmt.Sprintf("getxattr %q %.20s", p, n), func(t target) (string, error) { return t.getxattr(p, n) }}
	case 1:
		return op{fmt.Sprintf("listxattr %q", p), func(t target) (string, error) { return t.listxattr(p) }}
	case 2:
		return op{fmt.Sprintf("removexattr %q %.20s", p, n), func(t target) (string, error) { return noText(t.removexattr(p, n)) }}
	}
	return op{fmt.Sprintf("setxattr %q %.20s %.5q %d", p, n, v, fl), func(t target) (string, error) { return noText(t.setxattr(p, n, v, fl)) }}
}

func (g *generator) openOp(p string, mode uint32) op {
	slot := g.r.IntN(6)
	if _, used := g.slots[slot]; used {
		return op{fmt.Sprintf("stat %q", p), func(t target) (string, error) { return t.stat(p, 0) }}
	}
	flags := pick(g.r, linux.O_RDONLY, linux.O_WRONLY, linux.O_RDWR, linux.O_RDWR)
	for range g.r.IntN(3) {
		flags |= pick(g.r, linux.O_CREAT, linux.O_CREAT, linux.O_CREAT|linux.O_EXCL, linux.O_TRUNC, linux.O_NOFOLLOW,
			linux.O_DIRECTORY, linux.O_TMPFILE, linux.O_PATH, linux.O_NOATIME)
	}
	return op{fmt.Sprintf("open %d %q %x %o", slot, p, flags, mode), func(t target) (string, error) { return noText(t.open(slot, p, flags, mode)) }}
}

// run compares both sides through n random operations.
func runDifferential(t *testing.T, host *hostFS, our *ourFS, seed uint64, n int, noReserve bool) {
	t.Helper()
	g := &generator{r: rand.New(rand.NewPCG(seed, 1)), slots: map[int]bool{}, noReserve: noReserve}
	our.as(0, 0, nil)
	host.as(0, 0, nil)
	plainLinks := hardlinksProtected()
	var log []string
	for i := range n {
		o := g.next()
		if !plainLinks && strings.HasPrefix(o.text, "link") {
			continue
		}
		ht, herr := o.do(host)
		ot, oerr := o.do(our)
		hs, os := ht+" "+errnoText(herr), ot+" "+errnoText(oerr)
		log = append(log, fmt.Sprintf("%-60.200s -> %.200s", o.text, hs))
		if hs != os {
			t.Fatalf("seed %d, operation %d: %.300s\n  kernel: %.300s\n  vfs:    %.300s\nbefore:\n%s",
				seed, i, o.text, hs, os, strings.Join(log[max(0, len(log)-60):], "\n"))
		}
		g.settle(our)
	}
	compareTrees(t, host, our, "/", seed, 0)
}

// settle notes which slots are open.
func (g *generator) settle(our *ourFS) {
	clear(g.slots)
	for s, f := range our.fds {
		g.slots[s] = f.h != nil
	}
}

func compareTrees(t *testing.T, host *hostFS, our *ourFS, dir string, seed uint64, depth int) {
	host.as(0, 0, nil)
	our.as(0, 0, nil)
	h, herr := host.readdir(dir)
	o, oerr := our.readdir(dir)
	if h != o || errnoText(herr) != errnoText(oerr) {
		t.Fatalf("seed %d: %s\n  kernel: %s %v\n  vfs:    %s %v", seed, dir, h, herr, o, oerr)
	}
	for _, e := range strings.Fields(o) {
		name, typ, _ := strings.Cut(e, "/")
		if name == "." || name == ".." || depth > 20 {
			continue
		}
		p := dir + name
		hs, herr := host.stat(p, linux.AT_SYMLINK_NOFOLLOW)
		os, oerr := our.stat(p, linux.AT_SYMLINK_NOFOLLOW)
		if hs != os || errnoText(herr) != errnoText(oerr) {
			t.Fatalf("seed %d: %s\n  kernel: %s %v\n  vfs:    %s %v", seed, p, hs, herr, os, oerr)
		}
		if typ == fmt.Sprint(linux.DT_DIR) {
			compareTrees(t, host, our, p+"/", seed, depth+1)
		}
	}
}

// hardlinksProtected tells whether the host restricts links to other's files as
// we and the distributions do.
func hardlinksProtected() bool { return hostHardlinks }

var hostHardlinks = func() bool {
	b, err := os.ReadFile("/proc/sys/fs/protected_hardlinks")
	return err == nil && strings.TrimSpace(string(b)) == "1"
}()

func differentialSeeds() (seeds []uint64, n int) {
	seeds, n = []uint64{1, 2, 3, 4, 5, 6, 7, 8}, 15000
	if testing.Short() {
		n = 2000
	}
	var k uint64
	_, _ = fmt.Sscan(os.Getenv("VFS_SEEDS"), &k) // more of them, for a long night
	for i := range k {
		seeds = append(seeds, 100+i)
	}
	return seeds, n
}

func closeAll(host *hostFS, our *ourFS) {
	for s := range our.fds {
		_ = our.close(s)
		_ = host.close(s)
	}
	our.as(0, 0, nil)
	host.as(0, 0, nil)
	_ = our.chdir("/")
	_ = host.chdir("/")
}

// Random operations on an empty tree give what the kernel's tmpfs gives.
func TestDifferentialRandom(t *testing.T) {
	seeds, n := differentialSeeds()
	for _, seed := range seeds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			host := newHostFS(t)
			w, fs := newTestWalker(t, Options{})
			our := &ourFS{w, map[int]ourFile{}}
			w.Cwd.Ref()
			runDifferential(t, host, our, seed, n, false)
			closeAll(host, our)
			w.Cwd.Unref()
			checkPins(t, fs)
		})
	}
}

// The same over an index that holds the tree of a first round, and over forks:
// copy-up and snapshots cannot be seen.
func TestDifferentialOverIndex(t *testing.T) {
	seeds, n := differentialSeeds()
	for _, seed := range seeds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			host := newHostFS(t)
			w, first := newTestWalker(t, Options{})
			our := &ourFS{w, map[int]ourFile{}}
			w.Cwd.Ref()
			runDifferential(t, host, our, seed, n/3, true)
			closeAll(host, our)
			es, content := layerOf(t, first)
			fs := fsOver(t, Options{}, []Content{content}, es)
			if a, b := dump(t, first), dump(t, fs); a != b {
				t.Fatal("index differs: ", firstDiff(a, b))
			}
			for round := range 4 {
				snap := fs.Fork()
				before := dump(t, fs)
				our.over(fs)
				runDifferential(t, host, our, seed*1000+uint64(round), n/6, false)
				closeAll(host, our)
				our.w.Cwd.Unref()
				checkDiffRoundTrip(t, fs, content, es)
				if s := dump(t, snap); s != before {
					t.Fatal("fork changed: ", firstDiff(before, s))
				}
				if round%2 == 1 { // go on with a fork
					next := fs.Fork()
					our.w.NS.Close()
					check(t, fs.Close(), nil)
					fs = next
				} else {
					our.w.NS.Close()
				}
				check(t, snap.Close(), nil)
			}
			check(t, fs.Close(), nil)
		})
	}
}

// over mounts another FS for what follows.
func (o *ourFS) over(fs *FS) {
	ns := NewNamespace(fs)
	o.w = &Walker{NS: ns, Root: ns.RootLoc(), Cwd: ns.RootLoc(), Cred: RootCred(), Umask: o.w.Umask}
	o.w.Cwd.Ref()
}

// checkDiffRoundTrip puts the Diff of an FS onto a fresh one over the same index.
func checkDiffRoundTrip(t *testing.T, fs *FS, content Content, es []LayerEntry) {
	t.Helper()
	var b bytes.Buffer
	check(t, fs.Diff(&b, DiffOptions{}), nil)
	back := fsOver(t, Options{}, []Content{content}, es)
	if err := back.ApplyTar(&b); err != nil {
		t.Fatal(err)
	}
	want, got := dump(t, fs), dump(t, back)
	if want != got {
		t.Fatal("diff and apply: ", firstDiff(want, got))
	}
	check(t, back.Close(), nil)
}
