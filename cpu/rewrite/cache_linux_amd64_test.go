package rewrite

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"hash/crc32"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/sbxrun/sbx/cpu/memory"
)

// newKept is a machine whose code is in a file, made at path, and kept in a cache.
func newKept(t testing.TB, c *Cache, path, code string) *machine {
	t.Helper()
	FreeIdle()
	b, err := hex.DecodeString(spaces(code))
	if err != nil {
		t.Fatal(err)
	}
	m := newMachine(t, Cached(c))
	m.put(b)
	all := make([]byte, codeSize)
	m.w.Read(codeAt, all)
	if err := os.WriteFile(path, all, 0o600); err != nil {
		t.Fatal(err)
	}
	if m.file, err = os.Open(path); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.file.Close() })
	m.image = true
	return m
}

// end has what a machine had kept.
func (m *machine) end() {
	m.s.Close()
	FreeIdle()
}

// It loops, calls, returns, jumps through a register and to the region's last bytes, which is away from it; RAX is 15.
const hasAll = "b800000000 b905000000 01c8 ffc9 75fa e80f000000 4c8d0503000000 41ffe0 e9d6070000 85c0 7401 c3 0f0b"

func onlyFile(t testing.TB, dir string) string {
	t.Helper()
	list, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(list) != 1 {
		t.Fatalf("%v %v", list, err)
	}
	return list[0]
}

// TestCodeIsKept finds in a second process what the first made, and makes nothing again.
func TestCodeIsKept(t *testing.T) {
	dir, file := t.TempDir(), filepath.Join(t.TempDir(), "image")
	c := NewCache(dir, 1<<20)
	m := newKept(t, c, file, hasAll)
	want := m.result(t)
	made := len(m.regionOnly(t).records)
	if want != 15 || len(m.regionOnly(t).aways) != 1 {
		t.Errorf("%d, and %d ways away", want, len(m.regionOnly(t).aways))
	}
	m.end()
	was, err := os.ReadFile(onlyFile(t, dir))
	if err != nil {
		t.Fatal(err)
	}
	// Something that is in between moves what comes next to another place in the arena.
	between := newImage(t, "b806000000cc")
	between.result(t)
	m = newKept(t, c, file, hasAll)
	defer m.end()
	if got := m.result(t); got != want {
		t.Errorf("%d, not %d", got, want)
	}
	r := m.regionOnly(t)
	if r.kept.records != made || len(r.records) != made || len(r.blocks)+len(r.aways) > 0 {
		t.Errorf("%d blocks were made, %d kept, and there are %d", made, r.kept.records, len(r.records))
	}
	r.save()
	if now, err := os.ReadFile(onlyFile(t, dir)); err != nil || !bytes.Equal(now, was) {
		t.Errorf("it was written again: %v", err)
	}
}

// TestKeptCodeIsTheGuests has a file of the same name and size, with other code.
func TestKeptCodeIsTheGuests(t *testing.T) {
	c := NewCache(t.TempDir(), 1<<20)
	for _, p := range []struct {
		code string
		want uint64
	}{{"b801000000cc", 1}, {"b802000000cc", 2}, {"b802000000cc", 2}, {"90b801000000cc", 1}} {
		m := newKept(t, c, filepath.Join(t.TempDir(), "image"), p.code)
		if got := m.result(t); got != p.want {
			t.Errorf("%s: %d", p.code, got)
		}
		m.end()
	}
}

// TestDamagedCache changes and cuts a file of the cache at each byte: it is not used, and replaced.
func TestDamagedCache(t *testing.T) {
	dir, file := t.TempDir(), filepath.Join(t.TempDir(), "image")
	c := NewCache(dir, 1<<20)
	m := newKept(t, c, file, hasAll)
	want := m.result(t)
	m.end()
	path := onlyFile(t, dir)
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	im, _ := m.Image(codeStart)
	try := func(what string, at int, b []byte) {
		t.Helper()
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		r := m.s.arena.regionFor(im, m.w, false, c)
		if r == nil {
			t.Fatal("no region")
		}
		if len(r.records) != 0 || r.kept.records != 0 || r.chunk.used != r.chunk.start+entrySize {
			t.Errorf("%s at %d: it was taken", what, at)
		}
		if _, err := os.Stat(path); err == nil {
			t.Errorf("%s at %d: it is still there", what, at)
		}
		r.release()
		FreeIdle()
	}
	for i := range good {
		b := bytes.Clone(good)
		b[i] ^= 1 << (i % 8)
		try("changed", i, b)
		try("cut", i, good[:i])
	}
	try("longer", len(good), append(bytes.Clone(good), 0))
	if err := os.WriteFile(path, good[:len(good)-1], 0o600); err != nil {
		t.Fatal(err)
	}
	for i := range 2 {
		m := newKept(t, c, file, hasAll)
		if got := m.result(t); got != want {
			t.Errorf("%d, not %d", got, want)
		}
		if n := m.regionOnly(t).kept.records; (n > 0) != (i > 0) {
			t.Errorf("%d blocks were taken", n)
		}
		m.end()
	}
}

