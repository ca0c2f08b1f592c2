package build

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"

	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/vfs"
)

// writer puts files into the file system of a stage. Names are resolved inside
// of it, as its root user would.
type writer struct {
	ctx  context.Context // nil: nothing ends it
	w    *vfs.Walker
	dest string // absolute; a trailing slash means a folder

	owner *owner // --chown; nil keeps the source's
	chmod *chmod // --chmod; nil keeps the source's

	sum   *summer      // sums up what is copied; nil: nobody asks
	now   vfs.Timespec // of folders that are made on the way
	dirs  []madeDir    // whose times are set at the end
	links map[uint64]string
}

type owner struct{ uid, gid uint32 }

type madeDir struct {
	path  string
	mtime vfs.Timespec
}

func newWriter(f vfs.Super, dest string, now vfs.Timespec) (*writer, *vfs.Namespace) {
	ns := vfs.NewNamespace(f)
	root := ns.RootLoc()
	return &writer{
		w:    &vfs.Walker{NS: ns, Root: root, Cwd: root, Cred: vfs.RootCred()},
		dest: dest, now: now, links: map[uint64]string{},
	}, ns
}

// copy does a whole copying.
func (w *writer) copy(c *copying) error {
	into := strings.HasSuffix(w.dest, "/") || w.isDir(w.dest)
	if into {
		if err := w.folder(w.dest); err != nil {
			return err
		}
	}
	files := 0
	for i := range c.sources {
		s := &c.sources[i]
		if !s.entry.isDir() && !s.unpack {
			files++
		}
		if files > 1 && !into {
			return badf("the destination of more than one source file must be a directory and end with a /")
		}
		if err := w.source(c, s, into || s.parents); err != nil {
			return err
		}
	}
	return w.finish()
}

// source copies one source: the files of a folder or an archive into the
// destination, another file into it or as it.
func (w *writer) source(c *copying, s *source, into bool) error {
	if w.sum != nil {
		w.sum.source(s)
	}
	if s.unpack {
		if err := w.folder(w.dest); err != nil {
			return err
		}
		return w.archive(s)
	}
	target := path.Clean(w.dest)
	asFile := false
	switch {
	case s.entry.isDir() && !s.parents:
	case into || w.isDir(w.dest):
		if err := w.folder(w.dest); err != nil {
			return err
		}
	default:
		asFile = true
		if err := w.folder(path.Dir(target)); err != nil {
			return err
		}
		// A link at the destination is followed; one that is copied over is not.
		if real, err := w.follow(target); err == nil {
			target = real
		}
	}
	return c.each(s, func(it item) error {
		at := path.Join(target, it.rel)
		if asFile {
			at = target
		}
		if it.root {
			if w.sum != nil {
				w.sum.file(it)
			}
			return w.folder(at) // the destination stands for it
		}
		return w.put(at, it)
	})
}

func (w *writer) isDir(p string) bool {
	var a vfs.Attr
	return w.w.Stat(vfs.Loc{}, p, 0, &a) == nil && linux.S_ISDIR(a.Mode)
}

// follow returns where the links at the end of a path lead.
func (w *writer) follow(p string) (string, error) {
	for range maxLinks {
		target, err := w.w.Readlink(vfs.Loc{}, p)
		if errors.Is(err, linux.EINVAL) || errors.Is(err, fs.ErrNotExist) {
			return p, nil
		}
		if err != nil {
			return "", err
		}
		if !path.IsAbs(target) {
			target = path.Join(path.Dir(p), target)
		}
		p = path.Clean(target)
	}
	return "", linux.ELOOP
}

// folder makes a folder and those above it.
func (w *writer) folder(p string) error {
	at := ""
	for part := range strings.SplitSeq(strings.Trim(path.Clean(p), "/"), "/") {
		if part == "" {
			continue
		}
		at += "/" + part
		switch err := w.w.Mkdir(vfs.Loc{}, at, 0o755); {
		case err == nil:
			if err := w.own(at, 0, 0); err != nil {
				return err
			}
			w.dirs = append(w.dirs, madeDir{at, w.now})
		case errors.Is(err, fs.ErrExist) && w.isDir(at):
		case errors.Is(err, fs.ErrExist):
			return fmt.Errorf("cannot copy to non-directory: %s", at)
		default:
			return &fs.PathError{Op: "mkdir", Path: at, Err: err}
		}
	}
	return nil
}

// own sets an owner: the one of --chown, or the one given.
func (w *writer) own(at string, uid, gid uint32) error {
	if w.owner != nil {
		uid, gid = w.owner.uid, w.owner.gid
	}
	return w.w.Chown(vfs.Loc{}, at, uid, gid, linux.AT_SYMLINK_NOFOLLOW)
}

