package rewrite

import (
	"encoding/binary"

	"github.com/sbxrun/sbx/cpu"
	"github.com/sbxrun/sbx/cpu/memory"
	"github.com/sbxrun/sbx/cpu/trap"
	"github.com/sbxrun/sbx/cpu/x86"
)

// carryOut does, in Go, the instruction at RIP, which translated code can't. An
// instruction that no program may execute is an exit.
func (t *thread) carryOut() (cpu.Exit, bool) {
	s := t.state
	var buf [15]byte
	t.space.mu.Lock()
	code, ok := t.space.fetch(s.RIP, buf[:])
	t.space.mu.Unlock()
	if !ok {
		return t.noCode(), true
	}
	var in x86.Inst
	if err := x86.Decode(code, &in); err != nil {
		if err == x86.ErrTruncated && len(code) < len(buf) {
			return cpu.Exit{Reason: cpu.Fault, Access: cpu.AccessExecute, Addr: s.RIP + uint64(len(code))}, true
		}
		return cpu.Exit{Reason: cpu.Illegal}, true
	}
	o := hand{t: t, s: s, in: &in}
	switch reason := o.do(); {
	case reason == 0:
		s.RIP += uint64(in.Len)
		return cpu.Exit{}, false
	case reason == again:
		return cpu.Exit{}, false
	case reason == cpu.Fault:
		return o.fault, true
	case reason == cpu.Breakpoint:
		s.RIP += uint64(in.Len)
		return cpu.Exit{Reason: reason}, true
	default:
		return cpu.Exit{Reason: reason}, true
	}
}

// hand is one instruction that is carried out by hand.
type hand struct {
	t     *thread
	s     *trap.State
	in    *x86.Inst
	fault cpu.Exit
}

// do returns 0 when the instruction is done, else why it is not.
func (o *hand) do() cpu.Reason {
	s, in := o.s, o.in
	switch in.Form.Class {
	case x86.Cpuid:
		a, b, c, d := guestCPUID(uint32(s.GPR[x86.RAX]), uint32(s.GPR[x86.RCX]))
		s.GPR[x86.RAX], s.GPR[x86.RBX], s.GPR[x86.RCX], s.GPR[x86.RDX] = uint64(a), uint64(b), uint64(c), uint64(d)
		return 0
	case x86.Xgetbv:
		if uint32(s.GPR[x86.RCX]) != 0 {
			return cpu.Protection
		}
		s.GPR[x86.RAX], s.GPR[x86.RDX] = xcr0, 0
		return 0
	case x86.PushF:
		return o.push(s.Flags&^(flagTF|flagRF)|o.t.ac, int(in.OpSize))
	case x86.PopF:
		return o.popFlags()
	case x86.Push:
		return o.pushOdd()
	case x86.Pop:
		return o.popOdd()
	case x86.Leave:
		return o.leaveOdd()
	case x86.String:
		return o.str()
	case x86.Xlat:
		return o.xlat()
	case x86.MaskMov:
		return o.maskMov()
	case x86.Enter:
		return o.enter()
	case x86.Xsave:
		return o.xsave()
	case x86.Xrstor:
		return o.xrstor()
	case x86.BtMem:
		return o.bitTest()
	case x86.Segment:
		return o.segment()
	case x86.Int3:
		return cpu.Breakpoint
	case x86.IntN:
		if in.Imm == 3 { // int3 in two bytes
			return cpu.Breakpoint
		}
		return cpu.Protection
	case x86.Privileged:
		return cpu.Protection
	case x86.Plain:
		if in.Form.Imm == x86.ImmMoffs {
			return o.faultAt(uint64(in.Imm), in.Form.Mem&x86.Write != 0)
		}
	}
	return cpu.Illegal
}

// Flags by name.
const (
	flagCF = 1 << 0
	flagTF = 1 << 8
	flagDF = 1 << 10
	flagRF = 1 << 16
	flagAC = 1 << 18
	// flagsUser are those that popf changes: the arithmetic ones, DF and ID. Single
	// steps are not for guests. AC is kept to be pushed again, which is how programs tell a 386, but
	// does nothing.
	flagsUser = 0xcd5 | 1<<21
)

func (o *hand) faultAt(addr uint64, write bool) cpu.Reason {
	o.fault = cpu.Exit{Reason: cpu.Fault, Addr: addr}
	if write {
		var b [1]byte
		o.fault.Access = cpu.AccessWrite
		o.fault.Present = addr < memory.Size && o.t.space.window.Read(addr, b[:]) == 1
	}
	return cpu.Fault
}

