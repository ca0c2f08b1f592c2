package sandbox

import (
	"archive/tar"
	"errors"
	"io"
	"io/fs"
	"path"
	"strings"
	"time"

	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/vfs"
)

const (
	maxCopyDepth = 1000 // folders inside folders
	copyChunk    = 128 << 10
)

// pack writes the tree at src as a tar stream whose root is called name.
func (g guestSide) pack(w io.Writer, src, name string, o CopyOptions) error {
	tw := tar.NewWriter(w)
	p := guestPacker{g: g, tw: tw, seen: map[vfs.Ino]string{}}
	follow := o.FollowLink || dotted(src) || strings.HasSuffix(src, "/")
	if err := p.add(absolute(src, "/"), name, follow, 0); err != nil {
		return err
	}
	return tw.Close()
}

type guestPacker struct {
	g    guestSide
	tw   *tar.Writer
	seen map[vfs.Ino]string // first name of files with several
}

func (p *guestPacker) add(at, name string, follow bool, depth int) error {
	if depth > maxCopyDepth {
		return linux.ELOOP
	}
	flags := linux.AT_SYMLINK_NOFOLLOW
	if follow {
		flags = 0
	}
	var a vfs.Attr
	if err := p.g.w.Stat(vfs.Loc{}, at, flags, &a); err != nil {
		return err
	}
	h := headerOf(name, &a)
	switch a.Mode & linux.S_IFMT {
	case linux.S_IFDIR:
		h.Typeflag, h.Name = tar.TypeDir, name+"/"
		if err := p.tw.WriteHeader(h); err != nil {
			return err
		}
		return p.children(at, name, depth)
	case linux.S_IFLNK:
		target, err := p.g.w.Readlink(vfs.Loc{}, at)
		if err != nil {
			return err
		}
		h.Typeflag, h.Linkname = tar.TypeSymlink, target
		return p.tw.WriteHeader(h)
	case linux.S_IFREG:
		return p.file(at, h, &a)
	case linux.S_IFIFO:
		h.Typeflag = tar.TypeFifo
		return p.tw.WriteHeader(h)
	}
	return nil // sockets and devices do not travel
}

func (p *guestPacker) file(at string, h *tar.Header, a *vfs.Attr) error {
	if first, ok := p.seen[a.Ino]; ok && a.Nlink > 1 {
		h.Typeflag, h.Linkname = tar.TypeLink, first
		return p.tw.WriteHeader(h)
	}
	p.seen[a.Ino] = h.Name
	h.Typeflag, h.Size = tar.TypeReg, a.Size
	o, err := p.g.w.OpenFile(vfs.Loc{}, at, linux.O_RDONLY, 0, 0)
	if err != nil {
		return err
	}
	defer o.Close()
	if o.Handle == nil {
		return linux.ESTALE // a running guest put something else there
	}
	if err := p.tw.WriteHeader(h); err != nil {
		return err
	}
	n, err := io.CopyBuffer(p.tw, io.LimitReader(&handleReader{h: o.Handle}, a.Size), make([]byte, copyChunk))
	if err == nil && n < a.Size { // a running guest cut it short
		_, err = io.CopyN(p.tw, zeros{}, a.Size-n)
	}
	return err
}

// zeros reads as bytes of 0 without an end.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

