package mm_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/cpu"
	"github.com/sbxrun/sbx/cpu/memory"
	"github.com/sbxrun/sbx/cpu/rewrite"
	"github.com/sbxrun/sbx/kernel/mm"
	"github.com/sbxrun/sbx/vfs"
)

// machine makes windows and the fast executor.
type machine struct{}

func (machine) NewWindow() (*memory.Window, error) { return memory.New(rewrite.Room) }

func (machine) NewExecutor(w *memory.Window, code cpu.Code) (cpu.Executor, error) {
	return rewrite.NewSpace(w, code)
}

// account counts.
type account struct {
	own, held, most, later int64
	limited                bool
}

func (a *account) Charge(n int64) error {
	if a.most > 0 && a.own+n > a.most {
		return linux.ENOMEM
	}
	a.own += n
	return nil
}

func (a *account) Hold(n int64) error { a.held += n; return nil }
func (a *account) PID() int           { return 7 }
func (a *account) Limited() bool      { return a.limited }

func (a *account) Reserve(n int64) error {
	a.later += n
	return nil
}

// OutOfMemory makes room once.
func (a *account) OutOfMemory() bool {
	a.most, a.held = a.most*2, a.held+1
	return a.held == 1
}

func newSpace(t *testing.T, a mm.Account) *mm.Space {
	t.Helper()
	s, err := mm.New(machine{}, a)
	if err != nil {
		t.Skip(err)
	}
	return s
}

// hostFile is a file of the host as a Backing.
type hostFile struct {
	f    *os.File
	refs int
}

func (h *hostFile) Size() (int64, error) { i, err := h.f.Stat(); return i.Size(), err }
func (h *hostFile) Extent(off, n int64) (*os.File, int64, int64, error) {
	if off/4096%2 == 0 { // every other page has to be read
		return h.f, off, min(n, 4096), nil
	}
	return nil, 0, min(n, 4096), nil
}
func (h *hostFile) ReadAt(p []byte, off int64) (int, error) {
	n, err := h.f.ReadAt(p, off)
	if n > 0 {
		err = nil
	}
	return n, err
}
func (h *hostFile) Share(vfs.MapOptions) (*os.File, *vfs.Mapping, error) {
	return nil, nil, linux.ENODEV
}
func (h *hostFile) Fixed() bool { return false }
func (h *hostFile) Key() any    { return h }
func (h *hostFile) Ref()        { h.refs++ }
func (h *hostFile) Unref()      { h.refs-- }

const (
	page  = 4096
	pages = 48
	base  = 0x2000_0000
)

// twin is a space of ours and a range of the host's own, which the same is done to.
type twin struct {
	t    *testing.T
	s    *mm.Space
	host uintptr
	log  []string
}

// reserve returns room in the host's address space where nobody puts anything by
// himself: far below what the kernel and Go choose.
func reserve(t *testing.T) uintptr {
	t.Helper()
	const host = 0x10_0000_0000
	(&twin{t: t}).eachMap(func(lo, hi uintptr, _ string) {
		if lo < host+pages*page && host < hi {
			t.Skip("the place is taken")
		}
	})
	return host
}

func errnoText(e unix.Errno) string {
	if e == 0 {
		return "ok"
	}
	return unix.ErrnoName(e)
}

func ourText(err error) string {
	if err == nil {
		return "ok"
	}
	return unix.ErrnoName(unix.Errno(linux.ErrnoOf(err)))
}

// both compares how a call ended.
func (w *twin) both(what string, ours error, theirs unix.Errno) {
	w.t.Helper()
	w.log = append(w.log, fmt.Sprintf("%s: %s", what, errnoText(theirs)))
	if a, b := ourText(ours), errnoText(theirs); a != b {
		w.t.Fatalf("%s: %s, the host says %s\n%s", what, a, b, strings.Join(w.log, "\n"))
	}
}

func (w *twin) mmap(at, n, prot, flags int, f *os.File, off int64) {
	var file *mm.File
	fd := ^uintptr(0)
	if f != nil {
		file, fd = &mm.File{Name: "file", Ino: 1, Readable: true, Writable: true, Backing: &hostFile{f: f}}, f.Fd()
	} else {
		flags |= unix.MAP_ANON
	}
	_, ours := w.s.Mmap(base+uint64(at*page), uint64(n*page), prot, flags, file, off)
	_, _, theirs := unix.Syscall6(unix.SYS_MMAP, w.host+uintptr(at*page), uintptr(n*page), uintptr(prot), uintptr(flags), fd, uintptr(off))
	w.both(fmt.Sprintf("mmap %d+%d prot %d flags %#x off %d", at, n, prot, flags, off), ours, theirs)
}

