package x86

import (
	"golang.org/x/arch/x86/x86asm"
	"regexp"
	"strings"
)

// The oracles print what they can; this package refuses what a processor refuses, what is not in x86-64-v3, and what
// processors disagree about. explain tells which of these it is, from the bytes, so that it can't excuse a wrong decoding of
// something else. An empty answer is a failure of the test.
func explain(l listed, in *Inst, err error, want string) string {
	before, opcode := splitPrefixes(l.code)
	if err == nil {
		return explainDecoded(l, in, want, opcode)
	}
	mnemonic := firstWord(want)
	has := func(which Prefix) bool { return hasPrefix(before, which) }
	switch {
	case len(opcode) == 0:
		return "objdump prints prefixes that nothing follows, or that it ignores, as an instruction of their own"
	case opcode[0] == 0x62:
		return "EVEX: AVX-512 is hidden"
	case opcode[0] == 0xc4 || opcode[0] == 0xc5:
		if maskInstruction.MatchString(mnemonic) {
			return "VEX: AVX-512's mask registers are hidden"
		}
		if later[mnemonic] {
			return "VEX: not in x86-64-v3 (FMA4 among them), hidden"
		}
		if has(Prefix66 | PrefixLock | PrefixF2 | PrefixF3) {
			return "VEX after 66, F2, F3 or LOCK: invalid in processors"
		}
		if before != "" && before[len(before)-1]&0xf0 == 0x40 {
			return "VEX after REX: invalid in processors"
		}
		return ""
	case has(PrefixLock):
		return "LOCK where processors refuse it"
	case later[mnemonic] || xop(opcode) || len(opcode) > 1 && opcode[0] == 0x0f && opcode[1] == 0x0f:
		return "an extension that is hidden: FMA4, TSX, PKU, MPX, 3DNow!, XOP, CET, virtualisation, VIA"
	case twoSegments(before):
		return "FS or GS together with another segment prefix: refused"
	case has(PrefixF2 | PrefixF3):
		return "F2 or F3 without a use: refused"
	case has(Prefix66) && nearBranch(opcode):
		return "66 on a near branch: makers differ, refused"
	}
	switch {
	case mnemonic == ".byte":
		return "the section ends within the instruction"
	case strings.Contains(want, "7 only)"):
		return "instructions of the 8087 and 80287"
	case opcode[0] == 0x0f && len(opcode) > 1 && opcode[1]&0xf8 == 0x20:
		return "control and debug registers with ModRM.mod other than 3"
	case opcode[0] == 0x8c || opcode[0] == 0x8e:
		return "a segment register that does not exist, or CS as a destination"
	}
	return ""
}

func hasPrefix(before string, which Prefix) bool {
	for i := range len(before) {
		if prefixes[before[i]]&which != 0 {
			return true
		}
	}
	return false
}

// xop tells whether 8F starts AMD's XOP rather than pop.
func xop(opcode []byte) bool { return len(opcode) > 1 && opcode[0] == 0x8f && opcode[1]&0x38 != 0 }

var maskInstruction = regexp.MustCompile(`^k(mov|and|andn|or|xor|xnor|not|add|ortest|test|unpck|shiftl|shiftr)[bwdq]+$`)

var later = func() map[string]bool {
	m := map[string]bool{}
	for _, name := range strings.Fields(`rdpkru wrpkru xabort xbegin xend xtest femms vmread vmwrite
		vfmaddsd vfmaddss vfmsubsd vfmsubss vfnmaddsd vfnmaddss vfnmsubsd vfnmsubss
		vfmaddpd vfmaddps vfmsubpd vfmsubps vfnmaddpd vfnmaddps vfnmsubpd vfnmsubps`) {
		m[name] = true
	}
	return m
}()

