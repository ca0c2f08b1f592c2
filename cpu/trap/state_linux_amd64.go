package trap

import "sync/atomic"

// Reason says why guest mode ended.
type Reason uint32

// The reasons.
const (
	ReasonNone        Reason = iota
	ReasonLink               // a direct branch that leads nowhere yet
	ReasonSyscall            // the instruction syscall
	ReasonStop               // an instruction for Go to carry out
	ReasonFault              // a signal: see State.Signal
	ReasonInterrupted        // SIGURG, at any host PC
	ReasonNotEntered         // an interrupt came before the first instruction
)

// State is one thread's registers and what its code finds beside its stack
// pointer. It is memory of the host's, not of Go's heap, and is used by one
// goroutine at a time, but for Interrupt.
//
// In guest mode RSP points at the field R15: translated code names fields by their
// distance from it, and calls of exits push onto Spill[15].
type State struct {
	Spill [16]uint64 // scratch registers, by number, while they are borrowed
	R15   uint64     // the guest's R15; the host's holds the guest's RSP

	FSBase, GSBase uint64 // the guest's
	ExitLink       uintptr
	ExitSyscall    uintptr
	ExitStop       uintptr
	Window         uint64 // base of the guest's memory
	Temp           [3]uint64

	Regs   [16]uint64 // at an exit: as the host had them; [4] is not used
	Flags  uint64
	HostPC uint64 // where to enter; at an exit, the address behind the call or of the fault

	Reason Reason
	Signal uint32 // of a fault
	Code   int32  // its si_code
	Trap   uint32 // the processor's trap number
	Error  uint64 // the error code it pushed: bit 1 is a write, bit 4 a fetch
	Addr   uint64 // the address, in the host's space

	hostSP, hostBP uint64
	cacheLo        uint64
	cacheHi        uint64
	interrupt      atomic.Uint32
	tid            atomic.Uint32 // of the host's thread while it may be in guest mode
	features       uint32

	_     [statePad]byte
	Xsave [xsaveSize]byte // x87, SSE and AVX, in the standard format
}

// xsaveSize is the standard format with AVX.
const xsaveSize = 512 + 64 + 256

// Distances from RSP in guest mode, for the makers of code.
const (
	OffSpill       = -128
	OffR15         = 0
	OffFSBase      = 8
	OffGSBase      = 16
	OffExitLink    = 24
	OffExitSyscall = 32
	OffExitStop    = 40
	OffWindow      = 48
	OffTemp        = 56
)

const (
	featXsaveopt = 1 << iota
	featAVX
	featFSGSBASE
	featXsave
)

// Interrupt makes the thread leave guest mode soon, or not enter it. Safe from
// any goroutine while the State is not freed.
func (s *State) Interrupt() {
	s.interrupt.Store(1)
	if tid := s.tid.Load(); tid != 0 {
		kick(int(tid))
	}
}

// Interrupted reports whether Interrupt was called, and forgets it.
func (s *State) Interrupted() bool { return s.interrupt.Swap(0) != 0 }

// SetCache tells which addresses hold the thread's code.
func (s *State) SetCache(lo, hi uintptr) { s.cacheLo, s.cacheHi = uint64(lo), uint64(hi) }

// Enter runs guest code from s.HostPC until it exits: s.Reason says why. It is
// not inlined, so that the scheduler's wishes are looked at on every way in: an
// interrupt that came from it must not lead straight back into the guest.
//
//go:noinline
func (s *State) Enter() { enter(s) }