// put makes one file.
func (w *writer) put(at string, it item) error {
	if w.ctx != nil && w.ctx.Err() != nil {
		return context.Cause(w.ctx)
	}
	open := func() (io.ReadCloser, error) { return it.t.open(it.path) }
	if w.sum != nil && w.sum.file(it) {
		h := sha256.New()
		open = func() (io.ReadCloser, error) {
			f, err := it.t.open(it.path)
			return teeFile{io.TeeReader(f, h), f}, err
		}
		defer func() { w.sum.content(h) }()
	}
	err := w.make(at, it.entry, open)
	if err == nil {
		return nil
	}
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return err
	}
	return &fs.PathError{Op: "copy", Path: at, Err: err}
}

// make makes what e says at a path. What is there goes, but a folder for a
// folder stays.
func (w *writer) make(at string, e entry, open func() (io.ReadCloser, error)) error {
	if e.isDir() {
		return w.makeDir(at, e)
	}
	if err := w.clear(at); err != nil {
		return err
	}
	if e.inode != 0 {
		if first, ok := w.links[e.inode]; ok {
			return w.w.Link(vfs.Loc{}, first, vfs.Loc{}, at, 0)
		}
		w.links[e.inode] = at
	}
	switch e.mode & linux.S_IFMT {
	case linux.S_IFREG:
		if err := w.content(at, open); err != nil {
			return err
		}
	case linux.S_IFLNK:
		if err := w.w.Symlink(e.link, vfs.Loc{}, at); err != nil {
			return err
		}
	case linux.S_IFSOCK:
		return nil // no layer holds one
	default:
		if err := w.w.Mknod(vfs.Loc{}, at, e.mode&linux.S_IFMT|0o600, e.rdev); err != nil {
			return err
		}
	}
	return w.dress(at, e)
}

// teeFile is a file whose bytes somebody else sees too.
type teeFile struct {
	io.Reader
	io.Closer
}

func (w *writer) makeDir(at string, e entry) error {
	switch err := w.w.Mkdir(vfs.Loc{}, at, 0o755); {
	case err == nil:
	case errors.Is(err, fs.ErrExist):
		var a vfs.Attr
		if err := w.w.Stat(vfs.Loc{}, at, linux.AT_SYMLINK_NOFOLLOW, &a); err != nil {
			return err
		}
		if !linux.S_ISDIR(a.Mode) {
			return fmt.Errorf("cannot copy to non-directory: %s", at)
		}
	default:
		return err
	}
	w.dirs = append(w.dirs, madeDir{at, e.mtime})
	return w.dress(at, e)
}

// clear takes away a file that is in the way.
func (w *writer) clear(at string) error {
	var a vfs.Attr
	err := w.w.Stat(vfs.Loc{}, at, linux.AT_SYMLINK_NOFOLLOW, &a)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if linux.S_ISDIR(a.Mode) {
		return fmt.Errorf("cannot replace to directory %s with file", at)
	}
	return w.w.Unlink(vfs.Loc{}, at)
}

func (w *writer) content(at string, open func() (io.ReadCloser, error)) error {
	r, err := open()
	if err != nil {
		return err
	}
	defer r.Close()
	loc, h, err := w.w.Open(vfs.Loc{}, at, linux.O_WRONLY|linux.O_CREAT|linux.O_EXCL|linux.O_NOFOLLOW, 0o600)
	if err != nil {
		return err
	}
	defer loc.Unref()
	_, err = io.CopyBuffer(onlyWriter{&handleWriter{h: h}}, r, make([]byte, 128<<10))
	return errors.Join(err, h.Close())
}

// dress gives a file its owner, permissions, attributes and time.
func (w *writer) dress(at string, e entry) error {
	const link = linux.AT_SYMLINK_NOFOLLOW
	// The owner before the mode: changing it clears the set-id bits.
	if err := w.own(at, e.uid, e.gid); err != nil {
		return err
	}
	if !e.isLink() {
		mode := e.mode & 0o7777
		if w.chmod != nil {
			mode = w.chmod.apply(mode, e.isDir())
		}
		if err := w.w.Chmod(vfs.Loc{}, at, mode, 0); err != nil {
			return err
		}
	}
	for n, v := range e.xattrs {
		if err := w.w.Setxattr(vfs.Loc{}, at, n, []byte(v), 0, link); err != nil && !errors.Is(err, linux.EOPNOTSUPP) && !errors.Is(err, linux.EPERM) {
			return err
		}
	}
	return w.w.Utimens(vfs.Loc{}, at, &[2]vfs.Timespec{e.mtime, e.mtime}, link)
}

// finish gives folders the times that making files in them changed.
func (w *writer) finish() error {
	for _, d := range w.dirs {
		err := w.w.Utimens(vfs.Loc{}, d.path, &[2]vfs.Timespec{d.mtime, d.mtime}, linux.AT_SYMLINK_NOFOLLOW)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// handleWriter writes a file from its start on.
type handleWriter struct {
	h   vfs.Handle
	off int64
}

func (w *handleWriter) Write(p []byte) (int, error) {
	n, err := w.h.WriteAt(p, w.off)
	w.off += int64(n)
	if err == nil && n < len(p) {
		err = io.ErrShortWrite
	}
	return n, err
}
