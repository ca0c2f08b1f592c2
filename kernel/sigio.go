package kernel

import (
	"sync"
	"sync/atomic"

	"github.com/sbxrun/sbx/abi/linux"
)

// Codes of SigInfo for F_SETSIG, fcntl(2).
const (
	POLL_IN  = 1
	POLL_OUT = 2
	POLL_MSG = 3
	POLL_PRI = 5
	POLL_HUP = 6
	SI_SIGIO = -5

	bandIn  = linux.POLLIN | linux.POLLRDNORM
	bandOut = linux.POLLOUT | linux.POLLWRNORM | linux.POLLWRBAND
	bandHup = linux.POLLHUP | linux.POLLERR
)

// asyncWatch is a file with O_ASYNC: whose owner is told when it gets ready.
type asyncWatch struct {
	f      *File
	fd     int // the descriptor by which it was asked for
	cancel func()
	gone   atomic.Bool
	queued int // bytes of a terminal that were told of
}

// asyncEvent is something that the owner of a file may have to be told of.
type asyncEvent interface{ tell() }

// readyEvent is something that happened to a file with O_ASYNC.
type readyEvent struct {
	w    *asyncWatch
	bits uint32
}

// maxAsync bounds the events that are to be looked at: the signals of more would find
// no room either.
const maxAsync = 4096

// asyncQueue takes what files tell, with whatever locks they hold, and looks at it when
// there are none: at the end of the system call that did it, or else on a goroutine.
type asyncQueue struct {
	start   sync.Once
	pending atomic.Int64  // events that nobody has been told of yet
	wake    chan struct{} // one token for the goroutine

	drain sync.Mutex // held while events are looked at, so that they stay in order
	mu    sync.Mutex // a leaf
	list  []asyncEvent
}

// begin starts the goroutine; a task does.
func (a *asyncQueue) begin(k *Kernel) {
	a.start.Do(func() {
		a.mu.Lock()
		a.wake = make(chan struct{}, 1)
		a.mu.Unlock()
		k.background(func() {
			for {
				select {
				case <-a.wake:
					k.TellOwners()
				case <-k.ctx.Done():
					return
				}
			}
		})
	})
}

func (a *asyncQueue) add(e asyncEvent) {
	a.mu.Lock()
	if len(a.list) < maxAsync {
		a.list = append(a.list, e)
		a.pending.Add(1)
	}
	a.mu.Unlock()
	select {
	case a.wake <- struct{}{}:
	default:
	}
}

// TellOwners sends the signals of files with O_ASYNC that are due. Who runs system calls
// does it after each, so that they come before the call returns.
func (k *Kernel) TellOwners() {
	a := &k.async
	if a.pending.Load() == 0 {
		return
	}
	a.drain.Lock() // and wait for who is telling
	defer a.drain.Unlock()
	a.mu.Lock()
	list := a.list
	a.list = nil
	a.mu.Unlock()
	for _, e := range list {
		e.tell()
	}
	a.pending.Add(-int64(len(list)))
}

// tell looks at what happened.
func (e readyEvent) tell() {
	w := e.w
	if w.gone.Load() {
		return
	}
	ready := w.f.ops.ready(w.f)
	in, out := uint32(pollIn|linux.POLLHUP|linux.POLLRDHUP|linux.POLLERR), uint32(pollOut|linux.POLLERR)
	switch o := w.f.ops.(type) {
	case *pipeEnd:
		if !o.rd {
			in = 0
		}
		if !o.wr {
			out = 0
		}
	case *sock:
		in |= linux.POLLPRI
		if o.s.Domain() == linux.AF_UNIX && o.s.Type() != linux.SOCK_DGRAM && ready&e.bits&linux.POLLHUP != 0 {
			w.f.signalOwner(w.fd, POLL_HUP, bandHup)
			return
		}
		if ready&out == 0 || !o.starved.CompareAndSwap(true, false) {
			out = 0 // only who found no room before is told
		}
	case *device:
		out = 0
		n, _ := o.readable()
		if n <= w.queued && ready&linux.POLLHUP == 0 {
			in = 0
		}
		w.queued = n
	}
	if e.bits&pollIn != 0 && ready&in != 0 {
		w.f.signalOwner(w.fd, POLL_IN, bandIn)
	}
	if e.bits&pollOut != 0 && ready&out != 0 {
		w.f.signalOwner(w.fd, POLL_OUT, bandOut)
	}
}

