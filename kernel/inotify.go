package kernel

import (
	"sync"

	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/vfs"
)

const (
	maxInotifyEvents  = 16384 // fs.inotify.max_queued_events
	maxInotifyWatches = 65536
)

// inotify is a queue of events of watched inodes, inotify(7).
type inotify struct {
	q  Queue
	ns *vfs.Namespace

	mu      sync.Mutex // taken under the lock of vfs.Watches
	watches map[int32]*inotifyWatch
	byKey   map[vfs.LockKey]*inotifyWatch
	last    int32
	events  []inotifyEvent
	size    int
	dead    []*inotifyWatch // ended by an event; vfs has to be told yet
}

type inotifyWatch struct {
	wd   int32
	key  vfs.LockKey
	mask uint32
	w    *vfs.Watch
}

type inotifyEvent struct {
	wd           int32
	mask, cookie uint32
	name         string
}

// InotifyInit is inotify_init1(2).
func (t *Task) InotifyInit(flags int) (int, error) {
	if flags&^(linux.IN_NONBLOCK|linux.IN_CLOEXEC) != 0 {
		return -1, linux.EINVAL
	}
	o := &inotify{ns: t.k.ns, watches: map[int32]*inotifyWatch{}, byKey: map[vfs.LockKey]*inotifyWatch{}}
	return t.anonFile(o, "anon_inode:inotify", linux.O_RDONLY|flags&linux.O_NONBLOCK, flags&linux.IN_CLOEXEC != 0)
}

func (t *Task) inotify(fd int) (*File, *inotify, error) {
	f, err := t.file(fd)
	if err != nil {
		return nil, nil, err
	}
	o, ok := f.ops.(*inotify)
	if !ok {
		f.decref(t)
		return nil, nil, linux.EINVAL
	}
	return f, o, nil
}

// InotifyAddWatch is inotify_add_watch(2).
func (t *Task) InotifyAddWatch(fd int, path string, mask uint32) (int, error) {
	const flags = linux.IN_ONLYDIR | linux.IN_DONT_FOLLOW | linux.IN_EXCL_UNLINK | linux.IN_MASK_ADD | linux.IN_MASK_CREATE | linux.IN_ONESHOT
	if mask&(linux.IN_ALL_EVENTS|flags) == 0 || mask&(linux.IN_MASK_ADD|linux.IN_MASK_CREATE) == linux.IN_MASK_ADD|linux.IN_MASK_CREATE {
		return 0, linux.EINVAL
	}
	f, o, err := t.inotify(fd)
	if err != nil {
		return 0, err
	}
	defer f.decref(t)
	var rf vfs.ResolveFlags
	if mask&linux.IN_ONLYDIR != 0 {
		rf |= vfs.Directory
	}
	if mask&linux.IN_DONT_FOLLOW != 0 {
		rf |= vfs.NoFollow
	}
	w := t.walker()
	defer w.done()
	loc, err := w.Resolve(vfs.Loc{}, path, rf)
	if err != nil {
		return 0, err
	}
	if err := w.AccessLoc(loc, linux.R_OK); err != nil {
		return 0, err
	}
	return o.add(loc, mask)
}

// add watches an inode, or changes what it is watched for.
func (o *inotify) add(loc vfs.Loc, mask uint32) (int, error) {
	o.bury()
	key := loc.LockKey()
	o.mu.Lock()
	if w := o.byKey[key]; w != nil {
		defer o.mu.Unlock()
		if mask&linux.IN_MASK_CREATE != 0 {
			return 0, linux.EEXIST
		}
		if mask&linux.IN_MASK_ADD != 0 {
			mask |= w.mask
		}
		w.mask = mask
		return int(w.wd), nil
	}
	if len(o.watches) >= maxInotifyWatches {
		o.mu.Unlock()
		return 0, linux.ENOSPC
	}
	o.last++
	w := &inotifyWatch{wd: o.last, key: key, mask: mask}
	o.watches[w.wd], o.byKey[key] = w, w
	o.mu.Unlock()
	hooked := o.ns.Watches().Add(loc, linux.IN_ALL_EVENTS, func(e vfs.Event) { o.event(w, e) })
	o.mu.Lock()
	defer o.mu.Unlock()
	w.w = hooked
	if o.watches[w.wd] != w { // it has ended already
		o.dead = append(o.dead, w)
	}
	return int(w.wd), nil
}