// read and write move up to 8 bytes.
func (o *hand) read(addr uint64, n int) (v uint64, r cpu.Reason) {
	var b [8]byte
	if r := o.readBytes(addr, b[:n]); r != 0 {
		return 0, r
	}
	return binary.LittleEndian.Uint64(b[:]), 0
}

func (o *hand) write(addr, v uint64, n int) cpu.Reason {
	var b [8]byte
	binary.LittleEndian.PutUint64(b[:], v)
	return o.writeBytes(addr, b[:n])
}

func (o *hand) readBytes(addr uint64, p []byte) cpu.Reason {
	addr = uint64(uint32(addr))
	if got := o.t.space.window.Read(addr, p); got < len(p) {
		return o.faultAt(addr+uint64(got), false)
	}
	return 0
}

// writeBytes writes all of p or nothing.
func (o *hand) writeBytes(addr uint64, p []byte) cpu.Reason {
	addr = uint64(uint32(addr))
	end := addr + uint64(len(p))
	for page := memory.PageDown(addr) + memory.PageSize; page < end; page += memory.PageSize {
		if !o.writable(addr) {
			break // the first fault counts
		}
		if !o.writable(page) {
			return o.faultAt(page, true)
		}
	}
	for got := 0; ; {
		got += o.t.space.window.Write(addr+uint64(got), p[got:])
		if got == len(p) {
			return 0
		}
		if !o.written(addr + uint64(got)) {
			return o.faultAt(addr+uint64(got), true)
		}
	}
}

// writable reports whether the word at an address can be written, by trying.
func (o *hand) writable(addr uint64) bool {
	w := o.t.space.window
	for {
		v, ok := w.Load32(addr &^ 3)
		if !ok {
			return false
		}
		if _, ok = w.CompareAndSwap32(addr&^3, v, v); ok {
			return true
		}
		if !o.written(addr) {
			return false
		}
	}
}

// written reports whether a write that failed is worth another try.
func (o *hand) written(addr uint64) bool {
	if !memory.Inside(addr, 1) {
		return false
	}
	return o.t.space.Written(memory.PageDown(addr), 1)
}

// addr is the address of the memory operand.
func (o *hand) addr() uint64 {
	return o.in.MemAddr(o.s.RIP, &o.s.GPR) + o.segmentBase()
}

// bitTest is bt, bts, btr and btc of memory by a register, which may be far away.
func (o *hand) bitTest() cpu.Reason {
	in, s := o.in, o.s
	n := int(in.OpSize)
	bit := int64(s.GPR[in.RegField()])
	switch n {
	case 2:
		bit = int64(int16(bit))
	case 4:
		bit = int64(int32(bit))
	}
	addr := o.addr() + uint64(bit>>3)&^uint64(n-1)
	mask := uint64(1) << (bit & int64(8*n-1))
	for {
		old, r := o.read(addr, n)
		if r != 0 {
			return r
		}
		v := old
		switch in.Opcode {
		case 0xab:
			v |= mask
		case 0xb3:
			v &^= mask
		case 0xbb:
			v ^= mask
		}
		if in.Opcode != 0xa3 {
			if in.Prefix&x86.PrefixLock != 0 {
				if last := addr + uint64(n) - 1; !o.writable(uint64(uint32(last))) {
					return o.faultAt(max(uint64(uint32(addr)), memory.PageDown(uint64(uint32(last)))), true)
				}
				// An atomic one works on the aligned word that has the bit.
				word := uint64(uint32(addr+uint64(bits64(mask))/8)) &^ 3
				shift := (uint64(uint32(addr)) + uint64(bits64(mask))/8 - word) * 8
				was, ok := o.t.space.window.Load32(word)
				m := uint32(1) << (shift + uint64(bits64(mask))%8)
				next := was
				switch in.Opcode {
				case 0xab:
					next |= m
				case 0xb3:
					next &^= m
				case 0xbb:
					next ^= m
				}
				got, stored := o.t.space.window.CompareAndSwap32(word, was, next)
				if !ok || !stored {
					if o.written(word) {
						continue
					}
					return o.faultAt(uint64(uint32(addr)), true)
				}
				if got != was {
					continue
				}
				old = 0
				if was&m != 0 {
					old = mask
				}
			} else if r := o.write(addr, v, n); r != 0 {
				return r
			}
		}
		s.Flags &^= flagCF
		if old&mask != 0 {
			s.Flags |= flagCF
		}
		return 0
	}
}

// bits64 is the number of the only bit that is set.
func bits64(v uint64) (n int) {
	for ; v > 1; v >>= 1 {
		n++
	}
	return n
}

