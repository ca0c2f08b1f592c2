package rewrite

import (
	"fmt"

	"golang.org/x/arch/x86/x86asm"
)

// harm looks at code with x86asm, and tells what in it could hurt the host.
func harm(code []byte) string {
	for off := 0; off < len(code); {
		b := code[off:]
		if b[0] == 0x65 && b[1] == 0x67 && (isVEX(b[2:]) || evexMap(b[2:])) || isVEX(b) || evexMap(b) || b[0] == 0x66 && evexMap(b) {
			return "" // x86asm knows little of these
		}
		in, err := x86asm.Decode(b, 64)
		if err != nil {
			return "" // likewise
		}
		if why := harmOf(&in, b[:in.Len]); why != "" {
			return fmt.Sprintf("offset %#x, % x, %v: %s", off, b[:in.Len], in, why)
		}
		off += in.Len
	}
	return ""
}

func isVEX(b []byte) bool { return b[0] == 0xc4 || b[0] == 0xc5 || b[0] == 0x62 || b[0] == 0x8f }

// evexMap tells instructions behind 0F 38 and 0F 3A, and their like.
func evexMap(b []byte) bool {
	for i, c := range b[:min(len(b)-1, 8)] {
		if c == 0x0f {
			return b[i+1] == 0x38 || b[i+1] == 0x3a || b[i+1] == 0xc7 || b[i+1] == 0xae
		}
	}
	return false
}

func harmOf(in *x86asm.Inst, b []byte) string {
	switch in.Op {
	case x86asm.SYSCALL, x86asm.SYSENTER, x86asm.INT, x86asm.HLT, x86asm.IN, x86asm.OUT, x86asm.POP, x86asm.LRET, x86asm.IRET, x86asm.IRETQ, x86asm.LEAVE, x86asm.ENTER, x86asm.PUSHF, x86asm.POPF, x86asm.PUSHFQ, x86asm.POPFQ,
		x86asm.LFS, x86asm.LGS, x86asm.LSS, x86asm.WRFSBASE, x86asm.WRGSBASE, x86asm.LJMP, x86asm.LCALL, x86asm.XRSTOR,
		x86asm.CPUID, x86asm.XBEGIN, x86asm.SWAPGS, x86asm.CLI, x86asm.STI:
		return "may not appear"
	case x86asm.MOVSB, x86asm.MOVSW, x86asm.MOVSD, x86asm.MOVSQ, x86asm.STOSB, x86asm.STOSW, x86asm.STOSD, x86asm.STOSQ,
		x86asm.LODSB, x86asm.LODSW, x86asm.LODSD, x86asm.LODSQ, x86asm.CMPSB, x86asm.CMPSW, x86asm.CMPSD, x86asm.CMPSQ, x86asm.XLATB, x86asm.SCASB, x86asm.SCASW, x86asm.SCASD, x86asm.SCASQ:
		if in.Opcode>>24 != 0x0f { // those that are not the vector instructions of the same name
			return "" // their sequence is what counts
		}
	}
	switch in.Op {
	case x86asm.RET:
		if b[0] == 0xc3 {
			return "" // what is before it is what counts
		}
		return "may not appear"
	case x86asm.PUSH:
		if a, ok := in.Args[0].(x86asm.Mem); ok {
			return harmOfTable(a)
		}
		return "may not appear"
	case x86asm.LEA:
		if a, ok := in.Args[1].(x86asm.Mem); ok && in.Args[0] == x86asm.RSP && a.Base == x86asm.RSP && a.Index == 0 && a.Segment == 0 && a.Disp == 8 {
			return "" // a call is behind it, or the verifier is wrong
		}
	}
	for i, a := range in.Args {
		switch a := a.(type) {
		case x86asm.Reg:
			if a == x86asm.RSP || a == x86asm.ESP || a == x86asm.SP || a == x86asm.SPB {
				return "RSP"
			}
			if a >= x86asm.ES && a <= x86asm.GS && i == 0 {
				return "a segment register"
			}
		case x86asm.Mem:
			if why := harmOfMem(in, a); why != "" {
				return why
			}
		}
	}
	return ""
}

func harmOfMem(in *x86asm.Inst, a x86asm.Mem) string {
	if in.Op == x86asm.LEA || in.Op == x86asm.NOP {
		return ""
	}
	if a.Base == x86asm.RSP && a.Index == 0 && a.Segment == 0 {
		if in.Op != x86asm.MOV && in.Op != x86asm.CALL || (a.Disp < 24 && a.Disp != -32) || a.Disp > 96 || a.Disp%8 != 0 {
			return "not a field of the State"
		}
		if in.Op == x86asm.CALL && (a.Disp < 64 || a.Disp > 80) {
			return "not an exit"
		}
		if dst, ok := in.Args[0].(x86asm.Mem); ok && in.Op == x86asm.MOV && dst == a && a.Disp != -32 && a.Disp != 96 && (a.Disp < 40 || a.Disp > 56) {
			return "not a field to be written"
		}
		return ""
	}
	if in.Op == x86asm.JMP || in.Op == x86asm.CALL {
		return harmOfTable(a)
	}
	if a.Segment != x86asm.GS || in.AddrSize != 32 {
		return "an operand outside of the window"
	}
	return ""
}

func harmOfTable(a x86asm.Mem) string {
	if a.Segment != x86asm.GS || a.Index != x86asm.R10 || a.Scale != 8 || a.Base != 0 || int32(a.Disp) != -1<<30 {
		return "something else than the table"
	}
	return ""
}
