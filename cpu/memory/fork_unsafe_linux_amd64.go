package memory

import (
	"encoding/binary"
	"os"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/sbxrun/sbx/cpu/trap"
)

// CopyFrom makes private pages of w hold what src has there, as fork(2) does,
// and returns how many pages it copied. Both windows must have the same
// mappings in the range, and w's must be writable. Pages that src never wrote to
// are not touched: memory that nobody used, and files that still are as they are.
func (w *Window) CopyFrom(src *Window, addr, n uint64) (pages int, err error) {
	from, err := src.place(addr, n)
	if err != nil {
		return 0, err
	}
	to, err := w.place(addr, n)
	if err != nil {
		return 0, err
	}
	self, err := procSelf()
	if err != nil {
		return 0, err
	}
	if !noScan.Load() {
		pages, err := scan(self.pagemap, self.mem, to, from, uintptr(n))
		if err != errNoScan {
			return pages, err
		}
		noScan.Store(true)
	}
	return look(self.pagemap, self.mem, to, from, uintptr(n))
}

// look copies what the entries of all pages say is there.
func look(pagemap, mem *os.File, to, from, n uintptr) (pages int, err error) {
	var entries [512 * 8]byte
	for done := uintptr(0); done < n; {
		left := (n - done) / PageSize
		part := entries[:8*min(left, 512)]
		if _, err := pagemap.ReadAt(part, int64((from+done)/PageSize*8)); err != nil {
			return pages, err
		}
		for len(part) > 0 {
			run := touched(part)
			if run == 0 {
				part, done = part[8:], done+PageSize
				continue
			}
			size := uintptr(run) * PageSize
			if err := copyRun(mem, to+done, from+done, size); err != nil {
				return pages, err
			}
			pages += run
			part, done = part[8*run:], done+size
		}
	}
	return pages, nil
}

// touched counts the pages at the start that are there and are private.
func touched(entries []byte) (n int) {
	const present, swapped, file = 1 << 63, 1 << 62, 1 << 61
	for ; len(entries) > 0; entries = entries[8:] {
		e := binary.LittleEndian.Uint64(entries)
		if e&(present|swapped) == 0 || e&file != 0 {
			break
		}
		n++
	}
	return n
}

// copyRun copies whole pages. Those that the guest itself may not read come by
// the host's kernel.
func copyRun(mem *os.File, to, from, size uintptr) error {
	if trap.Copy(pointer(to), pointer(from), size) == size {
		return nil
	}
	buf := make([]byte, PageSize)
	for off := uintptr(0); off < size; off += PageSize {
		if _, err := mem.ReadAt(buf, int64(from+off)); err != nil {
			return err
		}
		if trap.Copy(pointer(to+off), sliceData(buf), PageSize) != PageSize {
			return unix.EFAULT
		}
	}
	return nil
}

// procSelf holds the two files that tell of our own memory.
var procSelf = sync.OnceValues(func() (p struct{ pagemap, mem *os.File }, err error) {
	if p.pagemap, err = os.Open("/proc/self/pagemap"); err != nil {
		return p, err
	}
	p.mem, err = os.Open("/proc/self/mem")
	return p, err
})
