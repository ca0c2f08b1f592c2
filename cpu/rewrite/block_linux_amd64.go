package rewrite

import (
	"bytes"

	"github.com/sbxrun/sbx/cpu/trap"
	"github.com/sbxrun/sbx/cpu/x86"
)

const (
	maxInsts  = 96  // of a block
	maxBytes  = 512 // of the guest's code in a block
	alignment = 32  // of where branches enter a block
	loopAlign = 64  // the same if the block is a loop
	headAlign = 32  // of where a loop within a block begins
	entrySize = 5   // what precedes it: the way in from the table
)

// made is the code made of a run of guest instructions, which is entered at its start, behind its calls or where
// its own branches lead to, and left by any of its branches. It is made again whenever more must be known of it.
type made struct {
	pc      uint64
	kind    kind
	code    []byte // the guest's bytes that it was made from, if it is of that kind
	host    uint32 // offset in the arena of where branches enter
	size    uint32
	checked bool // it compares code with what is in memory now
}

// kind is what a block is for.
type kind uint8

const (
	fromCode kind = iota
	leadAway      // to pc, through the table
	leadIn        // from the table to pc, where a block is entered that has no such way
)

// block is one of a Space's own.
type block struct {
	made
	ways     []way    // into it, beside its start; offsets in the arena
	incoming []uint32 // offsets in the arena of displacements that lead here
	dead     bool
}

// at is where branches to pc enter the block, which has it; entry says that the table may lead there.
func (b *block) at(pc uint64) (host uint32, entry bool) {
	for _, w := range b.ways {
		if w.pc == pc && w.on {
			return w.host, w.entry
		}
	}
	return b.host, true
}

// translate makes the code of a block that will run at host. code are the guest's
// bytes from pc on, as many as may be executed, up to maxBytes. checked: it is to find
// out whether they have changed. known, if there is one, tells where other blocks are entered: the block ends there.
func (e *emitter) translate(pc, host uint64, code []byte, checked bool, known func(pc uint64) bool) (guestLen int) {
	e.reset(pc, host, fromCode, checked)
	n := e.scan(pc, code, known)
	e.setLabels()
	if checked {
		e.compare(code[:n])
		e.body = uint32(len(e.b))
	}
	e.run(code[:n])
	e.leaveByExits()
	for _, l := range e.locals {
		e.putBranch(l.rel, l.to.host)
	}
	e.code = append(e.code, code[:n]...)
	return n
}

// lead makes the code of a block of another kind.
func (e *emitter) lead(pc, host uint64, k kind) {
	e.reset(pc, host, k, false)
	e.in.Len = 0
	e.begin(pc)
	if k == leadIn {
		e.branchTo(pc, 0xe9)
		return
	}
	e.away()
}

func (e *emitter) reset(pc, host uint64, k kind, checked bool) {
	e.b, e.sites, e.marks, e.steps, e.exits = e.b[:0], e.sites[:0], e.marks[:0], e.steps[:0], e.exits[:0]
	e.ways, e.locals, e.insts = e.ways[:0], e.locals[:0], e.insts[:0]
	e.pc, e.host, e.kind, e.ended, e.sp, e.body, e.checked = pc, host, k, false, 0, 0, checked
	e.fusible, e.kept, e.called = false, none, false
	e.code, e.whole = e.code[:0], false
}

// run emits the instructions that were scanned.
func (e *emitter) run(code []byte) {
	for i := range e.insts {
		s := &e.insts[i]
		pc := e.pc + uint64(s.off)
		if s.label {
			e.enter(s)
		}
		e.i, e.in, e.called = i, s.in, false
		if !s.ok {
			e.release(pc)
			e.in.Len = 0
			e.begin(pc)
			e.stop()
			return
		}
		e.raw = code[s.off:][:e.in.Len]
		plain := e.in.Form.WritesFlags && e.in.Form.Class == x86.Plain
		if !e.keeps() {
			e.release(pc)
		}
		e.begin(pc)
		if plain && e.sp != 0 && e.aheadIsJcc() {
			e.syncSP() // The processor makes one of a comparison and a jump that are neighbours.
		}
		e.instruction()
		e.fusible = plain
	}
	if e.ended {
		return
	}
	if e.called {
		e.ways[len(e.ways)-1].on = false
	}
	end := e.pc + uint64(len(code))
	e.release(end)
	e.in.Len = 0
	e.begin(end)
	e.jump(end)
}

// aheadIsJcc reports whether the next instruction of the block is a conditional jump.
func (e *emitter) aheadIsJcc() bool {
	return e.i+1 < len(e.insts) && e.insts[e.i+1].ok && e.insts[e.i+1].in.Form.Class == x86.Jcc
}

// loops reports whether a branch leads back to the block's start.
func (e *emitter) loops() bool {
	for _, t := range e.sites {
		if t.target == e.pc {
			return true
		}
	}
	return false
}

// falls reports whether code goes on behind an instruction of a class, but for a call. What Go carries out ends the block.
func falls(c x86.Class) bool {
	switch c {
	case x86.Plain, x86.Lea, x86.Nop, x86.Rdtsc, x86.Rdtscp, x86.Rdrand, x86.Rdseed, x86.Cmpxchg16b, x86.Fxsave, x86.Fxrstor, x86.FPUEnv, x86.Gather,
		x86.Push, x86.Pop, x86.Leave, x86.String, x86.Xlat, x86.MaskMov, x86.Syscall, x86.Jcc, x86.Jrcxz, x86.Loop:
		return true
	}
	return false
}

// instruction emits one. Most classes are computation.
func (e *emitter) instruction() {
	c := e.in.Form.Class
	if !falls(c) {
		e.last(c)
		return
	}
	switch c {
	case x86.Nop:
		if e.in.Opcode == 0x90 && e.in.Map == 0 && e.in.Prefix&x86.PrefixF3 != 0 {
			e.bytes(0xf3, 0x90) // pause
		}
		e.did(stepNothing, 0, 0)
	case x86.Push:
		e.push()
	case x86.Pop:
		e.pop()
	case x86.Leave:
		e.leave()
	case x86.String:
		e.str()
	case x86.Xlat, x86.MaskMov:
		e.implied()
	case x86.Syscall:
		e.syscall()
	case x86.Jcc:
		e.jcc()
	case x86.Jrcxz:
		e.jrcxz()
	case x86.Loop:
		e.loop()
	default:
		e.plain()
	}
}

// again makes a block's code as it was when it was made, from no more of the guest's code than the
// block has: so nothing that is emitted may depend on what is behind the block.
func (e *emitter) again(m *made, rx uintptr) {
	host := uint64(rx) + uint64(m.host)
	if e.whole && e.pc == m.pc && e.host == host && e.kind == m.kind && e.checked == m.checked && bytes.Equal(e.code, m.code) {
		return // what was made last: a new block is mostly left by a branch that is not linked yet
	}
	if m.kind == fromCode {
		e.translate(m.pc, host, m.code, m.checked, nil)
	} else {
		e.lead(m.pc, host, m.kind)
	}
	e.stubs()
}

// last emits an instruction that ends the block, if it is no call.
func (e *emitter) last(c x86.Class) {
	e.ended = true
	switch c {
	case x86.Jmp:
		e.jump(e.in.Target(e.at))
	case x86.Call:
		e.call()
	case x86.JmpInd:
		e.jumpIndirect()
	case x86.CallInd:
		e.callIndirect()
	case x86.Ret:
		e.ret()
	default:
		e.stop()
	}
}

// entry is the way in from the table: R10 is in slot 0.
func entry() []byte {
	var a asm
	a.loadState(goal, trap.OffSpill)
	return a.b
}
