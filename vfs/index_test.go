package vfs

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sbxrun/sbx/abi/linux"
)

func dirEntry(p string) LayerEntry { return LayerEntry{Path: p, Mode: linux.S_IFDIR | 0o755} }

func fileEntry(p string, size int64) LayerEntry {
	return LayerEntry{Path: p, Mode: linux.S_IFREG | 0o644, Size: size}
}

func linkEntry(p, to string) LayerEntry {
	return LayerEntry{Path: p, Mode: linux.S_IFLNK | 0o777, Link: to}
}

func hardEntry(p, to string) LayerEntry { return LayerEntry{Path: p, Hard: true, Link: to} }

// paths lists a tree: directories with a slash, files with their size, links
// with their target.
func paths(t testing.TB, fs *FS) string {
	var out []string
	for _, line := range strings.Split(strings.TrimSpace(dump(t, fs)), "\n") {
		f := strings.Fields(line)
		switch {
		case f[0] == "/":
		case strings.HasPrefix(f[1], "40"):
			out = append(out, f[0][1:]+"/")
		case strings.HasPrefix(f[1], "12"):
			out = append(out, f[0][1:]+"@"+f[len(f)-1])
		default:
			out = append(out, f[0][1:]+":"+f[4][1:])
		}
	}
	return strings.Join(out, " ")
}

type layerCase struct {
	name   string
	layers [][]LayerEntry
	want   string // what paths gives, or
	err    string // part of the error
}

