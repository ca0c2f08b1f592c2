package rewrite

import (
	"slices"

	"github.com/sbxrun/sbx/cpu/memory"
	"github.com/sbxrun/sbx/cpu/trap"
	"github.com/sbxrun/sbx/cpu/x86"
)

// The table of indirect branches: the slot of guest address A is at tableTop -
// 8*(A+1), where tableTop is the end of the room below the window. With ^A in a
// register that is one operand behind GS.
const (
	tableSize = 8 * memory.Size
	slotSize  = 8
)

// branchTo emits a direct branch; opcode is the jump or the conditional jump. Its
// displacement lies within 8 aligned bytes, so that it can be patched while others run.
func (e *emitter) branchTo(target uint64, opcode ...byte) {
	if to := e.labelAt(target, false); to != nil && opcode[0] != 0xe8 {
		e.branchWithin(to, opcode)
		return
	}
	e.bytes(nops[e.misplaced(len(opcode))]...)
	e.bytes(opcode...)
	e.sites = append(e.sites, site{rel: uint32(len(e.b)), target: target})
	e.imm32(0)
	e.did(stepNothing, 0, 0)
}

// branchWithin emits a branch to a label of the block.
func (e *emitter) branchWithin(to *scanned, opcode []byte) {
	if d := int(to.host) - len(e.b) - 2; to.host != 0 && d >= -128 {
		op := byte(0xeb)
		if len(opcode) == 2 {
			op = 0x70 | opcode[1]&15
		}
		e.bytes(op, byte(d))
	} else {
		e.bytes(opcode...)
		e.locals = append(e.locals, local{uint32(len(e.b)), to})
		e.imm32(0)
	}
	e.did(stepNothing, 0, 0)
}

// nops of each length.
var nops = [...][]byte{{}, {0x90}, {0x66, 0x90}, {0x0f, 0x1f, 0x00}, {0x0f, 0x1f, 0x40, 0x00}, {0x0f, 0x1f, 0x44, 0x00, 0x00},
	{0x66, 0x0f, 0x1f, 0x44, 0x00, 0x00}, {0x0f, 0x1f, 0x80, 0, 0, 0, 0}, {0x0f, 0x1f, 0x84, 0x00, 0, 0, 0, 0}}

// pad emits n bytes that do nothing.
func (e *emitter) pad(n int) {
	for ; n > 0; n -= min(n, len(nops)-1) {
		e.bytes(nops[min(n, len(nops)-1)]...)
	}
}

// misplaced is how many bytes later a displacement behind an opcode of n bytes could be patched.
func (e *emitter) misplaced(n int) int {
	if at := int(e.host+uint64(len(e.b)+n)) & 7; at > 4 {
		return 8 - at
	}
	return 0
}

func (e *emitter) jump(target uint64) {
	e.syncSP()
	e.branchTo(target, 0xe9)
}

// stubs ends the block: where unlinked branches lead.
func (e *emitter) stubs() {
	for i := range e.sites {
		e.sites[i].stub = uint32(len(e.b))
		e.callState(trap.OffExitLink)
		e.link(i, e.sites[i].stub)
	}
	e.whole = true
}

// link makes a branch lead to an offset within the block.
func (e *emitter) link(i int, to uint32) { e.putBranch(e.sites[i].rel, to) }

// putBranch sets the displacement at an offset within the block.
func (e *emitter) putBranch(rel, to uint32) {
	d := to - rel - 4
	e.b[rel], e.b[rel+1], e.b[rel+2], e.b[rel+3] = byte(d), byte(d>>8), byte(d>>16), byte(d>>24)
}

// jcc emits a conditional jump and goes on behind it. While R11 is kept it goes to where that is given
// back, behind the block.
func (e *emitter) jcc() {
	e.syncSP()
	if e.kept != none {
		e.bytes(0x0f, 0x80|e.in.Opcode&15)
		e.exits = append(e.exits, exit{rel: uint32(len(e.b)), pc: e.at, target: e.in.Target(e.at), kept: e.kept, dirty: e.dirty})
		e.imm32(0)
		e.did(stepNothing, 0, 0)
		return
	}
	target := e.in.Target(e.at)
	if n := e.misplaced(2); n > 0 && e.labelAt(target, false) == nil {
		e.padBefore(n)
	}
	e.branchTo(target, 0x0f, 0x80|e.in.Opcode&15)
}

// exit is a conditional jump that leaves the block with R11 in another register.
type exit struct {
	rel        uint32 // of its displacement, within the block
	pc, target uint64
	kept       int8
	dirty      bool
}

