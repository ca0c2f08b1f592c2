package vfs

import (
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/sbxrun/sbx/abi/linux"
)

// live returns how many inodes have pins, by mount.
func (t *pinTable) live() (n int) {
	if s := t.slots.Load(); s != nil {
		for i := range s.pins {
			if p := s.pins[i].Load(); p != nil && p.n.Load() > 0 {
				n++
			}
		}
	}
	return n
}

func (t *pinTable) size() int { return len(t.slots.Load().pins) }

// checkPins fails unless the root of one mount is all that is pinned.
func checkPins(t *testing.T, fs *FS) {
	t.Helper()
	if n := fs.pins.live(); n != 1 || fs.pins.count(rootIno) != 1 || len(fs.orphans) != 0 || fs.norphans.Load() != 0 {
		t.Errorf("%d pins left, %d of the root, orphans %v, counted %d", n, fs.pins.count(rootIno), fs.orphans, fs.norphans.Load())
	}
}

func TestPinTable(t *testing.T) {
	type key struct {
		ino Ino
		m   *Mount
	}
	var p pinTable
	mounts := []*Mount{nil, {id: 1}, {id: 2}}
	want, sum := map[key]int64{}, map[Ino]int64{}
	for i := range 20_000 {
		k := key{Ino(i*i%997 + 1), mounts[i%2]}
		if i/7%2 == 0 || want[k] == 0 {
			p.take(k.ino, k.m)
			want[k]++
			sum[k.ino]++
			continue
		}
		want[k]--
		sum[k.ino]--
		if last := p.find(k.ino, k.m).drop(); last != (want[k] == 0) {
			t.Fatalf("%v: last is %v with %d pins", k, last, want[k])
		}
	}
	live := 0
	for k, n := range want {
		if n > 0 {
			live++
		}
		if got := p.count(k.ino); got != sum[k.ino] {
			t.Errorf("inode %d: %d pins, want %d", k.ino, got, sum[k.ino])
		}
	}
	if p.live() != live || p.size() > 16*997 {
		t.Errorf("%d live in %d slots, want %d", p.live(), p.size(), live)
	}
	if !p.through(mounts[1]) || p.through(mounts[2]) {
		t.Error("who goes through which mount")
	}
	for i := range 1_000_000 { // as many files opened and closed
		p.take(Ino(i+10_000), nil).drop()
	}
	if p.live() != live || p.size() > 16*997 {
		t.Errorf("the table has %d of %d in %d slots", p.live(), live, p.size())
	}
	q := p.take(1, mounts[2])
	if !q.drop() || q.drop() || p.through(mounts[2]) {
		t.Error("one pin is dropped twice")
	}
}

// Many take and drop the same few pins while others make the table be laid out
// anew: no count is lost.
func TestPinTableConcurrently(t *testing.T) {
	var p pinTable
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(uint64(g), 9))
			var held []*pin
			for i := range 20_000 {
				ino := Ino(r.IntN(8) + 1)
				if i%4 == 0 {
					ino = Ino(100 + g*20_000 + i)
				}
				held = append(held, p.take(ino, nil))
				if p.count(ino) < 1 {
					t.Errorf("inode %d is held and has no pin", ino)
					return
				}
				if len(held) > 4 {
					held[0].drop()
					held = held[1:]
				}
			}
			for _, h := range held {
				h.drop()
			}
		})
	}
	wg.Wait()
	if p.live() != 0 {
		t.Errorf("%d pins left", p.live())
	}
}

// The last name and the last pin of a file go at the same time, in either order:
// its bytes are given back.
func TestLastNameAndLastPin(t *testing.T) {
	w, fs := newTestWalker(t, Options{})
	for range 2000 {
		writeFile(t, w, "/f", "x")
		_, h, err := w.Open(Loc{}, "/f", linux.O_RDONLY, 0)
		check(t, err, nil)
		var wg sync.WaitGroup
		wg.Go(func() { _ = h.Close() })
		check(t, w.Unlink(Loc{}, "/f"), nil)
		wg.Wait()
		if u := fs.Usage(); u.Bytes != 0 || u.Inodes != 0 {
			t.Fatalf("in use: %+v", u)
		}
	}
	checkPins(t, fs)
}

// A handle holds the mount through which it was opened, and the inode.
func TestHandleHoldsItsMount(t *testing.T) {
	for _, kind := range []string{"FS", "other"} {
		t.Run(kind, func(t *testing.T) {
			w, _ := newTestWalker(t, Options{})
			fs := New(nil, nil, Options{})
			var super Super = fs
			if kind == "other" {
				super = struct{ Super }{fs}
			}
			check(t, w.Mkdir(Loc{}, "/mnt", 0o755), nil)
			m := mountAt(t, w, "/mnt", super, MountOpts{})
			for _, flags := range []int{linux.O_RDWR | linux.O_CREAT, linux.O_RDONLY, linux.O_PATH, linux.O_RDWR | linux.O_TMPFILE} {
				path := "/mnt/f"
				if flags&linux.O_TMPFILE_BIT != 0 {
					path = "/mnt"
				}
				o, err := w.OpenFile(Loc{}, path, flags, 0o644, 0)
				check(t, err, nil)
				check(t, w.NS.Unmount(m.Root(), 0), linux.EBUSY)
				if o.Loc.Mount != m || fs.pins.count(o.Loc.Ino) == 0 {
					t.Errorf("flags %o: nothing is held", flags)
				}
				o.Close()
				if fs.pins.count(o.Loc.Ino) != 0 || m.busy() {
					t.Errorf("flags %o: the mount is held by a closed file", flags)
				}
			}
			_, h, err := w.Open(Loc{}, "/mnt/f", linux.O_RDONLY, 0)
			check(t, err, nil)
			check(t, h.Close(), nil)
			check(t, h.Close(), linux.EBADF)
			check(t, w.NS.Unmount(m.Root(), 0), nil)
			checkUnused(t, fs)
		})
	}
}

func checkUnused(t *testing.T, fs *FS) {
	t.Helper()
	if n := fs.pins.live(); n != 0 {
		t.Errorf("%d pins left", n)
	}
}
