package rewrite

import "github.com/sbxrun/sbx/cpu/x86"

// Calls and returns. The guest's stack has the guest's addresses, which anybody may change, and a return
// goes where the table says. But it goes there by a return of the host's, which the processor predicts by the
// call of the host's that it belongs to: what follows a call is where the table leads for
// the guest's address behind it. Through the table alone returns of large programs are mispredicted, and take
// several times as long.
//
// A call pushes onto the State, where nobody reads it: what a return takes from there is what
// it has just put there itself.

// spUp makes room for what a call pushes: RSP is the State's again behind it.
var spUp = []byte{0x48, 0x8d, 0x64, 0x24, 0x08} // lea rsp, [rsp+8]

// call emits a direct call.
func (e *emitter) call() {
	e.pushReturn()
	if e.checked { // it would be entered in the middle, and not compare itself
		e.jump(e.in.Target(e.at))
		e.sites[len(e.sites)-1].back = e.next()
		return
	}
	e.syncSP()
	e.bytes(nops[e.misplaced(len(spUp)+1)]...)
	e.bytes(spUp...)
	e.branchTo(e.in.Target(e.at), 0xe8)
	t := &e.sites[len(e.sites)-1]
	t.back, t.land = e.next(), e.comeBack()
}

// callIndirect emits a call through a register or memory.
func (e *emitter) callIndirect() {
	e.target()
	// What was pushed may be where the target came from, so there is no way back.
	e.storeConst(e.stack(-8), uint32(e.next()))
	e.commit()
	e.moveSP(-8)
	e.complement()
	if e.checked {
		e.byTable(opJump)
		return
	}
	e.bytes(spUp...)
	e.byTable(opCall)
	e.comeBack()
}

// pushReturn pushes the address behind the instruction.
func (e *emitter) pushReturn() {
	e.storeConst(e.stack(-8), uint32(e.next()))
	e.did(stepWork, 0, 0)
	e.moveSP(-8)
}

// comeBack has the block go on behind a call, as it begins: with a way in from the table.
func (e *emitter) comeBack() (host uint32) {
	pc := e.next()
	e.bytes(entryCode...)
	host = uint32(len(e.b))
	e.ways = append(e.ways, way{pc: pc, host: host, entry: true, on: true})
	e.called, e.ended, e.fusible = true, false, false
	return host
}

// ret emits a return, with what it pops besides.
func (e *emitter) ret() {
	if e.in.OpSize != 8 && e.in.Prefix&x86.Prefix66 != 0 {
		e.stop()
		return
	}
	spill := e.borrow(goal)
	e.load32(goal, e.stack(0))
	e.borrowed(goal, spill)
	e.moveSP(8 + int32(e.in.Imm))
	e.complement()
	e.byTable(opPush)
	e.bytes(0xc3)
	e.did(stepNothing, 0, 0)
}
