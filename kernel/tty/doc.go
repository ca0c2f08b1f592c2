// Package tty owns terminals: the N_TTY line discipline of Linux and the
// pseudo-terminal pair around it, in memory and without any help of the host.
//
// A [TTY] is one pair. Its slave side ([TTY.OpenSlave]) is what programs use as
// their terminal; its master side ([TTY.Master]) is what a terminal emulator
// holds: bytes written there are typed input, bytes read there are the screen's.
// Both sides are an [End], one for each open file description.
//
// The package knows nothing of processes. What it needs to know of the process
// that asks comes as a [Caller]; signals go out through [Signals]. Calls that
// may block take a [WaitFunc], which parks the caller and decides what
// interrupts it; a nil WaitFunc never blocks and gives EAGAIN.
//
// Locking: one mutex for each TTY, a leaf: no method of Signals, Caller or a
// watcher is ever called while it is held, except the read-only questions
// SID, PGID, IsLeader, SignalIgnored, Orphaned, which must not call back.
//
// Memory is bounded: 4 KiB of cooked input, 4 KiB of echo, and two queues of at
// most 12 KiB, whatever bytes and settings arrive.
package tty
