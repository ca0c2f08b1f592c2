package rewrite

import (
	"github.com/sbxrun/sbx/cpu/trap"
	"github.com/sbxrun/sbx/cpu/x86"
)

// push emits push of a register, a constant or memory.
func (e *emitter) push() {
	in := &e.in
	switch {
	case in.OpSize != 8 || in.Form.Args[0] == x86.ArgFS || in.Form.Args[0] == x86.ArgGS:
		e.stop()
		return
	case in.Form.OpReg.Kind != x86.None:
		e.pushReg(in.OpRegField())
	case in.IsMem():
		e.pushMem()
	case in.HasModRM:
		e.pushReg(in.RMField())
	default:
		e.op(true, true, 0xc7, 0, e.stack(-8))
		e.imm32(uint32(in.Imm))
		e.commit()
	}
	e.moveSP(-8)
}

func (e *emitter) pushReg(reg int) {
	if reg == guestSP {
		e.syncSP()
	}
	if reg != guestR11 {
		e.store(e.stack(-8), toHost(reg))
		e.commit()
		return
	}
	spill := e.borrow(goal)
	e.loadState(goal, trap.OffR11)
	e.borrowed(goal, spill)
	e.store(e.stack(-8), goal)
	e.commit()
	e.giveBack(goal, spill)
}

func (e *emitter) pushMem() {
	used := uses(&e.in)
	m, list := e.operand(&used, false)
	t := e.take(&used, false, &list)
	e.load(t, m)
	e.borrowed(t, list[len(list)-1].spill)
	e.store(e.stack(-8), t)
	e.commit()
	e.giveBackAll(list)
}

// pop emits pop to a register or memory.
func (e *emitter) pop() {
	in := &e.in
	switch {
	case in.OpSize != 8 || in.Form.Args[0] == x86.ArgFS || in.Form.Args[0] == x86.ArgGS:
		e.stop()
	case in.Form.OpReg.Kind != x86.None:
		e.popReg(in.OpRegField())
	case in.IsMem():
		e.popMem()
	default:
		e.popReg(in.RMField())
	}
}

func (e *emitter) popReg(reg int) {
	switch reg {
	case guestSP:
		e.load(hostSP, e.stack(0))
		e.did(stepWork, 0, 0)
		e.sp = 0
		return
	case guestR11:
		spill := e.borrow(goal)
		e.load(goal, e.stack(0))
		e.commit()
		e.storeState(trap.OffR11, goal)
		e.did(stepStore11, goal, 0)
		e.giveBack(goal, spill)
	default:
		e.load(reg, e.stack(0))
		e.commit()
	}
	e.moveSP(8)
}

// popMem: the address is computed with the stack pointer after the pop.
func (e *emitter) popMem() {
	used := uses(&e.in)
	if e.in.Base() == guestSP {
		e.in.Disp += 8
	}
	m, list := e.operand(&used, false)
	t := e.take(&used, false, &list)
	e.load(t, e.stack(0))
	e.borrowed(t, list[len(list)-1].spill)
	e.store(m, t)
	e.commit()
	e.giveBackAll(list)
	e.moveSP(8)
}

// leave emits mov rsp, rbp; pop rbp.
func (e *emitter) leave() {
	if e.in.OpSize != 8 {
		e.stop()
		return
	}
	spill := e.borrow(hostSP)
	e.lea(hostSP, mem{base: x86.RBP, index: none, disp: 8})
	e.borrowed(hostSP, spill)
	e.sp = 0
	e.load(x86.RBP, e.stack(-8))
	e.did(stepWork, 0, 0)
}
