package rewrite

import (
	"github.com/sbxrun/sbx/cpu/memory"
	"github.com/sbxrun/sbx/cpu/trap"
	"github.com/sbxrun/sbx/cpu/x86"
)

// held is a borrowed register, to be given back.
type held struct{ reg, spill int }

func (e *emitter) giveBackAll(list []held) {
	for i := len(list) - 1; i >= 0; i-- {
		e.giveBack(list[i].reg, list[i].spill)
	}
}

// toHost returns the host's register for a guest's that is not R11.
func toHost(reg int) int {
	if reg == guestSP {
		return hostSP
	}
	return reg
}

// isGPR tells operands that name general registers.
func isGPR(k x86.Kind) bool {
	switch k {
	case x86.GPR8, x86.GPR16, x86.GPR32, x86.GPR64, x86.GPRv, x86.GPRy:
		return true
	}
	return false
}

// hasHighByte reports whether the instruction names AH, CH, DH or BH, which
// excludes any REX prefix.
func hasHighByte(in *x86.Inst) bool {
	if in.REX != 0 || in.VEX != 0 {
		return false
	}
	f := in.Form
	return f.Reg.Kind == x86.GPR8 && in.HighByte(in.RegField()) ||
		f.RM.Kind == x86.GPR8 && in.HasModRM && !in.IsMem() && in.HighByte(in.RMField()) ||
		f.OpReg.Kind == x86.GPR8 && in.HighByte(in.OpRegField())
}

// operand returns the memory operand of the instruction in the host's registers.
// It borrows what it needs: for R11, and for a segment's base. used are the
// guest registers that it may not borrow; it adds its own.
func (e *emitter) operand(used *uint16, low bool) (m mem, list []held) {
	in := &e.in
	m = mem{base: none, index: none, disp: in.Disp}
	if in.Form.Imm == x86.ImmMoffs {
		m.disp = int32(in.Imm)
	}
	if in.RIPRelative() {
		m.disp = int32(uint32(e.next() + uint64(int64(in.Disp))))
	}
	r11 := none
	place := func(reg int) int8 {
		if reg < 0 {
			return none
		}
		if reg != guestR11 {
			return int8(toHost(reg))
		}
		if e.kept != none {
			return e.kept
		}
		if r11 == none {
			r11 = e.take(used, low, &list)
			e.loadState(r11, trap.OffR11)
			e.borrowed(r11, list[len(list)-1].spill)
		}
		return int8(r11)
	}
	if in.IsMem() {
		m.base = place(in.Base())
		if m.base == hostSP {
			m.disp += e.sp // which may wrap, as addresses do
		}
		if in.Form.VSIB != x86.None {
			m.index = int8(in.Index())
		} else {
			m.index = place(in.Index())
		}
		m.scale = in.SIB >> 6
		if !in.HasSIB {
			m.scale = 0
		}
	}
	if in.Prefix&(x86.PrefixFS|x86.PrefixGS) != 0 && in.Form.Class != x86.Lea {
		m = e.segment(m, used, low, &list)
	}
	if low && (m.base > 7 || m.index > 7) {
		t := e.take(used, true, &list)
		e.lea32(t, m)
		e.borrowed(t, list[len(list)-1].spill)
		m = mem{base: int8(t), index: none}
	}
	return m, list
}

// take borrows a free register.
func (e *emitter) take(used *uint16, low bool, list *[]held) int {
	r := e.scratch(*used, low)
	*used |= 1 << r
	*list = append(*list, held{r, e.borrow(r)})
	return r
}

// segment adds the base of FS or GS to an operand.
func (e *emitter) segment(m mem, used *uint16, low bool, list *[]held) mem {
	t := e.take(used, low, list)
	spill := (*list)[len(*list)-1].spill
	e.loadState(t, e.segmentBase())
	e.borrowed(t, spill)
	if m.base != none && m.index != none {
		e.lea(t, mem{base: int8(t), index: m.base})
		e.did(stepNothing, 0, 0)
		m.base = none
	}
	switch {
	case m.index == none && m.base != none:
		m.index, m.scale = int8(t), 0
	default:
		m.base = int8(t)
	}
	return m
}

