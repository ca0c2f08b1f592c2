package kernel

import (
	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/vfs"
)

// Fstat is fstat(2).
func (t *Task) Fstat(fd int, a *vfs.Attr) error {
	f, err := t.file(fd)
	if err != nil {
		return err
	}
	defer f.decref(t)
	return f.ops.attr(f, a)
}

// onFile reports whether a call of the *at(2) family is about dirfd itself.
func onFile(dirfd int, path string, flags int) bool {
	return path == "" && flags&linux.AT_EMPTY_PATH != 0 && dirfd != linux.AT_FDCWD
}

// Stat is fstatat(2): flags may have AT_SYMLINK_NOFOLLOW and AT_EMPTY_PATH.
func (t *Task) Stat(dirfd int, path string, flags int, a *vfs.Attr) error {
	if onFile(dirfd, path, flags) {
		return t.Fstat(dirfd, a)
	}
	err := t.pathCall(dirfd, path, func(w *walker, at vfs.Loc) error { return w.Stat(at, path, flags, a) })
	if err != nil {
		err = t.statElsewhere(err, a)
	}
	return err
}

// Readlink is readlinkat(2).
func (t *Task) Readlink(dirfd int, path string) (target string, err error) {
	err = t.pathCall(dirfd, path, func(w *walker, at vfs.Loc) (err error) {
		target, err = w.Readlink(at, path)
		return err
	})
	return target, err
}

// Mkdir is mkdirat(2).
func (t *Task) Mkdir(dirfd int, path string, mode uint32) error {
	return t.pathCall(dirfd, path, func(w *walker, at vfs.Loc) error { return w.Mkdir(at, path, mode) })
}

// Mknod is mknodat(2). Devices need CAP_MKNOD.
func (t *Task) Mknod(dirfd int, path string, mode uint32, rdev uint64) error {
	return t.pathCall(dirfd, path, func(w *walker, at vfs.Loc) error { return w.Mknod(at, path, mode, rdev) })
}

// Unlink is unlinkat(2): with AT_REMOVEDIR it is rmdir(2).
func (t *Task) Unlink(dirfd int, path string, flags int) error {
	if flags&^linux.AT_REMOVEDIR != 0 {
		return linux.EINVAL
	}
	return t.pathCall(dirfd, path, func(w *walker, at vfs.Loc) error {
		if flags&linux.AT_REMOVEDIR != 0 {
			return w.Rmdir(at, path)
		}
		return w.Unlink(at, path)
	})
}

// twoPaths runs op with two starts.
func (t *Task) twoPaths(odir int, opath string, ndir int, npath string, op func(w *walker, oat, nat vfs.Loc) error) error {
	return t.pathCall(odir, opath, func(w *walker, oat vfs.Loc) error {
		n, err := t.at(ndir, npath)
		if err != nil {
			return err
		}
		defer n.done(t)
		return op(w, oat, n.loc)
	})
}

// Rename is renameat2(2).
func (t *Task) Rename(odir int, opath string, ndir int, npath string, flags uint32) error {
	return t.twoPaths(odir, opath, ndir, npath, func(w *walker, oat, nat vfs.Loc) error {
		return w.Rename(oat, opath, nat, npath, flags)
	})
}

// Link is linkat(2): flags may have AT_SYMLINK_FOLLOW and AT_EMPTY_PATH.
func (t *Task) Link(odir int, opath string, ndir int, npath string, flags int) error {
	return t.twoPaths(odir, opath, ndir, npath, func(w *walker, oat, nat vfs.Loc) error {
		if onFile(odir, opath, flags) && oat.Mount != nil {
			return w.LinkLoc(oat, nat, npath)
		}
		return w.Link(oat, opath, nat, npath, flags)
	})
}

// Symlink is symlinkat(2).
func (t *Task) Symlink(target string, dirfd int, path string) error {
	return t.pathCall(dirfd, path, func(w *walker, at vfs.Loc) error { return w.Symlink(target, at, path) })
}

// fileLoc runs op with the place of an open file. O_PATH files count when path
// is set.
func (t *Task) fileLoc(fd int, path bool, op func(w *walker, l vfs.Loc) error) error {
	f, err := t.file(fd)
	if err != nil {
		return err
	}
	defer f.decref(t)
	if f.flags.Load()&linux.O_PATH != 0 && !path {
		return linux.EBADF
	}
	if f.loc.Mount == nil {
		return linux.EINVAL
	}
	w := t.walker()
	defer w.done()
	w.Parent, w.Name = f.parent, f.base
	return op(&w, f.loc)
}

// Chmod is fchmodat2(2).
func (t *Task) Chmod(dirfd int, path string, mode uint32, flags int) error {
	if onFile(dirfd, path, flags) {
		return t.fileLoc(dirfd, true, func(w *walker, l vfs.Loc) error { return w.ChmodLoc(l, mode) })
	}
	return t.pathCall(dirfd, path, func(w *walker, at vfs.Loc) error { return w.Chmod(at, path, mode, flags) })
}

