package kernel

import (
	"context"
	"sync/atomic"

	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/vfs"
)

// background runs fn, which only a context can interrupt, on a goroutine of its
// own, so that signals interrupt it too. After an interruption it still waits
// for fn when join is set; fn's result counts if it was done nevertheless.
func (t *Task) background(join bool, fn func(ctx context.Context) error) error {
	ctx, cancel := context.WithCancel(t.ctx)
	defer cancel()
	var ready atomic.Bool
	result := make(chan error, 1)
	t.k.wg.Add(1)
	go func() {
		defer t.k.wg.Done()
		result <- fn(ctx)
		ready.Store(true)
		t.waker.poke()
	}()
	err := t.await(nil, forever, ready.Load)
	if err == nil {
		return <-result
	}
	cancel()
	if join && <-result == nil {
		return nil
	}
	return err
}

// lock takes or drops a lock, and waits for it if it may.
func (t *Task) lock(f *File, l vfs.Lock, wait bool) error {
	key := f.loc.LockKey()
	err := t.k.locks.Lock(t.ctx, key, l, false)
	if err != linux.EAGAIN || !wait {
		return err
	}
	return t.background(true, func(ctx context.Context) error {
		return t.k.locks.Lock(ctx, key, l, true)
	})
}