// leaveByExits emits where such jumps lead: to code that has R11 in its place and goes on to the
// target. To be stopped there is to be stopped before the jump.
func (e *emitter) leaveByExits() {
	e.sp = 0 // as at a jump; what ended the block may have left it
	for _, x := range e.exits {
		e.putBranch(x.rel, uint32(len(e.b)))
		e.kept, e.dirty = x.kept, x.dirty
		e.release(x.pc)
		e.in.Len = 0
		e.begin(x.pc)
		e.branchTo(x.target, 0xe9)
	}
}

// padBefore puts nops in front of the instruction before this one, if that is a comparison or its like: the
// processor makes one of it and a jump, if they are neighbours.
func (e *emitter) padBefore(n int) {
	last := len(e.marks) - 2
	if last < 0 || !e.fusible || len(e.steps) != int(e.marks[last].steps)+1 || int(e.marks[last+1].steps) != len(e.steps) {
		return
	}
	at := e.marks[last].host
	e.b = slices.Insert(e.b, int(at), nops[n]...)
	e.marks[last+1].host += uint32(n)
	e.steps[len(e.steps)-1].end += uint32(n)
}

// jrcxz and its kin are short jumps of the processor's, over a long one.
func (e *emitter) jrcxz() {
	e.syncSP()
	if e.in.Prefix&x86.Prefix67 != 0 {
		e.bytes(0x67)
	}
	e.bytes(0xe3, 2) // to the jump
	e.bytes(0xeb, 0) // behind it
	at := len(e.b)
	e.jump(e.in.Target(e.at))
	e.b[at-1] = byte(len(e.b) - at)
}

func (e *emitter) loop() {
	e.syncSP()
	if e.in.Prefix&x86.Prefix67 != 0 { // the count is ECX, the rest of RCX is cleared
		spill := e.borrow(x86.RCX)
		e.lea32(x86.RCX, mem{base: x86.RCX, index: none, disp: -1})
		e.borrowed(x86.RCX, spill)
	} else {
		e.lea(x86.RCX, mem{base: x86.RCX, index: none, disp: -1})
		e.did(stepCount, 0, 0)
	}
	e.bytes(0xe3, 0)
	out := []int{len(e.b)}
	switch e.in.Opcode {
	case 0xe0: // loopne
		e.bytes(0x74, 0)
		out = append(out, len(e.b))
	case 0xe1: // loope
		e.bytes(0x75, 0)
		out = append(out, len(e.b))
	}
	e.jump(e.in.Target(e.at))
	for _, at := range out {
		e.b[at-1] = byte(len(e.b) - at)
	}
	// When it falls through, the count stays: that is the instruction's end.
}

// jumpIndirect emits a jump through a register or memory.
func (e *emitter) jumpIndirect() {
	e.target()
	e.complement()
	e.byTable(opJump)
}

// target loads R10, whose own value goes to slot 0, where the target finds it.
func (e *emitter) target() {
	if _, ok := accessTo(&e.in, guestSP); ok {
		e.syncSP()
	}
	spill := e.borrow(goal)
	if e.in.IsMem() {
		used := uses(&e.in) | 1<<goal
		m, list := e.operand(&used, false)
		e.load32(goal, m)
		e.borrowed(goal, spill)
		e.giveBackAll(list)
		return
	}
	switch reg := e.in.RMField(); reg {
	case guestR11:
		e.op(false, false, 0x8b, goal, slot(trap.OffR11))
	default:
		e.move32(goal, toHost(reg))
	}
	e.borrowed(goal, spill)
}

// complement makes of the guest address in R10 an index of the table. A fault of what uses it is a
// miss: R10 has the complement of the address.
func (e *emitter) complement() {
	e.syncSP()
	e.bytes(0x49, 0xf7, 0xd2) // not r10
	e.did(stepTarget, 0, 0)
}

// What is done with the slot of R10.
const (
	opCall = 2
	opJump = 4
	opPush = 6
)

func (e *emitter) byTable(op byte) {
	e.bytes(0x65, 0x42, 0xff, op<<3|4, 0xd5) // op gs:[r10*8 - GuardBelow]
	e.imm32(1<<32 - memory.GuardBelow)
	e.did(stepNothing, 0, 0)
}

// away emits a jump to the block's own address through the table: for branches to code that
// is not made with this, and may be forgotten without it.
func (e *emitter) away() {
	spill := e.borrow(goal)
	e.constant(goal, uint32(e.pc))
	e.borrowed(goal, spill)
	e.complement()
	e.byTable(opJump)
}

// syscall emits the exit with what the processor leaves in RCX; what follows is
// where the thread goes on if the kernel does not send it elsewhere.
func (e *emitter) syscall() {
	e.syncSP()
	spill := e.borrow(x86.RCX) // in case of an interrupt before the call
	e.constant(x86.RCX, uint32(e.next()))
	e.borrowed(x86.RCX, spill)
	e.callState(trap.OffExitSyscall)
	e.did(stepNothing, 0, 0)
}
