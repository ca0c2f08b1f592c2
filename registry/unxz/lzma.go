package unxz

// The decoder of LZMA, after its specification: a range decoder that asks
// adaptive bit models, which tell literals from matches with earlier bytes.

const (
	modelBits  = 11
	modelInit  = 1 << modelBits / 2
	modelMove  = 5
	rangeTop   = 1 << 24
	maxPosBits = 4
	states     = 12
	litStates  = 7 // states after a literal
	minMatch   = 2
	startPos   = 4 // of position slots that have no extra bits
	endPos     = 14
	alignBits  = 4
	lenStates  = 4
)

type model = uint16

// lengths is the decoder of a match's length.
type lengths struct {
	choice, choice2 model
	low, mid        [1 << maxPosBits][8]model
	high            [256]model
}

func (l *lengths) reset() {
	l.choice, l.choice2 = modelInit, modelInit
	for i := range l.low {
		fill(l.low[i][:])
		fill(l.mid[i][:])
	}
	fill(l.high[:])
}

func fill(m []model) {
	for i := range m {
		m[i] = modelInit
	}
}

type decoder struct {
	lc, lp, pb uint

	literals []model // 0x300 for each context

	isMatch    [states << maxPosBits]model
	isRep      [states]model
	isRepG0    [states]model
	isRepG1    [states]model
	isRepG2    [states]model
	isRep0Long [states << maxPosBits]model
	slots      [lenStates][64]model
	special    [1<<(endPos/2) - endPos + 1]model
	align      [1 << alignBits]model
	length     lengths
	repLength  lengths

	state uint
	reps  [4]uint32

	// The range decoder.
	in   []byte
	at   int
	rng  uint32
	code uint32
	bad  bool // the input ended too early
}

// properties sets lc, lp and pb.
func (d *decoder) properties(b byte) bool {
	if b >= 9*5*5 {
		return false
	}
	lc, rest := uint(b)%9, uint(b)/9
	lp, pb := rest%5, rest/5
	if lc+lp > 4 {
		return false
	}
	d.lc, d.lp, d.pb = lc, lp, pb
	return true
}

func (d *decoder) resetState() {
	n := 0x300 << (d.lc + d.lp)
	if cap(d.literals) < n {
		d.literals = make([]model, n)
	}
	d.literals = d.literals[:n]
	for _, m := range [][]model{d.literals, d.isMatch[:], d.isRep[:], d.isRepG0[:], d.isRepG1[:], d.isRepG2[:], d.isRep0Long[:], d.special[:], d.align[:]} {
		fill(m)
	}
	for i := range d.slots {
		fill(d.slots[i][:])
	}
	d.length.reset()
	d.repLength.reset()
	d.state, d.reps = 0, [4]uint32{}
}

func (d *decoder) next() uint32 {
	if d.at >= len(d.in) {
		d.bad = true
		return 0
	}
	b := d.in[d.at]
	d.at++
	return uint32(b)
}

// bit decodes one bit by a model.
func (d *decoder) bit(m *model) uint32 {
	bound := d.rng >> modelBits * uint32(*m)
	var out uint32
	if d.code < bound {
		d.rng = bound
		*m += (1<<modelBits - *m) >> modelMove
	} else {
		d.rng -= bound
		d.code -= bound
		*m -= *m >> modelMove
		out = 1
	}
	if d.rng < rangeTop {
		d.rng <<= 8
		d.code = d.code<<8 | d.next()
	}
	return out
}

// direct decodes bits that are as often 0 as 1.
func (d *decoder) direct(n uint) (out uint32) {
	for ; n > 0; n-- {
		d.rng >>= 1
		d.code -= d.rng
		t := -(d.code >> 31) // all ones when it was less
		d.code += d.rng & t
		if d.rng < rangeTop {
			d.rng <<= 8
			d.code = d.code<<8 | d.next()
		}
		out = out<<1 + t + 1
	}
	return out
}

// tree decodes a number of n bits, the highest first.
func (d *decoder) tree(m []model, n uint) uint32 {
	k := uint32(1)
	for range n {
		k = k<<1 | d.bit(&m[k])
	}
	return k - 1<<n
}

// reverse decodes a number of n bits, the lowest first; m starts at the model
// of 1.
func (d *decoder) reverse(m []model, n uint) (out uint32) {
	k := uint32(1)
	for i := range n {
		b := d.bit(&m[k-1])
		k = k<<1 | b
		out |= b << i
	}
	return out
}

