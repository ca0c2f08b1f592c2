package tty

import "github.com/sbxrun/sbx/abi/linux"

// pump moves what the master wrote through the discipline as far as there is room.
func (t *TTY) pump() {
	for t.in.n > 0 {
		n := t.d.receive(t, t.in.front())
		if n == 0 {
			return
		}
		t.in.drop(n)
		t.wakes.master = true
	}
}

// receive takes typed bytes and returns how many of p it could use.
func (d *disc) receive(t *TTY, p []byte) int {
	done := 0
	for len(p) > 0 {
		n := min(len(p), d.room(t))
		if n == 0 {
			break
		}
		d.receiveBlock(t, p[:n])
		p = p[n:]
		done += n
	}
	return done
}

// room is how many bytes may come in. With a full buffer and no complete line in
// canonical mode it is 1 for ever: the last byte is replaced, so that erasing
// and the end of the line still work.
func (d *disc) room(t *TTY) int {
	room := bufSize - int(d.head-d.tail)
	if t.term.Iflag&linux.PARMRK != 0 {
		room = (room + 2) / 3
	}
	room--
	if room > 0 {
		return room
	}
	if !d.canon || d.line != d.tail {
		return 0
	}
	if room < 0 {
		d.head--
		if d.head-d.tail >= bufSize {
			d.head = d.tail + bufSize - 2 // PARMRK had stored two bytes
		}
	}
	return 1
}

func (d *disc) receiveBlock(t *TTY, p []byte) {
	preops := t.term.Iflag&linux.ISTRIP != 0 || t.term.Iflag&linux.IUCLC != 0 && t.term.Lflag&linux.IEXTEN != 0
	extproc := t.term.Lflag&linux.EXTPROC != 0
	if d.raw || extproc && !preops {
		for len(p) > 0 {
			c := copy(d.buf[d.head&bufMask:], p)
			d.head += uint32(c)
			p = p[c:]
		}
	} else {
		for _, c := range p {
			d.receiveByte(t, c, preops, extproc)
		}
		d.flushEchoes(t)
	}
	if (!d.canon || extproc) && d.head != d.tail {
		t.wakes.slave = true
	}
}

func (d *disc) receiveByte(t *TTY, c byte, preops, extproc bool) {
	if preops {
		if t.term.Iflag&linux.ISTRIP != 0 {
			c &= 0x7f
		}
		if t.term.Iflag&linux.IUCLC != 0 && t.term.Lflag&linux.IEXTEN != 0 {
			c = toLower(c)
		}
	}
	switch {
	case d.literal:
		d.literal = false
		d.receivePlain(t, c)
	case extproc:
		d.put(c)
	case d.isSpecial(c):
		d.receiveSpecial(t, c)
	default:
		d.receivePlain(t, c)
	}
}

func (t *TTY) restartAny(d *disc) {
	const any = linux.IXON | linux.IXANY
	if t.flow.stopped && !t.flow.tco && t.term.Iflag&any == any {
		t.start()
		d.processEchoes(t)
	}
}

// receivePlain echoes and stores a byte without a meaning.
func (d *disc) receivePlain(t *TTY, c byte) {
	t.restartAny(d)
	if t.term.Lflag&linux.ECHO != 0 {
		d.echoTyped(t, c)
	}
	d.putMarked(t, c)
}

// echoTyped echoes a byte of the line and remembers where the line began.
func (d *disc) echoTyped(t *TTY, c byte) {
	d.finishErasing()
	if d.line == d.head {
		d.addEchoOp(opSetCanonCol)
	}
	d.echoChar(t, c)
	d.commitEchoes(t)
}

// putMarked stores a byte; with PARMRK a 0xff is doubled.
func (d *disc) putMarked(t *TTY, c byte) {
	if c == 0xff && t.term.Iflag&linux.PARMRK != 0 {
		d.put(c)
	}
	d.put(c)
}

