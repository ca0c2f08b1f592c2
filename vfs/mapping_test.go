package vfs

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/sbxrun/sbx/abi/linux"
)

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

func opened(t *testing.T, fs *FS, ino Ino) Handle {
	t.Helper()
	h, err := fs.Open(ino, linux.O_RDWR)
	check(t, err, nil)
	t.Cleanup(func() { _ = h.Close() })
	return h
}

// Where a file of the image is, and what of it can be mapped from there.
func TestExtents(t *testing.T) {
	fs, ino, content, want := mappedFile(t, Options{})
	h := opened(t, fs, ino)
	extents := func() string {
		out := ""
		for off := int64(0); off < 8*pageSize; {
			c, place, run, err := h.(Mapper).Extent(off, 8*pageSize-off)
			check(t, err, nil)
			if c != nil && c != Content(content) {
				t.Error("another content")
			}
			if c != nil {
				out += fmt.Sprintf("%d:%d+%d ", off/pageSize, place/pageSize, run/pageSize)
			}
			off += run
		}
		return out
	}
	if got := extents(); got != "0:2+2 3:5+3 " {
		t.Error(got)
	}
	check(t, fs.Setattr(ino, &SetAttr{Valid: SetSize, Size: 4*pageSize + 5}), nil)
	if got := extents(); got != "0:2+2 3:5+1 " {
		t.Errorf("cut: %s", got)
	}
	_, err := h.WriteAt([]byte("x"), 0)
	check(t, err, nil)
	if got := extents(); got != "" {
		t.Errorf("written: %s", got)
	}
	if b := make([]byte, 10); true {
		_, err := h.ReadAt(b, 0)
		check(t, err, nil)
		if string(b[1:]) != string(want[1:10]) {
			t.Error("the rest is gone")
		}
	}
}

func TestMappingOfTheImage(t *testing.T) {
	fs, ino, _, want := mappedFile(t, Options{})
	h := opened(t, fs, ino)
	a, b := mapFor(t, h, 0, 1<<20), mapFor(t, h, 0, pageSize)
	check(t, h.Close(), nil) // a mapping outlives it
	if a.mem != b.mem || a.mem.held != 6*pageSize {
		t.Errorf("two mappings of one file have different memory, or hold %d", a.mem.held)
	}
	for i := range want {
		if got, err := a.load(int64(i)); err != nil || got != want[i] {
			t.Fatalf("byte %d: %d, %v, not %d", i, got, err, want[i])
		}
	}
	if got, err := a.load(int64(len(want))); got != 0 || err != nil {
		t.Errorf("the rest of the last page: %d, %v", got, err)
	}
	if _, err := a.load(6 * pageSize); err != linux.EFAULT {
		t.Errorf("a page after the end: %v", err)
	}
	if u := fs.Usage().Bytes; u != 0 || len(fs.Changes()) != 0 {
		t.Errorf("reading took %d bytes, changed %v", u, fs.Changes())
	}

	check(t, a.store(3, 'X'), nil)
	if got, _ := b.load(3); got != 'X' {
		t.Errorf("the other mapping reads %q", got)
	}
	check(t, b.store(4, 'Y'), nil)
	h = opened(t, fs, ino)
	buf := make([]byte, 6)
	_, err := h.ReadAt(buf, 0)
	check(t, err, nil)
	if want := append(append([]byte{}, want[:3]...), 'X', 'Y', want[5]); !bytes.Equal(buf, want) {
		t.Errorf("read(2) sees %q, not %q", buf, want)
	}
	_, err = h.WriteAt([]byte("Z"), 5)
	check(t, err, nil)
	if got, _ := a.load(5); got != 'Z' {
		t.Errorf("after write(2) a mapping reads %q", got)
	}
	check(t, a.m.Close(), nil)
	if err := a.m.Close(); err != linux.EBADF {
		t.Errorf("second Close: %v", err)
	}
	if err := a.m.Dirty(0, 1); err != linux.EBADF {
		t.Errorf("Dirty after Close: %v", err)
	}
	if b.mem.closed {
		t.Error("the memory is gone with the first of two mappings")
	}
	check(t, b.m.Close(), nil)
	if !b.mem.closed || b.mem.held != 0 || len(fs.maps) != 0 {
		t.Errorf("not given back: %v, %d held, %d maps", b.mem.closed, b.mem.held, len(fs.maps))
	}
	copy(want[3:], "XYZ")
	sameContent(t, fs, ino, want)
	d, err := fs.Open(rootIno, 0)
	check(t, err, nil)
	defer d.Close()
	if _, err := d.(Mapper).Map(MapOptions{Len: 1}); err != linux.ENODEV {
		t.Errorf("a directory: %v", err)
	}
}

