package verify

import (
	"errors"

	"github.com/sbxrun/sbx/cpu/memory"
	"github.com/sbxrun/sbx/cpu/trap"
	"github.com/sbxrun/sbx/cpu/x86"
)

var errClass = errors.New("an instruction that may not appear")

// step checks what begins at the present instruction: one instruction, or a sequence
// of n that must be executed as a whole.
func (c *Checker) step() (n int, err error) {
	in := &c.list[c.at]
	if in.Prefix&(x86.PrefixFS|x86.PrefixSeg) != 0 {
		return 0, errors.New("a segment other than GS")
	}
	switch in.Form.Class {
	case x86.Plain, x86.Rdtsc, x86.Rdtscp, x86.Rdrand, x86.Rdseed, x86.Cmpxchg16b, x86.Fxsave, x86.Fxrstor,
		x86.FPUEnv, x86.Gather:
		return c.plain(in)
	case x86.Lea:
		if isRoom(in) {
			return c.call()
		}
		if in.Prefix&x86.PrefixGS != 0 {
			return 0, errors.New("lea with a segment")
		}
		return 1, c.registers(in)
	case x86.Nop:
		if in.Opcode == 0x90 && in.Map == 0 && !in.HasModRM || in.Opcode == 0x1f && in.Map == 1 {
			return 1, nil
		}
	case x86.Xlat, x86.MaskMov:
		if !windowPrefix(in) {
			return 0, errors.New("an implied operand outside of the window")
		}
		return 1, c.registers(in)
	case x86.String:
		return c.loads(0)
	case x86.Jcc, x86.Jmp, x86.Jrcxz:
		if in.Prefix&^x86.Prefix67 != 0 || in.Prefix != 0 && in.Form.Class != x86.Jrcxz {
			return 0, errors.New("a branch with a prefix")
		}
		c.branch(in)
		return 1, nil
	case x86.CallInd:
		return 1, c.exit(in)
	}
	return 0, errClass
}

// call checks a direct call behind what makes room for its push.
func (c *Checker) call() (n int, err error) {
	in := c.peek(1)
	if in.Form.Class != x86.Call || in.Prefix != 0 || in.REX != 0 || in.Form.Imm != x86.ImmRel32 {
		return 0, errors.New("RSP moves, and no call follows")
	}
	c.goes = append(c.goes, branch{c.at + 1, int64(in.off) + int64(in.Len) + in.Imm})
	return 2, nil
}

// exit checks the call of an exit. One for a link has to be a stub: it is looked up.
func (c *Checker) exit(in *inst) error {
	switch exitOf(&in.Inst) {
	case trap.OffExitSyscall, trap.OffExitStop:
		return nil
	case trap.OffExitLink:
		if c.isStub(in.off) {
			return nil
		}
		return errors.New("a call for a link that is no stub")
	}
	return errors.New("a call of something else than an exit")
}

// exitOf returns which exit a call is of, or -1.
func exitOf(in *x86.Inst) int32 {
	off, ok := slotOf(in)
	if !ok || in.Form.Class != x86.CallInd || in.REX != 0 || in.Prefix != 0 {
		return -1
	}
	return off
}

// slotOf returns the distance from RSP that a memory operand has if it is nothing else.
func slotOf(in *x86.Inst) (off int32, ok bool) {
	if !in.IsMem() || in.Base() != x86.RSP || in.Index() >= 0 || in.Form.VSIB != x86.None || in.Prefix != 0 || in.DispLen > 1 {
		return 0, false
	}
	return in.Disp, true
}

// plain checks an instruction that computes.
func (c *Checker) plain(in *inst) (n int, err error) {
	if err := c.registers(in); err != nil {
		return 0, err
	}
	if in.Form.Imm == x86.ImmMoffs {
		return 0, errors.New("an absolute address of 64 bits")
	}
	if !in.IsMem() {
		if in.Prefix&(x86.PrefixGS|x86.Prefix67) != 0 {
			return 0, errors.New("a segment without an operand")
		}
		switch {
		case move32(in, goal), isConst32(in, goal):
			return c.target(1)
		case same32(in, x86.RSI) && c.peek(1).Form.Class == x86.String:
			return c.loads(1)
		}
		return 1, nil
	}
	if off, ok := slotOf(&in.Inst); ok {
		return c.state(in, off)
	}
	if !windowPrefix(in) {
		return 0, errors.New("an operand outside of the window")
	}
	if in.RIPRelative() {
		return 0, errors.New("an operand relative to RIP")
	}
	if in.Base() == x86.RSP {
		return 0, errors.New("an operand at RSP")
	}
	if isLoad(in, 4) && in.RegField() == goal {
		return c.target(1)
	}
	return 1, nil
}

// windowPrefix reports whether an operand is 32 bits behind GS.
func windowPrefix(in *inst) bool {
	const both = x86.PrefixGS | x86.Prefix67
	return in.Prefix&both == both
}

// isLoad recognizes mov reg, [mem] of n bytes.
func isLoad(in *inst, n uint8) bool {
	return in.Map == 0 && in.VEX == 0 && in.Opcode == 0x8b && in.OpSize == n && in.IsMem()
}

// state checks an access to the State: a whole field, by mov.
func (c *Checker) state(in *inst, off int32) (n int, err error) {
	load := isLoad(in, 8)
	store := in.Map == 0 && in.VEX == 0 && in.Opcode == 0x89 && in.OpSize == 8
	switch off {
	case trap.OffR11, trap.OffSpill, trap.OffSpill + 8, trap.OffSpill + 16, trap.OffKept:
		switch {
		case store && in.RegField() == x86.RBX:
			return c.window(off)
		case load || store:
			return 1, nil
		case isLoad(in, 4) && off == trap.OffR11 && in.RegField() == goal:
			return c.target(1)
		}
	case trap.OffFSBase, trap.OffGSBase:
		if load {
			return 1, nil
		}
	case trap.OffWindow:
		return 0, errors.New("the window's address outside of a sequence")
	}
	return 0, errors.New("not an access to the State that code may make")
}

// registers checks that RSP is not named as a register, nor as part of an address
// that is not the State's.
func (c *Checker) registers(in *inst) error {
	f := in.Form
	bad := func(op x86.Operand, n int) bool {
		switch op.Kind {
		case x86.GPR8:
			return n == x86.RSP && (in.REX != 0 || in.VEX != 0)
		case x86.GPR16, x86.GPR32, x86.GPR64, x86.GPRv, x86.GPRy:
			return n == x86.RSP
		case x86.Seg, x86.Control, x86.Debug:
			return true
		}
		return false
	}
	if bad(f.Reg, in.RegField()) || in.HasModRM && !in.IsMem() && bad(f.RM, in.RMField()) ||
		bad(f.V, int(in.VexV)) || bad(f.OpReg, in.OpRegField()) || (f.ImplicitRead|f.ImplicitWritten)&(1<<x86.RSP) != 0 {
		return errors.New("RSP as an operand")
	}
	if in.Form.Class == x86.Lea && in.Base() == x86.RSP {
		return errors.New("the address of the State")
	}
	return nil
}

// tableDisp is the displacement of what goes through the table, as it is encoded.
const tableDisp = -memory.GuardBelow
