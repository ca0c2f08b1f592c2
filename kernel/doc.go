// Package kernel is Linux as a process sees it: tasks, descriptors, pipes,
// signals, terminals, /proc, /dev and program loading. It owns the semantics of
// system calls, as methods of [Task]; whoever runs programs (the shell, WASI, an
// executor of machine code) calls them. It knows nothing of images, of
// registries and of instruction encodings.
//
// # Tasks
//
// A [Task] is a thread and has a goroutine; a [Process] is a thread group. What
// clone(2) can share is apart: the descriptor table, the filesystem context
// (cwd, root, umask), the signal actions. A Program runs on the task's
// goroutine and can only be interrupted at its next kernel call: fatal signals
// end the task's context, make every call fail with EINTR, and take effect when
// Run returns. Stops take effect at the next call.
//
// # Blocking
//
// Every blocking call waits with [Task.await]: on the queue of the object, a
// deadline of the kernel's clock, and the task's signals. A call that a caught
// signal interrupts gives EINTR; SA_RESTART is kept in the [Action] for those
// who can restart a call.
//
// # Locks, in order
//
//	Kernel.epollMu    the nesting of epolls
//	epoll.mu          the files an epoll watches; outer epolls before inner ones
//	futexBucket.mu    buckets in order of their place
//	File.pos          the offset of a description, held while it reads or writes
//	Kernel.mu         the process table: tasks, groups, sessions, signals, timers
//	fsContext.mu, fdTable.mu, pipe.mu, hostIn.mu and other objects
//	socket.Stack      all sockets, see there; wakes under its lock
//	ipc.Namespace     System V IPC, likewise
//	Queue.mu          of an object before that of an epoll which watches it
//	epoll.rmu         an epoll's ready list: a leaf
//	asyncQueue.drain  before the others but File.pos: who sends SIGIO holds no lock
//	asyncQueue.mu     what SIGIO is due for: a leaf
//
// Locks of vfs and of kernel/tty may be taken under File.pos, never under Kernel.mu:
// a terminal asks the process table while it works.
package kernel