// segment reads a segment register as a 64-bit program of Linux finds it. Writing
// one, and asking about selectors, is not for guests.
func (o *hand) segment() cpu.Reason {
	in := o.in
	if in.Map != 0 || in.Opcode != 0x8c {
		return cpu.Protection
	}
	v := [8]uint64{0, 0x33, 0x2b}[in.RegField()&7]
	if in.IsMem() {
		return o.write(o.addr(), v, 2)
	}
	r := &o.s.GPR[in.RMField()]
	if in.OpSize == 2 {
		v |= *r &^ 0xffff
	}
	*r = v
	return 0
}

// xsave stores x87, SSE and AVX: the exit did already, in the standard format.
func (o *hand) xsave() cpu.Reason {
	in := o.in
	want := (s64(o.s.GPR[x86.RDX])<<32 | s64(o.s.GPR[x86.RAX])) & xcr0
	addr := o.addr()
	if addr%64 != 0 {
		return cpu.Protection
	}
	var b [xsaveBytes]byte
	copy(b[:], o.s.Vectors())
	held := binary.LittleEndian.Uint64(b[512:]) & want
	compact := in.Map == 1 && in.Opcode == 0xc7
	size := xsaveBytes
	if !compact {
		// Bits that were not asked for stay in memory.
		old, r := o.read(addr+512, 8)
		if r != 0 {
			return r
		}
		binary.LittleEndian.PutUint64(b[512:], old&^want|held)
		if want&4 == 0 {
			size = 576
		}
		if r := o.writeBytes(addr+512, b[512:520]); r != 0 {
			return r
		}
		if want&1 != 0 {
			if r := o.writeBytes(addr, b[:24]); r != 0 {
				return r
			}
			if r := o.writeBytes(addr+32, b[32:160]); r != 0 {
				return r
			}
		}
		if want&6 != 0 {
			if r := o.writeBytes(addr+24, b[24:32]); r != 0 {
				return r
			}
		}
		if want&2 != 0 {
			if r := o.writeBytes(addr+160, b[160:416]); r != 0 {
				return r
			}
		}
		if size > 576 {
			return o.writeBytes(addr+576, b[576:832])
		}
		return 0
	}
	clear(b[512:576])
	binary.LittleEndian.PutUint64(b[512:], held)
	binary.LittleEndian.PutUint64(b[520:], 1<<63|want)
	if want&4 == 0 {
		size = 576
	}
	if r := o.writeBytes(addr, b[:416]); r != 0 {
		return r
	}
	return o.writeBytes(addr+512, b[512:size])
}

func s64(v uint64) uint64 { return uint64(uint32(v)) }

// xrstor loads them, from the standard or the compacted format, which agree for
// these three components.
func (o *hand) xrstor() cpu.Reason {
	want := (s64(o.s.GPR[x86.RDX])<<32 | s64(o.s.GPR[x86.RAX])) & xcr0
	addr := o.addr()
	if addr%64 != 0 {
		return cpu.Protection
	}
	var b [xsaveBytes]byte
	if r := o.readBytes(addr, b[:576]); r != 0 {
		return r
	}
	held, layout := binary.LittleEndian.Uint64(b[512:]), binary.LittleEndian.Uint64(b[520:])
	if held&^xcr0 != 0 || layout>>63 != 0 && held&^layout != 0 || binary.LittleEndian.Uint32(b[24:])&^mxcsrMask != 0 {
		return cpu.Protection
	}
	if held&want&4 != 0 {
		if r := o.readBytes(addr+576, b[576:]); r != 0 {
			return r
		}
	}
	LoadVectors(o.s.Vectors(), b[:], want, held)
	return 0
}

// mxcsrMask are the bits of MXCSR that a processor with SSE2 has.
const mxcsrMask = 0xffff

// LoadVectors puts the components want of an area into a thread's vectors; those
// that held does not name get their initial state. Both are in the standard format.
func LoadVectors(dst, src []byte, want, held uint64) {
	have := binary.LittleEndian.Uint64(dst[512:])
	part := func(bit uint64, from, to int) {
		if want&bit == 0 {
			return
		}
		if held&bit != 0 {
			copy(dst[from:to], src[from:to])
			return
		}
		clear(dst[from:to])
	}
	part(1, 0, 24)
	part(1, 32, 160)
	part(2, 160, 416)
	part(4, 576, 832)
	if want&1 != 0 && held&1 == 0 {
		binary.LittleEndian.PutUint16(dst, 0x37f)
	}
	if want&6 != 0 {
		copy(dst[24:28], src[24:28]) // MXCSR
	}
	// A component that the area does not name is in its initial state, which is
	// what the bytes above are: it may be named as well.
	binary.LittleEndian.PutUint64(dst[512:], have|want|3)
}
