package tty

import "github.com/sbxrun/sbx/abi/linux"

// bufSize is the size of the cooked input buffer and of the echo buffer, and so
// the longest line of canonical mode, newline included (termios(3)).
const (
	bufSize = 4096
	bufMask = bufSize - 1
)

// disc is the N_TTY line discipline of the slave. Positions count bytes since
// ever and are taken modulo bufSize; unsigned wrap-around is harmless.
type disc struct {
	buf  [bufSize]byte
	ends [bufSize / 64]uint64 // bit per position of buf: a line ends here
	tail uint32               // next byte to read
	head uint32               // next byte to put
	line uint32               // end of the last complete line (canonical mode)

	special [256 / 64]uint64 // bytes that need more than being stored
	raw     bool             // no byte needs anything
	canon   bool
	literal bool // the byte before was VLNEXT
	erasing bool // within a \.../ of ECHOPRT
	push    bool // the pending line was ended by a switch to canonical mode

	echo       [bufSize]byte
	echoTail   uint32 // next operation to perform
	echoHead   uint32 // next byte to put
	echoMark   uint32 // what is before belongs to bytes of input that are done with
	echoCommit uint32 // what is before is to be performed when there is room
	echoFull   bool   // there was none
	column     uint32 // of the cursor, as far as known
	canonCol   uint32 // where the line being edited started
}

func (d *disc) at(i uint32) byte      { return d.buf[i&bufMask] }
func (d *disc) isEnd(i uint32) bool   { return d.ends[i&bufMask/64]>>(i%64)&1 != 0 }
func (d *disc) setEnd(i uint32)       { d.ends[i&bufMask/64] |= 1 << (i % 64) }
func (d *disc) clearEnd(i uint32)     { d.ends[i&bufMask/64] &^= 1 << (i % 64) }
func (d *disc) isSpecial(c byte) bool { return d.special[c/64]>>(c%64)&1 != 0 }

// disabled is _POSIX_VDISABLE: a control character that is switched off. The end
// of a line that VEOF ended is stored as this byte, too.
const disabled = 0

// setTermios takes over t.term; old is what held before, nil for the first time.
func (d *disc) setTermios(t *TTY, old *linux.Termios) {
	n := &t.term
	if old == nil || (old.Lflag^n.Lflag)&(linux.ICANON|linux.EXTPROC) != 0 {
		d.switchCanon(n.Lflag&linux.ICANON != 0)
	}
	d.canon = n.Lflag&linux.ICANON != 0
	const cooked = linux.ISTRIP | linux.IUCLC | linux.IGNCR | linux.ICRNL | linux.INLCR | linux.IXON | linux.PARMRK
	d.raw = n.Iflag&cooked == 0 && n.Lflag&(linux.ICANON|linux.ISIG|linux.ECHO) == 0
	d.special = [4]uint64{}
	if !d.raw {
		d.markSpecial(n)
	}
	if old != nil && n.Iflag&linux.IXON == 0 && old.Iflag&linux.IXON != 0 && !t.flow.tco {
		t.start()
		d.processEchoes(t)
	}
	t.wakes = wakeSet{true, true}
}

// switchCanon reinterprets what is buffered when canonical mode goes on or off.
func (d *disc) switchCanon(canon bool) {
	d.ends = [bufSize / 64]uint64{}
	d.line = d.tail
	d.push = false
	if canon && d.head != d.tail {
		d.setEnd(d.head - 1)
		d.line = d.head
		d.push = true
	}
	d.erasing, d.literal = false, false
}

func (d *disc) markSpecial(n *linux.Termios) {
	set := func(c byte) { d.special[c/64] |= 1 << (c % 64) }
	if n.Iflag&(linux.IGNCR|linux.ICRNL) != 0 {
		set('\r')
	}
	if n.Iflag&linux.INLCR != 0 {
		set('\n')
	}
	if n.Lflag&linux.ICANON != 0 {
		set('\n')
		set(n.Cc[linux.VERASE])
		set(n.Cc[linux.VKILL])
		set(n.Cc[linux.VEOF])
		set(n.Cc[linux.VEOL])
		if n.Lflag&linux.IEXTEN != 0 {
			set(n.Cc[linux.VWERASE])
			set(n.Cc[linux.VLNEXT])
			set(n.Cc[linux.VEOL2])
			if n.Lflag&linux.ECHO != 0 {
				set(n.Cc[linux.VREPRINT])
			}
		}
	}
	if n.Iflag&linux.IXON != 0 {
		set(n.Cc[linux.VSTART])
		set(n.Cc[linux.VSTOP])
	}
	if n.Lflag&linux.ISIG != 0 {
		set(n.Cc[linux.VINTR])
		set(n.Cc[linux.VQUIT])
		set(n.Cc[linux.VSUSP])
	}
	d.special[disabled/64] &^= 1 << (disabled % 64)
}

// flush throws all input away, complete lines or not.
func (d *disc) flush() {
	d.tail, d.head, d.line = 0, 0, 0
	d.ends = [bufSize / 64]uint64{}
	d.erasing, d.push = false, false
}

// available tells whether a read would give something; poll asks with VMIN.
func (d *disc) available(t *TTY, poll bool) bool {
	if d.canon && t.term.Lflag&linux.EXTPROC == 0 {
		return d.line != d.tail
	}
	need := uint32(1)
	if m := t.term.Cc[linux.VMIN]; poll && m != 0 && t.term.Cc[linux.VTIME] == 0 {
		need = uint32(m)
	}
	return d.head-d.tail >= need
}

// pending is what FIONREAD gives.
func (d *disc) pending(t *TTY) int {
	if !d.canon || t.term.Lflag&linux.EXTPROC != 0 {
		return int(d.head - d.tail)
	}
	n := 0
	for i := d.tail; i != d.line; i++ {
		if !d.isEnd(i) || d.at(i) != disabled {
			n++
		}
	}
	return n
}

// put stores one byte. The room check of receive is what bounds it.
func (d *disc) put(c byte) {
	d.buf[d.head&bufMask] = c
	d.head++
}
