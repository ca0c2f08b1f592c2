package sandbox

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/registry"
	"github.com/sbxrun/sbx/vfs"
)

// CopyOptions says how files are copied.
type CopyOptions struct {
	Archive    bool // into a container: keep owners
	FollowLink bool // follow a link that is the source itself
}

// copySide is a container's files: of one that nobody runs (stoppedFiles), or of one that runs (liveFiles).
type copySide interface {
	stat(ctx context.Context, p string, follow bool) (place, error)
	pack(ctx context.Context, w io.Writer, src, name string, o CopyOptions) error
	unpack(ctx context.Context, dir string, r io.Reader, archive bool) (int64, error)
	Close()
}

// CopyFrom copies a path of a container to a path of the host by docker cp's
// rules: into dst when that is a folder, else as dst; "SRC/." means what is
// in the folder. It returns the bytes of the files copied.
func (e *Engine) CopyFrom(ctx context.Context, ref, src, dst string, o CopyOptions) (int64, error) {
	from, rec, err := e.openFiles(ctx, ref, false)
	if err != nil {
		return 0, err
	}
	defer from.Close()
	info, err := from.stat(ctx, src, o.FollowLink)
	if err != nil {
		return 0, copyError(ref, src, err)
	}
	dir, name, err := destination(src, info, dst, hostTarget(dst), false)
	if err != nil {
		return 0, err
	}
	if there := hostStat(dir); !there.Dir {
		return 0, fail(ErrNotFound, "invalid output path: directory %q does not exist", dir)
	}
	n, err := stream(ctx,
		func(w io.Writer) error {
			if err := from.pack(ctx, w, src, name, o); err != nil {
				return copyError(ref, src, err)
			}
			return nil
		},
		func(r io.Reader) (int64, error) { return unpackHost(dir, r) })
	if err == nil {
		e.emitContainer(rec, "archive-path")
	}
	return n, err
}

// CopyTo copies a path of the host into a container, by the same rules.
func (e *Engine) CopyTo(ctx context.Context, src, ref, dst string, o CopyOptions) (int64, error) {
	info := hostSource(src, o.FollowLink)
	if info.err != nil {
		return 0, fail(ErrNotFound, "cannot copy %s: %v", src, errors.Unwrap(info.err))
	}
	to, rec, err := e.openFiles(ctx, ref, true)
	if err != nil {
		return 0, err
	}
	defer to.Close()
	there, err := to.stat(ctx, dst, true)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return 0, copyError(ref, dst, err)
	}
	dir, name, err := destination(filepath.ToSlash(src), info, dst, there, true)
	if err != nil {
		return 0, err
	}
	if err := mustHold(ctx, to, dir); err != nil {
		return 0, copyError(ref, dir, err)
	}
	n, err := stream(ctx,
		func(w io.Writer) error {
			if err := packHost(w, src, name, o); err != nil {
				return &hostError{err}
			}
			return nil
		},
		func(r io.Reader) (int64, error) { return to.unpack(ctx, dir, r, o.Archive) })
	var mine *hostError
	switch {
	case errors.As(err, &mine):
		return n, mine.error
	case err != nil:
		return n, copyError(ref, dst, err)
	}
	e.emitContainer(rec, "extract-to-dir")
	return n, nil
}

// hostError is one of reading the host's files.
type hostError struct{ error }

// CopyFromTar writes a path of a container as a tar stream.
func (e *Engine) CopyFromTar(ctx context.Context, ref, src string, w io.Writer, o CopyOptions) error {
	from, rec, err := e.openFiles(ctx, ref, false)
	if err != nil {
		return err
	}
	defer from.Close()
	if _, err := from.stat(ctx, src, o.FollowLink); err != nil {
		return copyError(ref, src, err)
	}
	name := path.Base(path.Clean("/" + src))
	if dotted(src) || name == "/" {
		name = "."
	}
	if err := from.pack(ctx, ctxWriter{ctx, w}, src, name, o); err != nil {
		return copyError(ref, src, err)
	}
	e.emitContainer(rec, "archive-path")
	return nil
}

