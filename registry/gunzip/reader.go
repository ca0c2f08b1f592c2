package gunzip

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
)

// ErrData is what is wrong with input that is not gzip. Input that ends too early is io.ErrUnexpectedEOF.
var ErrData = errors.New("gunzip: the data is damaged")

const (
	windowSize = 32 << 10
	chunkSize  = 224 << 10
	outSlack   = 320 // what one turn of the fast loop may write and more
	inSize     = 64 << 10
	inAhead    = 16 // bytes that one turn of the fast loop may load
	inPad      = 32
)

type state uint8

const (
	inHeader state = iota
	inBlockHeader
	inStored
	inCodes
	inTrailer
)

// Reader decompresses one or more gzip members.
type Reader struct {
	src    io.Reader
	srcErr error // what src ended with
	in     []byte
	pos    int // next byte of in
	end    int // of what src gave
	bits   uint64
	nbits  uint // of bits that count; above them there may be more of the same stream
	state  state
	last   bool // this block is the member's last
	stored int  // bytes left of a stored block
	first  bool // no member has been read

	out   []byte
	start int // of what has not been delivered
	w     int // end of what has been decompressed
	hist  int // begin of what distances may reach
	sum   int // end of what crc has
	crc   uint32
	size  uint32
	err   error

	lit  [litSize]uint32
	dist [distSize]uint32
}

// NewReader makes a reader. It reads ahead of what it needs.
func NewReader(src io.Reader) *Reader {
	return &Reader{src: src, in: make([]byte, inSize+inPad), out: make([]byte, windowSize+chunkSize+outSlack), first: true}
}

// Read implements io.Reader.
func (z *Reader) Read(p []byte) (int, error) {
	for z.start == z.w {
		if z.err != nil {
			return 0, z.err
		}
		if len(p) == 0 {
			return 0, nil
		}
		z.advance()
	}
	n := copy(p, z.out[z.start:z.w])
	z.start += n
	return n, nil
}

// advance decompresses until a chunk is full or the stream ends.
func (z *Reader) advance() {
	if z.w >= windowSize {
		copy(z.out, z.out[z.w-windowSize:z.w])
		z.hist = max(0, z.hist-(z.w-windowSize))
		z.w = windowSize
	}
	z.start, z.sum = z.w, z.w
	for z.err == nil && z.w < len(z.out)-outSlack {
		before := z.w
		if z.err = z.step(); z.err != nil && z.err != io.EOF {
			z.w = before // made of bits that are not there, perhaps
		}
	}
	z.checksum()
}

// checksum takes in what has been decompressed.
func (z *Reader) checksum() {
	b := z.out[z.sum:z.w]
	z.crc, z.size, z.sum = crc32.Update(z.crc, crc32.IEEETable, b), z.size+uint32(len(b)), z.w
}

// step goes on with the stream.
func (z *Reader) step() error {
	switch z.state {
	case inHeader:
		return z.header()
	case inBlockHeader:
		return z.blockHeader()
	case inStored:
		return z.copyStored()
	case inCodes:
		return z.codes()
	}
	return z.trailer()
}

// fill reads more input. It fails when there is none.
func (z *Reader) fill() error {
	if z.srcErr != nil {
		if z.srcErr == io.EOF {
			return io.ErrUnexpectedEOF
		}
		return z.srcErr
	}
	keep := min(z.pos, 8) // what align may give back
	z.end = copy(z.in, z.in[z.pos-keep:z.end])
	z.pos = keep
	for idle := 0; ; idle++ {
		n, err := z.src.Read(z.in[z.end:inSize])
		z.end += n
		if err != nil {
			z.srcErr = err
			clear(z.in[z.end : z.end+inPad])
		}
		if n > 0 {
			return nil
		}
		if err != nil {
			return z.fill()
		}
		if idle > 100 {
			return io.ErrNoProgress
		}
	}
}

// need makes n bits, at most 32, ready.
func (z *Reader) need(n uint) error {
	for z.nbits < n {
		if z.pos >= z.end {
			if err := z.fill(); err != nil {
				return err
			}
		}
		z.bits |= uint64(z.in[z.pos]) << z.nbits
		z.pos++
		z.nbits += 8
	}
	return nil
}

// take consumes n ready bits.
func (z *Reader) take(n uint) uint32 {
	v := uint32(z.bits & (1<<n - 1))
	z.bits >>= n
	z.nbits -= n
	return v
}

// get consumes n bits.
func (z *Reader) get(n uint) (uint32, error) {
	if err := z.need(n); err != nil {
		return 0, err
	}
	return z.take(n), nil
}

// align goes to the next byte and gives back what was loaded ahead.
func (z *Reader) align() {
	z.pos -= int(z.nbits >> 3)
	z.bits, z.nbits = 0, 0
}

const (
	flagHeaderSum = 1 << 1
	flagExtra     = 1 << 2
	flagName      = 1 << 3
	flagComment   = 1 << 4
)

