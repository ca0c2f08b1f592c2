// Package trap is the door between Go and guest machine code on linux/amd64: it
// enters translated code on the calling goroutine and comes back when that code
// calls an exit, faults, or is interrupted. It knows nothing of what the code
// is; package rewrite makes it and gives meaning to the exits.
//
// # How a thread enters and leaves
//
// [Enter] saves Go's stack pointer in the thread's [State], points GS at the
// guest's window, loads the guest's registers and jumps. In guest mode the stack
// pointer is the State itself, which lies in one reserved range of addresses, so
// that a signal handler tells guest mode by one comparison.
//
// Vectors cost more than all the rest, so they are saved and restored whole only when x87 or the upper halves of AVX
// are in use, which XGETBV tells; else sixteen moves do it, and State.light says so for the way back. Go itself
// never uses x87, but another guest on the same thread of the host may have: x87Used.
//
// # Calls about time
//
// clock_gettime(2), gettimeofday(2) and time(2) need no Go when the guest's clocks are the host's ([State.AnswerTime]): the
// exit for system calls asks the host's vdso(7) on a stack of the State's and goes back. SIGURG that comes meanwhile is noted,
// or sends the thread to look again, so that none is lost.
//
// # Signals
//
// Handlers written in assembly stand in front of Go's for SIGSEGV, SIGBUS,
// SIGILL, SIGFPE, SIGTRAP and SIGURG. In guest mode a fault is noted in the
// State and the thread resumes in the exit; SIGURG, which Go's scheduler and
// [State.Interrupt] send, does the same, and Go's own handler runs after it. Out
// of guest mode, faults within the copying routines of this package make them
// fail, and all else is Go's, nil dereferences included.
package trap
