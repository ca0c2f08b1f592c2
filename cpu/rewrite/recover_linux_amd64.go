package rewrite

import (
	"sort"

	"github.com/sbxrun/sbx/cpu/trap"
	"github.com/sbxrun/sbx/cpu/x86"
)

// settle makes a thread's registers those of the guest between two instructions,
// after it was stopped at offset off of the block's code, and returns the address of
// the next instruction.
func (e *emitter) settle(s *trap.State, off uint32) (pc uint64) {
	for _, t := range e.sites {
		if t.stub == off {
			return t.target // the branch was taken
		}
	}
	for _, w := range e.ways {
		if w.entry && w.host-entrySize == off { // on the way in from the table
			s.GPR[goal] = s.Spill[0]
			return w.pc
		}
	}
	i := sort.Search(len(e.marks), func(i int) bool { return e.marks[i].host > off }) - 1
	if i < 0 {
		return e.pc
	}
	m := e.marks[i]
	end, sp, kept := uint32(len(e.steps)), int32(0), int8(none)
	if i+1 < len(e.marks) {
		end, sp, kept = e.marks[i+1].steps, e.marks[i+1].sp, e.marks[i+1].kept
	}
	steps := e.steps[m.steps:end]
	done := 0
	for done < len(steps) && steps[done].end <= off {
		done++
	}
	if m.commit != noCommit && done > int(m.commit)-int(m.steps) {
		pc = e.complete(s, m, steps, done)
		s.GPR[guestSP] += uint64(int64(sp))
		unkeep(s, kept)
		return pc
	}
	for j := done - 1; j >= 0; j-- {
		steps[j].undo(s)
	}
	s.GPR[guestSP] += uint64(int64(m.sp))
	unkeep(s, m.kept)
	return e.pc + uint64(m.guest)
}

// complete does what is left of an instruction after its first done steps.
func (e *emitter) complete(s *trap.State, m mark, steps []step, done int) (pc uint64) {
	pc = e.pc + uint64(m.next)
	for i, st := range steps {
		switch {
		case st.kind == stepTarget:
			pc = uint64(uint32(s.GPR[goal]))
			if i < done {
				pc ^= 0xffffffff
			}
			s.GPR[goal] = s.Spill[0]
		case i >= done:
			st.redo(s)
		}
	}
	return pc
}

// reg is where the State has a host register: the guest's stack pointer, host R11,
// is in its place as RSP.
func reg(s *trap.State, host int32) *uint64 {
	if host == hostSP {
		return &s.GPR[guestSP]
	}
	return &s.GPR[host]
}

func (st step) undo(s *trap.State) {
	switch st.kind {
	case stepBorrow:
		*reg(s, st.a) = s.Spill[st.b]
	case stepTake:
		*reg(s, st.a) = s.Kept
	case stepSP:
		s.GPR[x86.RSP] -= uint64(int64(st.a))
	case stepWindow:
		*reg(s, st.a) -= s.Window
	case stepCount:
		s.GPR[x86.RCX]++
	}
}

func (st step) redo(s *trap.State) {
	switch st.kind {
	case stepFill:
		*reg(s, st.a) = s.Spill[st.b]
	case stepReturn:
		*reg(s, st.a) = s.Kept
	case stepStore11:
		s.GPR[guestR11] = *reg(s, st.a)
	case stepStoreSP:
		s.GPR[x86.RSP] = *reg(s, st.a)
	case stepSP:
		s.GPR[x86.RSP] += uint64(int64(st.a))
	case stepGuest:
		*reg(s, st.a) -= s.Window
	}
}
