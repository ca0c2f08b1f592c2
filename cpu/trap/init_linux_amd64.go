package trap

import (
	"errors"
	"fmt"
	"slices"
	"sync"

	"golang.org/x/sys/unix"
)

// ErrUnsupported says that this host cannot run guest code directly.
var ErrUnsupported = errors.New("guest code cannot run directly on this host")

func enter(s *State)

// addresses are where the assembly begins, in the order that the handler takes for given within each line.
type addresses struct {
	exitLink, exitStop, handler                                    uintptr
	enter, enterEnd                                                uintptr
	copyStart, copyEnd                                             uintptr
	exitSyscall, times, timesStore, timesDone, timesBack, timesEnd uintptr
}

// find fills in addresses.
func find(p *addresses)

// moved reports whether the linker put them into another order.
func (a *addresses) moved() bool {
	return a.enter >= a.enterEnd || a.copyStart >= a.copyEnd ||
		!slices.IsSorted([]uintptr{a.exitSyscall, a.times, a.timesStore, a.timesDone, a.timesBack, a.timesEnd})
}

//go:noescape
func cpuid(leaf, sub uint32) (a, b, c, d uint32)
func xgetbv() uint64

// CPUID is the instruction.
func CPUID(leaf, sub uint32) (a, b, c, d uint32) { return cpuid(leaf, sub) }

// Read by the handler.
var (
	statesLo, statesHi uintptr
	goHandlers         [65]uintptr
)

// x87Used is set once a guest has come back with x87 in use: it may be so on any thread of the host from then on.
var x87Used uint32

var (
	once    sync.Once
	initErr error
	feats   uint32
	entries addresses
)

// Init prepares the process: it reserves room for States and puts the signal
// handlers in front of Go's. It does so once; later calls return the same error.
func Init() error {
	once.Do(func() { initErr = setUp() })
	return initErr
}

func setUp() error {
	find(&entries)
	if entries.moved() {
		return fmt.Errorf("%w: the linker moved its functions", ErrUnsupported)
	}
	feats = features()
	if feats&featXsave == 0 {
		return fmt.Errorf("%w: the processor has no XSAVE", ErrUnsupported)
	}
	if err := reserveStates(); err != nil {
		return fmt.Errorf("%w: %v", ErrUnsupported, err)
	}
	for _, sig := range []unix.Signal{unix.SIGSEGV, unix.SIGBUS, unix.SIGILL, unix.SIGFPE, unix.SIGTRAP, unix.SIGURG} {
		if err := hook(sig, entries.handler); err != nil {
			return fmt.Errorf("%w: signal %d: %v", ErrUnsupported, sig, err)
		}
	}
	findProcid()
	findClock()
	return nil
}

// features asks the processor and the kernel.
func features() (f uint32) {
	_, _, c, _ := cpuid(1, 0)
	const osxsave, avx = 1 << 27, 1 << 28
	if c&osxsave == 0 {
		return 0
	}
	f |= featXsave
	if c&avx != 0 && xgetbv()&6 == 6 {
		f |= featAVX
	}
	a, _, _, _ := cpuid(13, 1)
	if a&1 != 0 {
		f |= featXsaveopt
	}
	if a&4 != 0 {
		f |= featInUse
	}
	const hwcap2FSGSBASE = 1 << 1
	if auxv(26)&hwcap2FSGSBASE != 0 {
		f |= featFSGSBASE
	}
	return f
}
