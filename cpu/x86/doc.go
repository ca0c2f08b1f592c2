// Package x86 decodes the machine code of x86-64 in 64-bit mode.
//
// It is a whitelist. The tables in table/ name every instruction that a user program for x86-64-v3 can meet, and what is
// not in them is [ErrInvalid]: EVEX, XOP, 3DNow!, transactional memory, protection keys, virtualisation. Instructions
// that exist but fault in user mode are in the tables, with the class [Privileged], because their fault is another one.
//
// [Decode] fills an [Inst] with the fields of the encoding, and points it at its [Form], the entry of the table: what
// the fields name, what is read and written, how wide memory is accessed, what CPUID feature the instruction belongs to.
// Both the rewriter and the interpreter build on that. Decode does not allocate, and needs only Inst.Len bytes.
//
// Encodings that processors of the two makers treat differently, or that no assembler emits, are refused rather than
// guessed: a 66 prefix on a near branch without REX.W, two different segment prefixes of which one is FS or GS,
// F2 or F3 before an instruction that has no use for it. Ignored prefixes that compilers do emit (padding with 66 and
// CS, BND, NOTRACK, REP before RET, a 67 before CALL) are accepted and recorded.
//
// References: Intel 64 and IA-32 Architectures Software Developer's Manual, volume 2 (instruction formats, opcode map);
// AMD64 Architecture Programmer's Manual, volume 3.
package x86

//go:generate go run ./gen
