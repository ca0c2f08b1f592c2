package seccomp

// Instructions of classic BPF that filters may have, linux/filter.h.
const (
	ldAbs, ldLen, ldImm, ldMem = 0x20, 0x80, 0x00, 0x60
	ldxLen, ldxImm, ldxMem     = 0x81, 0x01, 0x61
	st, stx                    = 0x02, 0x03
	addK, subK, mulK, divK     = 0x04, 0x14, 0x24, 0x34
	orK, andK, lshK, rshK      = 0x44, 0x54, 0x64, 0x74
	neg, xorK                  = 0x84, 0xa4
	addX, subX, mulX, divX     = 0x0c, 0x1c, 0x2c, 0x3c
	orX, andX, lshX, rshX      = 0x4c, 0x5c, 0x6c, 0x7c
	xorX                       = 0xac
	ja                         = 0x05
	jeqK, jgtK, jgeK, jsetK    = 0x15, 0x25, 0x35, 0x45
	jeqX, jgtX, jgeX, jsetX    = 0x1d, 0x2d, 0x3d, 0x4d
	retK, retA                 = 0x06, 0x16
	tax, txa                   = 0x07, 0x87
)

// check reports whether a program may run: known instructions, jumps that stay inside,
// a return at the end, and no word of its memory read that was not written.
func check(code []Insn) bool {
	var written [MaxInsns]uint16 // for each instruction, the words that are on every way to it
	for i := range written[:len(code)] {
		written[i] = ^uint16(0)
	}
	have := uint16(0)
	for i, in := range code {
		have &= written[i]
		switch in.Code {
		case ldAbs:
			if in.K >= uint32(dataSize) || in.K%4 != 0 {
				return false
			}
		case ldMem, ldxMem:
			if in.K >= memWords || have>>in.K&1 == 0 {
				return false
			}
		case st, stx:
			if in.K >= memWords {
				return false
			}
			have |= 1 << in.K
		case divK:
			if in.K == 0 {
				return false
			}
		case lshK, rshK:
			if in.K >= 32 {
				return false
			}
		case ja:
			if uint64(in.K) >= uint64(len(code)-i-1) {
				return false
			}
			written[i+1+int(in.K)] &= have
			have = ^uint16(0)
		case jeqK, jgtK, jgeK, jsetK, jeqX, jgtX, jgeX, jsetX:
			if i+1+int(in.JT) >= len(code) || i+1+int(in.JF) >= len(code) {
				return false
			}
			written[i+1+int(in.JT)] &= have
			written[i+1+int(in.JF)] &= have
			have = ^uint16(0)
		case ldLen, ldImm, ldxLen, ldxImm, addK, subK, mulK, orK, andK, neg, xorK, addX, subX, mulX, divX, orX, andX, lshX, rshX, xorX,
			retK, retA, tax, txa:
		default:
			return false
		}
	}
	last := code[len(code)-1].Code
	return last == retK || last == retA
}

// length is how many instructions of extended BPF one becomes.
func (in *Insn) length() int {
	n := 1
	switch in.Code {
	case retK:
		return 2
	case divX:
		return 5
	case jeqK, jgtK, jgeK, jsetK:
		if int32(in.K) < 0 {
			n++
		}
		fallthrough
	case jeqX, jgtX, jgeX, jsetX:
		if in.JF != 0 && (in.JT != 0 || in.Code == jsetK || in.Code == jsetX) {
			n++
		}
	}
	return n
}

// run runs a program that check let pass. Division by 0 answers 0, as a socket filter's.
func run(code []Insn, w *words) uint32 {
	var a, x uint32
	var mem [memWords]uint32
	for i := 0; i < len(code); i++ {
		in := &code[i]
		k := in.K
		if in.Code&0x0f == 0x0c || in.Code&0x0f == 0x0d { // the operand is X
			k = x
		}
		switch in.Code {
		case ldAbs:
			a = w[in.K/4]
		case ldLen:
			a = uint32(dataSize)
		case ldImm:
			a = in.K
		case ldMem:
			a = mem[in.K]
		case ldxLen:
			x = uint32(dataSize)
		case ldxImm:
			x = in.K
		case ldxMem:
			x = mem[in.K]
		case st:
			mem[in.K] = a
		case stx:
			mem[in.K] = x
		case addK, addX:
			a += k
		case subK, subX:
			a -= k
		case mulK, mulX:
			a *= k
		case divK, divX:
			if k == 0 {
				return 0
			}
			a /= k
		case orK, orX:
			a |= k
		case andK, andX:
			a &= k
		case lshK, lshX:
			a <<= k & 31
		case rshK, rshX:
			a >>= k & 31
		case xorK, xorX:
			a ^= k
		case neg:
			a = -a
		case ja:
			i += int(in.K)
		case jeqK, jeqX:
			i += in.branch(a == k)
		case jgtK, jgtX:
			i += in.branch(a > k)
		case jgeK, jgeX:
			i += in.branch(a >= k)
		case jsetK, jsetX:
			i += in.branch(a&k != 0)
		case retK:
			return in.K
		case retA:
			return a
		case tax:
			x = a
		case txa:
			a = x
		}
	}
	return 0 // check saw to it that there is a return
}

func (in *Insn) branch(taken bool) int {
	if taken {
		return int(in.JT)
	}
	return int(in.JF)
}
