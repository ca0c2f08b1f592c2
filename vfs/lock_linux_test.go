package vfs

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/sbxrun/sbx/abi/linux"
)

// Random OFD record locks and flock locks of five open descriptions of one file
// end as they do on the host.
func TestLocksLikeTheHost(t *testing.T) {
	path := t.TempDir() + "/f"
	var fds [5]*os.File
	for i := range fds {
		f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
		check(t, err, nil)
		defer f.Close()
		fds[i] = f
	}
	if err := unix.FcntlFlock(fds[0].Fd(), unix.F_OFD_SETLK, &unix.Flock_t{Type: unix.F_UNLCK}); err == unix.EINVAL {
		t.Skip("the host's kernel has no OFD locks")
	}
	ours, key := NewLocks(), LockKey{Ino: 1}
	r := rand.New(rand.NewPCG(4, 4))
	flocks := map[int16]int{linux.F_RDLCK: unix.LOCK_SH, linux.F_WRLCK: unix.LOCK_EX, linux.F_UNLCK: unix.LOCK_UN}
	for i := range 20_000 {
		n := r.IntN(len(fds))
		l := Lock{Kind: OFDLock, Type: pick[int16](r, linux.F_RDLCK, linux.F_WRLCK, linux.F_UNLCK, linux.F_UNLCK), Owner: n,
			Start: int64(r.IntN(24) - 1), Len: int64(r.IntN(12) - 3)}
		what := fmt.Sprintf("step %d: %+v", i, l)
		host := unix.Flock_t{Type: l.Type, Start: l.Start, Len: l.Len}
		switch r.IntN(6) {
		case 0:
			l.Kind = FlockLock
			sameErrno(t, what, ours.Lock(context.Background(), key, l, false), unix.Flock(int(fds[n].Fd()), flocks[l.Type]|unix.LOCK_NB))
		case 1:
			if l.Type == linux.F_UNLCK {
				continue
			}
			if unix.FcntlFlock(fds[n].Fd(), unix.F_OFD_GETLK, &host) != nil {
				continue
			}
			got, found := ours.Get(key, l)
			if found != (host.Type != unix.F_UNLCK) || found && !holds(ours, host) {
				t.Fatalf("%s: in the way is %+v, %v; on the host %+v", what, got, found, host)
			}
		default:
			sameErrno(t, what, ours.Lock(context.Background(), key, l, false), unix.FcntlFlock(fds[n].Fd(), unix.F_OFD_SETLK, &host))
		}
	}
}

// holds reports whether there is the lock that the host found. With several in the
// way either may answer with any of them.
func holds(ours *Locks, host unix.Flock_t) bool {
	return slices.ContainsFunc(ours.List(), func(l LockInfo) bool {
		return l.Kind == OFDLock && l.Type == host.Type && l.Start == host.Start && l.Len == host.Len
	})
}

func sameErrno(t *testing.T, what string, got, want error) {
	t.Helper()
	var e linux.Errno
	if got != nil {
		e = got.(linux.Errno)
	}
	var h unix.Errno
	if want != nil {
		h = want.(unix.Errno)
	}
	if int(e) != int(h) {
		t.Fatalf("%s: %v, on the host %v", what, got, want)
	}
}