// header reads the header of a member. The end of the input is fine here, after the first.
func (z *Reader) header() error {
	if z.pos >= z.end {
		if err := z.fill(); err != nil {
			if err == io.ErrUnexpectedEOF && !z.first {
				return io.EOF
			}
			return err
		}
	}
	magic, err := z.get(32)
	if err != nil {
		return err
	}
	flags := magic >> 24
	if magic&0xffffff != 0x088b1f {
		return ErrData
	}
	if _, err = z.get(32); err == nil { // time
		_, err = z.get(16) // level and system
	}
	if err == nil && flags&flagExtra != 0 {
		var n uint32
		for n, err = z.get(16); err == nil && n > 0; n-- {
			_, err = z.get(8)
		}
	}
	for _, f := range []uint32{flagName, flagComment} {
		for c := uint32(1); err == nil && flags&f != 0 && c != 0; {
			c, err = z.get(8)
		}
	}
	if err == nil && flags&flagHeaderSum != 0 {
		_, err = z.get(16)
	}
	z.first, z.state = false, inBlockHeader
	z.crc, z.size, z.sum, z.hist = 0, 0, z.w, z.w
	return err
}

// trailer checks sum and size of a member.
func (z *Reader) trailer() error {
	z.align()
	sum, err := z.get(32)
	if err != nil {
		return err
	}
	size, err := z.get(32)
	if err != nil {
		return err
	}
	if z.checksum(); sum != z.crc || size != z.size {
		return ErrData
	}
	z.state = inHeader
	return nil
}

// blockHeader reads the header of a block.
func (z *Reader) blockHeader() error {
	if z.last {
		z.last, z.state = false, inTrailer
		return nil
	}
	v, err := z.get(3)
	if err != nil {
		return err
	}
	z.last = v&1 != 0
	switch v >> 1 {
	case 0:
		z.align()
		n, err := z.get(32)
		if err != nil {
			return err
		}
		if uint16(n) != ^uint16(n>>16) {
			return ErrData
		}
		z.stored, z.state = int(uint16(n)), inStored
		return nil
	case 1:
		z.state = inCodes
		return z.fixed()
	case 2:
		z.state = inCodes
		return z.dynamic()
	}
	return ErrData
}

// copyStored copies a stored block.
func (z *Reader) copyStored() error {
	z.align()
	for z.stored > 0 {
		if z.pos >= z.end {
			if err := z.fill(); err != nil {
				return err
			}
		}
		room := len(z.out) - outSlack - z.w
		if room <= 0 {
			return nil
		}
		n := copy(z.out[z.w:z.w+room], z.in[z.pos:min(z.end, z.pos+z.stored)])
		z.pos, z.w, z.stored = z.pos+n, z.w+n, z.stored-n
	}
	z.state = inBlockHeader
	return nil
}

// fixed makes the tables that the format fixes.
func (z *Reader) fixed() error {
	var lens [maxLits + maxDists]uint8
	for i := range maxLits {
		switch {
		case i < 144:
			lens[i] = 8
		case i < 256:
			lens[i] = 9
		case i < 280:
			lens[i] = 7
		default:
			lens[i] = 8
		}
	}
	for i := range maxDists {
		lens[maxLits+i] = 5
	}
	return z.tables(lens[:maxLits], lens[maxLits:])
}

func (z *Reader) tables(lits, dists []uint8) error {
	if !build(z.lit[:], litBits, lits, litSymbols[:], special|second) || !build(z.dist[:], distBits, dists, distSymbols[:], distTable) {
		return ErrData
	}
	return nil
}

// lengthOrder is the order of the lengths of the code of code lengths.
var lengthOrder = [19]uint8{16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15}

// dynamic reads the tables of a block.
func (z *Reader) dynamic() error {
	v, err := z.get(14)
	if err != nil {
		return err
	}
	lits, dists, codes := int(v&31)+257, int(v>>5&31)+1, int(v>>10)+4
	if lits > 286 || dists > 30 {
		return ErrData
	}
	var order [19]uint8
	for i := range codes {
		n, err := z.get(3)
		if err != nil {
			return err
		}
		order[lengthOrder[i]] = uint8(n)
	}
	var table [1 << 7]uint32
	var symbols [19]uint32
	for i := range symbols {
		symbols[i] = uint32(i)<<16 | special // never 0
	}
	if !build(table[:], 7, order[:], symbols[:], 0) {
		return ErrData
	}
	var lens [maxLits + maxDists]uint8
	if err := z.lengths(lens[:lits+dists], &table); err != nil {
		return err
	}
	return z.tables(lens[:lits], lens[lits:lits+dists])
}

