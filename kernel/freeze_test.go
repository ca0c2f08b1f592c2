package kernel

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sbxrun/sbx/abi/linux"
)

// TestFreeze halts a program that counts and one that sleeps: neither notices, the
// sleep's time goes on, and a new process waits for the thaw.
func TestFreeze(t *testing.T) {
	clock := NewManualClock(time.Unix(1e9, 0))
	w := newWorld(t, func(c *Config) { c.Clock = clock })
	var count atomic.Int64
	counting, slept := make(chan struct{}), make(chan error, 1)
	stop := make(chan struct{})
	p := w.start(func(g *Task) int {
		child(t, g, func(c *Task) int {
			_, err := c.Nanosleep(time.Minute)
			slept <- err
			return 0
		})
		for n := int64(1); ; n++ {
			g.Attend()
			count.Store(n)
			if n == 1 {
				close(counting)
			}
			select {
			case <-stop:
				return 7
			default:
			}
		}
	})
	<-counting
	for n, added := clock.Timers(); n == 0; n, added = clock.Timers() {
		<-added
	}
	ctx := context.Background()
	ok(t, w.k.Freeze(ctx))
	ok(t, w.k.Freeze(ctx))
	was := count.Load()
	ok(t, w.k.Signal(p.PID(), linux.SIGWINCH))
	clock.Advance(2 * time.Minute)
	if now := count.Load(); now != was {
		t.Errorf("a frozen program counted from %d to %d", was, now)
	}
	select {
	case err := <-slept:
		t.Errorf("a frozen sleep ended: %v", err)
	default:
	}
	w.k.Thaw()
	w.k.Thaw()
	ok(t, <-slept)
	for count.Load() == was {
		time.Sleep(time.Millisecond)
	}
	close(stop)
	st, err := p.Wait(ctx)
	ok(t, err)
	want(t, "status", st, linux.ExitStatus(7))
}

// TestFreezeKill ends a frozen process, and another that never halts by itself.
func TestFreezeKill(t *testing.T) {
	w := newWorld(t)
	p := w.start(func(g *Task) int { g.Pause(); return 0 })
	ok(t, w.k.Freeze(context.Background()))
	ok(t, p.Signal(linux.SIGKILL))
	st, err := p.Wait(context.Background())
	ok(t, err)
	want(t, "status", st, linux.SignalStatus(linux.SIGKILL, false))

	w = newWorld(t)
	busy, leave := make(chan struct{}), make(chan struct{})
	p = w.start(func(g *Task) int { close(busy); <-leave; return g.Getpid() })
	<-busy
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	want(t, "a program out of reach", w.k.Freeze(ctx), context.Canceled)
	close(leave)
	st, err = p.Wait(context.Background())
	ok(t, err)
	want(t, "status", st, linux.ExitStatus(1))
}

// TestKernelUsage counts what a program did, and changes its limits.
func TestKernelUsage(t *testing.T) {
	w := newWorld(t)
	w.guest(func(g *Task) {
		pid := child(t, g, func(c *Task) int {
			fd, err := c.Openat2(linux.AT_FDCWD, "/tmp/f", linux.O_RDWR|linux.O_CREAT, 0o600, 0)
			ok(t, err)
			c.Write(fd, make([]byte, 1000))
			c.Pread(fd, make([]byte, 300), 0)
			return 0
		})
		reap(t, g, pid)
		ok(t, g.GrowMemory(1<<20))
		u := w.k.Usage()
		want(t, "wrote", u.FilesWrote, 1000)
		want(t, "read", u.FilesRead, 300)
		threads := 0
		for _, p := range w.k.Processes() {
			threads += p.Threads
		}
		want(t, "tasks", u.Tasks, threads)
		if u.Memory < 1<<20 {
			t.Errorf("memory %d", u.Memory)
		}
		w.k.SetLimits(2<<20, 1)
		want[error](t, "more memory", g.GrowMemory(2<<20), ErrFull)
		_, err := g.Fork(ProgramFunc(func(*Task) int { return 0 }))
		want[error](t, "more tasks", err, linux.EAGAIN)
		u = w.k.Usage()
		want(t, "memory limit", u.MemoryMax, 2<<20)
		want(t, "tasks limit", u.TasksMax, 1)
		w.k.SetLimits(0, 0)
		ok(t, g.GrowMemory(2<<20))
	})
}
