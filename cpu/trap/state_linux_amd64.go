package trap

import (
	"encoding/binary"
	"sync/atomic"

	"github.com/sbxrun/sbx/cpu"
)

// Reason says why guest mode ended.
type Reason uint32

// The reasons.
const (
	ReasonNone        Reason = iota
	ReasonLink               // a direct branch that leads nowhere yet
	ReasonSyscall            // the instruction syscall
	ReasonStop               // an instruction for Go to carry out
	ReasonAnswered           // the instruction syscall, which is done: SIGURG came meanwhile
	ReasonFault              // a signal: see State.Signal
	ReasonInterrupted        // SIGURG, at any host PC
	ReasonNotEntered         // an interrupt came before the first instruction
)

// Signalled reports whether it was SIGURG that ended guest mode.
func (r Reason) Signalled() bool { return r == ReasonAnswered || r > ReasonFault }

// State is one thread's registers and what its code finds beside its stack
// pointer. It is memory of the host's, not of Go's heap, and is used by one
// goroutine at a time, but for Interrupt.
//
// In guest mode RSP points at GPR[15]. The host's R11 holds the guest's RSP, and the
// guest's R11 stays in GPR[11]. Translated code names fields by their distance from RSP; calls of exits
// push onto GPR[14], which is free then.
type State struct {
	cpu.Regs
	Spill       [3]uint64 // registers that translated code borrows
	ExitLink    uintptr
	ExitSyscall uintptr
	ExitStop    uintptr
	Window      uint64 // base of the guest's memory
	Kept        uint64 // the register that translated code has the guest's R11 in

	HostPC uint64 // where to enter; at an exit, the address behind the call or of the fault

	Reason Reason
	Signal uint32 // of a fault
	Code   int32  // its si_code
	Trap   uint32 // the processor's trap number
	Error  uint64 // the error code it pushed: bit 1 is a write, bit 4 a fetch
	Addr   uint64 // the address, in the host's space

	hostSP, hostBP uint64
	lastBP         uint64 // nobody reads it
	cacheLo        uint64
	cacheHi        uint64
	interrupt      atomic.Uint32
	wanted         uint32        // SIGURG came while a call was answered
	tid            atomic.Uint32 // of the host's thread while it may be in guest mode
	features       uint32
	times          uint32    // not 0: clocks are answered here (times_linux_amd64.s)
	clock          uint32    // which one is
	answer, boot   [2]uint64 // seconds and nanoseconds: what the host says, and the guest's boot by CLOCK_MONOTONIC
	again          uint64    // where SIGURG last found timesBack, which then began again; for tests
	// light says that x87 and AVX are in their initial state, so that moves load the vectors.
	light uint32
	// handed says that Vectors gave Xsave away, whose header may not tell that any more.
	handed bool

	_     [statePad]byte
	Xsave [cpu.VectorSize]byte // x87, SSE and AVX, in the standard format
	clean [cleanSize]byte      // the initial state of all, likewise
	lent  [256]byte            // XMM0 to 15 while the host's clock is asked
}

// cleanSize is x87, SSE and the header; the rest is not looked at when the header names nothing.
const cleanSize = 512 + 64

// Distances from RSP in guest mode, for the makers of code.
const (
	OffR11         = -32
	OffFSBase      = 24
	OffGSBase      = 32
	OffSpill       = 40 // 8 bytes each
	OffExitLink    = 64
	OffExitSyscall = 72
	OffExitStop    = 80
	OffWindow      = 88
	OffKept        = 96
)

// Layout that the assembly shares with package cpu.
const (
	origin   = 120 // what RSP points at, from the State's start
	offFlags = 136
)

const (
	featXsaveopt = 1 << iota
	featAVX
	featFSGSBASE
	featXsave
	featInUse // XGETBV tells what is not in its initial state
)

// Interrupt makes the thread leave guest mode soon, or not enter it. Safe from
// any goroutine while the State is not freed.
func (s *State) Interrupt() {
	s.interrupt.Store(1)
	if tid := s.tid.Load(); tid != 0 {
		kick(int(tid))
	}
}

// Kick makes the thread leave guest mode, if it is there. Safe from any goroutine
// while the State is not freed.
func (s *State) Kick() {
	if tid := s.tid.Load(); tid != 0 {
		kick(int(tid))
	}
}

// Interrupted reports whether Interrupt was called, and forgets it.
func (s *State) Interrupted() bool { return s.interrupt.Load() != 0 && s.interrupt.Swap(0) != 0 }

// SetCache tells which addresses hold the thread's code.
func (s *State) SetCache(lo, hi uintptr) { s.cacheLo, s.cacheHi = uint64(lo), uint64(hi) }

// Enter runs guest code from s.HostPC until it exits: s.Reason says why. It is
// not inlined, so that the scheduler's wishes are looked at on every way in: an
// interrupt that came from it must not lead straight back into the guest.
//
//go:noinline
func (s *State) Enter() {
	if s.handed {
		s.takeBack()
	}
	enter(s)
}

// Vectors are x87, SSE and AVX with all bytes and bits as they are: what the
// processor left out, for it was in its initial state, is filled in.
//
// They are to be asked for again after each Enter.
func (s *State) Vectors() []byte {
	s.light, s.handed = 0, true
	bv := binary.LittleEndian.Uint64(s.Xsave[512:])
	if bv&1 == 0 {
		mxcsr := [4]byte(s.Xsave[24:28])
		clear(s.Xsave[:160])
		binary.LittleEndian.PutUint16(s.Xsave[0:], initialFCW)
		copy(s.Xsave[24:], mxcsr[:])
	}
	if bv&2 == 0 {
		clear(s.Xsave[160:416])
	}
	if bv&4 == 0 {
		clear(s.Xsave[576:])
	}
	clear(s.Xsave[520:576])
	if bv &= 7; bv != 7 {
		binary.LittleEndian.PutUint64(s.Xsave[512:], 7)
	}
	return s.Xsave[:]
}

// takeBack finds which of the vectors that Vectors gave away are in their initial state. What the header names
// would count as in use from then on, and cost time at every way in and out.
func (s *State) takeBack() {
	s.handed = false
	if s.features&featInUse == 0 {
		return
	}
	bv := binary.LittleEndian.Uint64(s.Xsave[512:])
	if binary.LittleEndian.Uint64(s.Xsave[:]) == initialFCW && zero(s.Xsave[8:24]) && zero(s.Xsave[32:160]) {
		bv &^= 1
	}
	if zero(s.Xsave[576:]) {
		bv &^= 4
	}
	binary.LittleEndian.PutUint64(s.Xsave[512:], bv)
	if bv == 2 {
		s.light = 1
	}
}

// initialFCW is the control word of x87 as FNINIT has it.
const initialFCW = 0x37f

// zero reports whether all bytes are.
func zero(b []byte) bool {
	for ; len(b) >= 8; b = b[8:] {
		if binary.LittleEndian.Uint64(b) != 0 {
			return false
		}
	}
	return true
}
