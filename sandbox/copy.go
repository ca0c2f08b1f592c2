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
	"github.com/sbxrun/sbx/vfs"
)

// CopyOptions says how files are copied.
type CopyOptions struct {
	Archive    bool // into a container: keep owners
	FollowLink bool // follow a link that is the source itself
}

// CopyFrom copies a path of a container to a path of the host by docker cp's
// rules: into dst when that is a folder, else as dst; "SRC/." means what is
// in the folder. It returns the bytes of the files copied.
func (e *Engine) CopyFrom(ctx context.Context, ref, src, dst string, o CopyOptions) (int64, error) {
	v, err := e.openFiles(ctx, ref, false)
	if err != nil {
		return 0, err
	}
	defer v.Close()
	from := guestSide{v.walker()}
	info, err := from.stat(src, o.FollowLink)
	if err != nil {
		return 0, copyError(ref, src, err)
	}
	dir, name, err := destination(src, info, dst, hostStat(dst), false)
	if err != nil {
		return 0, err
	}
	return stream(ctx,
		func(w io.Writer) error { return from.pack(w, src, name, o) },
		func(r io.Reader) (int64, error) { return unpackHost(dir, r) })
}

// CopyTo copies a path of the host into a container that is not running, by
// the same rules.
func (e *Engine) CopyTo(ctx context.Context, src, ref, dst string, o CopyOptions) (int64, error) {
	info := hostSource(src, o.FollowLink)
	if info.err != nil {
		return 0, fail(ErrNotFound, "cannot copy %s: %v", src, errors.Unwrap(info.err))
	}
	v, err := e.openFiles(ctx, ref, true)
	if err != nil {
		return 0, err
	}
	defer v.Close()
	to := guestSide{v.walker()}
	there, err := to.stat(dst, true)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return 0, copyError(ref, dst, err)
	}
	dir, name, err := destination(filepath.ToSlash(src), info, dst, there, true)
	if err != nil {
		return 0, err
	}
	n, err := stream(ctx,
		func(w io.Writer) error { return packHost(w, src, name, o) },
		func(r io.Reader) (int64, error) { return to.unpack(dir, r, o.Archive) })
	if err != nil {
		return n, copyError(ref, dst, err)
	}
	return n, v.save(e)
}

// CopyFromTar writes a path of a container as a tar stream.
func (e *Engine) CopyFromTar(ctx context.Context, ref, src string, w io.Writer, o CopyOptions) error {
	v, err := e.openFiles(ctx, ref, false)
	if err != nil {
		return err
	}
	defer v.Close()
	from := guestSide{v.walker()}
	if _, err := from.stat(src, o.FollowLink); err != nil {
		return copyError(ref, src, err)
	}
	name := path.Base(path.Clean("/" + src))
	if dotted(src) || name == "/" {
		name = "."
	}
	return from.pack(ctxWriter{ctx, w}, src, name, o)
}

// CopyToTar unpacks a tar stream in a folder of a container that is not
// running.
func (e *Engine) CopyToTar(ctx context.Context, r io.Reader, ref, dir string, o CopyOptions) error {
	v, err := e.openFiles(ctx, ref, true)
	if err != nil {
		return err
	}
	defer v.Close()
	to := guestSide{v.walker()}
	there, err := to.stat(dir, true)
	if err == nil && !there.dir {
		err = linux.ENOTDIR
	}
	if err != nil {
		return copyError(ref, dir, err)
	}
	if _, err := to.unpack(dir, r, o.Archive); err != nil {
		return copyError(ref, dir, err)
	}
	return v.save(e)
}

// openFiles is openView with the container's volumes and binds in place.
func (e *Engine) openFiles(ctx context.Context, ref string, change bool) (*view, error) {
	v, err := e.openView(ctx, ref, change)
	if err != nil {
		return nil, err
	}
	v.mounts = &mountSet{}
	from := v.tree
	if !e.disk.state(v.rec.ID, v.lock != nil).StartedAt.IsZero() {
		from = nil
	}
	for _, m := range sortedMounts(v.rec.Config.Mounts) {
		if m.Type == MountTmpfs {
			continue
		}
		mount := e.mountOne
		if m.Type == MountVolume && v.lock == nil {
			mount = v.mountLive
		}
		if err := mount(ctx, v.mounts, v.ns, m, from); err != nil {
			v.Close()
			return nil, mountError(m, err)
		}
	}
	return v, nil
}

func copyError(ref, p string, err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return fail(ErrNotFound, "could not find the file %s in container %s", p, ref)
	}
	return fail(err, "container %s: %s: %v", ref, p, linux.ErrnoOf(err))
}

// place is what is at a path: nothing, a directory, or something else.
type place struct {
	exists, dir bool
	err         error
}

func hostStat(p string) place {
	fi, err := os.Stat(p)
	return place{exists: err == nil, dir: err == nil && fi.IsDir(), err: err}
}

func hostSource(p string, follow bool) place {
	if follow || dotted(filepath.ToSlash(p)) || strings.HasSuffix(filepath.ToSlash(p), "/") {
		return hostStat(p)
	}
	fi, err := os.Lstat(p)
	return place{exists: err == nil, dir: err == nil && fi.IsDir(), err: err}
}

// dotted tells "SRC/." and ".": the contents of a folder.
func dotted(p string) bool { return p == "." || strings.HasSuffix(p, "/.") }

// destination applies docker cp's rules: the folder that is unpacked in, and
// the name that the source's root gets there ("." to merge folders).
func destination(src string, from place, dst string, there place, guest bool) (dir, name string, err error) {
	base := path.Base(path.Clean("/" + src))
	slash := strings.HasSuffix(dst, "/") || !guest && dst != "" && os.IsPathSeparator(dst[len(dst)-1])
	switch {
	case there.exists && there.dir && from.dir && (dotted(src) || base == "/"):
		return dst, ".", nil
	case there.exists && there.dir:
		return dst, base, nil
	case there.exists && (from.dir || slash):
		return "", "", fail(ErrInvalid, "cannot copy a folder onto the file %s", dst)
	case !there.exists && slash && !from.dir:
		return "", "", fail(ErrInvalid, "the folder %s does not exist: make it first, or leave the slash out", dst)
	}
	if guest {
		return path.Dir(path.Clean(absolute(dst, "/"))), path.Base(dst), nil
	}
	dst = filepath.Clean(dst)
	return filepath.Dir(dst), filepath.Base(dst), nil
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

func (g guestSide) stat(p string, follow bool) (place, error) {
	flags := linux.AT_SYMLINK_NOFOLLOW
	if follow || dotted(p) || strings.HasSuffix(p, "/") {
		flags = 0
	}
	var a vfs.Attr
	err := g.w.Stat(vfs.Loc{}, absolute(p, "/"), flags, &a)
	return place{exists: err == nil, dir: err == nil && a.Mode&linux.S_IFMT == linux.S_IFDIR, err: err}, err
}
