package vfs

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"github.com/sbxrun/sbx/abi/linux"
)

// Sixteen tasks do whatever there is to do on one FS, with forks and diffs in
// between; afterwards nothing is left pinned and the books balance.
func TestSixteenAtOnce(t *testing.T) {
	es := []LayerEntry{dirEntry("d"), dirEntry("d/e")}
	for i := range 8 {
		es = append(es, fileEntry(fmt.Sprintf("d/%d", i), 5000))
	}
	fs := fsOver(t, Options{MaxBytes: 8 << 20, MaxInodes: 500}, []Content{memContent{bytes.NewReader(make([]byte, 5000))}}, es)
	ns := NewNamespace(fs)
	root := &Walker{NS: ns, Root: ns.RootLoc(), Cwd: ns.RootLoc(), Cred: RootCred()}
	var wg sync.WaitGroup
	for g := range 16 {
		wg.Go(func() {
			w := *root
			r := rand.New(rand.NewPCG(uint64(g), 3))
			for range 150 {
				anything(t, &w, fs, r)
			}
		})
	}
	wg.Wait()
	checkPins(t, fs)
	if len(fs.maps) != 0 {
		t.Errorf("left: %d maps", len(fs.maps))
	}
	for _, d := range []string{"/d/e", "/d", "/"} {
		check(t, empty(root, d), nil)
	}
	if u := fs.Usage(); u.Bytes != 0 || u.Inodes != 0 {
		t.Errorf("in use with everything removed: %+v", u)
	}
	ns.Close()
}

func empty(w *Walker, dir string) error {
	_, h, err := w.Open(Loc{}, dir, linux.O_DIRECTORY, 0)
	if err == linux.ENOENT || err == linux.ENOTDIR {
		return nil
	}
	if err != nil {
		return err
	}
	defer h.Close()
	var names []string
	if err := h.ReadDir(0, func(e DirEntry) bool { names = append(names, e.Name); return true }); err != nil {
		return err
	}
	for _, n := range names {
		if n == "." || n == ".." {
			continue
		}
		p := strings.TrimSuffix(dir, "/") + "/" + n
		if err := w.Unlink(Loc{}, p); err == linux.EISDIR {
			if err := empty(w, p); err != nil {
				return err
			}
			if err := w.Rmdir(Loc{}, p); err != nil {
				return err
			}
		} else if err != nil {
			return err
		}
	}
	return nil
}

// anything does one random thing.
func anything(t *testing.T, w *Walker, fs *FS, r *rand.Rand) {
	name := func() string { return [...]string{"/d/", "/d/e/", "/"}[r.IntN(3)] + fmt.Sprint(r.IntN(8)) }
	p, q := name(), name()
	var a Attr
	switch r.IntN(14) {
	case 0:
		_ = w.Mkdir(Loc{}, p, 0o755)
	case 1:
		_ = w.Rename(Loc{}, p, Loc{}, q, uint32(r.IntN(3)))
	case 2:
		_ = w.Unlink(Loc{}, p)
	case 3:
		_ = w.Rmdir(Loc{}, p)
	case 4:
		_ = w.Link(Loc{}, p, Loc{}, q, 0)
	case 5:
		_ = w.Symlink(q, Loc{}, p)
	case 6:
		_ = w.Chmod(Loc{}, p, uint32(r.IntN(0o1000)), 0)
	case 7:
		_ = w.Setxattr(Loc{}, p, "user.x", make([]byte, r.IntN(100)), 0, 0)
	case 8:
		f := fs.Fork()
		_ = f.Diff(io.Discard, DiffOptions{})
		_ = f.Close()
	case 9:
		_ = fs.Diff(io.Discard, DiffOptions{})
	case 10:
		_ = w.Stat(Loc{}, p, 0, &a)
	default:
		useFile(t, w, p, r)
	}
}

func useFile(t *testing.T, w *Walker, p string, r *rand.Rand) {
	l, h, err := w.Open(Loc{}, p, linux.O_RDWR|linux.O_CREAT*r.IntN(2)|linux.O_TRUNC*r.IntN(2), 0o644)
	if err != nil {
		return
	}
	if h == nil {
		l.Unref()
		return
	}
	defer h.Close()
	b := make([]byte, r.IntN(200_000))
	_, _ = h.WriteAt(b, int64(r.IntN(100_000)))
	_, _, _ = h.Append(b[:len(b)/4])
	_, _ = h.ReadAt(b, 0)
	_ = h.Allocate(linux.FALLOC_FL_PUNCH_HOLE|linux.FALLOC_FL_KEEP_SIZE, int64(r.IntN(100_000)), 70_000)
	_, _ = h.SeekHole(0)
	u, ok := h.(interface{ Unwrap() Handle })
	if !ok {
		return
	}
	m, err := u.Unwrap().(Mapper).Map(MapOptions{Len: 200_000, New: func() (Memory, error) { return newMemory(t), nil }, Clean: func() {}})
	if err == nil {
		_ = m.Dirty(0, int64(r.IntN(200_000)+1))
		_, _ = h.WriteAt(b, int64(r.IntN(100_000)))
		_ = m.Close()
	}
}

// A fork that is taken while files are written is one moment of all of them:
// each writer fills file A and then file B with the same letter, a write at a time, so
// B is never ahead of A, and no write is in it by half.
func TestForkIsOneMoment(t *testing.T) {
	w, fs := newTestWalker(t, Options{})
	const size = chunkSize + 100
	var stop sync.WaitGroup
	done := make(chan struct{})
	for g := range 4 {
		a, b := fmt.Sprintf("/a%d", g), fmt.Sprintf("/b%d", g)
		writeFile(t, w, a, strings.Repeat("\x00", size))
		writeFile(t, w, b, strings.Repeat("\x00", size))
		stop.Go(func() {
			me := *w
			la, ha, err := me.Open(Loc{}, a, linux.O_WRONLY, 0)
			check(t, err, nil)
			defer la.Unref()
			defer ha.Close()
			lb, hb, err := me.Open(Loc{}, b, linux.O_WRONLY, 0)
			check(t, err, nil)
			defer lb.Unref()
			defer hb.Close()
			for i := 1; i < 250; i++ {
				select {
				case <-done:
					return
				default:
				}
				for _, h := range []Handle{ha, hb} {
					if _, err := h.WriteAt(bytes.Repeat([]byte{byte(i)}, size), 0); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	for range 25 {
		f := fs.Fork()
		ns := NewNamespace(f)
		v := &Walker{NS: ns, Root: ns.RootLoc(), Cwd: ns.RootLoc(), Cred: RootCred()}
		for g := range 4 {
			b := readFile(t, v, fmt.Sprintf("/b%d", g))
			a := readFile(t, v, fmt.Sprintf("/a%d", g))
			if len(a) != size || strings.Count(a, a[:1]) != size || len(b) != size || strings.Count(b, b[:1]) != size {
				t.Fatal("a write is in the fork by half")
			}
			if a[0] != b[0] && a[0] != b[0]+1 {
				t.Fatalf("A is at %d and B at %d", a[0], b[0])
			}
		}
		ns.Close()
		check(t, f.Close(), nil)
	}
	close(done)
	stop.Wait()
}