// hostileLayers is what BuildIndex and ApplyTar must both get right.
var hostileLayers = []layerCase{
	{name: "parents are not followed through a link of a lower layer",
		layers: [][]LayerEntry{{dirEntry("etc"), linkEntry("l", "etc")}, {fileEntry("l/passwd", 0)}},
		want:   "etc/ l/ l/passwd:0"},
	{name: "parents are not followed through a link of the same layer",
		layers: [][]LayerEntry{{dirEntry("etc"), linkEntry("l", "/etc"), fileEntry("l/x", 0)}},
		want:   "etc/ l/ l/x:0"},
	{name: "a file in the way of a parent is replaced",
		layers: [][]LayerEntry{{fileEntry("a", 0)}, {fileEntry("a/b", 0)}}, want: "a/ a/b:0"},
	{name: "last duplicate wins",
		layers: [][]LayerEntry{{linkEntry("a", "x"), fileEntry("a", 0), linkEntry("a", "y")}}, want: "a@y"},
	{name: "a directory that comes twice keeps its entries",
		layers: [][]LayerEntry{{dirEntry("d"), fileEntry("d/f", 0), dirEntry("d/")}}, want: "d/ d/f:0"},
	{name: "a file replaces a tree",
		layers: [][]LayerEntry{{dirEntry("d"), fileEntry("d/f", 0)}, {fileEntry("d", 0)}}, want: "d:0"},
	{name: "whiteout hides lower layers only, before its own entries",
		layers: [][]LayerEntry{{fileEntry("d/a", 0), fileEntry("d/b", 0)}, {fileEntry("d/.wh.a", 0), linkEntry("d/a", "new")}},
		want:   "d/ d/a@new d/b:0"},
	{name: "whiteout after its own entries",
		layers: [][]LayerEntry{{fileEntry("d/a", 0)}, {linkEntry("d/a", "new"), fileEntry("d/.wh.a", 0)}}, want: "d/ d/a@new"},
	{name: "whiteout of a directory with new entries of its layer",
		layers: [][]LayerEntry{{fileEntry("d/old", 0)}, {dirEntry("d"), fileEntry("d/new", 0), fileEntry(".wh.d", 0)}}, want: "d/ d/new:0"},
	{name: "opaque hides lower entries only",
		layers: [][]LayerEntry{{fileEntry("d/old", 0), fileEntry("d/s/old", 0)}, {fileEntry("d/new", 0), dirEntry("d/s"), fileEntry("d/.wh..wh..opq", 0), fileEntry("d/new2", 0)}},
		want:   "d/ d/new:0 d/new2:0 d/s/"},
	{name: "whiteouts do not follow links",
		layers: [][]LayerEntry{{fileEntry("etc/x", 0), linkEntry("l", "etc")}, {fileEntry("l/.wh.x", 0), fileEntry("l/.wh..wh..opq", 0)}},
		want:   "etc/ etc/x:0 l@etc"},
	{name: "whiteout of nothing", layers: [][]LayerEntry{{fileEntry("no/.wh.x", 0), fileEntry(".wh.y", 0)}}, want: ""},
	{name: "aufs files are skipped", layers: [][]LayerEntry{{fileEntry(".wh..wh.plnk", 0), fileEntry("a", 0)}}, want: "a:0"},
	{name: "whiteout of dot dot", layers: [][]LayerEntry{{fileEntry("d/.wh...", 0)}}, err: "whiteout of no name"},
	{name: "hard link to what is not there", layers: [][]LayerEntry{{hardEntry("a", "b")}}, err: "not there"},
	{name: "hard link to the future", layers: [][]LayerEntry{{hardEntry("a", "b"), fileEntry("b", 0)}}, err: "not there"},
	{name: "hard link to a directory", layers: [][]LayerEntry{{dirEntry("d"), hardEntry("a", "d")}}, err: "directory"},
	{name: "hard link out of the image", layers: [][]LayerEntry{{hardEntry("a", "../../etc/shadow")}}, err: "leaves the image"},
	{name: "hard link through a link", layers: [][]LayerEntry{{dirEntry("d"), fileEntry("d/f", 0), linkEntry("l", "d"), hardEntry("a", "l/f")}}, err: "not there"},
	{name: "hard link to a lower layer", layers: [][]LayerEntry{{fileEntry("a", 0)}, {hardEntry("b", "/a")}}, want: "a:0 b:0"},
	{name: "hard link to itself", layers: [][]LayerEntry{{fileEntry("a", 0), hardEntry("a", "./a")}}, want: "a:0"},
	{name: "hard link to a hidden file", layers: [][]LayerEntry{{fileEntry("a", 0)}, {fileEntry(".wh.a", 0), hardEntry("b", "a")}}, err: "not there"},
	{name: "absolute and unclean paths", layers: [][]LayerEntry{{fileEntry("/a", 0), fileEntry("./b//c", 0), fileEntry("x/../d", 0)}}, want: "a:0 b/ b/c:0 d:0"},
	{name: "path out of the image", layers: [][]LayerEntry{{fileEntry("../a", 0)}}, err: "leaves the image"},
	{name: "path out of the image, deep", layers: [][]LayerEntry{{fileEntry("a/../../b", 0)}}, err: "leaves the image"},
	{name: "long name", layers: [][]LayerEntry{{fileEntry(strings.Repeat("n", 256), 0)}}, err: "too long"},
	{name: "too deep", layers: [][]LayerEntry{{fileEntry(strings.Repeat("d/", 1500)+"f", 0)}}, err: "too deep"},
	{name: "names that Windows cannot hold", layers: [][]LayerEntry{{fileEntry("con", 0), fileEntry("a:b", 0), fileEntry("c\\..\\d", 0), fileEntry("e. ", 0), fileEntry("\xff\xfe", 0)}},
		want: "a:b:0 c\\..\\d:0 con:0 e.  \xff\xfe:0"},
	{name: "the root as a file", layers: [][]LayerEntry{{fileEntry("/", 0)}}, err: "root is a directory"},
	{name: "empty link target", layers: [][]LayerEntry{{linkEntry("l", "")}}, err: "link target"},
}

