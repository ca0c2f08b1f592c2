package trap

// Routines that touch memory which may be unmapped, protected or truncated
// under them: they fail instead of crashing. Addresses are the host's.

func copyBytes(dst, src, n uintptr) (left uintptr)
func zeroBytes(dst, n uintptr) (left uintptr)
func scanBytes(p, n uintptr) (left, failed uintptr)
func load32(p uintptr) (v, failed uintptr)
func store32(p, v uintptr) (failed uintptr)
func cas32(p, old, new uintptr) (was, failed uintptr)

// Copy copies n bytes and returns how many it could: fewer than n when either
// side faulted. The ranges may be changed by others meanwhile.
func Copy(dst, src, n uintptr) uintptr { return n - copyBytes(dst, src, n) }

// Zero clears n bytes and returns how many it could.
func Zero(dst, n uintptr) uintptr { return n - zeroBytes(dst, n) }

// Scan looks for a zero byte in n bytes: its index, or n. ok is false when it
// met memory that cannot be read, at the index that it returns.
func Scan(p, n uintptr) (index uintptr, ok bool) {
	left, failed := scanBytes(p, n)
	return n - left, failed == 0
}

// Load32 reads an aligned word atomically.
func Load32(p uintptr) (v uint32, ok bool) {
	w, failed := load32(p)
	return uint32(w), failed == 0
}

// Store32 writes an aligned word atomically.
func Store32(p uintptr, v uint32) (ok bool) { return store32(p, uintptr(v)) == 0 }

// CompareAndSwap32 is lock cmpxchg: it returns the old value of the word.
func CompareAndSwap32(p uintptr, old, new uint32) (was uint32, ok bool) {
	w, failed := cas32(p, uintptr(old), uintptr(new))
	return uint32(w), failed == 0
}
