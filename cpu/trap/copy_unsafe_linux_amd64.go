package trap

import "unsafe"

// Routines that touch memory which may be unmapped, protected or truncated
// under them: they fail instead of crashing. Addresses are the host's.

//go:noescape
func copyBytes(dst, src unsafe.Pointer, n uintptr) (left uintptr)

//go:noescape
func zeroBytes(dst unsafe.Pointer, n uintptr) (left uintptr)

//go:noescape
func scanBytes(p unsafe.Pointer, n uintptr) (left, failed uintptr)

//go:noescape
func load32(p unsafe.Pointer) (v, failed uintptr)

//go:noescape
func store32(p unsafe.Pointer, v uintptr) (failed uintptr)

//go:noescape
func cas32(p unsafe.Pointer, old, new uintptr) (was, failed uintptr)

// Copy copies n bytes and returns how many it could: fewer than n when either
// side faulted. The ranges may be changed by others meanwhile.
func Copy(dst, src unsafe.Pointer, n uintptr) uintptr { return n - copyBytes(dst, src, n) }

// Zero clears n bytes and returns how many it could.
func Zero(dst unsafe.Pointer, n uintptr) uintptr { return n - zeroBytes(dst, n) }

// Scan looks for a zero byte in n bytes: its index, or n. ok is false when it
// met memory that cannot be read, at the index that it returns.
func Scan(p unsafe.Pointer, n uintptr) (index uintptr, ok bool) {
	left, failed := scanBytes(p, n)
	return n - left, failed == 0
}

// Load32 reads an aligned word atomically.
func Load32(p unsafe.Pointer) (v uint32, ok bool) {
	w, failed := load32(p)
	return uint32(w), failed == 0
}

// Store32 writes an aligned word atomically.
func Store32(p unsafe.Pointer, v uint32) (ok bool) { return store32(p, uintptr(v)) == 0 }

// CompareAndSwap32 is lock cmpxchg: it returns the old value of the word.
func CompareAndSwap32(p unsafe.Pointer, old, new uint32) (was uint32, ok bool) {
	w, failed := cas32(p, uintptr(old), uintptr(new))
	return uint32(w), failed == 0
}
