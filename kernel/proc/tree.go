package proc

import (
	"strings"

	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/vfs"
)

// file is one line of a table of fixed files. A path that ends in a slash is a
// directory with nothing in it.
type file struct {
	path   string
	mode   uint32 // permission bits; 0 is 0444
	text   string // what it always says,
	line   bool   // and a newline
	render func(*view) string
	store  func(Source, string) error
	target string // of a symbolic link, which it is then
}

// view is what a file is rendered from.
type view struct {
	System
	src Source
}

// text makes a file that always says the same, and a newline.
func text(path, s string) file { return file{path: path, text: s, line: true} }

// texts makes files from path, value, path, value, and so on.
func texts(dir string, pairs ...string) []file {
	out := make([]file, 0, len(pairs)/2)
	for i := 0; i+1 < len(pairs); i += 2 {
		out = append(out, text(dir+pairs[i], pairs[i+1]))
	}
	return out
}

// link makes a symbolic link.
func link(path, target string) file { return file{path: path, target: target} }

// content is what a reader gets.
func (f *file) content(src Source) string {
	switch {
	case f.render != nil:
		return f.render(&view{src.System(), src})
	case f.line:
		return f.text + "\n"
	}
	return f.text
}

func (f *file) modeBits() uint32 {
	switch {
	case f.target != "":
		return linux.S_IFLNK | 0o777
	case f.mode == 0:
		return linux.S_IFREG | 0o444
	}
	return linux.S_IFREG | f.mode
}

// tree is a fixed tree of files: the table itself, in which whoever asks
// searches. Few do, and most programs never look.
type tree []file

// node is one inode of a tree. Directories have no lines of their own: they are
// the first names of a path. So an inode is the first line that has its path, and
// how many names of that line's path it is; the root is inode 1.
type node struct {
	line, names int
	path        string
	dir         bool
}

const (
	rootIno   = vfs.Ino(1)
	namesBits = 4
)

func inoOf(line, names int) vfs.Ino { return vfs.Ino(line+1)<<namesBits | vfs.Ino(names) }

func (n node) ino() vfs.Ino {
	if n.names == 0 {
		return rootIno
	}
	return inoOf(n.line, n.names)
}

// node decodes an inode number.
func (t tree) node(ino vfs.Ino) (node, bool) {
	n := node{line: int(ino>>namesBits) - 1, names: int(ino & (1<<namesBits - 1))}
	if ino == rootIno {
		return node{dir: true}, true
	}
	if n.line < 0 || n.line >= len(t) || n.names == 0 {
		return n, false
	}
	n.path, n.dir = firstNames(t[n.line].path, n.names)
	return n, n.path != ""
}

// firstNames cuts a path after n names, and tells whether more follows; "" when
// it has fewer.
func firstNames(path string, n int) (head string, more bool) {
	at := 0
	for range n {
		if at >= len(path) {
			return "", false
		}
		i := strings.IndexByte(path[at:], '/')
		if i < 0 {
			i = len(path) - at
		}
		at += i + 1
	}
	return path[:at-1], at <= len(path)
}

// entry is the name that the line has in the directory; "" for none.
func (t tree) entry(dir node, line int) string {
	rest := t[line].path
	if dir.path != "" {
		var ok bool
		if rest, ok = strings.CutPrefix(rest, dir.path); !ok || rest == "" || rest[0] != '/' {
			return ""
		}
		rest = rest[1:]
	}
	name, _, _ := strings.Cut(rest, "/")
	return name
}

// child finds a name in a directory.
func (t tree) child(dir node, name string) (vfs.Ino, bool) {
	for i := dir.line; i < len(t); i++ {
		if n := t.entry(dir, i); n == name && n != "" {
			return inoOf(i, dir.names+1), true
		}
	}
	return 0, false
}

// parent finds the directory that has a node.
func (t tree) parent(n node) node {
	if n.names <= 1 {
		return node{dir: true}
	}
	up := node{names: n.names - 1, dir: true}
	up.path, _ = firstNames(n.path, up.names)
	for t.entry(up, up.line) == "" {
		up.line++ // ends at n.line at the latest
	}
	return up
}

// children calls fn for what is in a directory, in the order of inode numbers,
// until it says false.
func (t tree) children(dir node, fn func(name string, ino vfs.Ino, mode uint32) bool) bool {
	seen := map[string]bool{}
	for i := dir.line; i < len(t); i++ {
		name := t.entry(dir, i)
		if name == "" || seen[name] {
			continue
		}
		seen[name] = true
		ino := inoOf(i, dir.names+1)
		n, _ := t.node(ino)
		if !fn(name, ino, t.modeBits(n)) {
			return false
		}
	}
	return true
}

func (t tree) modeBits(n node) uint32 {
	if n.dir {
		return linux.S_IFDIR | 0o555
	}
	return t[n.line].modeBits()
}

// attr fills in what the node has of its own.
func (t tree) attr(n node, a *vfs.Attr) {
	a.Ino, a.Mode, a.Nlink = n.ino(), t.modeBits(n), 1
	if !n.dir {
		a.Size = int64(len(t[n.line].target))
		return
	}
	a.Nlink = 2
	t.children(n, func(_ string, _ vfs.Ino, mode uint32) bool {
		if linux.S_ISDIR(mode) {
			a.Nlink++
		}
		return true
	})
}

// list gives the children with cookies that are their inode numbers plus 2.
func (t tree) list(dir node, after uint64, fn func(vfs.DirEntry) bool) bool {
	return t.children(dir, func(name string, ino vfs.Ino, mode uint32) bool {
		e := vfs.DirEntry{Name: name, Ino: ino, Type: linux.DirType(mode), Cookie: ino + 2}
		return e.Cookie <= after || fn(e)
	})
}