// event is called by vfs.
func (o *inotify) event(w *inotifyWatch, e vfs.Event) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.watches[w.wd] != w {
		return
	}
	gone := e.Mask&(linux.IN_DELETE_SELF|linux.IN_UNMOUNT) != 0 && e.Name == ""
	if w.mask&e.Mask&linux.IN_ALL_EVENTS != 0 || e.Mask&linux.IN_UNMOUNT != 0 {
		o.queue(inotifyEvent{w.wd, e.Mask, e.Cookie, e.Name})
		gone = gone || w.mask&linux.IN_ONESHOT != 0
	}
	if gone {
		o.end(w)
	}
}

// end ends a watch; vfs is told later, for it may be vfs that is calling.
func (o *inotify) end(w *inotifyWatch) {
	delete(o.watches, w.wd)
	delete(o.byKey, w.key)
	if w.w != nil {
		o.dead = append(o.dead, w)
	}
	o.queue(inotifyEvent{wd: w.wd, mask: linux.IN_IGNORED})
}

// queue appends an event, unless it is just the one before again.
func (o *inotify) queue(e inotifyEvent) {
	n := len(o.events)
	if n > 0 && o.events[n-1] == e {
		return
	}
	if n >= maxInotifyEvents {
		if o.events[n-1].mask == linux.IN_Q_OVERFLOW {
			return
		}
		e = inotifyEvent{wd: -1, mask: linux.IN_Q_OVERFLOW}
	}
	o.events = append(o.events, e)
	o.size += linux.InotifyLen(e.name)
	o.q.wakeBits(pollIn)
}

// bury tells vfs of watches that have ended.
func (o *inotify) bury() {
	o.mu.Lock()
	dead := o.dead
	o.dead = nil
	o.mu.Unlock()
	for _, w := range dead {
		o.ns.Watches().Remove(w.w)
	}
}

// InotifyRmWatch is inotify_rm_watch(2).
func (t *Task) InotifyRmWatch(fd, wd int) error {
	f, o, err := t.inotify(fd)
	if err != nil {
		return err
	}
	defer f.decref(t)
	o.mu.Lock()
	w := o.watches[int32(wd)]
	if w == nil || int(int32(wd)) != wd {
		o.mu.Unlock()
		return linux.EINVAL
	}
	o.end(w)
	o.mu.Unlock()
	o.bury()
	return nil
}

func (o *inotify) read(t *Task, f *File, p []byte) (int, error) {
	o.bury()
	n := 0
	var err error
	werr := t.untilReady(&o.q, f, func() bool {
		o.mu.Lock()
		defer o.mu.Unlock()
		out := p[:0]
		for len(o.events) > 0 {
			e := o.events[0]
			size := linux.InotifyLen(e.name)
			if len(p)-len(out) < size {
				if len(out) == 0 {
					err = linux.EINVAL
				}
				break
			}
			out = linux.AppendInotify(out, e.wd, e.mask, e.cookie, e.name)
			o.events[0] = inotifyEvent{}
			o.events = o.events[1:]
			o.size -= size
		}
		n = len(out)
		return n > 0 || err != nil
	})
	if werr != nil {
		return 0, werr
	}
	return n, err
}

func (o *inotify) write(*Task, *File, []byte) (int, error) { return 0, linux.EBADF }

// bytes is FIONREAD.
func (o *inotify) bytes() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.size
}

func (o *inotify) ready(*File) uint32 {
	if o.bytes() > 0 {
		return pollIn
	}
	return 0
}

func (o *inotify) watch(_ *File, w *waker) func()  { return watchQueue(&o.q, w) }
func (o *inotify) attr(f *File, a *vfs.Attr) error { return f.anonAttr(a, 0o600) }

func (o *inotify) release(*File) {
	o.mu.Lock()
	for _, w := range o.watches {
		if w.w != nil {
			o.dead = append(o.dead, w)
		}
	}
	clear(o.watches)
	o.mu.Unlock()
	o.bury()
}
