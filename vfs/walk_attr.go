package vfs

import "github.com/sbxrun/sbx/abi/linux"

// atFlags turns AT_* into resolve flags.
func atFlags(flags int) ResolveFlags {
	var rf ResolveFlags
	if flags&linux.AT_SYMLINK_NOFOLLOW != 0 {
		rf |= NoFollow
	}
	if flags&linux.AT_EMPTY_PATH != 0 {
		rf |= EmptyPath
	}
	return rf
}

// Stat is fstatat(2).
func (w *Walker) Stat(at Loc, path string, flags int, a *Attr) error {
	k := walk{attr: a}
	if err := k.run(w, at, path, atFlags(flags)); err != nil {
		return err
	}
	if k.got {
		return nil
	}
	return k.cur.loc.Getattr(a)
}

// Readlink is readlinkat(2); with the path "" it reads at itself.
func (w *Walker) Readlink(at Loc, path string) (string, error) {
	rf := NoFollow
	if path == "" && !at.IsZero() {
		rf |= EmptyPath
	}
	var k walk
	if err := k.run(w, at, path, rf); err != nil {
		return "", err
	}
	if !k.cur.isLink() {
		return "", linux.EINVAL
	}
	return w.readlink(k.cur.loc)
}

// Access is faccessat2(2) with the Walker's Cred, whichever ids that has. mode
// is F_OK or a set of R_OK, W_OK, X_OK.
func (w *Walker) Access(at Loc, path string, mode uint32, flags int) error {
	if mode&^7 != 0 || flags&^(linux.AT_EACCESS|linux.AT_SYMLINK_NOFOLLOW|linux.AT_EMPTY_PATH) != 0 {
		return linux.EINVAL
	}
	var k walk
	if err := k.run(w, at, path, atFlags(flags)); err != nil {
		return err
	}
	return w.access(&k.cur, mode)
}

// AccessLoc is Access by identity.
func (w *Walker) AccessLoc(l Loc, mode uint32) error {
	var s step
	if err := s.load(l); err != nil {
		return err
	}
	return w.access(&s, mode)
}

func (w *Walker) access(s *step, mode uint32) error {
	if mode == 0 {
		return nil
	}
	o, typ := &s.loc.Mount.opts, s.mode&linux.S_IFMT
	if mode&linux.X_OK != 0 && typ == linux.S_IFREG && o.NoExec {
		return linux.EACCES
	}
	if !w.Cred.May(s.mode, s.uid, s.gid, mode) {
		return linux.EACCES
	}
	if mode&linux.W_OK != 0 && o.ReadOnly && (typ == linux.S_IFREG || typ == linux.S_IFDIR || typ == linux.S_IFLNK) {
		return linux.EROFS
	}
	return nil
}

// Chmod is fchmodat2(2).
func (w *Walker) Chmod(at Loc, path string, mode uint32, flags int) error {
	l, to, err := w.reach(at, path, flags)
	if err != nil {
		return err
	}
	return to.ChmodLoc(l, mode)
}

// ChmodLoc is fchmod(2). EOPNOTSUPP for symbolic links.
func (w *Walker) ChmodLoc(l Loc, mode uint32) error {
	var s step
	if err := s.load(l); err != nil {
		return err
	}
	switch {
	case l.Mount.opts.ReadOnly:
		return linux.EROFS
	case s.isLink():
		return linux.EOPNOTSUPP
	case !w.owns(&s):
		return linux.EPERM
	}
	mode &= 0o7777
	if !w.Cred.InGroup(s.gid) && !w.Cred.Has(linux.CAP_FSETID) {
		mode &^= linux.S_ISGID
	}
	return w.setattr(l, &SetAttr{Valid: SetMode, Mode: mode})
}

// owns reports whether the inode is the caller's to change.
func (w *Walker) owns(s *step) bool {
	return w.Cred.UID == s.uid || w.Cred.Has(linux.CAP_FOWNER)
}

func (w *Walker) setattr(l Loc, a *SetAttr) error {
	if err := l.Mount.super.Setattr(l.Ino, a); err != nil {
		return err
	}
	w.changed(l, a.event())
	return nil
}

// NoID, as a user or group of Chown, leaves it as it is.
const NoID = ^uint32(0)

// Chown is fchownat(2).
func (w *Walker) Chown(at Loc, path string, uid, gid uint32, flags int) error {
	l, to, err := w.reach(at, path, flags)
	if err != nil {
		return err
	}
	return to.ChownLoc(l, uid, gid)
}

// ChownLoc is fchown(2). It clears the set-id bits and the capabilities of files.
func (w *Walker) ChownLoc(l Loc, uid, gid uint32) error {
	var s step
	if err := s.load(l); err != nil {
		return err
	}
	if l.Mount.opts.ReadOnly {
		return linux.EROFS
	}
	c, a := w.Cred, SetAttr{}
	if uid != NoID {
		if !(c.UID == s.uid && uid == s.uid) && !c.Has(linux.CAP_CHOWN) {
			return linux.EPERM
		}
		a.Valid, a.UID = a.Valid|SetUID, uid
	}
	if gid != NoID {
		if !(c.UID == s.uid && (gid == s.gid || c.InGroup(gid))) && !c.Has(linux.CAP_CHOWN) {
			return linux.EPERM
		}
		a.Valid, a.GID = a.Valid|SetGID, gid
	}
	if !s.isDir() {
		if err := w.chownClears(&s, &a); err != nil {
			return err
		}
		if s.mode&linux.S_IFMT == linux.S_IFREG {
			if err := w.dropCapability(l); err != nil {
				return err
			}
		}
	}
	return w.setattr(l, &a)
}

