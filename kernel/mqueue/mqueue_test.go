package mqueue

import (
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/vfs"
)

func newFS(limit int64) (*FS, *atomic.Int64) {
	used := &atomic.Int64{}
	return New(Config{Dev: 3, Now: func() time.Time { return time.Unix(1000, 0) }, Charge: func(n int64) bool {
		if used.Add(n) > limit && n > 0 {
			used.Add(-n)
			return false
		}
		return true
	}}), used
}

var opts = vfs.CreateOpts{Mode: linux.S_IFREG | 0o600, UID: 5}

func newQueue(t *testing.T, f *FS, name string, m Maker) *Queue {
	t.Helper()
	if err := f.Make(name, opts, m); err != nil {
		t.Fatal(err)
	}
	ino, err := f.Lookup(f.Root(), name)
	if err != nil {
		t.Fatal(err)
	}
	f.Ref(ino)
	return f.Queue(ino)
}

// TestLimits: what a user may have, and that it is free again only when nobody has the
// queue any more.
func TestLimits(t *testing.T) {
	f, used := newFS(1 << 30)
	m := Maker{MaxMsg: 10, MsgSize: 100, Limit: 3000}
	q := newQueue(t, f, "a", m)
	if err := f.Make("b", opts, m); err != linux.EMFILE {
		t.Error("over RLIMIT_MSGQUEUE:", err)
	}
	other := opts
	other.UID = 6
	if err := f.Make("b", other, m); err != nil {
		t.Error("another user:", err)
	}
	if err := f.Unlink(f.Root(), "a"); err != nil {
		t.Fatal(err)
	}
	if err := f.Make("a", opts, m); err != linux.EMFILE {
		t.Error("while the old one is in use:", err)
	}
	if _, _, err := q.Send(Message{1, []byte("x")}, Sender{}, true, func() {}); err != nil {
		t.Error("a queue without a name:", err)
	}
	f.Unref(q.attr.Ino)
	if err := f.Make("a", opts, m); err != nil {
		t.Error("after it is gone:", err)
	}
	_, _ = f.Unlink(f.Root(), "a"), f.Unlink(f.Root(), "b")
	if n := used.Load(); n != 0 || len(f.bytes) != 0 {
		t.Errorf("%d bytes are still paid for, users %v", n, f.bytes)
	}
	m.Limit = 1 << 40
	for i := range QueuesMax {
		if err := f.Make(string(rune('0'+i)), opts, m); err != nil {
			t.Fatal(i, err)
		}
	}
	if err := f.Make("more", opts, m); err != linux.ENOSPC {
		t.Error("one queue too many:", err)
	}
	small, _ := newFS(nodeBytes + 50)
	q = newQueue(t, small, "a", m)
	if _, _, err := q.Send(Message{1, []byte("x")}, Sender{}, true, func() {}); err != linux.ENOMEM {
		t.Error("a message without memory:", err)
	}
}

// TestNotify: one message in an empty queue is told of once, and not when somebody waits.
func TestNotify(t *testing.T) {
	f, _ := newFS(1 << 30)
	q := newQueue(t, f, "a", Maker{MaxMsg: 1, MsgSize: 100, Limit: 1 << 30})
	me, you := new(int), new(int)
	send := func() *Notice {
		_, n, err := q.Send(Message{1, nil}, Sender{PID: 9}, false, func() {})
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	if q.Register(Notify{Owner: me}) != nil || q.Register(Notify{Owner: you}) != linux.EBUSY {
		t.Fatal("registering")
	}
	if n := q.Unregister(you); n != nil {
		t.Error("another's", n)
	}
	if n := send(); n == nil || n.Owner != me || n.From.PID != 9 || n.Removed {
		t.Fatalf("%+v", n)
	}
	if q.Register(Notify{Owner: you}) != nil {
		t.Fatal("after it came")
	}
	if n := send(); n != nil { // waits for room
		t.Error("the queue was not empty", n)
	}
	// Taking the first lets the second in, which is the first in an empty queue.
	if _, r, n, err := q.Receive(true, func() {}); r != nil || err != nil || n == nil || n.Owner != you {
		t.Errorf("%v, %+v, %v", r, n, err)
	}
	if _, _, _, err := q.Receive(true, func() {}); err != nil {
		t.Fatal(err)
	}
	_ = q.Register(Notify{Owner: me})
	_, r, _, _ := q.Receive(false, func() {})
	if n := send(); n != nil || r == nil || r.End(linux.EINTR) != nil {
		t.Error("somebody waited, and yet", n)
	}
	if n := q.Unregister(me); n == nil || !n.Removed {
		t.Errorf("%+v", n)
	}
}

// TestMany sends and receives from all sides: nothing is lost, nothing comes twice, and
// what waits ends.
func TestMany(t *testing.T) {
	f, used := newFS(1 << 30)
	q := newQueue(t, f, "a", Maker{MaxMsg: 4, MsgSize: 100, Limit: 1 << 30})
	empty := used.Load()
	var sent, got atomic.Int64
	var wg sync.WaitGroup
	for n := range 8 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			r := rand.New(rand.NewPCG(2, uint64(n)))
			for range 3000 {
				woken := make(chan struct{}, 1)
				wake := func() { woken <- struct{}{} }
				patience := time.After(time.Duration(r.IntN(100)) * time.Microsecond)
				if n%2 == 0 {
					w, _, err := q.Send(Message{uint32(r.IntN(3)), make([]byte, r.IntN(100))}, Sender{}, r.IntN(2) == 0, wake)
					if err == nil && w != nil {
						select {
						case <-woken:
						case <-patience:
						}
						err = w.End(linux.EINTR)
					}
					if err == nil {
						sent.Add(1)
					}
					continue
				}
				_, w, _, err := q.Receive(r.IntN(2) == 0, wake)
				if err == nil && w != nil {
					select {
					case <-woken:
					case <-patience:
					}
					err = w.End(linux.EINTR)
				}
				if err == nil {
					got.Add(1)
				}
			}
		}()
	}
	wg.Wait()
	_, _, left := q.Counts()
	if sent.Load() != got.Load()+int64(left) || len(q.readers)+len(q.writers) != 0 {
		t.Errorf("sent %d, got %d, left %d, waiting %d", sent.Load(), got.Load(), left, len(q.readers)+len(q.writers))
	}
	for ; left > 0; left-- {
		_, _, _, _ = q.Receive(true, func() {})
	}
	if n := used.Load(); n != empty {
		t.Errorf("%d bytes are still paid for", n-empty)
	}
}
