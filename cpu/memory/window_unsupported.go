//go:build !(linux && amd64)

package memory

// Window is one guest's memory. This host has none: New fails.
type Window struct{}

// New fails with ErrUnsupported.
func New(below uintptr) (*Window, error) { return nil, ErrUnsupported }

// The methods are there so that what is above builds; without a Window, nobody
// can call them.

func (w *Window) Close() error                                                 { return nil }
func (w *Window) Base() uintptr                                                { return 0 }
func (w *Window) Below() (addr, length uintptr)                                { return 0, 0 }
func (w *Window) Map(addr, n uint64, prot Prot, src Source) error              { return ErrUnsupported }
func (w *Window) Unmap(addr, n uint64) error                                   { return ErrUnsupported }
func (w *Window) Protect(addr, n uint64, prot Prot) error                      { return ErrUnsupported }
func (w *Window) Discard(addr, n uint64) error                                 { return ErrUnsupported }
func (w *Window) Move(from, to, n uint64) error                                { return ErrUnsupported }
func (w *Window) Read(addr uint64, p []byte) int                               { return 0 }
func (w *Window) Write(addr uint64, p []byte) int                              { return 0 }
func (w *Window) Zero(addr, n uint64) uint64                                   { return 0 }
func (w *Window) String(addr uint64, max int) (s string, full, ok bool)        { return "", false, false }
func (w *Window) Load32(addr uint64) (v uint32, ok bool)                       { return 0, false }
func (w *Window) Store32(addr uint64, v uint32) (ok bool)                      { return false }
func (w *Window) CompareAndSwap32(addr uint64, old, new uint32) (uint32, bool) { return 0, false }
func (w *Window) CopyFrom(src *Window, addr, n uint64) (pages int, err error) {
	return 0, ErrUnsupported
}
