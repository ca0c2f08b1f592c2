// Package ipc owns what System V IPC keeps, sysvipc(7): semaphore sets, message
// queues, and the names and rights of shared memory, whose pages are somebody
// else's. It knows neither tasks nor files, and nothing in it blocks: a call that
// cannot be done yet gives a [Wait], which whoever makes it possible also completes,
// in the order in which they came.
//
// Objects of a [Namespace] are one sandbox's; its Close gives all of them back.
// Errors are linux.Errno, in the order in which Linux finds them.
//
// It has one lock, Namespace.mu. Under it memory is charged and freed, and waits are
// woken, which must not come back. Who detaches memory may hold the lock of an
// address space.
package ipc
