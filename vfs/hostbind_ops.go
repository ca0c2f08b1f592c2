package vfs

import (
	"errors"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/sbxrun/sbx/abi/linux"
)

// hostName refuses names that can't be one component on this host.
func hostName(name string) error {
	switch {
	case name == "" || name == "." || name == "..":
		return linux.EINVAL
	case len(name) > 255:
		return linux.ENAMETOOLONG
	case strings.ContainsAny(name, hostForbidden):
		return linux.EINVAL
	}
	return nil
}

// hostErr makes an errno of an error of os.Root. Leaving the root is what a guest sees as EXDEV.
func hostErr(err error) error {
	if err == nil {
		return nil
	}
	var p *fs.PathError
	if errors.As(err, &p) && strings.Contains(p.Err.Error(), "escapes") {
		return linux.EXDEV
	}
	return linux.ErrnoOf(err)
}

func (h *HostFS) writable() error {
	if h.readOnly {
		return linux.EROFS
	}
	return nil
}

// Statfs tells the host's figures where the host tells them.
func (h *HostFS) Statfs() (linux.Statfs, error) {
	st := linux.Statfs{Type: linux.V9FS_MAGIC, Bsize: 4096, Frsize: 4096, Namelen: 255}
	hostStatfs(h.root, &st)
	return st, nil
}

// Lookup finds a name.
func (h *HostFS) Lookup(dir Ino, name string) (Ino, error) {
	d, p, err := h.child(dir, name)
	if err != nil {
		if err == linux.EINVAL {
			err = linux.ENOENT
		}
		return 0, err
	}
	info, err := h.root.Lstat(p)
	if err != nil {
		return 0, hostErr(err)
	}
	return h.at(d, name, identify(info, p)).ino, nil
}

