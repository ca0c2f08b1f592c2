#include "go_asm.h"
#include "textflag.h"

// In guest mode SP is the State's address plus origin.

// func enter(s *State)
TEXT ·enter(SB), NOSPLIT|NOFRAME, $0-8
	MOVQ s+0(FP), AX
	MOVQ BP, State_hostBP(AX)
	MOVQ SP, State_hostSP(AX)
	MOVL $0, State_Reason(AX)
	MOVL $0, State_wanted(AX)
	// Whose thread this is. Go does not move a goroutine out of assembly.
	MOVQ ·procidOff(SB), CX
	TESTQ CX, CX
	JZ   gettid
	MOVQ (TLS), DX
	MOVQ 48(DX), DX
	MOVL (DX)(CX*1), DX
	JMP  gottid
gettid:
	MOVQ AX, R12
	MOVQ $186, AX // gettid
	SYSCALL
	MOVQ AX, DX
	MOVQ R12, AX
gottid:
	XCHGL DX, State_tid(AX) // before the flag is read below
	MOVQ State_Window(AX), DX
	TESTL $const_featFSGSBASE, State_features(AX)
	JZ   setgs
	BYTE $0xF3; BYTE $0x48; BYTE $0x0F; BYTE $0xAE; BYTE $0xC9 // rdgsbase rcx
	CMPQ CX, DX
	JEQ  gsdone // writing it costs ten times as much
	BYTE $0xF3; BYTE $0x48; BYTE $0x0F; BYTE $0xAE; BYTE $0xDA // wrgsbase rdx
	JMP  gsdone
setgs:
	MOVQ AX, R12
	MOVQ DX, SI
	MOVQ $0x1001, DI // ARCH_SET_GS
	MOVQ $158, AX    // arch_prctl
	SYSCALL
	MOVQ R12, AX
gsdone:
	MOVQ AX, DI
	CMPL State_light(DI), $0
	JEQ  whole
	// x87 and the upper halves are to be in their initial state, which VZEROUPPER sees to for the latter.
	CMPL ·x87Used(SB), $0
	JEQ  moves
	MOVL $1, CX
	XGETBV
	TESTL $1, AX
	JZ   moves
	MOVL $1, AX
	XORL DX, DX
	XRSTOR64 State_clean(DI)
moves:
	TESTL $const_featAVX, State_features(DI)
	JZ   noavx
	VZEROUPPER
noavx:
	LDMXCSR (State_Xsave+24)(DI)
	MOVUPS (State_Xsave+160)(DI), X0
	MOVUPS (State_Xsave+176)(DI), X1
	MOVUPS (State_Xsave+192)(DI), X2
	MOVUPS (State_Xsave+208)(DI), X3
	MOVUPS (State_Xsave+224)(DI), X4
	MOVUPS (State_Xsave+240)(DI), X5
	MOVUPS (State_Xsave+256)(DI), X6
	MOVUPS (State_Xsave+272)(DI), X7
	MOVUPS (State_Xsave+288)(DI), X8
	MOVUPS (State_Xsave+304)(DI), X9
	MOVUPS (State_Xsave+320)(DI), X10
	MOVUPS (State_Xsave+336)(DI), X11
	MOVUPS (State_Xsave+352)(DI), X12
	MOVUPS (State_Xsave+368)(DI), X13
	MOVUPS (State_Xsave+384)(DI), X14
	MOVUPS (State_Xsave+400)(DI), X15
	JMP  vectors
whole:
	MOVL State_features(DI), CX
	TESTL $const_featXsave, CX
	JZ   fxrstor
	TESTL $1, (State_Xsave+512)(DI)
	JZ   xrstor
	CMPL ·x87Used(SB), $0
	JNE  xrstor
	MOVL $1, ·x87Used(SB)
xrstor:
	MOVL $7, AX
	XORL DX, DX
	XRSTOR64 State_Xsave(DI)
	JMP  vectors
fxrstor:
	FXRSTOR64 State_Xsave(DI)
vectors:
	LEAQ const_offFlags(DI), SP
	POPFQ
	LEAQ const_origin(DI), SP
	MOVQ (8*0-const_origin)(SP), AX
	MOVQ (8*1-const_origin)(SP), CX
	MOVQ (8*2-const_origin)(SP), DX
	MOVQ (8*3-const_origin)(SP), BX
	MOVQ (8*4-const_origin)(SP), R11
	MOVQ (8*5-const_origin)(SP), BP
	MOVQ (8*6-const_origin)(SP), SI
	MOVQ (8*7-const_origin)(SP), DI
	MOVQ (8*8-const_origin)(SP), R8
	MOVQ (8*9-const_origin)(SP), R9
	MOVQ (8*10-const_origin)(SP), R10
	MOVQ (8*12-const_origin)(SP), R12
	MOVQ (8*13-const_origin)(SP), R13
	MOVQ (8*14-const_origin)(SP), R14
	MOVQ (8*15-const_origin)(SP), R15
	// An interrupt from here on finds the PC in this function and is not lost.
	// The load of the flag must not disturb EFLAGS: jrcxz looks at CX.
	MOVQ CX, (State_Spill+8-const_origin)(SP)
	MOVL (State_interrupt-const_origin)(SP), CX
	JCXZQ go
	JMP  ·notEntered(SB)
