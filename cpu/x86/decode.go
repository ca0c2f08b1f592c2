package x86

import (
	"encoding/binary"
	"errors"
)

// What Decode returns.
var (
	// ErrTruncated: the code ends within an instruction that is valid so far.
	ErrTruncated = errors.New("x86: code ends within an instruction")
	// ErrInvalid: not an instruction of the table.
	ErrInvalid = errors.New("x86: not an instruction")
	// ErrTooLong: more than 15 bytes.
	ErrTooLong = errors.New("x86: instruction longer than 15 bytes")
)

const maxLen = 15

// A pattern holds what the key of an instruction must be for a form.
type pattern struct {
	mask, value uint16
	form        uint16
}

// A slot is the run of patterns of one opcode of one map.
type slot struct {
	first uint16
	count uint8
	modrm bool
}

// The bits of a key.
const (
	keyPP   = 0 // two bits: 0 none, 1 66, 2 F3, 3 F2
	keyW    = 2
	keyL    = 3
	keyMod3 = 4
	keyReg  = 5 // three bits
	keyRM   = 8 // three bits
	key66   = 11
	keyB    = 12
)

// What a byte is before the opcode: 0 for an opcode, isREX, or the bit of a prefix.
const isREX Prefix = 1 << 15

var prefixes = [256]Prefix{
	0x26: PrefixSeg, 0x2e: PrefixSeg, 0x36: PrefixSeg, 0x3e: PrefixSeg, 0x64: PrefixFS, 0x65: PrefixGS,
	0x66: Prefix66, 0x67: Prefix67, 0xf0: PrefixLock, 0xf2: PrefixF2, 0xf3: PrefixF3,
	0x40: isREX, 0x41: isREX, 0x42: isREX, 0x43: isREX, 0x44: isREX, 0x45: isREX, 0x46: isREX, 0x47: isREX,
	0x48: isREX, 0x49: isREX, 0x4a: isREX, 0x4b: isREX, 0x4c: isREX, 0x4d: isREX, 0x4e: isREX, 0x4f: isREX,
}

const segments = PrefixSeg | PrefixFS | PrefixGS

// Decode decodes the instruction at the start of code into in. On an error in holds nothing of use.
// The instruction is judged by as few bytes as can be: ErrInvalid may be returned for code that is cut off, but never for the
// beginning of a valid instruction.
func Decode(code []byte, in *Inst) error {
	*in = Inst{}
	d := decoder{code: code, in: in}
	if len(code) > maxLen {
		d.code = code[:maxLen]
	}
	return d.decode()
}

// A decoder is the state of one call of Decode: pos bytes of code are read.
type decoder struct {
	code []byte
	pos  int
	in   *Inst
}

// short is the error for code that ends too early.
func (d *decoder) short() error {
	if len(d.code) == maxLen {
		return ErrTooLong
	}
	return ErrTruncated
}

func (d *decoder) decode() error {
	in := d.in
	var opcode byte
	for {
		if d.pos == len(d.code) {
			return d.short()
		}
		opcode = d.code[d.pos]
		d.pos++
		p := prefixes[opcode]
		if p == 0 {
			break
		}
		if p == isREX {
			in.REX = opcode
			continue
		}
		in.REX = 0 // it counts only directly before the opcode
		switch {
		case p&(PrefixF2|PrefixF3) != 0: // the last one counts
			in.Prefix &^= PrefixF2 | PrefixF3
		case p&segments != 0 && in.Prefix&segments&^p != 0:
			return ErrInvalid
		}
		in.Prefix |= p
	}
	space := uint8(0)
	pp := uint8(0)
	switch opcode {
	case 0x0f:
		var err error
		if opcode, err = d.escape(); err != nil {
			return err
		}
		space = in.Map
	case 0xc4, 0xc5:
		var err error
		if opcode, err = d.vex(opcode); err != nil {
			return err
		}
		space = in.Map + 3
		pp = in.PP
	}
	if in.VEX == 0 {
		switch {
		case in.Prefix&PrefixF3 != 0:
			pp = 2
		case in.Prefix&PrefixF2 != 0:
			pp = 3
		case in.Prefix&Prefix66 != 0:
			pp = 1
		}
	}
	in.Opcode = opcode
	s := &slots[space][opcode]
	if s.count == 0 {
		return ErrInvalid
	}
	rex := uint16(in.REX)
	key := uint16(pp) | rex>>3&1<<keyW | uint16(in.VexL)<<keyL | rex&1<<keyB
	if in.Prefix&Prefix66 != 0 {
		key |= 1 << key66
	}
	if s.modrm {
		if d.pos == len(d.code) {
			return d.short()
		}
		m := uint16(d.code[d.pos])
		d.pos++
		in.HasModRM, in.ModRM = true, byte(m)
		key |= m>>3&7<<keyReg | m&7<<keyRM
		if m >= 0xc0 {
			key |= 1 << keyMod3
		}
	}
	run := patterns[s.first:][:s.count]
	for i := range run {
		if key&run[i].mask == run[i].value {
			in.Form = &forms[run[i].form]
			return d.finish(pp)
		}
	}
	return ErrInvalid
}

// escape reads what follows 0F.
func (d *decoder) escape() (byte, error) {
	if d.pos == len(d.code) {
		return 0, d.short()
	}
	opcode := d.code[d.pos]
	d.pos++
	d.in.Map = 1
	if opcode == 0x38 || opcode == 0x3a {
		d.in.Map = 2 + opcode>>1&1
		if d.pos == len(d.code) {
			return 0, d.short()
		}
		opcode = d.code[d.pos]
		d.pos++
	}
	return opcode, nil
}

