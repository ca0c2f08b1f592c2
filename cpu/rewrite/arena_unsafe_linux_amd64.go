package rewrite

import (
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Sizes of what is reserved, not committed, once for the process.
const (
	arenaSize  = 2 << 30 // what a branch can reach
	arenaUnit  = 64 << 10
	tablesSize = 256 << 30 // of guest code that is shared, 8 times as large
)

// arena is the process's memory for code, mapped twice: to be written and to be
// executed, never both. Beside it is the memory of the tables that Spaces share.
type arena struct {
	rw     []byte
	rx     uintptr
	memory int // the descriptors of it
	tables int // and of theirs

	mu    sync.Mutex // a leaf
	code  spans
	left  uint64 // the sum of them
	slots spans
}

var errArena = errors.New("rewrite: no memory for code is left")

// theArena makes it when it is first needed. It stays.
var theArena = sync.OnceValues(func() (*arena, error) {
	fd, err := memfd("sbx-code", mfdExec)
	if err == unix.EINVAL {
		fd, err = memfd("sbx-code", 0) // before Linux 6.3
	}
	if err != nil {
		return nil, fmt.Errorf("memory for code: %w", err)
	}
	a := &arena{memory: fd}
	if err := unix.Ftruncate(fd, arenaSize); err != nil {
		return nil, fmt.Errorf("memory for code: %w", err)
	}
	if a.rw, err = unix.Mmap(fd, 0, arenaSize, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED|unix.MAP_NORESERVE); err != nil {
		return nil, fmt.Errorf("memory for code: %w", err)
	}
	rx, err := unix.MmapPtr(fd, 0, nil, arenaSize, unix.PROT_READ|unix.PROT_EXEC, unix.MAP_SHARED|unix.MAP_NORESERVE)
	if err != nil {
		unix.Munmap(a.rw)
		return nil, fmt.Errorf("memory for code: %w", err)
	}
	a.rx = uintptr(rx)
	if a.tables, err = memfd("sbx-tables", 0); err == nil {
		err = unix.Ftruncate(a.tables, tablesSize)
	}
	if err != nil {
		unix.Munmap(a.rw)
		unix.MunmapPtr(rx, arenaSize)
		return nil, fmt.Errorf("memory for code: %w", err)
	}
	a.left = arenaSize - arenaUnit // offset 0 stands for none
	a.code.free(arenaUnit, a.left)
	a.slots.free(0, tablesSize)
	return a, nil
})

const mfdExec = 0x10 // MFD_EXEC

func memfd(name string, flags int) (int, error) {
	return unix.MemfdCreate(name, unix.MFD_CLOEXEC|flags)
}

// How much of the arena must be left to others by who takes of it: a region, which can be done
// without, and a Space that has a chunk.
const (
	leftByRegion = arenaSize / 2
	leftBySpace  = arenaSize / 4
)

// take reserves memory for n bytes of code, if as much as left says is free then.
func (a *arena) take(n uint32, left uint64) (c chunk, ok bool) {
	n = (n + arenaUnit - 1) &^ (arenaUnit - 1)
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.left < uint64(n)+left {
		return chunk{}, false
	}
	at, ok := a.code.take(uint64(n))
	if !ok {
		return chunk{}, false
	}
	a.left -= uint64(n)
	return chunk{arena: a, start: uint32(at), end: uint32(at) + n, used: uint32(at) + entrySize}, true
}

// giveBack frees a chunk's memory and reservation. Nobody executes it any more.
func (a *arena) giveBack(c *chunk) {
	if c.end == c.start {
		return
	}
	c.clear()
	a.mu.Lock()
	defer a.mu.Unlock()
	a.code.free(uint64(c.start), uint64(c.end-c.start))
	a.left += uint64(c.end - c.start)
	c.end = c.start
}

// takeTable reserves a table for n bytes of guest code.
func (a *arena) takeTable(n uint64) (off int64, ok bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	at, ok := a.slots.take(slotSize * n)
	return int64(at), ok
}

// clearTable empties a table.
func (a *arena) clearTable(off int64, n uint64) {
	_ = unix.Fallocate(a.tables, unix.FALLOC_FL_PUNCH_HOLE|unix.FALLOC_FL_KEEP_SIZE, off, int64(slotSize*n))
}

func (a *arena) giveBackTable(off int64, n uint64) {
	a.clearTable(off, n)
	a.mu.Lock()
	defer a.mu.Unlock()
	a.slots.free(uint64(off), slotSize*n)
}

// patch changes a displacement while others may execute it. It lies within 8
// aligned bytes, which is what makes the store one to all of them.
func (a *arena) patch(rel, to uint32) {
	word := (*atomic.Uint64)(unsafe.Pointer(&a.rw[rel&^7]))
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

const tableFlags = unix.MAP_PRIVATE | unix.MAP_ANONYMOUS | unix.MAP_FIXED | unix.MAP_NORESERVE

// mapTable makes the table, empty, in the room below the window.
func mapTable(addr uintptr) error {
	_, err := unix.MmapPtr(-1, 0, hostPointer(addr), tableSize, unix.PROT_READ|unix.PROT_WRITE, tableFlags)
	return err
}

// tableRange is where the slots of guest addresses are.
func tableRange(tableTop uintptr, start, end uint64) (addr, n uintptr) {
	return tableTop - uintptr(slotSize*end), uintptr(slotSize * (end - start))
}

// shareTable makes the slots of guest addresses those of a table that others have too.
func (a *arena) shareTable(tableTop uintptr, start, end uint64, off int64) error {
	addr, n := tableRange(tableTop, start, end)
	_, err := unix.MmapPtr(a.tables, off, hostPointer(addr), n, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED|unix.MAP_FIXED|unix.MAP_NORESERVE)
	return err
}

// unshareTable makes the slots of guest addresses the Space's own again, all empty.
func unshareTable(tableTop uintptr, start, end uint64) error {
	addr, n := tableRange(tableTop, start, end)
	_, err := unix.MmapPtr(-1, 0, hostPointer(addr), n, unix.PROT_READ|unix.PROT_WRITE, tableFlags)
	return err
}

// mapFile maps a piece of a file that never changes.
func mapFile(fd int, off int64, n uint64) ([]byte, error) {
	p, err := unix.MmapPtr(fd, off, nil, uintptr(n), unix.PROT_READ, unix.MAP_PRIVATE)
	if err != nil {
		return nil, err
	}
	return unsafe.Slice((*byte)(p), n), nil
}

// ownPages are pages outside of Go's heap.
func ownPages(n uint64) ([]byte, error) {
	p, err := unix.MmapPtr(-1, 0, nil, uintptr(n), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS)
	if err != nil {
		return nil, err
	}
	return unsafe.Slice((*byte)(p), n), nil
}

func freePages(b []byte) { _ = unix.MunmapPtr(unsafe.Pointer(unsafe.SliceData(b)), uintptr(len(b))) }

func pointerTo(p []byte) unsafe.Pointer { return unsafe.Pointer(unsafe.SliceData(p)) }