// What nobody asks for is not copied; what is changed meanwhile is, before.
func TestMappingLater(t *testing.T) {
	fs := New(nil, nil, Options{})
	defer fs.Close()
	ino, err := fs.Create(rootIno, "f", CreateOpts{Mode: linux.S_IFREG | 0o600})
	check(t, err, nil)
	h := opened(t, fs, ino)
	want := bytes.Repeat([]byte("0123456789abcdef"), 5*chunkSize/16)
	_, err = h.WriteAt(want, 0)
	check(t, err, nil)
	g := mapHow(t, h, 0, 6*chunkSize, true)
	there := func(n int) {
		t.Helper()
		if got := len(g.mem.pages) * pageSize; got != n*chunkSize || g.mem.held != 5*chunkSize {
			t.Errorf("%d bytes are in the memory, want %d; %d are held", got, n*chunkSize, g.mem.held)
		}
	}
	loads := func(at int64) {
		t.Helper()
		if b, err := g.load(at); b != want[at] || err != nil {
			t.Errorf("byte %d is %d, %v", at, b, err)
		}
	}
	there(0)
	loads(chunkSize + 3)
	loads(chunkSize)
	there(1)
	_, err = h.WriteAt([]byte("new"), 2*chunkSize+5)
	check(t, err, nil)
	copy(want[2*chunkSize+5:], "new")
	there(2)
	loads(2*chunkSize + 6)
	loads(2*chunkSize + 8)
	other := mapFor(t, h, 3*chunkSize, chunkSize) // in no time
	there(3)
	if b, _ := other.load(3*chunkSize + 2); b != '2' {
		t.Errorf("the other reads %d", b)
	}
	check(t, other.m.Close(), nil)
	check(t, g.m.Load(0, 6*chunkSize), nil)
	there(5)
	sameContent(t, fs, ino, want)
	check(t, g.m.Close(), nil)
	if err := g.m.Load(0, 1); err != linux.EBADF {
		t.Errorf("Load after Close: %v", err)
	}
	sameContent(t, fs, ino, want)
}

