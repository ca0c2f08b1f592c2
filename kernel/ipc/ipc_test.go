package ipc

import (
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sbxrun/sbx/abi/linux"
)

// fakeMemory counts as attached as often as it is told.
type fakeMemory struct {
	attached, released atomic.Int32
	touch              func(int, bool)
}

func (m *fakeMemory) Attached() int   { return int(m.attached.Load()) }
func (m *fakeMemory) Resident() int64 { return 0 }
func (m *fakeMemory) Release()        { m.released.Add(1) }

// purse is an account with a limit.
type purse struct{ used, limit atomic.Int64 }

func (p *purse) charge(n int64) bool {
	if p.used.Add(n) > p.limit.Load() && n > 0 {
		p.used.Add(-n)
		return false
	}
	return true
}

func newSpace(limit int64) (*Namespace, *purse) {
	p := &purse{}
	p.limit.Store(limit)
	return New(Config{Now: func() time.Time { return time.Unix(1000, 0) }, Charge: p.charge}), p
}

func root() *Caller { return &Caller{PID: 7, Caps: linux.CAP_FULL_SET} }

func nobodyWakes() {}

// TestIdentifiers: an index is not used again at once, and then with another number,
// as on Linux, where a stale identifier finds nothing.
func TestIdentifiers(t *testing.T) {
	ns, _ := newSpace(1 << 30)
	first, err := ns.Msgget(root(), 5, linux.IPC_CREAT)
	if err != nil || first != 0 {
		t.Fatal(first, err)
	}
	second, _ := ns.Msgget(root(), 6, linux.IPC_CREAT)
	if err := ns.MsgRemove(root(), first); err != nil || second != 1 {
		t.Fatal(second, err)
	}
	last := second
	for range minCycle {
		id, err := ns.Msgget(root(), 0, 0)
		if err != nil {
			t.Fatal(err)
		}
		if last = id; ns.MsgRemove(root(), id) != nil {
			t.Fatal(id)
		}
	}
	if last != 1<<indexBits|2 {
		t.Errorf("the identifier after a round is %#x", last)
	}
	if _, _, err := ns.MsgStat(root(), first, false, false); err != linux.EINVAL {
		t.Error("a stale identifier:", err)
	}
	if id, _ := ns.Msgget(root(), 6, 0); id != second {
		t.Error("the key finds", id)
	}
}

// TestLimits: what is too much is refused, and nothing is left of it.
func TestLimits(t *testing.T) {
	ns, p := newSpace(1 << 20)
	if _, err := ns.Semget(root(), 0, SemMSL, 0); err != linux.ENOMEM {
		t.Error("a set without memory:", err)
	}
	for range ShmMNI {
		if _, err := ns.Shmget(root(), 0, 1, 0, func(int, int32, uint64, func(int, bool)) (Memory, error) { return &fakeMemory{}, nil }); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := ns.Shmget(root(), 0, 1, 0, nil); err != linux.ENOSPC {
		t.Error("one segment too many:", err)
	}
	refuse := func(int, int32, uint64, func(int, bool)) (Memory, error) { return nil, linux.ENOMEM }
	ns2, _ := newSpace(0)
	if _, err := ns2.Shmget(root(), 1, 1, linux.IPC_CREAT, refuse); err != linux.ENOMEM {
		t.Error(err)
	}
	if _, err := ns2.Shmget(root(), 1, 1, 0, refuse); err != linux.ENOENT {
		t.Error("a segment that was refused is there:", err)
	}
	q, _ := ns.Msgget(root(), 0, 0)
	for i := range 3 {
		w, err := ns.Msgsnd(root(), q, &Message{1, make([]byte, MsgMax)}, 0, nobodyWakes)
		if err != nil || (w == nil) != (i < 2) {
			t.Fatal(i, w, err)
		}
	}
	ns.Close()
	if n := p.used.Load(); n != 0 {
		t.Errorf("%d bytes are still paid for", n)
	}
}

// TestSegmentsEnd: a removed segment goes with who has it last.
func TestSegmentsEnd(t *testing.T) {
	ns, _ := newSpace(1 << 30)
	m := &fakeMemory{}
	id, err := ns.Shmget(root(), 9, 100, linux.IPC_CREAT|0o600, func(_ int, _ int32, _ uint64, touch func(int, bool)) (Memory, error) {
		m.touch = touch
		return m, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	_, done, err := ns.Shmat(root(), id, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := ns.ShmRemove(root(), id); err != nil || m.released.Load() != 0 {
		t.Fatal("removed while it was being attached:", err)
	}
	m.attached.Add(1)
	m.touch(8, true)
	done()
	if _, d, err := ns.ShmStat(root(), id, false, false); err != nil || d.Perm.Mode != 0o600|linux.SHM_DEST || d.Perm.Key != 0 || d.LPID != 8 {
		t.Errorf("%+v, %v", d, err)
	}
	m.attached.Add(-1)
	m.touch(8, false)
	if m.released.Load() != 1 {
		t.Error("released", m.released.Load())
	}
	m.touch(8, false)
	ns.Close()
	if m.released.Load() != 1 {
		t.Error("released twice")
	}
}

// TestRandomSemaphores lets many do what they like: no value leaves its bounds, who
// is woken is over, and what they did with SEM_UNDO is gone with them.
func TestRandomSemaphores(t *testing.T) {
	ns, p := newSpace(1 << 30)
	const sems = 4
	id, err := ns.Semget(root(), 0, sems, 0)
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for n := range 8 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			r := rand.New(rand.NewPCG(1, uint64(n)))
			c := &Caller{PID: n + 1}
			c.Caps = linux.CAP_FULL_SET
			u := ns.NewUndo()
			defer u.Leave(c.PID)
			for range 2000 {
				ops := make([]linux.Sembuf, 1+r.IntN(4))
				for i := range ops {
					ops[i] = linux.Sembuf{Num: uint16(r.IntN(sems)), Op: int16(r.IntN(7) - 3), Flg: linux.SEM_UNDO}
				}
				woken := make(chan struct{}, 1)
				w, err := ns.Semop(c, id, ops, u, func() { woken <- struct{}{} })
				if err != nil {
					continue
				}
				if w == nil {
					continue
				}
				select {
				case <-woken:
					if !w.Over() || w.End(linux.EINTR) == linux.EINTR {
						t.Error("woken, and not over")
					}
				case <-time.After(time.Duration(r.IntN(50)) * time.Microsecond):
					_ = w.End(linux.EINTR)
				}
			}
		}()
	}
	stop := make(chan struct{})
	var watcher sync.WaitGroup
	watcher.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
			}
			v, err := ns.SemValues(root(), id)
			if err != nil {
				t.Error(err)
				return
			}
			for _, x := range v {
				if x > semVMX {
					t.Error("value", x)
				}
			}
		}
	})
	wg.Wait()
	close(stop)
	watcher.Wait()
	s, err := ns.sem.find(id)
	if err != nil || len(s.waiting) != 0 || len(s.undos) != 0 {
		t.Error("left behind:", s.waiting, s.undos, err)
	}
	ns.Close()
	if n := p.used.Load(); n != 0 {
		t.Errorf("%d bytes are still paid for", n)
	}
}