// CopyToTar unpacks a tar stream, which may be compressed, in a folder of a container.
func (e *Engine) CopyToTar(ctx context.Context, r io.Reader, ref, dir string, o CopyOptions) error {
	to, rec, err := e.openFiles(ctx, ref, true)
	if err != nil {
		return err
	}
	defer to.Close()
	if err := mustHold(ctx, to, dir); err != nil {
		return copyError(ref, dir, err)
	}
	plain, _, err := registry.Decompress(r)
	if err != nil {
		return copyError(ref, dir, err)
	}
	defer plain.Close()
	if _, err := to.unpack(ctx, dir, plain, o.Archive); err != nil {
		return copyError(ref, dir, err)
	}
	e.emitContainer(rec, "extract-to-dir")
	return nil
}

// mustHold fails unless something can be unpacked in dir.
func mustHold(ctx context.Context, to copySide, dir string) error {
	there, err := to.stat(ctx, dir, true)
	if err == nil && !there.Dir {
		err = linux.ENOTDIR
	}
	return err
}

// openFiles opens the files of a container, to change them or not, with its volumes and binds in place.
func (e *Engine) openFiles(ctx context.Context, ref string, change bool) (copySide, Record, error) {
	id, err := e.disk.find(ref)
	if err != nil {
		return nil, Record{}, err
	}
	if c, err := e.load(id, false); err == nil && c.State.Status == StatusRunning {
		return &liveFiles{e: e, id: id, name: c.Name, state: c.State}, c.Record, nil
	}
	v, err := e.openView(ctx, ref, change)
	if err != nil {
		return nil, Record{}, err
	}
	v.mounts = &mountSet{}
	from := v.tree
	if !e.disk.state(v.rec.ID, true).StartedAt.IsZero() {
		from = nil
	}
	for _, m := range sortedMounts(v.rec.Config.Mounts) {
		if m.Type == MountTmpfs {
			continue
		}
		if err := e.mountOne(ctx, v.mounts, v.ns, m, from); err != nil {
			v.Close()
			return nil, Record{}, mountError(m, err)
		}
	}
	if change && v.rec.Config.ReadOnly {
		rw := v.ns
		v.ns = rw.CloneReadOnly()
		rw.Close()
	}
	return &stoppedFiles{v}, v.rec, nil
}

// stoppedFiles are the files of a container that nobody runs.
type stoppedFiles struct{ v *view }

func (s *stoppedFiles) stat(_ context.Context, p string, follow bool) (place, error) {
	return guestSide{s.v.walker()}.stat(p, follow)
}

func (s *stoppedFiles) pack(_ context.Context, w io.Writer, src, name string, o CopyOptions) error {
	return guestSide{s.v.walker()}.pack(w, src, name, o)
}

func (s *stoppedFiles) unpack(_ context.Context, dir string, r io.Reader, archive bool) (int64, error) {
	n, err := guestSide{s.v.walker()}.unpack(dir, r, archive)
	if err != nil {
		return n, err
	}
	return n, s.v.save(s.v.e)
}

func (s *stoppedFiles) Close() { s.v.Close() }

// copyError says what could not be copied of, or to, a container.
func copyError(ref, p string, err error) error {
	var errno linux.Errno
	var told *userError
	switch {
	case errors.As(err, &told):
		return err
	case errors.Is(err, fs.ErrNotExist):
		return fail(ErrNotFound, "could not find the file %s in container %s", p, ref)
	case errors.As(err, &errno):
		return fail(err, "container %s: %s: %v", ref, p, errno)
	}
	return fail(err, "container %s: %s: %v", ref, p, err)
}

// place is what is at a path: nothing, a directory, or something else.
type place struct {
	Exists bool   `json:"exists,omitempty"`
	Dir    bool   `json:"dir,omitempty"`
	Path   string `json:"path,omitempty"` // where it is, or would be made, when links that the path itself is were followed; "": where the path says
	err    error
}

func hostStat(p string) place {
	fi, err := os.Stat(p)
	return place{Exists: err == nil, Dir: err == nil && fi.IsDir(), err: err}
}

