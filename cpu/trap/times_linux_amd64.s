#include "go_asm.h"
#include "textflag.h"

// Calls that only read the host's clocks are answered here, without Go: clock_gettime(2), gettimeofday(2) and time(2), which
// natively are no system calls either. What is not simple (other clocks, addresses that are none) is an ordinary exit.
//
// The handler knows the functions from exitSyscall to timesEnd by their order.

// exitSyscall is called by guest code.
TEXT ·exitSyscall(SB), NOSPLIT|NOFRAME, $0-0
	POPQ (State_HostPC-const_origin)(SP)
	LEAQ (const_offFlags+8-const_origin)(SP), SP
	PUSHFQ
	LEAQ (const_origin-const_offFlags)(SP), SP
	CMPQ AX, $const_sysClockGettime
	JEQ  ours
	CMPQ AX, $const_sysGettimeofday
	JEQ  ours
	CMPQ AX, $const_sysTime
	JEQ  ours
other:
	JMP  ·slow(SB)
ours:
	CMPL (State_times-const_origin)(SP), $0
	JEQ  other
	TESTL $0x400, (const_offFlags-const_origin)(SP) // C wants the direction flag clear
	JNZ  other
	JMP  ·times(SB)

// times asks the host. All that C may change is in the State then.
TEXT ·times(SB), NOSPLIT|NOFRAME, $0-0
	MOVQ AX, (8*0-const_origin)(SP)
	MOVQ CX, (8*1-const_origin)(SP)
	MOVQ DX, (8*2-const_origin)(SP)
	MOVQ BX, (8*3-const_origin)(SP)
	MOVQ R11, (8*4-const_origin)(SP)
	MOVQ SI, (8*6-const_origin)(SP)
	MOVQ DI, (8*7-const_origin)(SP)
	MOVQ R8, (8*8-const_origin)(SP)
	MOVQ R9, (8*9-const_origin)(SP)
	MOVQ R10, (8*10-const_origin)(SP)
	MOVQ SP, BX
	// C may use these too; the host's own clock does not, but nothing says so.
	MOVUPS X0, (State_lent+0-const_origin)(SP)
	MOVUPS X1, (State_lent+16-const_origin)(SP)
	MOVUPS X2, (State_lent+32-const_origin)(SP)
	MOVUPS X3, (State_lent+48-const_origin)(SP)
	MOVUPS X4, (State_lent+64-const_origin)(SP)
	MOVUPS X5, (State_lent+80-const_origin)(SP)
	MOVUPS X6, (State_lent+96-const_origin)(SP)
	MOVUPS X7, (State_lent+112-const_origin)(SP)
	MOVUPS X8, (State_lent+128-const_origin)(SP)
	MOVUPS X9, (State_lent+144-const_origin)(SP)
	MOVUPS X10, (State_lent+160-const_origin)(SP)
	MOVUPS X11, (State_lent+176-const_origin)(SP)
	MOVUPS X12, (State_lent+192-const_origin)(SP)
	MOVUPS X13, (State_lent+208-const_origin)(SP)
	MOVUPS X14, (State_lent+224-const_origin)(SP)
	MOVUPS X15, (State_lent+240-const_origin)(SP)
	XORL CX, CX // CLOCK_REALTIME
	CMPQ AX, $const_sysClockGettime
	JNE  ask
	CMPQ DI, $7
	JHI  giveUp
	MOVL $const_realtimes, AX
	BTL  DI, AX
	JCS  ask
	INCL CX // CLOCK_MONOTONIC
	MOVL $const_monotonics, AX
	BTL  DI, AX
	JCS  ask
giveUp:
	JMP  ·timesFault(SB)
ask:
	MOVL CX, (State_clock-const_origin)(BX)
	MOVL CX, DI
	LEAQ (State_answer-const_origin)(BX), SI
	LEAQ (const_stackTop-const_origin)(BX), SP
	MOVQ ·hostClock(SB), AX
	CALL AX
	MOVQ BX, SP
	MOVUPS (State_lent+0-const_origin)(SP), X0
	MOVUPS (State_lent+16-const_origin)(SP), X1
	MOVUPS (State_lent+32-const_origin)(SP), X2
	MOVUPS (State_lent+48-const_origin)(SP), X3
	MOVUPS (State_lent+64-const_origin)(SP), X4
	MOVUPS (State_lent+80-const_origin)(SP), X5
	MOVUPS (State_lent+96-const_origin)(SP), X6
	MOVUPS (State_lent+112-const_origin)(SP), X7
	MOVUPS (State_lent+128-const_origin)(SP), X8
	MOVUPS (State_lent+144-const_origin)(SP), X9
	MOVUPS (State_lent+160-const_origin)(SP), X10
	MOVUPS (State_lent+176-const_origin)(SP), X11
	MOVUPS (State_lent+192-const_origin)(SP), X12
	MOVUPS (State_lent+208-const_origin)(SP), X13
	MOVUPS (State_lent+224-const_origin)(SP), X14
	MOVUPS (State_lent+240-const_origin)(SP), X15
	TESTL AX, AX
	JNZ  giveUp
	MOVQ (State_answer-const_origin)(SP), AX
	MOVQ (State_answer+8-const_origin)(SP), DX
	MOVQ (8*7-const_origin)(SP), DI
	MOVQ (8*6-const_origin)(SP), SI
	CMPQ (8*0-const_origin)(SP), $const_sysClockGettime
	JNE  wall
	CMPL (State_clock-const_origin)(SP), $0
	JEQ  spec
	SUBQ (State_boot-const_origin)(SP), AX
	SUBQ (State_boot+8-const_origin)(SP), DX
	JGE  spec
	ADDQ $1000000000, DX
	DECQ AX
