package unxz

import "encoding/binary"

// lzma2 decodes the chunks of one block into a window.
type lzma2 struct {
	dict int
	buf  []byte // the window, and what was not read yet
	pos  int    // of what was not read yet

	packed   []byte // a chunk
	dec      decoder
	props    bool // properties were set
	started  bool // the dictionary was reset
	ended    bool
	stateful bool // the state is good: a chunk may go on with it
}

// maxChunk is what a chunk may hold.
const maxChunk = 2 << 20

func (l *lzma2) reset(dict int) {
	*l = lzma2{dict: dict, buf: l.buf[:0], packed: l.packed}
}

// read takes what was decoded.
func (l *lzma2) read(p []byte) int {
	n := copy(p, l.buf[l.pos:])
	l.pos += n
	return n
}

// chunk decodes one chunk; false at the end of the block.
func (l *lzma2) chunk(in *counter) (bool, error) {
	control, err := in.ReadByte()
	if err != nil || control == 0 {
		return false, err
	}
	if control > 2 && control < 0x80 {
		return false, damaged("a chunk")
	}
	switch {
	case control == 1 || control >= 0xe0:
		l.started, l.props, l.stateful = true, false, false
		l.buf, l.pos = l.buf[:0], 0
	case !l.started:
		return false, damaged("the first chunk")
	}
	l.room()
	if control < 0x80 {
		return true, l.stored(in)
	}
	return true, l.lzma(in, control)
}

// room makes place for a chunk, and forgets what no match can reach. All was
// read.
func (l *lzma2) room() {
	if len(l.buf)+maxChunk <= max(2*l.dict, l.dict+2*maxChunk) {
		return
	}
	keep := min(len(l.buf), (l.dict+15)&^15)
	keep += (len(l.buf) - keep) & 15 // positions count modulo 16
	l.buf = append(l.buf[:0], l.buf[len(l.buf)-keep:]...)
	l.pos = keep
}

func (l *lzma2) stored(in *counter) error {
	var h [2]byte
	if err := in.full(h[:]); err != nil {
		return err
	}
	n := int(binary.BigEndian.Uint16(h[:])) + 1
	at := len(l.buf)
	l.grow(n)
	return in.full(l.buf[at:])
}

// grow adds n bytes to the window.
func (l *lzma2) grow(n int) {
	for cap(l.buf)-len(l.buf) < n {
		l.buf = append(l.buf[:cap(l.buf)], 0)[:len(l.buf)]
	}
	l.buf = l.buf[:len(l.buf)+n]
}

func (l *lzma2) lzma(in *counter, control byte) error {
	var h [4]byte
	if err := in.full(h[:]); err != nil {
		return err
	}
	unpacked := int(control&0x1f)<<16 + int(binary.BigEndian.Uint16(h[:])) + 1
	packed := int(binary.BigEndian.Uint16(h[2:])) + 1
	reset := control >> 5 & 3
	if reset >= 2 {
		b, err := in.ReadByte()
		if err != nil {
			return err
		}
		if !l.dec.properties(b) {
			return damaged("the properties of a chunk")
		}
		l.props = true
	}
	switch {
	case !l.props:
		return damaged("a chunk without properties")
	case reset > 0:
		l.dec.resetState()
	case !l.stateful:
		return damaged("a chunk goes on with nothing")
	}
	if cap(l.packed) < packed {
		l.packed = make([]byte, 1<<16)
	}
	l.packed = l.packed[:packed]
	if err := in.full(l.packed); err != nil {
		return err
	}
	at := len(l.buf)
	l.grow(unpacked)
	l.stateful = true
	if !l.dec.decode(l.buf, at, l.dict, l.packed) {
		return damaged("a chunk")
	}
	return nil
}
