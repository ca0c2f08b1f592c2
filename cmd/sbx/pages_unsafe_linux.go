package main

import (
	"debug/elf"
	"unsafe"

	"golang.org/x/sys/unix"
)

// dropPages lets go of the pages of this program's own file: most of what a start has touched of it, the commands, the flags, the
// formats, is not needed again, and what is comes back from the page cache with a fault. Only what nobody can have written
// to is dropped, in a program that lies where its file says.
func dropPages() {
	f, err := elf.Open("/proc/self/exe")
	if err != nil {
		return
	}
	defer f.Close()
	if f.Type != elf.ET_EXEC {
		return
	}
	page := uint64(unix.Getpagesize())
	for _, p := range f.Progs {
		if p.Type != elf.PT_LOAD || p.Flags&elf.PF_W != 0 {
			continue
		}
		start, end := (p.Vaddr+page-1)&^(page-1), (p.Vaddr+p.Filesz)&^(page-1)
		if start < end {
			addr := uintptr(start)
			_ = unix.Madvise(unsafe.Slice((*byte)(*(*unsafe.Pointer)(unsafe.Pointer(&addr))), end-start), unix.MADV_DONTNEED)
		}
	}
}
