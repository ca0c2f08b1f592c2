package x86

// Class groups the instructions that a rewriter or a kernel has to treat apart.
type Class uint8

// The classes.
const (
	Plain      Class = iota // computes with its operands, nothing more
	Jcc                     // jump on a condition: the low four bits of the opcode
	Jmp                     // direct
	JmpInd                  // through a register or memory
	Call                    // direct
	CallInd                 //
	Ret                     // Imm is what is popped besides
	Loop                    // loop, loope, loopne: on RCX, on ECX with the 67 prefix
	Jrcxz                   // on RCX, on ECX with the 67 prefix
	Push                    // OpSize bytes
	Pop                     //
	PushF                   //
	PopF                    //
	Enter                   //
	Leave                   //
	String                  // movs, cmps, stos, lods, scas; element OpSize; PrefixF2 and PrefixF3 repeat
	Xlat                    // reads RBX+AL, FS and GS count
	MaskMov                 // writes at RDI, FS and GS count
	Gather                  // memory at a vector of addresses; restartable element by element
	Syscall                 //
	Sysenter                //
	Cpuid                   //
	Rdtsc                   //
	Rdtscp                  //
	Xgetbv                  //
	Fxsave                  // 512 bytes; holds the address of the last x87 instruction
	Fxrstor                 //
	Xsave                   // xsave, xsaveopt, xsavec: sizes by XCR0 and EDX:EAX
	Xrstor                  //
	FPUEnv                  // fnstenv, fnsave: store the address of the last x87 instruction
	Int3                    //
	IntN                    // int n, int1
	Privileged              // general protection fault in user mode; also what user mode could do but has no business with (far branches, sgdt)
	Ud                      // ud0, ud1, ud2
	Nop                     // nops of all lengths, pause, prefetches, endbr64, rdssp: may be dropped
	Lea                     //
	BtMem                   // bt, bts, btr, btc of memory by a register: the bit may be far from the address
	Segment                 // reads or writes a segment register, or asks about a selector
	Fsgsbase                // rdfsbase, rdgsbase, wrfsbase, wrgsbase
	Rdrand                  //
	Rdseed                  //
	Cmpxchg16b              // faults on an unaligned address
)

// Branches tells whether instructions of the class change the instruction pointer other than to the next instruction,
// faults and system calls aside.
func (c Class) Branches() bool { return c >= Jcc && c <= Jrcxz }
