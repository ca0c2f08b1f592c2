// Package wasi runs WebAssembly modules as kernel tasks: WASI preview 1 over
// the kernel's files, pipes, terminals, clock and signals, and the module "sbx"
// for what preview 1 lacks (owners, modes, processes, terminals; see
// tools/include/sbx.h).
//
// It owns the wazero runtime, the compiled modules and their cache on disk. It
// knows nothing of images and containers. An [Engine] is shared by any number
// of kernels: a module is compiled once for each content, and every process
// gets an instance of its own with its own memory.
//
// # Descriptors
//
// A guest's 0, 1 and 2 are the task's. Its 3 is the preopened directory "/",
// which is the task's root. What the guest opens is numbered from 4; the
// kernel's descriptors behind those are close-on-exec.
//
// # How modules run
//
// A module is compiled when it is first run. One that says of itself that it
// runs shortly is interpreted until it has been used a few times. Compiled code
// is kept in [Config].CacheDir, each entry under the sum of its content, which is
// checked before use; whatever happens to that folder costs only time.
//
// # Ends
//
// Before a module is compiled or interpreted, checks are put into it (see
// interrupt.go): a task that is killed leaves its module at the next host call
// or check, and the garbage collector never waits longer than that. exec(2)
// unwinds the module. A trap becomes the signal that a native program would
// have died of: unreachable is SIGABRT, an access out of bounds or a stack
// overflow is SIGSEGV, a bad division is SIGFPE.
//
// # Locks
//
// Engine.compiling is held over one compilation, and taken before Engine.mu.
// Engine.mu is never held over a compilation, a host call or a kernel call.
package wasi
