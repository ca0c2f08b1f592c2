// Package linux owns Linux's numbers: errors, flags, modes, signals, wait
// status, terminals, limits. They are the values of the asm-generic headers that
// x86-64 uses, they do not depend on the host, and the package builds anywhere.
// It does nothing by itself: no system call is made here.
package linux