// A file that grows and shrinks under its mappings.
func TestMappingFollowsTheSize(t *testing.T) {
	fs := New(nil, nil, Options{})
	defer fs.Close()
	ino, err := fs.Create(rootIno, "f", CreateOpts{Mode: linux.S_IFREG | 0o600})
	check(t, err, nil)
	h := opened(t, fs, ino)
	g := mapFor(t, h, 0, 1<<20)
	if err := g.store(0, 1); err != linux.EFAULT {
		t.Errorf("a store to nothing: %v", err)
	}
	setSize := func(n int64) { check(t, fs.Setattr(ino, &SetAttr{Valid: SetSize, Size: n}), nil) }
	setSize(300_000)
	check(t, g.store(299_999, 7), nil)
	if g.mem.held != pageUp(300_000) {
		t.Errorf("%d held", g.mem.held)
	}
	setSize(200_000)
	if _, err := g.load(299_999); err != linux.EFAULT {
		t.Errorf("what was cut off: %v", err)
	}
	_, err = h.WriteAt([]byte{9}, 299_998)
	check(t, err, nil)
	if b, err := g.load(299_999); b != 0 || err != nil {
		t.Errorf("what was cut off comes back as %d, %v", b, err)
	}
	if b, err := g.load(299_998); b != 9 || err != nil {
		t.Errorf("what was written: %d, %v", b, err)
	}
	_, _, err = h.Append([]byte{8, 8})
	check(t, err, nil)
	if b, err := g.load(300_000); b != 8 || err != nil {
		t.Errorf("what was appended: %d, %v", b, err)
	}
	check(t, g.store(300_002, 6), nil) // behind the end, in the last page
	setSize(300_005)
	if b, err := g.load(300_002); b != 0 || err != nil {
		t.Errorf("what was stored behind the end is in the file: %d, %v", b, err)
	}
	check(t, g.m.Close(), nil)
	want := make([]byte, 300_005)
	want[299_998], want[299_999], want[300_000] = 9, 8, 8
	sameContent(t, fs, ino, want)
}

// Stores are charged for, refused when the quota is used up, and what nobody stored
// to is given back.
func TestMappingQuotaAndUnlink(t *testing.T) {
	fs := New(nil, nil, Options{MaxBytes: 4 * chunkSize})
	defer fs.Close()
	ino, err := fs.Create(rootIno, "f", CreateOpts{Mode: linux.S_IFREG | 0o600})
	check(t, err, nil)
	h := opened(t, fs, ino)
	check(t, fs.Setattr(ino, &SetAttr{Valid: SetSize, Size: 1 << 20}), nil)
	g := mapFor(t, h, 0, 2*chunkSize)
	check(t, g.store(pageSize, 1), nil)
	if u := fs.Usage().Bytes; u != 2*chunkSize {
		t.Errorf("%d bytes in use", u)
	}
	var a Attr
	check(t, fs.Getattr(ino, &a), nil)
	if a.Blocks != 8 {
		t.Errorf("%d blocks", a.Blocks)
	}
	if err := mapFor(t, h, 4*chunkSize, 3*chunkSize).store(1<<19, 1); err != linux.ENOSPC {
		t.Errorf("over the quota: %v", err)
	}
	check(t, g.m.Close(), nil)
	check(t, fs.Getattr(ino, &a), nil)
	if a.Blocks != 8 {
		t.Errorf("%d blocks afterwards", a.Blocks)
	}
	g = mapFor(t, h, 0, chunkSize)
	check(t, h.Close(), nil)
	check(t, fs.Unlink(rootIno, "f"), nil)
	if got, err := g.load(pageSize); got != 1 || err != nil {
		t.Errorf("unlinked: %d, %v", got, err)
	}
}

// Everything is given back with the last mapping of a file without a name.
func TestMappingOfUnlinked(t *testing.T) {
	fs := New(nil, nil, Options{})
	defer fs.Close()
	ino, err := fs.Tmpfile(rootIno, CreateOpts{Mode: 0o600})
	check(t, err, nil)
	h := opened(t, fs, ino)
	_, err = h.WriteAt(make([]byte, 100_000), 0)
	check(t, err, nil)
	g := mapFor(t, h, 0, chunkSize)
	check(t, g.store(5, 5), nil)
	check(t, h.Close(), nil)
	fs.Unref(ino)
	if u := fs.Usage(); u.Bytes == 0 || u.Inodes != 1 {
		t.Errorf("mapped: %+v", u)
	}
	check(t, g.m.Close(), nil)
	if u := fs.Usage(); u.Bytes != 0 || u.Inodes != 0 || !g.mem.closed || len(fs.orphans) != 0 || fs.pins.live() != 0 {
		t.Errorf("left over: %+v, %v", u, g.mem.closed)
	}
}

