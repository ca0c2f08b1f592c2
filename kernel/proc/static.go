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
	tree  func() tree
	boot  func() vfs.Timespec
}

func newStatic(kind string, magic int64, dev uint64, src Source, files func() []file) staticFS {
	return staticFS{kind: kind, magic: magic, dev: dev, src: src, tree: sync.OnceValue(func() tree { return files() }),
		boot: sync.OnceValue(func() vfs.Timespec { return vfs.TimespecOf(src.System().Boot) })}
}

// Type is the name in /proc/mounts.
func (f *staticFS) Type() string { return f.kind }

// Dev is the number given when it was made.
func (f *staticFS) Dev() uint64 { return f.dev }

// Root is always 1.
func (f *staticFS) Root() vfs.Ino { return rootIno }

// Statfs has only a type to tell.
func (f *staticFS) Statfs() (linux.Statfs, error) {
	return linux.Statfs{Type: f.magic, Bsize: 4096, Frsize: 4096, Namelen: 255}, nil
}

// Lookup finds a name in a directory of the tree.
func (f *staticFS) Lookup(dir vfs.Ino, name string) (vfs.Ino, error) {
	t := f.tree()
	n, ok := t.node(dir)
	if !ok || !n.dir {
		return 0, linux.ENOTDIR
	}
	if ino, ok := t.child(n, name); ok {
		return ino, nil
	}
	return 0, linux.ENOENT
}

// Parent finds where a directory of the tree is.
func (f *staticFS) Parent(dir vfs.Ino) (vfs.Ino, string, error) {
	t := f.tree()
	n, ok := t.node(dir)
	if !ok || !n.dir {
		return 0, "", linux.ENOTDIR
	}
	up := t.parent(n)
	return up.ino(), strings.TrimPrefix(n.path[len(up.path):], "/"), nil
}

// Getattr gives sizes of 0, as the real ones do, and the time of boot.
func (f *staticFS) Getattr(ino vfs.Ino, a *vfs.Attr) error {
	t := f.tree()
	n, ok := t.node(ino)
	if !ok {
		return linux.ENOENT
	}
	boot := f.boot()
	*a = vfs.Attr{Dev: f.dev, Blksize: 4096, Atime: boot, Mtime: boot, Ctime: boot, Btime: boot}
	if f.kind == "proc" {
		a.Blksize = 1024
	}
	t.attr(n, a)
	return nil
}

// Readlink reads a link of the tree.
func (f *staticFS) Readlink(ino vfs.Ino) (string, error) {
	t := f.tree()
	n, ok := t.node(ino)
	if !ok || n.dir || t[n.line].target == "" {
		return "", linux.EINVAL
	}
	return t[n.line].target, nil
}

// Open opens a file, which is rendered when it is read, or a directory.
func (f *staticFS) Open(ino vfs.Ino, _ int) (vfs.Handle, error) {
	t := f.tree()
	n, ok := t.node(ino)
	switch {
	case !ok:
		return nil, linux.ENOENT
	case n.dir:
		return &pseudofs.Dir{Self: ino, Parent: t.parent(n).ino(), List: func(after uint64, fn func(vfs.DirEntry) bool) error {
			t.list(n, after, fn)
			return nil
		}}, nil
	case t[n.line].target != "":
		return nil, linux.ELOOP
	}
	l := &t[n.line]
	h := &pseudofs.File{Render: func() ([]byte, error) { return []byte(l.content(f.src)), nil }}
	if l.store != nil {
		h.Store = func(p []byte) error { return l.store(f.src, strings.TrimRight(string(p), "\n\x00")) }
	}
	return h, nil
}
