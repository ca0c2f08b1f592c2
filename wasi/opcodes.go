package wasi

// reader reads the binary format. After a mistake everything it answers is 0
// and ok is false.
type reader struct {
	b   []byte
	bad bool
}

func (r *reader) ok() bool { return !r.bad }

func (r *reader) fail() {
	r.b, r.bad = nil, true
}

func (r *reader) u8() byte {
	if len(r.b) == 0 {
		r.fail()
		return 0
	}
	c := r.b[0]
	r.b = r.b[1:]
	return c
}

func (r *reader) bytes(n uint32) []byte {
	if uint64(n) > uint64(len(r.b)) {
		r.fail()
		return nil
	}
	b := r.b[:n]
	r.b = r.b[n:]
	return b
}

// leb skips a LEB128 of at most max bytes and returns its low 32 bits.
func (r *reader) leb(max int) (v uint32) {
	for i := range max {
		c := r.u8()
		if i < 5 {
			v |= uint32(c&0x7f) << (7 * i)
		}
		if c&0x80 == 0 {
			return v
		}
	}
	r.fail()
	return 0
}

func (r *reader) u32() uint32 { return r.leb(5) }

// count is a vector's length, which cannot be more than the bytes that are left.
func (r *reader) count() uint32 {
	n := r.u32()
	if uint64(n) > uint64(len(r.b)) {
		r.fail()
		return 0
	}
	return n
}

func (r *reader) limits() {
	flags := r.u8()
	r.u32()
	if flags&1 != 0 {
		r.u32()
	}
}

// Kinds of immediates.
const (
	immNone   = iota
	immLEB    // an index, a type or a number
	immTwo    // two indices
	immMem    // alignment and offset
	immF32    // four bytes
	immF64    // eight bytes
	immTable  // a vector of labels and one more
	immSelect // a vector of types
	immTry    // a type and catch clauses
	immFC     // see skipFC
	immFD     // see skipFD
	immBad
)

// immediates is what follows each opcode of one byte, for the features that the
// engine has.
var immediates = func() (t [256]uint8) {
	for i := range t {
		t[i] = immBad
	}
	set := func(kind uint8, from, to int) {
		for i := from; i <= to; i++ {
			t[i] = kind
		}
	}
	set(immNone, 0x00, 0x01) // unreachable nop
	set(immLEB, 0x02, 0x04)  // block loop if
	set(immNone, 0x05, 0x05) // else
	set(immLEB, 0x08, 0x08)  // throw
	set(immNone, 0x0a, 0x0b) // throw_ref end
	set(immLEB, 0x0c, 0x0d)  // br br_if
	set(immTable, 0x0e, 0x0e)
	set(immNone, 0x0f, 0x0f) // return
	set(immLEB, 0x10, 0x10)  // call
	set(immTwo, 0x11, 0x11)  // call_indirect
	set(immLEB, 0x12, 0x12)  // return_call
	set(immTwo, 0x13, 0x13)  // return_call_indirect
	set(immNone, 0x1a, 0x1b) // drop select
	set(immSelect, 0x1c, 0x1c)
	set(immTry, 0x1f, 0x1f)
	set(immLEB, 0x20, 0x26) // local, global, table
	set(immMem, 0x28, 0x3e) // loads and stores
	set(immLEB, 0x3f, 0x42) // memory.size memory.grow i32.const i64.const
	set(immF32, 0x43, 0x43)
	set(immF64, 0x44, 0x44)
	set(immNone, 0x45, 0xc4) // numeric
	set(immLEB, 0xd0, 0xd0)  // ref.null
	set(immNone, 0xd1, 0xd1) // ref.is_null
	set(immLEB, 0xd2, 0xd2)  // ref.func
	set(immFC, 0xfc, 0xfc)
	set(immFD, 0xfd, 0xfd)
	return t
}()

// skip passes over the immediates of an opcode; false: not one that we know.
func (r *reader) skip(op byte) bool {
	switch immediates[op] {
	case immNone:
	case immLEB:
		r.leb(10)
	case immTwo:
		r.u32()
		r.u32()
	case immMem:
		r.memarg()
	case immF32:
		r.bytes(4)
	case immF64:
		r.bytes(8)
	case immTable:
		for range r.count() {
			r.u32()
		}
		r.u32()
	case immSelect:
		r.bytes(r.count())
	case immTry:
		r.skipTry()
	case immFC:
		return r.skipFC()
	case immFD:
		return r.skipFD()
	default:
		return false
	}
	return true
}

func (r *reader) memarg() {
	r.u32()
	r.leb(10)
}

// skipTry passes over try_table's type and catch clauses.
func (r *reader) skipTry() {
	r.leb(5)
	for range r.count() {
		if r.u8() < 2 { // catch, catch_ref: a tag
			r.u32()
		}
		r.u32()
	}
}

// skipFC: saturating conversions, bulk memory and tables.
func (r *reader) skipFC() bool {
	switch op := r.u32(); {
	case op <= 7:
	case op == 8, op == 10, op == 12, op == 14: // memory.init memory.copy table.init table.copy
		r.u32()
		r.u32()
	case op == 9, op == 11, op == 13, op >= 15 && op <= 17:
		r.u32()
	default:
		return false
	}
	return true
}

// skipFD: vectors.
func (r *reader) skipFD() bool {
	switch op := r.u32(); {
	case op <= 11, op == 92, op == 93: // loads and stores
		r.memarg()
	case op == 12, op == 13: // v128.const i8x16.shuffle
		r.bytes(16)
	case op >= 21 && op <= 34: // lanes
		r.u8()
	case op >= 84 && op <= 91: // loads and stores of lanes
		r.memarg()
		r.u8()
	case op <= 275:
	default:
		return false
	}
	return true
}
