// Package rewrite is the fast executor: it runs x86-64 guest code on an x86-64
// host by rewriting it, block by block, into code that is nearly the same. Most
// instructions are copied; what changes is where memory and the stack are.
//
//   - An operand in memory gets the prefixes 65 67: the processor computes a
//     32-bit address and adds GS, which is the base of the guest's window. No
//     operand can leave the window, no register and no flag is spent.
//   - The host's RSP points at the thread's trap.State. The guest's RSP lives in
//     the host's R11. The guest's R11 is in the State, or, from one instruction that
//     needs it to the next, in a register that they do not need (keep). All else is
//     where it was.
//   - What is inserted uses mov, lea, not and jumps, which leave EFLAGS alone.
//   - Direct branches are patched to their targets. Indirect ones and returns go
//     through a table with 8 bytes for each guest address, which lies below
//     the window; an empty slot faults, and the fault makes the block. A call is one of the host's too,
//     which pushes onto the State, and a return is one of the host's to what it has just pushed there from the table:
//     so the processor predicts it, and nothing that a guest can write is believed (call).
//   - A block is what the guest's code is from an address on, over calls and branches, up to some hundred bytes;
//     its branches to itself are no more than branches (scan). It is entered
//     at its start, behind its calls, and where its branches lead to, and ends where another is entered.
//   - There are no polls: SIGURG stops a thread at any host instruction.
//
// # Precise state
//
// A guest instruction becomes a few steps: a scratch register is saved, loaded,
// used and restored. When a thread is stopped in the middle of them, by a fault
// or an interrupt, they are undone up to the instruction's start or done up to its
// end (recover.go). Steps are not kept: the block is made again from the bytes
// that it was made from.
//
// # Code that is shared
//
// All code lies in one arena of the process. What a Space makes of memory that may change
// is its own. What it makes of a file's pages that it can't write to belongs to a region,
// which every Space has that maps the same bytes at the same address: the region's blocks never
// change, its part of the table is mapped into theirs. A Space that changes its mapping leaves the region first.
// Direct branches stay within a region or within what is a Space's own; others go through the table.
// With a [Cache] regions are kept in files, and taken over by the next process (saved).
//
// # Code that changes
//
// Pages that code was taken from and that the guest may write to are write-protected;
// the fault forgets their blocks. Forgetting waits until no thread is in guest
// mode. A page that is written often, or by code of its own, is not protected any
// more: its blocks compare themselves with memory when they are entered (changing).
//
// # Trust
//
// A wrong byte here corrupts the host's process. With [Verified] package verify, which
// was written apart, looks at all code before it is executed. Tests run with it, hold
// random instructions against the bare processor (TestLockStep), and stop threads in
// front of every instruction of the host's (TestStops).
//
// # Locks, in order
//
//	Space.mu     blocks, chunks, the table; held by whoever translates
//	region.mu    what is in a region
//	shared.mu    which regions there are
//	arena.mu     what of the arena is free
//
// A thread enters guest mode without a lock, by its flag and Space.stopping.
package rewrite
