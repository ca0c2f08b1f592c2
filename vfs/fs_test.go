package vfs

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sbxrun/sbx/abi/linux"
)

// Entries that stay are read exactly once while others come and go.
func TestCookiesStayGood(t *testing.T) {
	var es []LayerEntry
	for i := range 300 {
		es = append(es, fileEntry(fmt.Sprintf("d/low%d", i), 0))
	}
	for name, layers := range map[string][][]LayerEntry{"empty": {{dirEntry("d")}}, "index": {es}} {
		t.Run(name, func(t *testing.T) {
			fs := fsOver(t, Options{}, nil, layers...)
			dir, err := fs.Lookup(rootIno, "d")
			check(t, err, nil)
			r := rand.New(rand.NewPCG(1, 2))
			stay := map[string]bool{}
			for i := range 300 {
				n := fmt.Sprintf("stay%d", i)
				_, err := fs.Create(dir, n, CreateOpts{Mode: linux.S_IFREG})
				check(t, err, nil)
				stay[n] = true
			}
			h, err := fs.Open(dir, 0)
			check(t, err, nil)
			defer h.Close()
			seen := map[string]int{}
			cookie, extra := uint64(0), 0
			for more := true; more; {
				more = false
				check(t, h.ReadDir(cookie, func(e DirEntry) bool {
					seen[e.Name]++
					cookie, more = e.Cookie, true
					return r.IntN(7) != 0
				}), nil)
				for range r.IntN(40) {
					extra++
					_, err := fs.Create(dir, fmt.Sprintf("extra%d", extra), CreateOpts{Mode: linux.S_IFREG})
					check(t, err, nil)
					_ = fs.Unlink(dir, fmt.Sprintf("extra%d", r.IntN(extra)))
					_ = fs.Unlink(dir, fmt.Sprintf("low%d", r.IntN(300)))
				}
				if extra > 3000 {
					break
				}
			}
			for n := range stay {
				if extra <= 3000 && seen[n] != 1 {
					t.Errorf("%s was read %d times", n, seen[n])
				}
			}
			for n, k := range seen {
				if k > 1 {
					t.Errorf("%s was read %d times", n, k)
				}
			}
		})
	}
}

func TestQuota(t *testing.T) {
	w, fs := newTestWalker(t, Options{MaxBytes: 64 << 10, MaxInodes: 3})
	_, h, err := w.Open(Loc{}, "/f", linux.O_RDWR|linux.O_CREAT, 0o644)
	check(t, err, nil)
	n, err := h.WriteAt(make([]byte, 100<<10), 0)
	if n != 64<<10 || err != nil {
		t.Fatal(n, err)
	}
	n, err = h.WriteAt([]byte("x"), 64<<10)
	if n != 0 || err != linux.ENOSPC {
		t.Fatal(n, err)
	}
	_, err = h.WriteAt([]byte("over"), 100)
	check(t, err, nil)
	check(t, h.Allocate(0, 64<<10, 1), linux.ENOSPC)
	check(t, w.Link(Loc{}, "/f", Loc{}, "/g", 0), nil)
	check(t, w.Mkdir(Loc{}, "/d", 0o755), nil)
	check(t, w.Mkdir(Loc{}, "/e", 0o755), linux.ENOSPC)
	check(t, w.Link(Loc{}, "/f", Loc{}, "/h", 0), linux.ENOSPC)
	s, _ := fs.Statfs()
	if s.Bfree != 0 || s.Ffree != 0 || s.Blocks != 16 || s.Files != 3 {
		t.Error(s)
	}
	fork := fs.Fork()
	defer fork.Close()
	check(t, w.Unlink(Loc{}, "/g"), nil)
	check(t, w.Unlink(Loc{}, "/f"), nil)
	if u := fs.Usage(); u.Bytes != 64<<10 || u.Inodes != 2 {
		t.Error("open file is gone: ", u)
	}
	check(t, h.Close(), nil)
	if u := fs.Usage(); u.Bytes != 0 || u.Inodes != 1 {
		t.Error(u)
	}
	if u := fork.Usage(); u.Bytes != 64<<10 || u.Inodes != 3 {
		t.Error("fork: ", u)
	}
	check(t, w.Setxattr(Loc{}, "/d", "user.a", make([]byte, 65<<10), 0, 0), linux.E2BIG)
	check(t, w.Setxattr(Loc{}, "/d", "user.a", make([]byte, 64<<10), 0, 0), linux.ENOSPC)
}

// A file of a terabyte of hole costs what is written into it.
func TestSparseIsCheap(t *testing.T) {
	w, fs := newTestWalker(t, Options{MaxBytes: 1 << 20})
	_, h, err := w.Open(Loc{}, "/f", linux.O_RDWR|linux.O_CREAT, 0o644)
	check(t, err, nil)
	defer h.Close()
	_, err = h.WriteAt([]byte("end"), 1<<50)
	check(t, err, nil)
	_, err = h.WriteAt([]byte("x"), math.MaxInt64-1)
	check(t, err, nil)
	_, err = h.WriteAt([]byte("xy"), math.MaxInt64-1)
	check(t, err, linux.EFBIG)
	off, err := h.SeekData(0)
	if off != 1<<50 || err != nil {
		t.Error(off, err)
	}
	if u := fs.Usage(); u.Bytes > 128<<10 {
		t.Error(u)
	}
	check(t, h.Allocate(linux.FALLOC_FL_KEEP_SIZE, 0, 1<<40), linux.ENOSPC)
	check(t, h.Allocate(linux.FALLOC_FL_KEEP_SIZE|linux.FALLOC_FL_PUNCH_HOLE, 1, math.MaxInt64-1), nil)
	check(t, w.Truncate(Loc{}, "/f", 0), nil)
	if u := fs.Usage(); u.Bytes != 0 {
		t.Error(u)
	}
}

