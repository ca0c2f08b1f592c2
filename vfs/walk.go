package vfs

import (
	"strings"

	"github.com/sbxrun/sbx/abi/linux"
)

// ResolveFlags says how a path is resolved, openat2(2).
type ResolveFlags uint32

const (
	NoFollow   ResolveFlags = 1 << iota // a link at the end is not followed
	Directory                           // the end must be a directory
	Beneath                             // never above the start: EXDEV
	InRoot                              // the start is "/" for this path
	NoSymlinks                          // ELOOP at any link
	NoMagic                             // ELOOP at any magic link
	NoXDev                              // EXDEV at any mount point
	EmptyPath                           // "" is the start itself (AT_EMPTY_PATH)
	parentOnly                          // the end need not exist
	creating                            // O_CREAT: a slash at the end is EISDIR
)

// Walker resolves paths for one task and does file operations with its rights.
// Where a method takes at, the zero Loc is Cwd. It may be used concurrently
// while its fields do not change.
type Walker struct {
	NS        *Namespace
	Root, Cwd Loc
	Cred      *Cred
	Umask     uint32
	Caller    any // who resolves, for a CallerLinker; may be nil

	// Through which entry the inode of the methods with Loc in their names was
	// reached, for inotify; zero when that is not known.
	Parent Loc
	Name   string
}

// step is where a walk stands: a place and what permission checks need of it.
type step struct {
	loc            Loc
	mode, uid, gid uint32 // mode 0: not loaded yet
}

func (s *step) load(l Loc) error {
	s.loc = l
	if fs, ok := l.Mount.super.(*FS); ok {
		return fs.modeOwner(l.Ino, s)
	}
	var a Attr
	if err := l.Getattr(&a); err != nil {
		return err
	}
	s.mode, s.uid, s.gid = a.Mode, a.UID, a.GID
	return nil
}

func (s *step) isDir() bool { return s.mode&linux.S_IFMT == linux.S_IFDIR }

// isOpenable reports whether a Handle can be had: a regular file or a directory.
func (s *step) isOpenable() bool {
	t := s.mode & linux.S_IFMT
	return t == linux.S_IFREG || t == linux.S_IFDIR
}

func (s *step) isLink() bool { return s.mode&linux.S_IFMT == linux.S_IFLNK }

// walk is the state of one resolution. At the end, dir and name tell through
// which entry, and end what was found.
type walk struct {
	w     *Walker
	flags ResolveFlags
	base  Loc // the start, for Beneath and InRoot
	links int

	cur   step
	dir   step // of the last component
	name  string
	kind  lastKind
	slash bool // the path ends in a slash
	found bool
	long  bool  // the last component is longer than a name may be
	attr  *Attr // wanted of the end, if it can be had on the way
	got   bool  // attr is filled

	pin    bool // a file or directory at the end is wanted with a pin, if that can be had on the way
	pinned *pin
}

type lastKind uint8

const (
	lastNormal lastKind = iota
	lastDot
	lastDotDot
	lastRoot
)

// Resolve finds the place that a path names. It is not Ref'ed.
func (w *Walker) Resolve(at Loc, path string, flags ResolveFlags) (Loc, error) {
	var k walk
	if err := k.run(w, at, path, flags&^(parentOnly|creating)); err != nil {
		return Loc{}, err
	}
	return k.cur.loc, nil
}

// run resolves a path. With parentOnly a missing end is no error: found tells.
func (k *walk) run(w *Walker, at Loc, path string, flags ResolveFlags) error {
	k.w, k.flags = w, flags
	if at.IsZero() {
		at = w.Cwd
	}
	if path == "" {
		if flags&EmptyPath == 0 {
			return linux.ENOENT
		}
		k.found, k.kind = true, lastDot
		return k.cur.load(at)
	}
	if len(path) >= linux.PATH_MAX {
		return linux.ENAMETOOLONG
	}
	if strings.IndexByte(path, 0) >= 0 {
		return linux.EINVAL
	}
	k.base = at
	if path[0] != '/' {
		if err := k.startAt(at); err != nil {
			return err
		}
		return k.follow(path)
	}
	if err := k.toRoot(); err != nil {
		return err
	}
	return k.follow(path)
}

