package vfs

import "github.com/sbxrun/sbx/abi/linux"

// toEntry resolves everything but the last component, which need not exist.
func (k *walk) toEntry(w *Walker, at Loc, path string) error {
	return k.run(w, at, path, NoFollow|parentOnly)
}

// newEntry is filename_create of Linux: the way to a name that must be new.
func (k *walk) newEntry(w *Walker, at Loc, path string, dir bool) error {
	if err := k.toEntry(w, at, path); err != nil {
		return err
	}
	if k.kind != lastNormal || k.found {
		return linux.EEXIST
	}
	if k.long {
		return linux.ENAMETOOLONG
	}
	if k.slash && !dir {
		return linux.ENOENT
	}
	if k.dir.loc.Mount.opts.ReadOnly {
		return linux.EROFS
	}
	return nil
}

// mayCreate checks that entries may be added to a directory.
func (w *Walker) mayCreate(dir *step) error {
	if dir.loc.Mount.opts.ReadOnly {
		return linux.EROFS
	}
	if !w.Cred.May(dir.mode, dir.uid, dir.gid, linux.W_OK|linux.X_OK) {
		return linux.EACCES
	}
	return nil
}

// createOpts settles mode and owner of a new inode: umask, and the group of a
// set-group-id directory.
func (w *Walker) createOpts(dir *step, mode uint32) CreateOpts {
	if mode&linux.S_IFMT != linux.S_IFLNK {
		mode &^= w.Umask & 0o777
	}
	o := CreateOpts{Mode: mode, UID: w.Cred.UID, GID: w.Cred.GID}
	if dir.mode&linux.S_ISGID == 0 {
		return o
	}
	o.GID = dir.gid
	if mode&linux.S_IFMT == linux.S_IFDIR {
		o.Mode |= linux.S_ISGID
	} else if mode&(linux.S_ISGID|linux.S_IXGRP) == linux.S_ISGID|linux.S_IXGRP &&
		!w.Cred.InGroup(dir.gid) && !w.Cred.Has(linux.CAP_FSETID) {
		o.Mode &^= linux.S_ISGID
	}
	return o
}

// create makes the entry that k leads to.
func (w *Walker) create(k *walk, mode uint32, rdev uint64, target string) (Ino, error) {
	if err := w.mayCreate(&k.dir); err != nil {
		return 0, err
	}
	if t := mode & linux.S_IFMT; (t == linux.S_IFCHR || t == linux.S_IFBLK) && !w.Cred.Has(linux.CAP_MKNOD) {
		return 0, linux.EPERM
	}
	o := w.createOpts(&k.dir, mode)
	o.Rdev, o.Target = rdev, target
	ino, err := k.dir.loc.Mount.super.Create(k.dir.loc.Ino, k.name, o)
	if err == nil {
		w.NS.notifyEntry(k.dir.loc, k.name, linux.IN_CREATE|dirBit(mode&linux.S_IFMT == linux.S_IFDIR))
	}
	return ino, err
}

// Mkdir is mkdirat(2).
func (w *Walker) Mkdir(at Loc, path string, mode uint32) error {
	var k walk
	if err := k.newEntry(w, at, path, true); err != nil {
		return err
	}
	_, err := w.create(&k, linux.S_IFDIR|mode&0o1777, 0, "")
	return err
}

// Mknod is mknodat(2). A mode without a type makes a regular file.
func (w *Walker) Mknod(at Loc, path string, mode uint32, rdev uint64) error {
	switch mode & linux.S_IFMT {
	case 0:
		mode |= linux.S_IFREG
	case linux.S_IFREG, linux.S_IFIFO, linux.S_IFSOCK, linux.S_IFCHR, linux.S_IFBLK:
	case linux.S_IFDIR:
		return linux.EPERM
	default:
		return linux.EINVAL
	}
	var k walk
	if err := k.newEntry(w, at, path, false); err != nil {
		return err
	}
	_, err := w.create(&k, mode, rdev, "")
	return err
}

// Symlink is symlinkat(2): path becomes a link to target.
func (w *Walker) Symlink(target string, at Loc, path string) error {
	if target == "" {
		return linux.ENOENT
	}
	if len(target) >= linux.PATH_MAX {
		return linux.ENAMETOOLONG
	}
	var k walk
	if err := k.newEntry(w, at, path, false); err != nil {
		return err
	}
	_, err := w.create(&k, linux.S_IFLNK|0o777, 0, target)
	return err
}

// Link is linkat(2), with AT_SYMLINK_FOLLOW and AT_EMPTY_PATH.
func (w *Walker) Link(oat Loc, opath string, nat Loc, npath string, flags int) error {
	if flags&^(linux.AT_SYMLINK_FOLLOW|linux.AT_EMPTY_PATH) != 0 {
		return linux.EINVAL
	}
	rf := NoFollow
	if flags&linux.AT_SYMLINK_FOLLOW != 0 {
		rf = 0
	}
	if flags&linux.AT_EMPTY_PATH != 0 {
		rf |= EmptyPath
	}
	l, err := w.Resolve(oat, opath, rf)
	if err != nil {
		return err
	}
	return w.LinkLoc(l, nat, npath)
}

// LinkLoc gives an inode one more name.
func (w *Walker) LinkLoc(l Loc, nat Loc, npath string) error {
	var k walk
	if err := k.newEntry(w, nat, npath, false); err != nil {
		return err
	}
	if l.Mount != k.dir.loc.Mount {
		return linux.EXDEV
	}
	if err := w.mayLink(l); err != nil {
		return err
	}
	if err := w.mayCreate(&k.dir); err != nil {
		return err
	}
	if err := l.Mount.super.Link(l.Ino, k.dir.loc.Ino, k.name); err != nil {
		return err
	}
	w.NS.Notify(l, Loc{}, "", linux.IN_ATTRIB)
	w.NS.notifyEntry(k.dir.loc, k.name, linux.IN_CREATE)
	return nil
}

// mayLink is what fs.protected_hardlinks=1 asks, as distributions set it: links
// only to own files, or to plain ones that may be read and written.
func (w *Walker) mayLink(l Loc) error {
	var s step
	if err := s.load(l); err != nil {
		return err
	}
	const group = linux.S_ISGID | linux.S_IXGRP
	if w.owns(&s) || s.mode&linux.S_IFMT == linux.S_IFREG && s.mode&linux.S_ISUID == 0 && s.mode&group != group &&
		w.Cred.May(s.mode, s.uid, s.gid, linux.R_OK|linux.W_OK) {
		return nil
	}
	return linux.EPERM
}
