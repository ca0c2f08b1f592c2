package kernel

import (
	"hash/maphash"
	"sync"
	"time"

	"github.com/sbxrun/sbx/abi/linux"
)

// FutexKey says which words are the same futex: a comparable value of the
// executor's, such as an address space and an address, or an inode and an offset.
type FutexKey any

// FutexWord is the word of a futex in the guest's memory. Both are called with
// a lock held and must not call into the kernel.
type FutexWord interface {
	Load() (uint32, error)
	// CompareAndSwap reports whether the word was old and is new now.
	CompareAndSwap(old, new uint32) (bool, error)
}

// Deadline is the end of a wait: the zero value is none.
type Deadline struct {
	Set      bool
	Realtime bool // Absolute is of CLOCK_REALTIME, and not of CLOCK_MONOTONIC
	Absolute bool
	D        time.Duration
}

// left makes a timeout of a deadline.
func (d Deadline) left(k *Kernel) time.Duration {
	switch {
	case !d.Set:
		return forever
	case d.Absolute && d.Realtime:
		return max(d.D-time.Duration(k.clock.Now().UnixNano()), 0)
	case d.Absolute:
		return max(d.D-k.uptime(), 0)
	}
	return max(d.D, 0)
}

const futexBuckets = 256

// futexTable holds those who wait, futex(2).
type futexTable struct {
	seed    maphash.Seed
	buckets [futexBuckets]futexBucket
}

// futexBucket is a queue of waiters of several keys, first come, first served. Its
// lock is taken before Kernel.mu, and buckets in order of their place.
type futexBucket struct {
	mu         sync.Mutex
	head, tail *futexWaiter
}

// futexWaiter is one wait. Guarded by the lock of its bucket, which changes only with
// both locks held.
type futexWaiter struct {
	key        FutexKey
	bits       uint32
	t          *Task
	pi         bool
	prev, next *futexWaiter
	at         int  // bucket; with atMu
	on         bool // in the queue
	atMu       sync.Mutex
}

func (ft *futexTable) init() { ft.seed = maphash.MakeSeed() }

func (ft *futexTable) index(key FutexKey) int {
	return int(maphash.Comparable(ft.seed, key) % futexBuckets)
}

func (b *futexBucket) add(w *futexWaiter) {
	w.prev, w.next, w.on = b.tail, nil, true
	if b.tail != nil {
		b.tail.next = w
	} else {
		b.head = w
	}
	b.tail = w
}

func (b *futexBucket) remove(w *futexWaiter) {
	if !w.on {
		return
	}
	if w.prev != nil {
		w.prev.next = w.next
	} else {
		b.head = w.next
	}
	if w.next != nil {
		w.next.prev = w.prev
	} else {
		b.tail = w.prev
	}
	w.prev, w.next, w.on = nil, nil, false
}

// wake wakes up to n waiters of a key; the lock is held.
func (b *futexBucket) wake(key FutexKey, bits uint32, n int) int {
	woken := 0
	for w := b.head; w != nil && woken < n; {
		next := w.next
		if w.key == key && w.bits&bits != 0 && !w.pi {
			b.remove(w)
			w.t.waker.poke()
			woken++
		}
		w = next
	}
	return woken
}

// hold locks the bucket that a waiter is in.
func (ft *futexTable) hold(w *futexWaiter) *futexBucket {
	for {
		w.atMu.Lock()
		at := w.at
		w.atMu.Unlock()
		b := &ft.buckets[at]
		b.mu.Lock()
		w.atMu.Lock()
		same := w.at == at
		w.atMu.Unlock()
		if same {
			return b
		}
		b.mu.Unlock()
	}
}

// waiting reports whether a waiter is still in its queue, and takes it out when
// leave is set.
func (ft *futexTable) waiting(w *futexWaiter, leave bool) bool {
	b := ft.hold(w)
	defer b.mu.Unlock()
	on := w.on
	if leave {
		b.remove(w)
	}
	return on
}

// pair locks two buckets in order.
func (ft *futexTable) pair(i, j int) (unlock func()) {
	if i == j {
		ft.buckets[i].mu.Lock()
		return ft.buckets[i].mu.Unlock
	}
	a, b := &ft.buckets[min(i, j)], &ft.buckets[max(i, j)]
	a.mu.Lock()
	b.mu.Lock()
	return func() { b.mu.Unlock(); a.mu.Unlock() }
}

// FutexWait is FUTEX_WAIT_BITSET, and with FUTEX_BITSET_MATCH_ANY FUTEX_WAIT: it
// waits unless load gives something else than val, which is EAGAIN. load is
// called with the futex locked.
func (t *Task) FutexWait(key FutexKey, load func() (uint32, error), val, bits uint32, end Deadline) error {
	if bits == 0 {
		return linux.EINVAL
	}
	if err := t.enter(); err != nil {
		return err
	}
	ft := &t.k.futex
	w := &futexWaiter{key: key, bits: bits, t: t, at: ft.index(key)}
	b := &ft.buckets[w.at]
	b.mu.Lock()
	v, err := load()
	if err == nil && v != val {
		err = linux.EAGAIN
	}
	if err != nil {
		b.mu.Unlock()
		return err
	}
	b.add(w)
	b.mu.Unlock()
	return t.futexSleep(w, end)
}

