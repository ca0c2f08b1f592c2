package rewrite

import (
	"encoding/binary"

	"github.com/sbxrun/sbx/cpu/trap"
)

// Host registers with a part to play; the others are the guest's of the same number.
const (
	hostState = 4  // RSP: the State
	hostSP    = 11 // the guest's RSP
	guestSP   = 4
	guestR11  = 11 // which is in the State
	goal      = 10 // R10: where an indirect branch goes
)

// mem is a memory operand in the host's registers; base and index may be none.
type mem struct {
	base, index int8
	scale       uint8 // log2
	disp        int32
}

const none = -1

// asm assembles the few instructions that are inserted. None of them changes flags.
type asm struct{ b []byte }

func (a *asm) bytes(b ...byte) { a.b = append(a.b, b...) }

func (a *asm) imm32(v uint32) { a.b = binary.LittleEndian.AppendUint32(a.b, v) }

// rex appends a REX prefix if one is needed.
func (a *asm) rex(w bool, r, x, b int) {
	p := byte(0x40) | byte(r>>3&1)<<2 | byte(x>>3&1)<<1 | byte(b>>3&1)
	if w {
		p |= 8
	}
	if p != 0x40 {
		a.b = append(a.b, p)
	}
}

// modrm appends ModRM, SIB and displacement for a memory operand.
func (a *asm) modrm(reg int, m mem) {
	r := byte(reg&7) << 3
	sib := m.scale << 6
	if m.index == none {
		sib |= 4 << 3
	} else {
		sib |= byte(m.index&7) << 3
	}
	if m.base == none {
		a.bytes(r|4, sib|5)
		a.imm32(uint32(m.disp))
		return
	}
	rm := byte(m.base & 7)
	needSIB := m.index != none || rm == 4
	if needSIB {
		rm = 4
	}
	mod := byte(0x80)
	switch {
	case m.disp == 0 && m.base&7 != 5:
		mod = 0
	case m.disp == int32(int8(m.disp)):
		mod = 0x40
	}
	a.bytes(mod | r | rm)
	if needSIB {
		a.bytes(sib | byte(m.base&7))
	}
	switch mod {
	case 0x40:
		a.bytes(byte(m.disp))
	case 0x80:
		a.imm32(uint32(m.disp))
	}
}

// op appends an instruction of one opcode byte with a memory operand of the State
// (seg false) or of the guest's window.
func (a *asm) op(seg, w bool, opcode byte, reg int, m mem) {
	if seg {
		a.bytes(0x65, 0x67)
	}
	x, b := 0, 0
	if m.index != none {
		x = int(m.index)
	}
	if m.base != none {
		b = int(m.base)
	}
	a.rex(w, reg, x, b)
	a.bytes(opcode)
	a.modrm(reg, m)
}

// slot is a field of the State.
func slot(off int32) mem { return mem{base: hostState, index: none, disp: off} }

func spillSlot(i int) mem { return slot(trap.OffSpill + 8*int32(i)) }

// The instructions. Registers are the host's.

func (a *asm) loadState(reg int, off int32)  { a.op(false, true, 0x8b, reg, slot(off)) }
func (a *asm) storeState(off int32, reg int) { a.op(false, true, 0x89, reg, slot(off)) }
func (a *asm) load(reg int, m mem)           { a.op(true, true, 0x8b, reg, m) }
func (a *asm) load32(reg int, m mem)         { a.op(true, false, 0x8b, reg, m) }
func (a *asm) store(m mem, reg int)          { a.op(true, true, 0x89, reg, m) }
func (a *asm) lea(reg int, m mem)            { a.op(false, true, 0x8d, reg, m) }
func (a *asm) lea32(reg int, m mem)          { a.op(false, false, 0x8d, reg, m) }

func (a *asm) move(dst, src int) {
	a.rex(true, src, 0, dst)
	a.bytes(0x89, 0xc0|byte(src&7)<<3|byte(dst&7))
}

func (a *asm) move32(dst, src int) {
	a.rex(false, src, 0, dst)
	a.bytes(0x89, 0xc0|byte(src&7)<<3|byte(dst&7))
}

// constant loads a value, zero-extended.
func (a *asm) constant(reg int, v uint32) {
	a.rex(false, 0, 0, reg)
	a.bytes(0xb8 | byte(reg&7))
	a.imm32(v)
}

// storeConst stores a guest address, of 8 bytes, to the guest.
func (a *asm) storeConst(m mem, v uint32) {
	if int32(v) >= 0 {
		a.op(true, true, 0xc7, 0, m)
		a.imm32(v)
		return
	}
	a.op(true, false, 0xc7, 0, m)
	a.imm32(v)
	m.disp += 4
	a.op(true, false, 0xc7, 0, m)
	a.imm32(0)
}

// callState calls one of the exits.
func (a *asm) callState(off int32) { a.op(false, false, 0xff, 2, slot(off)) }
