package vfs

import "github.com/sbxrun/sbx/abi/linux"

// mayDelete is may_delete of Linux: whether the entry that leads to victim may
// go, and whether it is of the kind that is asked for.
func (w *Walker) mayDelete(dir, victim *step, wantDir bool) error {
	if !w.Cred.May(dir.mode, dir.uid, dir.gid, linux.W_OK|linux.X_OK) {
		return linux.EACCES
	}
	if dir.mode&linux.S_ISVTX != 0 && w.Cred.UID != victim.uid && w.Cred.UID != dir.uid && !w.Cred.Has(linux.CAP_FOWNER) {
		return linux.EPERM
	}
	switch {
	case wantDir && !victim.isDir():
		return linux.ENOTDIR
	case !wantDir && victim.isDir():
		return linux.EISDIR
	case victim.loc.Mount != dir.loc.Mount:
		return linux.EBUSY // something is mounted on it
	}
	return nil
}

// Unlink is unlink(2).
func (w *Walker) Unlink(at Loc, path string) error {
	var k walk
	if err := k.toEntry(w, at, path); err != nil {
		return err
	}
	if k.kind != lastNormal {
		return linux.EISDIR
	}
	if k.dir.loc.Mount.opts.ReadOnly {
		return linux.EROFS
	}
	if !k.found {
		return k.absent()
	}
	if k.slash {
		if k.cur.isDir() {
			return linux.EISDIR
		}
		return linux.ENOTDIR
	}
	if err := w.mayDelete(&k.dir, &k.cur, false); err != nil {
		return err
	}
	return w.remove(&k, false)
}

// Rmdir is rmdir(2).
func (w *Walker) Rmdir(at Loc, path string) error {
	var k walk
	if err := k.toEntry(w, at, path); err != nil {
		return err
	}
	switch k.kind {
	case lastDot:
		return linux.EINVAL
	case lastDotDot:
		return linux.ENOTEMPTY
	case lastRoot:
		return linux.EBUSY
	}
	if k.dir.loc.Mount.opts.ReadOnly {
		return linux.EROFS
	}
	if !k.found {
		return k.absent()
	}
	if err := w.mayDelete(&k.dir, &k.cur, true); err != nil {
		return err
	}
	return w.remove(&k, true)
}

func (w *Walker) remove(k *walk, dir bool) error {
	s, l := k.dir.loc.Mount.super, k.cur.loc
	watched := w.NS.watches.count.Load() != 0
	if watched {
		l.Ref()
		defer l.Unref()
	}
	var err error
	if dir {
		err = s.Rmdir(k.dir.loc.Ino, k.name)
	} else {
		err = s.Unlink(k.dir.loc.Ino, k.name)
	}
	if err == nil && watched {
		w.NS.notifyGone(k.dir.loc, k.name, l, dir)
	}
	return err
}

// Rename is renameat2(2), with RENAME_NOREPLACE and RENAME_EXCHANGE.
func (w *Walker) Rename(oat Loc, opath string, nat Loc, npath string, flags uint32) error {
	if flags&^(linux.RENAME_NOREPLACE|linux.RENAME_EXCHANGE) != 0 ||
		flags == linux.RENAME_NOREPLACE|linux.RENAME_EXCHANGE {
		return linux.EINVAL
	}
	var o, n walk
	if err := o.toEntry(w, oat, opath); err != nil {
		return err
	}
	if err := n.toEntry(w, nat, npath); err != nil {
		return err
	}
	if err := o.renameShape(&n, flags); err != nil {
		return err
	}
	if n.found && n.cur.loc == o.cur.loc {
		return nil
	}
	if err := w.mayRename(&o, &n, flags); err != nil {
		return err
	}
	if err := o.dir.loc.Mount.super.Rename(o.dir.loc.Ino, o.name, n.dir.loc.Ino, n.name, flags); err != nil {
		return err
	}
	w.notifyRename(&o, &n, flags)
	return nil
}