go:
	MOVQ (State_Spill+8-const_origin)(SP), CX
	JMP  (State_HostPC-const_origin)(SP)

// Everything up to here is "entering" for the handler.
TEXT ·enterEnd(SB), NOSPLIT|NOFRAME, $0-0
	RET

// notEntered goes back to Go with nothing done: the State still holds all.
TEXT ·notEntered(SB), NOSPLIT|NOFRAME, $0-0
	MOVL $const_ReasonNotEntered, (State_Reason-const_origin)(SP)
	MOVL (State_features-const_origin)(SP), CX
	JMP  ·leave(SB)

// exitLink and its kin are called by guest code: the return address is pushed
// onto GPR[14].
TEXT ·exitLink(SB), NOSPLIT|NOFRAME, $0-0
	POPQ (State_HostPC-const_origin)(SP)
	MOVL $const_ReasonLink, (State_Reason-const_origin)(SP)
	JMP  ·exit(SB)

TEXT ·exitStop(SB), NOSPLIT|NOFRAME, $0-0
	POPQ (State_HostPC-const_origin)(SP)
	MOVL $const_ReasonStop, (State_Reason-const_origin)(SP)
	JMP  ·exit(SB)

// exitSignal is where the handler sends the thread; Reason and HostPC are set.
TEXT ·exitSignal(SB), NOSPLIT|NOFRAME, $0-0
	JMP  ·exit(SB)

// exit saves the guest's registers; only SP and memory were touched so far.
TEXT ·exit(SB), NOSPLIT|NOFRAME, $0-0
	LEAQ (const_offFlags+8-const_origin)(SP), SP
	PUSHFQ
	LEAQ (const_origin-const_offFlags)(SP), SP
	JMP  ·save(SB)

// save is exit with the flags saved.
TEXT ·save(SB), NOSPLIT|NOFRAME, $0-0
	MOVQ AX, (8*0-const_origin)(SP)
	MOVQ CX, (8*1-const_origin)(SP)
	MOVQ DX, (8*2-const_origin)(SP)
	MOVQ BX, (8*3-const_origin)(SP)
	MOVQ R11, (8*4-const_origin)(SP)
	MOVQ BP, (8*5-const_origin)(SP)
	MOVQ SI, (8*6-const_origin)(SP)
	MOVQ DI, (8*7-const_origin)(SP)
	MOVQ R8, (8*8-const_origin)(SP)
	MOVQ R9, (8*9-const_origin)(SP)
	MOVQ R10, (8*10-const_origin)(SP)
	MOVQ R12, (8*12-const_origin)(SP)
	MOVQ R13, (8*13-const_origin)(SP)
	MOVQ R14, (8*14-const_origin)(SP)
	MOVQ R15, (8*15-const_origin)(SP)
	// Most often only the lower halves of the vectors are in use: to move them costs a tenth of saving and restoring all.
	TESTL $const_featInUse, (State_features-const_origin)(SP)
	JZ   whole
	MOVL $1, CX
	XGETBV
	TESTL $5, AX
	JNZ  used
	MOVUPS X0, (State_Xsave+160-const_origin)(SP)
	MOVUPS X1, (State_Xsave+176-const_origin)(SP)
	MOVUPS X2, (State_Xsave+192-const_origin)(SP)
	MOVUPS X3, (State_Xsave+208-const_origin)(SP)
	MOVUPS X4, (State_Xsave+224-const_origin)(SP)
	MOVUPS X5, (State_Xsave+240-const_origin)(SP)
	MOVUPS X6, (State_Xsave+256-const_origin)(SP)
	MOVUPS X7, (State_Xsave+272-const_origin)(SP)
	MOVUPS X8, (State_Xsave+288-const_origin)(SP)
	MOVUPS X9, (State_Xsave+304-const_origin)(SP)
	MOVUPS X10, (State_Xsave+320-const_origin)(SP)
	MOVUPS X11, (State_Xsave+336-const_origin)(SP)
	MOVUPS X12, (State_Xsave+352-const_origin)(SP)
	MOVUPS X13, (State_Xsave+368-const_origin)(SP)
	MOVUPS X14, (State_Xsave+384-const_origin)(SP)
	MOVUPS X15, (State_Xsave+400-const_origin)(SP)
	STMXCSR (State_Xsave+24-const_origin)(SP)
	MOVQ $2, (State_Xsave+512-const_origin)(SP) // XSTATE_BV: SSE
	MOVL $1, (State_light-const_origin)(SP)
	MOVL (State_features-const_origin)(SP), CX
	JMP  ·leave(SB)
