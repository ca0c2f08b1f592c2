package rewrite

import (
	"github.com/sbxrun/sbx/cpu/trap"
	"github.com/sbxrun/sbx/cpu/x86"
)

// str emits movs, cmps, stos, lods and scas. The source can have the prefix of GS;
// the destination cannot, so RDI is made an address of the host's for the time of
// the instruction. A repeated one may stop between two elements: undoing the
// conversion then leaves what the processor would. One that repeats zero times
// leaves RSI and RDI as they are, all 64 bits of them.
func (e *emitter) str() {
	in := &e.in
	if in.Prefix&(x86.Prefix67|x86.PrefixFS|x86.PrefixGS) != 0 {
		e.stop()
		return
	}
	skip := 0
	if in.Prefix&(x86.PrefixF2|x86.PrefixF3) != 0 {
		e.bytes(0xe3, 0) // jrcxz
		e.did(stepNothing, 0, 0)
		skip = len(e.b)
	}
	op := in.Opcode &^ 1
	source := op == 0xa4 || op == 0xa6 || op == 0xac // movs cmps lods
	if op == 0xac {
		e.narrow(x86.RSI)
		e.stringOp(source)
		e.did(stepWork, 0, 0)
	} else {
		e.strTo(source)
	}
	if skip != 0 {
		e.b[skip-1] = byte(len(e.b) - skip)
	}
}

// narrow makes a register the guest address that it means.
func (e *emitter) narrow(reg int) {
	e.move32(reg, reg)
	e.did(stepNothing, 0, 0)
}

// strTo emits one with a destination.
func (e *emitter) strTo(source bool) {
	const window = x86.RBX
	spill := e.borrow(window)
	e.loadState(window, trap.OffWindow)
	e.borrowed(window, spill)
	if source {
		e.narrow(x86.RSI)
	}
	e.narrow(x86.RDI)
	e.lea(x86.RDI, mem{base: x86.RDI, index: window})
	e.did(stepWindow, x86.RDI, 0)
	e.stringOp(source)
	e.commit()
	e.bytes(0x48, 0xf7, 0xd3) // not rbx
	e.did(stepNothing, 0, 0)
	e.lea(x86.RDI, mem{base: x86.RDI, index: window, disp: 1})
	e.did(stepGuest, x86.RDI, 0)
	e.giveBack(window, spill)
}

func (e *emitter) stringOp(source bool) {
	if source {
		e.bytes(0x65)
	}
	p := e.in.Prefix
	if p&x86.Prefix66 != 0 {
		e.bytes(0x66)
	}
	if p&x86.PrefixF2 != 0 {
		e.bytes(0xf2)
	}
	if p&x86.PrefixF3 != 0 {
		e.bytes(0xf3)
	}
	if e.in.REX&8 != 0 {
		e.bytes(0x48)
	}
	e.bytes(e.in.Opcode)
}

// implied emits xlat and maskmov, whose memory operand is implied and can have a segment.
func (e *emitter) implied() {
	in := &e.in
	if in.Prefix&(x86.PrefixFS|x86.PrefixGS) != 0 {
		e.stop()
		return
	}
	e.encode(none, hostSP, nil)
	e.did(stepWork, 0, 0)
}