// A fork's generation is that of its origin until somebody stores.
func TestMappingAndGeneration(t *testing.T) {
	fs, ino, _, _ := mappedFile(t, Options{})
	h := opened(t, fs, ino)
	g := mapFor(t, h, 0, chunkSize)
	saved := func() uint64 {
		f := fs.Fork()
		defer f.Close()
		return f.Generation()
	}
	gen := saved()
	if _, err := g.load(0); err != nil || fs.Generation() != gen {
		t.Error("a load changes the generation")
	}
	for range 3 {
		check(t, g.store(0, 1), nil)
		if fs.Generation() == gen {
			t.Error("a store is not noticed")
		}
		if gen = saved(); fs.Generation() != gen {
			t.Error("nothing was stored since")
		}
	}
	check(t, g.store(0, 1), nil)
	gen = fs.Generation()
	check(t, g.m.Close(), nil)
	if fs.Generation() != gen {
		t.Error("the end of a mapping changes the generation")
	}
	// One that can't be made to ask counts as stored to after every fork.
	m, err := h.(Mapper).Map(MapOptions{Len: 1, New: func() (Memory, error) { return newMemory(t), nil }})
	check(t, err, nil)
	defer m.Close()
	m.clean = func() { _ = m.Dirty(0, 1) }
	check(t, m.Dirty(0, 1), nil)
	if gen = saved(); fs.Generation() == gen {
		t.Error("a fork misses what is stored after it")
	}
}

// refuse is a Memory that fails.
type refuse struct{ *pageMemory }

func (refuse) Hold(n int64) error {
	if n > 0 {
		return linux.ENOMEM
	}
	return nil
}

func TestMappingRefused(t *testing.T) {
	fs, ino, _, want := mappedFile(t, Options{})
	h := opened(t, fs, ino)
	mem := newMemory(t)
	_, err := h.(Mapper).Map(MapOptions{Len: 1 << 20, New: func() (Memory, error) { return refuse{mem}, nil }})
	check(t, err, linux.ENOMEM)
	_, err = h.(Mapper).Map(MapOptions{Len: 1, New: func() (Memory, error) { return nil, linux.EMFILE }})
	check(t, err, linux.EMFILE)
	for _, o := range []MapOptions{{Off: -pageSize, Len: 1}, {Off: 1, Len: 1}, {Len: 0}, {Off: pageSize, Len: maxFile}} {
		_, err = h.(Mapper).Map(o)
		check(t, err, linux.EINVAL)
	}
	if !mem.closed || len(fs.maps) != 0 {
		t.Error("the memory is not given back")
	}
	sameContent(t, fs, ino, want)
}

// Random stores, writes, truncations, holes, mappings and forks give what a plain
// array gives.
func TestMappingRandom(t *testing.T) {
	for seed := range uint64(60) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) { mappingRandom(t, rand.New(rand.NewPCG(seed, 9))) })
	}
}

