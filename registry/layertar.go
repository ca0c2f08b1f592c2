package registry

import (
	"archive/tar"
	"context"
	"errors"
	"io"
	"math"
	"path"
	"strings"

	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/vfs"
)

const (
	paxXattr       = "SCHILY.xattr."
	paxSparse      = "GNU.sparse."
	whiteoutPrefix = ".wh."
	opaqueWhiteout = ".wh..wh..opq"
	maxNameBytes   = 255
	maxXattrBytes  = 64 << 10
)

// layerScanner reads the tar of one layer into entries and a content file. Nothing in it touches the host by a name
// that the tar gives.
type layerScanner struct {
	lim     Limits
	content *contentWriter
	entries []vfs.LayerEntry
	budget  *budget           // of the image
	count   int               // entries read so far
	meta    int64             // bytes of paths, links and xattrs so far
	size    int64             // sum of file sizes, also of one that is being read
	strings map[string]string // xattr names and values that repeat
}

// scan reads the tar to its end. The caller drains and hashes what follows the end marker.
func (s *layerScanner) scan(ctx context.Context, r io.Reader) error {
	tr := tar.NewReader(r)
	for {
		h, err := tr.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return badTar(err)
		}
		s.count++
		if s.budget.spent.entries.Add(1) > int64(s.lim.Entries) {
			return Errorf(ErrTooLarge, "the layers have more than %d entries: refused", s.lim.Entries)
		}
		if s.count&0xff == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		if err := s.entry(h, tr); err != nil {
			return err
		}
	}
}

// badTar turns errors of the tar format into ErrCorrupt; other errors come from the source, which wraps its own
// unexpected ends.
func badTar(err error) error {
	if errors.Is(err, tar.ErrHeader) || errors.Is(err, tar.ErrFieldTooLong) || err == io.ErrUnexpectedEOF {
		return corrupt("the layer is not a valid tar archive: %w", err)
	}
	return err
}

// entry adds one entry of the tar.
func (s *layerScanner) entry(h *tar.Header, r io.Reader) error {
	mode, ok := tarType(h.Typeflag)
	if !ok {
		return nil
	}
	name, err := s.cleanPath(h.Name)
	if err != nil {
		return err
	}
	if base := path.Base(name); strings.HasPrefix(base, whiteoutPrefix+whiteoutPrefix) && base != opaqueWhiteout {
		return nil // bookkeeping of aufs, not part of the image
	}
	e := vfs.LayerEntry{Path: name, Mode: mode | uint32(h.Mode)&0o7777, Mtime: vfs.TimespecOf(h.ModTime)}
	if e.UID, e.GID, err = owner(h); err != nil {
		return err
	}
	if err := s.details(&e, h); err != nil {
		return err
	}
	n := len(e.Path) + len(e.Link) + 128
	for k, v := range e.Xattrs {
		n += len(k) + len(v)
	}
	if err := s.spendMeta(n); err != nil {
		return err
	}
	if mode == linux.S_IFREG && !e.Hard {
		if err := s.data(&e, h, r); err != nil {
			return err
		}
	}
	s.entries = append(s.entries, e)
	return nil
}

// spendMeta bounds what the names, attributes and holes of all entries need in memory.
func (s *layerScanner) spendMeta(n int) error {
	s.meta += int64(n)
	if s.budget.spent.meta.Add(int64(n)) > s.lim.MetaBytes {
		return Errorf(ErrTooLarge, "the names and attributes of the layers have more than %d bytes: refused", s.lim.MetaBytes)
	}
	return nil
}

// tarType translates the type of an entry; false for types that are no files.
func tarType(t byte) (mode uint32, ok bool) {
	switch t {
	case tar.TypeReg, '\x00', tar.TypeGNUSparse, tar.TypeCont, tar.TypeLink:
		return linux.S_IFREG, true
	case tar.TypeDir:
		return linux.S_IFDIR, true
	case tar.TypeSymlink:
		return linux.S_IFLNK, true
	case tar.TypeChar:
		return linux.S_IFCHR, true
	case tar.TypeBlock:
		return linux.S_IFBLK, true
	case tar.TypeFifo:
		return linux.S_IFIFO, true
	}
	return 0, false
}

// owner checks that ids fit Linux's 32 bits.
func owner(h *tar.Header) (uid, gid uint32, err error) {
	u, g := int64(h.Uid), int64(h.Gid)
	if u < 0 || g < 0 || u >= math.MaxUint32 || g >= math.MaxUint32 {
		return 0, 0, corrupt("%.200q has the owner %d:%d, which Linux cannot hold: refused", h.Name, u, g)
	}
	return uint32(u), uint32(g), nil
}