// TestCacheIsBounded fills a cache.
func TestCacheIsBounded(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "not", "yet")
	c := NewCache(dir, 1000)
	for i := range 20 {
		path := filepath.Join(dir, string(rune('a'+i)))
		if err := c.put(path, make([]byte, 100), make([]byte, i)); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, time.Time{}, time.Now().Add(time.Duration(i-20)*time.Minute)); err != nil {
			t.Fatal(err)
		}
	}
	// A shorter one does not replace a longer one.
	if err := c.put(filepath.Join(dir, "t"), make([]byte, 5)); err != nil {
		t.Fatal(err)
	}
	list, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range list {
		names = append(names, e.Name())
	}
	if want := []string{"m", "n", "o", "p", "q", "r", "s", "t"}; !slices.Equal(names, want) {
		t.Errorf("%q are left", names)
	}
	if st, err := os.Stat(filepath.Join(dir, "t")); err != nil || st.Size() != 119 {
		t.Errorf("%v %v", st, err)
	}
}

// FuzzKeptCode loads files with the right sums and anything in them: what is taken is in order, and passed the verifier.
func FuzzKeptCode(f *testing.F) {
	dir, file := f.TempDir(), filepath.Join(f.TempDir(), "image")
	c := NewCache(dir, 1<<20)
	m := newKept(f, c, file, hasAll)
	toEnd(f, m.start())
	m.end()
	path := onlyFile(f, dir)
	good, err := os.ReadFile(path)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good[8:], false)
	f.Add(good[8:], true)
	f.Add([]byte{}, true)
	im, _ := m.Image(codeStart)
	f.Fuzz(func(t *testing.T, b []byte, verified bool) {
		r := m.s.arena.newRegion(regionID{start: im.Start, end: im.End, ino: 1, verified: verified}, im, m.w)
		if r == nil {
			t.Fatal("no region")
		}
		defer freeAll([]*region{r})
		b = append([]byte(savedMagic), b...)
		if len(b) >= savedHeader {
			binary.LittleEndian.PutUint32(b[20:], crc32.Checksum(b[savedHeader:], castagnoli))
		}
		in := filepath.Join(t.TempDir(), "kept")
		for range 2 { // the second time with the right sum of the guest's code
			if err := os.WriteFile(in, b, 0o600); err != nil {
				t.Fatal(err)
			}
			r.kept.path = in
			r.load()
			if len(r.records) > 0 || len(b) < savedHeader {
				break
			}
			other := &region{start: r.start, end: r.end, bytes: r.bytes}
			n := int(binary.LittleEndian.Uint32(b[8:]))
			if lists := n * (recordSize + orderSize); n > len(b) || lists > len(b)-savedHeader ||
				!other.setRecords(b[savedHeader:][:n*recordSize], b[savedHeader+n*recordSize:][:n*orderSize], binary.LittleEndian.Uint32(b[12:])) {
				break
			}
			sum, _ := other.guestSum()
			binary.LittleEndian.PutUint32(b[16:], sum)
		}
		for i, k := range r.records {
			if k.n&isWay != 0 {
				if r.recordAt(k.host) != &r.records[i] || k.n&isOn != 0 && r.loaded(k.key()) == 0 {
					t.Errorf("way %d is not found", i)
				}
				continue
			}
			if r.index(uint64(r.arena.rx)+uint64(k.host)) != i {
				t.Errorf("block %d is not found where it is", i)
			}
			if at := r.loaded(k.key()); at != k.host {
				t.Errorf("block %d is not found by its address", i)
			}
			if got := r.made(i, r.buf[:]); len(got.code) != k.length() || got.pc+uint64(len(got.code)) > memory.Size {
				t.Errorf("block %d: %+v", i, got)
			}
		}
	})
}
