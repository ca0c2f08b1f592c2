package vfs

import (
	"sync"
	"sync/atomic"

	"github.com/sbxrun/sbx/abi/linux"
)

// Event is one event of inotify(7).
type Event struct {
	Mask   uint32
	Cookie uint32 // joins IN_MOVED_FROM and IN_MOVED_TO
	Name   string // within the watched directory; "" for the inode itself
	Within bool   // IN_MOVED_FROM and IN_MOVED_TO: of one directory
}

// Watches is where changes meet those who wait for them. Walker reports what
// changes entries and attributes; who reads and writes through a Handle reports
// that with Namespace.Notify.
type Watches struct {
	count  atomic.Int64 // of watches: nothing is locked while there are none
	cookie atomic.Uint32
	mu     sync.Mutex
	by     map[LockKey][]*Watch
}

// Watch is one interest in one inode.
type Watch struct {
	loc  Loc
	mask uint32
	fn   func(Event)
}

func newWatches() *Watches { return &Watches{by: make(map[LockKey][]*Watch)} }

// Add calls fn for each event of mask (IN_*) on l and, for a directory, on its
// entries; who came last is told first. The inode stays alive until Remove. fn
// must be quick and must not call into vfs.
func (h *Watches) Add(l Loc, mask uint32, fn func(Event)) *Watch {
	w := &Watch{l, mask, fn}
	l.Ref()
	h.mu.Lock()
	defer h.mu.Unlock()
	h.by[l.LockKey()] = append([]*Watch{w}, h.by[l.LockKey()]...)
	h.count.Add(1)
	return w
}

// SetMask changes what a watch is for.
func (h *Watches) SetMask(w *Watch, mask uint32) {
	h.mu.Lock()
	defer h.mu.Unlock()
	w.mask = mask
}

// Remove ends a watch. It is allowed twice.
func (h *Watches) Remove(w *Watch) {
	if h.take(w) {
		w.loc.Unref()
	}
}

func (h *Watches) take(w *Watch) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	k := w.loc.LockKey()
	for i, x := range h.by[k] {
		if x != w {
			continue
		}
		rest := append(append([]*Watch(nil), h.by[k][:i]...), h.by[k][i+1:]...)
		if len(rest) == 0 {
			delete(h.by, k)
		} else {
			h.by[k] = rest
		}
		h.count.Add(-1)
		return true
	}
	return false
}

func (h *Watches) emit(k LockKey, e Event) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, w := range h.by[k] {
		if w.mask&e.Mask&linux.IN_ALL_EVENTS != 0 || e.Mask&(linux.IN_IGNORED|linux.IN_UNMOUNT) != 0 {
			w.fn(e)
		}
	}
}

// Watches returns the hub of the namespace and its clones.
func (ns *Namespace) Watches() *Watches { return ns.watches }

// Notify reports an event on l, and to the directory it was reached through
// (parent may be zero). IN_ISDIR is the caller's to set.
func (ns *Namespace) Notify(l, parent Loc, name string, mask uint32) {
	h := ns.watches
	if h.count.Load() == 0 {
		return
	}
	if !parent.IsZero() {
		h.emit(parent.LockKey(), Event{Mask: mask, Name: name})
	}
	h.emit(l.LockKey(), Event{Mask: mask})
}

// notifyEntry reports that an entry came or went.
func (ns *Namespace) notifyEntry(dir Loc, name string, mask uint32) {
	if ns.watches.count.Load() != 0 {
		ns.watches.emit(dir.LockKey(), Event{Mask: mask, Name: name})
	}
}

// notifyGone reports that an inode lost a name, and its end with the last one.
func (ns *Namespace) notifyGone(dir Loc, name string, l Loc, isDir bool) {
	if ns.watches.count.Load() == 0 {
		return
	}
	var a Attr
	err := l.Getattr(&a)
	if err == nil && a.Nlink > 0 {
		ns.watches.emit(l.LockKey(), Event{Mask: linux.IN_ATTRIB})
	} else {
		ns.watches.emit(l.LockKey(), Event{Mask: linux.IN_DELETE_SELF})
	}
	ns.watches.emit(dir.LockKey(), Event{Mask: linux.IN_DELETE | dirBit(isDir), Name: name})
}

// notifyMoved reports a rename.
func (ns *Namespace) notifyMoved(odir Loc, oname string, ndir Loc, nname string, l Loc, isDir bool) {
	h := ns.watches
	if h.count.Load() == 0 {
		return
	}
	c, within := h.cookie.Add(1), odir == ndir
	h.emit(odir.LockKey(), Event{Mask: linux.IN_MOVED_FROM | dirBit(isDir), Cookie: c, Name: oname, Within: within})
	h.emit(ndir.LockKey(), Event{Mask: linux.IN_MOVED_TO | dirBit(isDir), Cookie: c, Name: nname, Within: within})
	h.emit(l.LockKey(), Event{Mask: linux.IN_MOVE_SELF})
}

// reach resolves a path to what is to be changed, and returns a Walker that
// knows through which entry.
func (w *Walker) reach(at Loc, path string, flags int) (Loc, Walker, error) {
	var k walk
	if err := k.run(w, at, path, atFlags(flags)); err != nil {
		return Loc{}, Walker{}, err
	}
	return k.cur.loc, w.via(&k), nil
}

// via is the Walker for what is at the end of k.
func (w *Walker) via(k *walk) Walker {
	to := *w
	to.Parent, to.Name = Loc{}, ""
	if k.kind == lastNormal {
		to.Parent, to.Name = k.dir.loc, k.name
	}
	return to
}

// changed reports a change of an inode's attributes or size.
func (w *Walker) changed(l Loc, mask uint32) {
	var s step
	if mask == 0 || w.NS.watches.count.Load() == 0 || s.load(l) != nil {
		return
	}
	w.NS.Notify(l, w.Parent, w.Name, mask|dirBit(s.isDir()))
}

// event is what inotify tells of a change: a time alone counts as an access or
// a write.
func (a *SetAttr) event() (mask uint32) {
	if a.Valid&(SetMode|SetUID|SetGID) != 0 || a.Valid&(SetAtime|SetMtime) == SetAtime|SetMtime {
		mask |= linux.IN_ATTRIB
	} else if a.Valid&SetAtime != 0 {
		mask |= linux.IN_ACCESS
	}
	if a.Valid&SetSize != 0 || a.Valid&(SetAtime|SetMtime) == SetMtime {
		mask |= linux.IN_MODIFY
	}
	return mask
}

func dirBit(isDir bool) uint32 {
	if isDir {
		return linux.IN_ISDIR
	}
	return 0
}
