package vfs

import (
	"sync"

	"github.com/sbxrun/sbx/abi/linux"
)

// Opened is what OpenFile found. Parent and Name tell through which entry, for
// /proc/PID/fd and inotify; Parent is zero when there is none (".", "/", a magic
// link).
type Opened struct {
	Loc    Loc    // held by the Handle; without one Ref'ed: the caller Unrefs
	Handle Handle // nil for O_PATH and for FIFOs, sockets and devices, which the kernel opens by Loc
	Mode   uint32 // type and permissions
	Parent Loc    // not Ref'ed
	Name   string
}

// Close gives back what was opened.
func (o *Opened) Close() {
	if o.Handle != nil {
		_ = o.Handle.Close()
		return
	}
	o.Loc.Unref()
}

// Open is open(2): O_CREAT, O_EXCL, O_TRUNC, O_NOFOLLOW, O_DIRECTORY, O_TMPFILE
// and O_PATH with their rules, permissions and ETXTBSY. The Handle holds the Loc,
// as Ref does, until it is closed. It is nil for O_PATH and for FIFOs, sockets and
// devices: then the Loc is Ref'ed.
func (w *Walker) Open(at Loc, path string, flags int, mode uint32) (Loc, Handle, error) {
	o, err := w.OpenFile(at, path, flags, mode, 0)
	return o.Loc, o.Handle, err
}

// OpenFile is Open with openat2(2)'s resolve flags and more in the answer.
func (w *Walker) OpenFile(at Loc, path string, flags int, mode uint32, rf ResolveFlags) (o Opened, err error) {
	if flags&notPlainRead == 0 && rf&^NoFollow == 0 && w.openKnown(&o, at, path, flags) {
		return
	}
	if flags, err = checkOpenFlags(flags); err != nil {
		return
	}
	if flags&linux.O_NOFOLLOW != 0 || flags&(linux.O_CREAT|linux.O_EXCL) == linux.O_CREAT|linux.O_EXCL {
		rf |= NoFollow
	}
	if flags&linux.O_CREAT != 0 {
		rf |= parentOnly | creating
	}
	for range 8 { // a file that comes or goes meanwhile: look again
		if err = w.openOnce(&o, at, path, flags, mode, rf); err != errRace {
			return
		}
	}
	return Opened{}, linux.ESTALE
}

const errRace = linux.ERESTART

// notPlainRead is what an open has none of that only reads what is there.
const notPlainRead = linux.O_ACCMODE | linux.O_CREAT | linux.O_TRUNC | linux.O_TMPFILE_BIT | linux.O_PATH

// openKnown opens for reading, in one go, what the file system of the start remembers
// of a path. It says no when there is anything to look at, or to complain about.
func (w *Walker) openKnown(o *Opened, from Loc, path string, flags int) bool {
	switch {
	case path == "" || len(path) > maxPathKey:
		return false
	case path[0] == '/':
		from, path = w.Root, path[1:]
	case from.IsZero():
		from = w.Cwd
	}
	fs, ok := from.Mount.super.(*FS)
	if !ok {
		return false
	}
	fs.mu.RLock()
	s, kept, _ := fs.recall(from, path)
	if kept == nil || w.mayOpen(&s, flags) != nil || !s.isOpenable() {
		fs.mu.RUnlock()
		return false
	}
	pin := fs.pins.take(s.loc.Ino, s.loc.Mount)
	fs.mu.RUnlock()
	h := &file{fs: fs, pin: pin, flags: uint32(flags)}
	o.Loc, o.Handle, o.Mode, o.Parent, o.Name = s.loc, h, s.mode, Loc{s.loc.Mount, kept.dir.loc.Ino}, path[kept.base:]
	return true
}

// checkOpenFlags refuses what open(2) refuses and drops what O_PATH ignores.
func checkOpenFlags(flags int) (int, error) {
	if flags&linux.O_PATH != 0 {
		return flags & (linux.O_PATH | linux.O_DIRECTORY | linux.O_NOFOLLOW | linux.O_CLOEXEC), nil
	}
	if flags&linux.O_TMPFILE_BIT != 0 {
		if flags&linux.O_TMPFILE != linux.O_TMPFILE || flags&linux.O_CREAT != 0 || flags&linux.O_ACCMODE == linux.O_RDONLY {
			return 0, linux.EINVAL
		}
	}
	if flags&linux.O_CREAT != 0 && flags&linux.O_DIRECTORY != 0 {
		return 0, linux.EINVAL
	}
	return flags, nil
}

