package tty

import (
	"context"
	"time"

	"github.com/sbxrun/sbx/abi/linux"
)

// WaitFunc parks the caller until ready delivers or is closed (nil), until d has
// passed when d >= 0 (ETIMEDOUT), or until something interrupts it (any other
// error, which the interrupted call returns). A nil WaitFunc means: do not block.
type WaitFunc func(ready <-chan struct{}, d time.Duration) error

// ContextWait returns a WaitFunc that the end of ctx interrupts with EINTR.
func ContextWait(ctx context.Context) WaitFunc {
	return func(ready <-chan struct{}, d time.Duration) error {
		var timeout <-chan time.Time
		if d >= 0 {
			timer := time.NewTimer(d)
			defer timer.Stop()
			timeout = timer.C
		}
		select {
		case <-ready:
			return nil
		case <-timeout:
			return linux.ETIMEDOUT
		case <-ctx.Done():
			return linux.EINTR
		}
	}
}

// watchList is who wants to hear that the readiness of one side may have changed.
// It is copied on change, so that a snapshot is a slice header.
type watchList []*watcher

type watcher struct{ fn func() }

func (l watchList) with(w *watcher) watchList {
	return append(append(make(watchList, 0, len(l)+1), l...), w)
}

func (l watchList) without(w *watcher) watchList {
	out := make(watchList, 0, len(l))
	for _, o := range l {
		if o != w {
			out = append(out, o)
		}
	}
	return out
}

func (l watchList) notify() {
	for _, w := range l {
		w.fn()
	}
}

// wakeSet says which sides' readiness changed while the lock was held.
type wakeSet struct{ master, slave bool }

// unlock releases the lock, then sends the signals and wakes the watchers that
// the critical section asked for.
func (t *TTY) unlock() {
	events, wakes := t.events, t.wakes
	t.events, t.wakes = nil, wakeSet{}
	var m, s watchList
	if wakes.master {
		m = t.masters
	}
	if wakes.slave {
		s = t.slaves
	}
	t.mu.Unlock()
	for _, f := range events {
		f()
	}
	m.notify()
	s.notify()
}

// Watch calls fn whenever the readiness of e may have changed, until stop is
// called. fn must not block; it may be called from any goroutine, and once more
// while stop runs.
func (e *End) Watch(fn func()) (stop func()) {
	w := &watcher{fn}
	t := e.t
	list := e.list()
	t.mu.Lock()
	*list = list.with(w)
	t.mu.Unlock()
	return func() {
		t.mu.Lock()
		*list = list.without(w)
		t.mu.Unlock()
	}
}

func (e *End) list() *watchList {
	if e.master {
		return &e.t.masters
	}
	return &e.t.slaves
}

// block runs try until it gives something else than EAGAIN, parking between the
// attempts. try returns how long to wait at most (< 0: for ever) with EAGAIN.
func (e *End) block(wait WaitFunc, try func(timedOut bool) (int, time.Duration, error)) (int, error) {
	n, d, err := try(false)
	if err != linux.EAGAIN || wait == nil {
		return n, err
	}
	ready := make(chan struct{}, 1)
	defer e.Watch(func() {
		select {
		case ready <- struct{}{}:
		default:
		}
	})()
	for timedOut := false; ; {
		n, d, err = try(timedOut)
		if err != linux.EAGAIN {
			return n, err
		}
		switch werr := wait(ready, d); {
		case werr == nil:
		case werr == error(linux.ETIMEDOUT) && d >= 0:
			timedOut = true
		case n > 0:
			return n, nil
		default:
			return n, werr
		}
	}
}
