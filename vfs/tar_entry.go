package vfs

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"

	"github.com/sbxrun/sbx/abi/linux"
)

// tarType returns the type bits of an entry, or 0 for one that is no file.
func tarType(flag byte) uint32 {
	switch flag {
	case tar.TypeReg, '\x00', tar.TypeCont, tar.TypeGNUSparse:
		return linux.S_IFREG
	case tar.TypeDir:
		return linux.S_IFDIR
	case tar.TypeSymlink:
		return linux.S_IFLNK
	case tar.TypeFifo:
		return linux.S_IFIFO
	case tar.TypeChar:
		return linux.S_IFCHR
	case tar.TypeBlock:
		return linux.S_IFBLK
	}
	return 0
}

// create makes one entry that is no hard link.
func (a *applier) create(h *tar.Header, dir Ino, base string, data io.Reader) error {
	typ := tarType(h.Typeflag)
	if typ == 0 {
		return layerErr(h.Name, "unknown type")
	}
	if h.Uid < 0 || h.Gid < 0 || int64(h.Uid) > math.MaxUint32 || int64(h.Gid) > math.MaxUint32 {
		return layerErr(h.Name, "bad owner")
	}
	ino, err := a.clear(dir, base, typ == linux.S_IFDIR)
	if err != nil {
		return err
	}
	if ino == 0 {
		o := CreateOpts{Mode: typ | uint32(h.Mode)&0o7777, Target: h.Linkname,
			Rdev: linux.Makedev(uint32(h.Devmajor), uint32(h.Devminor))}
		if typ == linux.S_IFLNK && (h.Linkname == "" || strings.IndexByte(h.Linkname, 0) >= 0) {
			return layerErr(h.Name, "bad link target")
		}
		if ino, err = a.fs.Create(dir, base, o); err != nil {
			return err
		}
		a.cleared[ino] = true
	}
	a.fresh[entryKey{dir, base}] = true
	if typ == linux.S_IFREG {
		if err := a.fill(ino, data); err != nil {
			return err
		}
	}
	return a.dress(h, ino, typ == linux.S_IFDIR)
}

// fill copies the data of a file. Pages of zeros become holes.
func (a *applier) fill(ino Ino, data io.Reader) error {
	f, err := a.fs.Open(ino, linux.O_RDWR|OpenKeepSetID)
	if err != nil {
		return err
	}
	defer f.Close()
	buf, off := make([]byte, chunkSize), int64(0)
	for {
		n, err := io.ReadFull(data, buf)
		if n > 0 && !allZero(buf[:n]) {
			m, werr := f.WriteAt(buf[:n], off)
			if werr == nil && m < n {
				werr = linux.ENOSPC
			}
			if werr != nil {
				return werr
			}
		}
		off += int64(n)
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) && n < len(buf) && endOfEntry(data) {
			return a.fs.Setattr(ino, &SetAttr{Valid: SetSize, Size: off})
		}
		if err != nil {
			return fmt.Errorf("read layer: %w", err)
		}
	}
}

// endOfEntry tells the end of an entry's data from that of a cut archive: the
// reader of the latter keeps failing with something else than io.EOF.
func endOfEntry(r io.Reader) bool {
	n, err := r.Read(make([]byte, 1))
	return n == 0 && errors.Is(err, io.EOF)
}

func allZero(b []byte) bool {
	for _, c := range b {
		if c != 0 {
			return false
		}
	}
	return true
}

// dress sets owner, mode, xattrs and times.
func (a *applier) dress(h *tar.Header, ino Ino, isDir bool) error {
	if err := a.setXattrs(h, ino); err != nil {
		return err
	}
	t := TimespecOf(h.ModTime)
	s := SetAttr{Valid: SetMode | SetUID | SetGID | SetAtime | SetMtime | SetCtime, Mode: uint32(h.Mode) & 0o7777,
		UID: uint32(h.Uid), GID: uint32(h.Gid), Atime: t, Mtime: t, Ctime: t}
	if h.Typeflag == tar.TypeSymlink {
		s.Mode = 0o777
	}
	if isDir {
		a.dirs = append(a.dirs, dirTime{ino, t})
	}
	return a.fs.Setattr(ino, &s)
}

// setXattrs makes the attributes of an inode those of the entry.
func (a *applier) setXattrs(h *tar.Header, ino Ino) error {
	old, err := a.fs.Listxattr(ino)
	if err != nil {
		return err
	}
	for _, n := range old {
		if _, ok := h.PAXRecords[paxXattr+n]; !ok {
			if err := a.fs.Removexattr(ino, n); err != nil {
				return err
			}
		}
	}
	for k, v := range h.PAXRecords {
		name, ok := strings.CutPrefix(k, paxXattr)
		if !ok {
			continue
		}
		if err := a.fs.Setxattr(ino, name, []byte(v), 0); err != nil {
			return err
		}
	}
	return nil
}
