package x86

import (
	"fmt"
	"strconv"
	"strings"
)

var (
	names8    = [16]string{"al", "cl", "dl", "bl", "spl", "bpl", "sil", "dil", "r8b", "r9b", "r10b", "r11b", "r12b", "r13b", "r14b", "r15b"}
	namesHigh = [4]string{"ah", "ch", "dh", "bh"}
	names16   = [16]string{"ax", "cx", "dx", "bx", "sp", "bp", "si", "di", "r8w", "r9w", "r10w", "r11w", "r12w", "r13w", "r14w", "r15w"}
	names32   = [16]string{"eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi", "r8d", "r9d", "r10d", "r11d", "r12d", "r13d", "r14d", "r15d"}
	names64   = [16]string{"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15"}
	namesSeg  = [8]string{"es", "cs", "ss", "ds", "fs", "gs", "?", "?"}
)

// String returns the instruction as the GNU assembler writes it in Intel's syntax, with the displacement of a branch
// relative to its end. It is for people and tests.
func (in *Inst) String() string {
	if in.Form == nil {
		return "(bad)"
	}
	var b strings.Builder
	if in.Prefix&PrefixLock != 0 {
		b.WriteString("lock ")
	}
	if in.PP < 2 && in.VEX == 0 {
		switch {
		case in.Prefix&PrefixF3 != 0:
			b.WriteString("rep ")
		case in.Prefix&PrefixF2 != 0:
			b.WriteString("repnz ")
		}
	}
	b.WriteString(in.Form.Name)
	for i, a := range in.Form.Args {
		if a == ArgNone {
			break
		}
		b.WriteByte(" ,"[min(i, 1)])
		b.WriteString(in.arg(a))
	}
	return b.String()
}

func (in *Inst) arg(a Arg) string {
	f := in.Form
	switch a {
	case ArgReg:
		return in.register(f.Reg.Kind, in.RegField())
	case ArgRM:
		if in.IsMem() {
			return in.memory()
		}
		return in.register(f.RM.Kind, in.RMField())
	case ArgV:
		return in.register(f.V.Kind, int(in.VexV))
	case ArgOp:
		return in.register(f.OpReg.Kind, in.OpRegField())
	case ArgIs4:
		return in.register(f.Is4.Kind, in.Is4Field())
	case ArgImm:
		return in.immediateText()
	case ArgImm2:
		return "0x" + strconv.FormatUint(uint64(in.Imm2), 16)
	case ArgRel:
		return fmt.Sprintf(".%+d", in.Imm+int64(in.Len))
	case ArgMoffs:
		return in.segment() + "[0x" + strconv.FormatUint(uint64(in.Imm), 16) + "]"
	case ArgRAX:
		return in.register(GPRv, RAX)
	}
	return [...]string{ArgAL: "al", ArgAX: "ax", ArgCL: "cl", ArgDX: "dx", ArgST0: "st", ArgXMM0: "xmm0", ArgOne: "1", ArgFS: "fs", ArgGS: "gs"}[a]
}

func (in *Inst) register(k Kind, n int) string {
	switch k {
	case GPR8:
		if in.HighByte(n) {
			return namesHigh[n-4]
		}
		return names8[n]
	case Seg:
		return namesSeg[n&7]
	case XMM, YMM, VMM:
		return string("xy"[in.Width(k)>>5]) + "mm" + strconv.Itoa(n)
	case MMX:
		return "mm" + strconv.Itoa(n)
	case ST:
		return "st(" + strconv.Itoa(n) + ")"
	case Control:
		return "cr" + strconv.Itoa(n)
	case Debug:
		return "dr" + strconv.Itoa(n)
	}
	switch in.Width(k) {
	case 2:
		return names16[n]
	case 4:
		return names32[n]
	}
	return names64[n]
}

// immediateText writes a sign-extended immediate as wide as the operand it meets.
func (in *Inst) immediateText() string {
	v := uint64(in.Imm)
	if k := in.Form.Imm; k == ImmS8 || k == ImmZ || k == ImmV {
		v &= ^uint64(0) >> (64 - 8*uint(in.OpSize))
	}
	return "0x" + strconv.FormatUint(v, 16)
}

func (in *Inst) segment() string {
	switch {
	case in.Prefix&PrefixFS != 0:
		return "fs:"
	case in.Prefix&PrefixGS != 0:
		return "gs:"
	}
	return ""
}

var pointers = map[int]string{
	1: "BYTE PTR ", 2: "WORD PTR ", 4: "DWORD PTR ", 8: "QWORD PTR ", 10: "TBYTE PTR ", 16: "XMMWORD PTR ", 32: "YMMWORD PTR ",
}

func (in *Inst) memory() string {
	regs := &names64
	if in.Prefix&Prefix67 != 0 {
		regs = &names32
	}
	var b strings.Builder
	b.WriteString(pointers[in.MemSize()])
	b.WriteString(in.segment())
	b.WriteByte('[')
	plus := ""
	if in.RIPRelative() {
		b.WriteString(map[bool]string{false: "rip", true: "eip"}[in.Prefix&Prefix67 != 0])
		plus = "+"
	}
	if base := in.Base(); base >= 0 {
		b.WriteString(regs[base])
		plus = "+"
	}
	if index := in.Index(); index >= 0 {
		b.WriteString(plus)
		if in.Form.VSIB != None {
			b.WriteString(in.register(in.Form.VSIB, index))
		} else {
			b.WriteString(regs[index])
		}
		b.WriteString("*" + strconv.Itoa(in.Scale()))
		plus = "+"
	}
	if in.DispLen > 0 {
		switch {
		case plus == "" && in.Prefix&Prefix67 != 0:
			b.WriteString("0x" + strconv.FormatUint(uint64(uint32(in.Disp)), 16))
		case plus == "" || in.RIPRelative():
			b.WriteString(plus + "0x" + strconv.FormatUint(uint64(int64(in.Disp)), 16))
		case in.Disp < 0:
			b.WriteString("-0x" + strconv.FormatInt(-int64(in.Disp), 16))
		default:
			b.WriteString("+0x" + strconv.FormatInt(int64(in.Disp), 16))
		}
	}
	b.WriteByte(']')
	return b.String()
}