func (p *guestPacker) children(at, name string, depth int) error {
	_, hd, err := p.g.w.Open(vfs.Loc{}, at, linux.O_RDONLY|linux.O_DIRECTORY, 0)
	if err != nil {
		return err
	}
	var names []string
	err = hd.ReadDir(0, func(e vfs.DirEntry) bool {
		if e.Name != "." && e.Name != ".." {
			names = append(names, e.Name)
		}
		return true
	})
	_ = hd.Close()
	if err != nil {
		return err
	}
	for _, n := range names {
		if err := p.add(path.Join(at, n), name+"/"+n, false, depth+1); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

func headerOf(name string, a *vfs.Attr) *tar.Header {
	return &tar.Header{
		Name: name, Mode: int64(a.Mode & 0o7777), Uid: int(a.UID), Gid: int(a.GID),
		ModTime: time.Unix(a.Mtime.Sec, int64(a.Mtime.Nsec)), Format: tar.FormatPAX,
	}
}

// mayChange is an error when dir is in what is mounted read-only.
func (g guestSide) mayChange(dir string) error {
	at, err := g.w.Resolve(vfs.Loc{}, absolute(dir, "/"), 0)
	switch {
	case err != nil:
		return err
	case at.Mount.Flags()&linux.ST_RDONLY == 0:
		return nil
	case at.Mount == g.w.Root.Mount:
		return fail(ErrConflict, "container rootfs is marked read-only")
	}
	return fail(ErrConflict, "mounted volume is marked read-only")
}

// unpack makes the entries of a tar stream below dir. Names are resolved
// inside the container, as its root would. Owners are kept with archive, else
// everything is root's. What was made before an error stays.
func (g guestSide) unpack(dir string, r io.Reader, archive bool) (int64, error) {
	if err := g.mayChange(dir); err != nil {
		return 0, err
	}
	u := guestUnpacker{g: g, dir: absolute(dir, "/"), archive: archive}
	tr := tar.NewReader(r)
	for {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			return u.bytes, nil
		}
		if err != nil {
			return u.bytes, err
		}
		if err := u.entry(h, tr); err != nil {
			return u.bytes, err
		}
	}
}

type guestUnpacker struct {
	g       guestSide
	dir     string
	archive bool
	bytes   int64
}

func (u *guestUnpacker) path(name string) string {
	return strings.TrimSuffix(u.dir, "/") + path.Clean("/"+name)
}

func (u *guestUnpacker) entry(h *tar.Header, r io.Reader) error {
	at := u.path(h.Name)
	if err := u.parents(h.Name); err != nil {
		return err
	}
	var err error
	switch h.Typeflag {
	case tar.TypeDir:
		if err = u.g.w.Mkdir(vfs.Loc{}, at, 0o755); errors.Is(err, fs.ErrExist) {
			err = mustBeDir(u.g.w, at)
		}
	case tar.TypeReg:
		err = u.file(at, r)
	case tar.TypeSymlink:
		if err = u.clear(at); err == nil {
			err = u.g.w.Symlink(h.Linkname, vfs.Loc{}, at)
		}
	case tar.TypeLink:
		if err = u.clear(at); err == nil {
			return u.g.w.Link(vfs.Loc{}, u.path(h.Linkname), vfs.Loc{}, at, 0)
		}
	case tar.TypeFifo:
		if err = u.clear(at); err == nil {
			err = u.g.w.Mknod(vfs.Loc{}, at, linux.S_IFIFO|0o600, 0)
		}
	default:
		return nil // devices are not copied in
	}
	if err != nil {
		return err
	}
	return u.attributes(at, h)
}

// parents makes the folders above an entry that the archive left out.
func (u *guestUnpacker) parents(name string) error {
	above := path.Dir(path.Clean("/" + name))
	if above == "/" {
		return nil
	}
	at := u.path(above)
	if mustBeDir(u.g.w, at) == nil {
		return nil
	}
	if err := u.parents(above); err != nil {
		return err
	}
	return u.g.w.Mkdir(vfs.Loc{}, at, 0o755)
}

// clear removes what is in the way of a new inode; folders stay.
func (u *guestUnpacker) clear(at string) error {
	err := u.g.w.Unlink(vfs.Loc{}, at)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

func (u *guestUnpacker) file(at string, r io.Reader) error {
	if err := u.clear(at); err != nil {
		return err
	}
	_, h, err := u.g.w.Open(vfs.Loc{}, at, linux.O_WRONLY|linux.O_CREAT|linux.O_EXCL|linux.O_NOFOLLOW, 0o600)
	if err != nil {
		return err
	}
	n, err := io.CopyBuffer(&handleWriter{h: h}, r, make([]byte, copyChunk))
	u.bytes += n
	return errors.Join(err, h.Close())
}

func (u *guestUnpacker) attributes(at string, h *tar.Header) error {
	const link = linux.AT_SYMLINK_NOFOLLOW
	uid, gid := uint32(0), uint32(0)
	if u.archive {
		uid, gid = uint32(h.Uid), uint32(h.Gid)
	}
	// Owners before the mode: changing them clears the set-id bits.
	if err := u.g.w.Chown(vfs.Loc{}, at, uid, gid, link); err != nil && !errors.Is(err, errors.ErrUnsupported) {
		return err
	}
	if h.Typeflag != tar.TypeSymlink {
		if err := u.g.w.Chmod(vfs.Loc{}, at, uint32(h.Mode)&0o7777, 0); err != nil {
			return err
		}
	}
	t := vfs.TimespecOf(h.ModTime)
	if err := u.g.w.Utimens(vfs.Loc{}, at, &[2]vfs.Timespec{t, t}, link); err != nil && !errors.Is(err, errors.ErrUnsupported) {
		return err
	}
	return nil
}

// handleWriter writes to a handle from its start on.
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
