package x86

import (
	"debug/elf"
	"fmt"
	"strings"
	"testing"

	"golang.org/x/arch/x86/x86asm"
)

// TestAgainstX86asm sweeps the executable sections of programs: length, operands and branch targets have to be those of
// x86asm. After each instruction it goes on where x86asm does.
func TestAgainstX86asm(t *testing.T) {
	eachProgram(t, func(t *testing.T, name string) {
		file, err := elf.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		var tally tally
		for _, s := range file.Sections {
			if s.Flags&elf.SHF_EXECINSTR == 0 || s.Type != elf.SHT_PROGBITS {
				continue
			}
			code, err := s.Data()
			if err != nil {
				t.Fatal(err)
			}
			sweep(&tally, code, s.Addr)
		}
		tally.report(t)
	})
}

func sweep(c *tally, code []byte, addr uint64) {
	var in Inst
	for len(code) > 0 {
		c.total++
		theirs, theirErr := x86asm.Decode(code, 64)
		err := Decode(code, &in)
		step := max(theirs.Len, 1)
		if theirErr != nil {
			step = 1
			if err == nil {
				step = int(in.Len)
			}
		}
		if detail := disagreement(&in, err, &theirs, theirErr); detail != "" {
			kind, _, _ := strings.Cut(detail, ";")
			if reason := explainX86asm(code[:min(15, len(code))], &in, err, &theirs, theirErr); reason != "" {
				c.count(&c.explained, reason)
			} else {
				c.differsAt(kind, fmt.Sprintf("%x: % x: %s: %q, x86asm %q %v", addr, code[:min(15, len(code))], detail, in.String(), theirs.String(), theirErr))
			}
		}
		code, addr = code[step:], addr+uint64(step)
	}
}

// disagreement returns what differs: a kind, then details behind a semicolon.
func disagreement(in *Inst, err error, theirs *x86asm.Inst, theirErr error) string {
	switch {
	case err != nil && theirErr != nil:
		return ""
	case err != nil:
		return "invalid here: " + theirs.Op.String()
	case theirErr != nil:
		return "invalid there: " + in.Form.Name
	case int(in.Len) != theirs.Len:
		return "length: " + in.Form.Name
	}
	switch in.Form.Name {
	case "insb", "insd", "outsb", "outsd", "int3", "int1":
		return ""
	}
	if in.Form.Class == String || in.Form.Class == Xlat {
		return "" // x86asm lists the implied operands; the mnemonic and length are all there is
	}
	n := 0
	for n < len(theirs.Args) && theirs.Args[n] != nil {
		n++
	}
	for i, a := range in.Form.Args {
		if a == ArgNone {
			if i != n {
				return fmt.Sprintf("operands: %s: %d, there %d", in.Form.Name, i, n)
			}
			break
		}
		if i >= n {
			return fmt.Sprintf("operands: %s: more than %d", in.Form.Name, n)
		}
		if detail := argDiffers(in, a, theirs.Args[i]); detail != "" {
			return fmt.Sprintf("operand %d of %s; %s", i, in.Form.Name, detail)
		}
	}
	return ""
}

func argDiffers(in *Inst, a Arg, theirs x86asm.Arg) string {
	ours := in.arg(a)
	switch v := theirs.(type) {
	case x86asm.Reg:
		name := strings.ToLower(v.String())
		switch {
		case strings.HasPrefix(name, "f") && v >= x86asm.F0 && v <= x86asm.F7:
			name = fmt.Sprintf("st(%d)", v-x86asm.F0)
		case v >= x86asm.X0 && v <= x86asm.X15:
			name = fmt.Sprintf("xmm%d", v-x86asm.X0)
		case v >= x86asm.Y0 && v <= x86asm.Y15:
			name = fmt.Sprintf("ymm%d", v-x86asm.Y0)
		case v >= x86asm.M0 && v <= x86asm.M7:
			name = fmt.Sprintf("mm%d", v-x86asm.M0)
		case len(name) == 3 && strings.HasPrefix(name, "r") && strings.HasSuffix(name, "l"):
			name = name[:2] + "d"
		case strings.HasPrefix(name, "r") && strings.HasSuffix(name, "l"):
			name = name[:3] + "d"
		case name == "spb" || name == "bpb" || name == "sib" || name == "dib":
			name = name[:2] + "l"
		}
		if ours != name && !(ours == "st" && name == "st(0)") {
			return fmt.Sprintf("%s, there %s", ours, name)
		}
	case x86asm.Imm:
		imm := in.Imm
		switch a {
		case ArgImm2:
			imm = int64(in.Imm2)
		case ArgOne:
			imm = 1
		case ArgIs4:
			return ours + ", there an immediate"
		}
		if imm != int64(v) && uint8(imm) != uint8(v) || a != ArgImm && a != ArgImm2 && a != ArgOne {
			return fmt.Sprintf("%#x, there %#x", imm, int64(v))
		}
		if in.ImmLen > 1 && imm != int64(v) && uint64(imm)&(1<<(8*in.OpSize)-1) != uint64(v)&(1<<(8*in.OpSize)-1) {
			return fmt.Sprintf("%#x, there %#x", imm, int64(v))
		}
	case x86asm.Rel:
		if a != ArgRel || in.Imm != int64(v) {
			return fmt.Sprintf("%#x, there %v", in.Imm, v)
		}
	case x86asm.Mem:
		return memDiffers(in, a, v)
	default:
		return fmt.Sprintf("%s, there %T", ours, theirs)
	}
	return ""
}

func memDiffers(in *Inst, a Arg, v x86asm.Mem) string {
	if a == ArgMoffs {
		if in.Imm != v.Disp {
			return fmt.Sprintf("address %#x, there %#x", in.Imm, v.Disp)
		}
		return ""
	}
	if a != ArgRM || !in.IsMem() {
		return "a register, there memory"
	}
	first := x86asm.RAX
	if in.Prefix&Prefix67 != 0 {
		first = x86asm.EAX
	}
	base, index := -1, -1
	if v.Base != 0 && v.Base != x86asm.RIP && v.Base != x86asm.EIP {
		base = int(v.Base - first)
	}
	scale := 0
	if v.Index != 0 {
		index, scale = int(v.Index-first), int(v.Scale)
		if v.Index >= x86asm.X0 && v.Index <= x86asm.X15 {
			index = int(v.Index - x86asm.X0)
		} else if v.Index >= x86asm.Y0 && v.Index <= x86asm.Y15 {
			index = int(v.Index - x86asm.Y0)
		}
	}
	ours := fmt.Sprintf("base %d index %d*%d disp %#x rip %t", in.Base(), in.Index(), in.Scale(), in.Disp, in.RIPRelative())
	if in.Index() < 0 {
		ours = fmt.Sprintf("base %d index -1*0 disp %#x rip %t", in.Base(), in.Disp, in.RIPRelative())
	}
	there := fmt.Sprintf("base %d index %d*%d disp %#x rip %t", base, index, scale, int32(v.Disp), v.Base == x86asm.RIP || v.Base == x86asm.EIP)
	if ours != there {
		return ours + ", there " + there
	}
	segment := strings.TrimSuffix(in.segment(), ":")
	if their := strings.ToLower(v.Segment.String()); v.Segment == x86asm.FS || v.Segment == x86asm.GS || segment != "" {
		if segment != their {
			return fmt.Sprintf("segment %q, there %q", segment, their)
		}
	}
	return ""
}
