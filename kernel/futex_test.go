package kernel

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sbxrun/sbx/abi/linux"
)

// word is a futex word of a Go program.
type word struct{ v atomic.Uint32 }

func (w *word) Load() (uint32, error) { return w.v.Load(), nil }

func (w *word) CompareAndSwap(old, new uint32) (bool, error) {
	return w.v.CompareAndSwap(old, new), nil
}

// threads runs f on threads of one process.
func threads(tb testing.TB, g *Task, n int, f func(i int, t *Task)) {
	var wg sync.WaitGroup
	for i := range n {
		wg.Add(1)
		_, err := g.Clone(CloneOpts{Thread: true, Files: true, FS: true, Sighand: true}, ProgramFunc(func(t *Task) int {
			defer wg.Done()
			t.ExitThread()
			f(i, t)
			return 0
		}))
		if err != nil {
			tb.Error(err)
			wg.Done()
		}
	}
	wg.Wait()
}

// TestFutexMutex counts under the mutex of Drepper's paper, and under a PI lock.
func TestFutexMutex(t *testing.T) {
	w := newWorld(t)
	w.guest(func(g *Task) {
		var m, pi word
		const each, n = 300, 6
		count, piCount := 0, 0
		threads(t, g, n, func(_ int, x *Task) {
			for range each {
				if !m.v.CompareAndSwap(0, 1) {
					for m.v.Swap(2) != 0 {
						x.FutexWait(&m, m.Load, 2, linux.FUTEX_BITSET_MATCH_ANY, Deadline{})
					}
				}
				count++
				if m.v.Swap(0) == 2 {
					w.k.FutexWake(&m, linux.FUTEX_BITSET_MATCH_ANY, 1)
				}
				if !pi.v.CompareAndSwap(0, uint32(x.Gettid())) {
					ok(t, x.FutexLockPI(&pi, &pi, false, Deadline{}))
				}
				piCount++
				if !pi.v.CompareAndSwap(uint32(x.Gettid()), 0) {
					ok(t, x.FutexUnlockPI(&pi, &pi))
				}
			}
		})
		want(t, "count", count, each*n)
		want(t, "count under PI", piCount, each*n)
		want(t, "free", pi.v.Load(), 0)
	})
}

func TestFutexRequeue(t *testing.T) {
	w := newWorld(t)
	w.guest(func(g *Task) {
		var from, to word
		var waiting, done atomic.Int32
		go func() {
			for waiting.Load() < 5 || !inQueue(w.k, &from, 5) {
				time.Sleep(time.Millisecond)
			}
			_, _, err := w.k.FutexRequeue(&from, &to, from.Load, 7, 1, 100)
			want[error](t, "value", err, linux.EAGAIN)
			woken, moved, err := w.k.FutexRequeue(&from, &to, from.Load, 0, 1, 3)
			ok(t, err)
			want(t, "woken", woken, 1)
			want(t, "moved", moved, 3)
			n, _ := w.k.FutexWake(&from, linux.FUTEX_BITSET_MATCH_ANY, 100)
			want(t, "left", n, 1)
			n, _ = w.k.FutexWake(&to, 2, 100)
			want(t, "other bits", n, 0)
			n, _ = w.k.FutexWake(&to, 1, 100)
			want(t, "at the new place", n, 3)
		}()
		threads(t, g, 5, func(_ int, x *Task) {
			waiting.Add(1)
			ok(t, x.FutexWait(&from, from.Load, 0, 1, Deadline{}))
			done.Add(1)
		})
		want(t, "all", done.Load(), 5)
	})
}

// inQueue reports whether n tasks wait for a key.
func inQueue(k *Kernel, key FutexKey, n int) bool {
	b := &k.futex.buckets[k.futex.index(key)]
	b.mu.Lock()
	defer b.mu.Unlock()
	for w := b.head; w != nil; w = w.next {
		if w.key == key {
			n--
		}
	}
	return n == 0
}

