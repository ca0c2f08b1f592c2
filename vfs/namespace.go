package vfs

import (
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/sbxrun/sbx/abi/linux"
)

// Namespace is a tree of mounts. It is safe for concurrent use; walking it takes
// no lock.
type Namespace struct {
	mu      sync.Mutex // changes of the tree
	mounts  []*Mount   // in the order of mounting, the root first
	nextID  int
	nextDev uint32
	watches *Watches
	texts   *textTable
	root    *Mount
	clones  map[*Mount]*Mount // of the namespace that this one was cloned from
}

// Mount is one mounted Super, or a part of it.
type Mount struct {
	id     int
	ns     *Namespace
	super  Super
	root   Ino
	opts   MountOpts
	parent *Mount                   // nil for the root
	at     Ino                      // in parent
	refs   atomic.Int64             // of Locs, unless super is an FS: that counts them by mount itself
	kids   atomic.Pointer[[]*Mount] // mounted on this one; replaced, never changed
	gone   atomic.Bool
}

// MountOpts says how a Super is mounted.
type MountOpts struct {
	Source                          string // as /proc/mounts shows it
	ReadOnly, NoSuid, NoExec, NoDev bool
	Root                            Ino // 0: the Super's root; another inode makes a bind mount
	// Path is where the mount point is, for MountInfo, when it is no directory:
	// other files have no one path that could be found.
	Path string
}

// MountInfo describes one mount, as in /proc/PID/mountinfo.
type MountInfo struct {
	ID, Parent   int
	Dev          uint64
	Root         string // path within the file system
	Path         string // mount point, seen from the namespace's root
	Type, Source string
	Flags        int64 // ST_*
}

// ID returns the mount's number in its namespace.
func (m *Mount) ID() int { return m.id }

// Super returns what is mounted.
func (m *Mount) Super() Super { return m.super }

// Root returns the root of the mount.
func (m *Mount) Root() Loc { return Loc{m, m.root} }

// Flags returns the mount's options as ST_* bits.
func (m *Mount) Flags() int64 {
	var f int64
	for _, o := range []struct {
		on  bool
		bit int64
	}{{m.opts.ReadOnly, linux.ST_RDONLY}, {m.opts.NoSuid, linux.ST_NOSUID}, {m.opts.NoDev, linux.ST_NODEV}, {m.opts.NoExec, linux.ST_NOEXEC}} {
		if o.on {
			f |= o.bit
		}
	}
	return f
}

// Loc is a place: an inode as seen through a mount. The zero Loc is no place.
type Loc struct {
	Mount *Mount
	Ino   Ino
}

// IsZero reports whether l is no place. Methods of Walker take it as "the
// current directory".
func (l Loc) IsZero() bool { return l.Mount == nil }

// Super returns the file system of l.
func (l Loc) Super() Super { return l.Mount.super }

// Getattr is stat(2) by identity.
func (l Loc) Getattr(a *Attr) error { return l.Mount.super.Getattr(l.Ino, a) }

// Ref keeps the inode alive and the mount busy until Unref.
func (l Loc) Ref() {
	if l.Mount == nil {
		return
	}
	if fs, ok := l.Mount.super.(*FS); ok {
		fs.pins.take(l.Ino, l.Mount)
		return
	}
	l.Mount.refs.Add(1)
	l.Mount.super.Ref(l.Ino)
}

// Unref undoes one Ref.
func (l Loc) Unref() {
	if l.Mount == nil {
		return
	}
	if fs, ok := l.Mount.super.(*FS); ok {
		fs.unpin(l.Ino, l.Mount)
		return
	}
	l.Mount.super.Unref(l.Ino)
	l.Mount.refs.Add(-1)
}

// busy reports whether anybody holds a Loc of the mount.
func (m *Mount) busy() bool {
	if fs, ok := m.super.(*FS); ok {
		return fs.pins.through(m)
	}
	return m.refs.Load() > 0
}

// NewNamespace returns a namespace with root mounted read-write at "/".
func NewNamespace(root Super) *Namespace {
	return NewNamespaceOpts(root, MountOpts{})
}

// NewNamespaceOpts is NewNamespace with options for the root mount.
func NewNamespaceOpts(root Super, o MountOpts) *Namespace {
	ns := &Namespace{nextID: 1, nextDev: 32, watches: newWatches(), texts: newTextTable()}
	ns.root = ns.newMount(root, o)
	ns.mounts = []*Mount{ns.root}
	return ns
}

