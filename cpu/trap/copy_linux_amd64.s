#include "textflag.h"

// A fault between copyStart and copyEnd goes on at copyFault. None of these
// functions has a frame, so the handler need not unwind: R9 is where the answer
// goes, and CX is what was left to do, not 0 until all is done.
TEXT ·copyStart(SB), NOSPLIT|NOFRAME, $0-0
	RET

// func copyBytes(dst, src, n uintptr) (left uintptr)
TEXT ·copyBytes(SB), NOSPLIT|NOFRAME, $0-32
	MOVQ dst+0(FP), DI
	MOVQ src+8(FP), SI
	MOVQ n+16(FP), CX
	LEAQ left+24(FP), R9
	REP; MOVSB
	MOVQ CX, left+24(FP)
	RET

// func zeroBytes(dst, n uintptr) (left uintptr)
TEXT ·zeroBytes(SB), NOSPLIT|NOFRAME, $0-24
	MOVQ dst+0(FP), DI
	MOVQ n+8(FP), CX
	LEAQ left+16(FP), R9
	XORL AX, AX
	REP; STOSB
	MOVQ CX, left+16(FP)
	RET

// func scanBytes(p, n uintptr) (left uintptr): to the first 0, which is counted
// in left; 0 when there is none.
TEXT ·scanBytes(SB), NOSPLIT|NOFRAME, $0-32
	MOVQ p+0(FP), DI
	MOVQ n+8(FP), CX
	LEAQ left+16(FP), R9
	MOVQ $1, failed+24(FP)
	JCXZQ none
scan:
	CMPB (DI), $0
	JEQ  none
	INCQ DI
	DECQ CX
	JNZ  scan
none:
	MOVQ $0, failed+24(FP)
	MOVQ CX, left+16(FP)
	RET

// func load32(p uintptr) (v, failed uintptr)
TEXT ·load32(SB), NOSPLIT|NOFRAME, $0-24
	MOVQ p+0(FP), DI
	LEAQ failed+16(FP), R9
	MOVQ $1, CX
	MOVL (DI), AX
	MOVQ AX, v+8(FP)
	MOVQ $0, failed+16(FP)
	RET

// func store32(p, v uintptr) (failed uintptr)
TEXT ·store32(SB), NOSPLIT|NOFRAME, $0-24
	MOVQ p+0(FP), DI
	MOVQ v+8(FP), AX
	LEAQ failed+16(FP), R9
	MOVQ $1, CX
	XCHGL AX, (DI)
	MOVQ $0, failed+16(FP)
	RET

// func cas32(p, old, new uintptr) (was, failed uintptr)
TEXT ·cas32(SB), NOSPLIT|NOFRAME, $0-40
	MOVQ p+0(FP), DI
	MOVQ old+8(FP), AX
	MOVQ new+16(FP), DX
	LEAQ failed+32(FP), R9
	MOVQ $1, CX
	LOCK
	CMPXCHGL DX, (DI)
	MOVL AX, AX
	MOVQ AX, was+24(FP)
	MOVQ $0, failed+32(FP)
	RET

TEXT ·copyEnd(SB), NOSPLIT|NOFRAME, $0-0
	RET

TEXT ·copyFault(SB), NOSPLIT|NOFRAME, $0-0
	MOVQ CX, (R9)
	RET
