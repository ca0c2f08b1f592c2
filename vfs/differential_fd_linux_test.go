package vfs

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/sbxrun/sbx/abi/linux"
)

// fdOp makes an operation on something open. Reads and writes go to slots that
// both sides opened in the right mode only: the access mode is the kernel
// package's to check.
func (g *generator) fdOp() op {
	slot := pick(g.r, slices.Sorted(maps.Keys(g.slots))...)
	if g.r.IntN(8) == 0 {
		return op{fmt.Sprintf("close %d", slot), func(t target) (string, error) { return noText(t.close(slot)) }}
	}
	if g.uid == 0 && g.r.IntN(6) == 0 { // who else may do this is the kernel package's affair
		p := g.path()
		return op{fmt.Sprintf("linkfd %d %q", slot, p), func(t target) (string, error) { return noText(t.linkfd(slot, p)) }}
	}
	stat := op{fmt.Sprintf("fstat %d", slot), func(t target) (string, error) { return t.fstat(slot) }}
	if !g.slots[slot] {
		return stat
	}
	off := pick[int64](g.r, 0, 1, 4095, 4096, 65535, 65536, 100_000, 200_000, 1<<20)
	n := pick(g.r, 1, 10, 4096, 5000, 65536, 150_000)
	switch g.r.IntN(8) {
	case 0, 1:
		data := strings.Repeat(pick(g.r, "x", "yz", "abc"), n)[:n]
		return op{fmt.Sprintf("pwrite %d %d at %d", slot, n, off), onFile(slot, true, func(t target) (string, error) { return t.pwrite(slot, data, off) })}
	case 2:
		data := strings.Repeat("q", n)
		return op{fmt.Sprintf("append %d %d", slot, n), onFile(slot, true, func(t target) (string, error) { return t.append(slot, data) })}
	case 3:
		return op{fmt.Sprintf("pread %d %d at %d", slot, n, off), onFile(slot, false, func(t target) (string, error) { return t.pread(slot, n, off) })}
	case 4:
		return op{fmt.Sprintf("ftruncate %d %d", slot, off), onFile(slot, true, func(t target) (string, error) { return noText(t.ftruncate(slot, off)) })}
	case 5:
		mode := pick[uint32](g.r, 0, linux.FALLOC_FL_KEEP_SIZE, linux.FALLOC_FL_PUNCH_HOLE|linux.FALLOC_FL_KEEP_SIZE, linux.FALLOC_FL_PUNCH_HOLE)
		if g.noReserve {
			mode |= linux.FALLOC_FL_PUNCH_HOLE
		}
		return op{fmt.Sprintf("fallocate %d %x %d %d", slot, mode, off, n), onFile(slot, true, func(t target) (string, error) { return noText(t.fallocate(slot, mode, off, int64(n))) })}
	case 6:
		wh := pick(g.r, linux.SEEK_DATA, linux.SEEK_HOLE)
		return op{fmt.Sprintf("seek %d %d %d", slot, off, wh), onFile(slot, false, func(t target) (string, error) { return t.seek(slot, off, wh) })}
	}
	return stat
}

// onFile does an operation only on regular files opened for it.
func onFile(slot int, write bool, do func(target) (string, error)) func(target) (string, error) {
	var skip bool
	return func(t target) (string, error) {
		if h, ok := t.(*hostFS); ok {
			skip = !h.usable(slot, write)
		}
		if skip {
			return t.fstat(slot)
		}
		return do(t)
	}
}
