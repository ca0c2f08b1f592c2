// Package seccomp owns the filters of seccomp(2): classic BPF programs that look at a
// system call's number and arguments and say what becomes of it. They come from guests,
// so they are checked as Linux checks them before they ever run: what runs ends, for it
// only jumps forward, and reads nothing but what it is given.
//
// A [Filter] does not change once it is made.
package seccomp
