package rewrite

import (
	"github.com/sbxrun/sbx/cpu"
	"github.com/sbxrun/sbx/cpu/x86"
)

// push pushes n bytes.
func (o *hand) push(v uint64, n int) cpu.Reason {
	sp := o.s.GPR[x86.RSP] - uint64(n)
	if r := o.write(sp, v, n); r != 0 {
		return r
	}
	o.s.GPR[x86.RSP] = sp
	return 0
}

func (o *hand) popFlags() cpu.Reason {
	n := int(o.in.OpSize)
	v, r := o.read(o.s.GPR[x86.RSP], n)
	if r != 0 {
		return r
	}
	o.s.GPR[x86.RSP] += uint64(n)
	mask := uint64(flagsUser)
	if n == 2 {
		mask &= 0xffff
	} else {
		o.t.ac = v & flagAC
	}
	o.s.Flags = o.s.Flags&^mask | v&mask
	return 0
}

// pushOdd is push of 16 bits, and of FS and GS, whose selectors are 0.
func (o *hand) pushOdd() cpu.Reason {
	in := o.in
	n := int(in.OpSize)
	switch {
	case in.Form.Args[0] == x86.ArgFS || in.Form.Args[0] == x86.ArgGS:
		return o.push(0, n)
	case in.Form.OpReg.Kind != x86.None:
		return o.push(o.s.GPR[in.OpRegField()], n)
	case in.IsMem():
		v, r := o.read(o.addr(), n)
		if r != 0 {
			return r
		}
		return o.push(v, n)
	case in.HasModRM:
		return o.push(o.s.GPR[in.RMField()], n)
	}
	return o.push(uint64(in.Imm), n)
}

// popOdd is pop of 16 bits. One to FS or GS is not for guests.
func (o *hand) popOdd() cpu.Reason {
	in, s := o.in, o.s
	n := int(in.OpSize)
	if in.Form.Args[0] == x86.ArgFS || in.Form.Args[0] == x86.ArgGS {
		return cpu.Protection
	}
	sp := s.GPR[x86.RSP]
	v, r := o.read(sp, n)
	if r != 0 {
		return r
	}
	s.GPR[x86.RSP] = sp + uint64(n) // what an address is computed with
	switch {
	case in.IsMem():
		if r := o.write(o.addr(), v, n); r != 0 {
			s.GPR[x86.RSP] = sp
			return r
		}
		return 0
	case in.HasModRM:
		s.GPR[in.RMField()] = merge(s.GPR[in.RMField()], v, n)
	default:
		s.GPR[in.OpRegField()] = merge(s.GPR[in.OpRegField()], v, n)
	}
	return 0
}

// leaveOdd is leave that pops BP.
func (o *hand) leaveOdd() cpu.Reason {
	n := int(o.in.OpSize)
	bp := o.s.GPR[x86.RBP]
	v, r := o.read(bp, n)
	if r != 0 {
		return r
	}
	o.s.GPR[x86.RSP] = bp + uint64(n)
	o.s.GPR[x86.RBP] = merge(bp, v, n)
	return 0
}

// enter is enter, with the pointers of as many frames as it asks for.
func (o *hand) enter() cpu.Reason {
	s, n := o.s, int(o.in.OpSize)
	sp, bp := s.GPR[x86.RSP], s.GPR[x86.RBP]
	fail := func(r cpu.Reason) cpu.Reason {
		s.GPR[x86.RSP] = sp
		return r
	}
	if r := o.push(bp, n); r != 0 {
		return r
	}
	frame := s.GPR[x86.RSP]
	level := int(o.in.Imm2 & 31)
	for i := 1; i < level; i++ {
		v, r := o.read(bp-uint64(i*n), n)
		if r == 0 {
			r = o.push(v, n)
		}
		if r != 0 {
			return fail(r)
		}
	}
	if level > 0 {
		if r := o.push(frame, n); r != 0 {
			return fail(r)
		}
	}
	end := s.GPR[x86.RSP] - uint64(o.in.Imm)
	if v, r := o.read(end, n); r != 0 || o.write(end, v, n) != 0 { // the processor tries the new top
		o.faultAt(uint64(uint32(end)), true)
		return fail(cpu.Fault)
	}
	s.GPR[x86.RSP] = end
	s.GPR[x86.RBP] = merge(bp, frame, n)
	return 0
}
