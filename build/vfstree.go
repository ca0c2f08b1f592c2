package build

import (
	"io"
	"io/fs"
	"slices"
	"strings"

	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/vfs"
)

// vfsTree is a file system: that of a stage or an image, or an archive's.
type vfsTree struct {
	fs vfs.Super
	// plain leaves owners and attributes out, as of a context.
	plain bool
}

func (t *vfsTree) find(p string) (vfs.Ino, error) {
	ino := t.fs.Root()
	for p != "" {
		var name string
		var err error
		name, p, _ = strings.Cut(p, "/")
		if ino, err = t.fs.Lookup(ino, name); err != nil {
			return 0, err
		}
	}
	return ino, nil
}

func (t *vfsTree) stat(p string) (entry, error) {
	ino, err := t.find(p)
	if err != nil {
		return entry{}, pathError("stat", p, err)
	}
	var a vfs.Attr
	if err := t.fs.Getattr(ino, &a); err != nil {
		return entry{}, pathError("stat", p, err)
	}
	e := entry{mode: a.Mode, uid: a.UID, gid: a.GID, mtime: a.Mtime, rdev: a.Rdev}
	if e.isFile() {
		e.size = a.Size
		if a.Nlink > 1 {
			e.inode = uint64(ino)
		}
	}
	if e.isLink() {
		if e.link, err = t.fs.Readlink(ino); err != nil {
			return e, pathError("readlink", p, err)
		}
	}
	if t.plain {
		e.uid, e.gid = 0, 0
		return e, nil
	}
	e.xattrs, err = t.attributes(ino)
	return e, pathError("listxattr", p, err)
}

func (t *vfsTree) attributes(ino vfs.Ino) (map[string]string, error) {
	names, err := t.fs.Listxattr(ino)
	if err != nil || len(names) == 0 {
		return nil, nil // a file system without attributes
	}
	out := map[string]string{}
	for _, n := range names {
		v, err := t.fs.Getxattr(ino, n)
		if err != nil {
			return nil, err
		}
		out[n] = string(v)
	}
	return out, nil
}

func (t *vfsTree) list(p string) ([]string, error) {
	h, err := t.handle(p)
	if err != nil {
		return nil, err
	}
	defer h.Close()
	var names []string
	err = h.ReadDir(0, func(e vfs.DirEntry) bool {
		if e.Name != "." && e.Name != ".." {
			names = append(names, e.Name)
		}
		return true
	})
	slices.Sort(names)
	return names, pathError("readdir", p, err)
}

func (t *vfsTree) open(p string) (io.ReadCloser, error) {
	h, err := t.handle(p)
	if err != nil {
		return nil, err
	}
	return &handleReader{h: h}, nil
}

func (t *vfsTree) handle(p string) (vfs.Handle, error) {
	ino, err := t.find(p)
	if err != nil {
		return nil, pathError("open", p, err)
	}
	h, err := t.fs.Open(ino, linux.O_RDONLY)
	return h, pathError("open", p, err)
}

// handleReader reads a file from its start to its end.
type handleReader struct {
	h   vfs.Handle
	off int64
}

func (r *handleReader) Read(p []byte) (int, error) {
	n, err := r.h.ReadAt(p, r.off)
	r.off += int64(n)
	if n == 0 && err == nil && len(p) > 0 {
		err = io.EOF
	}
	return n, err
}

func (r *handleReader) Close() error { return r.h.Close() }

func pathError(op, p string, err error) error {
	if err == nil {
		return nil
	}
	return &fs.PathError{Op: op, Path: "/" + p, Err: err}
}