// details fills in links, devices and extended attributes.
func (s *layerScanner) details(e *vfs.LayerEntry, h *tar.Header) (err error) {
	switch h.Typeflag {
	case tar.TypeLink:
		e.Hard = true
		e.Link, err = s.cleanPath(h.Linkname)
	case tar.TypeSymlink:
		e.Link = h.Linkname
		if len(e.Link) > s.lim.PathBytes || e.Link == "" {
			err = corrupt("%.200q is a symbolic link with a target of %d bytes: refused", h.Name, len(e.Link))
		}
	case tar.TypeChar, tar.TypeBlock:
		if h.Devmajor < 0 || h.Devminor < 0 || h.Devmajor > 0xfff || h.Devminor > 0xfffff {
			return corrupt("%.200q has the device number %d:%d, which Linux cannot hold: refused", h.Name, h.Devmajor, h.Devminor)
		}
		e.Rdev = makedev(uint64(h.Devmajor), uint64(h.Devminor))
	}
	if err != nil {
		return err
	}
	return s.xattrs(e, h)
}

// makedev is Linux's encoding of device numbers (makedev(3)).
func makedev(major, minor uint64) uint64 {
	return minor&0xff | major&0xfff<<8 | minor>>8<<20
}

// xattrs takes the extended attributes out of the PAX records and bounds them.
func (s *layerScanner) xattrs(e *vfs.LayerEntry, h *tar.Header) error {
	records := 0
	for k, v := range h.PAXRecords {
		if records += len(k) + len(v); records > s.lim.RecordBytes {
			return Errorf(ErrTooLarge, "%.200q has more than %d bytes of PAX records: refused", h.Name, s.lim.RecordBytes)
		}
		name, ok := strings.CutPrefix(k, paxXattr)
		if !ok {
			continue
		}
		if name == "" || len(name) > maxNameBytes || len(v) > maxXattrBytes {
			return Errorf(ErrTooLarge, "%.200q has an extended attribute larger than Linux allows: refused", h.Name)
		}
		if e.Xattrs == nil {
			e.Xattrs = map[string]string{}
		}
		e.Xattrs[s.intern(name)] = s.intern(v)
	}
	return nil
}

// intern keeps one copy of short strings that repeat.
func (s *layerScanner) intern(v string) string {
	if len(v) > 256 {
		return v
	}
	if have, ok := s.strings[v]; ok {
		return have
	}
	if s.strings == nil {
		s.strings = map[string]string{}
	}
	if len(s.strings) < 4096 {
		s.strings[v] = v
	}
	return v
}

// data copies the contents of a file. The size that the header declares is believed only as far as the stream goes.
func (s *layerScanner) data(e *vfs.LayerEntry, h *tar.Header, r io.Reader) (err error) {
	if !s.spendSize(h.Size) {
		return Errorf(ErrTooLarge, "%.200q makes the image larger than allowed (%d bytes a layer, or %d times the compressed size): refused", h.Name, s.lim.LayerBytes, s.lim.Ratio)
	}
	if h.Size == 0 {
		return nil
	}
	s.content.align()
	e.Offset = s.content.pos()
	if isSparse(h) {
		e.Size, e.Holes, err = s.content.copySparse(r)
		if err == nil {
			err = s.spendMeta(16 * len(e.Holes))
		}
	} else {
		e.Size, err = s.content.copy(r)
	}
	if err != nil {
		return badTar(err)
	}
	if e.Size != h.Size {
		return corrupt("%.200q has %d bytes and declares %d: refused", h.Name, e.Size, h.Size)
	}
	return nil
}

// spendSize tells whether a file of n bytes still fits.
func (s *layerScanner) spendSize(n int64) bool {
	if n > s.lim.LayerBytes-s.size {
		return false
	}
	s.size += n
	return s.budget.spent.size.Add(n) <= s.budget.allowed()
}

func isSparse(h *tar.Header) bool {
	if h.Typeflag == tar.TypeGNUSparse {
		return true
	}
	for k := range h.PAXRecords {
		if strings.HasPrefix(k, paxSparse) {
			return true
		}
	}
	return false
}

// rootPath is the path of the layer's root folder.
const rootPath = "."

// cleanPath makes a name of the tar relative and clean. Names that climb out of the root are refused.
func (s *layerScanner) cleanPath(name string) (string, error) {
	if len(name) > s.lim.PathBytes {
		return "", Errorf(ErrTooLarge, "the path %.60q… has %d bytes: refused", name, len(name))
	}
	parts := make([]string, 0, 16)
	for p := range strings.SplitSeq(name, "/") {
		switch {
		case p == "" || p == ".":
		case p == "..":
			if len(parts) == 0 {
				return "", corrupt("the path %.200q leaves the image: refused", name)
			}
			parts = parts[:len(parts)-1]
		case len(p) > maxNameBytes:
			return "", Errorf(ErrTooLarge, "the name %.60q… has %d bytes: refused", p, len(p))
		case strings.IndexByte(p, 0) >= 0:
			return "", corrupt("the path %.200q holds a NUL byte: refused", name)
		default:
			parts = append(parts, p)
		}
	}
	if len(parts) > s.lim.Depth {
		return "", Errorf(ErrTooLarge, "the path %.60q… is %d folders deep: refused", name, len(parts))
	}
	if len(parts) == 0 {
		return rootPath, nil
	}
	return strings.Join(parts, "/"), nil
}
