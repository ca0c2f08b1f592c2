package verify

import (
	"errors"

	"github.com/sbxrun/sbx/cpu/trap"
	"github.com/sbxrun/sbx/cpu/x86"
)

// Registers with a part to play: where an indirect branch goes, and the guest's stack pointer.
const (
	goal   = x86.R10
	hostSP = x86.R11
)

// peek returns the i-th instruction from the present one on, or one that is nothing.
func (c *Checker) peek(i int) *inst {
	if c.at+i < len(c.list) {
		return &c.list[c.at+i]
	}
	return &inst{Inst: x86.Inst{Form: &x86.Form{Class: x86.Ud}}}
}

// target follows R10, which a move of 32 bits has just loaded, to the jump through the
// table, or the call, or the push that a return follows. With 32 bits zero-extended, the complement times 8 lies in the table, which has
// a slot for each of 2^32. In between, nothing may write R10. A load of R10 that no
// jump follows is an ordinary one.
func (c *Checker) target(i int) (n int, err error) {
	for ; ; i++ {
		in := c.peek(i)
		switch {
		case isNotGoal(in):
			next := c.peek(i + 1)
			switch {
			case isByTable(next, x86.JmpInd):
				return i + 2, nil
			case isByTable(next, x86.Push) && isRet(c.peek(i+2)), isRoom(next) && isByTable(c.peek(i+2), x86.CallInd):
				return i + 3, nil
			}
			return 1, nil
		case !c.betweens(in):
			return 1, nil
		}
	}
}

// betweens reports whether an instruction may stand between the load of a target and
// the jump: those that restore registers, push the return address, move the stack pointer.
func (c *Checker) betweens(in *inst) bool {
	if c.registers(in) != nil || in.Map != 0 || in.VEX != 0 || in.Prefix&(x86.PrefixFS|x86.PrefixSeg) != 0 {
		return false
	}
	off, slot := slotOf(&in.Inst)
	switch {
	case in.Form.Class == x86.Lea:
		return in.Prefix == 0 && in.RegField() == hostSP
	case isLoad(in, 8):
		return slot && isSpill(off) && in.RegField() != goal
	case in.Opcode == 0xc7:
		return !slot && in.IsMem() && windowPrefix(in) && !in.RIPRelative() && in.Base() != x86.RSP
	}
	return false
}

// isSpill reports whether a distance from RSP is that of a register that code saves.
func isSpill(off int32) bool {
	return off == trap.OffSpill || off == trap.OffSpill+8 || off == trap.OffSpill+16
}

func isNotGoal(in *inst) bool {
	return in.Map == 0 && in.VEX == 0 && in.Opcode == 0xf7 && in.HasModRM && in.ModRM == 0xd2 && in.REX == 0x49 && in.Prefix == 0
}

// isByTable recognizes an instruction of a class with the slot of R10 for its operand.
func isByTable(in *inst, class x86.Class) bool {
	return in.Form.Class == class && in.IsMem() && in.Prefix == x86.PrefixGS && in.REX == 0x42 && in.Base() < 0 && !in.RIPRelative() &&
		in.Index() == goal && in.Scale() == 8 && in.Disp == tableDisp
}

// isRoom recognizes lea rsp, [rsp+8].
func isRoom(in *inst) bool {
	return in.Form.Class == x86.Lea && in.OpSize == 8 && in.Prefix == 0 && in.RegField() == x86.RSP && in.Base() == x86.RSP && in.Index() < 0 &&
		in.Disp == 8 && in.DispLen == 1
}

// isRet recognizes ret, which pops nothing besides.
func isRet(in *inst) bool {
	return in.Form.Class == x86.Ret && in.Map == 0 && in.Opcode == 0xc3 && in.Prefix == 0 && in.REX == 0
}

// move32 recognizes mov reg, r of 32 bits, which clears the upper half.
func move32(in *inst, reg int) bool {
	return in.Map == 0 && in.VEX == 0 && in.Opcode == 0x89 && in.OpSize == 4 && in.HasModRM && !in.IsMem() && in.Prefix == 0 &&
		in.RMField() == reg
}

// isConst32 recognizes mov reg, imm of 32 bits, for R8 to R15.
func isConst32(in *inst, reg int) bool {
	return in.Map == 0 && in.VEX == 0 && in.Opcode == 0xb8|byte(reg&7) && in.REX == 0x41 && in.Prefix == 0
}

// same32 recognizes mov reg, reg of 32 bits.
func same32(in *inst, reg int) bool { return move32(in, reg) && in.RegField() == reg }

// element reports whether an instruction is a string instruction in the form that
// runs behind GS if it has a source, and what it has.
func element(in *inst) (source, dest, ok bool) {
	op := in.Opcode &^ 1
	if in.Form.Class != x86.String || in.Map != 0 || in.Prefix&^(x86.PrefixGS|x86.Prefix66|x86.PrefixF2|x86.PrefixF3) != 0 {
		return false, false, false
	}
	source = op == 0xa4 || op == 0xa6 || op == 0xac
	dest = op == 0xa4 || op == 0xa6 || op == 0xaa || op == 0xae
	return source, dest, (source || dest) && source == (in.Prefix&x86.PrefixGS != 0)
}

// loads checks lods, i instructions on: its source is zero-extended before it.
func (c *Checker) loads(i int) (n int, err error) {
	source, dest, ok := element(c.peek(i))
	if i == 0 || !ok || !source || dest {
		return 0, errors.New("a string instruction outside of a sequence")
	}
	return i + 1, nil
}

// window checks the sequence that a store of RBX begins if the window's address is
// loaded next:
//
//	mov [rsp+spill], rbx
//	mov rbx, [rsp+window]
//	mov edi, edi
//	lea rdi, [rdi+rbx]
//	movs, cmps, stos, scas
//	not rbx
//	lea rdi, [rdi+rbx+1]
//	mov rbx, [rsp+spill]
//
// A source is zero-extended before it: by mov esi, esi in front of the third.
func (c *Checker) window(spill int32) (n int, err error) {
	off, ok := slotOf(&c.peek(1).Inst)
	if !ok || off != trap.OffWindow {
		return 1, nil
	}
	fail := errors.New("the sequence of a string instruction is not whole")
	if spill == trap.OffR11 || !isLoad(c.peek(1), 8) || c.peek(1).RegField() != x86.RBX {
		return 0, fail
	}
	i := 2
	narrow := same32(c.peek(i), x86.RSI)
	if narrow {
		i++
	}
	source, dest, ok := element(c.peek(i + 2))
	if !same32(c.peek(i), x86.RDI) || !isLea(c.peek(i+1), 0) || !ok || !dest || source && !narrow {
		return 0, fail
	}
	not := c.peek(i + 3)
	back := c.peek(i + 5)
	off, ok = slotOf(&back.Inst)
	if not.Map != 0 || not.VEX != 0 || not.Opcode != 0xf7 || !not.HasModRM || not.ModRM != 0xd3 || not.REX != 0x48 || not.Prefix != 0 ||
		!isLea(c.peek(i+4), 1) || !ok || off != spill || !isLoad(back, 8) || back.RegField() != x86.RBX {
		return 0, fail
	}
	return i + 6, nil
}

// isLea recognizes lea rdi, [rdi+rbx+disp].
func isLea(in *inst, disp int32) bool {
	return in.Form.Class == x86.Lea && in.OpSize == 8 && in.Prefix == 0 && in.RegField() == x86.RDI && in.Base() == x86.RDI &&
		in.Index() == x86.RBX && in.Scale() == 1 && in.Disp == disp
}
