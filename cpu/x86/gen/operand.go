package main

import (
	"fmt"
	"strings"
)

var accesses = map[string]string{"": "Read", "!": "Write", "+": "ReadWrite", "?": "0"}

// Sizes of memory operands.
var memSizes = map[string]string{
	"": "0", "b": "1", "w": "2", "d": "4", "q": "8", "t": "10", "dq": "16", "qq": "32", "v": "memV", "y": "memY", "x": "memX",
	"h": "memH", "f": "memF", "e": "memE", "env": "memEnv", "save": "memSave", "ss": "4", "sd": "8",
}

var gprKinds = map[string]string{"b": "GPR8", "w": "GPR16", "d": "GPR32", "q": "GPR64", "v": "GPRv", "y": "GPRy"}

var immediates = map[string][2]string{
	"Ib": {"ImmS8", "ArgImm"}, "ub": {"ImmU8", "ArgImm"}, "Iw": {"ImmU16", "ArgImm"}, "Iz": {"ImmZ", "ArgImm"}, "Iv": {"ImmV", "ArgImm"},
	"Ib2": {"ImmEnter", "ArgImm2"}, "Jb": {"ImmRel8", "ArgRel"}, "Jz": {"ImmRel32", "ArgRel"},
	"Ob": {"ImmMoffs", "ArgMoffs"}, "Ov": {"ImmMoffs", "ArgMoffs"},
}

// Registers that the opcode implies: their Arg and, for general registers, their bit.
var fixed = map[string]struct {
	arg string
	bit uint16
}{
	"al": {"ArgAL", 1 << 0}, "ax": {"ArgAX", 1 << 0}, "rAX": {"ArgRAX", 1 << 0}, "cl": {"ArgCL", 1 << 1}, "dx": {"ArgDX", 1 << 2},
	"st0": {"ArgST0", 0}, "xmm0": {"ArgXMM0", 0}, "1": {"ArgOne", 0}, "fs": {"ArgFS", 0}, "gs": {"ArgGS", 0},
}

// parseOperand takes one operand: a letter for the place, letters for the size, a mark for the access.
func (r *row) parseOperand(text string) error {
	f := &r.form
	mark := ""
	if n := len(text) - 1; strings.ContainsRune("!+?", rune(text[n])) {
		text, mark = text[:n], text[n:]
	}
	access := accesses[mark]
	r.sizeFrom(text)
	if imm, ok := immediates[text]; ok {
		return r.immediate(text, imm[0], imm[1], access)
	}
	if reg, ok := fixed[text]; ok {
		if access != "Write" {
			f.read |= reg.bit
		}
		if access != "Read" {
			f.written |= reg.bit
		}
		f.args = append(f.args, reg.arg)
		return nil
	}
	if rest, ok := strings.CutPrefix(text, "vm"); ok {
		elem := rest[:1]
		f.index = map[string]string{"x": "VMM", "dq": "XMM"}[rest[1:]]
		f.mem, f.memSize = "Read", elem
		return r.modrmArg("ArgRM", keyMod3, 0)
	}
	if text == "STi" {
		f.rm = operand{"ST", access}
		return r.modrmArg("ArgRM", keyMod3, keyMod3)
	}
	if reg, mem, ok := strings.Cut(text, "/M"); ok {
		f.rm = operand{gprKinds[reg[1:]], access}
		f.mem, f.memSize = access, memSizes[mem]
		return r.modrmArg("ArgRM", 0, 0)
	}
	return r.placed(text[0], text[1:], access)
}

func (r *row) immediate(text, kind, arg, access string) error {
	f := &r.form
	if f.imm != "" && kind != "ImmEnter" {
		return fmt.Errorf("a second immediate")
	}
	f.imm = kind
	if kind == "ImmMoffs" {
		f.mem = access
		f.memSize = memSizes[text[1:]]
	}
	f.args = append(f.args, arg)
	return nil
}

// placed takes an operand whose first letter says where it is encoded.
func (r *row) placed(letter byte, size, access string) error {
	f := &r.form
	vector := "XMM"
	switch size {
	case "x":
		vector = "VMM"
		if r.space <= 3 {
			vector = "XMM"
		}
	case "qq":
		vector = "YMM"
	}
	memory, ok := memSizes[size]
	if !ok {
		return fmt.Errorf("size %q", size)
	}
	if memory == "memX" && r.space <= 3 {
		memory = "16"
	}
	both := func(kind string) error {
		f.rm, f.mem, f.memSize = operand{kind, access}, access, memory
		return r.modrmArg("ArgRM", 0, 0)
	}
	register := func(kind string) error {
		f.rm = operand{kind, access}
		return r.modrmArg("ArgRM", keyMod3, keyMod3)
	}
	reg := func(kind string) error {
		f.reg = operand{kind, access}
		return r.modrmArg("ArgReg", 0, 0)
	}
	switch letter {
	case 'E':
		return both(gprKinds[size])
	case 'W':
		return both(vector)
	case 'Q':
		return both("MMX")
	case 'R':
		return register(gprKinds[size])
	case 'U':
		return register(vector)
	case 'N':
		return register("MMX")
	case 'M':
		f.mem, f.memSize = access, memory
		return r.modrmArg("ArgRM", keyMod3, 0)
	case 'G':
		return reg(gprKinds[size])
	case 'V':
		return reg(vector)
	case 'P':
		return reg("MMX")
	case 'S':
		return reg("Seg")
	case 'C':
		return reg("Control")
	case 'D':
		return reg("Debug")
	case 'B':
		f.v = operand{gprKinds[size], access}
		f.args = append(f.args, "ArgV")
	case 'H':
		f.v = operand{vector, access}
		f.args = append(f.args, "ArgV")
	case 'L':
		f.is4 = operand{vector, access}
		f.imm = "ImmU8"
		f.args = append(f.args, "ArgIs4")
	case 'Z':
		f.opReg = operand{gprKinds[size], access}
		f.args = append(f.args, "ArgOp")
	default:
		return fmt.Errorf("place %q", letter)
	}
	return nil
}

func (r *row) modrmArg(arg string, mask, value uint16) error {
	r.modrm = true
	r.form.args = append(r.form.args, arg)
	return r.match.want(mask, value)
}

// sizeFrom derives the operand size from an operand: v decides, else a byte in a general register does.
func (r *row) sizeFrom(text string) {
	f := &r.form
	switch f.size {
	case "sizeD64", "sizeF64", "sizeV":
		return
	}
	switch text {
	case "Ev", "Gv", "Mv", "Rv", "Zv", "Iz", "Iv", "Ov", "rAX", "Rv/Mw", "Menv", "Msave":
		f.size = "sizeV"
	case "Ey", "Gy", "By", "My", "Ry":
		f.size = "sizeY"
	case "Eb", "Gb", "Zb", "Ob", "al":
		if f.size == "" {
			f.size = "sizeB"
		}
	}
}