func (ns *Namespace) newMount(s Super, o MountOpts) *Mount {
	m := &Mount{id: ns.nextID, ns: ns, super: s, root: o.Root, opts: o}
	ns.nextID++
	if m.root == 0 {
		m.root = s.Root()
	}
	if d, ok := s.(interface{ assignDev(uint64) }); ok && s.Dev() == 0 {
		d.assignDev(ns.freeDev())
	}
	s.Ref(m.root)
	return m
}

// freeDev returns a device number, 0:N, that no mounted Super has.
func (ns *Namespace) freeDev() uint64 {
	for {
		d := linux.Makedev(0, ns.nextDev)
		ns.nextDev++
		if !slices.ContainsFunc(ns.mounts, func(m *Mount) bool { return m.super.Dev() == d }) {
			return d
		}
	}
}

// RootLoc returns "/".
func (ns *Namespace) RootLoc() Loc { return covered(Loc{ns.root, ns.root.root}) }

// Mount puts s over at: a directory over a directory, a file over a file.
func (ns *Namespace) Mount(at Loc, s Super, o MountOpts) (*Mount, error) {
	if at.Mount == nil || at.Mount.ns != ns {
		return nil, linux.EINVAL
	}
	var on, root Attr
	if err := at.Getattr(&on); err != nil {
		return nil, err
	}
	if o.Root == 0 {
		o.Root = s.Root()
	}
	if _, ok := s.(interface{ DirRoot() }); ok && o.Root == s.Root() {
		root.Mode = linux.S_IFDIR // as it says itself: it need not look
	} else if err := s.Getattr(o.Root, &root); err != nil {
		return nil, err
	}
	if linux.S_ISDIR(on.Mode) != linux.S_ISDIR(root.Mode) {
		return nil, linux.ENOTDIR
	}
	ns.mu.Lock()
	defer ns.mu.Unlock()
	at = covered(at)
	if at.Mount.gone.Load() {
		return nil, linux.ENOENT
	}
	m := ns.newMount(s, o)
	ns.attach(m, at)
	return m, nil
}

func (ns *Namespace) attach(m *Mount, at Loc) {
	m.parent, m.at = at.Mount, at.Ino
	at.Mount.super.Ref(at.Ino)
	kids := append(slices.Clone(at.Mount.children()), m)
	at.Mount.kids.Store(&kids)
	ns.mounts = append(ns.mounts, m)
}

// Unmount takes away the mount whose root at is. EBUSY while something is
// mounted on it or uses it, unless flags has MNT_DETACH.
func (ns *Namespace) Unmount(at Loc, flags int) error {
	ns.mu.Lock()
	defer ns.mu.Unlock()
	m := at.Mount
	switch {
	case m == nil || m.ns != ns || m.gone.Load() || at.Ino != m.root:
		return linux.EINVAL
	case m.parent == nil:
		return linux.EBUSY
	case flags&linux.MNT_DETACH == 0 && (len(m.children()) > 0 || m.busy()):
		return linux.EBUSY
	}
	ns.detach(m)
	return nil
}

func (ns *Namespace) detach(m *Mount) {
	for _, k := range m.children() {
		ns.detach(k)
	}
	kids := slices.DeleteFunc(slices.Clone(m.parent.children()), func(k *Mount) bool { return k == m })
	m.parent.kids.Store(&kids)
	ns.mounts = slices.DeleteFunc(ns.mounts, func(k *Mount) bool { return k == m })
	m.gone.Store(true)
	m.parent.super.Unref(m.at)
	m.super.Unref(m.root)
}

func (m *Mount) children() []*Mount {
	if p := m.kids.Load(); p != nil {
		return *p
	}
	return nil
}

// covered follows mounts on l down to the top one.
func covered(l Loc) Loc {
	for {
		next := l.Mount.mountedOn(l.Ino)
		if next == nil {
			return l
		}
		l = Loc{next, next.root}
	}
}

func (m *Mount) mountedOn(ino Ino) *Mount {
	kids := m.kids.Load()
	if kids == nil {
		return nil
	}
	for _, k := range *kids {
		if k.at == ino {
			return k
		}
	}
	return nil
}

