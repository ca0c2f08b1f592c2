package vfs

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/sbxrun/sbx/abi/linux"
)

// memContent is a layer's content in memory.
type memContent struct{ *bytes.Reader }

func (memContent) Close() error { return nil }

// layerOf turns the tree of an FS into one layer, with its holes.
func layerOf(t testing.TB, fs *FS) ([]LayerEntry, Content) {
	t.Helper()
	b := &layerMaker{t: t, fs: fs, seen: map[Ino]string{}}
	b.walk("", fs.Root())
	return b.es, memContent{bytes.NewReader(b.data.Bytes())}
}

type layerMaker struct {
	t    testing.TB
	fs   *FS
	es   []LayerEntry
	data bytes.Buffer
	seen map[Ino]string
}

func (b *layerMaker) walk(path string, dir Ino) {
	b.entry(path, dir)
	h, err := b.fs.Open(dir, linux.O_RDONLY)
	check(b.t, err, nil)
	defer h.Close()
	err = h.ReadDir(0, func(e DirEntry) bool {
		if e.Name == "." || e.Name == ".." {
			return true
		}
		p := join(path, e.Name)
		if e.Type == linux.DT_DIR {
			b.walk(p, e.Ino)
		} else if first, ok := b.seen[e.Ino]; ok {
			b.es = append(b.es, LayerEntry{Path: p, Hard: true, Link: first})
		} else {
			b.entry(p, e.Ino)
			b.seen[e.Ino] = p
		}
		return true
	})
	check(b.t, err, nil)
}

func (b *layerMaker) entry(path string, ino Ino) {
	var a Attr
	check(b.t, b.fs.Getattr(ino, &a), nil)
	e := LayerEntry{Path: path, Mode: a.Mode, UID: a.UID, GID: a.GID, Mtime: a.Mtime, Rdev: a.Rdev}
	if path == "" {
		e.Path = "."
	}
	names, err := b.fs.Listxattr(ino)
	check(b.t, err, nil)
	for _, n := range names {
		v, err := b.fs.Getxattr(ino, n)
		check(b.t, err, nil)
		if e.Xattrs == nil {
			e.Xattrs = map[string]string{}
		}
		e.Xattrs[n] = string(v)
	}
	switch a.Mode & linux.S_IFMT {
	case linux.S_IFLNK:
		e.Link, err = b.fs.Readlink(ino)
		check(b.t, err, nil)
	case linux.S_IFREG:
		b.content(&e, ino, a.Size)
	}
	b.es = append(b.es, e)
}

func (b *layerMaker) content(e *LayerEntry, ino Ino, size int64) {
	h, err := b.fs.Open(ino, linux.O_RDONLY)
	check(b.t, err, nil)
	defer h.Close()
	e.Size, e.Offset = size, int64(b.data.Len())
	buf := make([]byte, size)
	n, err := h.ReadAt(buf, 0)
	check(b.t, err, nil)
	if int64(n) != size {
		b.t.Fatalf("%s: read %d of %d", e.Path, n, size)
	}
	b.data.Write(buf)
	b.data.Write(make([]byte, -b.data.Len()&4095))
	for off := int64(0); off < size; {
		hole, err := h.SeekHole(off)
		check(b.t, err, nil)
		if hole >= size {
			break
		}
		end, err := h.SeekData(hole)
		if err != nil {
			end = size
		}
		e.Holes = append(e.Holes, Extent{hole, end - hole})
		off = end
	}
}

// fsOver builds an index of layers and an FS over it.
func fsOver(t testing.TB, o Options, content []Content, layers ...[]LayerEntry) *FS {
	t.Helper()
	ix := indexOf(t, layers...)
	for len(content) < len(layers) {
		content = append(content, memContent{bytes.NewReader(nil)})
	}
	fs := New(ix, content, o)
	t.Cleanup(func() { fs.Close() })
	return fs
}

func indexOf(t testing.TB, layers ...[]LayerEntry) *Index {
	t.Helper()
	var b bytes.Buffer
	if err := BuildIndex(&b, layers, DefaultLimits()); err != nil {
		t.Fatal(err)
	}
	ix, err := ParseIndex(b.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	return ix
}

// dump describes a whole tree, one line for each path but sockets, which no tar
// can hold. Inode numbers are replaced by the first path that has them.
func dump(t testing.TB, fs *FS) string {
	t.Helper()
	d := &dumper{t: t, fs: fs, seen: map[Ino]string{}}
	d.walk("", fs.Root())
	return d.out.String()
}

type dumper struct {
	t    testing.TB
	fs   *FS
	out  strings.Builder
	seen map[Ino]string
}

func (d *dumper) walk(path string, ino Ino) {
	var a Attr
	check(d.t, d.fs.Getattr(ino, &a), nil)
	if linux.S_ISSOCK(a.Mode) {
		return
	}
	fmt.Fprintf(&d.out, "/%s %o %d:%d n%d s%d dev%x %d.%d", path, a.Mode, a.UID, a.GID, a.Nlink, a.Size, a.Rdev, a.Mtime.Sec, a.Mtime.Nsec)
	names, _ := d.fs.Listxattr(ino)
	for _, n := range names {
		v, _ := d.fs.Getxattr(ino, n)
		fmt.Fprintf(&d.out, " %s=%q", n, v)
	}
	switch a.Mode & linux.S_IFMT {
	case linux.S_IFLNK:
		s, _ := d.fs.Readlink(ino)
		fmt.Fprintf(&d.out, " -> %s\n", s)
	case linux.S_IFREG:
		d.data(ino, a.Size)
		if first, ok := d.seen[ino]; ok {
			fmt.Fprintf(&d.out, " = %s", first)
		}
		d.seen[ino] = path
		d.out.WriteByte('\n')
	case linux.S_IFDIR:
		d.out.WriteByte('\n')
		names := map[string]Ino{}
		d.fs.mu.RLock()
		d.fs.eachEntry(ino, func(n string, i Ino) { names[n] = i })
		d.fs.mu.RUnlock()
		m := map[string]string{}
		for n := range names {
			m[n] = ""
		}
		for _, n := range sortedKeys(m) {
			d.walk(join(path, n), names[n])
		}
	default:
		d.out.WriteByte('\n')
	}
}

func (d *dumper) data(ino Ino, size int64) {
	h, err := d.fs.Open(ino, linux.O_RDONLY)
	check(d.t, err, nil)
	defer h.Close()
	buf := make([]byte, size)
	n, err := h.ReadAt(buf, 0)
	check(d.t, err, nil)
	fmt.Fprint(&d.out, " ", digest(buf[:n]))
}

func digest(b []byte) string {
	h := uint64(14695981039346656037)
	for _, c := range b {
		h = (h ^ uint64(c)) * 1099511628211
	}
	return fmt.Sprintf("%d bytes %x", len(b), h)
}

// firstDiff shows where two dumps part.
func firstDiff(a, b string) string {
	x, y := strings.Split(a, "\n"), strings.Split(b, "\n")
	for i := range max(len(x), len(y)) {
		l, r := "(end)", "(end)"
		if i < len(x) {
			l = x[i]
		}
		if i < len(y) {
			r = y[i]
		}
		if l != r {
			return fmt.Sprintf("\n  %.300s\n  %.300s", l, r)
		}
	}
	return ""
}