// renameShape checks what does not depend on rights, in Linux's order.
func (k *walk) renameShape(n *walk, flags uint32) error {
	exchange := flags&linux.RENAME_EXCHANGE != 0
	switch {
	case k.kind != lastNormal && k.kind != lastRoot, k.kind == lastRoot:
		if k.dirMount() != n.dirMount() {
			return linux.EXDEV
		}
		return linux.EBUSY
	case n.kind != lastNormal:
		if flags&linux.RENAME_NOREPLACE != 0 {
			return linux.EEXIST
		}
		return linux.EBUSY
	case k.dir.loc.Mount != n.dir.loc.Mount:
		return linux.EXDEV
	case k.dir.loc.Mount.opts.ReadOnly:
		return linux.EROFS
	case !k.found:
		return k.absent()
	case n.long:
		return linux.ENAMETOOLONG
	case flags&linux.RENAME_NOREPLACE != 0 && n.found:
		return linux.EEXIST
	case exchange && !n.found:
		return linux.ENOENT
	case exchange && n.slash && !n.cur.isDir():
		return linux.ENOTDIR
	case !k.cur.isDir() && (k.slash || !exchange && n.slash):
		return linux.ENOTDIR
	}
	return k.renameLoop(n, exchange)
}

func (k *walk) dirMount() *Mount {
	if k.kind == lastNormal {
		return k.dir.loc.Mount
	}
	return k.cur.loc.Mount
}

// renameLoop refuses to put a directory below itself, or over one that it is in.
func (k *walk) renameLoop(n *walk, exchange bool) error {
	if k.cur.isDir() && inside(n.dir.loc, k.cur.loc) {
		return linux.EINVAL
	}
	if n.found && n.cur.isDir() && inside(k.dir.loc, n.cur.loc) {
		if exchange {
			return linux.EINVAL
		}
		return linux.ENOTEMPTY
	}
	return nil
}

// inside reports whether l is top or below it, in one file system.
func inside(l, top Loc) bool {
	if l.Mount != top.Mount {
		return false
	}
	for range maxDepth {
		if l == top {
			return true
		}
		p, _, err := l.Mount.super.Parent(l.Ino)
		if err != nil || p == l.Ino {
			return false
		}
		l.Ino = p
	}
	return true
}

// mayRename checks the rights of a rename.
func (w *Walker) mayRename(o, n *walk, flags uint32) error {
	isDir := o.cur.isDir()
	if err := w.mayDelete(&o.dir, &o.cur, isDir); err != nil {
		return err
	}
	nDir := isDir
	if flags&linux.RENAME_EXCHANGE != 0 {
		nDir = n.cur.isDir()
	}
	err := error(nil)
	if n.found {
		err = w.mayDelete(&n.dir, &n.cur, nDir)
	} else {
		err = w.mayCreate(&n.dir)
	}
	if err != nil || o.dir.loc == n.dir.loc {
		return err
	}
	// A directory that moves gets a new "..": that is a write to it.
	if isDir && !w.Cred.May(o.cur.mode, o.cur.uid, o.cur.gid, linux.W_OK) {
		return linux.EACCES
	}
	if flags&linux.RENAME_EXCHANGE != 0 && nDir && !w.Cred.May(n.cur.mode, n.cur.uid, n.cur.gid, linux.W_OK) {
		return linux.EACCES
	}
	return nil
}

func (w *Walker) notifyRename(o, n *walk, flags uint32) {
	if w.NS.watches.count.Load() == 0 {
		return
	}
	w.NS.notifyMoved(o.dir.loc, o.name, n.dir.loc, n.name, o.cur.loc, o.cur.isDir())
	if !n.found {
		return
	}
	if flags&linux.RENAME_EXCHANGE != 0 {
		w.NS.notifyMoved(n.dir.loc, n.name, o.dir.loc, o.name, n.cur.loc, n.cur.isDir())
		return
	}
	var a Attr
	if n.cur.loc.Getattr(&a) == nil && a.Nlink > 0 {
		w.NS.Notify(n.cur.loc, Loc{}, "", linux.IN_ATTRIB)
	} else {
		w.NS.Notify(n.cur.loc, Loc{}, "", linux.IN_DELETE_SELF)
	}
}