// Fchmod is fchmod(2).
func (t *Task) Fchmod(fd int, mode uint32) error {
	return t.fileLoc(fd, false, func(w *walker, l vfs.Loc) error { return w.ChmodLoc(l, mode) })
}

// Chown is fchownat(2); ^0 leaves an id.
func (t *Task) Chown(dirfd int, path string, uid, gid uint32, flags int) error {
	if onFile(dirfd, path, flags) {
		return t.fileLoc(dirfd, true, func(w *walker, l vfs.Loc) error { return w.ChownLoc(l, uid, gid) })
	}
	return t.pathCall(dirfd, path, func(w *walker, at vfs.Loc) error { return w.Chown(at, path, uid, gid, flags) })
}

// Fchown is fchown(2).
func (t *Task) Fchown(fd int, uid, gid uint32) error {
	return t.fileLoc(fd, false, func(w *walker, l vfs.Loc) error { return w.ChownLoc(l, uid, gid) })
}

// Utimens is utimensat(2): nil is now; UTIME_NOW and UTIME_OMIT count.
func (t *Task) Utimens(dirfd int, path string, ts *[2]vfs.Timespec, flags int) error {
	if onFile(dirfd, path, flags) {
		return t.Futimens(dirfd, ts)
	}
	return t.pathCall(dirfd, path, func(w *walker, at vfs.Loc) error { return w.Utimens(at, path, ts, flags) })
}

// Futimens is futimens(3).
func (t *Task) Futimens(fd int, ts *[2]vfs.Timespec) error {
	return t.fileLoc(fd, true, func(w *walker, l vfs.Loc) error { return w.UtimensLoc(l, ts) })
}

// Access is faccessat2(2): with the real ids, or the effective ones for
// AT_EACCESS.
func (t *Task) Access(dirfd int, path string, mode uint32, flags int) error {
	err := t.pathCall(dirfd, path, func(w *walker, at vfs.Loc) error {
		if flags&linux.AT_EACCESS == 0 {
			w.Cred = t.cred.Load().real()
		}
		if onFile(dirfd, path, flags) && at.Mount != nil {
			return w.AccessLoc(at, mode)
		}
		return w.Access(at, path, mode, flags&^linux.AT_EACCESS)
	})
	if err == nil {
		return nil
	}
	var a vfs.Attr // what can be reached can be opened, as far as it can
	return t.statElsewhere(err, &a)
}

// Truncate is truncate(2).
func (t *Task) Truncate(path string, n int64) error {
	if n < 0 {
		return linux.EINVAL
	}
	if limit := t.rlimit(linux.RLIMIT_FSIZE); uint64(n) > limit {
		t.raise(linux.SIGXFSZ)
		return linux.EFBIG
	}
	return t.pathCall(linux.AT_FDCWD, path, func(w *walker, at vfs.Loc) error { return w.Truncate(at, path, n) })
}

// Statfs is statfs(2).
func (t *Task) Statfs(path string) (st linux.Statfs, err error) {
	err = t.pathCall(linux.AT_FDCWD, path, func(w *walker, at vfs.Loc) (err error) {
		st, err = w.Statfs(at, path)
		return err
	})
	return st, err
}

// Fstatfs is fstatfs(2).
func (t *Task) Fstatfs(fd int) (st linux.Statfs, err error) {
	f, err := t.file(fd)
	if err != nil {
		return st, err
	}
	defer f.decref(t)
	if f.loc.Mount == nil {
		return linux.Statfs{Type: linux.PIPEFS_MAGIC, Bsize: 4096, Frsize: 4096, Namelen: 255}, nil
	}
	w := t.walker()
	defer w.done()
	return w.StatfsLoc(f.loc)
}

// Getxattr is getxattr(2): flags may have AT_SYMLINK_NOFOLLOW, and AT_EMPTY_PATH
// for the file of dirfd.
func (t *Task) Getxattr(dirfd int, path string, flags int, name string) (v []byte, err error) {
	err = t.xattrCall(dirfd, path, flags, func(w *walker, at vfs.Loc) (err error) {
		v, err = w.Getxattr(at, path, name, flags)
		return err
	}, func(w *walker, l vfs.Loc) (err error) {
		v, err = w.GetxattrLoc(l, name)
		return err
	})
	return v, err
}

// Setxattr is setxattr(2); xflags is XATTR_CREATE or XATTR_REPLACE.
func (t *Task) Setxattr(dirfd int, path string, flags int, name string, v []byte, xflags int) error {
	return t.xattrCall(dirfd, path, flags,
		func(w *walker, at vfs.Loc) error { return w.Setxattr(at, path, name, v, xflags, flags) },
		func(w *walker, l vfs.Loc) error { return w.SetxattrLoc(l, name, v, xflags) })
}

