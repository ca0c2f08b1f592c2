package rewrite

import (
	"sort"

	"github.com/sbxrun/sbx/cpu/x86"
)

// scanned is an instruction that a block will have.
type scanned struct {
	in    x86.Inst
	off   uint32 // distance from the block's start
	ok    bool   // it is one; else the bytes are no instruction
	label bool   // a branch of the block leads to it, or it is a call
	head  bool   // one from behind it
	host  uint32 // where that enters, if it was emitted
}

// scan reads the instructions that a block at pc will have, and returns how many bytes they are in all. A block
// goes on behind what does not fall through if one of its branches leads there. It ends
// where known says that another one is entered. All of this depends on the bytes returned alone, if known is nil.
func (e *emitter) scan(pc uint64, code []byte, known func(pc uint64) bool) (n int) {
	e.insts, e.ahead = e.insts[:0], e.ahead[:0]
	for off := 0; len(e.insts) < maxInsts; {
		if off > 0 && known != nil && known(pc+uint64(off)) {
			break
		}
		e.insts = append(e.insts, scanned{off: uint32(off), ok: true})
		s := &e.insts[len(e.insts)-1]
		if err := x86.Decode(code[off:], &s.in); err != nil {
			if err == x86.ErrTruncated && off > 0 {
				e.insts = e.insts[:len(e.insts)-1]
				break // the next block begins with it, and sees more
			}
			s.ok = false
			return off + min(len(code)-off, 15)
		}
		in := &s.in
		off += int(in.Len)
		n = off
		to, on := uint64(0), false
		switch c := in.Form.Class; {
		case c == x86.Jcc, c == x86.Jrcxz, c == x86.Loop:
			to, on = in.Target(pc+uint64(s.off)), true
		case c == x86.Jmp:
			to = in.Target(pc + uint64(s.off))
		case c == x86.Call, c == x86.CallInd:
			on = !e.checked // it is entered again at its start alone
		default:
			on = falls(c)
		}
		if to-pc >= uint64(off) && to-pc < uint64(len(code)) {
			e.ahead = append(e.ahead, uint32(to-pc))
		}
		switch {
		case e.checked && (!on || writesMemory(in)):
			return n
		case on:
		case e.nextAhead(off) <= off+maxGap:
			off = e.nextAhead(off)
		default:
			return n
		}
	}
	return n
}

// maxGap is how many bytes that nobody executes may be within a block: what aligns the code behind them.
const maxGap = 15

// nextAhead is where the next instruction is, from an offset on, that a branch before it leads to.
func (e *emitter) nextAhead(off int) int {
	next := 1 << 30
	for _, to := range e.ahead {
		if int(to) >= off {
			next = min(next, int(to))
		}
	}
	return next
}

// setLabels finds where the block is entered beside its start: where its own branches lead to, and at its calls.
func (e *emitter) setLabels() {
	if e.checked {
		return // each way in compares
	}
	for i := range e.insts {
		s := &e.insts[i]
		if !s.ok {
			continue
		}
		switch s.in.Form.Class {
		case x86.Jcc, x86.Jrcxz, x86.Loop, x86.Jmp:
			if to := e.labelAt(s.in.Target(e.pc+uint64(s.off)), true); to != nil {
				to.label = true
				to.head = to.head || to.off <= s.off
			}
		case x86.Call, x86.CallInd:
			// Other blocks lead here, and have no copy of the call: its return would be predicted to come
			// to behind the copy that was executed, and the table leads to behind one of them.
			s.label = s.off > 0
		}
	}
}

// labelAt returns the instruction at an address if it is a label, or, any, if it may be one.
func (e *emitter) labelAt(pc uint64, any bool) *scanned {
	off := pc - e.pc
	if off == 0 || off > maxBytes || len(e.insts) == 0 || off > uint64(e.insts[len(e.insts)-1].off) {
		return nil
	}
	i := sort.Search(len(e.insts), func(i int) bool { return uint64(e.insts[i].off) >= off })
	if s := &e.insts[i]; uint64(s.off) == off && (s.label || any) {
		return s
	}
	return nil
}

// enter begins an instruction that branches of the block lead to: they find all as it is at the block's start.
func (e *emitter) enter(s *scanned) {
	pc := e.pc + uint64(s.off)
	if e.called { // a call returns here too
		s.host = e.ways[len(e.ways)-1].host
		return
	}
	if e.ended {
		e.sp = 0
	}
	e.release(pc)
	last := 0 // no two enter at one place
	if n := len(e.ways); n > 0 {
		last = int(e.ways[n-1].host)
	}
	if e.sp != 0 || s.head || len(e.b) == last {
		e.in.Len = 0 // it is no instruction of the guest's
		e.begin(pc)
		e.syncSP()
		if s.head {
			e.pad(int(-(e.host + uint64(len(e.b))) & (headAlign - 1)))
		}
		if len(e.b) == last {
			e.pad(1)
		}
		e.did(stepNothing, 0, 0)
	}
	s.host = uint32(len(e.b))
	e.ways = append(e.ways, way{pc: pc, host: s.host, on: true})
	e.fusible, e.ended = false, false
}
