package tty

import "github.com/sbxrun/sbx/abi/linux"

// The echo buffer holds bytes and operations whose effect depends on where the
// cursor is once they are performed; an operation is opMark and its code. Any
// other code after opMark is a control character to show as ^X.
const (
	opMark        = 0xff // also, doubled, the byte 0xff itself
	opMoveBack    = 0x80
	opSetCanonCol = 0x81
	opEraseTab    = 0x82 // one argument
)

// Echoes are performed at the end of a block of input, or when echoBlock bytes
// of them have come together. Beyond echoDiscard, the oldest are dropped.
const (
	echoBlock   = 256
	echoDiscard = bufSize - (echoBlock + 32)
)

func (d *disc) echoAt(i uint32) byte { return d.echo[i&bufMask] }

func (d *disc) addEcho(c byte) {
	if d.echoHead-d.echoTail >= bufSize {
		d.dropEcho()
	}
	d.echo[d.echoHead&bufMask] = c
	d.echoHead++
}

func (d *disc) addEchoOp(op byte) {
	d.addEcho(opMark)
	d.addEcho(op)
}

// echoRaw echoes c as it is.
func (d *disc) echoRaw(c byte) {
	if c == opMark {
		d.addEcho(opMark)
	}
	d.addEcho(c)
}

// echoChar echoes c, a control character as ^X if ECHOCTL says so.
func (d *disc) echoChar(t *TTY, c byte) {
	if c != opMark && t.term.Lflag&linux.ECHOCTL != 0 && isControl(c) && c != '\t' {
		d.addEcho(opMark)
		d.addEcho(c)
		return
	}
	d.echoRaw(c)
}

func (d *disc) clearEchoes() { d.echoTail, d.echoHead, d.echoMark, d.echoCommit = 0, 0, 0, 0 }

// commitEchoes is called when a byte of input is done with.
func (d *disc) commitEchoes(t *TTY) {
	d.echoMark = d.echoHead
	waiting, before := d.echoHead-d.echoTail, d.echoCommit-d.echoTail
	if waiting >= echoBlock && waiting%echoBlock <= before%echoBlock {
		d.performEchoes(t, d.echoHead)
	}
}

// flushEchoes is called when a block of input is done with.
func (d *disc) flushEchoes(t *TTY) {
	if t.term.Lflag&(linux.ECHO|linux.ECHONL) != 0 && d.echoCommit != d.echoHead {
		d.performEchoes(t, d.echoHead)
	}
}

// processEchoes performs the echoes of all bytes that are done with.
func (d *disc) processEchoes(t *TTY) {
	if d.echoMark != d.echoTail {
		d.performEchoes(t, d.echoMark)
	}
}

// dropEcho forgets the oldest operation.
func (d *disc) dropEcho() {
	n := uint32(1)
	if d.echoAt(d.echoTail) == opMark {
		n = 2
		if d.echoAt(d.echoTail+1) == opEraseTab {
			n = 3
		}
	}
	n = min(n, d.echoHead-d.echoTail)
	if d.echoMark-d.echoTail < n {
		d.echoMark = d.echoTail + n
	}
	if d.echoCommit-d.echoTail < n {
		d.echoCommit = d.echoTail + n
	}
	d.echoTail += n
}

// performEchoes performs what is before end and fits into the output queue.
func (d *disc) performEchoes(t *TTY, end uint32) {
	d.echoCommit = end
	d.echoFull = false
	for d.echoTail != d.echoCommit {
		n := d.performEcho(t, t.outSpace())
		if n == 0 {
			d.echoFull = !t.flow.stopped
			break
		}
		d.echoTail += n
	}
	for d.echoCommit-d.echoTail >= echoDiscard {
		d.dropEcho()
	}
}

// performEcho performs one operation and returns its length, 0 without room.
func (d *disc) performEcho(t *TTY, space int) uint32 {
	c := d.echoAt(d.echoTail)
	if c != opMark {
		if t.term.Oflag&linux.OPOST != 0 {
			if !t.process(c, space) {
				return 0
			}
			return 1
		}
		if space == 0 {
			return 0
		}
		t.outByte(c)
		return 1
	}
	if d.echoHead-d.echoTail < 2 {
		return 1 // cannot happen: operations are added whole
	}
	switch op := d.echoAt(d.echoTail + 1); op {
	case opEraseTab:
		return d.performEraseTab(t, space)
	case opSetCanonCol:
		d.canonCol = d.column
	case opMoveBack:
		d.column -= min(d.column, 1)
	case opMark:
		if space == 0 {
			return 0
		}
		t.outByte(opMark)
		d.column++
	default:
		if space < 2 {
			return 0
		}
		t.outByte('^')
		t.outByte(op ^ 0x40)
		d.column += 2
	}
	return 2
}

func (d *disc) performEraseTab(t *TTY, space int) uint32 {
	columns := uint32(d.echoAt(d.echoTail + 2))
	if columns&0x80 == 0 {
		columns += d.canonCol
	}
	back := 8 - columns&7
	if int(back) > space {
		return 0
	}
	for range back {
		t.outByte('\b')
		d.column -= min(d.column, 1)
	}
	return 3
}
