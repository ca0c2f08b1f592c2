package kernel

import (
	"slices"
	"sync"
	"time"

	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/vfs"
)

const (
	maxWatches = 1 << 16 // files that one epoll watches
	epollNests = 4       // how deep epolls may watch epolls
	maxSpare   = 1 << 10 // the longest ready list that is kept to be used again
	epollBits  = linux.EPOLLEXCLUSIVE | linux.EPOLLWAKEUP | linux.EPOLLONESHOT | linux.EPOLLET
)

// EpollEvent is struct epoll_event.
type EpollEvent struct {
	Events uint32 // linux.EPOLL*
	Data   uint64
}

// epollKey is what an epoll knows a file by.
type epollKey struct {
	fd int
	f  *File
}

// epoll is an epoll instance, epoll(7). Queues of the files that it watches put
// items on its ready list; no goroutine waits.
type epoll struct {
	q    Queue
	file *File // set when another epoll watches it; guarded by Kernel.epollMu

	// mu is taken before the locks of the files that are watched, and before those
	// of epolls among them.
	mu    sync.Mutex
	items map[epollKey]*epollItem
	spare []*epollItem // empty, room for what collect puts back

	rmu  sync.Mutex // a leaf
	list readyList  // mu is held too by who takes items off
}

// epollItem is one file that an epoll watches.
type epollItem struct {
	ep     *epoll
	key    epollKey
	data   uint64
	cancel func()
	pos    int // in the watchList of the file, guarded by its lock

	// Guarded by rmu.
	events     uint32
	gone       bool
	queued     bool // on the ready list
	prev, next *epollItem
}

// wake is called by the file's queue.
func (it *epollItem) wake(bits uint32) {
	ep := it.ep
	ep.rmu.Lock()
	want := it.events&^epollBits != 0 && bits&(it.events|linux.EPOLLERR|linux.EPOLLHUP) != 0
	if want && !it.gone {
		ep.list.push(it)
	}
	ep.rmu.Unlock()
	if want {
		ep.q.wakeBits(pollIn)
	}
}

// now returns the events that hold.
func (it *epollItem) now() uint32 {
	it.ep.rmu.Lock()
	events := it.events
	it.ep.rmu.Unlock()
	return it.holds(events)
}

// holds returns those of events, and errors, that hold.
func (it *epollItem) holds(events uint32) uint32 {
	if events&^epollBits == 0 {
		return 0
	}
	return it.key.f.ops.ready(it.key.f) & (events&^epollBits | linux.EPOLLERR | linux.EPOLLHUP)
}

// forget removes an item; mu is held.
func (ep *epoll) forget(it *epollItem) {
	if ep.items[it.key] != it {
		return
	}
	delete(ep.items, it.key)
	if it.cancel != nil {
		it.cancel()
	}
	ep.rmu.Lock()
	it.gone = true
	ep.list.remove(it)
	ep.rmu.Unlock()
}

func (ep *epoll) read(*Task, *File, []byte) (int, error)  { return 0, linux.EINVAL }
func (ep *epoll) write(*Task, *File, []byte) (int, error) { return 0, linux.EINVAL }
func (ep *epoll) watch(_ *File, w *waker) func()          { return watchQueue(&ep.q, w) }
func (ep *epoll) attr(f *File, a *vfs.Attr) error         { return f.anonAttr(a, 0o600) }

func (ep *epoll) ready(*File) uint32 {
	ep.mu.Lock()
	defer ep.mu.Unlock()
	ep.rmu.Lock()
	defer ep.rmu.Unlock()
	it := ep.list.head
	for n := ep.list.n; n > 0; n-- {
		events := it.events
		ep.rmu.Unlock()
		m := it.holds(events)
		ep.rmu.Lock()
		if m != 0 {
			return pollIn
		}
		it = it.next
	}
	return 0
}

func (ep *epoll) release(*File) {
	ep.mu.Lock()
	defer ep.mu.Unlock()
	for _, it := range ep.items {
		it.key.f.polls.remove(it)
		ep.forget(it)
	}
}

// EpollCreate is epoll_create1(2).
func (t *Task) EpollCreate(flags int) (int, error) {
	if flags&^linux.EPOLL_CLOEXEC != 0 {
		return -1, linux.EINVAL
	}
	return t.anonFile(&epoll{items: map[epollKey]*epollItem{}}, "anon_inode:[eventpoll]", linux.O_RDWR, flags&linux.EPOLL_CLOEXEC != 0)
}