spec:
	MOVQ SI, DI
	JMP  two
wall:
	CMPQ (8*0-const_origin)(SP), $const_sysTime
	JEQ  seconds
	TESTQ SI, SI // the time zone
	JNZ  giveUp
	TESTQ DI, DI
	JZ   giveUp
	MOVQ AX, CX
	MOVL DX, AX
	XORL DX, DX
	MOVL $1000, SI
	DIVL SI
	MOVL AX, DX
	MOVQ CX, AX
two:
	MOVQ DI, CX
	SHRQ $32, CX
	JNZ  giveUp
	JMP  ·timesStore(SB)
seconds:
	TESTQ DI, DI
	JNZ  giveUp
	JMP  ·timesDone(SB)

// timesStore stores to the guest. A fault goes on at timesFault.
TEXT ·timesStore(SB), NOSPLIT|NOFRAME, $0-0
	BYTE $0x65; BYTE $0x67; BYTE $0x48; BYTE $0x89; BYTE $0x07               // mov gs:[edi], rax
	BYTE $0x65; BYTE $0x67; BYTE $0x48; BYTE $0x89; BYTE $0x57; BYTE $0x08   // mov gs:[edi+8], rdx
	XORL AX, AX
	JMP  ·timesDone(SB)

// timesDone notes the answer and what the instruction leaves in R11.
TEXT ·timesDone(SB), NOSPLIT|NOFRAME, $0-0
	MOVQ AX, (8*0-const_origin)(SP)
	MOVQ (const_offFlags-const_origin)(SP), AX
	MOVQ AX, (8*11-const_origin)(SP)
	JMP  ·timesBack(SB)

// timesBack goes on in guest code, unless somebody wants the thread. An interrupt makes it begin again.
TEXT ·timesBack(SB), NOSPLIT|NOFRAME, $0-0
	CMPQ (State_interrupt-const_origin)(SP), $0 // and wanted
	JNE  wanted
	MOVQ (8*1-const_origin)(SP), CX
	MOVQ (8*2-const_origin)(SP), DX
	MOVQ (8*3-const_origin)(SP), BX
	MOVQ (8*4-const_origin)(SP), R11
	MOVQ (8*6-const_origin)(SP), SI
	MOVQ (8*7-const_origin)(SP), DI
	MOVQ (8*8-const_origin)(SP), R8
	MOVQ (8*9-const_origin)(SP), R9
	MOVQ (8*10-const_origin)(SP), R10
	LEAQ (const_offFlags-const_origin)(SP), SP
	POPFQ
	LEAQ (const_origin-const_offFlags-8)(SP), SP
	MOVQ (8*0-const_origin)(SP), AX
	PUSHQ (State_HostPC-const_origin)(SP) // as the call did
	RET
wanted:
	JMP  ·timesWanted(SB)

TEXT ·timesEnd(SB), NOSPLIT|NOFRAME, $0-0
	RET

// timesWanted leaves with the call done.
TEXT ·timesWanted(SB), NOSPLIT|NOFRAME, $0-0
	MOVL $const_ReasonAnswered, (State_Reason-const_origin)(SP)
	JMP  ·timesLeave(SB)

// timesFault leaves with nothing done.
TEXT ·timesFault(SB), NOSPLIT|NOFRAME, $0-0
	MOVL $const_ReasonSyscall, (State_Reason-const_origin)(SP)
	JMP  ·timesLeave(SB)

TEXT ·timesLeave(SB), NOSPLIT|NOFRAME, $0-0
	MOVQ (8*0-const_origin)(SP), AX
	MOVQ (8*1-const_origin)(SP), CX
	MOVQ (8*2-const_origin)(SP), DX
	MOVQ (8*3-const_origin)(SP), BX
	MOVQ (8*4-const_origin)(SP), R11
	MOVQ (8*6-const_origin)(SP), SI
	MOVQ (8*7-const_origin)(SP), DI
	MOVQ (8*8-const_origin)(SP), R8
	MOVQ (8*9-const_origin)(SP), R9
	MOVQ (8*10-const_origin)(SP), R10
	JMP  ·save(SB)

TEXT ·slow(SB), NOSPLIT|NOFRAME, $0-0
	MOVL $const_ReasonSyscall, (State_Reason-const_origin)(SP)
	JMP  ·save(SB)