// receiveSpecial handles a byte that has a meaning in the present mode.
func (d *disc) receiveSpecial(t *TTY, c byte) {
	if t.term.Iflag&linux.IXON != 0 && d.receiveFlow(t, c) {
		return
	}
	if t.term.Lflag&linux.ISIG != 0 {
		if sig := t.signalOf(c); sig != 0 {
			d.receiveSignal(t, sig, c)
			return
		}
	}
	t.restartAny(d)
	switch c {
	case '\r':
		if t.term.Iflag&linux.IGNCR != 0 {
			return
		}
		if t.term.Iflag&linux.ICRNL != 0 {
			c = '\n'
		}
	case '\n':
		if t.term.Iflag&linux.INLCR != 0 {
			c = '\r'
		}
	}
	if d.canon && d.receiveCanon(t, c) {
		return
	}
	if t.term.Lflag&linux.ECHO != 0 {
		if c == '\n' {
			d.finishErasing()
			d.echoRaw('\n')
			d.commitEchoes(t)
		} else {
			d.echoTyped(t, c)
		}
	}
	d.putMarked(t, c)
}

// receiveFlow handles VSTART and VSTOP.
func (d *disc) receiveFlow(t *TTY, c byte) bool {
	switch c {
	case t.term.Cc[linux.VSTART]:
		t.start()
		d.processEchoes(t)
	case t.term.Cc[linux.VSTOP]:
		t.stop()
	default:
		return false
	}
	return true
}

func (t *TTY) signalOf(c byte) linux.Signal {
	switch c {
	case t.term.Cc[linux.VINTR]:
		return linux.SIGINT
	case t.term.Cc[linux.VQUIT]:
		return linux.SIGQUIT
	case t.term.Cc[linux.VSUSP]:
		return linux.SIGTSTP
	}
	return 0
}

// receiveSignal handles VINTR, VQUIT and VSUSP: signal, flush, restart, echo.
func (d *disc) receiveSignal(t *TTY, sig linux.Signal, c byte) {
	t.interrupt(sig)
	if t.term.Iflag&linux.IXON != 0 {
		t.start()
	}
	if t.term.Lflag&linux.ECHO != 0 {
		d.echoChar(t, c)
		d.commitEchoes(t)
	} else {
		d.processEchoes(t)
	}
}

// interrupt signals the foreground group and, unless NOFLSH, empties the queues.
func (t *TTY) interrupt(sig linux.Signal) {
	t.signalGroup(t.pgrp, sig)
	if t.term.Lflag&linux.NOFLSH != 0 {
		return
	}
	t.d.clearEchoes()
	t.flushOutput()
	t.d.flush()
	t.packetEvent(TIOCPKT_FLUSHREAD)
}

// receiveCanon edits the line; false if c is just a byte of it.
func (d *disc) receiveCanon(t *TTY, c byte) bool {
	n := &t.term
	extended := n.Lflag&linux.IEXTEN != 0
	switch {
	case c == n.Cc[linux.VERASE] || c == n.Cc[linux.VKILL] || c == n.Cc[linux.VWERASE] && extended:
		d.erase(t, c)
		d.commitEchoes(t)
	case c == n.Cc[linux.VLNEXT] && extended:
		d.literalNext(t)
	case c == n.Cc[linux.VREPRINT] && extended && n.Lflag&linux.ECHO != 0:
		d.reprint(t, c)
	case c == '\n':
		if n.Lflag&(linux.ECHO|linux.ECHONL) != 0 {
			d.echoRaw('\n')
			d.commitEchoes(t)
		}
		d.endLine(t, c)
	case c == n.Cc[linux.VEOF]:
		d.endLine(t, disabled)
	case c == n.Cc[linux.VEOL] || c == n.Cc[linux.VEOL2] && extended:
		if n.Lflag&linux.ECHO != 0 {
			if d.line == d.head {
				d.addEchoOp(opSetCanonCol)
			}
			d.echoChar(t, c)
			d.commitEchoes(t)
		}
		if c == 0xff && n.Iflag&linux.PARMRK != 0 {
			d.put(c)
		}
		d.endLine(t, c)
	default:
		return false
	}
	return true
}

func (d *disc) endLine(t *TTY, c byte) {
	d.setEnd(d.head)
	d.put(c)
	d.line = d.head
	t.wakes.slave = true
}

func (d *disc) literalNext(t *TTY) {
	d.literal = true
	if t.term.Lflag&linux.ECHO == 0 {
		return
	}
	d.finishErasing()
	if t.term.Lflag&linux.ECHOCTL != 0 {
		d.echoRaw('^')
		d.echoRaw('\b')
		d.commitEchoes(t)
	}
}

func (d *disc) reprint(t *TTY, c byte) {
	d.finishErasing()
	d.echoChar(t, c)
	d.echoRaw('\n')
	for i := d.line; i != d.head; i++ {
		d.echoChar(t, d.at(i))
	}
	d.commitEchoes(t)
}
