// Package vfs owns the files of a sandbox: inodes, image indexes, the
// copy-on-write layer above them, mounts and path walking, with the rules of
// Linux and on any host.
//
// A Super is one file system and checks no permissions. FS is the one that
// containers write to: an immutable Index below, changes in memory above. A
// Namespace mounts Supers into one tree; a Walker resolves paths in it for one
// task and is the only place where permissions are checked.
//
// Names and paths are bytes held in Go strings; they need not be UTF-8. Errors
// are linux.Errno.
//
// Lock order: Namespace.mu, then FS.mu, then the one of pinTable. The mutexes of
// Locks and Watches are leaves: nothing is locked while they are held. A Memory is
// called with FS.mu held, MapOptions.Clean without.
package vfs