// chownClears adds the loss of the set-id bits to a change of owner.
func (w *Walker) chownClears(s *step, a *SetAttr) error {
	mode := killSetID(s.mode, !w.Cred.InGroup(s.gid) && !w.Cred.Has(linux.CAP_FSETID))
	if mode == s.mode {
		return nil
	}
	if !w.owns(s) {
		return linux.EPERM
	}
	a.Valid, a.Mode = a.Valid|SetMode, mode&0o7777
	return nil
}

func (w *Walker) dropCapability(l Loc) error {
	err := l.Mount.super.Removexattr(l.Ino, xattrCapability)
	switch err {
	case linux.ENODATA, linux.EOPNOTSUPP, linux.ENOSYS:
		return nil
	}
	return err
}

// Utimens is utimensat(2): access and modification time. Nil is now for both;
// an Nsec of linux.UTIME_NOW or linux.UTIME_OMIT is special.
func (w *Walker) Utimens(at Loc, path string, t *[2]Timespec, flags int) error {
	if t != nil && t[0].Nsec == linux.UTIME_OMIT && t[1].Nsec == linux.UTIME_OMIT {
		return nil // not even the path is looked at
	}
	l, to, err := w.reach(at, path, flags)
	if err != nil {
		return err
	}
	return to.UtimensLoc(l, t)
}

// UtimensLoc is futimens(3).
func (w *Walker) UtimensLoc(l Loc, t *[2]Timespec) error {
	if t != nil {
		for _, x := range t {
			if x.Nsec >= 1_000_000_000 && x.Nsec != linux.UTIME_NOW && x.Nsec != linux.UTIME_OMIT {
				return linux.EINVAL
			}
		}
		if t[0].Nsec == linux.UTIME_OMIT && t[1].Nsec == linux.UTIME_OMIT {
			return nil
		}
		if t[0].Nsec == linux.UTIME_NOW && t[1].Nsec == linux.UTIME_NOW {
			t = nil
		}
	}
	var s step
	if err := s.load(l); err != nil {
		return err
	}
	if l.Mount.opts.ReadOnly {
		return linux.EROFS
	}
	if !w.owns(&s) {
		if t != nil {
			return linux.EPERM
		}
		if !w.Cred.May(s.mode, s.uid, s.gid, linux.W_OK) {
			return linux.EACCES
		}
	}
	return w.setattr(l, w.times(l, t))
}

// times works out what Utimens sets.
func (w *Walker) times(l Loc, t *[2]Timespec) *SetAttr {
	now := Timespec{Nsec: linux.UTIME_NOW}
	if t == nil {
		t = &[2]Timespec{now, now}
	}
	a := &SetAttr{}
	for i, bit := range [2]uint32{SetAtime, SetMtime} {
		x := t[i]
		switch x.Nsec {
		case linux.UTIME_OMIT:
			continue
		case linux.UTIME_NOW:
			x = superNow(l.Mount.super)
		}
		a.Valid |= bit
		if bit == SetAtime {
			a.Atime = x
		} else {
			a.Mtime = x
		}
	}
	return a
}

// Truncate is truncate(2).
func (w *Walker) Truncate(at Loc, path string, size int64) error {
	if size < 0 {
		return linux.EINVAL
	}
	var k walk
	if err := k.run(w, at, path, 0); err != nil {
		return err
	}
	switch {
	case k.cur.isDir():
		return linux.EISDIR
	case k.cur.mode&linux.S_IFMT != linux.S_IFREG:
		return linux.EINVAL
	case k.cur.loc.Mount.opts.ReadOnly:
		return linux.EROFS
	case !w.Cred.May(k.cur.mode, k.cur.uid, k.cur.gid, linux.W_OK):
		return linux.EACCES
	case w.NS.texts.executing(k.cur.loc.LockKey()):
		return linux.ETXTBSY
	}
	to := w.via(&k)
	return to.truncate(&k.cur, SetAttr{Valid: SetSize, Size: size})
}

// TruncateLoc is ftruncate(2) of a file that was opened for writing: rights are
// not checked again.
func (w *Walker) TruncateLoc(l Loc, size int64) error {
	var s step
	if err := s.load(l); err != nil {
		return err
	}
	if size < 0 || s.mode&linux.S_IFMT != linux.S_IFREG {
		return linux.EINVAL
	}
	return w.truncate(&s, SetAttr{Valid: SetSize | SetMtime, Size: size, Mtime: superNow(l.Mount.super)})
}

func (w *Walker) truncate(s *step, a SetAttr) error {
	l := s.loc
	if !w.Cred.Has(linux.CAP_FSETID) {
		if keep := killSetID(s.mode, !w.Cred.InGroup(s.gid)); keep != s.mode {
			a.Valid, a.Mode = a.Valid|SetMode, keep&0o7777
		}
		if err := w.dropCapability(l); err != nil {
			return err
		}
	}
	if err := l.Mount.super.Setattr(l.Ino, &a); err != nil {
		return err
	}
	w.changed(l, a.event())
	return nil
}

// Statfs is statfs(2).
func (w *Walker) Statfs(at Loc, path string) (linux.Statfs, error) {
	l, err := w.Resolve(at, path, 0)
	if err != nil {
		return linux.Statfs{}, err
	}
	return w.StatfsLoc(l)
}

// StatfsLoc is fstatfs(2), with the flags of the mount.
func (w *Walker) StatfsLoc(l Loc) (linux.Statfs, error) {
	s, err := l.Mount.super.Statfs()
	s.Flags |= l.Mount.Flags() | linux.ST_VALID | linux.ST_NOATIME
	return s, err
}
