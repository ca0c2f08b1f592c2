package x86

// Prefix is a bit set of the legacy prefixes that an instruction has, those without effect included. Of F2 and F3 only
// the last one is kept.
type Prefix uint16

// The prefixes.
const (
	Prefix66   Prefix = 1 << iota
	PrefixF2          // repne, bnd, or part of the opcode
	PrefixF3          // rep, or part of the opcode
	PrefixLock        //
	Prefix67          // addresses of 32 bits
	PrefixFS          //
	PrefixGS          //
	PrefixSeg         // cs, ds, es, ss: no effect in 64-bit mode; branch hints, notrack
)

// Inst is a decoded instruction.
type Inst struct {
	Form   *Form
	Imm    int64 // as the instruction uses it: see ImmKind
	Disp   int32
	Prefix Prefix
	Len    uint8 // bytes in all, at most 15
	REX    byte  // 0 or 0x40 to 0x4f, with the bits W R X B; for VEX these bits in the same polarity
	VEX    uint8 // length of the VEX prefix: 0, 2, 3
	VexL   uint8 // 0: 128 bits, 1: 256 bits
	VexV   uint8 // vvvv, 0 to 15
	PP     uint8 // prefix that is part of the opcode: 0 none, 1 66, 2 F3, 3 F2
	Map    uint8 // 0 one byte, 1 0F, 2 0F 38, 3 0F 3A
	Opcode byte
	ModRM  byte
	SIB    byte

	HasModRM, HasSIB bool
	DispLen          uint8 // 0, 1, 4
	ImmLen           uint8 // bytes of Imm and Imm2
	Imm2             uint8 // second immediate of enter
	OpSize           uint8 // 1, 2, 4, 8: see Kind
}

// Mod returns ModRM.mod: 3 if ModRM.rm is a register.
func (in *Inst) Mod() int { return int(in.ModRM >> 6) }

// RegField returns the register that ModRM.reg names, 0 to 15, or the extension of the opcode, 0 to 7.
func (in *Inst) RegField() int {
	switch in.Form.Reg.Kind {
	case Ext, None, MMX:
		return int(in.ModRM >> 3 & 7)
	}
	return int(in.ModRM>>3&7 | in.REX&4<<1)
}

// RMField returns the register that ModRM.rm names, 0 to 15, if ModRM.mod is 3.
func (in *Inst) RMField() int {
	switch in.Form.RM.Kind {
	case None, MMX, ST:
		return int(in.ModRM & 7)
	}
	return int(in.ModRM&7 | in.REX&1<<3)
}

// OpRegField returns the register in the opcode, 0 to 15.
func (in *Inst) OpRegField() int { return int(in.Opcode&7 | in.REX&1<<3) }

// Is4Field returns the register in the immediate.
func (in *Inst) Is4Field() int { return int(in.Imm >> 4 & 15) }

// HighByte tells whether number n of a GPR8 operand is AH, CH, DH or BH.
func (in *Inst) HighByte(n int) bool { return in.REX == 0 && n >= 4 && n < 8 }

// Width returns the bytes that an operand of the instruction has as a register.
func (in *Inst) Width(k Kind) int {
	switch k {
	case GPR8:
		return 1
	case GPR16, Seg:
		return 2
	case GPR32:
		return 4
	case GPR64, MMX, Control, Debug:
		return 8
	case GPRv:
		return int(in.OpSize)
	case GPRy:
		return 4 << (in.REX >> 3 & 1)
	case ST:
		return 10
	case XMM:
		return 16
	case YMM:
		return 32
	case VMM:
		return 16 << in.VexL
	}
	return 0
}

// Feature returns the CPUID feature that the instruction belongs to.
func (in *Inst) Feature() Feature { return in.Form.feature[in.VexL&1] }

// IsMem tells whether ModRM.rm is a memory operand. It is not for the addresses of a0 to a3 (ImmMoffs) and for what
// String, Xlat and MaskMov imply.
func (in *Inst) IsMem() bool { return in.HasModRM && in.ModRM < 0xc0 }

// RIPRelative tells whether the memory operand is at Disp from the end of the instruction.
func (in *Inst) RIPRelative() bool { return in.HasModRM && in.ModRM&0xc7 == 5 }

// Base returns the base register of the memory operand, 0 to 15, or -1: none, RIP included.
func (in *Inst) Base() int {
	if !in.IsMem() {
		return -1
	}
	field := in.ModRM & 7
	if in.HasSIB {
		field = in.SIB & 7
	}
	if field == 5 && in.ModRM < 0x40 {
		return -1
	}
	return int(field | in.REX&1<<3)
}

// Index returns the index register of the memory operand, 0 to 15, or -1. With Form.VSIB it is a vector register.
func (in *Inst) Index() int {
	if !in.HasSIB {
		return -1
	}
	index := in.SIB>>3&7 | in.REX&2<<2
	if index == 4 && in.Form.VSIB == None {
		return -1
	}
	return int(index)
}

// Scale returns what the index is multiplied by: 1, 2, 4, 8.
func (in *Inst) Scale() int { return 1 << (in.SIB >> 6) }

// MemSize returns how many bytes the memory operand has (ModRM's or that of a0 to a3; one element of a gather), and 0 if
// there is none, if only its address counts, or if the size varies (the classes Fxsave, Fxrstor, Xsave, Xrstor).
func (in *Inst) MemSize() int {
	if !in.IsMem() && in.Form.Imm != ImmMoffs || in.Form.Mem == 0 {
		return 0
	}
	vector := 16 << in.VexL
	switch n := in.Form.memSize; n {
	case memV:
		return int(in.OpSize)
	case memY:
		return 4 << (in.REX >> 3 & 1)
	case memX:
		return vector
	case memH:
		return vector / 2
	case memF:
		return vector / 4
	case memE:
		return vector / 8
	case memEnv:
		if in.OpSize == 2 {
			return 14
		}
		return 28
	case memSave:
		if in.OpSize == 2 {
			return 94
		}
		return 108
	default:
		return int(n)
	}
}

// Target returns where a relative branch at address pc goes.
func (in *Inst) Target(pc uint64) uint64 { return pc + uint64(in.Len) + uint64(in.Imm) }

// MemAddr returns the address of the memory operand of an instruction at address pc, without its segment's base.
// Registers are numbered as RAX and so on. It is not for Form.VSIB.
func (in *Inst) MemAddr(pc uint64, registers *[16]uint64) uint64 {
	if in.Form.Imm == ImmMoffs {
		return uint64(in.Imm)
	}
	address := uint64(int64(in.Disp))
	if in.RIPRelative() {
		address += pc + uint64(in.Len)
	}
	if base := in.Base(); base >= 0 {
		address += registers[base]
	}
	if index := in.Index(); index >= 0 {
		address += registers[index] << (in.SIB >> 6)
	}
	if in.Prefix&Prefix67 != 0 {
		address = uint64(uint32(address))
	}
	return address
}
