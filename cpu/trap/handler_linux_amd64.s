#include "go_asm.h"
#include "textflag.h"

// Offsets within the kernel's ucontext (asm/sigcontext.h behind uc_flags, uc_link and uc_stack).
#define UC_RSP 160
#define UC_RIP 168
#define UC_ERR 192
#define UC_TRAPNO 200
#define UC_CR2 216

// handler(DI = signal, SI = *siginfo, DX = *ucontext) is installed by rt_sigaction
// and runs on the thread's signal stack. Every register is the kernel's to
// restore, so any may be used.
TEXT ·handler(SB), NOSPLIT|NOFRAME, $0-0
	MOVQ UC_RSP(DX), AX
	MOVQ UC_RIP(DX), CX
	CMPQ AX, ·statesLo(SB)
	JB   hostmode
	CMPQ AX, ·statesHi(SB)
	JAE  hostmode

	MOVL AX, R8
	ANDL $0x3000, R8
	CMPL R8, $0x3000
	JNE  lent

	// Guest mode. The State begins at the page that AX is in.
	ANDQ $~0xfff, AX
	CMPQ CX, State_cacheLo(AX)
	JB   outside
	CMPQ CX, State_cacheHi(AX)
	JAE  outside
incache:
	MOVQ CX, State_HostPC(AX)
	CMPL DI, $23 // SIGURG
	JEQ  interrupted
	MOVL $const_ReasonFault, State_Reason(AX)
	MOVL DI, State_Signal(AX)
	MOVL 8(SI), R8
	MOVL R8, State_Code(AX)
	MOVQ UC_TRAPNO(DX), R8
	MOVL R8, State_Trap(AX)
	MOVQ UC_ERR(DX), R8
	MOVQ R8, State_Error(AX)
	MOVQ 16(SI), R8
	MOVQ R8, State_Addr(AX)
	CALL ·toExit(SB)
	RET
interrupted:
	MOVL $const_ReasonInterrupted, State_Reason(AX)
	CALL ·toExit(SB)
	JMP  chain

outside:
	// Not in the cache: entering, leaving, or a jump to an empty slot.
	CMPL DI, $23
	JEQ  urgent
	CMPL DI, $11 // SIGSEGV
	JNE  store
	TESTQ CX, CX
	JZ   incache
store:
	LEAQ ·timesStore(SB), R8
	CMPQ CX, R8
	JB   chain
	LEAQ ·timesDone(SB), R8
	CMPQ CX, R8
	JAE  chain
	LEAQ ·timesFault(SB), R8
	MOVQ R8, UC_RIP(DX)
	LEAQ const_origin(AX), R8
	MOVQ R8, UC_RSP(DX)
	RET
urgent:
	LEAQ ·exitSyscall(SB), R8
	CMPQ CX, R8
	JB   entering
	LEAQ ·timesEnd(SB), R8
	CMPQ CX, R8
	JAE  entering
	MOVL $1, State_wanted(AX)
	LEAQ ·timesBack(SB), R8
	CMPQ CX, R8
	JB   chain
	MOVQ CX, State_again(AX)
	MOVQ R8, UC_RIP(DX) // it may have looked already
	LEAQ const_origin(AX), R8
	MOVQ R8, UC_RSP(DX)
	JMP  chain
entering:
	LEAQ ·enter(SB), R8
	CMPQ CX, R8
	JB   chain
	LEAQ ·enterEnd(SB), R8
	CMPQ CX, R8
	JAE  chain
	LEAQ ·notEntered(SB), R8
	MOVQ R8, UC_RIP(DX)
	LEAQ const_origin(AX), R8
	MOVQ R8, UC_RSP(DX)
	JMP  chain

lent:
	// On the stack before a State, in the host's clock: timesBack looks.
	CMPL DI, $23
	JNE  chain
	ORQ  $0x3000, AX
	ANDQ $~0xfff, AX
	MOVL $1, State_wanted(AX)
	JMP  chain

hostmode:
	CMPL DI, $23
	JEQ  chain
	LEAQ ·copyStart(SB), R8
	CMPQ CX, R8
	JB   chain
	LEAQ ·copyEnd(SB), R8
	CMPQ CX, R8
	JAE  chain
	LEAQ ·copyFault(SB), R8
	MOVQ R8, UC_RIP(DX)
	RET

chain:
	MOVL DI, AX
	LEAQ ·goHandlers(SB), R8
	MOVQ (R8)(AX*8), AX
	JMP  AX

// toExit makes the interrupted thread resume in the exit.
TEXT ·toExit(SB), NOSPLIT|NOFRAME, $0-0
	LEAQ ·exitSignal(SB), R8
	MOVQ R8, UC_RIP(DX)
	LEAQ const_origin(AX), R8
	MOVQ R8, UC_RSP(DX)
	RET
