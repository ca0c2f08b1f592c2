// Package mqueue owns POSIX message queues, mq_overview(7): a filesystem with one
// directory whose files are queues, and what sending and receiving does. As in package
// ipc nothing blocks: a call that cannot be done yet gives an [ipc.Wait]. Signals are
// not sent here either: a call returns the [Notice] that is due.
//
// It has one lock, FS.mu, a leaf but for the accounts that are charged under it.
package mqueue
