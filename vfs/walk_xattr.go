package vfs

import (
	"strings"

	"github.com/sbxrun/sbx/abi/linux"
)

// Getxattr is getxattr(2), with AT_SYMLINK_NOFOLLOW lgetxattr(2).
func (w *Walker) Getxattr(at Loc, path, name string, flags int) ([]byte, error) {
	if err := xattrName(name); err != nil {
		return nil, err
	}
	l, err := w.Resolve(at, path, atFlags(flags))
	if err != nil {
		return nil, err
	}
	return w.GetxattrLoc(l, name)
}

// GetxattrLoc is fgetxattr(2).
func (w *Walker) GetxattrLoc(l Loc, name string) ([]byte, error) {
	if err := w.mayXattr(l, name, false); err != nil {
		return nil, err
	}
	return l.Mount.super.Getxattr(l.Ino, name)
}

// Setxattr is setxattr(2); xflags has XATTR_CREATE and XATTR_REPLACE.
func (w *Walker) Setxattr(at Loc, path, name string, v []byte, xflags, flags int) error {
	if err := checkSetxattr(name, v, xflags); err != nil {
		return err
	}
	l, to, err := w.reach(at, path, flags)
	if err != nil {
		return err
	}
	return to.SetxattrLoc(l, name, v, xflags)
}

// SetxattrLoc is fsetxattr(2).
func (w *Walker) SetxattrLoc(l Loc, name string, v []byte, xflags int) error {
	if err := checkSetxattr(name, v, xflags); err != nil {
		return err
	}
	if err := w.mayXattr(l, name, true); err != nil {
		return err
	}
	if err := l.Mount.super.Setxattr(l.Ino, name, v, xflags); err != nil {
		return err
	}
	w.changed(l, linux.IN_ATTRIB)
	return nil
}

// Listxattr is listxattr(2). Trusted names show only to who may use them.
func (w *Walker) Listxattr(at Loc, path string, flags int) ([]string, error) {
	l, err := w.Resolve(at, path, atFlags(flags))
	if err != nil {
		return nil, err
	}
	return w.ListxattrLoc(l)
}

// ListxattrLoc is flistxattr(2).
func (w *Walker) ListxattrLoc(l Loc) ([]string, error) {
	names, err := l.Mount.super.Listxattr(l.Ino)
	if err != nil || w.Cred.Has(linux.CAP_SYS_ADMIN) {
		return names, err
	}
	out := names[:0]
	for _, n := range names {
		if !strings.HasPrefix(n, "trusted.") {
			out = append(out, n)
		}
	}
	return out, nil
}

// Removexattr is removexattr(2).
func (w *Walker) Removexattr(at Loc, path, name string, flags int) error {
	if err := xattrName(name); err != nil {
		return err
	}
	l, to, err := w.reach(at, path, flags)
	if err != nil {
		return err
	}
	return to.RemovexattrLoc(l, name)
}

// RemovexattrLoc is fremovexattr(2).
func (w *Walker) RemovexattrLoc(l Loc, name string) error {
	if err := w.mayXattr(l, name, true); err != nil {
		return err
	}
	if err := l.Mount.super.Removexattr(l.Ino, name); err != nil {
		return err
	}
	w.changed(l, linux.IN_ATTRIB)
	return nil
}

func xattrName(name string) error {
	if name == "" || len(name) > linux.XATTR_NAME_MAX {
		return linux.ERANGE
	}
	return nil
}

// checkSetxattr looks at the arguments, which Linux does before the path.
func checkSetxattr(name string, v []byte, flags int) error {
	switch {
	case flags&^(linux.XATTR_CREATE|linux.XATTR_REPLACE) != 0:
		return linux.EINVAL
	case len(v) > linux.XATTR_SIZE_MAX:
		return linux.E2BIG
	}
	return xattrName(name)
}

// mayXattr applies the rules of the namespaces of xattr(7).
func (w *Walker) mayXattr(l Loc, name string, write bool) error {
	if err := xattrName(name); err != nil {
		return err
	}
	if write && l.Mount.opts.ReadOnly {
		return linux.EROFS
	}
	var s step
	if err := s.load(l); err != nil {
		return err
	}
	space, _, ok := strings.Cut(name, ".")
	switch {
	case ok && space == "user":
		return w.mayUserXattr(&s, write)
	case ok && space == "trusted":
		return w.mayTrusted(write)
	case ok && space == "security":
		return w.maySecurity(name, write)
	case ok && space == "system", w.mayReadWrite(&s, write):
		return linux.EOPNOTSUPP
	}
	return linux.EACCES
}

func (w *Walker) mayReadWrite(s *step, write bool) bool {
	want := uint32(linux.R_OK)
	if write {
		want = linux.W_OK
	}
	return w.Cred.May(s.mode, s.uid, s.gid, want)
}

func (w *Walker) mayUserXattr(s *step, write bool) error {
	if t := s.mode & linux.S_IFMT; t != linux.S_IFREG && t != linux.S_IFDIR {
		if write {
			return linux.EPERM
		}
		return linux.ENODATA
	}
	if write && s.isDir() && s.mode&linux.S_ISVTX != 0 && !w.owns(s) {
		return linux.EPERM
	}
	if !w.mayReadWrite(s, write) {
		return linux.EACCES
	}
	return nil
}

func (w *Walker) mayTrusted(write bool) error {
	switch {
	case w.Cred.Has(linux.CAP_SYS_ADMIN):
		return nil
	case write:
		return linux.EPERM
	}
	return linux.ENODATA
}

func (w *Walker) maySecurity(name string, write bool) error {
	need := uint(linux.CAP_SYS_ADMIN)
	if name == xattrCapability {
		need = linux.CAP_SETFCAP
	}
	if write && !w.Cred.Has(need) {
		return linux.EPERM
	}
	return nil
}