// several says that a range of the host's is not a part of one map, or not a hole.
func (w *twin) several(at, n int) bool {
	lo, hi := w.host+uintptr(at*page), w.host+uintptr((at+n)*page)
	several := false
	w.eachMap(func(from, to uintptr, _ string) {
		several = several || from < hi && lo < to && (from > lo || to < hi)
	})
	return several
}

// eachMap lists what the host has mapped.
func (w *twin) eachMap(f func(lo, hi uintptr, prot string)) {
	maps, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		w.t.Skip(err)
	}
	for line := range strings.Lines(string(maps)) {
		var lo, hi uintptr
		var prot string
		if _, err := fmt.Sscanf(line, "%x-%x %s", &lo, &hi, &prot); err != nil {
			w.t.Fatal(line, err)
		}
		f(lo, hi, prot)
	}
}

// layout is one letter a page: how it is protected.
func (w *twin) layouts() (ours, theirs string) {
	a, b := bytes.Repeat([]byte("-"), pages), bytes.Repeat([]byte("-"), pages)
	for _, r := range w.s.Regions() {
		for p := r.Start; p < r.End; p += page {
			if p >= base && p < base+pages*page {
				a[(p-base)/page] = byte('0' + r.Prot)
			}
		}
	}
	w.eachMap(func(lo, hi uintptr, prot string) {
		v := byte('0')
		for i, c := range "rwx" {
			if prot[i] == byte(c) {
				v += 1 << i
			}
		}
		for p := max(lo, w.host); p < min(hi, w.host+pages*page); p += page {
			b[(p-w.host)/page] = v
		}
	})
	return string(a), string(b)
}

// hostRead reads as process_vm_readv(2) can, and write is the same the other way.
func (w *twin) hostIO(at int, b []byte, write bool) int {
	local := []unix.Iovec{{Base: &b[0], Len: uint64(len(b))}}
	remote := []unix.RemoteIovec{{Base: w.host + uintptr(at), Len: len(b)}}
	var n int
	var err error
	if write {
		n, err = unix.ProcessVMWritev(os.Getpid(), local, remote, 0)
	} else {
		n, err = unix.ProcessVMReadv(os.Getpid(), local, remote, 0)
	}
	if err != nil && err != unix.EFAULT {
		w.t.Skip("no access to our own memory: ", err)
	}
	return max(n, 0)
}

func (w *twin) compare() {
	w.t.Helper()
	if a, b := w.layouts(); a != b {
		w.t.Fatalf("ours  %s\ntheirs %s\n%s", a, b, strings.Join(w.log, "\n"))
	}
	for i := range pages {
		var a, b [page]byte
		n, m := w.s.ReadSome(base+uint64(i*page), a[:]), w.hostIO(i*page, b[:], false)
		if n != m || a != b {
			w.t.Fatalf("page %d: %d bytes %x..., the host %d bytes %x...\n%s", i, n, a[:4], m, b[:4], strings.Join(w.log, "\n"))
		}
	}
}

// TestLikeHost does the same at random here and there.
func TestLikeHost(t *testing.T) {
	for seed := range uint64(30) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) { likeHost(t, seed, 120) })
	}
}

func FuzzLikeHost(f *testing.F) {
	f.Add(uint64(100))
	f.Fuzz(func(t *testing.T, seed uint64) { likeHost(t, seed, 60) })
}

