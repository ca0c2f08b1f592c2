package memory

import (
	"errors"
	"os"
	"sync"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"
)

// noScan is set once the host has shown that it has no PAGEMAP_SCAN: Linux has it from 6.7 on.
var noScan atomic.Bool

var errNoScan = errors.New("no PAGEMAP_SCAN")

// pageRegion is struct page_region.
type pageRegion struct{ start, end, categories uint64 }

// scanArg is struct pm_scan_arg of ioctl_pagemap_scan(2).
type scanArg struct {
	size, flags, start, end, walkEnd, vec, vecLen, maxPages               uint64
	categoryInverted, categoryMask, categoryAnyofMask, categoryReturnMask uint64
}

// regionLists has room for answers, on the heap, whose addresses stay.
var regionLists = sync.Pool{New: func() any { return new([64]pageRegion) }}

const (
	pagemapScan = 0xc0606610
	pageFile    = 1 << 2
	pagePresent = 1 << 3
	pageSwapped = 1 << 4
	pageZero    = 1 << 5 // was only read
)

// scan is look that the host's kernel does the looking for, which skips what it has no tables of. errNoScan says that it
// can't, and that nothing was done.
func scan(pagemap, mem *os.File, to, from, n uintptr) (pages int, err error) {
	regions := regionLists.Get().(*[64]pageRegion)
	defer regionLists.Put(regions)
	arg := scanArg{
		size: uint64(unsafe.Sizeof(scanArg{})), start: uint64(from), end: uint64(from + n), vec: uint64(uintptr(unsafe.Pointer(regions))), vecLen: uint64(len(regions)),
		categoryInverted: pageFile | pageZero, categoryMask: pageFile | pageZero, categoryAnyofMask: pagePresent | pageSwapped, categoryReturnMask: pagePresent | pageSwapped,
	}
	for arg.start < arg.end {
		found, _, e := unix.RawSyscall(unix.SYS_IOCTL, pagemap.Fd(), pagemapScan, uintptr(unsafe.Pointer(&arg)))
		switch {
		case e == unix.EINTR:
			continue
		case e != 0 && arg.start == uint64(from):
			return 0, errNoScan
		case e != 0:
			return pages, e
		}
		for _, r := range regions[:found] {
			size := uintptr(r.end - r.start)
			if err := copyRun(mem, to+uintptr(r.start)-from, uintptr(r.start), size); err != nil {
				return pages, err
			}
			pages += int(size / PageSize)
		}
		if arg.walkEnd <= arg.start {
			break
		}
		arg.start = arg.walkEnd
	}
	return pages, nil
}