// Two writers that append lose nothing.
func TestConcurrentUse(t *testing.T) {
	w, fs := newTestWalker(t, Options{})
	check(t, w.Mkdir(Loc{}, "/d", 0o777), nil)
	writeFile(t, w, "/log", "")
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			me := *w
			l, h, err := me.Open(Loc{}, "/log", linux.O_RDWR, 0)
			if err != nil {
				t.Error(err)
				return
			}
			defer l.Unref()
			defer h.Close()
			for i := range 200 {
				if _, _, err := h.Append([]byte{byte('a' + g), '\n'}); err != nil {
					t.Error(err)
				}
				p, q := fmt.Sprintf("/d/%d", i%5), fmt.Sprintf("/d/%d", (i+g)%5)
				_ = me.Mkdir(Loc{}, p, 0o777)
				_ = me.Rename(Loc{}, p, Loc{}, q, 0)
				_ = me.Rmdir(Loc{}, q)
				var a Attr
				_ = me.Stat(Loc{}, q, 0, &a)
				if i%50 == 0 {
					f := fs.Fork()
					_ = f.Diff(&bytes.Buffer{}, DiffOptions{})
					_ = f.Close()
				}
			}
		}()
	}
	wg.Wait()
	s := readFile(t, w, "/log")
	for g := range 8 {
		if n := strings.Count(s, string(rune('a'+g))+"\n"); n != 200 {
			t.Errorf("%d lines of writer %d", n, g)
		}
	}
}

func TestInodeKeepsNumber(t *testing.T) {
	fs := fsOver(t, Options{}, []Content{memContent{bytes.NewReader([]byte("content"))}}, []LayerEntry{fileEntry("f", 7), hardEntry("g", "f")})
	ns := NewNamespace(fs)
	w := &Walker{NS: ns, Root: ns.RootLoc(), Cwd: ns.RootLoc(), Cred: RootCred()}
	var a, b Attr
	check(t, w.Stat(Loc{}, "/f", 0, &a), nil)
	l, h, err := w.Open(Loc{}, "/f", linux.O_RDWR, 0)
	check(t, err, nil)
	_, err = h.WriteAt([]byte("C"), 0)
	check(t, err, nil)
	check(t, w.Stat(Loc{}, "/g", 0, &b), nil)
	if a.Ino != b.Ino || a.Dev != b.Dev || b.Nlink != 2 || readFile(t, w, "/g") != "Content" {
		t.Error(a, b)
	}
	check(t, w.Unlink(Loc{}, "/f"), nil)
	check(t, w.Unlink(Loc{}, "/g"), nil)
	check(t, l.Getattr(&b), nil)
	if b.Nlink != 0 || b.Ino != a.Ino {
		t.Error(b)
	}
	check(t, h.Close(), nil)
	check(t, l.Getattr(&b), linux.ENOENT)
	if _, err := fs.Create(rootIno, "f", CreateOpts{Mode: linux.S_IFREG}); err != nil {
		t.Error(err)
	}
	ino, _ := fs.Lookup(rootIno, "f")
	if ino == a.Ino {
		t.Error("an inode number came back")
	}
}

func TestTimesAreClamped(t *testing.T) {
	for _, c := range []struct{ in, out Timespec }{
		{Timespec{5, 7}, Timespec{5, 7}}, {Timespec{-5, 7}, Timespec{-5, 7}}, {Timespec{math.MaxInt64, 1}, Timespec{9223372035, 999999999}},
		{Timespec{math.MinInt64, 1}, Timespec{-9223372036, 0}},
	} {
		if got := fromNanos(c.in.nanos()); got != c.out {
			t.Errorf("%v: %v, want %v", c.in, got, c.out)
		}
	}
	if got := TimespecOf(time.Unix(3, 4)); got.Time() != time.Unix(3, 4).UTC() {
		t.Error(got)
	}
}

func TestRadixAgainstMap(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	var tree radix[int]
	want := map[uint64]*int{}
	snaps := []radix[int]{}
	for i := range 20000 {
		k := r.Uint64() >> r.IntN(64)
		if r.IntN(3) == 0 {
			k %= 300
		}
		v := new(int)
		*v = i
		if r.IntN(3) == 0 {
			v = nil
			delete(want, k)
		} else {
			want[k] = v
		}
		tree.set(uint64(1+i/1000), k, v)
		if i%1000 == 999 {
			snaps = append(snaps, tree)
		}
	}
	n, last := 0, uint64(0)
	tree.each(0, func(i uint64, v *int) bool {
		if want[i] != v || n > 0 && i <= last {
			t.Fatal(i)
		}
		n, last = n+1, i
		return true
	})
	if n != len(want) {
		t.Error(n, len(want))
	}
	for i, s := range snaps { // nothing newer shows in an old snapshot
		s.each(0, func(_ uint64, v *int) bool {
			if *v >= (i+1)*1000 {
				t.Fatal(i, *v)
			}
			return true
		})
	}
}