used:
	TESTL $1, AX
	JZ   whole
	CMPL ·x87Used(SB), $0
	JNE  whole
	MOVL $1, ·x87Used(SB)
whole:
	MOVL $0, (State_light-const_origin)(SP)
	MOVL (State_features-const_origin)(SP), CX
	MOVL $7, AX
	XORL DX, DX
	TESTL $const_featXsaveopt, CX
	JZ   xsave
	XSAVEOPT64 (State_Xsave-const_origin)(SP)
	JMP  saved
xsave:
	TESTL $const_featXsave, CX
	JZ   fxsave
	XSAVE64 (State_Xsave-const_origin)(SP)
	JMP  saved
fxsave:
	FXSAVE64 (State_Xsave-const_origin)(SP)
saved:
	JMP  ·leave(SB)

// leave makes the processor what Go expects; CX has the features. The guest's DF and MXCSR may be there.
TEXT ·leave(SB), NOSPLIT|NOFRAME, $0-0
	CLD
	TESTL $const_featAVX, CX
	JZ   noavx
	VZEROUPPER
noavx:
	// The guest's own MXCSR is as Go's in most programs, but for what it has met, which does nothing.
	MOVL (State_Xsave+24-const_origin)(SP), AX
	ANDL $~0x3f, AX
	CMPL AX, $0x1F80
	JEQ  modes
	LDMXCSR ·goMXCSR(SB)
modes:
	MOVL $0, (State_tid-const_origin)(SP)
	MOVQ BP, (State_lastBP-const_origin)(SP) // the vet tool wants BP saved first
	MOVL (State_Reason-const_origin)(SP), CX
	MOVQ (State_hostBP-const_origin)(SP), BP
	MOVQ (State_hostSP-const_origin)(SP), SP
	CMPL CX, $const_ReasonStop
	JLS  called
	RET
called:
	// The guest came by a call, whose return the processor still waits for: without one, all of Go's above would be mispredicted.
	LEAQ ·left(SB), AX
	LEAQ -8(SP), SP
	MOVQ AX, (SP)
	RET

// left returns to Go.
TEXT ·left(SB), NOSPLIT|NOFRAME, $0-0
	RET

DATA ·goMXCSR(SB)/4, $0x1F80
GLOBL ·goMXCSR(SB), RODATA|NOPTR, $4

// func find(p *addresses)
TEXT ·find(SB), NOSPLIT, $0-8
	MOVQ p+0(FP), DI
	LEAQ ·exitLink(SB), AX
	MOVQ AX, addresses_exitLink(DI)
	LEAQ ·exitSyscall(SB), AX
	MOVQ AX, addresses_exitSyscall(DI)
	LEAQ ·exitStop(SB), AX
	MOVQ AX, addresses_exitStop(DI)
	LEAQ ·handler(SB), AX
	MOVQ AX, addresses_handler(DI)
	LEAQ ·enter(SB), AX
	MOVQ AX, addresses_enter(DI)
	LEAQ ·enterEnd(SB), AX
	MOVQ AX, addresses_enterEnd(DI)
	LEAQ ·copyStart(SB), AX
	MOVQ AX, addresses_copyStart(DI)
	LEAQ ·copyEnd(SB), AX
	MOVQ AX, addresses_copyEnd(DI)
	LEAQ ·times(SB), AX
	MOVQ AX, addresses_times(DI)
	LEAQ ·timesStore(SB), AX
	MOVQ AX, addresses_timesStore(DI)
	LEAQ ·timesDone(SB), AX
	MOVQ AX, addresses_timesDone(DI)
	LEAQ ·timesBack(SB), AX
	MOVQ AX, addresses_timesBack(DI)
	LEAQ ·timesEnd(SB), AX
	MOVQ AX, addresses_timesEnd(DI)
	RET

// func cpuid(leaf, sub uint32) (a, b, c, d uint32)
TEXT ·cpuid(SB), NOSPLIT, $0-24
	MOVL leaf+0(FP), AX
	MOVL sub+4(FP), CX
	CPUID
	MOVL AX, a+8(FP)
	MOVL BX, b+12(FP)
	MOVL CX, c+16(FP)
	MOVL DX, d+20(FP)
	RET

// func xgetbv() uint64
TEXT ·xgetbv(SB), NOSPLIT, $0-8
	XORL CX, CX
	XGETBV
	SHLQ $32, DX
	ORQ  DX, AX
	MOVQ AX, ret+0(FP)
	RET

// func curm() uintptr: the runtime's m of this thread.
TEXT ·curm(SB), NOSPLIT, $0-8
	MOVQ (TLS), AX
	MOVQ 48(AX), AX
	MOVQ AX, ret+0(FP)
	RET
