package vfs

import (
	"context"
	"math"
	"slices"
	"sync"

	"github.com/sbxrun/sbx/abi/linux"
)

// LockKind tells flock(2) locks and the two kinds of fcntl(2) record locks apart.
type LockKind uint8

// The kinds of locks. Flock locks see only each other; the record locks see one
// another.
const (
	FlockLock LockKind = iota
	PosixLock          // owned by a process
	OFDLock            // owned by an open file description
)

// Lock is an advisory lock on a part of a file.
type Lock struct {
	Kind       LockKind
	Type       int16 // linux.F_RDLCK, F_WRLCK or F_UNLCK
	Start, Len int64 // Len 0 is to the end; a negative one lies before Start
	Owner      any   // comparable
	PID        int   // what F_GETLK tells others
}

// LockInfo is one line of /proc/locks.
type LockInfo struct {
	Key LockKey
	Lock
	Waiting bool
}

// maxLocks bounds the locks on one inode: ENOLCK.
const maxLocks = 1 << 16

// Locks holds the advisory locks of a kernel. It is safe for concurrent use.
type Locks struct {
	mu sync.Mutex
	by map[LockKey]*inodeLocks
}

type inodeLocks struct {
	held    []held
	waiting []*waiter
}

// held is a lock with its last byte instead of its length.
type held struct {
	Lock
	end int64
}

type waiter struct {
	want held
	wake chan struct{} // closed when the locks of the inode change
}

// NewLocks returns an empty table.
func NewLocks() *Locks { return &Locks{by: make(map[LockKey]*inodeLocks)} }

// Lock takes, changes or (F_UNLCK) gives up a lock. Without wait a conflict is
// EAGAIN. With wait it blocks until the lock is had or ctx ends, which is EINTR;
// a cycle of waiting processes is EDEADLK.
func (t *Locks) Lock(ctx context.Context, k LockKey, l Lock, wait bool) error {
	h, err := normalize(l)
	if err != nil {
		return err
	}
	for {
		w, err := t.try(k, h, wait)
		if w == nil {
			return err
		}
		select {
		case <-w.wake:
		case <-ctx.Done():
			t.cancel(k, w)
			return linux.EINTR
		}
	}
}

func normalize(l Lock) (held, error) {
	if l.Kind == FlockLock {
		l.Start, l.Len = 0, 0
	}
	if l.Len < 0 {
		if l.Len == math.MinInt64 || l.Start < -l.Len {
			return held{}, linux.EINVAL
		}
		l.Start, l.Len = l.Start+l.Len, -l.Len
	}
	if l.Start < 0 {
		return held{}, linux.EINVAL
	}
	end := int64(math.MaxInt64)
	if l.Len > 0 {
		if l.Start > math.MaxInt64-(l.Len-1) {
			return held{}, linux.EOVERFLOW
		}
		end = l.Start + l.Len - 1
	}
	switch l.Type {
	case linux.F_RDLCK, linux.F_WRLCK, linux.F_UNLCK:
		return held{l, end}, nil
	}
	return held{}, linux.EINVAL
}

// try settles a request; a waiter is returned when it must wait.
func (t *Locks) try(k LockKey, h held, wait bool) (*waiter, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	il := t.by[k]
	if il == nil {
		if h.Type == linux.F_UNLCK {
			return nil, nil
		}
		il = &inodeLocks{}
		t.by[k] = il
	}
	defer t.sweep(k, il)
	if h.Kind == FlockLock {
		if il.hasSame(h) {
			return nil, nil
		}
		il.carve(h) // a change of type gives the old lock up first, flock(2)
	}
	if h.Type != linux.F_UNLCK {
		if c := il.conflict(h); c != nil {
			return t.mustWait(il, h, c, wait)
		}
		if len(il.held) >= maxLocks {
			return nil, linux.ENOLCK
		}
	}
	if h.Kind != FlockLock {
		il.carve(h)
	}
	if h.Type != linux.F_UNLCK {
		il.insert(h)
	}
	il.wakeAll()
	return nil, nil
}

func (t *Locks) mustWait(il *inodeLocks, h held, c *held, wait bool) (*waiter, error) {
	if !wait {
		return nil, linux.EAGAIN
	}
	if h.Kind == PosixLock && t.cycle(h.Owner, c) {
		return nil, linux.EDEADLK
	}
	w := &waiter{h, make(chan struct{})}
	il.waiting = append(il.waiting, w)
	return w, nil
}

// cycle reports whether owner would wait, in the end, for itself.
func (t *Locks) cycle(owner any, c *held) bool {
	for range 10 { // as deep as Linux looks
		if c.Kind != PosixLock {
			return false
		}
		if c.Owner == owner {
			return true
		}
		if c = t.blockerOf(c.Owner); c == nil {
			return false
		}
	}
	return false
}