// Parent tells where a directory is.
func (h *HostFS) Parent(dir Ino) (Ino, string, error) {
	n, err := h.node(dir)
	if err != nil {
		return 0, "", err
	}
	if n == h.top {
		return n.ino, "", nil
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.remember(n.parent)
	return n.parent.ino, n.name, nil
}

// lstat looks at n by name, or through an open handle when the name is gone or means another file by now.
func (h *HostFS) lstat(n *hostNode) (fs.FileInfo, error) {
	p := h.path(n)
	info, err := h.root.Lstat(p)
	if err == nil && (n == h.top || identify(info, p) == n.id) {
		return info, nil
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, f := range n.open {
		if info, err := f.Stat(); err == nil {
			return info, nil
		}
	}
	if err == nil {
		err = linux.ESTALE
	}
	return nil, hostErr(err)
}

// Getattr answers stat.
func (h *HostFS) Getattr(ino Ino, a *Attr) error {
	n, err := h.node(ino)
	if err != nil {
		return err
	}
	info, err := h.lstat(n)
	if err != nil {
		return err
	}
	hostAttr(info, a)
	a.Dev, a.Ino = h.dev, ino
	return nil
}

// Setattr changes mode, owner, size and times, in that order. A host that can't change owners keeps them.
func (h *HostFS) Setattr(ino Ino, s *SetAttr) error {
	if err := h.writable(); err != nil {
		return err
	}
	n, err := h.node(ino)
	if err != nil {
		return err
	}
	info, err := h.lstat(n)
	if err != nil {
		return err
	}
	p, link := h.path(n), info.Mode()&fs.ModeSymlink != 0
	if s.Valid&(SetUID|SetGID) != 0 {
		if err := h.chown(p, s); err != nil {
			return err
		}
	}
	if s.Valid&SetMode != 0 {
		if link {
			return linux.EOPNOTSUPP
		}
		if err := h.root.Chmod(p, GoMode(s.Mode&^linux.S_IFMT)); err != nil {
			return hostErr(err)
		}
	}
	if s.Valid&SetSize != 0 {
		if err := h.truncate(p, s.Size); err != nil {
			return err
		}
	}
	if s.Valid&(SetAtime|SetMtime) != 0 {
		if link {
			return linux.EOPNOTSUPP
		}
		return hostErr(h.root.Chtimes(p, timeIf(s.Valid&SetAtime != 0, s.Atime), timeIf(s.Valid&SetMtime != 0, s.Mtime)))
	}
	return nil
}

func timeIf(set bool, t Timespec) time.Time {
	if !set {
		return time.Time{} // os.Root.Chtimes leaves it as it is
	}
	return t.Time()
}

func (h *HostFS) chown(p string, s *SetAttr) error {
	uid, gid := -1, -1
	if s.Valid&SetUID != 0 {
		uid = int(s.UID)
	}
	if s.Valid&SetGID != 0 {
		gid = int(s.GID)
	}
	if os.Geteuid() != 0 {
		if uid > 0 || gid > 0 {
			return linux.EPERM // only root of the host may give files away
		}
		return nil
	}
	return hostErr(h.root.Lchown(p, uid, gid))
}

func (h *HostFS) truncate(p string, size int64) error {
	f, err := h.root.OpenFile(p, os.O_WRONLY|hostNoFollow, 0)
	if err != nil {
		return hostErr(err)
	}
	defer f.Close()
	return hostErr(f.Truncate(size))
}

// Readlink returns a link's text.
func (h *HostFS) Readlink(ino Ino) (string, error) {
	n, err := h.node(ino)
	if err != nil {
		return "", err
	}
	target, err := h.root.Readlink(h.path(n))
	return target, hostErr(err)
}

// Create makes regular files, directories and symbolic links.
func (h *HostFS) Create(dir Ino, name string, o CreateOpts) (Ino, error) {
	if err := h.writable(); err != nil {
		return 0, err
	}
	d, p, err := h.child(dir, name)
	if err != nil {
		return 0, err
	}
	if err := h.make(p, o); err != nil {
		return 0, hostErr(err)
	}
	info, err := h.root.Lstat(p)
	if err != nil {
		return 0, hostErr(err)
	}
	return h.at(d, name, identify(info, p)).ino, nil
}

func (h *HostFS) make(p string, o CreateOpts) error {
	perm := GoMode(o.Mode &^ linux.S_IFMT)
	switch o.Mode & linux.S_IFMT {
	case linux.S_IFREG, 0:
		f, err := h.root.OpenFile(p, os.O_WRONLY|os.O_CREATE|os.O_EXCL, perm.Perm())
		if err != nil {
			return err
		}
		f.Close()
	case linux.S_IFDIR:
		if err := h.root.Mkdir(p, perm.Perm()); err != nil {
			return err
		}
	case linux.S_IFLNK:
		if err := h.root.Symlink(o.Target, p); err != nil {
			return err
		}
		return h.own(p, o)
	case linux.S_IFCHR, linux.S_IFBLK:
		return linux.EPERM
	default:
		return linux.EOPNOTSUPP
	}
	if err := h.own(p, o); err != nil {
		return err
	}
	// The guest's umask is in the mode already: the host's own must not take more away.
	if info, err := h.root.Lstat(p); err == nil && info.Mode().Perm()|info.Mode()&goSpecial != perm {
		return h.root.Chmod(p, perm)
	}
	return nil
}

// own gives a new file to its maker where the host allows it.
func (h *HostFS) own(p string, o CreateOpts) error {
	if os.Geteuid() != 0 {
		return nil
	}
	return h.root.Lchown(p, int(o.UID), int(o.GID))
}

// Tmpfile is not possible through os.Root: EOPNOTSUPP, as on a Linux filesystem without O_TMPFILE.
func (h *HostFS) Tmpfile(Ino, CreateOpts) (Ino, error) { return 0, linux.EOPNOTSUPP }

// Link makes a hard link.
func (h *HostFS) Link(ino, dir Ino, name string) error {
	if err := h.writable(); err != nil {
		return err
	}
	n, err := h.node(ino)
	if err != nil {
		return err
	}
	_, p, err := h.child(dir, name)
	if err != nil {
		return err
	}
	return hostErr(h.root.Link(h.path(n), p))
}

// Unlink removes a name that is not a directory's.
func (h *HostFS) Unlink(dir Ino, name string) error { return h.remove(dir, name, false) }

// Rmdir removes an empty directory.
func (h *HostFS) Rmdir(dir Ino, name string) error { return h.remove(dir, name, true) }

func (h *HostFS) remove(dir Ino, name string, wantDir bool) error {
	if err := h.writable(); err != nil {
		return err
	}
	_, p, err := h.child(dir, name)
	if err != nil {
		return err
	}
	info, err := h.root.Lstat(p)
	if err != nil {
		return hostErr(err)
	}
	switch {
	case wantDir && !info.IsDir():
		return linux.ENOTDIR
	case !wantDir && info.IsDir():
		return linux.EISDIR
	}
	if err := h.root.Remove(p); err != nil {
		return hostErr(err)
	}
	var a Attr
	hostAttr(info, &a)
	if a.Nlink <= 1 || wantDir {
		h.forget(identify(info, p))
	}
	return nil
}

// Rename moves. RENAME_NOREPLACE looks first, which another process of the host may race; RENAME_EXCHANGE is EINVAL.
func (h *HostFS) Rename(odir Ino, oname string, ndir Ino, nname string, flags uint32) error {
	if err := h.writable(); err != nil {
		return err
	}
	if flags&^linux.RENAME_NOREPLACE != 0 {
		return linux.EINVAL
	}
	_, from, err := h.child(odir, oname)
	if err != nil {
		return err
	}
	nd, to, err := h.child(ndir, nname)
	if err != nil {
		return err
	}
	moved, err := h.root.Lstat(from)
	if err != nil {
		return hostErr(err)
	}
	if target, err := h.root.Lstat(to); err == nil {
		switch {
		case flags&linux.RENAME_NOREPLACE != 0:
			return linux.EEXIST
		case os.SameFile(moved, target):
			return nil
		case moved.IsDir() && !target.IsDir():
			return linux.ENOTDIR
		case !moved.IsDir() && target.IsDir():
			return linux.EISDIR
		}
	}
	if err := h.root.Rename(from, to); err != nil {
		return hostErr(err)
	}
	h.at(nd, nname, identify(moved, to))
	return nil
}

// Getxattr is not possible through os.Root.
func (h *HostFS) Getxattr(Ino, string) ([]byte, error) { return nil, linux.EOPNOTSUPP }

// Setxattr is not possible through os.Root.
func (h *HostFS) Setxattr(Ino, string, []byte, int) error { return linux.EOPNOTSUPP }

// Listxattr tells of none.
func (h *HostFS) Listxattr(Ino) ([]string, error) { return nil, nil }

// Removexattr is not possible through os.Root.
func (h *HostFS) Removexattr(Ino, string) error { return linux.EOPNOTSUPP }
