package vfs

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/sbxrun/sbx/abi/linux"
)

// guest is a program's view of a mapped file: it keeps the Runs it was given
// until it is told that they changed.
type guest struct {
	m    *Mapping
	runs map[int64]Run // by page
	rw   map[int64]bool
}

func mapFor(t *testing.T, h Handle) *guest {
	t.Helper()
	g := &guest{runs: map[int64]Run{}, rw: map[int64]bool{}}
	m, err := h.(Mapper).Map(func(off, n int64) {
		for p := range g.runs {
			if at := p * pageSize; at >= off && at-off < n {
				delete(g.runs, p)
				delete(g.rw, p)
			}
		}
	})
	check(t, err, nil)
	g.m = m
	t.Cleanup(func() { _ = m.Close() })
	return g
}

func (g *guest) run(off int64, write bool) (Run, error) {
	p := off / pageSize
	if r, ok := g.runs[p]; ok && (!write || g.rw[p]) {
		return r, nil
	}
	r, err := g.m.Fault(off, write)
	if err == nil {
		g.runs[p], g.rw[p] = r, write
	}
	return r, err
}

func (g *guest) load(off int64) (byte, error) {
	r, err := g.run(off, false)
	switch {
	case err != nil:
		return 0, err
	case r.Data != nil:
		return r.Data[off-r.Off], nil
	case r.Content != nil:
		b := []byte{0}
		_, _ = r.Content.ReadAt(b, r.Offset+off-r.Off) // after the end: 0
		return b[0], nil
	}
	return 0, nil
}

func (g *guest) store(off int64, b byte) error {
	r, err := g.run(off, true)
	if err == nil {
		r.Data[off-r.Off] = b
	}
	return err
}

// mappedFile is an FS with the file "f" of an image whose content is a file of
// the host: 5 pages and a bit, the third page a hole.
func mappedFile(t *testing.T, o Options) (*FS, Ino, *os.File, []byte) {
	t.Helper()
	const size, at = 5*pageSize + 100, 2 * pageSize
	want := make([]byte, size)
	for i := range want {
		if i/pageSize != 2 {
			want[i] = byte(i*7 + i/pageSize + 1)
		}
	}
	host := filepath.Join(t.TempDir(), "content")
	check(t, os.WriteFile(host, append(make([]byte, at), want...), 0o600), nil)
	content, err := os.Open(host)
	check(t, err, nil)
	t.Cleanup(func() { content.Close() })
	e := fileEntry("f", size)
	e.Offset, e.Holes = at, []Extent{{2 * pageSize, pageSize}}
	fs := fsOver(t, o, []Content{content}, []LayerEntry{e})
	ino, err := fs.Lookup(rootIno, "f")
	check(t, err, nil)
	return fs, ino, content, want
}

func TestMappingOfTheImage(t *testing.T) {
	fs, ino, content, want := mappedFile(t, Options{})
	h, err := fs.Open(ino, linux.O_RDWR)
	check(t, err, nil)
	a, b := mapFor(t, h), mapFor(t, h)
	check(t, h.Close(), nil) // a mapping outlives it

	r, err := a.run(10, false)
	check(t, err, nil)
	if f, ok := HostFile(r.Content); !ok || f != content || r.Offset != 2*pageSize || r.Off != 0 || r.Len != 2*pageSize {
		t.Errorf("the start lies at %+v", r)
	}
	if r, err := a.run(2*pageSize, false); err != nil || r.Content != nil || r.Data != nil || r.Len != pageSize {
		t.Errorf("the hole is %+v, %v", r, err)
	}
	for i := range want {
		if got, err := b.load(int64(i)); err != nil || got != want[i] {
			t.Fatalf("byte %d: %d, %v, not %d", i, got, err, want[i])
		}
	}
	if got, err := b.load(int64(len(want))); err != linux.EFAULT && (err != nil || got != 0) {
		t.Errorf("after the end: %d, %v", got, err)
	}
	if _, err := a.m.Fault(6*pageSize, false); err != linux.EFAULT {
		t.Errorf("a page after the end: %v", err)
	}
	if u := fs.Usage().Bytes; u != 0 {
		t.Errorf("reading took %d bytes", u)
	}

	check(t, a.store(3, 'X'), nil)
	if got, _ := b.load(3); got != 'X' {
		t.Errorf("the other mapping reads %q", got)
	}
	check(t, b.store(4, 'Y'), nil)
	ra, _ := a.run(3, true)
	rb, _ := b.run(3, true)
	if &ra.Data[0] != &rb.Data[0] {
		t.Error("two mappings have different memory")
	}
	h, err = fs.Open(ino, linux.O_RDWR)
	check(t, err, nil)
	defer h.Close()
	buf := make([]byte, 6)
	_, err = h.ReadAt(buf, 0)
	check(t, err, nil)
	if want := append(append([]byte{}, want[:3]...), 'X', 'Y', want[5]); !bytes.Equal(buf, want) {
		t.Errorf("read(2) sees %q, not %q", buf, want)
	}
	check(t, a.m.Close(), nil)
	if err := a.m.Close(); err != linux.EBADF {
		t.Errorf("second Close: %v", err)
	}
	if _, err := a.m.Fault(0, false); err != linux.EBADF {
		t.Errorf("Fault after Close: %v", err)
	}
	d, err := fs.Open(rootIno, 0)
	check(t, err, nil)
	defer d.Close()
	if _, err := d.(Mapper).Map(nil); err != linux.ENODEV {
		t.Errorf("a directory: %v", err)
	}
}