func (e *emitter) segmentBase() int32 {
	if e.in.Prefix&x86.PrefixFS != 0 {
		return trap.OffFSBase
	}
	return trap.OffGSBase
}

// plain emits an instruction that computes with its operands.
func (e *emitter) plain() {
	in := &e.in
	const segments = x86.PrefixFS | x86.PrefixGS
	if in.Form.Imm == x86.ImmMoffs && uint64(in.Imm) >= memory.Size && in.Prefix&segments == 0 {
		e.stop()
		return
	}
	if _, ok := accessTo(in, guestSP); ok || in.Form.Class == x86.Lea && int64(in.Disp)+int64(e.sp) != int64(in.Disp+e.sp) {
		e.syncSP()
	}
	used := uses(in)
	low := hasHighByte(in)
	access, named := accessTo(in, guestR11)
	if e.kept == none && !low && used&(1<<guestR11) != 0 {
		e.keep(used, !named || access&x86.Read != 0 || in.Base() == guestR11 || in.Index() == guestR11)
	}
	if e.kept != none {
		used |= 1 << e.kept
	}
	var list []held
	var m *mem
	if in.IsMem() || in.Form.Imm == x86.ImmMoffs {
		if e.loadBySegment(used) {
			return
		}
		operand, l := e.operand(&used, low)
		m, list = &operand, l
	}
	r11 := int(e.kept)
	switch {
	case named && r11 != none:
		e.dirty = e.dirty || access&x86.Write != 0
		access = 0 // it goes to its place later
	case named:
		r11 = e.take(&used, low, &list)
		if access&x86.Read != 0 {
			e.loadState(r11, trap.OffR11)
			e.borrowed(r11, list[len(list)-1].spill)
		}
	}
	// AH and the host's R11, which is the guest's RSP, do not go together.
	sp := hostSP
	if low && isGPR(in.Form.Reg.Kind) && in.Form.Reg.Kind != x86.GPR8 && in.RegField() == guestSP {
		sp = e.take(&used, true, &list)
		e.move(sp, hostSP)
		e.borrowed(sp, list[len(list)-1].spill)
	}
	e.encode(r11, sp, m)
	if len(list) == 0 {
		e.did(stepWork, 0, 0)
		return
	}
	e.commit()
	if sp != hostSP {
		e.move(hostSP, sp)
		e.did(stepStoreSP, sp, 0)
	}
	if access&x86.Write != 0 {
		e.storeState(trap.OffR11, r11)
		e.did(stepStore11, r11, 0)
	}
	e.giveBackAll(list)
}

// loadBySegment emits mov reg, fs:[...] with the register itself as the scratch.
func (e *emitter) loadBySegment(used uint16) bool {
	in := &e.in
	reg := in.RegField()
	if in.Map != 0 || in.Opcode != 0x8b || in.OpSize < 4 || in.Prefix&(x86.PrefixFS|x86.PrefixGS) == 0 ||
		reg == guestSP || reg == guestR11 || in.Base() >= 0 || in.Index() >= 0 || in.RIPRelative() {
		return false
	}
	spill := e.borrow(reg)
	e.loadState(reg, e.segmentBase())
	e.borrowed(reg, spill)
	e.op(true, in.OpSize == 8, 0x8b, reg, mem{base: int8(reg), index: none, disp: in.Disp})
	e.did(stepWork, 0, 0)
	return true
}

// accessTo tells what an instruction does to a register, R11 or RSP, as a register operand.
// A write that leaves some of its bits is a read as well.
func accessTo(in *x86.Inst, reg int) (a x86.Access, ok bool) {
	f := in.Form
	see := func(op x86.Operand, n int) {
		if isGPR(op.Kind) && n == reg && !(op.Kind == x86.GPR8 && in.VEX == 0 && in.HighByte(n)) {
			ok = true
			a |= op.Access
			if in.Width(op.Kind) < 4 {
				a |= x86.Read
			}
		}
	}
	see(f.Reg, in.RegField())
	if in.HasModRM && !in.IsMem() {
		see(f.RM, in.RMField())
	}
	see(f.V, int(in.VexV))
	see(f.OpReg, in.OpRegField())
	return a, ok
}

