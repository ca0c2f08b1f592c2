// Package mm is the memory of a guest process as Linux has it: areas of an
// address space, mmap(2) and its kin, the break, and copies between kernel and
// guest that fail with EFAULT. The pages themselves are a memory.Window's, and
// whoever executes them is a cpu.Executor, which is told of code that changes.
//
// An address space is 4 GiB. Addresses above are ENOMEM to ask for, and EFAULT in system calls; an
// instruction that touches one touches what the lower 32 bits of it name, where Linux would fault. Code
// and libraries are placed in the lower half, large maps in the upper one.
//
// Small maps and shared memory are charged for when they are made; what the Account says when there is none
// left is what Mmap and Mprotect return, with nothing changed. Where there is a limit, the heap and large ones are charged for as they are touched (lazy.go), and having
// none left ends a process.
//
// # Locks, in order
//
//	Space.mu     the areas; held while they and the window change
//	(vfs.FS's)   a mapping is made, told of stores and closed with Space.mu held
//	object.mu, users.mu: leaves
//
// vfs asks to be told of stores again (object.clean) without any lock of its own, because
// that takes the Space.mu of every space that maps the file, one at a time.
//
// The executor is called with Space.mu held, and asks Executable, which takes no
// lock: it reads a list that is replaced before and after every change of code.
package mm
