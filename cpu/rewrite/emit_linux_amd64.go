package rewrite

import (
	"github.com/sbxrun/sbx/cpu/trap"
	"github.com/sbxrun/sbx/cpu/x86"
)

// stepKind is what a run of host instructions does to the guest's registers.
type stepKind uint8

const (
	stepWork    stepKind = iota // the instruction's own effect, or part of it; it may fault
	stepNothing                 // nothing that is seen
	stepSpill                   // register a is saved in slot b
	stepBorrow                  // register a, saved in slot b, holds something else
	stepFill                    // register a is restored from slot b
	stepTake                    // register a, saved as State.Kept, holds the guest's R11
	stepReturn                  // register a is restored from State.Kept
	stepStore11                 // register a is the guest's R11 and goes to its place
	stepStoreSP                 // register a is the guest's RSP and goes to its place
	stepSP                      // the host's register follows the guest's stack pointer by a
	stepWindow                  // register a, an address, becomes the host's
	stepGuest                   // register a, the host's, becomes the guest's again
	stepCount                   // RCX is one less
	stepTarget                  // R10, saved in slot 0, had where to go, and has its complement
)

// step is a part of an instruction's code, which ends at end.
type step struct {
	end  uint32
	kind stepKind
	a, b int32
}

// mark is where an instruction's code begins, and its first step.
type mark struct {
	host  uint32
	steps uint32
	guest uint32 // distance from the block's start
	next  uint32 // of the instruction behind it; for a branch of its own too
	sp    int32  // emitter.sp before it
	kept  int8   // emitter.kept before it
	// commit is the step after whose end the instruction must be completed; before it
	// is undone. noCommit: it is undone whatever was done.
	commit int32
}

const noCommit = -1

// site is a direct branch: where its displacement is, and its stub.
type site struct {
	rel    uint32 // of the 4 bytes, within the block
	stub   uint32 // of the call that is reached while the branch is not linked
	target uint64
	back   uint64 // where it returns to if it is a call, or 0
	land   uint32 // where the block is entered then, as way.host, or 0
}

// way is a way into a block beside its start.
type way struct {
	pc   uint64
	host uint32 // offset of where branches enter
	// entry says that entryCode is in front of it: the table may lead there. So it is behind calls.
	entry bool
	// on says that the block goes on there. Else it has only a jump to pc, for a return alone.
	on bool
}

// local is a branch to a label of the block.
type local struct {
	rel uint32 // of its displacement, within the block
	to  *scanned
}

// emitter makes the code of one block.
type emitter struct {
	asm
	host    uint64 // where the code will run
	pc      uint64 // of the block
	kind    kind
	in      x86.Inst
	at      uint64 // of the instruction
	raw     []byte // its bytes
	sites   []site
	marks   []mark
	steps   []step
	exits   []exit
	ways    []way
	locals  []local
	insts   []scanned // of the block
	i       int       // which of them is emitted
	ahead   []uint32  // where branches lead to, while scanning
	ended   bool      // the last instruction does not fall through
	sp      int32     // the guest's stack pointer is this far from the host's register
	kept    int8      // the register that holds the guest's R11 meanwhile, or none: see keep.go
	dirty   bool      // its value is not in R11's place
	fusible bool      // the last instruction may be fused with a conditional jump behind it
	spilled int       // slots in use
	called  bool      // the last instruction was a call, and the block may go on behind it
	checked bool      // the block compares its code with memory
	code    []byte    // what the block was made from
	whole   bool      // it has its stubs: all of it is made
	body    uint32
}

// begin starts an instruction.
func (e *emitter) begin(pc uint64) {
	e.at = pc
	e.spilled = 0
	off := uint32(pc - e.pc)
	e.marks = append(e.marks, mark{
		host: uint32(len(e.b)), steps: uint32(len(e.steps)), guest: off,
		next: off + uint32(e.in.Len), sp: e.sp, kept: e.kept, commit: noCommit,
	})
}

// did ends a step.
func (e *emitter) did(k stepKind, a, b int) {
	e.steps = append(e.steps, step{uint32(len(e.b)), k, int32(a), int32(b)})
}

// commit says that what was emitted since the last step does what the
// instruction does, and that it must be completed from here on.
func (e *emitter) commit() {
	m := &e.marks[len(e.marks)-1]
	m.commit = int32(len(e.steps))
	e.did(stepWork, 0, 0)
}

// next is the address behind the instruction.
func (e *emitter) next() uint64 { return e.at + uint64(e.in.Len) }

// borrow saves a register so that it can be used until giveBack.
func (e *emitter) borrow(reg int) (spill int) {
	spill = e.spilled
	e.spilled++
	e.storeState(trap.OffSpill+8*int32(spill), reg)
	e.did(stepSpill, reg, spill)
	return spill
}

// borrowed says that a borrowed register has been loaded with something.
func (e *emitter) borrowed(reg, spill int) { e.did(stepBorrow, reg, spill) }

func (e *emitter) giveBack(reg, spill int) {
	e.loadState(reg, trap.OffSpill+8*int32(spill))
	e.did(stepFill, reg, spill)
}

// stack is the guest's stack at a distance from its pointer.
func (e *emitter) stack(off int32) mem { return mem{base: hostSP, index: none, disp: off + e.sp} }

// moveSP moves the guest's stack pointer. The host's register follows when it has to.
func (e *emitter) moveSP(by int32) { e.sp += by }

// syncSP makes the host's register the guest's stack pointer.
func (e *emitter) syncSP() {
	if e.sp == 0 {
		return
	}
	e.lea(hostSP, e.stack(0))
	e.did(stepSP, int(e.sp), 0)
	e.sp = 0
}

// stop emits an exit for an instruction that Go carries out.
func (e *emitter) stop() {
	e.callState(trap.OffExitStop)
	e.did(stepNothing, 0, 0)
}

// scratch returns a register that the instruction does not use; low says that
// it must be one that needs no REX prefix.
func (e *emitter) scratch(used uint16, low bool) int {
	// Those first that programs use least, so that nothing waits for them to be restored.
	for _, r := range [...]int{10, 9, 8, x86.RDI, x86.RSI, x86.RCX, x86.RDX, x86.RBX, x86.RBP, x86.RAX, 12, 13, 14, 15} {
		if used&(1<<r) == 0 && (!low || r < 8) {
			return r
		}
	}
	panic("rewrite: an instruction uses every register") // none has more than six
}

// uses returns the guest's general registers that an instruction names or implies.
func uses(in *x86.Inst) uint16 {
	f := in.Form
	set := f.ImplicitRead | f.ImplicitWritten
	add := func(op x86.Operand, n int) {
		switch op.Kind {
		case x86.GPR8:
			if in.HighByte(n) {
				n -= 4
			}
			set |= 1 << n
		case x86.GPR16, x86.GPR32, x86.GPR64, x86.GPRv, x86.GPRy:
			set |= 1 << n
		}
	}
	add(f.Reg, in.RegField())
	if in.HasModRM && !in.IsMem() {
		add(f.RM, in.RMField())
	}
	add(f.V, int(in.VexV))
	add(f.OpReg, in.OpRegField())
	if b := in.Base(); b >= 0 {
		set |= 1 << b
	}
	if i := in.Index(); i >= 0 && f.VSIB == x86.None {
		set |= 1 << i
	}
	return set
}