// blockerOf returns the lock that a waiting process waits for.
func (t *Locks) blockerOf(owner any) *held {
	for _, il := range t.by {
		for _, w := range il.waiting {
			if w.want.Kind == PosixLock && w.want.Owner == owner {
				return il.conflict(w.want)
			}
		}
	}
	return nil
}

func (t *Locks) cancel(k LockKey, w *waiter) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if il := t.by[k]; il != nil {
		il.waiting = slices.DeleteFunc(il.waiting, func(x *waiter) bool { return x == w })
		t.sweep(k, il)
	}
}

func (t *Locks) sweep(k LockKey, il *inodeLocks) {
	if len(il.held) == 0 && len(il.waiting) == 0 {
		delete(t.by, k)
	}
}

// Get is F_GETLK: the first lock that stands in the way of l.
func (t *Locks) Get(k LockKey, l Lock) (Lock, bool) {
	h, err := normalize(l)
	if err != nil {
		return Lock{}, false
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if il := t.by[k]; il != nil {
		if c := il.conflict(h); c != nil {
			return c.Lock, true
		}
	}
	return Lock{}, false
}

// ReleaseOwner drops what an owner holds on one inode, as close(2) does.
func (t *Locks) ReleaseOwner(k LockKey, kind LockKind, owner any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	il := t.by[k]
	if il == nil {
		return
	}
	n := len(il.held)
	il.held = slices.DeleteFunc(il.held, func(h held) bool { return h.Kind == kind && h.Owner == owner })
	if len(il.held) != n {
		il.wakeAll()
	}
	t.sweep(k, il)
}

// List returns all locks and those who wait.
func (t *Locks) List() []LockInfo {
	t.mu.Lock()
	defer t.mu.Unlock()
	var out []LockInfo
	for k, il := range t.by {
		for _, h := range il.held {
			out = append(out, LockInfo{Key: k, Lock: h.Lock})
		}
		for _, w := range il.waiting {
			out = append(out, LockInfo{Key: k, Lock: w.want.Lock, Waiting: true})
		}
	}
	return out
}

func (il *inodeLocks) wakeAll() {
	for _, w := range il.waiting {
		close(w.wake)
	}
	il.waiting = nil
}

func (il *inodeLocks) hasSame(h held) bool {
	return slices.ContainsFunc(il.held, func(x held) bool {
		return x.Kind == h.Kind && x.Owner == h.Owner && x.Type == h.Type
	})
}

func (il *inodeLocks) conflict(h held) *held {
	for i := range il.held {
		x := &il.held[i]
		if (x.Kind == FlockLock) != (h.Kind == FlockLock) || x.Kind == h.Kind && x.Owner == h.Owner {
			continue
		}
		if x.Start <= h.end && h.Start <= x.end && (x.Type == linux.F_WRLCK || h.Type == linux.F_WRLCK) {
			return x
		}
	}
	return nil
}

// carve takes h's range out of what its owner holds.
func (il *inodeLocks) carve(h held) {
	out := make([]held, 0, len(il.held)+1)
	for _, x := range il.held {
		if x.Kind != h.Kind || x.Owner != h.Owner || x.Start > h.end || x.end < h.Start {
			out = append(out, x)
			continue
		}
		if x.Start < h.Start {
			out = append(out, x.span(x.Start, h.Start-1))
		}
		if x.end > h.end {
			out = append(out, x.span(h.end+1, x.end))
		}
	}
	il.held = out
}

// span returns the lock over other bytes.
func (x held) span(start, end int64) held {
	x.Start, x.end, x.Len = start, end, 0
	if end != math.MaxInt64 {
		x.Len = end - start + 1
	}
	return x
}

// insert adds h, joined with what its owner holds next to it.
func (il *inodeLocks) insert(h held) {
	il.held = slices.DeleteFunc(il.held, func(x held) bool {
		if x.Kind != h.Kind || x.Owner != h.Owner || x.Type != h.Type {
			return false
		}
		switch {
		case x.end != math.MaxInt64 && x.end+1 == h.Start:
			h = h.span(x.Start, h.end)
		case h.end != math.MaxInt64 && h.end+1 == x.Start:
			h = h.span(h.Start, x.end)
		default:
			return false
		}
		return true
	})
	at, _ := slices.BinarySearchFunc(il.held, h.Start, func(x held, s int64) int {
		switch {
		case x.Start < s:
			return -1
		case x.Start > s:
			return 1
		}
		return 0
	})
	il.held = slices.Insert(il.held, at, h)
}