// signals reports whether a kind of file tells its owner at all.
func (f *File) signals() bool {
	switch o := f.ops.(type) {
	case *pipeEnd, *sock, *inotify, *hostIn, *hostOut:
		return true
	case *device:
		return o.end() != nil
	}
	return false
}

// setAsync sets O_ASYNC, or takes it back. Files that tell nobody keep it clear.
func (f *File) setAsync(t *Task, fd int, on bool) {
	if !f.signals() {
		return
	}
	if !on {
		f.setFlags(linux.O_ASYNC, 0)
		f.endAsync()
		return
	}
	t.k.async.begin(t.k)
	w := &asyncWatch{f: f, fd: fd}
	if d, ok := f.ops.(*device); ok {
		w.queued, _ = d.readable()
		t.ownTerminal(f, d)
	}
	if old := f.async.Swap(w); old != nil {
		old.end()
	}
	w.cancel = f.ops.watch(f, &waker{f: func(bits uint32) { t.k.async.add(readyEvent{w, bits}) }})
	f.setFlags(linux.O_ASYNC, linux.O_ASYNC)
}

// ownTerminal gives a terminal that is nobody's to its foreground group, or else to the
// caller, as Linux does.
func (t *Task) ownTerminal(f *File, d *device) {
	o := t.newOwner(F_OWNER_PID, t.proc.pid)
	if pgid := d.end().TTY().Foreground(); pgid != 0 {
		o.Kind, o.ID = F_OWNER_PGRP, pgid
	}
	f.owner.CompareAndSwap(nil, &o)
}

func (f *File) endAsync() {
	if w := f.async.Swap(nil); w != nil {
		w.end()
	}
}

func (w *asyncWatch) end() {
	w.gone.Store(true)
	if w.cancel != nil {
		w.cancel()
	}
}

// urgentEvent is an urgent byte that came for a socket.
type urgentEvent struct{ f *File }

// tellUrgent has the owner told of an urgent byte. It may be called with locks held.
func (f *File) tellUrgent() {
	if f.owner.Load() != nil {
		f.k.async.add(urgentEvent{f})
	}
}

// tell sends SIGURG, O_ASYNC or not. What F_SETSIG asked for comes as well, if there is O_ASYNC.
func (e urgentEvent) tell() {
	o := e.f.owner.Load()
	if o == nil {
		return
	}
	o.each(e.f.k, func(p *Process, t *Task) {
		p.sendLocked(t, SigInfo{Signo: linux.SIGURG, Code: SI_KERNEL}, false)
	})
	if w := e.f.async.Load(); w != nil && o.Signo != 0 {
		e.f.signalOwner(w.fd, POLL_PRI, linux.POLLPRI|linux.POLLRDBAND)
	}
}

// signalOwner sends what F_SETSIG asked for, or SIGIO.
func (f *File) signalOwner(fd int, code int32, band uint64) {
	if o := f.owner.Load(); o != nil {
		o.each(f.k, func(p *Process, t *Task) { o.sendLocked(p, t, fd, code, band) })
	}
}

// each does send for those whom the owner names and who made it may signal, with the kernel's lock.
func (o *Owner) each(k *Kernel, send func(p *Process, t *Task)) {
	if o.ID == 0 {
		return
	}
	may := func(p *Process, t *Task) {
		c := p.leader.cred.Load()
		if o.euid == 0 || o.euid == c.SUID || o.euid == c.UID || o.uid == c.SUID || o.uid == c.UID {
			send(p, t)
		}
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	switch o.Kind {
	case F_OWNER_TID:
		if t := k.tasks[o.ID]; t != nil {
			may(t.proc, t)
		}
	case F_OWNER_PID:
		if p := k.procs[o.ID]; p != nil {
			may(p, nil)
		}
	case F_OWNER_PGRP:
		if g := k.groups[o.ID]; g != nil {
			for _, p := range g.procs {
				may(p, nil)
			}
		}
	}
}

// sendLocked sends the signal. Where there is no room for a real-time one SIGIO says so.
func (o *Owner) sendLocked(p *Process, t *Task, fd int, code int32, band uint64) {
	plain := SigInfo{Signo: linux.SIGIO, Code: SI_KERNEL}
	if o.Signo == 0 {
		p.sendLocked(t, plain, false)
		return
	}
	i := SigInfo{Signo: o.Signo, Code: code, IO: true, FD: fd, Band: band}
	if o.Signo != linux.SIGIO && (syncSet.Has(o.Signo) || o.Signo == linux.SIGCHLD) {
		i.Code = SI_SIGIO // its codes mean something else
	}
	if !p.sendLocked(t, i, false) {
		p.sendLocked(t, plain, false)
	}
}