// lengths reads the lengths of codes.
func (z *Reader) lengths(lens []uint8, table *[1 << 7]uint32) error {
	for i := 0; i < len(lens); {
		e := table[z.bits&127]
		for e == 0 || uint(e&0xff) > z.nbits { // the code may be shorter than 7 bits, and the last of the stream
			if z.nbits >= 7 {
				return ErrData
			}
			if err := z.need(z.nbits + 1); err != nil {
				return err
			}
			e = table[z.bits&127]
		}
		z.take(uint(e & 0xff))
		sym := uint8(e >> 16 & 31)
		if sym < 16 {
			lens[i] = sym
			i++
			continue
		}
		extra, least, value := uint(2), 3, uint8(0)
		switch sym {
		case 16:
			if i == 0 {
				return ErrData
			}
			value = lens[i-1]
		case 17:
			extra = 3
		case 18:
			extra, least = 7, 11
		}
		n, err := z.get(extra)
		if err != nil {
			return err
		}
		if i+least+int(n) > len(lens) {
			return ErrData
		}
		for range least + int(n) {
			lens[i] = value
			i++
		}
	}
	return nil
}

// codes decompresses a block of codes, until it ends or the chunk is full.
func (z *Reader) codes() error {
	for {
		limit := z.end - inAhead
		if z.srcErr != nil {
			limit = z.end + inPad - inAhead
		}
		done, ok := z.fast(limit)
		if z.pos-int(z.nbits>>3) > z.end {
			if z.srcErr != io.EOF {
				return z.srcErr
			}
			return io.ErrUnexpectedEOF
		}
		switch {
		case !ok:
			return ErrData
		case done:
			z.state = inBlockHeader
			return nil
		case z.w >= len(z.out)-outSlack:
			return nil
		}
		if z.srcErr == nil { // otherwise the next turn runs into the end
			if err := z.fill(); err != nil && z.srcErr == nil {
				return err
			}
		}
	}
}

// fast is the loop that does the work: until the block ends (done), the input is beyond limit or the chunk is full.
func (z *Reader) fast(limit int) (done, ok bool) {
	in, out := z.in, z.out
	pos, w, bits, nbits := z.pos, z.w, z.bits, z.nbits
	full := len(out) - outSlack
	lit, dist, hist := &z.lit, &z.dist, z.hist
	ok = true
	for pos <= limit && w < full {
		bits |= binary.LittleEndian.Uint64(in[pos:]) << (nbits & 63)
		pos += int((63 - nbits) >> 3)
		nbits |= 56
		e := lit[bits&(1<<litBits-1)]
		if e&literal != 0 {
			bits >>= e & 63
			nbits -= uint(e & 63)
			out[w] = byte(e >> 16)
			w++
			if e = lit[bits&(1<<litBits-1)]; e&literal != 0 {
				bits >>= e & 63
				nbits -= uint(e & 63)
				out[w] = byte(e >> 16)
				w++
				if e = lit[bits&(1<<litBits-1)]; e&literal != 0 {
					bits >>= e & 63
					nbits -= uint(e & 63)
					out[w] = byte(e >> 16)
					w++
					continue
				}
			}
		}
		if e&special != 0 {
			if e&second != 0 {
				bits >>= litBits
				nbits -= litBits
				e = lit[(uint64(e>>16)+bits&(1<<(e>>8&15)-1))&(litSize-1)]
				if e&literal != 0 {
					bits >>= e & 63
					nbits -= uint(e & 63)
					out[w] = byte(e >> 16)
					w++
					continue
				}
			}
			if e&special != 0 {
				bits >>= e & 63
				nbits -= uint(e & 63)
				done, ok = e&endBlock != 0, e&endBlock != 0
				break
			}
		}
		if e == 0 {
			ok = false
			break
		}
		n := int(e>>16) + int(bits&(1<<(e&63)-1)>>(e>>8&31))
		bits >>= e & 63
		nbits -= uint(e & 63)
		if nbits < 32 {
			bits |= binary.LittleEndian.Uint64(in[pos:]) << (nbits & 63)
			pos += int((63 - nbits) >> 3)
			nbits |= 56
		}
		d := dist[bits&(1<<distBits-1)]
		if d&distTable != 0 {
			bits >>= distBits
			nbits -= distBits
			d = dist[(uint64(d>>16&0x1fff)+bits&(1<<(d>>8&15)-1))&(distSize-1)]
		}
		back := int(d>>16) + int(bits&(1<<(d&63)-1)>>(d>>8&31))
		bits >>= d & 63
		nbits -= uint(d & 63)
		if d == 0 || back > w-hist {
			ok = false
			break
		}
		from, end := w-back, w+n
		switch {
		case back >= 8 && n <= 40:
			for ; w < end; w, from = w+8, from+8 {
				binary.LittleEndian.PutUint64(out[w:], binary.LittleEndian.Uint64(out[from:]))
			}
		case back >= n:
			copy(out[w:end], out[from:from+n])
		default: // what is being written is part of what is copied
			for k := w; k < end; {
				k += copy(out[k:end], out[from:k])
			}
		}
		w = end
	}
	z.pos, z.w, z.bits, z.nbits = pos, w, bits, nbits
	return done, ok
}