// anonFile installs a new file that has no place in the tree.
func (t *Task) anonFile(ops fileOps, name string, flags int, cloexec bool) (int, error) {
	if err := t.enter(); err != nil {
		return -1, err
	}
	f, err := t.k.newFile(ops, flags)
	if err != nil {
		return -1, err
	}
	f.name = name
	return t.install(f, 0, cloexec)
}

// epollFile returns the epoll of a descriptor.
func (t *Task) epollFile(fd int) (*File, *epoll, error) {
	f, err := t.file(fd)
	if err != nil {
		return nil, nil, err
	}
	ep, ok := f.ops.(*epoll)
	if !ok {
		f.decref(t)
		return nil, nil, linux.EINVAL
	}
	return f, ep, nil
}

// pollable reports whether a file can be watched at all: what is always ready
// cannot.
func pollable(f *File) bool {
	switch o := f.ops.(type) {
	case *regular, *directory, *execFile:
		return false
	case *device:
		return o.end() != nil
	}
	return true
}

// EpollCtl is epoll_ctl(2) with EPOLL_CTL_ADD, MOD or DEL.
func (t *Task) EpollCtl(epfd, op, fd int, ev EpollEvent) error {
	ef, err := t.file(epfd)
	if err != nil {
		return err
	}
	defer ef.decref(t)
	f, err := t.files.get(fd)
	if err != nil {
		return err
	}
	defer f.decref(t)
	if f.flags.Load()&linux.O_PATH != 0 {
		return linux.EBADF
	}
	if !pollable(f) {
		return linux.EPERM
	}
	ep, ok := ef.ops.(*epoll)
	if !ok || f == ef {
		return linux.EINVAL
	}
	inner, nested := f.ops.(*epoll)
	if ev.Events&linux.EPOLLEXCLUSIVE != 0 && op != linux.EPOLL_CTL_DEL {
		const may = linux.EPOLLIN | linux.EPOLLOUT | linux.EPOLLERR | linux.EPOLLHUP | linux.EPOLLWAKEUP | linux.EPOLLET | linux.EPOLLEXCLUSIVE
		if op == linux.EPOLL_CTL_MOD || nested || ev.Events&^may != 0 {
			return linux.EINVAL
		}
	}
	if op == linux.EPOLL_CTL_ADD && nested {
		t.k.epollMu.Lock()
		defer t.k.epollMu.Unlock()
		inner.file = f
		if inner.reaches(ep, epollNests-ep.outer()) {
			return linux.ELOOP
		}
	}
	key := epollKey{fd, f}
	switch op {
	case linux.EPOLL_CTL_ADD:
		return ep.insert(key, ev)
	case linux.EPOLL_CTL_MOD:
		return ep.modify(key, ev)
	case linux.EPOLL_CTL_DEL:
		ep.mu.Lock()
		defer ep.mu.Unlock()
		it := ep.items[key]
		if it == nil {
			return linux.ENOENT
		}
		f.polls.remove(it)
		ep.forget(it)
		return nil
	}
	return linux.EINVAL
}

// reaches reports whether watching ep would make a loop, or is deeper than
// allowed. Kernel.epollMu keeps the nesting as it is.
func (ep *epoll) reaches(to *epoll, depth int) bool {
	if ep == to || depth <= 0 {
		return true
	}
	ep.mu.Lock()
	var inner []*epoll
	for k := range ep.items {
		if e, ok := k.f.ops.(*epoll); ok {
			inner = append(inner, e)
		}
	}
	ep.mu.Unlock()
	for _, e := range inner {
		if e.reaches(to, depth-1) {
			return true
		}
	}
	return false
}

// outer returns how deep ep is in other epolls; Kernel.epollMu is held.
func (ep *epoll) outer() int {
	if ep.file == nil {
		return 0
	}
	ep.file.polls.mu.Lock()
	items := slices.Clone(ep.file.polls.items)
	ep.file.polls.mu.Unlock()
	depth := 0
	for _, it := range items {
		depth = max(depth, 1+it.ep.outer())
	}
	return depth
}