// openOnce fills o, unless it returns an error.
func (w *Walker) openOnce(o *Opened, at Loc, path string, flags int, mode uint32, rf ResolveFlags) error {
	k := walk{pin: flags&notPlainRead == 0}
	err := k.run(w, at, path, rf)
	if k.pinned != nil {
		if err == nil {
			err = w.checkOpen(&k, flags, false)
		}
		return k.openPinned(o, flags, err)
	}
	if err != nil {
		return err
	}
	if flags&linux.O_TMPFILE_BIT != 0 {
		*o, err = w.openTmpfile(&k, flags, mode)
		return err
	}
	created := false
	if flags&linux.O_CREAT != 0 {
		if created, err = w.openCreate(&k, flags, mode); err != nil {
			return err
		}
	}
	if err := w.checkOpen(&k, flags, created); err != nil {
		return err
	}
	*o, err = w.finishOpen(&k, flags, created)
	if err == linux.ENOENT {
		err = errRace
	}
	return err
}

// openPinned makes the handle of what the walk pinned on its way; with an error it
// gives the pin back.
func (k *walk) openPinned(o *Opened, flags int, err error) error {
	fs := k.cur.loc.Mount.super.(*FS)
	if err != nil {
		fs.drop(k.pinned)
		return err
	}
	o.Loc, o.Mode, o.Parent, o.Name = k.cur.loc, k.cur.mode, k.dir.loc, k.name
	o.Handle = &file{fs: fs, pin: k.pinned, flags: uint32(flags)}
	return nil
}

// openCreate makes the file when it is not there.
func (w *Walker) openCreate(k *walk, flags int, mode uint32) (bool, error) {
	if k.long {
		return false, linux.ENAMETOOLONG
	}
	if k.found {
		if flags&linux.O_EXCL != 0 {
			return false, linux.EEXIST
		}
		if k.cur.isDir() {
			return false, linux.EISDIR
		}
		return false, w.mayCreateInSticky(k)
	}
	ino, err := w.create(k, linux.S_IFREG|mode&0o7777, 0, "")
	if err == linux.EEXIST && flags&linux.O_EXCL == 0 {
		return false, errRace
	}
	if err != nil {
		return false, err
	}
	return true, k.cur.load(Loc{k.dir.loc.Mount, ino})
}

// mayCreateInSticky refuses O_CREAT of somebody else's link, device or socket in
// a directory like /tmp, as Linux does whatever fs.protected_regular says.
func (w *Walker) mayCreateInSticky(k *walk) error {
	t := k.cur.mode & linux.S_IFMT
	const open = linux.S_ISVTX | linux.S_IWOTH
	if t == linux.S_IFREG || t == linux.S_IFIFO || k.kind != lastNormal || k.dir.mode&open != open ||
		k.cur.uid == k.dir.uid || k.cur.uid == w.Cred.UID {
		return nil
	}
	return linux.EACCES
}

// checkOpen is may_open of Linux; what was just created may be opened.
func (w *Walker) checkOpen(k *walk, flags int, created bool) error {
	if created {
		return k.cur.checkType(flags)
	}
	return w.mayOpen(&k.cur, flags)
}

// mayOpen checks types, permissions and read-only mounts.
func (w *Walker) mayOpen(s *step, flags int) error {
	if err := s.checkType(flags); err != nil || flags&linux.O_PATH != 0 {
		return err
	}
	want := accessWant(flags)
	if !w.Cred.May(s.mode, s.uid, s.gid, want) {
		return linux.EACCES
	}
	if want&linux.W_OK != 0 && s.loc.Mount.opts.ReadOnly && s.isOpenable() {
		return linux.EROFS
	}
	if flags&linux.O_NOATIME != 0 && w.Cred.UID != s.uid && !w.Cred.Has(linux.CAP_FOWNER) {
		return linux.EPERM
	}
	return nil
}

// checkType checks what the type of a file has to say.
func (s *step) checkType(flags int) error {
	typ := s.mode & linux.S_IFMT
	if flags&linux.O_DIRECTORY != 0 && typ != linux.S_IFDIR {
		return linux.ENOTDIR
	}
	if flags&linux.O_PATH != 0 {
		return nil
	}
	switch typ {
	case linux.S_IFLNK:
		return linux.ELOOP
	case linux.S_IFDIR:
		if accessWant(flags)&linux.W_OK != 0 {
			return linux.EISDIR
		}
	case linux.S_IFCHR, linux.S_IFBLK:
		if s.loc.Mount.opts.NoDev {
			return linux.EACCES
		}
	}
	return nil
}

