package sandbox

import (
	"context"
	"errors"
	"os"
	"time"

	"github.com/sbxrun/sbx/internal/hostfile"
)

// errLocked: another process, or another sandbox of this one, holds the lock.
var errLocked = errors.New("locked")

// lockPoll is how often a waiting lock tries again.
const lockPoll = 5 * time.Millisecond

// fileLock is an exclusive lock on a file that the OS drops when the process
// ends, however it ends.
type fileLock struct{ f *os.File }

// tryLock locks path, making the file if missing, or returns errLocked.
func tryLock(path string) (*fileLock, error) {
	f, err := hostfile.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := lockFile(f); err != nil {
		_ = f.Close()
		return nil, err
	}
	return &fileLock{f}, nil
}

// waitLock is tryLock that keeps trying until ctx is done.
func waitLock(ctx context.Context, path string) (*fileLock, error) {
	for {
		l, err := tryLock(path)
		if !errors.Is(err, errLocked) {
			return l, err
		}
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-time.After(lockPoll):
		}
	}
}

// current tells whether path still is the file that was locked.
func (l *fileLock) current(path string) bool {
	mine, err := l.f.Stat()
	if err != nil {
		return false
	}
	there, err := os.Stat(path)
	return err == nil && os.SameFile(mine, there)
}

// unlock gives the lock back; a nil lock is none.
func (l *fileLock) unlock() {
	if l != nil {
		_ = l.f.Close()
	}
}
