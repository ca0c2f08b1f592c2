// Package syscalls runs programs of machine code as tasks of a kernel: it is the
// border where registers become system calls. The table (table.go) says what
// there is; each handler reads its arguments from the guest's registers and
// memory, calls a method of kernel.Task or mm.Space, and writes the answer.
//
// A [Program] is a kernel.Program: one guest thread. Threads of a process share its
// mm.Space. Faults become signals, signals become frames on the guest's stack.
package syscalls