// encode appends the instruction with other registers and another memory operand.
// r11 and sp are the registers that stand for the guest's R11 and RSP.
func (e *emitter) encode(r11, sp int, m *mem) {
	in := &e.in
	f := in.Form
	host := func(op x86.Operand, n int) int {
		switch {
		case !isGPR(op.Kind) || op.Kind == x86.GPR8 && in.VEX == 0 && in.HighByte(n):
			return n
		case n == guestR11:
			return r11
		case n == guestSP:
			return sp
		}
		return n
	}
	reg, rm, v, op := 0, 0, 0, 0
	if in.HasModRM {
		reg = host(f.Reg, in.RegField())
		if !in.IsMem() {
			rm = host(f.RM, in.RMField())
		}
	}
	if f.OpReg.Kind != x86.None {
		op = host(f.OpReg, in.OpRegField())
	}
	if in.VEX != 0 {
		v = host(f.V, int(in.VexV))
	}
	e.prefixes(m != nil && f.Class != x86.Lea || f.Class == x86.Xlat || f.Class == x86.MaskMov)
	if f.Class == x86.Lea && (in.Prefix&x86.Prefix67 != 0 || in.RIPRelative()) {
		e.bytes(0x67)
	}
	opcode := in.Opcode
	if f.Imm == x86.ImmMoffs {
		opcode -= 0xa0 - 0x88 // a0 a1 a2 a3 are 8a 8b 88 89
		opcode ^= 2
	}
	if f.OpReg.Kind != x86.None {
		opcode = opcode&^7 | byte(op&7)
	}
	x, b := 0, rm
	if f.OpReg.Kind != x86.None {
		b = op
	}
	if m != nil {
		x, b = int(max(m.index, 0)), int(max(m.base, 0))
	}
	if in.VEX != 0 {
		e.vex(reg, x, b, v)
	} else {
		e.legacy(reg, x, b)
	}
	e.bytes(opcode)
	switch {
	case m != nil:
		e.modrm(reg, *m)
	case in.HasModRM:
		e.bytes(0xc0 | byte(reg&7)<<3 | byte(rm&7))
	}
	if f.Imm != x86.ImmMoffs {
		e.bytes(e.raw[len(e.raw)-int(in.ImmLen):]...)
	}
}

// prefixes appends the legacy prefixes that count, and those of a window operand.
func (e *emitter) prefixes(window bool) {
	p := e.in.Prefix
	if window {
		e.bytes(0x65, 0x67)
	}
	if p&x86.PrefixLock != 0 {
		e.bytes(0xf0)
	}
	if e.in.VEX != 0 {
		return
	}
	// One that REX.W overrides could make the instruction too long.
	if p&x86.Prefix66 != 0 && !(e.in.Map == 0 && e.in.REX&8 != 0) {
		e.bytes(0x66)
	}
	if p&x86.PrefixF2 != 0 {
		e.bytes(0xf2)
	}
	if p&x86.PrefixF3 != 0 {
		e.bytes(0xf3)
	}
}

// legacy appends REX and the escape bytes of the opcode's map.
func (e *emitter) legacy(reg, x, b int) {
	p := byte(0x40) | e.in.REX&8 | byte(reg>>3&1)<<2 | byte(x>>3&1)<<1 | byte(b>>3&1)
	if p != 0x40 || e.in.REX != 0 {
		e.bytes(p)
	}
	switch e.in.Map {
	case 1:
		e.bytes(0x0f)
	case 2:
		e.bytes(0x0f, 0x38)
	case 3:
		e.bytes(0x0f, 0x3a)
	}
}

// vex appends the VEX prefix, whose register bits are inverted.
func (e *emitter) vex(reg, x, b, v int) {
	in := &e.in
	last := byte(^v&15)<<3 | in.VexL<<2 | in.PP
	r := byte(^reg>>3&1) << 7
	if in.Map == 1 && in.REX&8 == 0 && x < 8 && b < 8 {
		e.bytes(0xc5, r|last)
		return
	}
	e.bytes(0xc4, r|byte(^x>>3&1)<<6|byte(^b>>3&1)<<5|in.Map, in.REX&8<<4|last)
}
