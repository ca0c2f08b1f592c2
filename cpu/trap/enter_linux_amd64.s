#include "go_asm.h"
#include "textflag.h"

// In guest mode SP is the State's address plus 128.

// func enter(s *State)
TEXT ·enter(SB), NOSPLIT|NOFRAME, $0-8
	MOVQ s+0(FP), AX
	MOVQ BP, State_hostBP(AX)
	MOVQ SP, State_hostSP(AX)
	MOVL $0, State_Reason(AX)
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
	MOVL State_features(DI), CX
	TESTL $const_featXsave, CX
	JZ   fxrstor
	MOVL $7, AX
	XORL DX, DX
	XRSTOR64 State_Xsave(DI)
	JMP  vectors
fxrstor:
	FXRSTOR64 State_Xsave(DI)
vectors:
	LEAQ 128(DI), SP
	PUSHQ (State_Flags-128)(SP)
	POPFQ
	MOVQ (State_Regs-128+8*0)(SP), AX
	MOVQ (State_Regs-128+8*1)(SP), CX
	MOVQ (State_Regs-128+8*2)(SP), DX
	MOVQ (State_Regs-128+8*3)(SP), BX
	MOVQ (State_Regs-128+8*5)(SP), BP
	MOVQ (State_Regs-128+8*6)(SP), SI
	MOVQ (State_Regs-128+8*7)(SP), DI
	MOVQ (State_Regs-128+8*8)(SP), R8
	MOVQ (State_Regs-128+8*9)(SP), R9
	MOVQ (State_Regs-128+8*10)(SP), R10
	MOVQ (State_Regs-128+8*11)(SP), R11
	MOVQ (State_Regs-128+8*12)(SP), R12
	MOVQ (State_Regs-128+8*13)(SP), R13
	MOVQ (State_Regs-128+8*14)(SP), R14
	// An interrupt from here on finds the PC in this function and is not lost.
	// The load of the flag must not disturb EFLAGS: jrcxz looks at CX.
	MOVQ CX, (State_Spill + 15*8 - 128)(SP)
	MOVL (State_interrupt-128)(SP), CX
	JCXZQ go
	JMP  ·notEntered(SB)
go:
	MOVQ (State_Spill + 15*8 - 128)(SP), CX
	MOVQ (State_Regs-128+8*15)(SP), R15
	JMP  (State_HostPC-128)(SP)

// Everything up to here is "entering" for the handler.
TEXT ·enterEnd(SB), NOSPLIT|NOFRAME, $0-0
	RET

// notEntered goes back to Go with nothing done: the State still holds all.
TEXT ·notEntered(SB), NOSPLIT|NOFRAME, $0-0
	MOVL $const_ReasonNotEntered, (State_Reason-128)(SP)
	JMP  ·leave(SB)

// exitLink and its kin are called by guest code: the return address is pushed
// onto Spill[15].
TEXT ·exitLink(SB), NOSPLIT|NOFRAME, $0-0
	POPQ (State_HostPC-128)(SP)
	MOVL $const_ReasonLink, (State_Reason-128)(SP)
	JMP  ·exit(SB)

TEXT ·exitSyscall(SB), NOSPLIT|NOFRAME, $0-0
	POPQ (State_HostPC-128)(SP)
	MOVL $const_ReasonSyscall, (State_Reason-128)(SP)
	JMP  ·exit(SB)

TEXT ·exitStop(SB), NOSPLIT|NOFRAME, $0-0
	POPQ (State_HostPC-128)(SP)
	MOVL $const_ReasonStop, (State_Reason-128)(SP)
	JMP  ·exit(SB)

// exitSignal is where the handler sends the thread; Reason and HostPC are set.
TEXT ·exitSignal(SB), NOSPLIT|NOFRAME, $0-0
	JMP  ·exit(SB)

// exit saves the guest's registers; only SP and memory were touched so far.
TEXT ·exit(SB), NOSPLIT|NOFRAME, $0-0
	MOVQ AX, (State_Regs-128+8*0)(SP)
	MOVQ CX, (State_Regs-128+8*1)(SP)
	MOVQ DX, (State_Regs-128+8*2)(SP)
	MOVQ BX, (State_Regs-128+8*3)(SP)
	MOVQ BP, (State_Regs-128+8*5)(SP)
	MOVQ SI, (State_Regs-128+8*6)(SP)
	MOVQ DI, (State_Regs-128+8*7)(SP)
	MOVQ R8, (State_Regs-128+8*8)(SP)
	MOVQ R9, (State_Regs-128+8*9)(SP)
	MOVQ R10, (State_Regs-128+8*10)(SP)
	MOVQ R11, (State_Regs-128+8*11)(SP)
	MOVQ R12, (State_Regs-128+8*12)(SP)
	MOVQ R13, (State_Regs-128+8*13)(SP)
	MOVQ R14, (State_Regs-128+8*14)(SP)
	MOVQ R15, (State_Regs-128+8*15)(SP)
	PUSHFQ
	POPQ (State_Flags-128)(SP)
	CLD
	MOVL (State_features-128)(SP), CX
	MOVL $7, AX
	XORL DX, DX
	TESTL $const_featXsaveopt, CX
	JZ   xsave
	XSAVEOPT64 (State_Xsave-128)(SP)
	JMP  saved
xsave:
	TESTL $const_featXsave, CX
	JZ   fxsave
	XSAVE64 (State_Xsave-128)(SP)
	JMP  saved
fxsave:
	FXSAVE64 (State_Xsave-128)(SP)
saved:
	TESTL $const_featAVX, CX
	JZ   noavx
	VZEROUPPER
noavx:
	LDMXCSR ·goMXCSR(SB)
	JMP  ·leave(SB)

TEXT ·leave(SB), NOSPLIT|NOFRAME, $0-0
	MOVL $0, (State_tid-128)(SP)
	MOVQ BP, (State_Spill-128+8*4)(SP) // nobody's slot; the vet tool wants BP saved first
	MOVQ (State_hostBP-128)(SP), BP
	MOVQ (State_hostSP-128)(SP), SP
	RET

DATA ·goMXCSR(SB)/4, $0x1F80
GLOBL ·goMXCSR(SB), RODATA|NOPTR, $4

// func stubs(p *[8]uintptr)
TEXT ·stubs(SB), NOSPLIT, $0-8
	MOVQ p+0(FP), DI
	LEAQ ·exitLink(SB), AX
	MOVQ AX, 0(DI)
	LEAQ ·exitSyscall(SB), AX
	MOVQ AX, 8(DI)
	LEAQ ·exitStop(SB), AX
	MOVQ AX, 16(DI)
	LEAQ ·handler(SB), AX
	MOVQ AX, 24(DI)
	LEAQ ·enter(SB), AX
	MOVQ AX, 32(DI)
	LEAQ ·enterEnd(SB), AX
	MOVQ AX, 40(DI)
	LEAQ ·copyStart(SB), AX
	MOVQ AX, 48(DI)
	LEAQ ·copyEnd(SB), AX
	MOVQ AX, 56(DI)
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
