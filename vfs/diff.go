package vfs

import (
	"slices"
	"strings"

	"github.com/sbxrun/sbx/abi/linux"
)

// Change is one line of what differs from the image: 'A' added, 'C' changed or
// 'D' deleted, with an absolute path.
type Change struct {
	Kind byte
	Path string
}

// Changes lists what differs from the index in order of paths, as docker diff
// does: directories above a change count as changed.
func (fs *FS) Changes() []Change {
	fs.mu.RLock()
	defer fs.mu.RUnlock()
	d := fs.compare()
	out := make([]Change, 0, len(d))
	for _, e := range d {
		if e.path != "" {
			out = append(out, Change{e.kind, "/" + e.path})
		}
	}
	return out
}

// diffEntry is one path that differs.
type diffEntry struct {
	path   string
	ino    Ino
	kind   byte
	opaque bool // a directory of the index that another one replaced
}

// differ walks the merged tree next to the index.
type differ struct {
	fs     *FS
	out    []diffEntry
	moved  map[Ino]bool // inodes of the index with a new name: all their names count
	again  []diffEntry  // unchanged names of inodes that may turn out moved
	damage error
}

// compare returns what differs, sorted by path with directories before what
// they hold. The caller holds mu.
func (fs *FS) compare() []diffEntry {
	d := &differ{fs: fs, moved: map[Ino]bool{}}
	rootLow := Ino(0)
	if fs.nlower > 0 {
		rootLow = rootIno
	}
	if n := fs.get(rootIno); n != nil && (rootLow == 0 || d.changed(rootIno, n)) {
		d.out = append(d.out, diffEntry{"", rootIno, 'C', false})
	}
	d.dir("", rootIno, rootLow, 0)
	for _, e := range d.again {
		if d.moved[e.ino] {
			d.out = append(d.out, e)
		}
	}
	d.parents()
	slices.SortFunc(d.out, func(a, b diffEntry) int { return comparePaths(a.path, b.path) })
	return d.out
}

// parents adds the directories above every difference, so that a layer keeps
// their times, which making the entries again would change.
func (d *differ) parents() {
	have := make(map[string]bool, len(d.out))
	for _, e := range d.out {
		have[e.path] = true
	}
	for _, e := range d.out {
		for p := e.path; p != ""; {
			p, _ = splitPath(p)
			if have[p] {
				break
			}
			have[p] = true
			if ino, ok := d.find(p); ok {
				d.out = append(d.out, diffEntry{path: p, ino: ino, kind: 'C'})
			}
		}
	}
}

func (d *differ) find(p string) (Ino, bool) {
	ino := rootIno
	for p != "" {
		var name string
		name, p, _ = strings.Cut(p, "/")
		dir, err := d.fs.dirOf(ino)
		if err != nil {
			return 0, false
		}
		if ino, _, _, err = d.fs.lookupIn(&dir, name); err != nil {
			return 0, false
		}
	}
	return ino, true
}

// comparePaths orders paths component by component.
func comparePaths(a, b string) int {
	return strings.Compare(strings.ReplaceAll(a, "/", "\x00"), strings.ReplaceAll(b, "/", "\x00"))
}

// changed reports whether an upper node differs from the index record of the
// same inode in more than what its names do to it.
func (d *differ) changed(ino Ino, n *node) bool {
	fs := d.fs
	r := fs.ix.rec(ino)
	if r == nil || ino > fs.nlower {
		return true
	}
	low := fs.copyUp(r)
	if n.mode != low.mode || n.uid != low.uid || n.gid != low.gid || n.mtime != low.mtime {
		return true
	}
	if n.file() != nil || n.size != low.size || len(n.xattrs) != len(low.xattrs) {
		return true
	}
	for k, v := range low.xattrs {
		if w, ok := n.xattrs[k]; !ok || v != w {
			return true
		}
	}
	return false
}

// dir compares the directory ino with low, the directory that the index has at
// this path (0: none).
func (d *differ) dir(path string, ino, low Ino, depth int) {
	if depth > maxTreeDepth {
		d.damage = linux.ELOOP
		return
	}
	below := map[string]Ino{}
	if low != 0 {
		r := d.fs.ix.rec(low)
		es := d.fs.ix.entries(r)
		for o := 0; o < len(es); o += direntSize {
			e := direntRec(es[o : o+direntSize])
			below[string(d.fs.ix.name(e))] = e.ino()
		}
	}
	d.fs.eachEntry(ino, func(name string, kid Ino) {
		d.entry(join(path, name), kid, below[name], depth)
		delete(below, name)
	})
	for name := range below {
		d.out = append(d.out, diffEntry{path: join(path, name), kind: 'D'})
	}
}

// maxTreeDepth bounds recursion over a tree. A tree made by path can be deeper
// than PATH_MAX through relative steps, but not by this much.
const maxTreeDepth = 100_000

// entry compares one name: kid is what is there, low what the index has there.
func (d *differ) entry(path string, kid, low Ino, depth int) {
	fs := d.fs
	mode, err := fs.mode(kid)
	if err != nil {
		return
	}
	isDir := mode&linux.S_IFMT == linux.S_IFDIR
	e := diffEntry{path: path, ino: kid, kind: 'C'}
	switch {
	case low == 0:
		e.kind = 'A'
		d.moved[kid] = true
		d.out = append(d.out, e)
	case kid != low:
		r := fs.ix.rec(low)
		lowDir := r != nil && r.mode()&linux.S_IFMT == linux.S_IFDIR
		e.opaque = isDir && lowDir
		d.moved[kid] = true
		d.out = append(d.out, e)
		if e.opaque {
			d.dir(path, kid, 0, depth+1)
			return
		}
		low = 0
	default:
		if n := fs.get(kid); n != nil && d.changed(kid, n) {
			d.out = append(d.out, e)
		} else if !isDir && (n != nil || fs.ix.rec(kid).nlink() > 1) {
			d.again = append(d.again, e)
		}
	}
	if isDir {
		d.dir(path, kid, low, depth+1)
	}
}

// eachEntry calls fn for the entries of a directory in no order.
func (fs *FS) eachEntry(dir Ino, fn func(name string, ino Ino)) {
	d, err := fs.dirOf(dir)
	if err != nil {
		return
	}
	if d.rec != nil {
		es := fs.ix.entries(d.rec)
		for i := 0; i*direntSize < len(es); i++ {
			if d.delta != nil && d.delta.isHidden(i) {
				continue
			}
			e := direntRec(es[i*direntSize : (i+1)*direntSize])
			fn(string(fs.ix.name(e)), e.ino())
		}
	}
	if d.delta != nil {
		for i := range d.delta.ents {
			if e := &d.delta.ents[i]; e.ino != 0 {
				fn(e.name, e.ino)
			}
		}
	}
}

func join(dir, name string) string {
	if dir == "" {
		return name
	}
	return dir + "/" + name
}