// up leaves the mounts whose root l is.
func (l Loc) up() Loc {
	for l.Ino == l.Mount.root && l.Mount.parent != nil && !l.Mount.gone.Load() {
		l = Loc{l.Mount.parent, l.Mount.at}
	}
	return l
}

// Clone returns a copy of the tree that changes on its own, as CLONE_NEWNS does.
// Locs of ns are brought over by Translate.
func (ns *Namespace) Clone() *Namespace {
	ns.mu.Lock()
	defer ns.mu.Unlock()
	c := &Namespace{nextID: ns.nextID, nextDev: ns.nextDev, watches: ns.watches, texts: ns.texts,
		clones: make(map[*Mount]*Mount)}
	for _, m := range ns.mounts {
		n := &Mount{id: m.id, ns: c, super: m.super, root: m.root, opts: m.opts}
		n.super.Ref(n.root)
		c.clones[m] = n
		if m.parent == nil {
			c.root = n
			c.mounts = append(c.mounts, n)
			continue
		}
		c.attach(n, Loc{c.clones[m.parent], m.at})
	}
	return c
}

// CloneReadOnly is Clone with the root mounted read-only; other mounts stay as they are.
func (ns *Namespace) CloneReadOnly() *Namespace {
	c := ns.Clone()
	c.root.opts.ReadOnly = true // nobody else has it yet
	return c
}

// Translate maps a Loc of the namespace that ns was cloned from. Others come
// back unchanged.
func (ns *Namespace) Translate(l Loc) Loc {
	if m := ns.clones[l.Mount]; m != nil {
		l.Mount = m
	}
	return l
}

// Close drops the namespace's pins on what it mounts. The Supers stay open.
func (ns *Namespace) Close() {
	ns.mu.Lock()
	defer ns.mu.Unlock()
	for _, k := range ns.root.children() {
		ns.detach(k)
	}
	if !ns.root.gone.Swap(true) {
		ns.root.super.Unref(ns.root.root)
	}
}

// Mounts lists the mounts in the order in which they were made.
func (ns *Namespace) Mounts() []MountInfo {
	ns.mu.Lock()
	ms := slices.Clone(ns.mounts)
	ns.mu.Unlock()
	out := make([]MountInfo, 0, len(ms))
	top := Loc{ns.root, ns.root.root}
	for _, m := range ms {
		i := MountInfo{ID: m.id, Dev: m.super.Dev(), Type: m.super.Type(), Source: m.opts.Source, Flags: m.Flags(), Path: "/", Root: "/"}
		if m.parent != nil {
			i.Parent = m.parent.id
			var err error
			if i.Path, _, err = ns.Path(top, Loc{m.parent, m.at}); err != nil {
				i.Path = m.opts.Path
			}
		}
		if p, err := pathWithin(m.super, m.root); err == nil {
			i.Root = p
		}
		out = append(out, i)
	}
	return out
}

// Path returns the path of a directory as seen from root. When it cannot be
// reached from there the answer is its path from the top of what it hangs on,
// and false. ENOENT for a removed directory, ENOTDIR for other files: those have
// no one path.
func (ns *Namespace) Path(root, l Loc) (path string, reachable bool, err error) {
	var names []string
	for range maxDepth {
		if l == root {
			return joinUp(names), true, nil
		}
		u := l.up()
		if u == l && l.Ino == l.Mount.root && (l.Mount.parent == nil || l.Mount.gone.Load()) {
			return joinUp(names), false, nil
		}
		if u != l {
			l = u
			continue // the mount point itself may be root
		}
		p, name, err := l.Mount.super.Parent(l.Ino)
		if err != nil {
			return "", false, err
		}
		if p == l.Ino {
			return joinUp(names), false, nil
		}
		names = append(names, name)
		l.Ino = p
	}
	return "", false, linux.ELOOP
}

// pathWithin returns the path of a directory inside its file system.
func pathWithin(s Super, ino Ino) (string, error) {
	var names []string
	for range maxDepth {
		p, name, err := s.Parent(ino)
		if err != nil {
			return "", err
		}
		if p == ino {
			return joinUp(names), nil
		}
		names = append(names, name)
		ino = p
	}
	return "", linux.ELOOP
}

// joinUp makes a path of names that were collected from the end.
func joinUp(names []string) string {
	if len(names) == 0 {
		return "/"
	}
	slices.Reverse(names)
	return "/" + strings.Join(names, "/")
}
