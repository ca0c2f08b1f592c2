package vfs

import (
	"context"
	"math"
	"testing"
	"time"

	"github.com/sbxrun/sbx/abi/linux"
)

func rec(kind LockKind, typ int16, start, n int64, owner any) Lock {
	return Lock{Kind: kind, Type: typ, Start: start, Len: n, Owner: owner}
}

func TestRecordLocks(t *testing.T) {
	const r, w, u = linux.F_RDLCK, linux.F_WRLCK, linux.F_UNLCK
	for _, c := range []struct {
		name  string
		locks []Lock
		want  []error
	}{
		{"readers share", []Lock{rec(PosixLock, r, 0, 0, 1), rec(PosixLock, r, 0, 0, 2)}, []error{nil, nil}},
		{"a writer is alone", []Lock{rec(PosixLock, w, 0, 10, 1), rec(PosixLock, r, 9, 1, 2), rec(PosixLock, r, 10, 1, 2)}, []error{nil, linux.EAGAIN, nil}},
		{"own locks change", []Lock{rec(PosixLock, w, 0, 10, 1), rec(PosixLock, r, 2, 3, 1), rec(PosixLock, r, 2, 3, 2), rec(PosixLock, r, 1, 1, 2)}, []error{nil, nil, nil, linux.EAGAIN}},
		{"unlock splits", []Lock{rec(PosixLock, w, 0, 10, 1), rec(PosixLock, u, 4, 2, 1), rec(PosixLock, w, 4, 2, 2), rec(PosixLock, w, 6, 1, 2)}, []error{nil, nil, nil, linux.EAGAIN}},
		{"ofd against posix", []Lock{rec(OFDLock, w, 0, 0, 1), rec(PosixLock, w, 0, 0, 1)}, []error{nil, linux.EAGAIN}},
		{"flock apart from records", []Lock{rec(FlockLock, w, 0, 0, 1), rec(PosixLock, w, 0, 0, 2), rec(FlockLock, r, 0, 0, 2)}, []error{nil, nil, linux.EAGAIN}},
		{"flock changes", []Lock{rec(FlockLock, r, 0, 0, 1), rec(FlockLock, w, 0, 0, 1), rec(FlockLock, r, 0, 0, 2), rec(FlockLock, u, 0, 0, 1), rec(FlockLock, w, 0, 0, 2)}, []error{nil, nil, linux.EAGAIN, nil, nil}},
		{"flock change loses the old one", []Lock{rec(FlockLock, r, 0, 0, 1), rec(FlockLock, r, 0, 0, 2), rec(FlockLock, w, 0, 0, 1), rec(FlockLock, w, 0, 0, 2)}, []error{nil, nil, linux.EAGAIN, nil}},
		{"negative length", []Lock{rec(PosixLock, w, 10, -5, 1), rec(PosixLock, w, 4, 1, 2), rec(PosixLock, w, 9, 1, 2), rec(PosixLock, w, 10, 0, 2)}, []error{nil, nil, linux.EAGAIN, nil}},
		{"bad ranges", []Lock{rec(PosixLock, w, -1, 1, 1), rec(PosixLock, w, 1, -2, 1), rec(PosixLock, w, math.MaxInt64, 2, 1), rec(PosixLock, 9, 0, 1, 1)}, []error{linux.EINVAL, linux.EINVAL, linux.EOVERFLOW, linux.EINVAL}},
	} {
		t.Run(c.name, func(t *testing.T) {
			tab, k := NewLocks(), LockKey{Ino: 1}
			for i, l := range c.locks {
				if err := tab.Lock(context.Background(), k, l, false); err != c.want[i] {
					t.Errorf("%d: %v, want %v", i, err, c.want[i])
				}
			}
			for _, o := range []any{1, 2} {
				for kind := FlockLock; kind <= OFDLock; kind++ {
					tab.ReleaseOwner(k, kind, o)
				}
			}
			if len(tab.by) != 0 {
				t.Error("left: ", tab.List())
			}
		})
	}
}

func TestLockMergesAndGet(t *testing.T) {
	tab, k, ctx := NewLocks(), LockKey{Ino: 1}, context.Background()
	for i := int64(0); i < 10; i++ {
		l := rec(PosixLock, linux.F_WRLCK, (i*3)%10, 1, 1)
		l.PID = 42
		check(t, tab.Lock(ctx, k, l, false), nil)
	}
	if l := tab.List(); len(l) != 1 || l[0].Len != 10 {
		t.Error(l)
	}
	got, ok := tab.Get(k, rec(PosixLock, linux.F_RDLCK, 5, 0, 2))
	if !ok || got.PID != 42 || got.Start != 0 || got.Type != linux.F_WRLCK {
		t.Error(got, ok)
	}
	if _, ok := tab.Get(k, rec(PosixLock, linux.F_RDLCK, 10, 0, 2)); ok {
		t.Error("a free range is not free")
	}
}

func TestLockWaits(t *testing.T) {
	tab, k, ctx := NewLocks(), LockKey{Ino: 1}, context.Background()
	const w = linux.F_WRLCK
	check(t, tab.Lock(ctx, k, rec(PosixLock, w, 0, 1, 1), false), nil)
	check(t, tab.Lock(ctx, k, rec(PosixLock, w, 1, 1, 2), false), nil)
	done := make(chan error, 1)
	go func() { done <- tab.Lock(ctx, k, rec(PosixLock, w, 1, 1, 1), true) }()
	for len(tab.List()) < 3 {
		time.Sleep(time.Millisecond)
	}
	check(t, tab.Lock(ctx, k, rec(PosixLock, w, 0, 1, 2), true), linux.EDEADLK)
	stop, cancel := context.WithCancel(ctx)
	cancel()
	check(t, tab.Lock(stop, k, rec(OFDLock, w, 0, 1, 3), true), linux.EINTR)
	tab.ReleaseOwner(k, PosixLock, 2)
	check(t, <-done, nil)
	tab.ReleaseOwner(k, PosixLock, 1)
	if len(tab.by) != 0 {
		t.Error(tab.List())
	}
}
