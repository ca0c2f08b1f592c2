package tty

import "github.com/sbxrun/sbx/abi/linux"

// outSpace is how much the slave may write now: nothing while it is stopped.
func (t *TTY) outSpace() int {
	if t.flow.stopped {
		return 0
	}
	return t.out.space()
}

func (t *TTY) outByte(c byte) {
	t.out.putByte(c)
	t.wakes.master = true
}

const spaces = "        "

// process performs OPOST for one byte; false if the result has no room.
func (t *TTY) process(c byte, space int) bool {
	if space == 0 {
		return false
	}
	d, of := &t.d, t.term.Oflag
	switch c {
	case '\n':
		if of&linux.ONLRET != 0 {
			d.column = 0
		}
		if of&linux.ONLCR != 0 {
			if space < 2 {
				return false
			}
			d.column, d.canonCol = 0, 0
			t.outByte('\r')
			break
		}
		d.canonCol = d.column
	case '\r':
		if of&linux.ONOCR != 0 && d.column == 0 {
			return true
		}
		if of&linux.OCRNL != 0 {
			c = '\n'
			if of&linux.ONLRET == 0 {
				break
			}
		}
		d.column, d.canonCol = 0, 0
	case '\t':
		width := 8 - d.column&7
		if of&linux.TABDLY == linux.XTABS {
			if space < int(width) {
				return false
			}
			d.column += width
			t.out.put([]byte(spaces[:width]))
			t.wakes.master = true
			return true
		}
		d.column += width
	case '\b':
		d.column -= min(d.column, 1)
	default:
		if !isControl(c) {
			if of&linux.OLCUC != 0 {
				c = toUpper(c)
			}
			if !t.continuation(c) {
				d.column++
			}
		}
	}
	t.outByte(c)
	return true
}

// processRun sends the longest prefix of p that OPOST only counts columns of.
func (t *TTY) processRun(p []byte) int {
	p = p[:min(len(p), t.outSpace())]
	if t.term.Oflag&linux.OLCUC != 0 {
		return 0
	}
	utf8 := t.term.Iflag&linux.IUTF8 != 0
	n, columns := 0, uint32(0)
	for _, c := range p {
		if c < ' ' {
			break
		}
		n++
		if c != 0x7f && !(utf8 && c&0xc0 == 0x80) {
			columns++
		}
	}
	if n > 0 {
		t.d.column += columns
		t.out.put(p[:n])
		t.wakes.master = true
	}
	return n
}

// slaveWrite writes what fits and returns how much of p that was.
func (t *TTY) slaveWrite(p []byte) int {
	t.d.processEchoes(t)
	if t.term.Oflag&linux.OPOST == 0 {
		n := t.out.put(p[:min(len(p), t.outSpace())])
		t.wakes.master = t.wakes.master || n > 0
		return n
	}
	done := 0
	for done < len(p) {
		done += t.processRun(p[done:])
		if done == len(p) || !t.process(p[done], t.outSpace()) {
			break
		}
		done++
	}
	return done
}

// stop and start switch the slave's output off and on.

func (t *TTY) stop() {
	if !t.flow.stopped {
		t.flow.stopped = true
		t.packetFlow(TIOCPKT_STOP, TIOCPKT_START)
	}
}

func (t *TTY) start() {
	if t.flow.stopped && !t.flow.tco {
		t.flow.stopped = false
		t.packetFlow(TIOCPKT_START, TIOCPKT_STOP)
		t.wakes.slave = true
	}
}

// flushOutput throws away what the slave wrote, but for what already waits in
// the master's read buffer.
func (t *TTY) flushOutput() {
	t.out.truncate(bufSize - 1)
	t.packetEvent(TIOCPKT_FLUSHWRITE)
	t.wakes.slave = true
}

// packetEvent tells a master in packet mode of an event.
func (t *TTY) packetEvent(bits uint8) {
	if t.packet {
		t.pktStatus |= bits
		t.wakes.master = true
	}
}

func (t *TTY) packetFlow(set, clear uint8) {
	if t.packet {
		t.pktStatus &^= clear
		t.packetEvent(set)
	}
}