func (d *decoder) lengthOf(l *lengths, posState uint) int {
	if d.bit(&l.choice) == 0 {
		return int(d.tree(l.low[posState][:], 3))
	}
	if d.bit(&l.choice2) == 0 {
		return 8 + int(d.tree(l.mid[posState][:], 3))
	}
	return 16 + int(d.tree(l.high[:], 8))
}

// literal decodes one byte.
func (d *decoder) literal(buf []byte, at int) (byte, bool) {
	prev := uint(0)
	if at > 0 {
		prev = uint(buf[at-1])
	}
	context := (uint(at)&(1<<d.lp-1))<<d.lc + prev>>(8-d.lc)
	m := d.literals[0x300*context : 0x300*context+0x300]
	k := uint32(1)
	if d.state >= litStates {
		// After a match the byte is likely not the one that would have gone on
		// with it.
		dist := int(d.reps[0]) + 1
		if dist > at || d.bad {
			return 0, false
		}
		for guess := uint32(buf[at-dist]); k < 0x100; {
			g := guess >> 7 & 1
			guess <<= 1
			b := d.bit(&m[(1+g)<<8+k])
			k = k<<1 | b
			if b != g {
				break
			}
		}
	}
	for k < 0x100 {
		k = k<<1 | d.bit(&m[k])
	}
	switch {
	case d.state < 4:
		d.state = 0
	case d.state < 10:
		d.state -= 3
	default:
		d.state -= 6
	}
	return byte(k), true
}

// match decodes a match: its length, and its distance into reps[0].
func (d *decoder) match(posState uint) (n int, ok bool) {
	after := func(literal, other uint) {
		if d.state < litStates {
			d.state = literal
		} else {
			d.state = other
		}
	}
	if d.bit(&d.isRep[d.state]) == 0 {
		d.reps[3], d.reps[2], d.reps[1] = d.reps[2], d.reps[1], d.reps[0]
		after(7, 10)
		n = d.lengthOf(&d.length, posState)
		d.reps[0] = d.distance(n)
		return n + minMatch, d.reps[0] != 0xffffffff // the end mark has no place here
	}
	if d.bit(&d.isRepG0[d.state]) == 0 {
		if d.bit(&d.isRep0Long[d.state<<maxPosBits|posState]) == 0 {
			after(9, 11)
			return 1, true
		}
	} else {
		i := 1
		if d.bit(&d.isRepG1[d.state]) != 0 {
			i = 2 + int(d.bit(&d.isRepG2[d.state]))
		}
		dist := d.reps[i]
		copy(d.reps[1:i+1], d.reps[:i])
		d.reps[0] = dist
	}
	n = d.lengthOf(&d.repLength, posState)
	after(8, 11)
	return n + minMatch, true
}

// distance decodes the distance of a match, less one.
func (d *decoder) distance(n int) uint32 {
	slot := d.tree(d.slots[min(n, lenStates-1)][:], 6)
	if slot < startPos {
		return slot
	}
	bits := uint(slot>>1 - 1)
	dist := (2 | slot&1) << bits
	if slot < endPos {
		return dist + d.reverse(d.special[dist-slot:], bits)
	}
	return dist + d.direct(bits-alignBits)<<alignBits + d.reverse(d.align[:], alignBits)
}

// decode fills buf from at on, with the chunk in. Matches reach dict bytes
// back at most.
func (d *decoder) decode(buf []byte, at, dict int, in []byte) bool {
	d.in, d.at, d.bad = in, 1, false
	if len(in) < 5 || in[0] != 0 {
		return false
	}
	d.rng, d.code = 0xffffffff, 0
	for range 4 {
		d.code = d.code<<8 | d.next()
	}
	for at < len(buf) {
		posState := uint(at) & (1<<d.pb - 1)
		if d.bit(&d.isMatch[d.state<<maxPosBits|posState]) == 0 {
			b, ok := d.literal(buf, at)
			if !ok {
				return false
			}
			buf[at] = b
			at++
			continue
		}
		n, ok := d.match(posState)
		if !ok {
			return false
		}
		dist := int(d.reps[0]) + 1
		if dist > at || dist > dict || n > len(buf)-at || d.bad {
			return false
		}
		for ; n > 0; n-- {
			buf[at] = buf[at-dist]
			at++
		}
	}
	return !d.bad && d.code == 0 && d.at == len(in)
}
