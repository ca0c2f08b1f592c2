package proc

import (
	"slices"
	"strings"

	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/vfs"
)

// file is one line of a table of fixed files. A render of nil makes an empty
// file; target makes a symbolic link instead.
type file struct {
	path   string
	mode   uint32 // permission bits; 0 is 0444
	render func(*view) string
	store  func(Source, string) error
	target string
}

// view is what a file is rendered from.
type view struct {
	System
	src Source
}

// text makes a file that always says the same, and a newline.
func text(path, s string) file {
	return file{path: path, render: func(*view) string { return s + "\n" }}
}

// texts makes files from path, value, path, value, and so on.
func texts(dir string, pairs ...string) []file {
	var out []file
	for i := 0; i+1 < len(pairs); i += 2 {
		out = append(out, text(dir+pairs[i], pairs[i+1]))
	}
	return out
}

// link makes a symbolic link.
func link(path, target string) file { return file{path: path, target: target} }

// node is one inode of a tree.
type node struct {
	file
	name     string
	ino      vfs.Ino
	parent   *node
	children []*node // nil for all but directories; sorted by name
}

// tree is a fixed tree of files. Its inode numbers are 1 for the root and then
// in the order of the table.
type tree struct {
	nodes []*node // by ino-1
}

func newTree(files []file) *tree {
	t := &tree{}
	t.add(nil, "", file{})
	t.nodes[0].parent = t.nodes[0]
	for _, f := range files {
		t.addPath(f)
	}
	for _, n := range t.nodes {
		slices.SortFunc(n.children, func(a, b *node) int { return strings.Compare(a.name, b.name) })
	}
	return t
}

func (t *tree) add(parent *node, name string, f file) *node {
	n := &node{file: f, name: name, ino: vfs.Ino(len(t.nodes) + 1), parent: parent}
	t.nodes = append(t.nodes, n)
	if parent != nil {
		parent.children = append(parent.children, n)
	}
	return n
}

// addPath makes a file and the directories above it; a path that ends in a
// slash makes only those.
func (t *tree) addPath(f file) {
	at := t.nodes[0]
	names := strings.Split(f.path, "/")
	for i, name := range names {
		if name == "" {
			return
		}
		if i == len(names)-1 {
			t.add(at, name, f)
			return
		}
		next := at.child(name)
		if next == nil {
			next = t.add(at, name, file{})
		}
		next.path = ""
		at = next
	}
}

func (n *node) child(name string) *node {
	for _, c := range n.children {
		if c.name == name {
			return c
		}
	}
	return nil
}

// isDir tells directories, which have no path of their own.
func (n *node) isDir() bool { return n.path == "" }

func (n *node) modeBits() uint32 {
	switch {
	case n.isDir():
		return linux.S_IFDIR | 0o555
	case n.target != "":
		return linux.S_IFLNK | 0o777
	case n.mode == 0:
		return linux.S_IFREG | 0o444
	}
	return linux.S_IFREG | n.mode
}

func (n *node) dirs() uint32 {
	c := uint32(0)
	for _, k := range n.children {
		if k.isDir() {
			c++
		}
	}
	return c
}

func (t *tree) node(ino vfs.Ino) *node {
	if ino == 0 || ino > vfs.Ino(len(t.nodes)) {
		return nil
	}
	return t.nodes[ino-1]
}

func (n *node) fill(a *vfs.Attr) {
	a.Ino, a.Mode, a.Nlink = n.ino, n.modeBits(), 1
	switch {
	case n.isDir():
		a.Nlink = 2 + n.dirs()
	case n.target != "":
		a.Size = int64(len(n.target))
	}
}

// list gives the children with cookies that are their inode numbers plus 2, in
// the order of these.
func (n *node) list(after uint64, fn func(vfs.DirEntry) bool) bool {
	kids := slices.Clone(n.children)
	slices.SortFunc(kids, func(a, b *node) int { return int(a.ino) - int(b.ino) })
	for _, c := range kids {
		e := vfs.DirEntry{Name: c.name, Ino: c.ino, Type: linux.DirType(c.modeBits()), Cookie: c.ino + 2}
		if e.Cookie > after && !fn(e) {
			return false
		}
	}
	return true
}