// Listxattr is listxattr(2).
func (t *Task) Listxattr(dirfd int, path string, flags int) (names []string, err error) {
	err = t.xattrCall(dirfd, path, flags, func(w *walker, at vfs.Loc) (err error) {
		names, err = w.Listxattr(at, path, flags)
		return err
	}, func(w *walker, l vfs.Loc) (err error) {
		names, err = w.ListxattrLoc(l)
		return err
	})
	return names, err
}

// Removexattr is removexattr(2).
func (t *Task) Removexattr(dirfd int, path string, flags int, name string) error {
	return t.xattrCall(dirfd, path, flags,
		func(w *walker, at vfs.Loc) error { return w.Removexattr(at, path, name, flags) },
		func(w *walker, l vfs.Loc) error { return w.RemovexattrLoc(l, name) })
}

func (t *Task) xattrCall(dirfd int, path string, flags int, byPath, byLoc func(*walker, vfs.Loc) error) error {
	if onFile(dirfd, path, flags) {
		return t.fileLoc(dirfd, false, byLoc)
	}
	return t.pathCall(dirfd, path, byPath)
}

// Flock is flock(2): LOCK_SH, LOCK_EX or LOCK_UN, with LOCK_NB.
func (t *Task) Flock(fd, op int) error {
	f, err := t.file(fd)
	if err != nil {
		return err
	}
	defer f.decref(t)
	if f.loc.Mount == nil || f.flags.Load()&linux.O_PATH != 0 {
		return linux.EBADF
	}
	l := vfs.Lock{Kind: vfs.FlockLock, Owner: f, PID: t.proc.pid}
	switch op &^ linux.LOCK_NB {
	case linux.LOCK_SH:
		l.Type = linux.F_RDLCK
	case linux.LOCK_EX:
		l.Type = linux.F_WRLCK
	case linux.LOCK_UN:
		l.Type = linux.F_UNLCK
	default:
		return linux.EINVAL
	}
	return t.lock(f, l, op&linux.LOCK_NB == 0)
}

// FcntlLock is F_GETLK, F_SETLK, F_SETLKW and their F_OFD_ kin.
func (t *Task) FcntlLock(fd, cmd int, fl *Flock) error {
	f, err := t.file(fd)
	if err != nil {
		return err
	}
	defer f.decref(t)
	if f.loc.Mount == nil || f.flags.Load()&linux.O_PATH != 0 {
		return linux.EBADF
	}
	l := vfs.Lock{Kind: vfs.PosixLock, Owner: t.files, PID: t.proc.pid, Type: fl.Type}
	if cmd == linux.F_OFD_GETLK || cmd == linux.F_OFD_SETLK || cmd == linux.F_OFD_SETLKW {
		l.Kind, l.Owner, l.PID = vfs.OFDLock, f, -1
		if fl.PID != 0 {
			return linux.EINVAL
		}
	}
	if err := f.lockRange(fl, &l); err != nil {
		return err
	}
	switch cmd {
	case linux.F_GETLK, linux.F_OFD_GETLK:
		return t.getLock(f, l, fl)
	case linux.F_SETLK, linux.F_OFD_SETLK, linux.F_SETLKW, linux.F_OFD_SETLKW:
	default:
		return linux.EINVAL
	}
	if l.Type == linux.F_RDLCK && !f.readable() || l.Type == linux.F_WRLCK && !f.writable() {
		return linux.EBADF
	}
	return t.lock(f, l, cmd == linux.F_SETLKW || cmd == linux.F_OFD_SETLKW)
}

// lockRange makes the range absolute.
func (f *File) lockRange(fl *Flock, l *vfs.Lock) error {
	if fl.Type != linux.F_RDLCK && fl.Type != linux.F_WRLCK && fl.Type != linux.F_UNLCK {
		return linux.EINVAL
	}
	start := fl.Start
	switch fl.Whence {
	case linux.SEEK_SET:
	case linux.SEEK_CUR:
		f.pos.Lock()
		start += f.off
		f.pos.Unlock()
	case linux.SEEK_END:
		var a vfs.Attr
		if err := f.loc.Getattr(&a); err != nil {
			return err
		}
		start += a.Size
	default:
		return linux.EINVAL
	}
	n := fl.Len
	if n < 0 {
		start, n = start+n, -n
	}
	if start < 0 {
		return linux.EINVAL
	}
	if n > 0 && start > 1<<63-1-n {
		return linux.EOVERFLOW
	}
	l.Start, l.Len = start, n
	return nil
}

func (t *Task) getLock(f *File, l vfs.Lock, fl *Flock) error {
	if l.Type == linux.F_UNLCK {
		return linux.EINVAL
	}
	got, ok := t.k.locks.Get(f.loc.LockKey(), l)
	if !ok {
		fl.Type = linux.F_UNLCK
		return nil
	}
	*fl = Flock{Type: got.Type, Whence: linux.SEEK_SET, Start: got.Start, Len: got.Len, PID: got.PID}
	return nil
}