// toRoot goes to where "/" is.
func (k *walk) toRoot() error {
	if k.flags&Beneath != 0 {
		return linux.EXDEV
	}
	k.kind = lastRoot
	root := k.w.Root
	if k.flags&InRoot != 0 {
		root = k.base
	}
	if k.flags&NoXDev != 0 && root.Mount != k.cur.loc.Mount && k.cur.loc.Mount != nil {
		return linux.EXDEV
	}
	return k.startAt(root)
}

// startAt goes to l. In an FS the walk itself loads it, under the lock that it
// takes anyway.
func (k *walk) startAt(l Loc) error {
	if _, ok := l.Mount.super.(*FS); ok {
		k.cur = step{loc: l}
		return nil
	}
	return k.cur.load(l)
}

// follow walks the components of rest from cur.
func (k *walk) follow(rest string) error {
	k.found = true
	for {
		if fs, ok := k.cur.loc.Mount.super.(*FS); ok {
			var err error
			if rest, err = k.stride(fs, rest); err != nil {
				return err
			}
		} else {
			rest = strings.TrimLeft(rest, "/")
		}
		if rest == "" {
			return k.finish()
		}
		name := rest
		if i := strings.IndexByte(rest, '/'); i >= 0 {
			name, rest = rest[:i], rest[i:]
		} else {
			rest = ""
		}
		last := rest == "" || strings.TrimLeft(rest, "/") == ""
		k.slash = last && rest != ""
		link, err := k.component(name, last)
		if err != nil {
			return err
		}
		if !k.found {
			return k.missing()
		}
		if link != "" {
			if link[0] == '/' {
				if err := k.toRoot(); err != nil {
					return err
				}
			}
			rest = link + rest
		}
	}
}

// finish checks what the end must be.
func (k *walk) finish() error {
	if (k.slash || k.flags&Directory != 0) && !k.cur.isDir() && k.flags&parentOnly == 0 {
		return linux.ENOTDIR
	}
	return nil
}

func (k *walk) missing() error {
	if k.flags&parentOnly != 0 {
		return nil
	}
	return linux.ENOENT
}

// absent is the error for an entry that is not there.
func (k *walk) absent() error {
	if k.long {
		return linux.ENAMETOOLONG
	}
	return linux.ENOENT
}

// component takes one step. It returns the text of a link that must be
// followed, relative to cur.
func (k *walk) component(name string, last bool) (link string, err error) {
	if !k.cur.isDir() {
		return "", linux.ENOTDIR
	}
	if !k.w.Cred.May(k.cur.mode, k.cur.uid, k.cur.gid, linux.X_OK) {
		return "", linux.EACCES
	}
	switch name {
	case ".":
		k.kind = lastDot
		return "", nil
	case "..":
		k.kind = lastDotDot
		return "", k.dotdot()
	}
	k.kind = lastNormal
	if last {
		k.dir, k.name = k.cur, name
		if k.slash && k.flags&creating != 0 {
			return "", linux.EISDIR
		}
	}
	if len(name) > linux.NAME_MAX {
		var a Attr
		if k.cur.loc.Getattr(&a) == nil && a.Nlink == 0 {
			return "", linux.ENOENT // a removed directory has no names at all
		}
		if !last || k.flags&parentOnly == 0 {
			return "", linux.ENAMETOOLONG
		}
		k.found, k.long = false, true
		return "", nil
	}
	var next step
	if err := k.lookup(name, &next); err != nil {
		if err == linux.ENOENT && last {
			k.found = false
			return "", nil
		}
		return "", err
	}
	if next.isLink() && (!last || k.slash && k.flags&parentOnly == 0 || k.flags&NoFollow == 0) {
		text, err := k.link(next)
		return text, notOnTheWay(err, last && !k.slash)
	}
	k.cur = next
	return "", nil
}

