package x86

// A Form is one entry of the table: an instruction in one of its encodings.
type Form struct {
	Name  string // mnemonic as in Intel's manual, lower case
	Args  [4]Arg // the operands in the manual's order, explicit ones only
	Class Class

	Reg   Operand // what ModRM.reg names, with Ext if it extends the opcode
	RM    Operand // what ModRM.rm names when ModRM.mod is 3
	V     Operand // what VEX.vvvv names
	OpReg Operand // the register in the low three bits of the opcode
	Is4   Operand // the register in the high four bits of the immediate

	Mem  Access // of the memory operand; 0 if there is none or only its address is used (lea, nop, prefetch)
	VSIB Kind   // XMM, VMM: the index register is a vector register; else None
	Imm  ImmKind

	// General registers that are used without being named in the encoding, one bit each (1<<RAX ...). Conservative: for
	// the string instructions RCX counts whether or not there is a REP prefix. The kernel's part of syscall is not counted.
	ImplicitRead, ImplicitWritten uint16
	ReadsFlags, WritesFlags       bool // EFLAGS, conservative
	LockOK                        bool // a LOCK prefix is legal if the destination is in memory

	feature [2]Feature // for VEX.L 0 and 1
	memSize uint8
	size    sizeRule
	usesPP  bool // 66, F2, F3 are part of the opcode
	no66    bool // 66 without REX.W is refused
}

// The general registers, as encodings number them.
const (
	RAX = iota
	RCX
	RDX
	RBX
	RSP
	RBP
	RSI
	RDI
	R8
	R9
	R10
	R11
	R12
	R13
	R14
	R15
)

// An Operand tells what a field of the encoding names and what the instruction does with it.
type Operand struct {
	Kind   Kind
	Access Access
}

// Access is a bit set of what happens to an operand.
type Access uint8

// A partly written register, and one that is written only on some condition, is ReadWrite unless the rest is set to zero;
// but an 8-bit or 16-bit general register that is Write leaves the rest of its 64 bits alone.
const (
	Read Access = 1 << iota
	Write
	ReadWrite = Read | Write
)

// Kind is the register file and width of an operand.
type Kind uint8

// The kinds of operands.
const (
	None    Kind = iota
	Ext          // no operand: an extension of the opcode
	GPR8         // without REX and VEX, 4 to 7 are AH CH DH BH
	GPR16        //
	GPR32        // writes clear the upper half, as those of GPRv and GPRy do when they are 4 bytes wide
	GPR64        //
	GPRv         // Inst.OpSize bytes
	GPRy         // 8 bytes with REX.W or VEX.W, else 4
	XMM          //
	YMM          //
	VMM          // XMM or YMM by VEX.L
	MMX          // REX.R and REX.B do not count
	ST           // the x87 stack
	Seg          // ES CS SS DS FS GS
	Control      // CR0...
	Debug        // DR0...
)

// Arg is one operand of the assembler's notation.
type Arg uint8

// Where an operand of the assembler's notation is: in a field of the encoding, or implied by the opcode.
const (
	ArgNone Arg = iota
	ArgReg
	ArgRM
	ArgV
	ArgOp
	ArgIs4
	ArgImm
	ArgImm2
	ArgRel
	ArgMoffs
	ArgAL
	ArgAX
	ArgRAX // AX, EAX or RAX by OpSize
	ArgCL
	ArgDX
	ArgST0
	ArgXMM0
	ArgOne
	ArgFS
	ArgGS
)

// ImmKind tells how the immediate is encoded and widened.
type ImmKind uint8

// The kinds of immediates.
const (
	ImmNone  ImmKind = iota
	ImmS8            // 8 bits, sign-extended
	ImmU8            // 8 bits, zero-extended
	ImmU16           // 16 bits, zero-extended
	ImmZ             // 16 or 32 bits by OpSize, sign-extended
	ImmV             // 16, 32 or 64 bits by OpSize
	ImmEnter         // 16 bits in Imm, then 8 bits in Imm2
	ImmRel8          // a branch's displacement
	ImmRel32         //
	ImmMoffs         // an address of 64 bits, 32 with the 67 prefix, zero-extended
)

// Values of memSize from 128 on depend on the instruction.
const (
	memV    = 128 + iota // OpSize
	memY                 // 8 with W, else 4
	memX                 // the vector
	memH                 // half of it
	memF                 // a quarter
	memE                 // an eighth
	memEnv               // the x87 environment
	memSave              // the x87 state
)

type sizeRule uint8

const (
	sizeB   sizeRule = 1 + iota // 1
	sizeV                       // 8 with W, 2 with 66, else 4
	sizeD64                     // 2 with 66, else 8
	sizeF64                     // 8
	sizeY                       // 8 with W, else 4
)
