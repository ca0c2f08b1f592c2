package gunzip

import "math/bits"

// Entries of the tables. The low byte is how many bits to consume, extra bits included; bits 8 to 12 how many of these
// are the code. A table is indexed by the next bits of the stream; longer codes go on in a second table.
const (
	literal   = 1 << 31 // literals and lengths: the byte is in bits 16 to 23
	special   = 1 << 30 // literals and lengths: none of the usual ones
	second    = 1 << 29 // special: a second table at bits 16 to 28, indexed by as many bits as bits 8 to 11 say
	endBlock  = 1 << 28 // special: the end of the block
	distTable = 1 << 31 // distances: as second
	badSymbol = special // special without more: no such symbol. For distances it is 0.

	litBits, distBits = 11, 9
	litSize, distSize = 1 << 13, 1 << 11 // with all second tables: see build
	maxLits, maxDists = 288, 32
	maxCode           = 15
)

// litSymbols and distSymbols are the entries of symbols with a code of no bits.
var (
	litSymbols  = makeLitSymbols()
	distSymbols = makeDistSymbols()
)

func makeLitSymbols() (t [maxLits]uint32) {
	for i := range 256 {
		t[i] = literal | uint32(i)<<16
	}
	t[256] = special | endBlock
	base := uint32(3)
	for i := range 28 {
		extra := uint32(max(i/4-1, 0))
		t[257+i] = base<<16 | extra
		base += 1 << extra
	}
	t[285] = 258 << 16
	t[286], t[287] = badSymbol, badSymbol
	return t
}

func makeDistSymbols() (t [maxDists]uint32) {
	base := uint32(1)
	for i := range 30 {
		extra := uint32(max(i/2-1, 0))
		t[i] = base<<16 | extra
		base += 1 << extra
	}
	return t // 30 and 31 are no distances
}

// build makes the table of a code from the lengths of its symbols' codes; false when they make no code. A complete code
// has at least two symbols in each second table, so 288 of at most 15 bits need 144 second tables of 16 entries, and 32
// distances 16 of 64.
func build(table []uint32, primary uint, lens []uint8, symbols []uint32, pointer uint32) bool {
	var count [maxCode + 1]int
	for _, n := range lens {
		count[n]++
	}
	var next [maxCode + 1]int
	code, used := 0, len(lens)-count[0]
	for n := 1; n <= maxCode; n++ {
		code <<= 1
		next[n] = code
		code += count[n]
	}
	clear(table[:1<<primary])
	switch {
	case used == 0:
		return true // nothing may use it
	case used == 1 && count[1] == 1: // the one code that may be incomplete
	case code != 1<<maxCode:
		return false
	}
	var codes [maxLits]uint16
	for sym, n := range lens {
		if n == 0 {
			continue
		}
		c := uint(bits.Reverse16(uint16(next[n])) >> (16 - n))
		next[n]++
		if codes[sym] = uint16(c); uint(n) <= primary {
			e := entry(symbols[sym], uint32(n))
			for i := c; i < 1<<primary; i += 1 << n {
				table[i] = e
			}
		} else if p := &table[c&(1<<primary-1)]; *p < uint32(n) {
			*p = uint32(n) // for now: the longest code of this second table
		}
	}
	buildSecond(table, primary, lens, codes[:len(lens)], symbols, pointer)
	return true
}

// buildSecond fills the second tables.
func buildSecond(table []uint32, primary uint, lens []uint8, codes []uint16, symbols []uint32, pointer uint32) {
	free := uint32(1) << primary
	for sym, n := range lens {
		if uint(n) <= primary {
			continue
		}
		c := uint(codes[sym])
		p := &table[c&(1<<primary-1)]
		if *p <= maxCode { // not yet made
			width := *p - uint32(primary)
			*p = pointer | free<<16 | width<<8 | uint32(primary)
			free += 1 << width
		}
		at, width := *p>>16&0x1fff, uint(*p>>8&15)
		e := entry(symbols[sym], uint32(n)-uint32(primary))
		for i := c >> primary; i < 1<<width; i += 1 << (uint(n) - primary) {
			table[uint(at)+i] = e
		}
	}
}

// entry is the entry of a symbol with a code of n bits.
func entry(symbol, n uint32) uint32 {
	if symbol == 0 {
		return 0
	}
	return symbol + n + n<<8
}