// futexSleep waits until w has left its queue.
func (t *Task) futexSleep(w *futexWaiter, end Deadline) error {
	ft := &t.k.futex
	err := t.await(nil, end.left(t.k), func() bool { return !ft.waiting(w, false) })
	if err == nil || !ft.waiting(w, true) {
		return nil
	}
	return err
}

// FutexWake is FUTEX_WAKE_BITSET, and with FUTEX_BITSET_MATCH_ANY FUTEX_WAKE. It
// returns how many it woke.
func (k *Kernel) FutexWake(key FutexKey, bits uint32, n int) (int, error) {
	if bits == 0 {
		return 0, linux.EINVAL
	}
	b := &k.futex.buckets[k.futex.index(key)]
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.wake(key, bits, n), nil
}

// FutexRequeue is FUTEX_CMP_REQUEUE, and without load FUTEX_REQUEUE: it wakes up to
// wake waiters of from and makes up to move others wait on to. It returns how many
// it woke, and how many it moved.
func (k *Kernel) FutexRequeue(from, to FutexKey, load func() (uint32, error), val uint32, wake, move int) (int, int, error) {
	if wake < 0 || move < 0 {
		return 0, 0, linux.EINVAL
	}
	ft := &k.futex
	i, j := ft.index(from), ft.index(to)
	defer ft.pair(i, j)()
	if load != nil {
		v, err := load()
		if err == nil && v != val {
			err = linux.EAGAIN
		}
		if err != nil {
			return 0, 0, err
		}
	}
	src, dst := &ft.buckets[i], &ft.buckets[j]
	woken, moved := src.wake(from, linux.FUTEX_BITSET_MATCH_ANY, wake), 0
	if from == to {
		return woken, 0, nil
	}
	for w := src.head; w != nil && moved < move; {
		next := w.next
		if w.key == from && !w.pi {
			src.remove(w)
			w.key = to
			w.atMu.Lock()
			w.at = j
			w.atMu.Unlock()
			dst.add(w)
			moved++
		}
		w = next
	}
	return woken, moved, nil
}

// FutexWakeOp is FUTEX_WAKE_OP: it changes the word of the second futex as op
// says, wakes n waiters of the first, and m of the second if the old value
// compares.
func (k *Kernel) FutexWakeOp(first, second FutexKey, word FutexWord, op linux.FutexOp, n, m int) (int, error) {
	ft := &k.futex
	i, j := ft.index(first), ft.index(second)
	defer ft.pair(i, j)()
	var old uint32
	for {
		v, err := word.Load()
		if err != nil {
			return 0, err
		}
		next, err := op.Apply(v)
		if err != nil {
			return 0, err
		}
		ok, err := word.CompareAndSwap(v, next)
		if err != nil {
			return 0, err
		}
		if ok {
			old = v
			break
		}
	}
	yes, err := op.Compare(old)
	if err != nil {
		return 0, err
	}
	woken := ft.buckets[i].wake(first, linux.FUTEX_BITSET_MATCH_ANY, n)
	if yes {
		woken += ft.buckets[j].wake(second, linux.FUTEX_BITSET_MATCH_ANY, m)
	}
	return woken, nil
}

// FutexWaitv is one futex of futex_waitv(2).
type FutexWaitv struct {
	Key  FutexKey
	Load func() (uint32, error)
	Val  uint32
}

// FutexWaitMany is futex_waitv(2): it waits for any of the futexes and returns the
// place of one that was woken.
func (t *Task) FutexWaitMany(list []FutexWaitv, end Deadline) (int, error) {
	if len(list) == 0 || len(list) > linux.FUTEX_WAITV_MAX {
		return 0, linux.EINVAL
	}
	if err := t.enter(); err != nil {
		return 0, err
	}
	ft := &t.k.futex
	ws := make([]*futexWaiter, 0, len(list))
	var err error
	for _, l := range list {
		w := &futexWaiter{key: l.Key, bits: linux.FUTEX_BITSET_MATCH_ANY, t: t, at: ft.index(l.Key)}
		b := &ft.buckets[w.at]
		b.mu.Lock()
		var v uint32
		if v, err = l.Load(); err == nil && v != l.Val {
			err = linux.EAGAIN
		}
		if err == nil {
			b.add(w)
			ws = append(ws, w)
		}
		b.mu.Unlock()
		if err != nil {
			break
		}
	}
	woken := func(leave bool) int {
		at := -1
		for i, w := range ws {
			if !ft.waiting(w, leave) {
				at = i
			}
		}
		return at
	}
	if err == nil {
		err = t.await(nil, end.left(t.k), func() bool { return woken(false) >= 0 })
	}
	if at := woken(true); at >= 0 {
		return at, nil
	}
	return 0, err
}