// lookup finds a name in cur and goes onto what is mounted there.
func (k *walk) lookup(name string, next *step) error {
	m := k.cur.loc.Mount
	if fs, ok := m.super.(*FS); ok {
		if err := fs.stepTo(k.cur.loc.Ino, name, next); err != nil {
			return err
		}
		next.loc.Mount = m
	} else {
		ino, err := m.super.Lookup(k.cur.loc.Ino, name)
		if err != nil {
			return err
		}
		if err := next.load(Loc{m, ino}); err != nil {
			return err
		}
	}
	top := covered(next.loc)
	if top == next.loc {
		return nil
	}
	if k.flags&NoXDev != 0 {
		return linux.EXDEV
	}
	return next.load(top)
}

// dotdot goes to the parent, never above the root.
func (k *walk) dotdot() error {
	l := k.cur.loc
	if l == k.w.Root {
		return nil
	}
	if l == k.base && k.flags&(Beneath|InRoot) != 0 {
		if k.flags&InRoot != 0 {
			return nil
		}
		return linux.EXDEV
	}
	for l.Ino == l.Mount.root {
		if l.Mount.parent == nil || l.Mount.gone.Load() {
			return nil
		}
		if k.flags&NoXDev != 0 {
			return linux.EXDEV
		}
		l = Loc{l.Mount.parent, l.Mount.at}
		if l == k.w.Root {
			return k.cur.load(covered(l))
		}
	}
	p, _, err := l.Mount.super.Parent(l.Ino)
	if err == linux.ENOENT {
		// A removed directory: Linux still knows where it was.
		return k.removedParent(l)
	}
	if err != nil {
		return err
	}
	top := covered(Loc{l.Mount, p})
	if k.flags&NoXDev != 0 && top.Mount != l.Mount {
		return linux.EXDEV
	}
	return k.cur.load(top)
}

func (k *walk) removedParent(l Loc) error {
	fs, ok := l.Mount.super.(*FS)
	if !ok {
		return linux.ENOENT
	}
	fs.mu.RLock()
	p, _, err := fs.parentOf(l.Ino)
	fs.mu.RUnlock()
	if err != nil {
		return err
	}
	return k.cur.load(Loc{l.Mount, p})
}

// link reads a link that is to be followed.
func (k *walk) link(l step) (string, error) {
	if k.flags&NoSymlinks != 0 {
		return "", linux.ELOOP
	}
	if k.links++; k.links > linux.MAXSYMLINKS {
		return "", linux.ELOOP
	}
	if ml, ok := l.loc.Mount.super.(MagicLinker); ok {
		to, magic, err := ml.FollowMagic(l.loc.Ino)
		if err != nil {
			return "", err
		}
		if magic {
			return "", k.jump(to)
		}
	}
	s, err := k.w.readlink(l.loc)
	if err == nil && s == "" {
		err = linux.ENOENT
	}
	return s, err
}

func (k *walk) jump(to Loc) error {
	switch {
	case k.flags&NoMagic != 0:
		return linux.ELOOP
	case k.flags&(Beneath|InRoot) != 0, k.flags&NoXDev != 0 && to.Mount != k.cur.loc.Mount:
		return linux.EXDEV
	}
	k.kind = lastDot
	return k.cur.load(to)
}

// stepTo is Lookup and the part of Getattr that a walk needs, in one go.
func (fs *FS) stepTo(dir Ino, name string, s *step) error {
	fs.mu.RLock()
	defer fs.mu.RUnlock()
	d, err := fs.dirOf(dir)
	if err != nil {
		return err
	}
	ino, _, _, err := fs.lookupIn(&d, name)
	if err != nil {
		return err
	}
	s.loc.Ino = ino
	return fs.permOf(ino, s)
}

// modeOwner fills in what permission checks need.
func (fs *FS) modeOwner(ino Ino, s *step) error {
	fs.mu.RLock()
	defer fs.mu.RUnlock()
	return fs.permOf(ino, s)
}

func (fs *FS) permOf(ino Ino, s *step) error {
	n, r, err := fs.find(ino)
	if err != nil {
		return err
	}
	if n != nil {
		s.mode, s.uid, s.gid = n.mode, n.uid, n.gid
	} else {
		s.mode, s.uid, s.gid = r.mode(), r.uid(), r.gid()
	}
	return nil
}
