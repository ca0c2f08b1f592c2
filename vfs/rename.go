package vfs

import (
	"strings"

	"github.com/sbxrun/sbx/abi/linux"
)

// Rename implements Super, with RENAME_NOREPLACE and RENAME_EXCHANGE. Its cost
// does not depend on what is below the entries.
func (fs *FS) Rename(odir Ino, oname string, ndir Ino, nname string, flags uint32) error {
	if flags&^(linux.RENAME_NOREPLACE|linux.RENAME_EXCHANGE) != 0 ||
		flags == linux.RENAME_NOREPLACE|linux.RENAME_EXCHANGE {
		return linux.EINVAL
	}
	if err := validName(nname); err != nil {
		return err
	}
	fs.mu.Lock()
	defer fs.mu.Unlock()
	ino, mode, err := fs.entry(odir, oname)
	if err != nil {
		return err
	}
	if _, err := fs.liveDir(ndir); err != nil {
		return err
	}
	isDir := mode&linux.S_IFMT == linux.S_IFDIR
	if isDir && fs.within(ndir, ino) {
		return linux.EINVAL
	}
	tino, tmode, terr := fs.entry(ndir, nname)
	if flags&linux.RENAME_EXCHANGE != 0 {
		if terr != nil {
			return terr
		}
		return fs.exchange(odir, oname, ino, isDir, ndir, nname, tino, tmode&linux.S_IFMT == linux.S_IFDIR)
	}
	if terr == nil {
		if flags&linux.RENAME_NOREPLACE != 0 {
			return linux.EEXIST
		}
		if tino == ino {
			return nil // two names of one inode: nothing happens, rename(2)
		}
		if err := fs.mayReplace(odir, isDir, tino, tmode); err != nil {
			return err
		}
	} else if terr != linux.ENOENT {
		return terr
	}
	return fs.move(odir, oname, ino, isDir, ndir, nname, tino, terr == nil)
}

// mayReplace checks that a rename may put something over tino.
func (fs *FS) mayReplace(odir Ino, isDir bool, tino Ino, tmode uint32) error {
	toDir := tmode&linux.S_IFMT == linux.S_IFDIR
	switch {
	case toDir && fs.within(odir, tino):
		return linux.ENOTEMPTY
	case isDir && !toDir:
		return linux.ENOTDIR
	case !isDir && toDir:
		return linux.EISDIR
	case toDir && !fs.isEmpty(tino):
		return linux.ENOTEMPTY
	}
	return nil
}

// move does a rename that was found good.
func (fs *FS) move(odir Ino, oname string, ino Ino, isDir bool, ndir Ino, nname string, tino Ino, over bool) error {
	now := fs.now()
	if err := fs.leave(odir, oname); err != nil {
		return err
	}
	if err := fs.enter(ndir, nname, ino); err != nil {
		return err
	}
	if over {
		drop := fs.dropLink
		if isDir {
			drop = fs.dropDir
		}
		if err := drop(tino, now); err != nil {
			return err
		}
	}
	if err := fs.touchDir(odir, now, -b2i(isDir)); err != nil {
		return err
	}
	if err := fs.touchDir(ndir, now, b2i(isDir)-b2i(isDir && over)); err != nil {
		return err
	}
	return fs.rehome(ino, isDir, ndir, nname, now)
}

// rehome sets the ctime of a renamed inode and where a directory is now.
func (fs *FS) rehome(ino Ino, isDir bool, dir Ino, name string, now int64) error {
	n, err := fs.own(ino)
	if err != nil {
		return err
	}
	n.ctime = now
	if !isDir {
		return nil
	}
	_, b, err := fs.ownDir(ino)
	if err != nil {
		return err
	}
	b.parent, b.name = dir, strings.Clone(name)
	return nil
}

func (fs *FS) exchange(odir Ino, oname string, ino Ino, isDir bool, ndir Ino, nname string, tino Ino, toDir bool) error {
	if toDir && fs.within(odir, tino) {
		return linux.EINVAL
	}
	if ino == tino {
		return nil
	}
	now := fs.now()
	if err := fs.enter(odir, oname, tino); err != nil {
		return err
	}
	if err := fs.enter(ndir, nname, ino); err != nil {
		return err
	}
	if err := fs.touchDir(odir, now, b2i(toDir)-b2i(isDir)); err != nil {
		return err
	}
	if err := fs.touchDir(ndir, now, b2i(isDir)-b2i(toDir)); err != nil {
		return err
	}
	if err := fs.rehome(tino, toDir, odir, oname, now); err != nil {
		return err
	}
	return fs.rehome(ino, isDir, ndir, nname, now)
}

// within reports whether dir is anc or below it.
func (fs *FS) within(dir, anc Ino) bool {
	for range maxDepth {
		if dir == anc {
			return true
		}
		if dir == rootIno {
			return false
		}
		p, _, err := fs.parentOf(dir)
		if err != nil {
			return false
		}
		dir = p
	}
	return true // deeper than any tree we build: a damaged index
}

// maxDepth bounds how deep a tree may be walked upwards.
const maxDepth = 1 << 20