func TestFutexEnds(t *testing.T) {
	clock := NewManualClock(time.Unix(1e9, 0))
	w := newWorld(t, func(c *Config) { c.Clock = clock })
	w.guest(func(g *Task) {
		var f word
		const any = linux.FUTEX_BITSET_MATCH_ANY
		want[error](t, "value", g.FutexWait(&f, f.Load, 1, any, Deadline{}), linux.EAGAIN)
		want[error](t, "bits", g.FutexWait(&f, f.Load, 0, 0, Deadline{}), linux.EINVAL)
		want[error](t, "fault", g.FutexWait(&f, func() (uint32, error) { return 0, linux.EFAULT }, 0, any, Deadline{}), linux.EFAULT)
		want[error](t, "past", g.FutexWait(&f, f.Load, 0, any, Deadline{Set: true, Absolute: true, Realtime: true, D: 1}), linux.ETIMEDOUT)
		go advanceWhenWaited(clock, time.Second)
		want[error](t, "timeout", g.FutexWait(&f, f.Load, 0, any, Deadline{Set: true, D: time.Second}), linux.ETIMEDOUT)
		g.Sigaction(linux.SIGALRM, SigHandle)
		g.Alarm(time.Second)
		go advanceWhenWaited(clock, time.Second)
		want[error](t, "signal", g.FutexWait(&f, f.Load, 0, any, Deadline{}), linux.EINTR)
		g.TakeSignal()
		want(t, "nobody left", inQueue(w.k, &f, 0), true)
		tid := uint32(g.Gettid())
		ok(t, g.FutexLockPI(&f, &f, false, Deadline{}))
		want(t, "owner", f.v.Load(), tid)
		want[error](t, "again", g.FutexLockPI(&f, &f, false, Deadline{}), linux.EDEADLK)
		ok(t, g.FutexUnlockPI(&f, &f))
		want[error](t, "not mine", g.FutexUnlockPI(&f, &f), linux.EPERM)
		f.v.Store(123456)
		want[error](t, "nobody's", g.FutexLockPI(&f, &f, false, Deadline{}), linux.ESRCH)
		want[error](t, "try", g.FutexLockPI(&f, &f, true, Deadline{}), linux.EAGAIN)
		f.v.Store(tid | linux.FUTEX_WAITERS)
		ok(t, w.k.FutexOwnerDied(&f, &f, int(tid), false))
		want(t, "died", f.v.Load(), linux.FUTEX_OWNER_DIED|linux.FUTEX_WAITERS)
		f.v.Store(5)
		op := linux.FutexOp(linux.FUTEX_OP_ADD<<28 | linux.FUTEX_OP_CMP_GT<<24 | 3<<12 | 4)
		n, err := w.k.FutexWakeOp(&f, &f, &f, op, 1, 1)
		ok(t, err)
		want(t, "wake op", n, 0)
		want(t, "added", f.v.Load(), 8)
		_, err = g.FutexWaitMany([]FutexWaitv{{&f, f.Load, 8}, {&clock, f.Load, 9}}, Deadline{})
		want[error](t, "waitv", err, linux.EAGAIN)
		want(t, "nobody left", inQueue(w.k, &f, 0), true)
	})
}

func BenchmarkFutexPingPong(b *testing.B) {
	w := newWorld(b)
	w.guest(func(g *Task) {
		var ping, pong word
		const any = linux.FUTEX_BITSET_MATCH_ANY
		wait := func(x *Task, f *word) {
			for f.v.Swap(0) == 0 {
				x.FutexWait(f, f.Load, 0, any, Deadline{})
			}
		}
		signal := func(f *word) {
			f.v.Store(1)
			w.k.FutexWake(f, any, 1)
		}
		var stop atomic.Bool
		threads(b, g, 2, func(i int, x *Task) {
			if i == 1 {
				for !stop.Load() {
					wait(x, &ping)
					signal(&pong)
				}
				return
			}
			b.ReportAllocs()
			for b.Loop() {
				signal(&ping)
				wait(x, &pong)
			}
			stop.Store(true)
			signal(&ping)
		})
	})
}

func BenchmarkFutexWakeNobody(b *testing.B) {
	w := newWorld(b)
	var f word
	b.ReportAllocs()
	for b.Loop() {
		w.k.FutexWake(&f, linux.FUTEX_BITSET_MATCH_ANY, 1)
	}
}
