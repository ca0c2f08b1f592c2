package proc

import (
	"strings"
	"sync"

	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/kernel/pseudofs"
	"github.com/sbxrun/sbx/vfs"
)

// staticFS is a file system that is a fixed tree: /sys, and what of /proc does
// not belong to a process.
type staticFS struct {
	pseudofs.Base
	kind  string
	magic int64
	dev   uint64
	src   Source
	tree  *tree
	boot  func() vfs.Timespec
}

func newStatic(kind string, magic int64, dev uint64, src Source, files []file) staticFS {
	return staticFS{kind: kind, magic: magic, dev: dev, src: src, tree: newTree(files),
		boot: sync.OnceValue(func() vfs.Timespec { return vfs.TimespecOf(src.System().Boot) })}
}

// Type is the name in /proc/mounts.
func (f *staticFS) Type() string { return f.kind }

// Dev is the number given when it was made.
func (f *staticFS) Dev() uint64 { return f.dev }

// Root is always 1.
func (f *staticFS) Root() vfs.Ino { return 1 }

// Statfs has only a type to tell.
func (f *staticFS) Statfs() (linux.Statfs, error) {
	return linux.Statfs{Type: f.magic, Bsize: 4096, Frsize: 4096, Namelen: 255}, nil
}

// Lookup finds a name in a directory of the tree.
func (f *staticFS) Lookup(dir vfs.Ino, name string) (vfs.Ino, error) {
	n := f.tree.node(dir)
	if n == nil || !n.isDir() {
		return 0, linux.ENOTDIR
	}
	if c := n.child(name); c != nil {
		return c.ino, nil
	}
	return 0, linux.ENOENT
}

// Parent finds where a directory of the tree is.
func (f *staticFS) Parent(dir vfs.Ino) (vfs.Ino, string, error) {
	n := f.tree.node(dir)
	if n == nil || !n.isDir() {
		return 0, "", linux.ENOTDIR
	}
	return n.parent.ino, n.name, nil
}

// Getattr gives sizes of 0, as the real ones do, and the time of boot.
func (f *staticFS) Getattr(ino vfs.Ino, a *vfs.Attr) error {
	n := f.tree.node(ino)
	if n == nil {
		return linux.ENOENT
	}
	t := f.boot()
	*a = vfs.Attr{Dev: f.dev, Blksize: 4096, Atime: t, Mtime: t, Ctime: t, Btime: t}
	if f.kind != "proc" {
		a.Blksize = 4096
	} else {
		a.Blksize = 1024
	}
	n.fill(a)
	return nil
}

// Readlink reads a link of the tree.
func (f *staticFS) Readlink(ino vfs.Ino) (string, error) {
	n := f.tree.node(ino)
	if n == nil || n.target == "" {
		return "", linux.EINVAL
	}
	return n.target, nil
}

// Open opens a file, which is rendered when it is read, or a directory.
func (f *staticFS) Open(ino vfs.Ino, _ int) (vfs.Handle, error) {
	n := f.tree.node(ino)
	switch {
	case n == nil:
		return nil, linux.ENOENT
	case n.isDir():
		return &pseudofs.Dir{Self: ino, Parent: n.parent.ino, List: func(after uint64, fn func(vfs.DirEntry) bool) error {
			n.list(after, fn)
			return nil
		}}, nil
	case n.target != "":
		return nil, linux.ELOOP
	}
	h := &pseudofs.File{}
	if n.render != nil {
		h.Render = func() ([]byte, error) { return []byte(n.render(&view{f.src.System(), f.src})), nil }
	}
	if n.store != nil {
		h.Store = func(p []byte) error { return n.store(f.src, strings.TrimRight(string(p), "\n\x00")) }
	}
	return h, nil
}
