package tty

import "github.com/sbxrun/sbx/abi/linux"

// Termios returns the settings (TCGETS); of the slave, on either side.
func (e *End) Termios() (linux.Termios, error) {
	t := e.t
	t.mu.Lock()
	defer t.mu.Unlock()
	if e.dead() {
		return linux.Termios{}, linux.EIO
	}
	return t.term, nil
}

// SetTermios changes the settings (TCSETS, TCSETSW, TCSETSF): when is TCSANOW,
// TCSADRAIN or TCSAFLUSH, which throws input away. Drain has nothing to wait for,
// since a pseudo-terminal has sent what was written to it. A background process
// is stopped with SIGTTOU and gets ERESTART.
func (e *End) SetTermios(c Caller, when int, n linux.Termios) error {
	if when < linux.TCSANOW || when > linux.TCSAFLUSH {
		return linux.EINVAL
	}
	if err := e.jobControl(c, linux.SIGTTOU); err != nil {
		return err
	}
	t := e.t
	t.mu.Lock()
	defer t.unlock()
	if e.dead() {
		return linux.EIO
	}
	if when == linux.TCSAFLUSH {
		t.d.flush()
		t.refill()
	}
	old := t.term
	n.Cflag = n.Cflag&^(linux.CSIZE|linux.PARENB) | linux.CS8 | linux.CREAD
	n.SetSpeeds()
	t.term = n
	t.d.setTermios(t, &old)
	t.packetTermios(&old)
	t.refill()
	return nil
}

// packetTermios reports what a change of settings means to a master in packet mode.
func (t *TTY) packetTermios(old *linux.Termios) {
	doStop := func(n *linux.Termios) bool {
		return n.Iflag&linux.IXON != 0 && n.Cc[linux.VSTOP] == 'S'&0x1f && n.Cc[linux.VSTART] == 'Q'&0x1f
	}
	n := &t.term
	if was, is := doStop(old), doStop(n); was != is {
		if is {
			t.packetFlow(TIOCPKT_DOSTOP, TIOCPKT_NOSTOP)
		} else {
			t.packetFlow(TIOCPKT_NOSTOP, TIOCPKT_DOSTOP)
		}
	}
	if (old.Lflag|n.Lflag)&linux.EXTPROC != 0 {
		t.packetEvent(TIOCPKT_IOCTL)
	}
}

// Winsize returns the size of the screen (TIOCGWINSZ).
func (e *End) Winsize() (linux.Winsize, error) {
	t := e.t
	t.mu.Lock()
	defer t.mu.Unlock()
	if e.dead() {
		return linux.Winsize{}, linux.EIO
	}
	return t.win, nil
}

// SetWinsize changes it (TIOCSWINSZ); a change sends SIGWINCH to the foreground group.
func (e *End) SetWinsize(w linux.Winsize) error {
	t := e.t
	t.mu.Lock()
	defer t.unlock()
	if e.dead() {
		return linux.EIO
	}
	if w != t.win {
		t.win = w
		t.signalGroup(t.pgrp, linux.SIGWINCH)
	}
	return nil
}

// InputQueued is FIONREAD: how many bytes a read would find. In canonical mode
// only complete lines count.
func (e *End) InputQueued() (int, error) {
	t := e.t
	t.mu.Lock()
	defer t.mu.Unlock()
	if e.dead() {
		return 0, linux.EIO
	}
	if e.master {
		return t.out.n, nil
	}
	return t.d.pending(t), nil
}

// OutputQueued is TIOCOUTQ: always 0 for a pseudo-terminal.
func (e *End) OutputQueued() (int, error) {
	t := e.t
	t.mu.Lock()
	defer t.mu.Unlock()
	if e.dead() {
		return 0, linux.EIO
	}
	return 0, nil
}

// Flush is tcflush(3), TCFLSH: which is TCIFLUSH, TCOFLUSH or TCIOFLUSH.
func (e *End) Flush(c Caller, which int) error {
	if which < linux.TCIFLUSH || which > linux.TCIOFLUSH {
		return linux.EINVAL
	}
	if err := e.jobControl(c, linux.SIGTTOU); err != nil {
		return err
	}
	t := e.t
	t.mu.Lock()
	defer t.unlock()
	if e.dead() {
		return linux.EIO
	}
	input, output := which != linux.TCOFLUSH, which != linux.TCIFLUSH
	if e.master {
		t.flushMaster(input, output)
		return nil
	}
	if input {
		t.in.truncate(0)
		t.d.flush()
		t.packetEvent(TIOCPKT_FLUSHREAD)
		t.wakes.master = true
	}
	if output {
		t.flushOutput()
	}
	return nil
}

func (t *TTY) flushMaster(input, output bool) {
	if input {
		t.out.truncate(0)
		t.wakes.slave = true
	}
	if output {
		t.in.truncate(0)
		t.wakes.master = true
	}
}

// Drain is tcdrain(3): nothing to wait for, but for job control.
func (e *End) Drain(c Caller) error {
	if err := e.jobControl(c, linux.SIGTTOU); err != nil {
		return err
	}
	t := e.t
	t.mu.Lock()
	defer t.mu.Unlock()
	if e.dead() {
		return linux.EIO
	}
	return nil
}

// Flow is tcflow(3), TCXONC: TCOOFF and TCOON suspend and resume the output of
// this side, TCIOFF and TCION send VSTOP and VSTART to the other.
func (e *End) Flow(c Caller, action int) error {
	if err := e.jobControl(c, linux.SIGTTOU); err != nil {
		return err
	}
	t := e.t
	t.mu.Lock()
	defer t.unlock()
	if e.dead() {
		return linux.EIO
	}
	f := &t.flow
	if e.master {
		f = &t.masterFlow
	}
	switch action {
	case linux.TCOOFF:
		if !f.tco {
			f.tco = true
			f.stopped = true
			t.packetFlow(TIOCPKT_STOP, TIOCPKT_START)
		}
	case linux.TCOON:
		if f.tco {
			*f = flow{}
			t.packetFlow(TIOCPKT_START, TIOCPKT_STOP)
			t.wakes = wakeSet{true, true}
		}
	case linux.TCIOFF:
		t.sendXchar(e, t.term.Cc[linux.VSTOP])
	case linux.TCION:
		t.sendXchar(e, t.term.Cc[linux.VSTART])
	default:
		return linux.EINVAL
	}
	return nil
}

func (t *TTY) sendXchar(e *End, c byte) {
	switch {
	case c == disabled, !e.master && t.flow.tco:
	case e.master:
		t.masterWrite([]byte{c})
	case t.out.space() > 0:
		t.outByte(c)
	}
}

// Inject is TIOCSTI, which is refused as by a kernel with dev.tty.legacy_tiocsti=0.
func (e *End) Inject(byte) error { return linux.EIO }

// SetExclusive is TIOCEXCL and TIOCNXCL: no further opens of the slave.
func (e *End) SetExclusive(on bool) {
	e.t.mu.Lock()
	e.t.exclusive = on
	e.t.mu.Unlock()
}

// Exclusive is TIOCGEXCL.
func (e *End) Exclusive() bool {
	e.t.mu.Lock()
	defer e.t.mu.Unlock()
	return e.t.exclusive
}
