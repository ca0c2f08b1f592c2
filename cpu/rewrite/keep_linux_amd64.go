package rewrite

import (
	"github.com/sbxrun/sbx/cpu/trap"
	"github.com/sbxrun/sbx/cpu/x86"
)

// The guest's R11 has no register of the host's. An instruction that needs it takes one that is not needed
// soon, and that keeps the value for those that follow, up to one that needs the register itself, or to
// the first that is more than computation or a conditional jump. The register's own value is in State.Kept meanwhile.

// keepAhead is how many instructions are looked at to choose that register.
const keepAhead = 12

// keep takes a register for R11, with its value in it if the instruction reads it. Until the instruction
// has written it, it is as if nothing had happened.
func (e *emitter) keep(used uint16, reads bool) {
	reg := e.unneeded(used | 1<<guestSP | 1<<guestR11)
	e.storeState(trap.OffKept, reg)
	e.did(stepSpill, reg, 0)
	if reads {
		e.loadState(reg, trap.OffR11)
		e.did(stepTake, reg, 0)
	}
	e.kept, e.dirty = int8(reg), false
}

// unneeded chooses the register of those not in used that the code ahead needs last.
func (e *emitter) unneeded(used uint16) int {
	for j := e.i + 1; j < min(e.i+1+keepAhead, len(e.insts)); j++ {
		s := &e.insts[j]
		if s.label || !s.ok || !computes(s.in.Form.Class) {
			break
		}
		more := used | uses(&s.in)
		if more == 0xffff {
			break
		}
		used = more
	}
	return e.scratch(used, false)
}

// computes reports whether R11 may be kept over instructions of a class.
func computes(c x86.Class) bool { return c == x86.Plain || c == x86.Lea || c == x86.Nop }

// keeps reports whether the instruction leaves R11 where it is kept.
func (e *emitter) keeps() bool {
	if e.kept == none {
		return true
	}
	in := &e.in
	if in.Form.Class == x86.Jcc {
		return true
	}
	return computes(in.Form.Class) && in.Form.Imm != x86.ImmMoffs && !hasHighByte(in) && uses(in)&(1<<e.kept) == 0
}

// release has R11 in its place again before the instruction at pc.
func (e *emitter) release(pc uint64) {
	if e.kept == none {
		return
	}
	in := e.in.Len
	e.in.Len = 0 // it is no instruction of the guest's
	e.begin(pc)
	e.in.Len = in
	if e.dirty {
		e.storeState(trap.OffR11, int(e.kept))
		e.marks[len(e.marks)-1].commit = int32(len(e.steps))
		e.did(stepStore11, int(e.kept), 0)
	}
	e.loadState(int(e.kept), trap.OffKept)
	e.did(stepReturn, int(e.kept), 0)
	e.kept = none
}

// unkeep makes registers those of the guest that were kept so.
func unkeep(s *trap.State, kept int8) {
	if kept != none {
		s.GPR[guestR11] = s.GPR[kept]
		s.GPR[kept] = s.Kept
	}
}
