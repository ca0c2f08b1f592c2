package vfs

import (
	"archive/tar"
	"io"
	"slices"
	"time"

	"github.com/sbxrun/sbx/abi/linux"
)

// DiffOptions says how Diff writes.
type DiffOptions struct {
	Mtime  *time.Time // for every entry instead of its own
	Latest *time.Time // for entries that are younger: the same changes, made again, make the same layer
}

// Diff writes what differs from the index as an OCI layer: entries in order of
// paths, whiteouts for what is gone. Equal changes make equal bytes. The FS can be used
// meanwhile; Diff sees it as it was when it began.
func (fs *FS) Diff(w io.Writer, o DiffOptions) error {
	snap := fs.Fork()
	defer snap.Close()
	snap.mu.RLock()
	es := snap.compare()
	snap.mu.RUnlock()
	t := newTarWriter(snap, w, o)
	for _, e := range es {
		if err := t.change(e); err != nil {
			return err
		}
	}
	return t.tw.Close()
}

// Export writes the whole tree as a tar, in order of paths.
func (fs *FS) Export(w io.Writer) error {
	snap := fs.Fork()
	defer snap.Close()
	t := newTarWriter(snap, w, DiffOptions{})
	if err := t.tree("", rootIno, 0); err != nil {
		return err
	}
	return t.tw.Close()
}

// ExportDir writes a directory of the tree as a tar whose root it is.
func (fs *FS) ExportDir(w io.Writer, dir Ino) error {
	snap := fs.Fork()
	defer snap.Close()
	t := newTarWriter(snap, w, DiffOptions{})
	if err := t.inode("./", dir); err != nil {
		return err
	}
	if err := t.tree("", dir, 0); err != nil {
		return err
	}
	return t.tw.Close()
}

// tarWriter writes inodes of a snapshot.
type tarWriter struct {
	fs   *FS
	tw   *tar.Writer
	opts DiffOptions
	seen map[Ino]string // first path of files with more names
}

func newTarWriter(fs *FS, w io.Writer, o DiffOptions) *tarWriter {
	return &tarWriter{fs, tar.NewWriter(w), o, make(map[Ino]string)}
}

// tree writes a directory and what is below it.
func (t *tarWriter) tree(path string, dir Ino, depth int) error {
	if depth > maxTreeDepth {
		return linux.ELOOP
	}
	type kid struct {
		name string
		ino  Ino
	}
	var kids []kid
	t.fs.mu.RLock()
	t.fs.eachEntry(dir, func(name string, ino Ino) { kids = append(kids, kid{name, ino}) })
	t.fs.mu.RUnlock()
	slices.SortFunc(kids, func(a, b kid) int { return comparePaths(a.name, b.name) })
	for _, k := range kids {
		p := join(path, k.name)
		var a Attr
		if err := t.fs.Getattr(k.ino, &a); err != nil {
			return err
		}
		if err := t.inode(p, k.ino); err != nil {
			return err
		}
		if linux.S_ISDIR(a.Mode) {
			if err := t.tree(p, k.ino, depth+1); err != nil {
				return err
			}
		}
	}
	return nil
}

// change writes one difference.
func (t *tarWriter) change(e diffEntry) error {
	if e.path == "" {
		return t.inode("./", e.ino)
	}
	if e.kind == 'D' || t.isSocket(e.ino) {
		if e.kind == 'A' {
			return nil
		}
		dir, base := splitPath(e.path)
		return t.whiteout(join(dir, whiteoutPrefix+base))
	}
	if err := t.inode(e.path, e.ino); err != nil {
		return err
	}
	if e.opaque {
		return t.whiteout(e.path + "/" + whiteoutOpaque)
	}
	return nil
}

func (t *tarWriter) isSocket(ino Ino) bool {
	var a Attr
	return t.fs.Getattr(ino, &a) == nil && linux.S_ISSOCK(a.Mode)
}

func (t *tarWriter) whiteout(path string) error {
	return t.tw.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: path, Mode: 0o600, Format: tar.FormatPAX, ModTime: t.mtime(Timespec{})})
}

func (t *tarWriter) mtime(own Timespec) time.Time {
	if t.opts.Mtime != nil {
		return *t.opts.Mtime
	}
	m := own.Time()
	if t.opts.Latest != nil && m.After(*t.opts.Latest) {
		return *t.opts.Latest
	}
	return m
}

// inode writes one entry and its data. Sockets are left out: tar has none.
func (t *tarWriter) inode(path string, ino Ino) error {
	var a Attr
	if err := t.fs.Getattr(ino, &a); err != nil {
		return err
	}
	h := &tar.Header{Name: path, Mode: int64(a.Mode & 0o7777), Uid: int(a.UID), Gid: int(a.GID), Format: tar.FormatPAX,
		ModTime: t.mtime(a.Mtime)}
	if !t.setType(h, ino, &a) {
		return nil
	}
	if h.Typeflag != tar.TypeLink {
		if err := t.setXattrs(h, ino); err != nil {
			return err
		}
	}
	if err := t.tw.WriteHeader(h); err != nil {
		return err
	}
	if h.Typeflag == tar.TypeReg {
		return t.data(ino, a.Size)
	}
	return nil
}

// setType fills in what depends on the type; false for what a tar cannot hold.
func (t *tarWriter) setType(h *tar.Header, ino Ino, a *Attr) bool {
	switch a.Mode & linux.S_IFMT {
	case linux.S_IFDIR:
		h.Typeflag = tar.TypeDir
		if h.Name != "./" {
			h.Name += "/"
		}
		return true
	case linux.S_IFREG:
		h.Typeflag, h.Size = tar.TypeReg, a.Size
	case linux.S_IFLNK:
		h.Typeflag = tar.TypeSymlink
		h.Linkname, _ = t.fs.Readlink(ino)
	case linux.S_IFIFO:
		h.Typeflag = tar.TypeFifo
	case linux.S_IFCHR, linux.S_IFBLK:
		h.Typeflag = tar.TypeChar
		if linux.S_ISBLK(a.Mode) {
			h.Typeflag = tar.TypeBlock
		}
		h.Devmajor, h.Devminor = int64(linux.Major(a.Rdev)), int64(linux.Minor(a.Rdev))
	default:
		return false
	}
	if a.Nlink < 2 {
		return true
	}
	if first, ok := t.seen[ino]; ok {
		h.Typeflag, h.Linkname, h.Size = tar.TypeLink, first, 0
	} else {
		t.seen[ino] = h.Name
	}
	return true
}

const paxXattr = "SCHILY.xattr."

func (t *tarWriter) setXattrs(h *tar.Header, ino Ino) error {
	names, err := t.fs.Listxattr(ino)
	if err != nil {
		return err
	}
	for _, n := range names {
		v, err := t.fs.Getxattr(ino, n)
		if err != nil {
			return err
		}
		if h.PAXRecords == nil {
			h.PAXRecords = make(map[string]string)
		}
		h.PAXRecords[paxXattr+n] = string(v)
	}
	return nil
}

func (t *tarWriter) data(ino Ino, size int64) error {
	h, err := t.fs.Open(ino, linux.O_RDONLY)
	if err != nil {
		return err
	}
	defer h.Close()
	buf := make([]byte, min(size, 256<<10))
	for off := int64(0); off < size; {
		n, err := h.ReadAt(buf[:min(int64(len(buf)), size-off)], off)
		if err != nil {
			return err
		}
		if n == 0 {
			return io.ErrUnexpectedEOF
		}
		if _, err := t.tw.Write(buf[:n]); err != nil {
			return err
		}
		off += int64(n)
	}
	return nil
}