func (ep *epoll) insert(key epollKey, ev EpollEvent) error {
	ep.mu.Lock()
	defer ep.mu.Unlock()
	if ep.items[key] != nil {
		return linux.EEXIST
	}
	if len(ep.items) >= maxWatches {
		return linux.ENOSPC
	}
	it := &epollItem{ep: ep, key: key, data: ev.Data, events: ev.Events}
	ep.items[key] = it
	key.f.polls.add(it)
	it.cancel = key.f.ops.watch(key.f, &waker{f: it.wake})
	it.check()
	return nil
}

func (ep *epoll) modify(key epollKey, ev EpollEvent) error {
	ep.mu.Lock()
	defer ep.mu.Unlock()
	it := ep.items[key]
	if it == nil {
		return linux.ENOENT
	}
	ep.rmu.Lock()
	if it.events&linux.EPOLLEXCLUSIVE != 0 {
		ep.rmu.Unlock()
		return linux.EINVAL
	}
	it.events, it.data = ev.Events, ev.Data
	ep.rmu.Unlock()
	it.check()
	return nil
}

// check puts an item on the ready list if it is ready.
func (it *epollItem) check() {
	if m := it.now(); m != 0 {
		it.wake(m)
	}
}

// EpollWait is epoll_pwait2(2): at most limit events. A negative timeout waits for
// ever; a mask, when not nil, counts while it waits.
func (t *Task) EpollWait(epfd, limit int, timeout time.Duration, mask *linux.SigSet) ([]EpollEvent, error) {
	if limit <= 0 {
		return nil, linux.EINVAL
	}
	f, ep, err := t.epollFile(epfd)
	if err != nil {
		return nil, err
	}
	defer f.decref(t)
	var out []EpollEvent
	err = t.WithSigmask(mask, func() error {
		try := func() bool {
			out = ep.collect(t, out, limit)
			return len(out) > 0
		}
		if try() {
			return nil
		}
		t.k.net.Hear() // to sleep and to be woken takes longer than to ask
		return t.await(&ep.q, timeout, try)
	})
	if err == linux.ETIMEDOUT {
		return nil, nil
	}
	return out, err
}

// collect takes events from the ready list: of what is on it now, what comes meanwhile is for the next time. What is
// level-triggered goes back to its end.
func (ep *epoll) collect(t *Task, out []EpollEvent, limit int) []EpollEvent {
	ep.rmu.Lock()
	empty := ep.list.n == 0
	ep.rmu.Unlock()
	if empty {
		return out
	}
	ep.mu.Lock() // nobody else takes items off
	again := ep.spare
	ep.rmu.Lock()
	n := ep.list.n
	if out == nil {
		out = make([]EpollEvent, 0, min(limit, n))
	}
	for ; n > 0 && len(out) < limit; n-- {
		it := ep.list.head
		ep.list.remove(it)
		events := it.events
		ep.rmu.Unlock()
		m := it.holds(events)
		ep.rmu.Lock()
		if m == 0 {
			continue
		}
		out = append(out, EpollEvent{m, it.data})
		if events&linux.EPOLLONESHOT != 0 {
			it.events &= epollBits
		} else if events&linux.EPOLLET == 0 {
			again = append(again, it)
		}
	}
	for _, it := range again {
		ep.list.push(it)
	}
	left := ep.list.n > 0
	ep.rmu.Unlock()
	clear(again)
	if ep.spare = nil; cap(again) <= maxSpare {
		ep.spare = again[:0]
	}
	ep.mu.Unlock()
	if left {
		ep.q.wakeBits(pollIn) // for others who wait here
	}
	return out
}

// WithSigmask runs f, which waits, with another signal mask, as ppoll(2) does: the
// mask stays until the signal that interrupted f has been taken. nil leaves it.
func (t *Task) WithSigmask(mask *linux.SigSet, f func() error) error {
	if mask == nil {
		return f()
	}
	t.k.mu.Lock()
	t.restoreMaskLocked()
	t.savedMask, t.restoreMask = t.mask, true
	t.setMaskLocked(*mask)
	t.k.mu.Unlock()
	err := f()
	if err != linux.EINTR {
		t.k.mu.Lock()
		t.restoreMaskLocked()
		t.k.mu.Unlock()
	}
	return err
}
