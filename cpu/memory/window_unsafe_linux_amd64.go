package memory

import (
	"fmt"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/sbxrun/sbx/cpu/trap"
)

// Window is one guest's memory.
type Window struct {
	reserved uintptr // of the whole reservation
	length   uintptr
	base     uintptr
	below    uintptr
}

// New reserves a window with at least below bytes of room under it, which
// Below tells and which are the caller's to map.
func New(below uintptr) (*Window, error) {
	if err := trap.Init(); err != nil {
		return nil, fmt.Errorf("%w: %v", ErrUnsupported, err)
	}
	below = uintptr(PageUp(uint64(below)))
	w := &Window{below: below, length: below + GuardBelow + Size + guard}
	p, err := mmap(0, w.length, unix.PROT_NONE, reserveFlags, -1, 0)
	if err != nil {
		return nil, err
	}
	w.reserved = p
	w.base = w.reserved + below + GuardBelow
	runtime.SetFinalizer(w, (*Window).Close)
	return w, nil
}

const reserveFlags = unix.MAP_PRIVATE | unix.MAP_ANONYMOUS | unix.MAP_NORESERVE

// Close gives all memory back. No thread may be in it.
func (w *Window) Close() error {
	runtime.SetFinalizer(w, nil)
	if w.reserved == 0 {
		return nil
	}
	err := unix.MunmapPtr(pointer(w.reserved), w.length)
	w.reserved = 0
	return err
}

// Base is the host's address of guest address 0.
func (w *Window) Base() uintptr { return w.base }

// Below is the room under the guard: its lowest address and its length. The
// room between it and the window is GuardBelow.
func (w *Window) Below() (addr, length uintptr) { return w.reserved, w.below }

func hostProt(p Prot) int {
	h := unix.PROT_NONE
	if p&Read != 0 {
		h |= unix.PROT_READ
	}
	if p&Write != 0 {
		h |= unix.PROT_READ | unix.PROT_WRITE // x86 has no pages that are only written
	}
	return h
}

// place checks a range of whole pages and returns its address.
func (w *Window) place(addr, n uint64) (uintptr, error) {
	if !Inside(addr, n) || addr%PageSize != 0 || n%PageSize != 0 || n == 0 {
		return 0, unix.EINVAL
	}
	return w.base + uintptr(addr), nil
}

// at is where a guest address is.
func (w *Window) at(addr uint64) unsafe.Pointer { return pointer(w.base + uintptr(addr)) }

// Map puts pages at addr in place of what is there.
func (w *Window) Map(addr, n uint64, prot Prot, src Source) error {
	p, err := w.place(addr, n)
	if err != nil {
		return err
	}
	flags := unix.MAP_FIXED | unix.MAP_NORESERVE
	switch {
	case src.File == nil:
		flags |= unix.MAP_PRIVATE | unix.MAP_ANONYMOUS
	case src.Shared:
		flags |= unix.MAP_SHARED
	default:
		flags |= unix.MAP_PRIVATE
	}
	if src.File == nil {
		_, err = mmap(p, uintptr(n), hostProt(prot), flags, -1, 0)
		return err
	}
	_, err = unix.MmapPtr(int(src.File.Fd()), src.Offset, pointer(p), uintptr(n), hostProt(prot), flags) // which may ask a server
	runtime.KeepAlive(src.File)
	return err
}

// Unmap leaves a hole.
func (w *Window) Unmap(addr, n uint64) error {
	p, err := w.place(addr, n)
	if err != nil {
		return err
	}
	_, err = mmap(p, uintptr(n), unix.PROT_NONE, reserveFlags|unix.MAP_FIXED, -1, 0)
	return err
}

// Protect changes what the guest may do.
func (w *Window) Protect(addr, n uint64, prot Prot) error {
	p, err := w.place(addr, n)
	if err != nil {
		return err
	}
	return mprotect(p, uintptr(n), hostProt(prot))
}

// Discard drops the contents of private pages, madvise(2) MADV_DONTNEED.
func (w *Window) Discard(addr, n uint64) error {
	p, err := w.place(addr, n)
	if err != nil {
		return err
	}
	return madvise(p, uintptr(n), unix.MADV_DONTNEED)
}

// Move moves pages with all that they hold, and leaves a hole where they were.
// The ranges may not overlap.
func (w *Window) Move(from, to, n uint64) error {
	p, err := w.place(from, n)
	if err != nil {
		return err
	}
	q, err := w.place(to, n)
	if err != nil {
		return err
	}
	if from < to+n && to < from+n {
		return unix.EINVAL
	}
	if err := mremap(p, q, uintptr(n)); err != nil {
		return err
	}
	_, err = mmap(p, uintptr(n), unix.PROT_NONE, reserveFlags|unix.MAP_FIXED, -1, 0)
	return err
}

// Read copies from the guest and returns how much it could: less than len(p)
// when it met a page that cannot be read.
func (w *Window) Read(addr uint64, p []byte) int {
	n := clip(addr, len(p))
	return int(trap.Copy(sliceData(p), w.at(addr), uintptr(n)))
}

// Write copies to the guest, as Read.
func (w *Window) Write(addr uint64, p []byte) int {
	n := clip(addr, len(p))
	return int(trap.Copy(w.at(addr), sliceData(p), uintptr(n)))
}

// Zero clears guest memory, as Write.
func (w *Window) Zero(addr, n uint64) uint64 {
	if addr > Size {
		return 0
	}
	n = min(n, Size-addr)
	return uint64(trap.Zero(w.at(addr), uintptr(n)))
}

// clip bounds a length to what lies in the window.
func clip(addr uint64, n int) int {
	if addr >= Size {
		return 0
	}
	return int(min(uint64(n), Size-addr))
}

// String reads up to max bytes before a zero byte. ok is false when memory that
// cannot be read came first; full when there was no zero byte.
func (w *Window) String(addr uint64, max int) (s string, full, ok bool) {
	n := clip(addr, max)
	i, readable := trap.Scan(w.at(addr), uintptr(n))
	if !readable || n == 0 && max > 0 {
		return "", false, false
	}
	b := make([]byte, i)
	if w.Read(addr, b) != len(b) {
		return "", false, false
	}
	return string(b), int(i) == max, int(i) < n || n == max
}

// Load32 reads an aligned word as a locked instruction would. ok is false for
// a fault.
func (w *Window) Load32(addr uint64) (v uint32, ok bool) {
	if addr > Size-4 {
		return 0, false
	}
	return trap.Load32(w.at(addr))
}

// Store32 writes an aligned word atomically.
func (w *Window) Store32(addr uint64, v uint32) (ok bool) {
	return addr <= Size-4 && trap.Store32(w.at(addr), v)
}

// CompareAndSwap32 is lock cmpxchg on an aligned word.
func (w *Window) CompareAndSwap32(addr uint64, old, new uint32) (was uint32, ok bool) {
	if addr > Size-4 {
		return 0, false
	}
	return trap.CompareAndSwap32(w.at(addr), old, new)
}