// hostTarget is hostStat of what is to be written: a link to a file, or to nothing yet, is written through.
func hostTarget(p string) place {
	there := hostStat(p)
	if there.Dir {
		return there
	}
	at := filepath.Clean(p)
	for range maxLinks {
		target, err := os.Readlink(at)
		if err != nil {
			break
		}
		if !filepath.IsAbs(target) {
			target = filepath.Join(filepath.Dir(at), target)
		}
		at = target
	}
	there.Path = at
	return there
}

// maxLinks is how many links lead from one to the next.
const maxLinks = 40

func hostSource(p string, follow bool) place {
	if follow || dotted(filepath.ToSlash(p)) || strings.HasSuffix(filepath.ToSlash(p), "/") {
		return hostStat(p)
	}
	fi, err := os.Lstat(p)
	return place{Exists: err == nil, Dir: err == nil && fi.IsDir(), err: err}
}

// dotted tells "SRC/." and ".": the contents of a folder.
func dotted(p string) bool { return p == "." || strings.HasSuffix(p, "/.") }

// destination applies docker cp's rules: the folder that is unpacked in, and
// the name that the source's root gets there ("." to merge folders).
func destination(src string, from place, dst string, there place, guest bool) (dir, name string, err error) {
	base := path.Base(path.Clean("/" + src))
	slash := strings.HasSuffix(dst, "/") || dotted(dst) || !guest && dst != "" && os.IsPathSeparator(dst[len(dst)-1])
	switch {
	case there.Exists && there.Dir && from.Dir && (dotted(src) || base == "/"):
		return dst, ".", nil
	case there.Exists && there.Dir:
		return dst, base, nil
	case there.Exists && (from.Dir || slash):
		return "", "", fail(ErrInvalid, "cannot copy a folder onto the file %s", dst)
	case !there.Exists && slash && !from.Dir:
		return "", "", fail(ErrInvalid, "the folder %s does not exist: make it first, or leave the slash out", dst)
	}
	if guest {
		at := there.Path
		if at == "" {
			at = path.Clean(absolute(dst, "/"))
		}
		i := strings.LastIndexByte(at, '/') // a link's target is not cleaned: what ".." in it means is told by walking
		return at[:i+1], at[i+1:], nil
	}
	at := there.Path
	if at == "" {
		at = filepath.Clean(dst)
	}
	return filepath.Dir(at), filepath.Base(at), nil
}

// stream joins a packer and an unpacker; whichever fails ends the other.
func stream(ctx context.Context, pack func(io.Writer) error, unpack func(io.Reader) (int64, error)) (int64, error) {
	r, w := io.Pipe()
	packed := make(chan struct{})
	go func() {
		defer close(packed)
		w.CloseWithError(pack(ctxWriter{ctx, w}))
	}()
	n, err := unpack(r)
	r.CloseWithError(err)
	<-packed
	return n, err
}

// guestSide reads and writes a container's tree as its root.
type guestSide struct{ w *vfs.Walker }

// stat tells what is at a path. With follow, it tells where links lead to also when nothing is there.
func (g guestSide) stat(p string, follow bool) (place, error) {
	flags := linux.AT_SYMLINK_NOFOLLOW
	if follow || dotted(p) || strings.HasSuffix(p, "/") {
		flags = 0
	}
	var a vfs.Attr
	err := g.w.Stat(vfs.Loc{}, absolute(p, "/"), flags, &a)
	there := place{Exists: err == nil, Dir: err == nil && a.Mode&linux.S_IFMT == linux.S_IFDIR, err: err}
	if follow && !there.Dir {
		there.Path = g.target(path.Clean(absolute(p, "/")))
	}
	return there, err
}

// target follows the links that p itself is.
func (g guestSide) target(p string) string {
	for range maxLinks {
		link, err := g.w.Readlink(vfs.Loc{}, p)
		if err != nil {
			return p
		}
		if link == "" || link[0] != '/' {
			link = p[:strings.LastIndexByte(p, '/')+1] + link
		}
		p = link
	}
	return p
}
