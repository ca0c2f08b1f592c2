package rewrite

import (
	"encoding/binary"
	"fmt"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"
)

// defaultCacheSize bounds the code of one address space. It is reserved, not committed.
const (
	defaultCacheSize = 64 << 20
	minCacheSize     = 64 << 10 // several of the longest blocks
)

// cache is memory for code, mapped twice: to be written and to be executed, never both.
type cache struct {
	rw   []byte
	rx   uintptr
	size int
	used uint32
}

func newCache(size int) (*cache, error) {
	size = (max(size, minCacheSize) + 4095) &^ 4095
	fd, err := unix.MemfdCreate("sbx-code", unix.MFD_CLOEXEC|mfdExec)
	if err == unix.EINVAL {
		fd, err = unix.MemfdCreate("sbx-code", unix.MFD_CLOEXEC) // before Linux 6.3
	}
	if err != nil {
		return nil, fmt.Errorf("memory for code: %w", err)
	}
	defer unix.Close(fd)
	if err := unix.Ftruncate(fd, int64(size)); err != nil {
		return nil, err
	}
	rw, err := unix.Mmap(fd, 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED|unix.MAP_NORESERVE)
	if err != nil {
		return nil, err
	}
	rx, err := unix.MmapPtr(fd, 0, nil, uintptr(size), unix.PROT_READ|unix.PROT_EXEC, unix.MAP_SHARED|unix.MAP_NORESERVE)
	if err != nil {
		unix.Munmap(rw)
		return nil, err
	}
	return &cache{rw: rw, rx: uintptr(rx), size: size, used: entrySize}, nil
}

const mfdExec = 0x10 // MFD_EXEC

func (c *cache) close() {
	unix.Munmap(c.rw)
	unix.MunmapPtr(hostPointer(c.rx), uintptr(c.size))
}

// reset forgets all code and gives its memory back.
func (c *cache) reset() {
	_ = unix.Madvise(c.rw[:(c.used+4095)&^4095], unix.MADV_REMOVE)
	c.used = entrySize
}

// next is where the next block's branches will enter.
func (c *cache) next(align uint32) uint32 { return (c.used + entrySize + align - 1) &^ (align - 1) }

// hasRoom reports whether a block of n bytes fits at an offset.
func (c *cache) hasRoom(at uint32, n int) bool { return uint64(at)+uint64(n) <= uint64(c.size) }

// put stores a block's code at an offset that next told, with the way in from the table before it.
func (c *cache) put(at uint32, code []byte) {
	copy(c.rw[at-entrySize:], entryCode)
	copy(c.rw[at:], code)
	c.used = at + uint32(len(code))
}

var entryCode = entry()

// patch changes a displacement while others may execute it. It lies within 8
// aligned bytes, which is what makes the store one to all of them.
func (c *cache) patch(rel, to uint32) {
	word := (*atomic.Uint64)(unsafe.Pointer(&c.rw[rel&^7]))
	var b [8]byte
	binary.LittleEndian.PutUint64(b[:], word.Load())
	binary.LittleEndian.PutUint32(b[rel&7:], to-rel-4)
	word.Store(binary.LittleEndian.Uint64(b[:]))
}

// setSlot makes indirect branches to guest address pc lead to a host address.
func setSlot(tableTop uintptr, pc uint64, host uintptr) {
	(*atomic.Uintptr)(hostPointer(tableTop - uintptr(slotSize*(pc+1)))).Store(host)
}

func getSlot(tableTop uintptr, pc uint64) uintptr {
	return (*atomic.Uintptr)(hostPointer(tableTop - uintptr(slotSize*(pc+1)))).Load()
}

// hostPointer makes a pointer to memory that is not Go's heap.
func hostPointer(addr uintptr) unsafe.Pointer { return *(*unsafe.Pointer)(unsafe.Pointer(&addr)) }

// mapTable makes the table, empty, in the room below the window.
func mapTable(addr uintptr) error {
	_, err := unix.MmapPtr(-1, 0, hostPointer(addr), tableSize, unix.PROT_READ|unix.PROT_WRITE,
		unix.MAP_PRIVATE|unix.MAP_ANONYMOUS|unix.MAP_FIXED|unix.MAP_NORESERVE)
	return err
}