func TestMappingQuotaAndUnlink(t *testing.T) {
	fs := New(nil, nil, Options{MaxBytes: 2 * pageSize})
	defer fs.Close()
	ino, err := fs.Create(rootIno, "f", CreateOpts{Mode: linux.S_IFREG | 0o600})
	check(t, err, nil)
	h, err := fs.Open(ino, linux.O_RDWR)
	check(t, err, nil)
	check(t, fs.Setattr(ino, &SetAttr{Valid: SetSize, Size: 1 << 20}), nil)
	g := mapFor(t, h)
	check(t, h.Close(), nil)
	check(t, fs.Unlink(rootIno, "f"), nil)
	check(t, g.store(0, 1), nil)
	check(t, g.store(pageSize, 1), nil)
	if err := g.store(1<<19, 1); err != linux.ENOSPC {
		t.Errorf("over the quota: %v", err)
	}
	if got, err := g.load(0); got != 1 || err != nil {
		t.Errorf("unlinked: %d, %v", got, err)
	}
	check(t, g.m.Close(), nil)
	if u := fs.Usage(); u.Bytes != 0 || u.Inodes != 0 {
		t.Errorf("left over: %+v", u)
	}
}

// Random stores, writes, truncations, holes and forks give what a plain array gives.
func TestMappingRandom(t *testing.T) {
	for seed := range uint64(30) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			fs, ino, _, want := mappedFile(t, Options{})
			r := rand.New(rand.NewPCG(seed, 9))
			h, err := fs.Open(ino, linux.O_RDWR)
			check(t, err, nil)
			defer h.Close()
			gs := []*guest{mapFor(t, h), mapFor(t, h)}
			var forks []*FS
			var forked [][]byte
			for range 400 {
				off := int64(r.IntN(len(want) + 1))
				g := gs[r.IntN(2)]
				switch r.IntN(10) {
				case 0:
					p := bytes.Repeat([]byte{byte(r.IntN(256))}, r.IntN(3*pageSize)+1)
					off += int64(r.IntN(100_000))
					if off > 300_000 {
						continue
					}
					_, err := h.WriteAt(p, off)
					check(t, err, nil)
					if n := int(off) + len(p); n > len(want) {
						want = append(want, make([]byte, n-len(want))...)
					}
					copy(want[off:], p)
				case 1:
					check(t, fs.Setattr(ino, &SetAttr{Valid: SetSize, Size: off}), nil)
					want = want[:off]
				case 2:
					n := int64(r.IntN(100_000) + 1)
					check(t, h.Allocate(linux.FALLOC_FL_PUNCH_HOLE|linux.FALLOC_FL_KEEP_SIZE, off, n), nil)
					clear(want[off:min(off+n, int64(len(want)))])
				case 3:
					if len(forks) < 5 {
						f := fs.Fork()
						defer f.Close()
						forks, forked = append(forks, f), append(forked, bytes.Clone(want))
					}
				case 4, 5, 6:
					if off < int64(len(want)) {
						b := byte(r.IntN(256))
						check(t, g.store(off, b), nil)
						want[off] = b
					}
				default:
					if off < int64(len(want)) {
						if got, err := g.load(off); err != nil || got != want[off] {
							t.Fatalf("byte %d of %d: %d, %v, not %d", off, len(want), got, err, want[off])
						}
					}
				}
			}
			sameContent(t, fs, ino, want)
			for i, f := range forks {
				sameContent(t, f, ino, forked[i])
			}
		})
	}
}

// sameContent compares a file as read(2) and its holes show it.
func sameContent(t *testing.T, fs *FS, ino Ino, want []byte) {
	t.Helper()
	h, err := fs.Open(ino, 0)
	check(t, err, nil)
	defer h.Close()
	got := make([]byte, len(want)+1)
	n, err := h.ReadAt(got, 0)
	check(t, err, nil)
	if !bytes.Equal(got[:n], want) {
		t.Errorf("content differs: %d bytes, want %d", n, len(want))
	}
	for off := int64(0); off < int64(len(want)); {
		data, err := h.SeekData(off)
		if err == linux.ENXIO {
			data = int64(len(want))
		} else {
			check(t, err, nil)
		}
		if len(bytes.Trim(want[off:data], "\x00")) != 0 {
			t.Errorf("a hole at %d..%d has data", off, data)
		}
		if data == int64(len(want)) {
			break
		}
		off, err = h.SeekHole(data)
		check(t, err, nil)
	}
}