func likeHost(t *testing.T, seed uint64, steps int) {
	r := rand.New(rand.NewPCG(seed, 1))
	acc := &account{limited: seed%2 == 1}
	w := &twin{t: t, s: newSpace(t, acc), host: reserve(t)}
	f, err := os.Create(t.TempDir() + "/f")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	text := make([]byte, 10*page+100)
	for i := range text {
		text[i] = byte(i*7 + i/page)
	}
	if _, err := f.Write(text); err != nil {
		t.Fatal(err)
	}
	prot := func() int { return []int{0, 1, 3, 3, 3, 5, 7}[r.IntN(7)] }
	for step := range steps {
		at := r.IntN(pages)
		n := 1 + r.IntN(min(12, pages-at))
		addr, size := base+uint64(at*page), uint64(n*page)
		switch r.IntN(9) {
		case 0, 1:
			w.mmap(at, n, prot(), unix.MAP_FIXED|[]int{unix.MAP_PRIVATE, unix.MAP_SHARED, unix.MAP_PRIVATE | unix.MAP_NORESERVE}[r.IntN(3)], nil, 0)
		case 2:
			w.mmap(at, n, prot(), unix.MAP_FIXED|unix.MAP_PRIVATE, f, int64(r.IntN(12))*page)
		case 3:
			w.mmap(at, n, prot(), unix.MAP_FIXED_NOREPLACE|unix.MAP_PRIVATE, nil, 0)
		case 4:
			_, _, e := unix.Syscall(unix.SYS_MUNMAP, w.host+uintptr(at*page), uintptr(size), 0)
			w.both(fmt.Sprintf("munmap %d+%d", at, n), w.s.Munmap(addr, size), e)
		case 5, 6:
			p := prot()
			_, _, e := unix.Syscall(unix.SYS_MPROTECT, w.host+uintptr(at*page), uintptr(size), uintptr(p))
			w.both(fmt.Sprintf("mprotect %d+%d %d", at, n, p), w.s.Mprotect(addr, size, p), e)
		case 7:
			to, m := r.IntN(pages), 1+r.IntN(12)
			if to+m > pages || w.several(at, n) {
				continue // of several maps it depends on the version
			}
			_, ours := w.s.Mremap(addr, size, uint64(m*page), 3, base+uint64(to*page))
			_, _, e := unix.Syscall6(unix.SYS_MREMAP, w.host+uintptr(at*page), uintptr(size), uintptr(m*page), 3, w.host+uintptr(to*page), 0)
			w.both(fmt.Sprintf("mremap %d+%d to %d+%d", at, n, to, m), ours, e)
		case 8:
			if a, b := w.layouts(); a != b || strings.Contains(a[at:at+n], "-") {
				continue
			}
			_, _, e := unix.Syscall(unix.SYS_MADVISE, w.host+uintptr(at*page), uintptr(size), unix.MADV_DONTNEED)
			w.both(fmt.Sprintf("dontneed %d+%d", at, n), w.s.Madvise(addr, size, unix.MADV_DONTNEED), e)
		}
		// Some bytes over a border.
		b := bytes.Repeat([]byte{byte(step + 1)}, 1+r.IntN(300))
		off := r.IntN(pages*page - len(b))
		if x, y := w.s.WriteSome(base+uint64(off), b), w.hostIO(off, b, true); x != y {
			t.Fatalf("write of %d at %#x: %d, the host %d\n%s", len(b), off, x, y, strings.Join(w.log, "\n"))
		}
		if !acc.limited || step%10 == 9 { // which touches all memory
			w.compare()
		} else if a, b := w.layouts(); a != b {
			t.Fatalf("ours  %s\ntheirs %s\n%s", a, b, strings.Join(w.log, "\n"))
		}
	}
	forked(t, w.s, acc)
	_, _, _ = unix.Syscall(unix.SYS_MUNMAP, w.host, pages*page, 0)
}

// forked compares a copy with what it was made of, and lets both go.
func forked(t *testing.T, s *mm.Space, acc *account) {
	t.Helper()
	other := &account{limited: acc.limited}
	c, err := s.Fork(other)
	if err != nil {
		t.Fatal(err)
	}
	if a, b := fmt.Sprint(s.Regions()), fmt.Sprint(c.Regions()); a != b {
		t.Errorf("forked: %s\nwas: %s", b, a)
	}
	for i := range pages {
		var a, b [page]byte
		n, m := s.ReadSome(base+uint64(i*page), a[:]), c.ReadSome(base+uint64(i*page), b[:])
		if n != m || a != b {
			t.Errorf("page %d differs after fork", i)
		}
	}
	s.Unref()
	c.Unref()
	if acc.own != 0 || acc.held != 0 || acc.later != 0 || other.own != 0 || other.held != 0 || other.later != 0 {
		t.Errorf("not given back: %+v %+v", *acc, *other)
	}
}