// accessWant returns the permissions that an open asks for.
func accessWant(flags int) uint32 {
	want := [4]uint32{linux.R_OK, linux.W_OK, linux.R_OK | linux.W_OK, linux.R_OK | linux.W_OK}[flags&linux.O_ACCMODE]
	if flags&linux.O_TRUNC != 0 {
		want |= linux.W_OK
	}
	return want
}

// finishOpen opens and truncates.
func (w *Walker) finishOpen(k *walk, flags int, created bool) (Opened, error) {
	l := k.cur.loc
	o := Opened{Loc: l, Mode: k.cur.mode}
	if k.kind == lastNormal {
		o.Parent, o.Name = k.dir.loc, k.name
	}
	h, err := w.openHandle(l, k.cur.mode, flags)
	if err == nil && h != nil && flags&linux.O_TRUNC != 0 && !created {
		to := w.via(k)
		if err = to.truncate(&k.cur, SetAttr{Valid: SetSize | SetMtime, Mtime: superNow(l.Mount.super)}); err != nil {
			_ = h.Close()
		}
	}
	if err != nil {
		return Opened{}, err
	}
	o.Handle = h
	return o, nil
}

// openHandle opens a regular file or a directory. The Handle holds the Loc; for
// the others it is nil, and the Loc is Ref'ed.
func (w *Walker) openHandle(l Loc, mode uint32, flags int) (Handle, error) {
	t := mode & linux.S_IFMT
	if flags&linux.O_PATH != 0 || t != linux.S_IFREG && t != linux.S_IFDIR {
		l.Ref()
		return nil, nil
	}
	write := flags&linux.O_ACCMODE != linux.O_RDONLY
	if write {
		flags |= w.setIDFlags(l)
	}
	if !write || t != linux.S_IFREG {
		return l.open(flags)
	}
	texts, key := w.NS.texts, l.LockKey()
	if err := texts.add(key, 1); err != nil {
		return nil, err
	}
	h, err := l.open(flags)
	if err != nil {
		texts.sub(key, 1)
		return nil, err
	}
	return &writeHandle{Handle: h, texts: texts, key: key}, nil
}

// open opens what is at l. The Handle holds l.
func (l Loc) open(flags int) (Handle, error) {
	if fs, ok := l.Mount.super.(*FS); ok {
		return fs.open(l.Ino, l.Mount, flags)
	}
	l.Ref()
	h, err := l.Mount.super.Open(l.Ino, flags)
	if err != nil {
		l.Unref()
		return nil, err
	}
	return &locHandle{Handle: h, loc: l}, nil
}

// locHandle is a Handle of another file system than FS that holds its Loc.
type locHandle struct {
	Handle
	loc  Loc
	once sync.Once
}

// Close implements Handle.
func (h *locHandle) Close() error {
	err := h.Handle.Close()
	h.once.Do(h.loc.Unref)
	return err
}

// Unwrap returns the file system's own handle.
func (h *locHandle) Unwrap() Handle { return h.Handle }

// setIDFlags tells the file system what writes do to the set-id bits.
func (w *Walker) setIDFlags(l Loc) int {
	if w.Cred.Has(linux.CAP_FSETID) {
		return OpenKeepSetID
	}
	var s step
	if s.load(l) == nil && !w.Cred.InGroup(s.gid) {
		return OpenKillSetGID
	}
	return 0
}

// openTmpfile makes a file without a name in the directory that k found.
func (w *Walker) openTmpfile(k *walk, flags int, mode uint32) (Opened, error) {
	if !k.cur.isDir() {
		return Opened{}, linux.ENOTDIR
	}
	k.dir = k.cur
	if err := w.mayCreate(&k.dir); err != nil {
		return Opened{}, err
	}
	o := w.createOpts(&k.dir, linux.S_IFREG|mode&0o7777)
	o.NoLink = flags&linux.O_EXCL != 0
	m := k.cur.loc.Mount
	ino, err := m.super.Tmpfile(k.cur.loc.Ino, o)
	if err != nil {
		return Opened{}, err
	}
	l := Loc{m, ino}
	h, err := w.openHandle(l, o.Mode, flags)
	m.super.Unref(ino)
	if err != nil {
		return Opened{}, err
	}
	return Opened{Loc: l, Handle: h, Mode: o.Mode}, nil
}
