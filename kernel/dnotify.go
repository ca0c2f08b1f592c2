package kernel

import (
	"sync"

	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/vfs"
)

// dirMasks are the events of inotify that F_NOTIFY may tell of.
const dirMasks = linux.IN_ACCESS | linux.IN_MODIFY | linux.IN_CREATE | linux.IN_DELETE | linux.IN_MOVE | linux.IN_ATTRIB

// dirNotes are the records of F_NOTIFY of an open directory: one for each table of descriptors.
type dirNotes struct {
	mu sync.Mutex // taken under the lock of vfs.Watches
	by map[*fdTable]*dirNote
}

// dirNote is a table's interest in an open directory.
type dirNote struct {
	f    *File
	fd   int    // by which it was asked for last
	mask uint32 // DN_*; none when it was for one event and that has come
	w    *vfs.Watch
}

// NotifyDirectory is F_NOTIFY of fcntl(2): the owner of the directory gets SIGIO, or what F_SETSIG says, when something of mask (DN_*)
// happens in it. More calls add to the mask; one without events ends it.
func (t *Task) NotifyDirectory(fd int, mask uint32) error {
	f, err := t.file(fd)
	if err != nil {
		return err
	}
	defer f.decref(t)
	if f.flags.Load()&linux.O_PATH != 0 {
		return linux.EBADF
	}
	d, ok := f.ops.(*directory)
	switch {
	case mask&^linux.DN_MULTISHOT == 0:
		if ok {
			d.notes.end(t.files)
		}
		return nil
	case !ok:
		return linux.ENOTDIR
	}
	t.k.async.begin(t.k)
	o := t.newOwner(F_OWNER_PID, t.proc.pid)
	f.editOwner(func(now *Owner) {
		if now.ID == 0 {
			o.Signo = now.Signo
			*now = o
		}
	})
	d.notes.add(f, t.files, fd, mask)
	return nil
}

// add makes a table's record, or adds to it.
func (n *dirNotes) add(f *File, table *fdTable, fd int, mask uint32) {
	n.mu.Lock()
	if r := n.by[table]; r != nil {
		r.fd, r.mask = fd, r.mask|mask
		n.mu.Unlock()
		return
	}
	r := &dirNote{f: f, fd: fd, mask: mask}
	if n.by == nil {
		n.by = map[*fdTable]*dirNote{}
	}
	n.by[table] = r
	n.mu.Unlock()
	hooked := f.k.ns.Watches().Add(f.loc, dirMasks, func(e vfs.Event) { n.event(r, e) })
	n.mu.Lock()
	r.w = hooked
	gone := n.by[table] != r
	n.mu.Unlock()
	if gone {
		f.k.ns.Watches().Remove(hooked)
	}
}

// event is called by vfs. The signal is for later, when vfs holds no lock.
func (n *dirNotes) event(r *dirNote, e vfs.Event) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, kind := range dirKinds(e) {
		if r.mask&kind == 0 {
			continue
		}
		if r.mask&linux.DN_MULTISHOT == 0 {
			r.mask = 0
		}
		r.f.k.async.add(dirEvent{r.f, r.fd})
	}
}

// dirKinds are the events of F_NOTIFY that an event of inotify is, in the order that Linux tells of them: a rename within a directory is
// one that comes and one that goes too.
func dirKinds(e vfs.Event) [2]uint32 {
	switch e.Mask &^ linux.IN_ISDIR {
	case linux.IN_ACCESS:
		return [2]uint32{linux.DN_ACCESS}
	case linux.IN_MODIFY:
		return [2]uint32{linux.DN_MODIFY}
	case linux.IN_ATTRIB:
		return [2]uint32{linux.DN_ATTRIB}
	case linux.IN_CREATE, linux.IN_MOVED_TO:
		return [2]uint32{linux.DN_CREATE}
	case linux.IN_DELETE:
		return [2]uint32{linux.DN_DELETE}
	case linux.IN_MOVED_FROM:
		if e.Within {
			return [2]uint32{linux.DN_RENAME, linux.DN_DELETE}
		}
		return [2]uint32{linux.DN_DELETE}
	}
	return [2]uint32{}
}

// end forgets a table's record.
func (n *dirNotes) end(table *fdTable) {
	n.mu.Lock()
	r := n.by[table]
	delete(n.by, table)
	n.mu.Unlock()
	r.unhook(n)
}

// endAll forgets all of them: the description ends.
func (n *dirNotes) endAll() {
	n.mu.Lock()
	all := n.by
	n.by = nil
	n.mu.Unlock()
	for _, r := range all {
		r.unhook(n)
	}
}

// unhook has vfs tell no more. A watch that is being made goes when it is.
func (r *dirNote) unhook(n *dirNotes) {
	if r == nil {
		return
	}
	n.mu.Lock()
	r.mask = 0
	w := r.w
	n.mu.Unlock()
	if w != nil {
		r.f.k.ns.Watches().Remove(w)
	}
}

// dirEvent is a signal of F_NOTIFY that is due.
type dirEvent struct {
	f  *File
	fd int
}

func (e dirEvent) tell() {
	e.f.signalOwner(e.fd, POLL_MSG, linux.POLLIN|linux.POLLRDNORM|linux.POLLMSG)
}
