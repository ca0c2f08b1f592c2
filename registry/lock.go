package registry

import (
	"context"
	"os"
	"time"

	"github.com/sbxrun/sbx/internal/hostfile"
)

// fileLock is an advisory lock of the operating system on an open file. It ends with Unlock or with the process.
type fileLock struct{ f *os.File }

// Unlock releases the lock. It may be called on nil and more than once.
func (l *fileLock) Unlock() {
	if l == nil || l.f == nil {
		return
	}
	unlockFile(l.f)
	l.f.Close()
	l.f = nil
}

const (
	lockPollMin = 500 * time.Microsecond
	lockPollMax = 20 * time.Millisecond
)

// acquire locks the file at path, making it if it is missing. It waits by asking again, because a lock call that
// blocks in the kernel could not be ended by ctx.
func acquire(ctx context.Context, path string, exclusive bool) (*fileLock, error) {
	for wait := lockPollMin; ; wait = min(wait*2, lockPollMax) {
		l, err := tryAcquire(path, exclusive)
		if l != nil || err != nil {
			return l, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(wait):
		}
	}
}

// tryAcquire is acquire without waiting: nil, nil means that somebody else has the lock.
func tryAcquire(path string, exclusive bool) (*fileLock, error) {
	f, err := hostfile.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	ok, err := lockFile(f, exclusive)
	if !ok || err != nil {
		f.Close()
		return nil, err
	}
	return &fileLock{f}, nil
}

const (
	storeLockName = "store"
	indexLockName = "index"
)

// share takes the store lock that keeps GC's sweep away.
func (s *Store) share(ctx context.Context) (*fileLock, error) {
	l, err := acquire(ctx, s.path("v1", "locks", storeLockName), false)
	return l, diskError(s.home, err)
}

// lockDigest takes the lock of one digest or index key, held by whoever makes that file.
func (s *Store) lockDigest(ctx context.Context, name string) (*fileLock, error) {
	l, err := acquire(ctx, s.path("v1", "locks", name), true)
	return l, diskError(s.home, err)
}
