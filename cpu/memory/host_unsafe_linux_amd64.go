package memory

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// pointer makes a pointer to memory that is not Go's heap.
func pointer(addr uintptr) unsafe.Pointer { return *(*unsafe.Pointer)(unsafe.Pointer(&addr)) }

func sliceData(p []byte) unsafe.Pointer { return unsafe.Pointer(unsafe.SliceData(p)) }

// The calls that change private memory take microseconds: Go's scheduler is not told of them, which would give the processor away in
// the middle of many and cost as much again.

func mmap(p, n uintptr, prot, flags, fd int, off int64) (uintptr, error) {
	at, _, e := unix.RawSyscall6(unix.SYS_MMAP, p, n, uintptr(prot), uintptr(flags), uintptr(fd), uintptr(off))
	return at, errnoOf(0, 0, e)
}

func mprotect(p, n uintptr, prot int) error {
	return errnoOf(unix.RawSyscall(unix.SYS_MPROTECT, p, n, uintptr(prot)))
}

func madvise(p, n uintptr, advice int) error {
	return errnoOf(unix.RawSyscall(unix.SYS_MADVISE, p, n, uintptr(advice)))
}

func mremap(from, to, n uintptr) error {
	_, _, e := unix.RawSyscall6(unix.SYS_MREMAP, from, n, n, unix.MREMAP_MAYMOVE|unix.MREMAP_FIXED, to, 0)
	return errnoOf(0, 0, e)
}

func errnoOf(_, _ uintptr, e unix.Errno) error {
	if e != 0 {
		return e
	}
	return nil
}