// explainDecoded is for what decodes here but reads otherwise there.
func explainDecoded(l listed, in *Inst, want string, opcode []byte) string {
	if len(opcode) > 1 && opcode[0] == 0x9b && opcode[1]&0xf8 == 0xd8 || strings.HasPrefix(in.Form.Name, "fwait") {
		return "objdump joins fwait with the x87 instruction behind it"
	}
	switch in.Form.Name {
	case "in", "out", "insd", "outsd", "jmpf", "callf":
		return "privileged or far: the operand size is not kept apart, nothing executes it"
	}
	got := in.String()
	switch name := in.Form.Name; {
	case name == "lddqu" || name == "vlddqu":
		if got == strings.Replace(want, "[", pointers[in.MemSize()]+"[", 1) {
			return "objdump gives lddqu no size"
		}
	case (name == "vmovss" || name == "vmovsd") && in.VexL == 1 && !in.IsMem():
		if got == strings.Replace(want, "ymm", "xmm", 1) {
			return "objdump writes ymm for the destination of a scalar move"
		}
	case name == "pextrw" || name == "vpextrw" || name == "lar" || name == "lsl":
		return "objdump does not widen, or widens, a register by REX.W; the upper half is zero either way"
	case in.Opcode == 0x87 && want == "nop":
		return "xchg ax,ax by 87 C0 is not shortened here"
	}
	if opcode[0] == 0x8e {
		return "objdump writes the source of a segment register with 32 bits"
	}
	return ""
}

// splitPrefixes returns the legacy and REX prefixes, and what follows.
func splitPrefixes(code []byte) (string, []byte) {
	n := 0
	for n < len(code) && prefixes[code[n]] != 0 {
		n++
	}
	return string(code[:n]), code[n:]
}

func twoSegments(before string) bool {
	seen := map[Prefix]bool{}
	for i := range len(before) {
		if p := prefixes[before[i]] & segments; p != 0 {
			seen[p] = true
		}
	}
	return len(seen) > 1
}

func nearBranch(opcode []byte) bool {
	switch b := opcode[0]; {
	case b&0xf0 == 0x70, b >= 0xe0 && b <= 0xe3, b == 0xe8, b == 0xe9, b == 0xeb, b == 0xc2, b == 0xc3, b == 0xc8, b == 0xc9:
		return true
	case b == 0xff:
		return len(opcode) > 1 && (opcode[1]>>3&7 == 2 || opcode[1]>>3&7 == 4)
	case b == 0x0f:
		return len(opcode) > 1 && opcode[1]&0xf0 == 0x80
	}
	return false
}

// explainX86asm is explain for the other oracle.
func explainX86asm(code []byte, in *Inst, err error, theirs *x86asm.Inst, theirErr error) string {
	before, opcode := splitPrefixes(code)
	if err != nil {
		if theirs.Len > len(code) {
			return "x86asm does not stop at 15 bytes"
		}
		if in.VEX != 0 && in.VexV != 0 && in.Form != nil && in.Form.V.Kind == None {
			return "VEX.vvvv has to be 1111 where it names nothing; x86asm does not look"
		}
		return explain(listed{code: code[:theirs.Len]}, in, err, strings.ToLower(theirs.Op.String()))
	}
	name := in.Form.Name
	switch {
	case name == "endbr64", name == "nop" && in.Map == 1, strings.HasPrefix(name, "rdssp"):
		return "x86asm knows only 0F 1F /0 of the reserved nops"
	case strings.HasPrefix(name, "vzero") && theirs.Len > int(in.Len):
		return "x86asm takes a ModRM byte for vzeroupper and vzeroall"
	case theirErr == nil && in.VEX != 0 && in.RIPRelative():
		return "x86asm does not know RIP-relative operands with VEX"
	case name == "in", name == "out", opcode[0] == 0x8e:
		return explainDecoded(listed{}, in, "", opcode)
	}
	if theirErr == nil && theirs.Op != 0 && name != "rdrand" {
		return ""
	}
	switch { // x86asm finds no instruction
	case staleREX(before):
		return "x86asm refuses a REX that is not directly before the opcode; processors ignore it"
	case opcode[0]&0xec == 0xc0 && in.RegField() == 6:
		return "x86asm does not know /6 of the shifts"
	case opcode[0]&0xfe == 0xf6 && in.RegField() == 1:
		return "x86asm does not know /1 of test"
	case name == "adcx", name == "adox", name == "rdseed", name == "rdrand":
		return "x86asm does not know adcx, adox, rdseed, rdrand of r8 to r15"
	case in.VEX != 0 && in.Prefix&Prefix67 != 0:
		return "x86asm refuses 67 before VEX"
	case in.VEX != 0 && in.VexL == 1 && in.PP >= 2:
		return "x86asm refuses VEX.L with scalars; processors ignore it"
	case in.VEX == 3 && in.REX&8 != 0:
		return "x86asm refuses VEX.W where processors ignore it"
	}
	return ""
}

func staleREX(before string) bool {
	for i := 0; i+1 < len(before); i++ {
		if before[i]&0xf0 == 0x40 {
			return true
		}
	}
	return false
}
