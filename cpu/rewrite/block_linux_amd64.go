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
	entrySize = 5   // what precedes it: the way in from the table
)

// made is the code made of a run of guest instructions, which is entered at its start
// or behind its calls and left by any of its branches. It is made again whenever more must be known of it.
type made struct {
	pc      uint64
	code    []byte // the guest's bytes that it was made from; none: it leads away to pc, through the table
	host    uint32 // offset in the arena of where branches enter
	size    uint32
	checked bool // it compares code with what is in memory now
}

// block is one of a Space's own.
type block struct {
	made
	ways     []way    // into it, beside its start; offsets in the arena
	incoming []uint32 // offsets in the arena of displacements that lead here
	dead     bool
}

// at is where branches to pc enter the block, which has it.
func (b *block) at(pc uint64) uint32 {
	for _, w := range b.ways {
		if w.pc == pc && w.on {
			return w.host
		}
	}
	return b.host
}

// translate makes the code of a block that will run at host. code are the guest's
// bytes from pc on, as many as may be executed, up to maxBytes. checked: it is to find
// out whether they have changed. Without code it is a jump to pc through the table. known, if
// there is one, tells where other blocks are entered: behind a call the block does not go on there.
func (e *emitter) translate(pc, host uint64, code []byte, checked bool, known func(pc uint64) bool) (guestLen int) {
	e.reset(pc, host, checked)
	if len(code) == 0 {
		e.away()
		return 0
	}
	n := e.run(pc, code, known)
	if checked {
		e.reset(pc, host, checked)
		e.compare(code[:n])
		e.body = uint32(len(e.b))
		n = e.run(pc, code[:n], nil)
	}
	e.leaveByExits()
	e.code = append(e.code, code[:n]...)
	return n
}

func (e *emitter) reset(pc, host uint64, checked bool) {
	e.b, e.sites, e.marks, e.steps, e.exits = e.b[:0], e.sites[:0], e.marks[:0], e.steps[:0], e.exits[:0]
	e.ways = e.ways[:0]
	e.pc, e.host, e.ended, e.sp, e.body, e.checked = pc, host, false, 0, 0, checked
	e.fusible, e.kept, e.called = false, none, false
	e.code, e.whole = e.code[:0], false
}

// run emits instructions up to the end of the block.
func (e *emitter) run(pc uint64, code []byte, known func(pc uint64) bool) (guestLen int) {
	off := 0
	for i := range maxInsts {
		err := x86.Decode(code[off:], &e.in)
		if err != nil {
			if err == x86.ErrTruncated && off > 0 {
				break // the next block begins with it, and sees more
			}
			e.release(pc + uint64(off))
			e.in.Len = 0
			e.begin(pc + uint64(off))
			e.stop()
			return off + min(len(code)-off, 15)
		}
		e.called = false
		e.raw = code[off : off+int(e.in.Len)]
		e.rest, e.follow = code[off+len(e.raw):], maxInsts-1-i
		// The processor makes one of a comparison and a jump that are neighbours.
		fuses := e.sp != 0 && e.in.Form.WritesFlags && e.in.Form.Class == x86.Plain && e.aheadIsJcc()
		if !e.keeps() {
			e.release(pc + uint64(off))
		}
		e.begin(pc + uint64(off))
		if fuses {
			e.syncSP()
		}
		e.instruction()
		e.fusible = e.in.Form.WritesFlags && e.in.Form.Class == x86.Plain
		off += len(e.raw)
		if e.ended {
			return off
		}
		if e.checked && writesMemory(&e.in) || e.called && known != nil && known(pc+uint64(off)) {
			break
		}
	}
	if e.called {
		e.ways[len(e.ways)-1].on = false
	}
	e.release(pc + uint64(off))
	e.in.Len = 0
	e.begin(pc + uint64(off))
	e.jump(pc + uint64(off))
	return off
}

// aheadIsJcc reports whether the next instruction of the block is a conditional jump.
func (e *emitter) aheadIsJcc() bool {
	return e.follow > 0 && x86.Decode(e.rest, &e.ahead) == nil && e.ahead.Form.Class == x86.Jcc
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

// instruction emits one. Most classes are computation; what Go carries out ends the block.
func (e *emitter) instruction() {
	switch c := e.in.Form.Class; c {
	case x86.Plain, x86.Lea, x86.Rdtsc, x86.Rdtscp, x86.Rdrand, x86.Rdseed, x86.Cmpxchg16b,
		x86.Fxsave, x86.Fxrstor, x86.FPUEnv, x86.Gather:
		e.plain()
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
		e.last(c)
	}
}

// again makes a block's code as it was when it was made, from no more of the guest's code than the
// block has: so nothing that is emitted may depend on what is behind the block.
func (e *emitter) again(m *made, rx uintptr) {
	host := uint64(rx) + uint64(m.host)
	if e.whole && e.pc == m.pc && e.host == host && e.checked == m.checked && bytes.Equal(e.code, m.code) {
		return // what was made last: a new block is mostly left by a branch that is not linked yet
	}
	e.translate(m.pc, host, m.code, m.checked, nil)
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
