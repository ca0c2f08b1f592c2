// Package cpu is the contract between whoever runs guest instructions and whoever
// serves what they ask for. An executor runs a thread's registers over a guest's
// memory until something is needed that is not computation: a system call, a
// fault, an instruction that is no program's to execute, an interrupt. At every
// exit the guest's state is precise: all instructions before Regs.RIP are done and
// none from there on is.
//
// Executors know nothing of files and processes, and of Linux only what [Thread].AnswerTime says. Package rewrite is the
// fast one, for linux/amd64.
package cpu

import (
	"errors"
	"os"
	"time"
)

// ErrUnsupported says that an executor does not work on this host.
var ErrUnsupported = errors.New("this host cannot run x86-64 machine code")

// Regs are the registers of a thread that are not vectors, numbered as x86
// instructions number them: RAX RCX RDX RBX RSP RBP RSI RDI R8...R15.
type Regs struct {
	GPR            [16]uint64
	RIP            uint64
	Flags          uint64 // RFLAGS
	FSBase, GSBase uint64
}

// The registers, by their numbers.
const (
	RAX = iota
	RCX
	RDX
	RBX
	RSP
	RBP
	RSI
	RDI
	R8
	R9
	R10
	R11
	R12
	R13
	R14
	R15
)

// Reason says why a thread came back.
type Reason uint8

// The reasons. For all but Syscall, RIP is at the instruction that could not
// be done; Breakpoint is behind it, as on the processor.
const (
	Syscall     Reason = iota + 1 // RIP is behind it, RCX and R11 are as it leaves them
	Fault                         // a page fault at Exit.Addr, #PF
	Beyond                        // a file is shorter than its mapping: SIGBUS
	Unaligned                     // #AC
	Illegal                       // #UD
	Protection                    // #GP: a privileged instruction
	Divide                        // #DE
	Float                         // #XM or #MF: an unmasked floating-point exception
	Breakpoint                    // int3
	Interrupted                   // by Thread.Interrupt
	Failed                        // the executor cannot go on: Exit.Err
)

// Access is what a faulting instruction wanted.
type Access uint8

// The kinds of access.
const (
	AccessRead Access = iota
	AccessWrite
	AccessExecute
)

// Exit tells what a thread needs.
type Exit struct {
	Reason  Reason
	Access  Access // of a Fault
	Present bool   // the page of a Fault is there and forbids the access
	Addr    uint64 // of a Fault, or Beyond
	Err     error
}

// Thread is one guest thread. Its methods are for one goroutine at a time,
// but for Interrupt.
type Thread interface {
	// Regs are the thread's registers, to be read and changed between runs.
	Regs() *Regs
	// Vectors are x87, SSE and AVX in the standard format of XSAVE (Intel SDM
	// volume 1, 13.4), of VectorSize bytes, likewise.
	Vectors() []byte
	// ResetVectors gives them the state of a new process.
	ResetVectors()
	// Run runs until something is needed.
	Run() Exit
	// Interrupt makes Run return Interrupted soon: the present one, or else
	// the next one. Safe from any goroutine until Close returned.
	Interrupt()
	// AnswerTime lets the thread answer system calls of Linux that only read the host's clocks by
	// itself, without coming back, if it can: the time of day, and the time since boot, which is what
	// the host's CLOCK_MONOTONIC showed when the guest's was 0. With on false none is.
	AnswerTime(on bool, boot time.Duration)
	// OnPreempt has Run call f when the host wanted the thread of its own that the guest ran on, after that was given up: with
	// what that one showed when the guest was left, and what the one shows that Run goes on with. f is also called when Run finds
	// itself on another one, with what the earlier one shows now; and when f is set, and when another one is, or nil.
	OnPreempt(f func(left, back HostTime))
	// Close gives the thread's memory back.
	Close()
}

// HostTime is what a thread of the host showed at a moment.
type HostTime struct {
	Clock  time.Duration // the host's monotonic clock
	Thread int           // 0: the host does not tell what it used
	CPU    time.Duration // what it had used
}

// VectorSize is the XSAVE area with x87, SSE and AVX.
const VectorSize = 512 + 64 + 256

// Code tells an executor what it may execute. Its methods are called from the
// goroutines of threads and must not call the Executor.
type Code interface {
	// Executable reports whether addr may be executed, the address up to which
	// the same holds, and whether the guest may write there too.
	Executable(addr uint64) (end uint64, writable, ok bool)
	// Aliased reports whether code at addr may change without a write there and without
	// the executor being told: through another mapping of its memory.
	Aliased(addr uint64) bool
	// Image tells of the piece of a file that addr lies in, if that may be executed and
	// was never written to since it was mapped.
	Image(addr uint64) (im Image, ok bool)
}

// Image is a piece of a file where it is mapped, whole pages.
type Image struct {
	Start, End uint64 // guest addresses
	// File has the bytes, from Offset on, and never changes. It is nil when that is not known:
	// then they are what is there in memory.
	File   *os.File
	Offset int64
}

// Executor runs the threads of one address space.
type Executor interface {
	// NewThread makes a thread with registers of zero.
	NewThread() (Thread, error)
	// Invalidate forgets what was made of code in n bytes from addr, and any
	// protection that the executor put on its pages. It returns when no thread
	// executes the old code any more. It is to be called before pages that may
	// be executed are unmapped, replaced, or protected in another way.
	Invalidate(addr, n uint64)
	// Written prepares pages for a write from outside of the executor. It
	// reports whether the executor had write-protected any of them, that is,
	// whether it makes sense to try a failed write again.
	Written(addr, n uint64) bool
	// Inherit is called on the executor of a new address space whose executable pages
	// are those of another one, which does not change them meanwhile.
	Inherit(from Executor)
	// Close frees everything. No thread may run.
	Close()
}
