package kernel

import "github.com/sbxrun/sbx/abi/linux"

// The futexes of PTHREAD_PRIO_INHERIT: the word holds the id of the owner. There
// are no priorities here to inherit; the lock goes to who came first.

// FutexLockPI is FUTEX_LOCK_PI2, and with try FUTEX_TRYLOCK_PI.
func (t *Task) FutexLockPI(key FutexKey, word FutexWord, try bool, end Deadline) error {
	if err := t.enter(); err != nil {
		return err
	}
	ft := &t.k.futex
	w := &futexWaiter{key: key, t: t, pi: true, at: ft.index(key)}
	b := &ft.buckets[w.at]
	b.mu.Lock()
	got, err := t.takePI(b, key, word, try)
	if got || err != nil {
		b.mu.Unlock()
		return err
	}
	b.add(w)
	b.mu.Unlock()
	return t.futexSleep(w, end)
}

// takePI takes the lock if it is free, or marks it as waited for. The bucket is
// locked.
func (t *Task) takePI(b *futexBucket, key FutexKey, word FutexWord, try bool) (bool, error) {
	for {
		v, err := word.Load()
		if err != nil {
			return false, err
		}
		owner := v & linux.FUTEX_TID_MASK
		if owner == uint32(t.tid) {
			return false, linux.EDEADLK
		}
		next := v | linux.FUTEX_WAITERS
		if owner == 0 {
			next = uint32(t.tid) | v&linux.FUTEX_OWNER_DIED
			if b.firstPI(key) != nil {
				next |= linux.FUTEX_WAITERS
			}
		} else if try {
			return false, linux.EAGAIN
		} else if !t.k.alive(int(owner)) {
			return false, linux.ESRCH
		}
		ok, err := word.CompareAndSwap(v, next)
		if err != nil {
			return false, err
		}
		if ok {
			return owner == 0, nil
		}
	}
}

// alive reports whether a thread exists.
func (k *Kernel) alive(tid int) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	t := k.tasks[tid]
	return t != nil && !t.exited
}

// firstPI returns who gets the lock next.
func (b *futexBucket) firstPI(key FutexKey) *futexWaiter {
	for w := b.head; w != nil; w = w.next {
		if w.pi && w.key == key {
			return w
		}
	}
	return nil
}

// FutexUnlockPI is FUTEX_UNLOCK_PI: EPERM unless the caller owns the lock.
func (t *Task) FutexUnlockPI(key FutexKey, word FutexWord) error {
	if err := t.enter(); err != nil {
		return err
	}
	return t.k.handPI(key, word, t.tid, 0)
}

// FutexOwnerDied is for who walks the robust list of a thread that ends: it marks
// the word, if the thread still owns it, and wakes or hands the lock to who waits.
func (k *Kernel) FutexOwnerDied(key FutexKey, word FutexWord, tid int, pi bool) error {
	if pi {
		err := k.handPI(key, word, tid, linux.FUTEX_OWNER_DIED)
		if err == linux.EPERM {
			return nil // somebody else's by now
		}
		return err
	}
	b := &k.futex.buckets[k.futex.index(key)]
	b.mu.Lock()
	defer b.mu.Unlock()
	for {
		v, err := word.Load()
		if err != nil || v&linux.FUTEX_TID_MASK != uint32(tid) {
			return err
		}
		ok, err := word.CompareAndSwap(v, v&linux.FUTEX_WAITERS|linux.FUTEX_OWNER_DIED)
		if err != nil {
			return err
		}
		if ok {
			if v&linux.FUTEX_WAITERS != 0 {
				b.wake(key, linux.FUTEX_BITSET_MATCH_ANY, 1)
			}
			return nil
		}
	}
}

// handPI gives a lock to the next who waits, or frees it.
func (k *Kernel) handPI(key FutexKey, word FutexWord, tid int, mark uint32) error {
	b := &k.futex.buckets[k.futex.index(key)]
	b.mu.Lock()
	defer b.mu.Unlock()
	w := b.firstPI(key)
	for {
		v, err := word.Load()
		if err != nil {
			return err
		}
		if v&linux.FUTEX_TID_MASK != uint32(tid) {
			return linux.EPERM
		}
		next := mark
		if w != nil {
			next |= uint32(w.t.tid)
			if b.morePI(w) {
				next |= linux.FUTEX_WAITERS
			}
		}
		ok, err := word.CompareAndSwap(v, next)
		if err != nil {
			return err
		}
		if !ok {
			continue
		}
		if w != nil {
			b.remove(w)
			w.t.waker.poke()
		}
		return nil
	}
}

// morePI reports whether somebody waits behind w.
func (b *futexBucket) morePI(w *futexWaiter) bool {
	for o := w.next; o != nil; o = o.next {
		if o.pi && o.key == w.key {
			return true
		}
	}
	return false
}