// vex reads a VEX prefix of which the first byte is read, and the opcode.
func (d *decoder) vex(first byte) (byte, error) {
	in := d.in
	if in.REX != 0 || in.Prefix&(Prefix66|PrefixF2|PrefixF3|PrefixLock) != 0 {
		return 0, ErrInvalid
	}
	if d.pos == len(d.code) {
		return 0, d.short()
	}
	b := d.code[d.pos]
	d.pos++
	in.VEX, in.Map, in.REX = 2, 1, 0x40|^b>>7&1<<2
	if first == 0xc4 {
		in.VEX, in.Map, in.REX = 3, b&0x1f, 0x40|^b>>5
		if in.Map < 1 || in.Map > 3 {
			return 0, ErrInvalid
		}
		if d.pos == len(d.code) {
			return 0, d.short()
		}
		b = d.code[d.pos]
		d.pos++
		in.REX |= b >> 7 << 3
	}
	in.PP = b & 3
	in.VexL = b >> 2 & 1
	in.VexV = ^b >> 3 & 15
	if d.pos == len(d.code) {
		return 0, d.short()
	}
	d.pos++
	return d.code[d.pos-1], nil
}

// finish reads what follows the opcode and ModRM, and checks what patterns do not.
func (d *decoder) finish(pp uint8) error {
	in := d.in
	f := in.Form
	if f.usesPP {
		in.PP = pp
	}
	w := in.REX&8 != 0
	switch f.size {
	case sizeB:
		in.OpSize = 1
	case sizeF64:
		in.OpSize = 8
	case sizeD64:
		in.OpSize = 8
		if in.Prefix&Prefix66 != 0 && !w {
			in.OpSize = 2
		}
	default:
		in.OpSize = 4
		if w {
			in.OpSize = 8
		} else if in.Prefix&Prefix66 != 0 && f.size == sizeV {
			in.OpSize = 2
		}
	}
	memory := in.HasModRM && in.ModRM < 0xc0
	if in.Prefix&(PrefixLock|Prefix66) != 0 {
		if in.Prefix&PrefixLock != 0 && !(f.LockOK && memory) {
			return ErrInvalid
		}
		if f.no66 && in.Prefix&Prefix66 != 0 && !w {
			return ErrInvalid
		}
	}
	if in.VEX != 0 && f.V.Kind == None && in.VexV != 0 {
		return ErrInvalid
	}
	if f.Reg.Kind == Seg && in.REX&4 != 0 {
		return ErrInvalid
	}
	if memory {
		if err := d.address(); err != nil {
			return err
		}
	}
	if f.Imm != ImmNone {
		if err := d.immediate(); err != nil {
			return err
		}
	}
	in.Len = uint8(d.pos)
	return nil
}

// address reads SIB and displacement.
func (d *decoder) address() error {
	in := d.in
	mod, base := in.ModRM>>6, in.ModRM&7
	if base == 4 {
		if d.pos == len(d.code) {
			return d.short()
		}
		in.HasSIB, in.SIB = true, d.code[d.pos]
		d.pos++
		base = in.SIB & 7
	}
	if in.Form.VSIB != None {
		// Intel's manual: destination, index and mask must be three registers, and there must be a SIB byte.
		index := in.SIB>>3&7 | in.REX&2<<2
		reg := in.ModRM>>3&7 | in.REX&4<<1
		if !in.HasSIB || index == reg || index == in.VexV || reg == in.VexV {
			return ErrInvalid
		}
	}
	switch {
	case mod == 1:
		if d.pos == len(d.code) {
			return d.short()
		}
		in.DispLen, in.Disp = 1, int32(int8(d.code[d.pos]))
		d.pos++
	case mod == 2 || base == 5:
		if len(d.code)-d.pos < 4 {
			return d.short()
		}
		in.DispLen, in.Disp = 4, int32(binary.LittleEndian.Uint32(d.code[d.pos:]))
		d.pos += 4
	}
	return nil
}

// immediate reads the immediate of a form that has one.
func (d *decoder) immediate() error {
	in := d.in
	n := 1
	kind := in.Form.Imm
	switch kind {
	case ImmU16:
		n = 2
	case ImmZ:
		n = min(4, int(in.OpSize))
	case ImmV:
		n = int(in.OpSize)
	case ImmEnter:
		n = 3
	case ImmRel32:
		n = 4
	case ImmMoffs:
		n = 8
		if in.Prefix&Prefix67 != 0 {
			n = 4
		}
	}
	if len(d.code)-d.pos < n {
		return d.short()
	}
	b := d.code[d.pos:]
	d.pos += n
	in.ImmLen = uint8(n)
	switch n {
	case 1:
		in.Imm = int64(int8(b[0]))
		if kind == ImmU8 {
			in.Imm &= 0xff
		}
	case 2:
		in.Imm = int64(int16(binary.LittleEndian.Uint16(b)))
		if kind == ImmU16 {
			in.Imm &= 0xffff
		}
	case 3:
		in.Imm, in.Imm2 = int64(binary.LittleEndian.Uint16(b)), b[2]
	case 4:
		in.Imm = int64(int32(binary.LittleEndian.Uint32(b)))
		if kind == ImmMoffs {
			in.Imm &= 0xffffffff
		}
	case 8:
		in.Imm = int64(binary.LittleEndian.Uint64(b))
	}
	return nil
}
