package vfs

import (
	"time"

	"github.com/sbxrun/sbx/abi/linux"
)

// Getattr implements Super.
func (fs *FS) Getattr(ino Ino, a *Attr) error {
	fs.mu.RLock()
	defer fs.mu.RUnlock()
	return fs.getattr(ino, a)
}

func (fs *FS) getattr(ino Ino, a *Attr) error {
	n, r, err := fs.find(ino)
	if err != nil {
		return err
	}
	a.Dev, a.Ino, a.Blksize, a.Rdev, a.Blocks = fs.dev.Load(), ino, blockSize, 0, 0
	if n == nil {
		fs.lowerAttr(ino, r, a)
		return nil
	}
	a.Mode, a.Nlink, a.UID, a.GID, a.Size = n.mode, n.nlink, n.uid, n.gid, n.size
	a.Atime, a.Mtime, a.Ctime, a.Btime = fromNanos(n.atime), fromNanos(n.mtime), fromNanos(n.ctime), fromNanos(n.btime)
	switch n.mode & linux.S_IFMT {
	case linux.S_IFREG:
		if f := n.file(); f != nil {
			pages := f.pages
			if im := fs.maps[ino]; im != nil {
				pages += im.extraPages(f)
			}
			a.Blocks = pages * (pageSize / 512)
		} else if ino <= fs.nlower {
			a.Blocks = fs.lowerRef(ino).pages(0, n.size) * (pageSize / 512)
		}
	case linux.S_IFCHR, linux.S_IFBLK:
		a.Rdev, a.Size = uint64(n.size), 0
	case linux.S_IFDIR:
		a.Size, a.Blocks = blockSize, blockSize/512
	}
	return nil
}

func (fs *FS) lowerAttr(ino Ino, r inodeRec, a *Attr) {
	a.Mode, a.Nlink, a.UID, a.GID, a.Size = r.mode(), r.nlink(), r.uid(), r.gid(), r.size()
	t := Timespec{r.mtimeSec(), r.mtimeNs()}
	a.Atime, a.Mtime, a.Ctime, a.Btime = t, t, t, t
	switch a.Mode & linux.S_IFMT {
	case linux.S_IFREG:
		if r.extra() == 0 {
			a.Blocks = int64(uint64(a.Size+pageSize-1)/pageSize) * (pageSize / 512)
		} else {
			a.Blocks = fs.lowerRef(ino).pages(0, a.Size) * (pageSize / 512)
		}
	case linux.S_IFCHR, linux.S_IFBLK:
		a.Rdev, a.Size = r.where(), 0
	case linux.S_IFDIR:
		a.Size, a.Blocks = blockSize, blockSize/512
	}
}

// Setattr implements Super.
func (fs *FS) Setattr(ino Ino, s *SetAttr) error {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	n, err := fs.own(ino)
	if err != nil {
		return err
	}
	if s.Valid&SetSize != 0 {
		if err := fs.setSize(ino, n, s.Size); err != nil {
			return err
		}
	}
	if s.Valid&(SetMode|SetUID|SetGID) != 0 && n.isDir() {
		fs.paths.drop()
	}
	if s.Valid&SetMode != 0 {
		n.mode = n.mode&linux.S_IFMT | s.Mode&0o7777
	}
	if s.Valid&SetUID != 0 {
		n.uid = s.UID
	}
	if s.Valid&SetGID != 0 {
		n.gid = s.GID
	}
	if s.Valid&SetAtime != 0 {
		n.atime = s.Atime.nanos()
	}
	if s.Valid&SetMtime != 0 {
		n.mtime = s.Mtime.nanos()
	}
	n.ctime = fs.now()
	if s.Valid&SetCtime != 0 {
		n.ctime = s.Ctime.nanos()
	}
	return nil
}

func (fs *FS) setSize(ino Ino, n *node, size int64) error {
	switch {
	case n.isDir():
		return linux.EISDIR
	case n.typ() != linux.S_IFREG || size < 0:
		return linux.EINVAL
	}
	return fs.truncate(ino, size)
}

// dropPrivileges clears the set-id bits and the file capabilities, as a write
// by an unprivileged task does.
func (fs *FS) dropPrivileges(ino Ino, group bool) {
	mode, err := fs.mode(ino)
	if err != nil || mode&linux.S_IFMT != linux.S_IFREG {
		return
	}
	keep := killSetID(mode, group)
	n := fs.get(ino)
	if n != nil && keep == mode && len(n.xattrs) == 0 {
		return
	}
	if n, err = fs.own(ino); err == nil {
		n.mode = keep
		if _, ok := n.xattrs[xattrCapability]; ok {
			_ = fs.setXattrs(n, without(n.xattrs, xattrCapability))
		}
	}
}

// killSetID clears the set-user-id bit, and the set-group-id bit of a file that
// the group may execute or, with group, of any.
func killSetID(mode uint32, group bool) uint32 {
	mode &^= linux.S_ISUID
	if group || mode&linux.S_IXGRP != 0 {
		mode &^= linux.S_ISGID
	}
	return mode
}

// superNow returns the time that a file system would stamp now.
func superNow(s Super) Timespec {
	if fs, ok := s.(*FS); ok {
		return fromNanos(fs.now())
	}
	return TimespecOf(time.Now())
}