func TestBuildIndexHostile(t *testing.T) {
	for _, c := range hostileLayers {
		t.Run(c.name, func(t *testing.T) {
			if strings.HasPrefix(c.name, "names that Windows") {
				return // has its own test: paths cannot show these
			}
			var b bytes.Buffer
			err := BuildIndex(&b, c.layers, DefaultLimits())
			if c.err != "" {
				if !errors.Is(err, ErrLayer) || !strings.Contains(err.Error(), c.err) {
					t.Fatalf("got %v, want %q", err, c.err)
				}
				return
			}
			check(t, err, nil)
			if got := paths(t, fsOver(t, Options{}, nil, c.layers...)); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

func TestWindowsNamesStayInside(t *testing.T) {
	names := []string{"con", "a:b", "c\\..\\d", "e. ", "\xff\xfe", "nul.txt", "C:\\x"}
	var es []LayerEntry
	for _, n := range names {
		es = append(es, fileEntry(n, 0))
	}
	fs := fsOver(t, Options{}, nil, es)
	for _, n := range names {
		if _, err := fs.Lookup(rootIno, n); err != nil {
			t.Errorf("%q: %v", n, err)
		}
	}
}

func TestBuildIndexLimits(t *testing.T) {
	es := []LayerEntry{fileEntry("abc", 0), fileEntry("d", 0), fileEntry("x/y", 0)}
	es[0].Xattrs = map[string]string{"user.a": "1234"}
	for _, c := range []struct {
		lim Limits
		ok  bool
	}{
		{Limits{}, true}, {Limits{Entries: 4}, true}, {Limits{Entries: 3}, false}, {Limits{Entries: 2}, false},
		{Limits{Strings: 7}, true}, {Limits{Strings: 6}, false}, {Limits{XattrBytes: 10}, true}, {Limits{XattrBytes: 9}, false},
		{Limits{Depth: 2}, true}, {Limits{Depth: 1}, false}, {Limits{Layers: 1}, true},
	} {
		err := BuildIndex(&bytes.Buffer{}, [][]LayerEntry{es}, c.lim)
		if (err == nil) != c.ok {
			t.Errorf("%+v: %v", c.lim, err)
		}
	}
	if err := BuildIndex(&bytes.Buffer{}, make([][]LayerEntry, 3), Limits{Layers: 2}); err == nil {
		t.Error("too many layers are taken")
	}
}

// A thousand opaque whiteouts over a large directory of their own layer cost no
// more than one: the work is counted by how long a quadratic one would run.
func TestRepeatedOpaqueIsCheap(t *testing.T) {
	var es []LayerEntry
	for i := range 20_000 {
		es = append(es, fileEntry(fmt.Sprintf("d/%d", i), 0), fileEntry("d/.wh..wh..opq", 0))
	}
	fs := fsOver(t, Options{}, nil, []LayerEntry{fileEntry("d/old", 0)}, es)
	if _, err := fs.Lookup(rootIno, "d"); err != nil {
		t.Fatal(err)
	}
	up := New(nil, nil, Options{})
	defer up.Close()
	check(t, up.ApplyTar(tarOf(t, es)), nil)
	if got := up.Usage().Inodes; got != 20_001 {
		t.Errorf("%d inodes", got)
	}
}

func TestIndexFile(t *testing.T) {
	var b bytes.Buffer
	es := []LayerEntry{dirEntry("d"), fileEntry("d/f", 10), linkEntry("l", "d/f"), hardEntry("h", "d/f")}
	es[1].Xattrs = map[string]string{"user.a": "1"}
	es[1].Holes = []Extent{{0, 5}}
	check(t, BuildIndex(&b, [][]LayerEntry{es}, DefaultLimits()), nil)
	name := filepath.Join(t.TempDir(), "x.idx")
	check(t, os.WriteFile(name, b.Bytes(), 0o600), nil)
	ix, err := OpenIndex(name)
	check(t, err, nil)
	if ix.Inodes() != 4 || ix.Entries() != 4 || ix.Layers() != 1 || ix.Size() != int64(b.Len()) {
		t.Error(ix.Inodes(), ix.Entries(), ix.Layers(), ix.Size())
	}
	fs := New(ix, nil, Options{})
	fork := fs.Fork()
	check(t, ix.Close(), nil)
	check(t, fs.Close(), nil)
	ino, err := fork.Lookup(rootIno, "h") // the mapping lives until the last FS is closed
	check(t, err, nil)
	var a Attr
	check(t, fork.Getattr(ino, &a), nil)
	if a.Nlink != 2 || a.Size != 10 {
		t.Error(a)
	}
	h, err := fork.Open(ino, 0)
	check(t, err, nil)
	_, err = h.ReadAt(make([]byte, 5), 0)
	check(t, err, linux.EIO) // no content
	check(t, h.Close(), nil)
	check(t, fork.Close(), nil)
	if _, err := fork.Lookup(rootIno, "h"); err != linux.ENOENT {
		t.Error(err)
	}
	for _, bad := range [][]byte{nil, b.Bytes()[:50], b.Bytes()[:b.Len()-1], append(bytes.Clone(b.Bytes()), 0)} {
		check(t, os.WriteFile(name, bad, 0o600), nil)
		if _, err := OpenIndex(name); !errors.Is(err, ErrIndex) {
			t.Errorf("%d bytes: %v", len(bad), err)
		}
	}
}

// Every single changed byte is noticed.
func TestIndexDamage(t *testing.T) {
	var b bytes.Buffer
	check(t, BuildIndex(&b, [][]LayerEntry{{dirEntry("d"), fileEntry("d/f", 10)}}, DefaultLimits()), nil)
	for i := range b.Len() {
		x := bytes.Clone(b.Bytes())
		x[i] ^= 0x10
		ix, err := ParseIndex(x)
		if err == nil {
			err = ix.Verify()
		}
		if !errors.Is(err, ErrIndex) {
			t.Errorf("byte %d: %v", i, err)
		}
	}
}

// fixChecksums makes a damaged index pass the checksums, to reach what is
// behind them.
func fixChecksums(b []byte) {
	if len(b) < headerSize {
		return
	}
	binary.LittleEndian.PutUint32(b[40:], crc32.Checksum(b[headerSize:], castagnoli()))
	binary.LittleEndian.PutUint32(b[headerSize-4:], crc32.Checksum(b[:headerSize-4], castagnoli()))
}

// Whatever is in an index, using it is an error at worst.
func FuzzIndex(f *testing.F) {
	var b bytes.Buffer
	es := []LayerEntry{dirEntry("d"), fileEntry("d/f", 10), linkEntry("l", "d/f"), hardEntry("h", "d/f"), dirEntry("d/e/g")}
	es[1].Xattrs = map[string]string{"user.a": "1"}
	es[1].Holes = []Extent{{0, 5}}
	if err := BuildIndex(&b, [][]LayerEntry{es}, DefaultLimits()); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes(), 100, byte(1))
	f.Add(b.Bytes(), 200, byte(0xff))
	f.Add(b.Bytes(), headerSize+inodeSize+16, byte(0x80))
	f.Fuzz(func(t *testing.T, in []byte, at int, with byte) {
		in = bytes.Clone(in)
		if len(in) > 0 && at >= 0 {
			in[at%len(in)] ^= with
		}
		fixChecksums(in)
		ix, err := ParseIndex(in)
		if err != nil {
			return
		}
		useHostile(New(ix, []Content{memContent{bytes.NewReader(make([]byte, 100))}}, Options{MaxBytes: 1 << 20}))
	})
}

// useHostile does a little of everything.
func useHostile(fs *FS) {
	defer fs.Close()
	ns := NewNamespace(fs)
	defer ns.Close()
	w := &Walker{NS: ns, Root: ns.RootLoc(), Cwd: ns.RootLoc(), Cred: RootCred()}
	var a Attr
	for _, p := range []string{"/d/f", "/l", "/h", "/d/e/g/../../..", "/d/e"} {
		_ = w.Stat(Loc{}, p, 0, &a)
		_, _ = w.Listxattr(Loc{}, p, 0)
		if _, h, err := w.Open(Loc{}, p, linux.O_RDWR, 0); err == nil && h != nil {
			_, _ = h.ReadAt(make([]byte, 64), 0)
			_, _ = h.WriteAt([]byte("x"), 3)
			_, _ = h.SeekHole(0)
			_ = h.Close()
		}
		if l, err := w.Resolve(Loc{}, p, 0); err == nil {
			_, _, _ = ns.Path(w.Root, l)
			if h, err := fs.Open(l.Ino, 0); err == nil {
				n := 0
				_ = h.ReadDir(0, func(DirEntry) bool { n++; return n < 1000 })
				_ = h.Close()
			}
		}
		_ = w.Rename(Loc{}, p, Loc{}, "/x", 0)
	}
}

func FuzzTOC(f *testing.F) {
	var b bytes.Buffer
	es := []LayerEntry{dirEntry("d"), fileEntry("d/f", 10), hardEntry("h", "d/f")}
	es[1].Xattrs = map[string]string{"user.a": "1", "user.b": ""}
	es[1].Holes = []Extent{{0, 5}, {6, 1}}
	es[0].Mtime = Timespec{-5, 7}
	if err := WriteTOC(&b, es); err != nil {
		f.Fatal(err)
	}
	back, err := ReadTOC(bytes.NewReader(b.Bytes()), DefaultLimits())
	if err != nil || fmt.Sprint(back) != fmt.Sprint(es) {
		f.Fatal(err, back)
	}
	f.Add(b.Bytes())
	f.Fuzz(func(t *testing.T, in []byte) {
		if len(in) >= tocHeader {
			in = bytes.Clone(in)
			binary.LittleEndian.PutUint32(in[12:], crc32.Checksum(in[tocHeader:], castagnoli()))
			binary.LittleEndian.PutUint64(in[16:], uint64(len(in)-tocHeader))
		}
		es, err := ReadTOC(bytes.NewReader(in), DefaultLimits())
		if err == nil {
			_ = BuildIndex(&bytes.Buffer{}, [][]LayerEntry{es}, DefaultLimits())
		}
	})
}
