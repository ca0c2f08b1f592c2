package rewrite

import (
	"math/bits"

	"github.com/sbxrun/sbx/cpu"
	"github.com/sbxrun/sbx/cpu/x86"
)

// again says that a repeated instruction has done some elements and is to be
// executed again: it must not keep a thread in Go for as long as it likes.
const again cpu.Reason = 255

// maxElements is how many elements are done at a time.
const maxElements = 1 << 12

// str is a string instruction with addresses of 32 bits or with a segment.
func (o *hand) str() cpu.Reason {
	p := o.in.Prefix
	if p&(x86.PrefixF2|x86.PrefixF3) == 0 {
		r, _ := o.element()
		return r
	}
	for range maxElements {
		if o.count() == 0 {
			return 0
		}
		r, equal := o.element()
		if r != 0 {
			return r
		}
		o.setAddr(x86.RCX, o.count()-1)
		if op := o.in.Opcode &^ 1; (op == 0xa6 || op == 0xae) && equal != (p&x86.PrefixF3 != 0) {
			return 0
		}
	}
	return again
}

// count is RCX or ECX.
func (o *hand) count() uint64 {
	if o.in.Prefix&x86.Prefix67 != 0 {
		return uint64(uint32(o.s.GPR[x86.RCX]))
	}
	return o.s.GPR[x86.RCX]
}

// setAddr sets a register that is an address, or counts: 32 bits clear the rest.
func (o *hand) setAddr(reg int, v uint64) {
	if o.in.Prefix&x86.Prefix67 != 0 {
		v = uint64(uint32(v))
	}
	o.s.GPR[reg] = v
}

// element does one element. equal is what a comparison found.
func (o *hand) element() (r cpu.Reason, equal bool) {
	s, in := o.s, o.in
	n := int(in.OpSize)
	source, dest := o.effective(x86.RSI)+o.segmentBase(), o.effective(x86.RDI)
	step := uint64(n)
	if s.Flags&flagDF != 0 {
		step = -step
	}
	var a, b uint64
	op := in.Opcode &^ 1
	moveSource, moveDest := op == 0xa4 || op == 0xa6 || op == 0xac, op != 0xac
	switch op {
	case 0xa4:
		if a, r = o.read(source, n); r == 0 {
			r = o.write(dest, a, n)
		}
	case 0xa6:
		if a, r = o.read(source, n); r == 0 {
			b, r = o.read(dest, n)
		}
	case 0xaa:
		r = o.write(dest, s.GPR[x86.RAX], n)
	case 0xac:
		if a, r = o.read(source, n); r == 0 {
			s.GPR[x86.RAX] = merge(s.GPR[x86.RAX], a, n)
		}
	case 0xae:
		a = s.GPR[x86.RAX] & (^uint64(0) >> (64 - 8*n))
		b, r = o.read(dest, n)
	}
	if r != 0 {
		return r, false
	}
	if op == 0xa6 || op == 0xae {
		s.Flags = s.Flags&^flagsArithmetic | subFlags(a, b, n)
	}
	if moveSource {
		o.setAddr(x86.RSI, s.GPR[x86.RSI]+step)
	}
	if moveDest {
		o.setAddr(x86.RDI, s.GPR[x86.RDI]+step)
	}
	return 0, a == b
}

// effective is a register as an address.
func (o *hand) effective(reg int) uint64 {
	if o.in.Prefix&x86.Prefix67 != 0 {
		return uint64(uint32(o.s.GPR[reg]))
	}
	return o.s.GPR[reg]
}

func (o *hand) segmentBase() uint64 {
	switch {
	case o.in.Prefix&x86.PrefixFS != 0:
		return o.s.FSBase
	case o.in.Prefix&x86.PrefixGS != 0:
		return o.s.GSBase
	}
	return 0
}

// merge puts n bytes of v into a register, as the processor does.
func merge(old, v uint64, n int) uint64 {
	if n >= 4 {
		return v
	}
	mask := uint64(1)<<(8*n) - 1
	return old&^mask | v&mask
}

const flagsArithmetic = 0x8d5

// subFlags are the flags of a-b with n bytes.
func subFlags(a, b uint64, n int) (f uint64) {
	d := (a - b) & (^uint64(0) >> (64 - 8*n))
	top := 8*n - 1
	set := func(on bool, bit uint) {
		if on {
			f |= 1 << bit
		}
	}
	set(a < b, 0)
	set(bits.OnesCount8(uint8(d))%2 == 0, 2)
	set((a^b^d)&16 != 0, 4)
	set(d == 0, 6)
	set(d>>top != 0, 7)
	set((a^b)&(a^d)>>top&1 != 0, 11)
	return f
}

// xlat is xlat with a segment.
func (o *hand) xlat() cpu.Reason {
	at := o.effective(x86.RBX) + o.s.GPR[x86.RAX]&0xff
	if o.in.Prefix&x86.Prefix67 != 0 {
		at = uint64(uint32(at))
	}
	v, r := o.read(at+o.segmentBase(), 1)
	if r == 0 {
		o.s.GPR[x86.RAX] = merge(o.s.GPR[x86.RAX], v, 1)
	}
	return r
}

// maskMov is maskmovq and maskmovdqu with a segment: bytes whose mask has the top
// bit are stored.
func (o *hand) maskMov() cpu.Reason {
	v := o.s.Vectors()
	n, at := 16, 160
	if o.in.Form.Reg.Kind == x86.MMX {
		n, at = 8, 32
		toMMX(v)
	}
	src, mask := v[at+16*o.in.RegField():], v[at+16*o.in.RMField():]
	addr := o.effective(x86.RDI) + o.segmentBase()
	for i := range n {
		if mask[i]&0x80 != 0 && !o.writable(uint64(uint32(addr+uint64(i)))) {
			return o.faultAt(uint64(uint32(addr+uint64(i))), true)
		}
	}
	for i := range n {
		if mask[i]&0x80 == 0 {
			continue
		}
		if r := o.writeBytes(addr+uint64(i), src[i:i+1]); r != 0 {
			return r
		}
	}
	return 0
}

// toMMX makes the x87 state what an MMX instruction makes it: the top of the stack is
// register 0, and all registers are in use. The area has the registers from the top on.
func toMMX(v []byte) {
	top := int(v[3] >> 3 & 7)
	st := [128]byte(v[32:160])
	for i := range 8 {
		copy(v[32+16*((i+top)%8):], st[16*i:16*i+16])
	}
	v[3] &^= 7 << 3
	v[4] = 0xff
}
