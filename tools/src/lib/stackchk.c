/* What Debian's compiler-rt for wasm32 asks for in its 128-bit division: it was built with a stack protector, which
 * WebAssembly has no use for, since a return address can't be overwritten there. */
#ifdef __wasm__
#include <stdint.h>
#include <stdlib.h>

uintptr_t __stack_chk_guard = 0x5bd1e995;

__attribute__((noreturn)) void __stack_chk_fail(void) { abort(); }
#endif
