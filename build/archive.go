package build

import (
	"archive/tar"
	"bufio"
	"crypto/sha256"
	"errors"
	"io"
	"math"
	"path"
	"strings"

	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/registry"
	"github.com/sbxrun/sbx/vfs"
)

const (
	paxXattr = "SCHILY.xattr."
	// maxUnpacked bounds what an archive may hold.
	maxUnpacked        = 64 << 30
	maxUnpackedEntries = 1 << 20
)

// isArchive tells whether a file is a tar archive, compressed or not.
func isArchive(t tree, p string) (bool, error) {
	f, err := t.open(p)
	if err != nil {
		return false, err
	}
	defer f.Close()
	plain, _, err := registry.Decompress(f)
	if err != nil {
		return false, nil
	}
	defer plain.Close()
	head := make([]byte, 512)
	if _, err := io.ReadFull(plain, head); err != nil {
		return false, nil
	}
	return isTarHeader(head), nil
}

// isTarHeader tells whether a block starts a tar archive: its name is not
// empty and its sum is right.
func isTarHeader(b []byte) bool {
	if len(b) < 512 || b[0] == 0 {
		return false
	}
	_, err := tar.NewReader(strings.NewReader(string(b[:512]))).Next()
	return err == nil || errors.Is(err, io.ErrUnexpectedEOF) // of a header that the next block belongs to
}

// archive unpacks a source that is an archive below the destination.
func (w *writer) archive(s *source) error {
	f, err := s.t.open(s.path)
	if err != nil {
		return err
	}
	defer f.Close()
	raw := io.Reader(f)
	if w.sum != nil && w.sum.file(item{rel: s.name, entry: s.entry}) {
		h := sha256.New()
		raw = io.TeeReader(f, h)
		defer func() {
			_, _ = io.Copy(io.Discard, raw) // what stands after the archive's end
			w.sum.content(h)
		}()
	}
	plain, _, err := registry.Decompress(raw)
	if err != nil {
		return err
	}
	defer plain.Close()
	in := &limited{r: plain, left: maxUnpacked}
	tr := tar.NewReader(bufio.NewReaderSize(in, 64<<10))
	for n := 0; ; n++ {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return badf("the archive %s cannot be read: %w", s.name, err)
		}
		if n > maxUnpackedEntries {
			return badf("the archive %s has more than %d entries", s.name, maxUnpackedEntries)
		}
		if err := w.unpack(h, tr); err != nil {
			return badf("the archive %s: %q: %w", s.name, h.Name, reason(err))
		}
	}
}

// unpack makes one entry of an archive.
func (w *writer) unpack(h *tar.Header, r io.Reader) error {
	typ, ok := archiveType(h.Typeflag)
	name := clean(h.Name)
	if !ok {
		return nil
	}
	if h.Uid < 0 || h.Gid < 0 || int64(h.Uid) > math.MaxUint32 || int64(h.Gid) > math.MaxUint32 {
		return errors.New("its owner is no number that Linux has")
	}
	at := path.Join(w.dest, name)
	if name != "" {
		if err := w.folder(path.Dir(at)); err != nil {
			return err
		}
	}
	if h.Typeflag == tar.TypeLink {
		if err := w.clear(at); err != nil {
			return err
		}
		return w.w.Link(vfs.Loc{}, path.Join(w.dest, clean(h.Linkname)), vfs.Loc{}, at, 0)
	}
	e := entry{
		mode: typ | uint32(h.Mode)&0o7777, uid: uint32(h.Uid), gid: uint32(h.Gid), size: h.Size, link: h.Linkname,
		mtime: vfs.TimespecOf(h.ModTime), rdev: linux.Makedev(uint32(h.Devmajor), uint32(h.Devminor)),
	}
	for k, v := range h.PAXRecords {
		if n, ok := strings.CutPrefix(k, paxXattr); ok {
			if e.xattrs == nil {
				e.xattrs = map[string]string{}
			}
			e.xattrs[n] = v
		}
	}
	if name == "" {
		return nil // the destination stands for it
	}
	return w.make(at, e, func() (io.ReadCloser, error) { return io.NopCloser(r), nil })
}

func archiveType(flag byte) (uint32, bool) {
	switch flag {
	case tar.TypeReg, '\x00', tar.TypeCont, tar.TypeGNUSparse, tar.TypeLink:
		return linux.S_IFREG, true
	case tar.TypeDir:
		return linux.S_IFDIR, true
	case tar.TypeSymlink:
		return linux.S_IFLNK, true
	case tar.TypeFifo:
		return linux.S_IFIFO, true
	case tar.TypeChar:
		return linux.S_IFCHR, true
	case tar.TypeBlock:
		return linux.S_IFBLK, true
	}
	return 0, false
}

// limited fails when more is read than is allowed.
type limited struct {
	r    io.Reader
	left int64
}

func (l *limited) Read(p []byte) (int, error) {
	n, err := l.r.Read(p)
	if l.left -= int64(n); l.left < 0 {
		return 0, registry.Errorf(registry.ErrTooLarge, "it holds more than is allowed")
	}
	return n, err
}