func mappingRandom(t *testing.T, r *rand.Rand) {
	fs, ino, _, want := mappedFile(t, Options{})
	h := opened(t, fs, ino)
	newGuest := func() *guest {
		off := int64(r.IntN(40)) * pageSize
		return mapHow(t, h, off*int64(r.IntN(2)), int64(r.IntN(60)+1)*pageSize, r.IntN(2) == 0)
	}
	gs := []*guest{newGuest(), newGuest(), newGuest()}
	var forks []*FS
	var forked [][]byte
	for range 300 {
		off := int64(r.IntN(len(want) + 1))
		k := r.IntN(len(gs))
		g := gs[k]
		switch r.IntN(12) {
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
			if r.IntN(2) == 0 && len(want) < 250_000 {
				off = int64(len(want) + r.IntN(80_000))
				want = append(want, make([]byte, int(off)-len(want))...)
			}
			check(t, fs.Setattr(ino, &SetAttr{Valid: SetSize, Size: off}), nil)
			want = want[:off:off]
		case 2:
			n := int64(r.IntN(100_000) + 1)
			mode := []uint32{linux.FALLOC_FL_PUNCH_HOLE, linux.FALLOC_FL_ZERO_RANGE}[r.IntN(2)]
			check(t, h.Allocate(mode|linux.FALLOC_FL_KEEP_SIZE, off, n), nil)
			clear(want[off:min(off+n, int64(len(want)))])
		case 3:
			if len(forks) < 5 {
				f := fs.Fork()
				defer f.Close()
				forks, forked = append(forks, f), append(forked, bytes.Clone(want))
			}
		case 4:
			check(t, g.m.Close(), nil)
			gs[k] = newGuest()
		case 5:
			sameContent(t, fs, ino, want)
		case 6, 7, 8:
			b := byte(r.IntN(256))
			if err := g.store(off, b); err == nil && off < int64(len(want)) {
				want[off] = b
			}
		default:
			got, err := g.load(off)
			switch {
			case off < g.off || off >= g.end || off >= pageUp(int64(len(want))):
				if err == nil {
					t.Fatalf("byte %d of %d can be read", off, len(want))
				}
			case off < int64(len(want)) && (err != nil || got != want[off]):
				t.Fatalf("byte %d of %d: %d, %v, not %d", off, len(want), got, err, want[off])
			}
		}
		checkHeld(t, fs, ino, int64(len(want)))
	}
	sameContent(t, fs, ino, want)
	for i, f := range forks {
		sameContent(t, f, ino, forked[i])
	}
	for _, g := range gs {
		check(t, g.m.Close(), nil)
	}
	sameContent(t, fs, ino, want)
	checkCharged(t, fs, ino)
}

// checkHeld compares what a memory is told to hold with what can be reached.
func checkHeld(t *testing.T, fs *FS, ino Ino, size int64) {
	t.Helper()
	im, held, dirty := fs.maps[ino], int64(0), 0
	for i, u := range im.chunks {
		held += max(min(pageUp(size)-int64(i)<<chunkShift, chunkSize), 0)
		if u.absent && fs.stored(ino, i) {
			t.Fatalf("chunk %d is stored, and not there", i)
		}
		if u.dirty {
			dirty++
		}
	}
	if m := im.mem.(*pageMemory); m.size != size || m.held != held || im.size != size || im.dirty != dirty {
		t.Fatalf("size %d, %d, not %d; held %d, not %d; dirty %d, not %d", m.size, im.size, size, m.held, held, im.dirty, dirty)
	}
}

// checkCharged compares the quota and the blocks with the chunks of the only file.
func checkCharged(t *testing.T, fs *FS, ino Ino) {
	t.Helper()
	f := fs.get(ino).file()
	if f == nil {
		return
	}
	var charged int64
	count := func(_ uint64, c *chunk) bool {
		if c.stored {
			t.Error("a chunk is stored in no memory")
		}
		charged += int64(c.charged) * pageSize
		return true
	}
	if f.first != nil {
		count(0, f.first)
	}
	f.rest.each(0, count)
	if fs.used != charged {
		t.Errorf("%d bytes are charged, %d in use", charged, fs.used)
	}
}

// sameContent compares a file as read(2) and its holes show it.
func sameContent(t *testing.T, fs *FS, ino Ino, want []byte) {
	t.Helper()
	h, err := fs.Open(ino, 0)
	check(t, err, nil)
	defer h.Close()
	got, err := io.ReadAll(io.NewSectionReader(readerAt{h}, 0, int64(len(want)+1)))
	check(t, err, nil)
	if !bytes.Equal(got, want) {
		t.Errorf("content differs: %d bytes, want %d", len(got), len(want))
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

type readerAt struct{ h Handle }

func (r readerAt) ReadAt(p []byte, off int64) (int, error) {
	n, err := r.h.ReadAt(p, off)
	if err == nil && n < len(p) {
		err = io.EOF
	}
	return n, err
}
